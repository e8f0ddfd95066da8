"""Shopify's search syntax, read into a tree.

    parse("status:open -tag:'Pre order' (total_weight:>100 OR name:10*)")

As documented (shopify.dev/docs/api/usage/search-syntax): terms with AND (also where nothing stands between
them) and OR, `-` or `NOT` before a term, parentheses, `field:value` with `:<`, `:>`, `:<=` and `:>=`, quotes
of both kinds, a backslash before a special character, `*` at the end of a value for a prefix and alone for
any value.

Our inference: AND binds more closely than OR, and a text that is not well formed is read as far as it goes,
with what was wrong in `Query.unread`; the page says neither.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from serving.simulator.trace import SimulationError

__all__ = ["All", "Either", "Node", "Not", "Operator", "Query", "Term", "parse", "terms"]

Operator: TypeAlias = Literal[":", ":<", ":>", ":<=", ":>="]

_MOST: Final = 10_000
_DEEPEST: Final = 30
_OPERATORS: Final[tuple[Operator, ...]] = (":<=", ":>=", ":<", ":>", ":")


@dataclass(frozen=True, slots=True)
class Term:
    """`field:>value`, or a bare value with the field empty."""

    field: str
    operator: Operator
    value: str
    prefix: bool = False
    """Whether the value ended in an unquoted `*`; with an empty value it means any value."""


@dataclass(frozen=True, slots=True)
class Not:
    below: Node


@dataclass(frozen=True, slots=True)
class All:
    below: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    below: tuple[Node, ...]


Node: TypeAlias = "Term | Not | All | Either"


@dataclass(frozen=True, slots=True)
class Query:
    """A query, and what of its text could not be read."""

    root: Node
    unread: tuple[str, ...] = ()


def parse(text: str) -> Query:
    """Read a query; the empty one is an `All` of nothing.

    Raises:
        SimulationError: QUERY_LIMIT for a text that is too long or too deep.
    """
    if len(text) > _MOST:
        raise SimulationError("QUERY_LIMIT", f"a query of {len(text)} characters, the limit is {_MOST}")
    return _remembered(text)


@functools.lru_cache(maxsize=256)
def _remembered(text: str) -> Query:
    """One Get data step asks the same of every event."""
    return _Reader(text).query()


def terms(node: Node) -> list[Term]:
    """All terms of a query, from left to right."""
    if isinstance(node, Term):
        return [node]
    if isinstance(node, Not):
        return terms(node.below)
    return [term for below in node.below for term in terms(below)]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.unread: list[str] = []

    def query(self) -> Query:
        found = [self.either(0)]
        while self.at < len(self.text):
            self.unread.append("a ) that closes nothing")
            self.at += 1
            found.append(self.either(0))
        kept = tuple(node for node in found if not (isinstance(node, All) and not node.below))
        return Query(kept[0] if len(kept) == 1 else All(kept), tuple(self.unread))

    def blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def word(self, expected: str) -> bool:
        """Whether a connective or modifier stands here by itself; if so it is behind us."""
        end = self.at + len(expected)
        follows = self.text[end : end + 1]
        if self.text.startswith(expected, self.at) and (not follows or follows.isspace() or follows == "("):
            self.at = end
            return True
        return False

    def either(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise SimulationError("QUERY_LIMIT", f"more than {_DEEPEST} parentheses inside each other")
        options: list[Node] = []
        group: list[Node] = []
        while True:
            self.blank()
            if self.at >= len(self.text) or self.text[self.at] == ")":
                break
            if self.word("OR"):
                options.append(All(tuple(group)) if len(group) != 1 else group[0])
                group = []
            elif not self.word("AND"):
                group.append(self.term(depth))
        options.append(All(tuple(group)) if len(group) != 1 else group[0])
        kept = tuple(option for option in options if not (isinstance(option, All) and not option.below))
        return Either(kept) if len(kept) > 1 else kept[0] if kept else All(())

    def term(self, depth: int) -> Node:
        negative = False
        while True:
            self.blank()
            if self.word("NOT"):
                negative = not negative
            elif self.text.startswith("-", self.at) and not self.text[self.at + 1 : self.at + 2].isspace():
                self.at += 1
                negative = not negative
            else:
                break
        found = self.group(depth) if self.text.startswith("(", self.at) else self.comparison()
        return Not(found) if negative else found

    def group(self, depth: int) -> Node:
        self.at += 1
        found = self.either(depth + 1)
        if self.text.startswith(")", self.at):
            self.at += 1
        else:
            self.unread.append("a ( that is never closed")
        return found

    def comparison(self) -> Term:
        name, _, prefix = self.value(stops=":")
        found = next((sign for sign in _OPERATORS if self.text.startswith(sign, self.at)), None)
        if found is None:
            return Term("", ":", name, prefix)
        operator: Operator = found
        self.at += len(operator)
        if operator == ":":  # `created_at: >='2026-01-01'` stands in Shopify's own pages
            self.blank()
            signs = (sign for sign in _OPERATORS[:4] if self.text.startswith(sign[1:], self.at))
            operator = next(signs, operator)
            self.at += len(operator) - 1
        self.blank()
        value, quoted, prefix = self.value(stops="")
        return Term(name.lower(), operator, value, prefix and not quoted)

    def value(self, stops: str) -> tuple[str, bool, bool]:
        """A value, whether it was quoted, and whether a `*` ended it."""
        mark = self.text[self.at : self.at + 1]
        if mark and mark in "'\"":
            return self.quoted(mark), True, False
        found: list[str] = []
        escaped = False
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign.isspace() or sign in "()" or sign in stops:
                break
            if sign == "\\" and self.at + 1 < len(self.text):
                self.at += 1
                sign, escaped = self.text[self.at], True
            else:
                escaped = False
            found.append(sign)
            self.at += 1
        text = "".join(found)
        if not text and self.at < len(self.text) and self.text[self.at] in "(:":
            self.unread.append(f"{self.text[self.at]} with nothing before it")
            self.at += 1
        prefix = text.endswith("*") and not escaped
        return text[:-1] if prefix else text, False, prefix

    def quoted(self, mark: str) -> str:
        self.at += 1
        found: list[str] = []
        while self.at < len(self.text) and self.text[self.at] != mark:
            if self.text[self.at] == "\\" and self.at + 1 < len(self.text):
                self.at += 1
            found.append(self.text[self.at])
            self.at += 1
        if self.at >= len(self.text):
            self.unread.append(f"a {mark} that is never closed")
        self.at += 1
        return "".join(found)
