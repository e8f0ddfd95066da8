"""The query of a code step: which fields of the environment its script gets.

Not here: variables, fragments and directives; Flow's environment takes none of them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from schemas.workflow.graphql_text import Cursor

__all__ = ["QUERY_ERROR", "Selection", "read_query"]

QUERY_ERROR: Final = "CONFIG_FIELD_GRAPHQL_QUERY_ERROR"
MAX_DEPTH: Final = 40
_REMEMBERED: Final = 4_000
"""Characters of the longest query that is worth remembering."""


@dataclass(frozen=True, slots=True)
class Selection:
    """One field of a selection."""

    name: str
    at: int
    """The character it starts at."""
    below: tuple[Selection, ...] = ()
    alias: str = ""
    """The key that the code reads it by, where it is not the name."""


def read_query(text: str) -> tuple[Selection, ...]:
    """The selections of the one query of a text.

    Raises:
        WorkflowRefused: CONFIG_FIELD_GRAPHQL_QUERY_ERROR with `line:column`, for anything else.
    """
    return _remembered(text) if len(text) <= _REMEMBERED else _Reader(text).query()


@functools.lru_cache(maxsize=256)
def _remembered(text: str) -> tuple[Selection, ...]:
    return _Reader(text).query()


class _Reader(Cursor):
    def __init__(self, text: str) -> None:
        super().__init__(text, QUERY_ERROR)

    def found(self) -> str:
        return repr(self.here.text[:40]) if self.here.kind != "end" else "the end"

    def name(self) -> str:
        if self.here.kind != "name":
            raise self.refuse(f"expected the name of a field, found {self.found()}")
        self.number += 1
        return self.tokens[self.number - 1].text

    def query(self) -> tuple[Selection, ...]:
        if self.here.kind == "name":
            keyword = self.here.text
            if keyword != "query":
                raise self.refuse(f"a code step takes a query, found {keyword[:40]!r}; write query {{ ... }}")
            self.number += 1
            if self.here.kind == "name":
                self.number += 1
        if not self.skips("{"):
            raise self.refuse(f"expected '{{', found {self.found()}")
        found = self.fields(0)
        if self.here.kind != "end":
            raise self.refuse(f"unexpected {self.found()} after the query")
        return found

    def fields(self, depth: int) -> tuple[Selection, ...]:
        """The fields up to the closing brace; the opening one is behind us."""
        if depth > MAX_DEPTH:
            raise self.refuse(f"deeper than {MAX_DEPTH} levels")
        found: list[Selection] = []
        while not self.skips("}"):
            at = self.here.at
            alias, name = "", self.name()
            if self.skips(":"):
                alias, name = name, self.name()
            self.skips_group("(", ")", "expected ')', found the end")
            found.append(Selection(name, at, self.fields(depth + 1) if self.skips("{") else (), alias))
        if not found:
            raise self.refuse("an empty selection; name the fields that the code needs")
        return tuple(found)
