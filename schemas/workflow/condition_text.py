r"""Conditions as the agent and the API write them: `(order.totalPrice > 100)` (Flow format section 8.2).

```
expression := "(" body ")"
body       := expression (("&&" | "||") expression)*        one kind of operator a level
            | path ("any?" | "all?" | "none?") "|" name "|" expression
            | path operator [literal | path]
literal    := 'text'  |  number  |  true  |  false
```
A quote inside a text literal is written `\'` and a backslash `\\`; Shopify's documentation says nothing
about either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from schemas.errors import WorkflowRefused
from schemas.workflow.condition_tree import MAX_NESTING, constant, join, normalise, paths
from schemas.workflow.model import UNARY, Compare, Condition, Constant, Logic, Path, Quantifier, path
from schemas.workflow.names import free

OPERATORS: Final = frozenset(
    [
        "==",
        "!=",
        ">",
        ">=",
        "<",
        "<=",
        "include?",
        "not_include?",
        "start_with?",
        "not_start_with?",
        "end_with?",
        "not_end_with?",
        "in?",
        "not_in?",
        "empty_or_nil?",
        "not_empty_and_not_nil?",
        "nil?",
        "not_nil?",
    ]
)
LISTS: Final[dict[str, Literal["any", "all", "none"]]] = {"any?": "any", "all?": "all", "none?": "none"}

_CODE: Final = "INVALID_CONDITION_VALUE"
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?)(?![\w.])
    | (?P<symbol>\(|\)|&&|\|\||\||==|!=|>=|<=|>|<)
    | (?P<word>[^\W\d]\w*\?|[^\W\d][\w-]*(?:\.[\w-]+)*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_PATH = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")


@dataclass(slots=True)
class Parsed:
    """A condition, and where each comparison stands: (column of the operator, comparison, lists)"""

    condition: Condition
    places: list[tuple[int, Compare, dict[str, Path]]] = field(default_factory=list)


def read_text(text: str, where: str = "") -> Condition:
    """Parse condition text into its normal form.

    Raises:
        WorkflowRefused: INVALID_CONDITION_VALUE; the message names the 1-based column and what was expected.
    """
    return normalise(parse(text, where).condition)


def parse(text: str, where: str = "") -> Parsed:
    """Parse condition text and keep the places, for a checker that has to point at them."""
    return _Parser(text, where).whole()


class _Parser:
    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.places: list[tuple[int, Compare, dict[str, Path]]] = []
        self.lists: dict[str, Path] = {}
        self.at = 0
        self.kind = ""
        self.token = ""
        self.start = 0
        self.advance()

    def refuse(self, message: str, start: int | None = None) -> WorkflowRefused:
        column = (self.start if start is None else start) + 1
        return WorkflowRefused(_CODE, f"column {column}: {message}", path=self.where)

    def advance(self) -> None:
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            self.start = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            rest = self.text[self.start : self.start + 12]
            if rest:
                raise self.refuse(f"cannot read {rest!r}")
            self.kind, self.token = "end", ""
            return
        self.kind = str(found.lastgroup)
        self.token = found.group(self.kind)
        self.start = found.start(self.kind)
        self.at = found.end()

    def expect(self, token: str) -> None:
        if self.kind in ("text",) or self.token != token:
            raise self.refuse(f"expected {token!r}, found {self.token or 'the end'!r}")
        self.advance()

    def whole(self) -> Parsed:
        condition = self.expression(0)
        if self.kind != "end":
            raise self.refuse(
                f"unexpected {self.token!r} after the expression; every expression is in brackets"
            )
        return Parsed(condition, self.places)

    def expression(self, depth: int) -> Condition:
        if depth > MAX_NESTING:
            raise self.refuse(f"nested deeper than {MAX_NESTING} levels")
        self.expect("(")
        condition = (
            self.group(depth) if self.token == "(" and self.kind == "symbol" else self.comparison(depth)
        )
        self.expect(")")
        return condition

    def group(self, depth: int) -> Condition:
        terms = [self.expression(depth + 1)]
        operator = self.token
        while self.kind == "symbol" and self.token in ("&&", "||"):
            if self.token != operator:
                raise self.refuse("&& and || may not stand at one level; put brackets around one of them")
            self.advance()
            terms.append(self.expression(depth + 1))
        return join("and" if operator == "&&" else "or", terms)

    def path(self) -> Path:
        if self.kind != "word" or self.token.endswith("?"):
            raise self.refuse(f"expected a path, found {self.token or 'the end'!r}")
        place = path(self.token)
        self.advance()
        return place

    def comparison(self, depth: int) -> Condition:
        left = self.path()
        operator, column = self.token, self.start
        if operator in LISTS:
            self.advance()
            return self.quantifier(left, LISTS[operator], depth)
        if operator not in OPERATORS:
            raise self.refuse(f"expected an operator, found {operator or 'the end'!r}")
        self.advance()
        found = Compare(operator, left, None if operator in UNARY else self.operand())
        self.places.append((column, found, dict(self.lists)))
        return found

    def operand(self) -> Path | Constant:
        kind, token = self.kind, self.token
        if kind == "text":
            self.advance()
            return Constant(_unquote(token))
        if kind == "number":
            self.advance()
            return constant(token, "number")
        if token in ("true", "false"):
            self.advance()
            return Constant(token, "boolean")
        if kind == "word" and not token.endswith("?"):
            return self.path()
        raise self.refuse(f"expected a literal or a path, found {token or 'the end'!r}")

    def quantifier(self, source: Path, operator: Literal["any", "all", "none"], depth: int) -> Quantifier:
        self.expect("|")
        if self.kind != "word" or "." in self.token or self.token.endswith("?"):
            raise self.refuse(f"expected the name of the list item, found {self.token!r}")
        item = self.token
        self.advance()
        self.expect("|")
        outer = self.lists
        self.lists = {**outer, item: source}
        body = self.expression(depth + 1)
        self.lists = outer
        return Quantifier(operator, source, item, body)


_QUOTED = re.compile(r"\\(.)", re.DOTALL)


def _unquote(token: str) -> str:
    return _QUOTED.sub(r"\1", token[1:-1])


def _quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def write_text(condition: Condition) -> str:
    """Write condition text.

    Raises:
        WorkflowRefused: INVALID_CONDITION_VALUE where the grammar has no room for a path, an operator or so
            many levels.
    """
    return _write(condition, {}, 0)


def _write(condition: Condition, names: Mapping[str, str], depth: int) -> str:
    """`names` are the list variables around that have another name in the text."""
    if depth > MAX_NESTING:
        raise WorkflowRefused(_CODE, f"condition text nests at most {MAX_NESTING} levels deep")
    match condition:
        case Compare(operator=operator, left=left, right=right):
            if operator not in OPERATORS:
                raise WorkflowRefused(_CODE, f"condition text has no operator {operator!r}")
            if (right is None) != (operator in UNARY):
                raise WorkflowRefused(_CODE, f"condition text cannot give {operator} this right side")
            parts = [_place(left, names), operator, *([] if right is None else [_operand(right, names)])]
            return f"({' '.join(parts)})"
        case Logic(operator=name, terms=terms):
            symbol = " && " if name == "and" else " || "
            return f"({symbol.join(_write(term, names, depth + 1) for term in terms)})"
        case Quantifier(operator=name, source=source, item=item, body=body):
            shown = item if _PATH.fullmatch(item) else _variable(body, names)
            inner = _write(body, names if shown == item else {**names, item: shown}, depth + 1)
            return f"({_place(source, names)} {name}? |{shown}| {inner})"


def _variable(body: Condition, names: Mapping[str, str]) -> str:
    """A name for an item whose own name is no word: that of `order.3dModels` is `3dModels_item`."""
    return free("item", frozenset(names.get(place.root, place.root) for place in paths(body)))


def _place(place: Path, names: Mapping[str, str]) -> str:
    text = ".".join((names.get(place.root, place.root), *place.segments[1:]))
    if not _PATH.fullmatch(text) or text in ("true", "false"):
        raise WorkflowRefused(_CODE, f"condition text cannot name the path {text!r}")
    return text


def _operand(right: Path | Constant, names: Mapping[str, str]) -> str:
    if isinstance(right, Path):
        return _place(right, names)
    return _quote(right.text) if right.kind == "string" else right.text
