"""Names, addresses and numbers that a conversation itself gives in a structured place, searched in its words.

    known = KnownEntities()
    known.learn({"customer": {"firstName": "Ann", "lastName": "Lee", "phone": "555 123 4567"}})
    known.find("Ann Lee rang from 5551234567")   # (Identifier(0, 7, "name", "ann lee"), ...)

No pattern finds a name that nothing announces; the tool's answer that names the customer does. A whole name
is found whatever its capitals, a part of one only as it was written, since `Mark` is a name and `mark` a
word. Liquid is never touched. Not here yet: nicknames, and names that are spelled in another script.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipelines.identifiers import Identifier
from schemas.workflow.jsontext import JsonValue

__all__ = ["KnownEntities"]

_FIRST: Final = frozenset({"firstname", "givenname"})
_LAST: Final = frozenset({"lastname", "familyname", "surname"})
_FULL: Final = frozenset({"fullname", "displayname", "customername", "recipientname", "staffname"})
_PEOPLE: Final = frozenset(
    {"customer", "recipient", "staffmember", "staff", "contact", "owner", "user", "billingaddress"}
    | {"shippingaddress", "defaultaddress", "address", "companycontact"}
)
"""An object under one of these keys is a person or where one lives: its `name` is a person's."""
_ADDRESS: Final = frozenset({"address1", "address2", "street"})
_PHONE: Final = frozenset({"phone", "phonenumber", "mobile"})
_SHORTEST_PART: Final = 3
_SHORTEST: Final = 5
_LIQUID: Final = re.compile(r"\{\{[^{}]{0,500}\}\}|\{%[^%{}]{0,500}%\}")


class KnownEntities:
    """What one conversation gave away, by the places that gave it."""

    def __init__(self) -> None:
        self._whole: dict[str, tuple[str, str]] = {}
        """Small letters -> kind and key."""
        self._parts: dict[str, str] = {}
        """Part of a name, as written -> key of the whole."""
        self._pattern: re.Pattern[str] | None = None

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self._whole or self._parts)

    def learn(self, value: JsonValue, parent: str = "") -> None:
        """Remember what is in the known keys of `value` and of all below it."""
        if isinstance(value, list):
            for one in value:
                self.learn(one, parent)
        if not isinstance(value, dict):
            return
        texts = {_plain(key): one for key, one in value.items() if isinstance(one, str)}
        first = next((texts[key] for key in _FIRST if key in texts), "")
        last = next((texts[key] for key in _LAST if key in texts), "")
        self.learn_name(f"{first} {last}".strip())
        for key, one in texts.items():
            if key in _FULL or (key == "name" and parent in _PEOPLE):
                self.learn_name(one)
            elif key in _ADDRESS:
                self._remember("address", one)
            elif key in _PHONE:
                self._remember("phone", one)
                self._remember("phone", re.sub(r"\D", "", one))
        for key, below in value.items():
            self.learn(below, _plain(key))

    def learn_name(self, name: str) -> None:
        """Remember a person's name; one word alone is found as it is written."""
        name = " ".join(name.split())
        if not _is_words(name):
            return
        parts = name.split(" ")
        if len(parts) > 1:
            self._remember("name", name)
        for part in parts:
            if len(part) >= _SHORTEST_PART and part[0].isupper():
                self._parts.setdefault(part, name.casefold())
                self._pattern = None

    def find(self, text: str) -> Sequence[Identifier]:
        """Where `text` names what is known, in order; the longest first."""
        if not self or not text:
            return ()
        return tuple(self._found(text))

    def _found(self, text: str) -> Iterator[Identifier]:
        if self._pattern is None:
            known = sorted({*self._whole, *map(str.casefold, self._parts)}, key=len, reverse=True)
            self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, known))})(?!\w)", re.IGNORECASE)
        plain = _LIQUID.sub(lambda liquid: "\x1f" * len(liquid[0]), text)
        for match in self._pattern.finditer(plain):
            whole = self._whole.get(match[0].casefold())
            if whole is not None:
                yield Identifier(match.start(), match.end(), *whole)
            elif match[0] in self._parts:
                yield Identifier(match.start(), match.end(), "name", self._parts[match[0]])

    def _remember(self, kind: str, text: str) -> None:
        text = " ".join(text.split()).casefold()
        if len(text) >= _SHORTEST and "{" not in text and (kind == "name" or re.search(r"\d", text)):
            key = re.sub(r"\D", "", text) if kind == "phone" else text
            self._whole.setdefault(text, (kind, key))
            self._pattern = None


@functools.lru_cache(maxsize=4096)
def _plain(key: str) -> str:
    """`first_name` and `firstName` are one key."""
    return key.replace("_", "").replace("-", "").casefold()


def _is_words(name: str) -> bool:
    return bool(name) and not re.search(r"[{}@<>/\\_0-9]|\w\.\w\w", name)
