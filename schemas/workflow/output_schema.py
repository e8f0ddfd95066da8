"""What a Run code step gives back: its `output_schema`, types in GraphQL's schema language.

Read are objects, interfaces, enums, unions, scalars and inputs; `type Output` is what the step gives. What
stands in the brackets of arguments and directives has no part in that, so it is walked over and not held to
the grammar. Our own reader, because the schema language is small, and the package graphql-core takes longer
to import than all of `schemas.workflow`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.catalog.environment import graphql_kind
from schemas.workflow.graphql_text import Cursor

__all__ = ["OUTPUT", "OutputSchema", "read_output_schema"]

OUTPUT: Final = "Output"
CODE: Final = "CONFIG_FIELD_GRAPHQL_SCHEMA_ERROR"
_REMEMBERED: Final = 4_000
"""Characters of the longest text that is worth remembering."""
MAX_LISTS: Final = 8
"""Lists inside lists that one field may have."""


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The types of one text."""

    types: Mapping[str, Mapping[str, str]]
    """Object type -> field -> type as paths see it: `[Item]` for `[Item!]!`; empty where it depends on the
    object (an interface, a union) or is not known."""
    enums: Mapping[str, tuple[str, ...]]
    undefined: tuple[str, ...]
    """Names that a field has for its type and that nothing defines, in order of use."""


def read_output_schema(text: str) -> OutputSchema:
    """Read the types of a Run code step.

    Raises:
        WorkflowRefused: CONFIG_FIELD_GRAPHQL_SCHEMA_ERROR with `line:column`, for what is not such a text, a
            name defined twice, and a text without `type Output`.
    """
    return _remembered(text) if len(text) <= _REMEMBERED else _Reader(text).read()


@functools.lru_cache(maxsize=256)
def _remembered(text: str) -> OutputSchema:
    """One check reads a schema twice: for the names that later steps see, and for what is wrong with it."""
    return _Reader(text).read()


class _Reader(Cursor):
    def __init__(self, text: str) -> None:
        super().__init__(text, CODE)
        self.types: dict[str, dict[str, str]] = {}
        self.enums: dict[str, tuple[str, ...]] = {}
        self.others: set[str] = set()
        self.used: dict[str, None] = {}

    def read(self) -> OutputSchema:
        while self.here.kind != "end":
            self.definition()
        if OUTPUT not in self.types:
            raise self.refuse(f"there is no type {OUTPUT}; write type {OUTPUT} {{ total: Int }}")
        known = {*self.types, *self.enums, *(name for name in self.used if graphql_kind(name) == "scalar")}
        types = {
            name: {field: kind if kind.strip("[]") in known else "" for field, kind in fields.items()}
            for name, fields in self.types.items()
        }
        return OutputSchema(types, self.enums, tuple(n for n in self.used if n not in known | self.others))

    def expect(self, sign: str) -> None:
        if not self.skips(sign):
            raise self.refuse(f"expected {sign!r}, found {self.here.text or 'the end'!r}")

    def name(self, what: str) -> str:
        token = self.here
        if token.kind != "name":
            raise self.refuse(f"expected {what}, found {token.text or 'the end'!r}")
        self.number += 1
        return token.text

    def describe(self) -> None:
        self.number += self.here.kind == "string"

    def definition(self) -> None:
        self.describe()
        start = self.here
        keyword = self.name("a definition such as type Output { total: Int }")
        if keyword not in ("type", "interface", "input", "enum", "union", "scalar"):
            raise self.refuse(f"{keyword!r} defines no type; write type {OUTPUT} {{ ... }}", start)
        place = self.here
        name = self.name("the name of the type")
        if name in self.types or name in self.enums or name in self.others:
            raise self.refuse(f"{name} is defined twice", place)
        self.implements(keyword)
        self.directives()
        match keyword:
            case "enum":
                self.enums[name] = self.constants()
            case "union":
                self.others.add(name)
                self.members()
            case "scalar":
                self.others.add(name)
            case "type":
                self.types[name] = {}
                self.fields(self.types[name])
            case _:  # what lies in an interface depends on the object; an input is nothing that code gives
                self.others.add(name)
                self.fields({})

    def implements(self, keyword: str) -> None:
        if keyword in ("type", "interface") and self.here.text == "implements":
            self.number += 1
            self.skips("&")
            self.name("the name of an interface")
            while self.skips("&"):
                self.name("the name of an interface")

    def members(self) -> None:
        if self.skips("="):
            self.skips("|")
            self.name("the name of a type")
            while self.skips("|"):
                self.name("the name of a type")

    def constants(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        self.expect("{")
        while not found or not self.skips("}"):
            self.describe()
            place = self.here
            name = self.name("a constant")
            if name in found:
                raise self.refuse(f"{name} is there twice", place)
            found[name] = None
            self.directives()
        return tuple(found)

    def fields(self, found: dict[str, str]) -> None:
        self.expect("{")
        first = True
        while first or not self.skips("}"):
            first = False
            self.describe()
            place = self.here
            name = self.name("the name of a field")
            if name in found:
                raise self.refuse(f"the field {name} is there twice", place)
            self.group("(", ")")
            self.expect(":")
            found[name] = self.type()
            if self.skips("="):
                self.default()
            self.directives()

    def type(self) -> str:
        depth = 0
        while self.skips("["):
            depth += 1
            if depth > MAX_LISTS:
                raise self.refuse(f"more than {MAX_LISTS} lists inside each other")
        name = self.name("the name of a type")
        self.used[name] = None
        self.skips("!")
        for _ in range(depth):
            self.expect("]")
            self.skips("!")
        return f"[{name}]" if depth else name

    def directives(self) -> None:
        while self.skips("@"):
            self.name("the name of a directive")
            self.group("(", ")")

    def default(self) -> None:
        if not self.group("[", "]") and not self.group("{", "}"):
            if self.here.kind in ("sign", "end"):
                raise self.refuse("expected a default value")
            self.number += 1

    def group(self, opening: str, closing: str) -> bool:
        """Walk over a bracket with all that is in it: arguments have no part in what the code gives."""
        return self.skips_group(opening, closing, f"a {opening!r} that is never closed")
