"""How long a wait lasts: `P3D`, `PT2H`, `P1DT12H` (ISO 8601; Flow format section 7 names the type Duration).

What a real file holds is not public: no export with a wait is known. Months and years have no fixed length,
so they are refused.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from serving.simulator.trace import SimulationError

__all__ = ["duration_of"]

_CODE: Final = "INVALID_DURATION"
_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_MOST_DIGITS: Final = 12


def duration_of(text: str) -> timedelta:
    """The time that a text stands for.

    Raises:
        SimulationError: INVALID_DURATION for a text that is none, or one of thousands of years.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise SimulationError(_CODE, f"{text[:40]!r} is no duration; write one such as P3D or PT2H")
    parts = {unit: amount for unit, amount in found.groupdict().items() if amount}
    if any(len(amount) > _MOST_DIGITS for amount in parts.values()):
        raise SimulationError(_CODE, f"{text[:40]!r} is longer than any calendar")
    try:
        return timedelta(**{unit: int(amount) for unit, amount in parts.items()})
    except OverflowError:
        raise SimulationError(_CODE, f"{text[:40]!r} is longer than any calendar") from None
