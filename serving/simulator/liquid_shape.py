"""Is a text of Liquid shaped such that reading it costs no more than its length?

python-liquid splits a text by one regular expression, which looks for the end of every tag from every start:
where an end is missing, or a tag is mostly blank, that costs the square of the length. Here one pass sees
that every tag and every verbatim block ends, before that expression is tried.
"""

from __future__ import annotations

import re
from typing import Final

from serving.simulator.trace import SimulationError

__all__ = ["check_shape"]

_MOST: Final = 131_072
"""Characters of one text with Liquid; the longest in public exports has some thousand."""
_MOST_BLANK: Final = 400
_OPENER: Final = re.compile(r"\{\{|\{%")
_VERBATIM: Final = re.compile(r"-?\s{0,400}(raw|doc)\s{0,400}-?%\}")
_BLANK: Final = re.compile(rf"\s{{{_MOST_BLANK}}}")
_ENDS: Final = {name: re.compile(rf"\{{%-?\s{{0,400}}end{name}\s{{0,400}}-?%\}}") for name in ("raw", "doc")}


def check_shape(text: str) -> None:
    """Pass a text that can be split in time.

    Raises:
        SimulationError: LIQUID_SYNTAX with the line for what is opened and never closed, LIQUID_LIMIT for a
            text or a blank that is too long.
    """
    if len(text) > _MOST:
        raise SimulationError("LIQUID_LIMIT", f"{len(text)} characters of Liquid, the limit is {_MOST}")
    at = 0
    while opener := _OPENER.search(text, at):
        closer = "}}" if opener.group() == "{{" else "%}"
        line = text.count("\n", 0, opener.start()) + 1
        verbatim = _VERBATIM.match(text, opener.end()) if closer == "%}" else None
        if verbatim is not None:
            end = _ENDS[verbatim[1]].search(text, verbatim.end())
            if end is None:
                said = f"{{% {verbatim[1]} %}} is never closed; write {{% end{verbatim[1]} %}}"
                raise SimulationError("LIQUID_SYNTAX", f"line {line}: {said}")
            at = end.end()
            continue
        closed = text.find(closer, opener.end())
        if closed < 0:
            what = "an output" if closer == "}}" else "a tag"
            raise SimulationError(
                "LIQUID_SYNTAX", f"line {line}: {what} is opened and never closed; write {closer}"
            )
        if _BLANK.search(text, opener.end(), closed):
            said = f"more than {_MOST_BLANK} blanks in a row inside a tag"
            raise SimulationError("LIQUID_LIMIT", f"line {line}: {said}")
        at = closed + 2
