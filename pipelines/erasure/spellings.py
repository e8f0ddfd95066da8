r"""How an id may stand in bytes: as it is, escaped for JSON or a URL, in a gid, or in base64.

    spellings = Spellings([Subject(SHOP, "shop-4711")])
    spellings.pattern.search(b'"gid:\/\/shopify\/Shop\/shop-4711"')

An id counts only as a whole word, so that `shop-471` is not found in `shop-4711`; a conversation's id is
found in its events' (`c1-0`) too. One of fewer than `MIN_FREE` characters, such as `7`, would be found in
every number: it counts only where a key or a gid says what it is.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final
from urllib.parse import quote

from pipelines.erasure.subjects import CONVERSATION, SHOP, Subject

__all__ = ["MIN_FREE", "Spellings"]

MIN_FREE: Final = 5
"""Characters from which an id is searched for wherever it stands."""

_MIN_BASE64: Final = 8
_WORD: Final = "A-Za-z0-9_-"
# An escape ends in a letter and is no part of the word after it: `\n`, `\u00e4`, `%2F`.
_BEFORE: Final = rf"(?:^|[^{_WORD}]|\\[nrtbf]|\\u[0-9a-fA-F]{{4}}|%[0-9A-Fa-f]{{2}})"
_AFTER: Final = {
    SHOP: rf"(?:$|[^{_WORD}])",
    CONVERSATION: rf"(?:$|[^{_WORD}]|-[0-9]+(?:$|[^{_WORD}]))",
}
_KEYS: Final = {SHOP: "(?:shop_id|shopId|shop)", CONVERSATION: "(?:conversation_id|conversationId)"}
_TYPES: Final = {SHOP: "Shop", CONVERSATION: "Conversation"}


class Spellings:
    """One regular expression for all spellings of some ids, in what RE2, Java and Python read alike."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self.subjects = tuple(subjects)

    @cached_property
    def text(self) -> str:
        """The expression."""
        return "|".join(each for subject in self.subjects for each in _expressions(subject))

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        return re.compile(self.text.encode())

    @cached_property
    def ids(self) -> dict[str, frozenset[str]]:
        """Column -> ids that it must not hold as a whole value."""
        return {
            f"{kind}_id": frozenset(each.id for each in self.subjects if each.kind == kind)
            for kind in (SHOP, CONVERSATION)
        }

    def masked(self, text: str) -> str:
        """`text` without the ids: what is printed or kept names nobody."""
        for subject in sorted(self.subjects, key=lambda each: -len(each.id)):
            for spelled in {subject.id, *_escaped(subject.id)}:
                text = text.replace(spelled, "[erased]")
        return text


def _expressions(subject: Subject) -> Iterator[str]:
    spelled = "(?:" + "|".join(re.escape(each) for each in sorted({subject.id, *_escaped(subject.id)})) + ")"
    after = _AFTER[subject.kind]
    if len(subject.id) >= MIN_FREE:
        yield f"{_BEFORE}{spelled}{after}"
        cores = {*_cores(subject.id), *_cores(f"gid://shopify/{_TYPES[subject.kind]}/{subject.id}")}
        yield from (re.escape(core) for core in sorted(cores) if len(core) >= _MIN_BASE64)
    else:
        quoted = r'\\*"'
        yield rf"{quoted}{_KEYS[subject.kind]}{quoted}\s*:\s*(?:{quoted})?{spelled}{after}"
        yield rf"gid:\\*/\\*/shopify\\*/{_TYPES[subject.kind]}\\*/{spelled}{after}"


def _escaped(name: str) -> Iterator[str]:
    """In a JSON string of either habit, and in a URL."""
    for text in (json.dumps(name), json.dumps(name, ensure_ascii=False)):
        yield text[1:-1]
        yield text[1:-1].replace("/", r"\/")
    yield quote(name, safe="")


def _cores(name: str) -> Iterator[str]:
    """What base64 makes of it wherever it begins: the characters that depend on nothing beside it."""
    content = name.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + content).decode()
        start, end = -(-shift * 8 // 6), (shift + len(content)) * 8 // 6
        yield encoded[start:end]
