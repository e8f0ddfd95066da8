"""Identifiers in an Arrow array of texts: RE2 says which texts are worth a look at which pattern.

    find_in_array(pa.array(["Mail ann@corp.com", "Tag it"]))     # [(0, (Identifier(5, 17, "email", ...),))]

The table of patterns is the one of single texts, and so is what is found: for each pattern there is a wider
one that RE2 can run. One expression of all of them goes through the whole array once and leaves the few texts
that may hold anything; which of the patterns these are searched for is asked of them alone. A gate is a few
letters where a whole pattern would not do: with many repetitions of letters RE2 is a hundred times slower.
Texts that come again are searched once. Counts go by the kinds of `IDENTIFIER_KINDS`. Not here yet: numbers
that are no text, and arrays of more than 2 GiB.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.identifier_rules import CARRIERS, RULES, SECRET_WORDS, Rule
from pipelines.identifiers import ALL_RULES, ODD_MARKS, Identifier, find_by, is_surrogate
from pipelines.person_rules import PERSON_GATES
from pipelines.remainders import find_remainders

__all__ = ["IDENTIFIER_KINDS", "count_in", "find_in_array", "kind_of", "may_hold", "relaxed"]

IDENTIFIER_KINDS: Final[Mapping[str, str]] = {
    "ip4": "ip", "ip6": "ip", "token": "secret", "credentials": "url_secret", "query": "url_secret",
    "handle": "shop", "encoded_gid": "gid", "unknown_at": "unknown", "number": "unknown",
}  # fmt: skip
"""What a pattern calls it -> what people count; the other kinds have one name."""

_SPACE: Final = f"[{''.join(chr(mark) for mark, plain in ODD_MARKS.items() if plain == ' ')}]"
_HYPHEN: Final = f"[{''.join(chr(mark) for mark, plain in ODD_MARKS.items() if plain == '-')}]"
_ODD: Final = f"[{''.join(map(chr, ODD_MARKS))}]"


@dataclass(frozen=True, slots=True)
class _Group:
    """Patterns that one expression of RE2 speaks for: a text without `gate` holds nothing of them."""

    gate: str
    rules: frozenset[Rule]


def kind_of(found: Identifier) -> str:
    """The kind that it is counted as."""
    return "gid" if found.kind.startswith("gid://") else IDENTIFIER_KINDS.get(found.kind, found.kind)


def find_in_array(texts: pa.Array | pa.ChunkedArray) -> list[tuple[int, Sequence[Identifier]]]:
    """(place, what its text holds) of each text that holds anything, remainders included, in order."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    searched: dict[str, Sequence[Identifier]] = {}
    found = []
    places, rules, may_remain = _candidates(texts)
    for place, text in zip(places, texts.take(pa.array(places, pa.int64())).to_pylist(), strict=True):
        key = text
        one = searched.get(key)
        if one is None:
            one = find_by(text, rules[place])
            if place in may_remain:
                one = tuple(sorted((*one, *find_remainders(text, one)), key=lambda each: each.start))
            searched[key] = one
        if one:
            found.append((place, one))
    return found


def may_hold(texts: pa.Array) -> list[int]:
    """Places of the texts that the first gate lets pass; no other holds anything."""
    return _matching(texts, _FIRST_GATE)


def count_in(
    table: pa.Table | pa.RecordBatch, columns: Sequence[str] | None = None
) -> dict[str, dict[str, int]]:
    """Column -> kind -> how many identifiers its texts hold; a column without any is left out.

    `columns` are those to look at, by default all that hold text, in a list or not.
    """
    counts = {}
    for name in columns if columns is not None else table.schema.names:
        texts = table.column(name)
        while pa.types.is_list(texts.type) or pa.types.is_large_list(texts.type):
            texts = pc.list_flatten(texts)
        if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
            continue
        kinds = Counter(
            kind_of(one) for _, found in find_in_array(texts) for one in found if not is_surrogate(one)
        )
        if kinds:
            counts[name] = dict(sorted(kinds.items()))
    return counts


def _candidates(texts: pa.Array) -> tuple[list[int], dict[int, list[Rule]], set[int]]:
    """Places of texts to search, the patterns to search each for, and the places with a remainder perhaps."""
    passed = may_hold(texts)
    texts = texts.take(pa.array(passed, pa.int64()))
    if _any(texts, _ODD):
        texts = pc.replace_substring_regex(pc.replace_substring_regex(texts, _SPACE, " "), _HYPHEN, "-")
    wanted: dict[int, list[_Group]] = {}
    numbers = _matching(texts, _NUMBER_GATE)
    with_digits = texts.take(pa.array(numbers, pa.int64()))
    of_people = _matching(texts, _PERSON_GATE)
    with_people = texts.take(pa.array(of_people, pa.int64()))
    stages: tuple[tuple[pa.Array, list[int] | None, Sequence[_Group]], ...] = (
        (texts, None, _GROUPS),
        (with_digits, numbers, _NUMBER_GROUPS),
        (with_people, of_people, _PERSON_GROUPS),
    )
    for some, places, groups in stages:
        for group in groups:
            for place in _matching(some, group.gate):
                wanted.setdefault(place if places is None else places[place], []).append(group)
    remain = {numbers[place] for place in _matching(with_digits, _LONG_RUN)} | set(_matching(texts, _AT))
    for place in remain:
        wanted.setdefault(place, [])
    chosen: dict[frozenset[int], list[Rule]] = {}
    rules = {}
    for place, groups in wanted.items():
        key = frozenset(map(id, groups))
        if key not in chosen:
            chosen[key] = [rule for rule in ALL_RULES if any(rule in group.rules for group in groups)]
        rules[passed[place]] = chosen[key]
    return sorted(rules), rules, {passed[place] for place in remain}


def _matching(texts: pa.Array, pattern: str) -> list[int]:
    found: list[int] = pc.indices_nonzero(
        pc.fill_null(pc.match_substring_regex(texts, pattern), False)
    ).to_pylist()
    return found


def _any(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())


def relaxed(pattern: str) -> str:
    """The pattern for RE2: without look-around, with Unicode's letters and digits as `re` has them.

    Whatever `pattern` finds, this one matches; not the other way round. It is written for the patterns of the
    table: a look-around holds no other one, and the only reference is to a mark between digits.
    """
    pieces: list[str] = []
    looks: list[bool] = []
    position = 0
    while position < len(pattern):
        piece = _PIECES.match(pattern, position)
        assert piece is not None
        position = piece.end()
        text = piece[0]
        if text[0] == "(":
            looks.append(any(looks[-1:]) or _LOOKS.fullmatch(text) is not None)
            text = "(?:" if text == "(" or text.startswith("(?P<") else text
        if not any(looks[-1:]):
            pieces.append(_of_unicode(text))
        if text == ")":
            looks.pop()
    return "".join(pieces)


_PIECES: Final = re.compile(
    r"\\[\s\S]|\[\^?\]?(?:\\[\s\S]|[^\]\\])*\]|\((?:\?(?:<?[=!]|P<\w+>|-?[a-z]*:))?|[\s\S]"
)
_LOOKS: Final = re.compile(r"\(\?<?[=!]")


def _of_unicode(piece: str) -> str:
    if piece.startswith("["):
        if piece.startswith("[^"):
            return r"\pL" if piece == r"[^\W\d_]" else piece
        return piece.replace(r"\w", r"\pL\pN_").replace(r"\d", r"\p{Nd}")
    if piece[0] == "\\":
        if piece[1] in "23456789":
            return r"[-. ]"
        return {r"\w": r"[\pL\pN_]", r"\d": r"\p{Nd}", r"\b": ""}.get(piece, piece)
    return piece


def _of(*kinds: str) -> list[Rule]:
    return [rule for rule in RULES if rule.kind in kinds]


def _group(rules: Iterable[Rule]) -> _Group:
    rules = list(rules)
    return _Group(f"(?i:{'|'.join(relaxed(rule.pattern.pattern) for rule in rules)})", frozenset(rules))


_AT: Final = r"[^\s\"'<>(){}\[\],;:@]@[^\s\"'<>(){}\[\],;:@]"
_OF_TOKENS: Final = "|".join(
    (
        r"gid://|(?:shp(?:at|ss|ca|pa|ua|tka)|[srp]k_(?:live|test)|whsec|gh[poshr])_[0-9a-z]",
        r"github_pat_|xox[a-z]-|xapp-|glpat-|npm_|hf_|pypi-|dop_v1_|ya29\.|EAA[0-9a-z]{4}|sk-\S{6}|AKIA|AIza",
        r"eyJ\S{6}|SG\.\S{4}|(?:bearer|basic)[ \t]+\S{6}|Z2lkOi8v|myshopify\.|shopify\.com/store/",
        r"hooks?[./]|hook\.|/webhook|webhook\.office|chat\.googleapis|ifttt\.com",
        SECRET_WORDS,
    )
)
"""The letters without which no pattern of a secret, a hook or a shop has a chance."""
_OF_MACHINES: Final = (
    r"[A-Z]{2}[0-9]{2} ?[A-Z0-9] ?[A-Z0-9]|:[0-9a-f]{0,4}:|[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
)
_OF_PARCELS: Final = (
    r"[A-Z]{2}[0-9]{9}[A-Z]{2}|1Z ?[0-9A-Z]{3} ?[0-9A-Z]"
    rf"|(?:{CARRIERS})[^\pL\pN_]{{0,3}}(?:num|n|id|code|[0-9A-Z]{{0,6}}\p{{Nd}})"
)
_IN_NUMBERS: Final = [*_of("card", "phone"), *(rule for rule in _of("tracking") if "9" in rule.holds)]
_GROUPS: Final = (
    _Group(_AT, frozenset(_of("email"))),
    _Group(r"://[^\s\"'<>{}]+@", frozenset(_of("credentials"))),
    _group(_of("query")),
    _Group(f"(?i:{_OF_TOKENS})", frozenset(_of("gid", "token", "webhook", "encoded_gid", "shop", "handle"))),
    _Group(f"(?i:{_OF_MACHINES})", frozenset(_of("iban", "ip6", "ip4"))),
    _Group(f"(?i:{_OF_PARCELS})", frozenset(rule for rule in _of("tracking") if rule not in _IN_NUMBERS)),
)
_NUMBER_GROUPS: Final = tuple(
    _group(_IN_NUMBERS[start : start + 2]) for start in range(0, len(_IN_NUMBERS), 2)
)
_PERSON_GROUPS: Final = tuple(_Group(gate, frozenset(rules)) for gate, rules in PERSON_GATES.items())
_PERSON_GATE: Final = "|".join(PERSON_GATES)
_NUMBER_GATE: Final = r"\p{Nd}(?:[ ()./-]{0,3}\p{Nd}){6}"
"""Cards, phones and what postal services number have seven digits or more, with few marks between."""
_LONG_RUN: Final = r"\p{Nd}(?:[ ()./-]{0,2}\p{Nd}){8}"
_FIRST_GATE: Final = "|".join((_NUMBER_GATE, _PERSON_GATE, _ODD, *(group.gate for group in _GROUPS)))
"""What passes it may hold something; what does not holds nothing, by any pattern and by no remainder."""
