"""What is left after the patterns and still may be somebody's: long runs of digits, and whatever has an `@`.

    find_remainders("ring 5551 234 567 x2", found)      # (Identifier(5, 17, "number", "5551234567"),)

Fail closed: nine digits or more with no more than two marks between two of them go, unless they are known to
be something else: a moment, an amount, the code of a product with its check digit (GS1), a number that
follows `#`. An `@` goes with the words on both sides of it. Liquid, workflow paths and other names of code
never do. The price is an order's id without a `#`, which goes too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipelines.identifier_rules import is_product_code
from pipelines.identifiers import Identifier, masked

__all__ = ["find_remainders"]

_CURRENCY: Final = r"(?:EUR|USD|GBP|CHF|JPY|BRL|CAD|AUD|NZD|MXN|SEK|NOK|DKK|PLN|CZK|INR|CNY|R\$|[$€£¥])"
_MONEY: Final = r"\d{1,3}(?:[.,' \u202f]\d{3}){1,5}(?:[.,]\d{1,2})?"
_KNOWN: Final = re.compile(
    r"\{\{[^{}]{0,500}\}\}|\{%[^%{}]{0,500}%\}"  # Liquid
    r"|(?<!\d)(?:19|20)\d\d[-/.]\d\d?[-/.]\d\d?"
    r"(?:[T ]\d\d?:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z| ?[+-]\d\d:?\d\d)?)?(?!\d)"
    r"|(?<!\d)(?:19|20)\d\d-(?:0[1-9]|1[0-2])(?![\d-])"
    r"|(?<!\d)\d\d?[-/.]\d\d?[-/.](?:19|20)\d\d(?:,? \d\d?:\d\d(?::\d\d)?)?(?!\d)"
    rf"|{_CURRENCY} ?-?(?:{_MONEY}(?!\d)|\d+(?:[.,]\d{{1,2}})?(?!\d|[.,]\d))"
    rf"|(?<![\d.,])(?:{_MONEY}|\d+)(?= ?(?:{_CURRENCY}|%))"
    r"|(?<![\d.,])\d+[.,]\d{1,2}(?!\d|[.,]\d)|(?<![\d.,])\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,9})?(?![\d,])"
    r"|#[\w-]*\d[\w-]*|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    r"|redacted_\d+(?=@)|gid://[a-z0-9-]+/[A-Za-z]+/\S+|\+0-000-000-\d{4,}|0000-0000-0000-\d{4,}|XX00REDACTED\d+"
    r"|(?<!\d)\d{1,6} ?[x×] ?\d{1,6}(?: ?[x×] ?\d{1,6})?"
)
_DIGITS: Final = re.compile(r"(?<![\w.,])(?<![A-Za-z0-9]-)\d(?:[ ()./-]{0,2}\d){8,}(?!\w)")
_LONG: Final = re.compile(r"\d(?:[ ()./-]{0,2}\d){8}")
_CODES: Final = re.compile(r"(?<![\w.,-])[0-9]{12,14}(?!\w)")
_WORD: Final = r"[^\s\"'<>(){}\[\],;:@\x1f]"
_MAYBE: Final = re.compile(rf"@(?<={_WORD}@){_WORD}|{_LONG.pattern}")
_LIQUID_OF_LINES: Final = re.compile(r"\{\{[^{}\n]{0,500}\n|\{%[^%{}\n]{0,500}\n")
_AT: Final = re.compile(rf"(?<!{_WORD}){_WORD}+@(?!redacted\.invalid){_WORD}*[^\s\"'<>(){{}}\[\],;:@.\x1f]")


def find_remainders(text: str, found: Sequence[Identifier] = ()) -> Sequence[Identifier]:
    """What of `text` must go as well, in order; `found` are its identifiers, which are out of reach."""
    if "@" not in text and not _LONG.search(text):
        return ()
    rest = masked(text, found)
    if _LIQUID_OF_LINES.search(rest):
        return _sorted(_remainders(rest, 0)) if _MAYBE.search(rest) else ()
    left: list[Identifier] = []
    end = 0
    while maybe := _MAYBE.search(rest, end):  # nothing here goes beyond its line
        start = rest.rfind("\n", 0, maybe.start()) + 1
        end = rest.find("\n", maybe.start())
        end = len(rest) if end < 0 else end
        left += _remainders(rest[start:end], start)
    return _sorted(left)


def _sorted(left: Iterable[Identifier]) -> Sequence[Identifier]:
    return tuple(sorted(left, key=lambda one: one.start))


def _hidden(known: re.Match[str]) -> str:
    return "\x1f" * len(known[0])


def _remainders(text: str, offset: int) -> Iterator[Identifier]:
    text = _KNOWN.sub(_hidden, text)
    text = _CODES.sub(lambda code: _hidden(code) if is_product_code(code[0]) else code[0], text)
    for run in _DIGITS.finditer(text):
        yield Identifier(offset + run.start(), offset + run.end(), "number", re.sub(r"\D", "", run[0]))
    for at in _AT.finditer(text):
        yield Identifier(offset + at.start(), offset + at.end(), "unknown_at", at[0].casefold())
