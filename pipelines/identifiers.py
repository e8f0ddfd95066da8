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
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Identifier", "find_identifiers", "replaced"]


@dataclass(frozen=True, slots=True)
class Identifier:
    """`text[start:end]`; `key` is the same for every spelling of the same identifier."""

    start: int
    end: int
    kind: str
    key: str


_Valid = Callable[[re.Match[str]], tuple[int, str] | None]
"""From a match to its end and key, None where it is no identifier after all."""

_SHORT: Final = 256
_MASK: Final = "\x1f"
"""In the place of what was found already: white space to every pattern, and no separator inside any."""

# Where something begins; also after an escape of JSON inside a text: in `\nann@...` nobody is called `nann`.
_WORD: Final = r"(?:(?<=\\[nrtbf])|(?<![\w.+%-])(?!(?<=\\)[nrtbf]))"
_EDGE: Final = r"(?:(?<=\\[nrtbf])|(?<![0-9A-Za-z]))"
_NUMBER: Final = r"(?:(?<=\\[nrtbf])|(?<![\w.,+-]))"

_OURS: Final = r"(?!redacted_[0-9])"
_SECRET: Final = (
    r"(?:[\w-]*(?:token|secret|signature|password|passwd|api_?key|session)|key|sig|hmac|auth|pwd)"
)
_DIGITS: Final = "0 1 2 3 4 5 6 7 8 9"

_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU", 31: "MT SC", 32: "LC",
    }.items()
    for country in countries.split()
}  # fmt: skip
_CARDS: Final = re.compile(
    r"4(?:\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}"
    r"|6\d{15,18}|5[0678]\d{14,17}"
)
"""Lengths and first digits in use. Thirteen digits are an order's id or a product's code, and no card now."""


def _exact(found: re.Match[str]) -> tuple[int, str]:
    return found.end("it"), found["it"]


def _caseless(found: re.Match[str]) -> tuple[int, str]:
    return found.end("it"), found["it"].casefold()


def _shop(found: re.Match[str]) -> tuple[int, str]:
    return found.end("it"), found["it"].casefold().partition(".")[0]


def _digits_of(text: str) -> str:
    return "".join(str(int(character)) for character in text if character.isdecimal())


def _phone(found: re.Match[str]) -> tuple[int, str]:
    return found.end("it"), ("+" if "+" in found["it"] else "") + _digits_of(found["it"])


def _national(found: re.Match[str]) -> tuple[int, str] | None:
    digits = _digits_of(found["it"])
    return (found.end("it"), digits) if 9 <= len(digits) <= 11 else None


def _card(found: re.Match[str]) -> tuple[int, str] | None:
    digits = _digits_of(found["it"])
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    passes = sum(number - 9 * (number > 9) for number in doubled) % 10 == 0
    return (found.end("it"), digits) if passes and _CARDS.fullmatch(digits) else None


def _iban(found: re.Match[str]) -> tuple[int, str] | None:
    """As many characters as its country's have: words that follow it do not belong to it."""
    length = _IBAN_LENGTHS.get(found["it"][:2].upper())
    if length is None:
        return None
    places = [place for place in range(*found.span("it")) if found.string[place] != " "][:length]
    key = "".join(found.string[place] for place in places).upper()
    if len(key) < length:
        return None
    number = int("".join(str(int(character, 36)) for character in key[4:] + key[:4]))
    return (places[-1] + 1, key) if number % 97 == 1 else None


def _address(found: re.Match[str]) -> tuple[int, str] | None:
    """An IP address. `::1` is everyone's, and what has no digit is a name such as `add::cafe`."""
    try:
        address = ipaddress.ip_address(found["it"])
    except ValueError:
        return None
    names = address.version == 6 and (address.packed[:15] == bytes(15) or not _digits_of(found["it"]))
    return None if names else (found.end("it"), str(address))


@dataclass(frozen=True, slots=True)
class _Rule:
    """`holds`: the pattern has no chance where none of these is in the text, in small letters."""

    kind: str
    holds: tuple[str, ...]
    pattern: re.Pattern[str]
    valid: _Valid


def _rule(kind: str, holds: str, *pattern: str, valid: _Valid = _exact) -> _Rule:
    return _Rule(kind, tuple(holds.split()), re.compile("".join(pattern), re.IGNORECASE), valid)


# What an earlier rule found is out of reach of the later ones. No pattern begins twice in one run of the
# characters that it repeats, so that hostile text costs no more than its length.
_RULES: Final = (
    _rule(
        "gid",
        "gid://",
        r"gid://[a-z0-9-]+/[a-z]+/",
        r"(?P<it>(?:[0-9][\w-]*|[0-9a-f]{8}-[0-9a-f-]{27})(?:\?[\w=&-]+)?)",
    ),
    _rule(
        "token",
        "shp sk_ rk_ pk_ whsec_ gh",
        r"(?:shp(?:at|ss|ca|pa|ua|tka)|[srp]k_(?:live|test)|whsec|gh[poshr]|github_pat)_(?P<it>[0-9a-z]{16,})",
    ),
    _rule(
        "token",
        "xox sk- akia aiza eyj sg.",
        rf"{_EDGE}(?P<it>xox[a-z]-[\w-]{{10,}}|sk-(?=[\w-]*[0-9])[\w-]{{20,}}|AKIA[0-9A-Z]{{16}}",
        r"|AIza[\w-]{35}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|SG\.[\w-]{16,}\.[\w-]{16,})",
    ),
    _rule(
        "token",
        "hooks.slack.com /api/webhooks",
        r"(?:hooks\.slack\.com/\w+|/api/webhooks)/(?P<it>[\w/-]{8,})",
    ),
    _rule(
        "token",
        "bearer basic",
        rf"\b(?:bearer|basic)[ \t]+(?P<it>{_OURS}(?=[\w.~+/-]*(?:[0-9]|==?))[\w.~+/-]{{12,}}={{0,2}})",
    ),
    _rule("credentials", "://", rf"://(?P<it>{_OURS}[^\s/?#\"'<>{{}}]+)(?=@)"),
    _rule("token", "=", rf"[?&;#]{_SECRET}=(?P<it>{_OURS}[^\s&\"'<>#{{}}]+)"),
    _rule(
        "email",
        "@",
        rf"{_WORD}(?P<it>{_OURS}[\w.+%-]+@(?!redacted\.invalid)(?:[\w-]+\.)+[^\W\d_]{{2,63}})",
        valid=_caseless,
    ),
    _rule("shop", "myshopify", rf"{_WORD}(?P<it>[\w-]+\.myshopify\.(?:com|io))", valid=_shop),
    _rule(
        "handle", "shopify.com/store/", r"shopify\.com/store/(?P<it>(?!shop-[0-9])[\w-]+)", valid=_caseless
    ),
    _rule("iban", _DIGITS, rf"{_EDGE}(?P<it>[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]){{11,30}})", valid=_iban),
    _rule(
        "card",
        _DIGITS,
        rf"{_EDGE}(?P<it>\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]?\d{{3}})?|\d{{4}}[ -]\d{{6}}[ -]\d{{4,5}}",
        r"|\d{14,19})(?![0-9A-Za-z])",
        valid=_card,
    ),
    _rule(
        "ip4",
        ".",
        rf"{_EDGE}(?<![.])(?P<it>(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}})(?![0-9A-Za-z]|\.[0-9])",
        valid=_address,
    ),
    _rule(
        "ip6",
        ":",
        rf"{_EDGE}(?<![:.])(?P<it>(?:[0-9a-f]{{0,4}}:){{2,7}}(?:(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}|[0-9a-f]{{0,4}}))",
        r"(?![\w:])",
        valid=_address,
    ),
    _rule(
        "phone",
        "+",
        r"(?:(?<=\\[nrtbf])|(?<![\w+]))(?P<it>\+[1-9](?:[ ().-]{0,2}\d){7,14})(?!\d)",
        valid=_phone,
    ),
    _rule(
        "phone",
        "tel phone mobile cell whatsapp fax call text sms dial",
        r"\b(?:(?:tele)?phone|tel|mobile|cell|whatsapp|fax)(?: number| no| nr)?\W{0,3}",
        r"(?P<it>\d(?:[ ().-]{0,2}\d){6,14})(?!\d)",
        valid=_phone,
    ),
    _rule(
        "phone",
        "call text sms dial",
        r"\b(?:call|text|sms|dial)(?: me| us| them)?(?: at| on)? (?P<it>\d{10,15})(?!\w)",
        valid=_phone,
    ),
    _rule(
        "phone",
        _DIGITS,
        rf"{_NUMBER}(?P<it>(?:1[-. ])?(?:\(\d{{3}}\) ?\d{{3}}[-. ]\d{{4}}|\d{{3}}([-.])\d{{3}}\2\d{{4}}",
        r"|[2-9]\d\d [2-9]\d\d \d{4}))(?![0-9A-Za-z]|[.,-]\d)",
        valid=_phone,
    ),
    _rule(
        "phone",
        "0",
        rf"{_NUMBER}(?P<it>0[1-9]\d{{0,3}}(?: \d{{2,4}}){{2,4}}|0[1-9]\d{{1,3}}[-/ ]\d{{6,8}})",
        r"(?![0-9A-Za-z]|[.,-]\d)",
        valid=_national,
    ),
)


def find_identifiers(text: str) -> Sequence[Identifier]:
    """Every identifier in `text`, in order; none overlaps another."""
    return _find_again(text) if len(text) <= _SHORT else _find(text)


@functools.lru_cache(maxsize=8192)
def _find_again(text: str) -> Sequence[Identifier]:
    """Short texts are mostly words of the catalogue, and come again in every conversation."""
    return _find(text)


def _find(text: str) -> Sequence[Identifier]:
    found: list[Identifier] = []
    small = text.lower()
    for rule in _RULES:
        if not any(part in small for part in rule.holds):
            continue
        more = list(_matches(rule, text))
        text = replaced(text, ((one, _MASK * (one.end - one.start)) for one in more))
        found += more
    return tuple(sorted(found, key=lambda one: one.start))


def replaced(text: str, by: Iterable[tuple[Identifier, str]]) -> str:
    """`text` with another text in the place of each of its identifiers, which come in order."""
    pieces: list[str] = []
    position = 0
    for one, other in by:
        pieces += text[position : one.start], other
        position = one.end
    return "".join([*pieces, text[position:]])


def _matches(rule: _Rule, text: str) -> Iterator[Identifier]:
    """What is no identifier after all may hold one: the search goes on one character later."""
    position = 0
    while match := rule.pattern.search(text, position):
        valid = rule.valid(match)
        if valid is None:
            position = match.start() + 1
            continue
        end, key = valid
        start = match.start("it")
        kind = rule.kind if rule.kind != "gid" else text[match.start() : start]
        yield Identifier(start, end, kind, key)
        position = end
