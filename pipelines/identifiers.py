"""Structured identifiers in free text: where they stand, of which kind, and what they have in common.

    find_identifiers("Mail Ann@Corp.com")  # (Identifier(5, 17, "email", "ann@corp.com"),)

Found are e-mail addresses, phone numbers, credentials in URLs, tokens, shops' domains, ids of Shopify's
objects, IP addresses, payment cards (Luhn) and IBANs (mod 97). What looks like one is taken for one:
`555-123-4567` is a phone number wherever it stands, four small numbers with dots are an address. Not here
yet: names, postal addresses, secrets without a form of their own, and phone numbers without any punctuation
unless a word such as "phone" or "call" stands before them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.identifier_rules import RULES, Rule
from pipelines.person_rules import PERSON_RULES

__all__ = [
    "ALL_RULES",
    "ODD_MARKS",
    "SHORT_TEXT",
    "Identifier",
    "find_by",
    "find_identifiers",
    "is_surrogate",
    "masked",
    "replaced",
]


ALL_RULES: Final = (*RULES, *PERSON_RULES)
SHORT_TEXT: Final = 1024
"""What is no longer than that is remembered, in characters."""
_MASK: Final = "\x1f"
"""In the place of what was found already: white space to every pattern, and no separator inside any."""
ODD_MARKS: Final = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f"), " ") | dict.fromkeys(
    range(0x2010, 0x2015), "-"
)
"""What typists and programs put for a space and a hyphen inside a number."""
_ODD: Final = re.compile(f"[{''.join(map(chr, ODD_MARKS))}]")


@dataclass(frozen=True, slots=True)
class Identifier:
    """`text[start:end]`; `key` is the same for every spelling of the same identifier."""

    start: int
    end: int
    kind: str
    key: str


def find_identifiers(text: str) -> Sequence[Identifier]:
    """Every identifier in `text`, in order; none overlaps another."""
    return _find_again(text) if len(text) <= SHORT_TEXT else find_by(text, ALL_RULES)


@functools.lru_cache(maxsize=8192)
def _find_again(text: str) -> Sequence[Identifier]:
    """Short texts are mostly words of the catalogue, and come again in every conversation."""
    return find_by(text, ALL_RULES)


def find_by(text: str, rules: Iterable[Rule]) -> Sequence[Identifier]:
    """What some of `ALL_RULES` find, which come in the order of the table."""
    found: list[Identifier] = []
    if not text.isascii() and _ODD.search(text):
        text = text.translate(ODD_MARKS)
    small = text.lower()
    for rule in rules:
        if rule.holds and not any(part in small for part in rule.holds):
            continue
        if more := list(_matches(rule, text)):
            text = masked(text, more)
            found += more
    return tuple(sorted(found, key=lambda one: one.start))


def is_surrogate(found: Identifier) -> bool:
    """Whether it is one that `pipelines.redact` puts in the place of another and that looks like any other.

    Ids below 100,000: those of Shopify's objects are longer. Addresses of 198.18.0.0/15 (RFC 2544) and of the
    first 65,536 in 2001:db8::/32 (RFC 3849), which belong to nobody.
    """
    if found.kind.startswith("gid://"):
        return found.key.isdecimal() and len(found.key) < 6
    if found.kind == "ip4":
        return found.key.startswith(("198.18.", "198.19."))
    return found.kind == "ip6" and re.fullmatch(r"2001:db8::[0-9a-f]{1,4}", found.key) is not None


def replaced(text: str, by: Iterable[tuple[Identifier, str]]) -> str:
    """`text` with another text in the place of each of its identifiers, which come in order."""
    pieces: list[str] = []
    position = 0
    for one, other in by:
        pieces += text[position : one.start], other
        position = one.end
    return "".join([*pieces, text[position:]])


def masked(text: str, found: Iterable[Identifier]) -> str:
    """`text` with nothing to find in the places of `found`; as long as before."""
    return replaced(text, ((one, _MASK * (one.end - one.start)) for one in found))


def _matches(rule: Rule, text: str) -> Iterator[Identifier]:
    """What is no identifier after all may hold one: the search goes on one character later."""
    position = 0
    while match := rule.search(rule.pattern, text, position):
        valid = rule.valid(match)
        if valid is None:
            position = match.start() + 1
            continue
        end, key = valid
        start = match.start("it")
        kind = rule.kind if rule.kind != "gid" else text[match.start() : start]
        yield Identifier(start, end, kind, key)
        position = end
