"""GraphQL read as far as a code step needs: a query's selections, and the types of a schema.

Bounded: a text has a length, selections a depth. Not here: variables, fragments, directives with arguments of
types; Flow's environment takes none of them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["SCALARS", "GraphqlError", "Selection", "read_query", "read_schema"]

MAX_CHARACTERS: Final = 50_000
MAX_DEPTH: Final = 40

_TOKEN = re.compile(
    r'(?:[\s,\ufeff]|#[^\n\r]*+)*+(?:("""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*")|([A-Za-z_]\w*)|'
    r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(\.\.\.|[{}()\[\]:!=$@|&]))",
    re.ASCII | re.DOTALL,
)
_BLANK = re.compile(r"(?:[\s,\ufeff]|#[^\n\r]*+)*+", re.ASCII)
SCALARS: Final = frozenset({"String", "Int", "Float", "Boolean", "ID"})


class GraphqlError(ValueError):
    """A text that is no GraphQL, with line and column."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One field of a selection."""

    name: str
    line: int
    below: tuple[Selection, ...] = ()
    has_block: bool = False
    """Whether it has braces, even empty ones."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@functools.lru_cache(maxsize=256)
def read_query(text: str) -> tuple[Selection, ...]:
    """The selections of the one query of a text.

    Raises:
        GraphqlError: for anything that is no query, with its place.
    """
    reader = _Reader(text)
    if reader.token.text == "query":
        reader.next()
        if reader.token.kind == "name":
            reader.next()
    elif reader.token.text in ("mutation", "subscription"):
        raise reader.error(f"a {reader.token.text} has no place here; write query {{ ... }}")
    found = reader.selections(0)
    reader.end()
    return found


@functools.lru_cache(maxsize=256)
def read_schema(text: str) -> Mapping[str, Mapping[str, str]]:
    """The object types of a schema: type -> field -> type notation (`Int`, `[String]`).

    Raises:
        GraphqlError: for anything that is no list of types, with its place.
    """
    reader = _Reader(text)
    types: dict[str, dict[str, str]] = {}
    while reader.token.kind != "end":
        reader.description()
        kind = reader.token.text
        if kind not in ("type", "enum", "input", "scalar"):
            raise reader.error(f"expected 'type', found {kind[:40] or 'the end'!r}")
        reader.next()
        name = reader.name()
        if name in types:
            raise reader.error(f"the type {name} is there twice")
        types[name] = {} if kind == "scalar" else reader.fields(name, kind)
    return types


class _Reader:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise GraphqlError(f"longer than {MAX_CHARACTERS} characters")
        self.text = text
        self.tokens = self.read()
        self.token = next(self.tokens)

    def read(self) -> Iterator[_Token]:
        at = 0
        while True:
            found = _TOKEN.match(self.text, at)
            if found is None:
                blank = _BLANK.match(self.text, at)
                rest = blank.end() if blank else at
                if rest < len(self.text):
                    raise GraphqlError(f"{self.place(rest)}: cannot read {self.text[rest : rest + 12]!r}")
                break
            kind = ("text", "name", "number", "mark")[(found.lastindex or 1) - 1]
            yield _Token(kind, found[found.lastindex or 1], found.start(found.lastindex or 1))
            at = found.end()
        while True:
            yield _Token("end", "", len(self.text))

    def place(self, at: int) -> str:
        line = self.text.count("\n", 0, at) + 1
        return f"line {line}, column {at - self.text.rfind(chr(10), 0, at)}"

    def error(self, message: str) -> GraphqlError:
        return GraphqlError(f"{self.place(self.token.at)}: {message}")

    def next(self) -> None:
        self.token = next(self.tokens)

    def name(self) -> str:
        if self.token.kind != "name":
            raise self.error(f"expected a name, found {self.token.text[:40] or 'the end'!r}")
        text = self.token.text
        self.next()
        return text

    def mark(self, text: str) -> None:
        if self.token.kind != "mark" or self.token.text != text:
            raise self.error(f"expected {text!r}, found {self.token.text[:40] or 'the end'!r}")
        self.next()

    def at(self, text: str) -> bool:
        return self.token.kind == "mark" and self.token.text == text

    def end(self) -> None:
        if self.token.kind != "end":
            raise self.error(f"unexpected {self.token.text[:40]!r} after the query")

    def description(self) -> None:
        if self.token.kind == "text":
            self.next()

    def selections(self, depth: int) -> tuple[Selection, ...]:
        if depth > MAX_DEPTH:
            raise self.error(f"deeper than {MAX_DEPTH} levels")
        self.mark("{")
        found: list[Selection] = []
        while not self.at("}"):
            line = self.text.count("\n", 0, self.token.at) + 1
            name = self.name()
            if self.at(":"):
                self.next()
                name = self.name()
            if self.at("("):
                self.arguments()
            block = self.at("{")
            found.append(Selection(name, line, self.selections(depth + 1) if block else (), block))
        self.next()
        if not found:
            raise self.error("an empty selection; name the fields that the code needs")
        return tuple(found)

    def arguments(self) -> None:
        depth = 0
        while True:
            if self.token.kind == "end":
                raise self.error("expected ')', found the end")
            depth += (self.token.text == "(") - (self.token.text == ")")
            self.next()
            if not depth:
                return

    def fields(self, name: str, kind: str) -> dict[str, str]:
        self.mark("{")
        found: dict[str, str] = {}
        while not self.at("}"):
            self.description()
            field = self.name()
            if field in found:
                raise self.error(f"{name} has {field} twice")
            if kind == "enum":
                found[field] = ""
                continue
            self.mark(":")
            found[field] = self.type(0)
        if not found:
            raise self.error(f"{name} has no fields")
        self.next()
        return found

    def type(self, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise self.error(f"deeper than {MAX_DEPTH} levels")
        if self.at("["):
            self.next()
            inside = self.type(depth + 1)
            self.mark("]")
            text = f"[{inside.strip('[]')}]"
        else:
            text = self.name()
        if self.at("!"):
            self.next()
        return text
