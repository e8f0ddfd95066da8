"""Identifiers in a conversation become surrogates before anything leaves bronze.

    redactor = Redactor()
    redactor.text("Mail ann@corp.com")                  # "Mail email_1@redacted.invalid"
    redactor.python('... address="ann@corp.com" ...')   # the same address, the same surrogate

One redactor a conversation: an identifier has one surrogate in all of it, numbered where it is seen first, so
that a request still says what its workflow says. Text is replaced where it is decoded, leaf by leaf: in JSON
the strings and keys, in Python the values of literals and the comments; both come out as they were written
before, canonical text as canonical text. Surrogates are of the same syntax and belong to nobody. Not here
yet: what `pipelines.identifiers` does not find, and numbers that are no text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import Final

from pipelines.identifiers import Identifier, find_identifiers, replaced
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import canonical_json
from schemas.workflow import WorkflowRefused, from_python, to_python
from schemas.workflow.jsontext import JsonValue, read_json
from schemas.workflow.pretty import quote
from schemas.workflow.python_writer import MAX_SOURCE

__all__ = ["REDACTOR_VERSION", "Redactor"]

REDACTOR_VERSION: Final = "redactor_v1"

_SURROGATES: Final = {
    "email": "email_{}@redacted.invalid",
    "shop": "shop-{}.redacted.invalid",
    "handle": "shop-{}",
    "token": "redacted_{}",
    "credentials": "redacted_{}",
    "iban": "XX00REDACTED{:06}",
    "card": "0000-0000-0000-{:04}",
    "phone": "+0-000-000-{:04}",
    "ip6": "2001:db8::{:x}",
}
_NUMBERED_AS: Final = {"handle": "shop", "credentials": "token"}
_VERIFIED: Final = frozenset({"email", "shop", "token", "iban", "card", "phone"})
_SHORTEST_VERIFIED: Final = 8
"""What is shorter, or a word, stands elsewhere by chance: `?token=customers`."""
_NESTED: Final = "workflow_python"
"""The argument that holds Python."""


class Redactor:
    """The surrogates of one conversation."""

    def __init__(self, kept: Collection[str] = ()) -> None:
        """`kept` are texts that are no person's, such as the ids of the conversation's own workflows."""
        self.num_replaced = 0
        self._kept = frozenset(kept)
        self._numbers: dict[str, dict[str, int]] = {}
        self._originals: set[str] = set()

    def messages(self, messages: Sequence[Message]) -> list[Message]:
        """The same conversation in the same form; ids and names of calls stay.

        Raises:
            BadRecord: REDACTION where two keys of one object would become one.
        """
        return [self._message(message) for message in messages]

    def text(self, text: str) -> str:
        """Plain text; one that is wholly a kept one stays."""
        found = () if text in self._kept else find_identifiers(text)
        if not found:
            return text
        self.num_replaced += len(found)
        for one in found:
            original = text[one.start : one.end].casefold()
            if one.kind in _VERIFIED and len(original) >= _SHORTEST_VERIFIED and not original.isalpha():
                self._originals.add(original)
        return replaced(text, ((one, self._surrogate(one)) for one in found))

    def json(self, text: str) -> str:
        """JSON as text. What is no JSON is plain text; where nothing is found the text stays as it is."""
        try:
            value = read_json(text, limit=len(text))
        except BadRecord:
            return self.text(text)
        before = self.num_replaced
        value = self._value(value)
        return text if self.num_replaced == before else canonical_json(value)

    def python(self, source: str) -> str:
        """The text of a workflow; canonical text comes out canonical. What does not parse is plain text."""
        try:
            pieces = list(_literals(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return self.text(source)
        written = "".join(self._literal(*piece) for piece in pieces)
        if written == source:
            return source
        try:
            if to_python(from_python(source)) == source:
                return to_python(from_python(written))
        except WorkflowRefused:
            pass
        return written

    def leaks(self, text: str) -> bool:
        """Whether an identifier that was replaced elsewhere in the conversation still stands in `text`."""
        small = text.casefold()
        return any(original in small for original in self._originals)

    def _message(self, message: Message) -> Message:
        redacted = message.copy()
        content = message["content"]
        if content is not None:
            redacted["content"] = self.json(content) if message["role"] == "tool" else self.text(content)
        if calls := message.get("tool_calls"):
            redacted["tool_calls"] = [
                {
                    **call,
                    "function": {**call["function"], "arguments": self.json(call["function"]["arguments"])},
                }
                for call in calls
            ]
        return redacted

    def _value(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._value(part) for part in value]
        if not isinstance(value, dict):
            return value
        found = {
            self.text(key): self.python(part)
            if key == _NESTED and isinstance(part, str)
            else self._value(part)
            for key, part in value.items()
        }
        if len(found) != len(value):
            raise BadRecord("REDACTION", "two keys of one object are the same without their identifiers")
        return found

    def _literal(self, segment: str, value: str | None) -> str:
        """A stretch of Python: a literal with its value, or what stands between literals."""
        if value is None:
            return re.sub(r"#.*", lambda comment: self.text(comment[0]), segment)
        redacted = self.text(value)
        # A literal in several parts may hold a comment between them.
        return quote(redacted) if redacted != value or find_identifiers(segment) else segment

    def _surrogate(self, found: Identifier) -> str:
        numbers = self._numbers.setdefault(_NUMBERED_AS.get(found.kind, found.kind), {})
        number = numbers.setdefault(found.key, len(numbers) + 1)
        if found.kind == "ip4":  # 198.18.0.0/15 is for benchmarks and belongs to nobody
            return f"198.{18 + number // 65_536}.{number // 256 % 256}.{number % 256}"
        return _SURROGATES.get(found.kind, "{}").format(number)


def _literals(source: str) -> Iterator[tuple[str, str | None]]:
    """The source in stretches: (text, value) of each string literal, (text, None) of what is between.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: where it is not Python, or Python with texts
            that the language has no place for.
    """
    if len(source) > MAX_SOURCE:
        raise ValueError("too long")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    raw = source.encode()
    lines = [0, *accumulate(map(len, re.findall(rb"[^\r\n]*(?:\r\n|\r|\n)", raw)))]
    found: list[tuple[int, int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, bytes)
        ):
            raise ValueError("no text of the language")
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            start = lines[node.lineno - 1] + node.col_offset
            end = lines[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            found.append((start, end, node.value))
    position = 0
    for start, end, value in sorted(found):
        yield raw[position:start].decode(), None
        yield raw[start:end].decode(), value
        position = end
    yield raw[position:].decode(), None
