"""Seeded drawing: one `Draw` a block, so that a block depends on nothing but the seed and its number.

Only `random()` and `getrandbits()` of the standard generator are used: their streams are the same in every
version of Python.
"""

from __future__ import annotations

import functools
import hashlib
import math
import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Literal, TypeVar

__all__ = ["Draw", "IdStyle", "id_maker", "new_uuid"]

T = TypeVar("T")

IdStyle = Literal["uuid4", "uuid1", "uuid7", "ulid", "mixed"]
ID_STYLES: tuple[IdStyle, ...] = ("uuid4", "uuid1", "uuid7", "ulid")
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BASE32_PAIRS = tuple(high + low for high in BASE32 for low in BASE32)


class Draw(random.Random):
    """Random choices of one block."""

    def __init__(self, seed: int, *place: int | str) -> None:
        text = "/".join(map(str, (seed, *place)))
        super().__init__(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()))

    def pick(self, options: Sequence[T]) -> T:
        """One option, all equally likely."""
        return options[int(self.random() * len(options))]

    def popular(self, options: Sequence[T]) -> T:
        """One option by Zipf's law: the first is twice as likely as the second."""
        return options[bisect_right(_zipf(len(options)), self.random())]

    def weighted(self, options: Sequence[T], limits: Sequence[float]) -> T:
        """One option, where `limits` are cumulative probabilities that end in 1."""
        return options[bisect_right(limits, self.random())]

    def chance(self, share: float) -> bool:
        """True with probability `share`."""
        return self.random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def hex(self, digits: int) -> str:
        """So many lowercase hex digits."""
        return f"{self.getrandbits(4 * digits):0{digits}x}"

    def mixed(self, options: Sequence[T]) -> list[T]:
        """The options in another order (Fisher-Yates)."""
        shuffled = list(options)
        for last in range(len(shuffled) - 1, 0, -1):
            other = int(self.random() * (last + 1))
            shuffled[last], shuffled[other] = shuffled[other], shuffled[last]
        return shuffled

    def few(self, options: Sequence[T], most: int) -> list[T]:
        """One to `most` different options, popular ones first in likelihood, in drawn order."""
        return list(dict.fromkeys(self.popular(options) for _ in range(self.between(1, most))))

    def lognormal(self, middle: float, spread: float) -> float:
        """A lognormal number with median `middle` (Box-Muller)."""
        normal = math.sqrt(-2 * math.log(1 - self.random())) * math.cos(2 * math.pi * self.random())
        return middle * math.exp(spread * normal)


def id_maker(draw: Draw, style: IdStyle) -> Callable[[], str]:
    """A maker of ids as one editor session makes them.

    Ids of one session share their time: version 1 UUIDs count up, ULIDs and version 7 UUIDs share a prefix.
    """
    if style == "uuid4":
        return functools.partial(new_uuid, draw)
    if style == "uuid1":
        return _uuid1(draw)
    if style == "ulid":
        return functools.partial(_ulid, draw, "01M" + "".join(draw.pick(BASE32_PAIRS) for _ in range(3)))
    if style == "uuid7":
        return functools.partial(_uuid7, draw, f"0193{draw.hex(4)}-{draw.hex(4)}")
    makers = [id_maker(draw, style) for style in ID_STYLES]
    return lambda: draw.pick(makers)()


def new_uuid(draw: Draw) -> str:
    """A random (version 4) UUID."""
    digits = f"{draw.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _uuid1(draw: Draw) -> Callable[[], str]:
    tick = draw.getrandbits(31)
    rest = f"{draw.hex(4)}-11{draw.pick(('ec', 'ed', 'ee', 'ef', 'f0'))}-{draw.hex(4)}-{draw.hex(12)}"

    def make() -> str:
        nonlocal tick
        tick += 1 + int(draw.random() * 9)
        return f"{tick:08x}-{rest}"

    return make


def _uuid7(draw: Draw, prefix: str) -> str:
    digits = draw.hex(18)
    return f"{prefix}-7{digits[:3]}-b{digits[3:6]}-{digits[6:]}"


def _ulid(draw: Draw, prefix: str) -> str:
    low, high = draw.getrandbits(55), draw.getrandbits(30)
    pairs = BASE32_PAIRS
    return (
        f"{prefix}{BASE32[low & 31]}{pairs[low >> 5 & 1023]}{pairs[low >> 15 & 1023]}"
        f"{pairs[low >> 25 & 1023]}{pairs[low >> 35 & 1023]}{pairs[low >> 45]}"
        f"{pairs[high & 1023]}{pairs[high >> 10 & 1023]}{pairs[high >> 20]}"
    )


@functools.cache
def _zipf(size: int) -> tuple[float, ...]:
    weights = [1 / rank for rank in range(1, size + 1)]
    total = sum(weights)
    return (*(limit / total for limit in accumulate(weights[:-1])), 1.0)
