"""What texts of a conversation say, read by patterns: values of a request, claims and steps of an answer.

    values_of('Tag orders over $1,000 "vip"')    # ["vip", "1000"]
    claims("It is saved. Turn it on.", RUNS)     # False

English only. Not here yet: numbers in words, units (`2 hours` is the number 2), and irony.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from schemas.errors import BadRecord
from schemas.workflow.jsontext import read_json
from serving.words import words

__all__ = [
    "ADMITS",
    "MEND",
    "NEXT",
    "RUNS",
    "SAVED",
    "TRY",
    "claims",
    "is_among",
    "says",
    "topic",
    "values_of",
]

_QUOTED: Final = re.compile(
    r"""^```\w*\n(.*?)\n```$|"([^"\n]*)"|“([^”\n]*)”|«([^»\n]*)»|(?<!\w)'([^'\n]*)'(?!\w)|`([^`\n]*)`""",
    re.MULTILINE | re.DOTALL,
)
_NUMBERED: Final = re.compile(r"^\s*\d+[.)](?=\s)|\btext \d+\b", re.MULTILINE | re.IGNORECASE)
_ASKED_NUMBER: Final = re.compile(r"(?<![\w.,/@:-])\d[\d,]*(?:\.\d+)?(?![\w@/:-])")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")

_ASKING: Final = frozenset(
    words(
        "a about an and any are be can could did do does each every explain for from have how i if in is it"
        " me my of on one or should tell that the there this to use was what when where which who why will"
        " with would you your"
    )
)


def values_of(request: str) -> list[str]:
    """Quoted texts, then the numbers outside them, each once.

    Quoted JSON counts as the texts and numbers in it. Numbers of list items and of `text 1` are left out.
    """
    quoted = [
        part for found in _QUOTED.finditer(request) for part in _parts("".join(filter(None, found.groups())))
    ]
    numbers = _ASKED_NUMBER.findall(_NUMBERED.sub(" ", _QUOTED.sub(" ", request)))
    return list(dict.fromkeys([*filter(None, map(_flat, quoted)), *map(_plain, numbers)]))


def is_among(value: str, texts: Iterable[str]) -> bool:
    """Whether one of the texts holds the value: a number as a number, a text whatever its capitals."""
    if _NUMBER.fullmatch(value):
        return any(_plain(found) == _plain(value) for text in texts for found in _NUMBER.findall(text))
    return any(_flat(value) in _flat(text) for text in texts)


def topic(question: str) -> set[str]:
    """The words of a question that say what it is about."""
    return {*words(question)} - _ASKING


def _plain(number: str) -> str:
    """`1,000.50` as `1000.5`."""
    return f"{Decimal(number.replace(',', '')).normalize():f}"


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())


def _parts(quoted: str) -> list[str]:
    """The quoted text itself, or the keys and leaves of JSON."""
    if quoted[:1] not in ("{", "["):
        return [quoted]
    try:
        waiting = [read_json(quoted)]
    except BadRecord:
        return [quoted]
    leaves: list[str] = []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.values(), *value]
        elif isinstance(value, list):
            waiting += value
        elif value is not None:
            leaves.append(str(value))
    return leaves


# -- answers --------------------------------------------------------------------------------------------


def _pattern(text: str) -> re.Pattern[str]:
    """Words as a pattern: blanks in it are for the reader, `_` is the blank of the text."""
    return re.compile(rf"\b(?:{''.join(text.split()).replace('_', ' ')})\b", re.IGNORECASE)


_I: Final = r"I (?:['’]ve | _have)? _ (?:also_ | just_ | now_)?"
_MADE: Final = r"(?:saved | created | updated | changed | built | made | set_up)"
_MAKE: Final = rf"(?:be_ | been_)? (?:{_MADE} | save | create | update | change | build | make)"

NEXT: Final = _pattern(
    r"review | read | check | try | test | verify | look_at | look_through | fill_in | activate | enable"
    r"| (?:turn | switch) (?:ing)? _ (?:it_ | this_ | the_workflow_)? on"
)
"""Names what the merchant does with a workflow that is saved."""
TRY: Final = _pattern(
    r"try | tell_me | let_me_know | say | ask | change | mend | fix | install | send | name"
)
"""Names what the merchant does where nothing was saved."""
MEND: Final = _pattern(r"mend | fix | correct | resolve | repair | fill_in | install | add")
"""Names what the merchant does where Flow objects."""
ADMITS: Final = _pattern(
    rf"(?:could | can | did | was | has | have | were) (?:_not | n['’]t) _ {_MAKE} | cannot_ {_MAKE}"
    rf"| (?:unable | failed) _to_ {_MAKE} | not_saved | nothing_was_saved"
)
"""Says that nothing was saved."""
RUNS: Final = _pattern(
    r"(?:is | are | now) _ (?:now_ | already_)? (?:active | live | running | enabled | activated | on)"
    r"| (?:is | are | now) _ (?:now_ | already_)? (?:turned | switched) _on"
    rf"| {_I} (?:activated | enabled | (?:turned | switched) _ (?:it_ | this_ | the_workflow_)? on)"
)
"""Says that the workflow is switched on."""
SAVED: Final = _pattern(
    rf"{_I} {_MADE} | workflow\b [^;]{{0,200}}? \b (?:is | was | has_been) _ (?:now_)? (?:{_MADE} | ready)"
)
"""Says that a workflow was saved."""

_FRAGMENT: Final = re.compile(r"[.;:!?\n,]")
_UNSAID: Final = re.compile(
    r"\b(?:before|once|until|when|after|if|unless|as soon as|not|never|cannot)\b|n['’]t\b", re.IGNORECASE
)


def says(text: str, what: re.Pattern[str]) -> bool:
    """Whether the answer holds it anywhere outside quotation marks: titles are no claims."""
    return what.search(_QUOTED.sub(" ", text)) is not None


def claims(text: str, what: re.Pattern[str]) -> bool:
    """Whether the answer says so outright: not behind `before`, `once` or `not` in its part of a sentence."""
    return any(
        _UNSAID.search(fragment, 0, found.end()) is None
        for fragment in _FRAGMENT.split(_QUOTED.sub(" ", text))
        if (found := what.search(fragment))
    )
