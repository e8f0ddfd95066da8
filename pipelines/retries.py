"""Do it again when the world is busy."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from schemas.errors import Transient

__all__ = ["retried"]

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


def retried(work: Callable[[], Result], *, attempts: int, first_seconds: float, what: str = "") -> Result:
    """Call `work`, which is idempotent, and where it raises Transient, wait and call it again, so many times.

    The wait doubles each time and is drawn from its upper half, so that two writers that met in one commit
    do not meet again. Raises what the last call raises.
    """
    for attempt in range(1, attempts):
        try:
            return work()
        except Transient as busy:
            longest = first_seconds * 2 ** (attempt - 1)
            seconds = random.uniform(longest / 2, longest)  # noqa: S311
            told = f"{what}: {busy}" if what else str(busy)
            logger.warning("attempt %d of %d: %s; next in %.1f s", attempt, attempts, told, seconds)
            time.sleep(seconds)
    return work()
