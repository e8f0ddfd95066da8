"""Names and postal addresses: found by the words around them, in eight languages, and therefore not all.

A name is what follows a title, an introduction or a greeting at the end, or stands before `<ann@corp.com>`. An
address is a street with its number and a postal code; a street alone where its number stands beside it. What
nothing announces is left to `pipelines.known_entities`, or to a model. Small letters tell a word from a name,
so these patterns are the only ones that mind capitals.
"""

from __future__ import annotations

import re
from typing import Final

from pipelines.identifier_rules import CAPITAL, EDGE, rule

__all__ = ["PERSON_GATES", "PERSON_RULES"]

_NAME: Final = rf"{CAPITAL}[\w'’]{{0,30}}\w(?:-{CAPITAL}\w{{1,30}})?"
_PARTICLE: Final = r"(?:van|von|de|der|den|da|dos|di|del|la|le|du|ten|y|e)"
_FULL: Final = rf"{_NAME}(?: {_PARTICLE}){{0,2}}(?: {_NAME}){{1,2}}"
_TITLES: Final = (
    r"[Mm]rs?\.?|[Mm]s\.?|[Mm]iss|Herrn?|Frau|M\.|Mmes?\.?|Mlle|[Mm]onsieur|[Mm]adame|Sr\.?|Sra\.?|Srta\.?|[Ss]eñora?|Sig\.?|Sig\.ra"
    r"|[Ss]ignora?|[Ss]ig\.(?:ra)?|Dott\.?|Mevr(?:ouw|\.)|[Mm]evrouw|[Mm]eneer|[Dd]e heer|[Ss]enhora?|Dona|Prof\.?|Dra?\.?"
)
_INTRODUCTIONS: Final = (
    r"[Mm]y name is|[Ii] am|I[’']m|[Tt]his is|[Ii]ch heiße|[Mm]ein Name ist|[Ii]ch bin|[Jj]e m[’']appelle|[Mm]on nom est|[Jj]e suis|[Mm]e llamo"
    r"|[Mm]i nombre es|[Ss]oy|[Mm]i chiamo|[Ii]l mio nome è|[Ss]ono|[Mm]ijn naam is|[Ii]k ben|[Ii]k heet|[Mm]eu nome é|[Ee]u sou|[Mm]e chamo"
)
_GREETINGS: Final = (
    r"[Rr]egards|[Tt]hanks|[Tt]hank you|[Cc]heers|[Bb]est|[Ss]incerely|Grüßen?|Grüsse|Gruß|[Cc]ordialement|[Àà] vous|[Mm]erci|[Ss]aludos?|[Gg]racias"
    r"|[Ss]aluti|[Gg]razie|[Gg]roet(?:en|jes)?|[Bb]edankt|[Aa]tenciosamente|[Aa]braços?|[Oo]brigad[oa]|します。|以上、"
)
_KANJI: Final = r"[一-鿿々]{1,3}[一-鿿ぁ-ゖ]{1,3}"

_LETTER: Final = r"[\w'’.-]"
_UNIT: Final = r"(?:,? (?:Apt|Suite|Unit|Ste|Floor|Flat|No)\.? ?\w{1,5})?"
_AFTER: Final = rf"(?: {CAPITAL}[\w'’-]{{0,30}}){{0,2}}"
"""The rest of a town's name."""
_TOWN: Final = rf"{CAPITAL}[\w'’-]{{0,30}}{_AFTER}"
_GAP: Final = r"[ \n]{0,2}(?:[,–-][ \n]?)?"
_ENGLISH: Final = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Close|Terrace|Court|Ct|Place|Pl|Square|Sq|Crescent|Gardens"
    r"|Grove|Parkway|Pkwy|Highway|Hwy|Way)\b\.?"
)
_ROMANCE_FIRST: Final = r"(?:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|cours|route)"
_ROMANCE: Final = r"(?:Calle|C/|Avenida|Av\.|Avda\.?|Plaza|Paseo|Camino|Via|Corso|Piazza|Viale|Vicolo|Largo|Rua|R\.|Travessa|Alameda|Praça|Estrada|Rodovia)"
_AT_THE: Final = "Am|An der|Auf dem|Im|Zum|Zur"
_ENDINGS: Final = r"straße|strasse|str\.|weg|allee|gasse|platz|ring|damm|ufer|straat|gracht|laan|plein|dijk|kade|singel|steeg"
_GERMANIC: Final = (
    rf"(?:(?:{_AT_THE}) {CAPITAL}\w{{1,40}}|{CAPITAL}[\w-]{{0,40}}(?:{_ENDINGS})"
    rf"|{CAPITAL}\w{{1,40}} (?:Straße|Str\.|Weg|Allee|Platz|Ring))"
)
_NUMBER: Final = r"(?:n[º°.]\.? ?|No\.? ?)?\d{1,5} ?(?:[a-zA-Z]\b)?(?:-\d{1,4})?"


def _person(found: re.Match[str]) -> tuple[int, str]:
    return found.end("it"), " ".join(found["it"].split()).casefold()


def _japanese(found: re.Match[str]) -> tuple[int, str] | None:
    return None if found["it"][-1] in "客皆者" else (found.end("it"), found["it"])


PERSON_RULES: Final = (
    rule(
        "address",
        "〒",
        r"(?P<it>〒 ?\d{3}-?\d{4}[ \n]?[一-鿿ぁ-ヾ々]{2,40}[一-鿿ぁ-ヾ々0-9-]{0,40})",
    ),
    rule(
        "address",
        "0 1 2 3 4 5 6 7 8 9",
        rf"(?-i:(?<![\w.,#$€£¥:-])(?P<it>(?:(?:Flat|Unit|Apt) \w{{1,4}}, )?\d{{1,5}}[A-Z]? (?:{CAPITAL}[\w'’.]{{0,30}} ){{1,3}}{_ENGLISH}{_UNIT}",
        rf"(?:{_GAP}{_TOWN}{_GAP}(?:[A-Z]{{2}} \d{{5}}(?:-\d{{4}})?|[A-Z]{{1,2}}\d[A-Z\d]? ?\d[A-Z]{{2}}))?)(?!\w| {CAPITAL}))",
    ),
    rule(
        "address",
        "rue avenue av. boulevard bd place chemin allée impasse quai cours route",
        rf"(?-i:{EDGE}(?P<it>\d{{1,4}}(?: ?(?:bis|ter|[A-D]))?,? {_ROMANCE_FIRST}(?: (?:de|des|du|la|le|les)){{0,3}}",
        rf"(?: (?:[dlDL][’'])?{CAPITAL}{_LETTER}{{0,30}}){{1,3}}(?:{_GAP}(?:F-)?\d{{5}} {_TOWN})?))",
    ),
    rule(
        "address",
        "calle c/ avenida av. avda plaza paseo camino via corso piazza viale vicolo largo rua r. travessa alameda praça estrada rodovia",
        rf"(?-i:{EDGE}(?P<it>{_ROMANCE}(?: (?:de|del|della|delle|dei|degli|di|da|das|do|dos|la|las|los|el|e)){{0,3}}",
        rf"(?: {CAPITAL}{_LETTER}{{0,30}}(?: (?:de|da|do))?){{1,3}},? {_NUMBER}(?:,? \d{{1,2}}[º°ª]? ?[A-D]?\b)?",
        rf"(?:{_GAP}(?:\d{{5}} {_TOWN}|(?:Centro{_GAP})?{_TOWN} ?[-/,] ?[A-Z]{{2}}{_GAP}(?:CEP:? ?)?\d{{5}}-\d{{3}}))?)(?!\w))",
    ),
    rule(
        "address",
        "str weg allee gasse platz ring damm ufer straat gracht laan plein dijk kade singel steeg am an im zu auf",
        rf"(?-i:{EDGE}(?P<it>{_GERMANIC},? {_NUMBER}(?:{_GAP}(?:(?:D-|A-|CH-)?\d{{4,5}}|\d{{4}} ?[A-Z]{{2}}) {_TOWN})?)(?!\w))",
    ),
    rule("name", "<", rf"(?-i:{EDGE}(?P<it>{_FULL})[\"']?(?= ?<[^<>]{{0,60}}[@\x1f]))", valid=_person),
    rule("name", "<", rf"(?P<it>{_KANJI}) ?(?=<[^<>]{{0,60}}[@\x1f])", valid=_person),
    rule("name", "customer client", rf"(?-i:[Cc](?:ustomer|lient) (?P<it>{_FULL})(?= (?:lives|wants|called|asked|wrote|ordered|bought|paid|is|has)\b))", valid=_person),
    rule("name", "", rf"(?-i:{EDGE}(?:{_TITLES}) (?P<it>(?:{_FULL}|{_NAME}))(?!\w))", valid=_person),
    rule("name", "", rf"(?-i:{EDGE}(?:{_INTRODUCTIONS}) (?P<it>{_FULL})(?!\w))", valid=_person),
    rule("name", "\n", rf"(?-i:(?:{_GREETINGS})[,!.]? ?\n(?P<it>{_NAME}(?: {_NAME}){{0,2}}|{_KANJI})(?=\s*$|\n))", valid=_person),
    rule("name", "様 さん 氏 と申します", rf"(?P<it>{_KANJI})(?=様|さん|氏|と申します)", valid=_japanese),
    rule("name", "私は", rf"私は(?P<it>{_KANJI})(?=です)", valid=_person),
)  # fmt: skip

PERSON_GATES: Final = {
    rf" {_ENGLISH}": PERSON_RULES[1:2],
    rf"(?:[\p{{Nd}}A-D]|bis|ter),? {_ROMANCE_FIRST} ": PERSON_RULES[2:3],
    rf"{_ROMANCE} ": PERSON_RULES[3:4],
    rf"(?:{_ENDINGS}|Straße|Str\.|Weg|Allee|Platz|Ring),? [nN\p{{Nd}}]"
    rf"|(?:{_AT_THE}) {CAPITAL}[^ ]+,? [nN\p{{Nd}}]": PERSON_RULES[4:5],
    rf"(?:{_TITLES}) {CAPITAL}": PERSON_RULES[8:9],
    rf"(?:{_INTRODUCTIONS}) {CAPITAL}": PERSON_RULES[9:10],
    r"[\pL\pN_'’々\"] ?<": PERSON_RULES[5:7],
    rf"[Cc](?:ustomer|lient) {CAPITAL}": PERSON_RULES[7:8],
    rf"(?:{_GREETINGS})[,!.]? ?\n": PERSON_RULES[10:11],
    "〒|様|さん|氏|と申します|私は": (*PERSON_RULES[:1], *PERSON_RULES[11:]),
}
"""RE2 -> patterns: a text without the one holds nothing of the others. They mind capitals."""
