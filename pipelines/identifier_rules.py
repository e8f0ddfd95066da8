"""The table of patterns: what each kind of identifier looks like, and the check that it must pass.

One table serves single texts (`pipelines.identifiers`) and Arrow arrays (`pipelines.identifier_arrays`). So a
pattern keeps to what RE2 and `re` read alike, but for what looks around a place: without those parts it is
wider, never narrower, and RE2 chooses by the wider one which texts are worth a closer look.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

__all__ = ["CAPITAL", "CARRIERS", "EDGE", "RULES", "SECRET_WORDS", "Rule", "exact", "is_product_code", "rule"]

Valid = Callable[[re.Match[str]], tuple[int, str] | None]
"""From a match to its end and key, None where it is no identifier after all."""
Search = Callable[[re.Pattern[str], str, int], re.Match[str] | None]
"""What `pattern.search(text, position)` finds, perhaps by a shorter way."""


# Where something begins; also after an escape of JSON inside a text: in `\nann@...` nobody is called `nann`.
_WORD: Final = r"(?:(?<=\\[nrtbf])|(?<![\w.+%-])(?!(?<=\\)[nrtbf]))"
EDGE: Final = r"(?:(?<=\\[nrtbf])|(?<![0-9A-Za-z]))"
_NUMBER: Final = r"(?:(?<=\\[nrtbf])|(?<![\w.,+-]))"

_OURS: Final = r"(?!redacted_[0-9])"
_SECRET: Final = (
    r"(?:[\w-]*(?:token|secret|signature|password|passwd|api_?key|session)|key|sig|hmac|auth|pwd)"
)
SECRET_WORDS: Final = (
    "api·key|api·token|access·token|access·key|private·key|secret|password|passwd|passwort|kennwort|token|"
    "contraseña|mot·de·passe|wachtwoord|senha|パスワード"
).replace("·", "[ _-]?")
CARRIERS: Final = (
    "track|tracking|track & trace|trackingnummer|ups|dhl|fedex|usps|dpd|gls|royal mail|sendungsnummer|paketnummer|"
    "numéro de suivi|colissimo|seguimiento|rastreo|rastreio|tracciamento|spedizione|zending|追跡番号|伝票番号|送り状番号"
)
_CALLED: Final = (
    "phone tel telephone telefon telefono telefone teléfono tél téléphone mobile mobil handy móvil movil cell cellulare celular "
    "portable mobiel whatsapp fax 電話番号 電話 携帯"
)
_DIGITS: Final = "0 1 2 3 4 5 6 7 8 9"
CAPITAL: Final = r"[A-ZÀ-ÖØ-ÞĀŁŒŚŠŽ]"

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


def exact(found: re.Match[str]) -> tuple[int, str]:
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


def _international(found: re.Match[str]) -> tuple[int, str] | None:
    """`00` without any punctuation may begin the code of a product (GS1) as well."""
    bare = found["it"].isdigit()
    return None if bare and is_product_code(found["it"]) else _phone(found)


def is_product_code(digits: str) -> bool:
    """GTIN-12, -13 or -14: the check digit of GS1."""
    if not 12 <= len(digits) <= 14:
        return False
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def _path(found: re.Match[str]) -> tuple[int, str] | None:
    """A path that is a key holds a digit or capitals inside; `/docs-and-help` does not, nor what is ours."""
    it = found["it"].rstrip("/-%")
    is_key = len(it) >= 8 and re.search(r"[0-9]|[a-z][A-Z]", it) and "redacted_" not in it
    return (found.start("it") + len(it), it) if is_key else None


def _secret(found: re.Match[str]) -> tuple[int, str] | None:
    """What a word such as `password` announces: letters and digits mixed, or neither word nor number."""
    it = found["it"]
    mixed = re.search(r"[0-9]", it) and re.search(r"[A-Za-z]", it)
    is_code = re.fullmatch(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)+|[a-z]+(?:_[a-z0-9]+)+", it)
    return (found.end("it"), it) if mixed and not is_code else None


def _tracking(found: re.Match[str]) -> tuple[int, str] | None:
    key = re.sub(r"[ -]", "", found["it"]).upper()
    digits = sum(character.isdigit() for character in key)
    return (found.end("it"), key) if digits >= 9 or key.startswith("1Z") else None


def _postal_item(found: re.Match[str]) -> tuple[int, str] | None:
    """UPU S10: the ninth digit checks the eight before it."""
    key = found["it"].upper()
    weights = (8, 6, 4, 2, 3, 5, 9, 7)
    check = 11 - sum(int(digit) * weight for digit, weight in zip(key[2:10], weights, strict=True)) % 11
    return (found.end("it"), key) if int(key[10]) == {10: 0, 11: 5}.get(check, check) else None


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
class Rule:
    """`holds`: the pattern has no chance where none of these is in the text, in small letters."""

    kind: str
    holds: tuple[str, ...]
    pattern: re.Pattern[str]
    valid: Valid
    search: Search


def _anywhere(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    return pattern.search(text, position)


def _around_at(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    """From where the word before the next `@` begins: what comes before it is not gone through."""
    at = text.find("@", position)
    if at < 0:
        return None
    while at > position and ((before := text[at - 1]).isalnum() or before in "_.+%-"):
        at -= 1
    return pattern.search(text, at)


def _at_number(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    """Only where a run of digits or a bracket begins; a pattern that begins so begins nowhere else."""
    for begins in _NUMBER_BEGINS.finditer(text, position):
        if found := pattern.match(text, begins.start()):
            return found
    return None


def _in_long_number(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    """Only where nine digits follow with few marks between: fewer are no card and no phone number."""
    for long in _LONG_NUMBER.finditer(text, position):
        for begins in _NUMBER_BEGINS.finditer(text, long.start(), long.end()):
            if found := pattern.match(text, begins.start()):
                return found
    return None


_NUMBER_BEGINS: Final = re.compile(r"\(|[0-9]+|\d")
_LONG_NUMBER: Final = re.compile(r"\(?\d(?:[ ()./-]{0,3}\d){8,}")


def rule(kind: str, holds: str, *pattern: str, valid: Valid = exact, search: Search = _anywhere) -> Rule:
    return Rule(
        kind,
        tuple(holds.split()) or ((holds,) if holds else ()),
        re.compile("".join(pattern), re.IGNORECASE),
        valid,
        search,
    )


# What an earlier rule found is out of reach of the later ones. No pattern begins twice in one run of the
# characters that it repeats, so that hostile text costs no more than its length.
RULES: Final = (
    rule(
        "gid",
        "gid://",
        r"gid://[a-z0-9-]+/[a-z]+/",
        r"(?P<it>(?:[0-9][\w-]*|[0-9a-f]{8}-[0-9a-f-]{27})(?:\?[\w=&-]+)?)",
    ),
    rule(
        "token",
        "shp sk_ rk_ pk_ whsec_ gh",
        r"(?:shp(?:at|ss|ca|pa|ua|tka)|[srp]k_(?:live|test)|whsec|gh[poshr])_(?P<it>[0-9a-z]{16,})",
    ),
    rule(
        "token",
        "github_pat_ xox xapp- sk- akia aiza eyj sg. glpat- npm_ ya29. dop_v1_ hf_ pypi- eaa",
        rf"{EDGE}(?P<it>github_pat_\w{{16,}}|(?:xox[a-z]|xapp)-[\w-]{{10,}}|(?:glpat-|npm_|dop_v1_|hf_|pypi-)[\w-]{{16,}}|ya29\.[\w-]{{20,}}"
        rf"|EAA(?=[a-z]*[0-9])[0-9a-z]{{40,}}|sk-(?=[\w-]*[0-9])[\w-]{{20,}}|AKIA[0-9A-Z]{{16}}",
        r"|AIza[\w-]{35}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|SG\.[\w-]{16,}\.[\w-]{16,})",
    ),
    rule(
        "webhook",
        "hook",
        r"(?:hooks\.slack\.com/\w+|/api/webhooks|hooks\.zapier\.com/hooks/\w+|webhook\.office\.com/\w+",
        r"|hook\.[\w.-]{0,40}make\.com|hooks\.airtable\.com/[\w/]{1,40}?/genericwebhook)/",
        rf"(?P<it>{_OURS}[\w/@%-]{{8,}})",
        valid=_path,
    ),
    rule(
        "webhook",
        "hook",
        rf"(?:/webhook(?:-test)?|://(?:web)?hooks?\.[\w.-]+)/(?P<it>{_OURS}[\w/@%-]{{8,}})(?![\w/@%\x1f-])",
        valid=_path,
    ),
    rule(
        "webhook",
        "chat.googleapis ifttt.com",
        rf"(?:chat\.googleapis\.com/v1/spaces|maker\.ifttt\.com/trigger)/(?P<it>{_OURS}[\w-]{{8,}})",
    ),
    rule(
        "token",
        "bearer basic",
        rf"\b(?:bearer|basic)[ \t]+(?P<it>{_OURS}(?=[\w.~+/-]*(?:[0-9]|==?))[\w.~+/-]{{12,}}={{0,2}})",
    ),
    rule("credentials", "://", rf"://(?P<it>{_OURS}[^\s/?#\"'<>{{}}]+)(?=@)"),
    rule("query", "=", rf"[?&;#]{_SECRET}=(?P<it>{_OURS}[^\s&\"'<>#{{}}]+)"),
    rule(
        "token",
        "key token secret passw kennwort contras passe wachtwoord senha パスワード",
        rf"(?:{SECRET_WORDS})(?:[ _-]?(?:key|token|id|secret|is|est|es|ist|é)){{0,3}}",
        rf"[\"']?[ \t]*(?:[:=：]|=>|is)?[ \t]*[\"']?(?P<it>{_OURS}[\w+/~.!$*-]{{7,}}[\w+/~!$*-]={{0,2}})(?![\w@({{])",
        valid=_secret,
    ),
    rule("encoded_gid", "z2lkoi8v", rf"{EDGE}(?P<it>Z2lkOi8v[0-9a-z+/_-]{{8,}}={{0,2}})"),
    rule(
        "email",
        "@",
        rf"{_WORD}(?P<it>{_OURS}[\w.+%-]+@(?!redacted\.invalid)(?:[\w-]+\.)+[^\W\d_]{{2,63}})",
        valid=_caseless,
        search=_around_at,
    ),
    rule("shop", "myshopify", rf"{_WORD}(?P<it>[\w-]+\.myshopify\.(?:com|io))", valid=_shop),
    rule("handle", "shopify.com/store/", r"shopify\.com/store/(?P<it>(?!shop-[0-9])[\w-]+)", valid=_caseless),
    rule("iban", _DIGITS, rf"{EDGE}(?P<it>[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]){{11,30}})", valid=_iban),
    rule(
        "card",
        _DIGITS,
        rf"{EDGE}(?P<it>\d{{4}}(?:[ -]\d{{4}}){{3}}(?:[ -]?\d{{3}})?|\d{{4}}[ -]\d{{6}}[ -]\d{{4,5}}",
        r"|\d{14,19})(?![0-9A-Za-z])",
        valid=_card,
        search=_in_long_number,
    ),
    rule(
        "ip6",
        ":",
        rf"{EDGE}(?<![:.])(?P<it>(?:[0-9a-f]{{0,4}}:){{2,7}}(?:(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}|[0-9a-f]{{0,4}}))",
        r"(?![\w:])",
        valid=_address,
    ),
    rule(
        "ip4",
        ".",
        rf"{EDGE}(?<![.])(?P<it>(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}})(?![0-9A-Za-z]|\.[0-9])",
        valid=_address,
        search=_at_number,
    ),
    rule(
        "tracking",
        "1z",
        rf"{EDGE}(?P<it>1Z ?[0-9A-Z]{{3}} ?[0-9A-Z]{{3}} ?[0-9A-Z]{{2}} ?[0-9A-Z]{{2}}[0-9]{{2}} ?[0-9]{{4}})(?![0-9A-Za-z])",
        valid=_tracking,
    ),
    rule(
        "tracking",
        _DIGITS,
        rf"{EDGE}(?P<it>[A-Z]{{2}}[0-9]{{9}}[A-Z]{{2}})(?![0-9A-Za-z])",
        valid=_postal_item,
    ),
    rule(
        "tracking",
        "9 j",
        rf"{EDGE}(?P<it>9[1-5]\d\d(?: ?\d{{4}}){{4}} ?\d{{2}}|JJD\d{{14,18}})(?![0-9A-Za-z])",
        valid=_tracking,
    ),
    rule(
        "tracking",
        CARRIERS.replace("|", " "),
        rf"(?:{CARRIERS})[^\w\x1f]{{0,3}}(?:(?:number|no|nr|num|id|code)[^\w\x1f]{{0,3}})?",
        r"(?-i:(?P<it>[0-9A-Z]{0,6}\d(?:[ -]?[0-9A-Z]){8,29}))(?![0-9A-Za-z])",
        valid=_tracking,
    ),
    rule(
        "phone",
        "+ 00",
        r"(?:(?<=\\[nrtbf])|(?<![\w+]))(?P<it>(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){7,14})(?!\d)",
        valid=_international,
    ),
    rule(
        "phone",
        _CALLED,
        rf"(?:{_CALLED.replace(' ', '|')})(?: (?:number|no|nr|is|ist|est|è|es|é)|は|番号)?[^\w\x1f(]{{0,3}}",
        r"(?P<it>(?!0-000-000-)\(?\d(?:[ ()./-]{0,2}\d){6,14})(?!\d)",
        valid=_phone,
    ),
    rule(
        "phone",
        "call text sms dial bel llama chiama ligue appel anruf",
        r"\b(?:call|text|sms|dial|bel|ll[aá]mame|chiamami|ligue|appelez|anruf)(?:[ -](?:me|moi|us|them|him|her))?",
        r"(?: at| on| op| al| para| au| unter)? (?P<it>\d{9,15})(?!\w)",
        valid=_phone,
    ),
    rule(
        "phone",
        _DIGITS,
        rf"{_NUMBER}(?P<it>(?:1[-. ])?(?:\(\d{{3}}\) ?\d{{3}}[-. ]\d{{4}}|\d{{3}}([-.])\d{{3}}\2\d{{4}}",
        r"|[2-9]\d\d [2-9]\d\d \d{4}))(?![0-9A-Za-z]|[.,-]\d)",
        valid=_phone,
        search=_in_long_number,
    ),
    rule(
        "phone",
        "0",
        rf"{_NUMBER}(?P<it>0[1-9]\d{{0,3}}(?: \d{{2,4}}){{2,4}}|0[1-9]\d{{0,3}} ?[-/ ] ?\d{{6,8}}|0[67]\d{{8}}",
        r"|0[1-9]\d{0,3}(?:-\d{2,4}){2,4}|0[1-9]\d{0,3}(?:\.\d{2,4}){2,4}|0\d{2,4} ?/ ?\d{2,4}(?: \d{2,4}){1,3}",
        r"|\(0\d{1,4}\) ?\d{2,8}(?:[ -]\d{2,4}){0,3})(?![0-9A-Za-z]|[.,-]\d)",
        valid=_national,
        search=_in_long_number,
    ),
    rule(
        "phone",
        _DIGITS,
        rf"{_NUMBER}(?P<it>\(?[1-9]\d\)? 9 ?\d{{4}}[- ]\d{{4}}|\([1-9]\d\) ?\d{{4}}-\d{{4}}|[679]\d\d(?: \d\d){{3}}",
        r"|[67]\d\d([ .-])\d{3}\2\d{3}|9[1-8]([ .-])\d{3}\3\d\d\3\d\d|3\d\d[ .-]\d{6,7}|3\d\d([ .-])\d{3}\4\d{4})",
        r"(?![0-9A-Za-z]|[.,-]\d)",
        valid=_national,
        search=_in_long_number,
    ),
)
