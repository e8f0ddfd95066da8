"""Conditions as text and as trees, with everything that genuine files have beyond the meaning.

Terms nest to the left, to the right or in the middle; list variables have Flow's own name or a short one;
trees name wrong parents, leave keys out, and put a Logical node around one comparison or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.conditions import OPERATORS
from pipelines.generator.language.noise import shuffled
from schemas.workflow.condition_tree import is_number, paths
from schemas.workflow.model import UNARY, Compare, Condition, Constant, Logic, Path, Quantifier

__all__ = ["condition_text", "condition_tree", "has_text"]

Node = dict[str, Any]
Names = Mapping[str, str]
"""List variables as they are spelled."""

_WORD: Final = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")
_KNOWN: Final = frozenset(operator for group in OPERATORS.values() for operator in group)
_SCALAR: Final = "EnvironmentScalarDefinition:"
_STRINGS: Final = (
    f"{_SCALAR}String", f"{_SCALAR}ID", f"{_SCALAR}DateTime", "EnvironmentEnumDefinition:OrderRiskLevel",
    f"{_SCALAR}URL", "", "Money",
)  # fmt: skip


def has_text(condition: Condition) -> bool:
    """Whether condition text has room for every path and operator."""
    match condition:
        case Compare(operator=operator, right=right):
            fits = operator in _KNOWN and (right is None) == (operator in UNARY)
        case Logic(terms=terms):
            fits = all(map(has_text, terms))
        case Quantifier(body=body):
            fits = has_text(body)
    return fits and all(
        _WORD.fullmatch(place.text) is not None and place.text not in ("true", "false")
        for place in paths(condition)
    )


def variable(draw: Draw, found: Quantifier, names: Names, source: str) -> str:
    """A spelling of the list variable that captures nothing inside the body."""
    used = {names.get(place.root, place.root) for place in paths(found.body) if place.root != found.item}
    natural = source.rpartition(".")[2] + "_item"
    for name in (natural, draw.pick(("li", "x", "item", "t")), found.item):
        if name not in used and draw.chance(0.7) and _WORD.fullmatch(name):
            return name
    return found.item if _WORD.fullmatch(found.item) else f"element_{len(names)}"


def halves(draw: Draw, terms: tuple[Condition, ...], lean: str) -> tuple[tuple[Condition, ...], ...]:
    """Where a flat row of terms is cut in two."""
    at = {"left": len(terms) - 1, "right": 1}.get(lean) or draw.between(1, len(terms) - 1)
    return terms[:at], terms[at:]


def spelled(place: Path, names: Names) -> str:
    """A path with its list variable as it is spelled."""
    return ".".join((names.get(place.root, place.root), *place.segments[1:]))


# -- text -----------------------------------------------------------------------------------------------


def condition_text(draw: Draw, condition: Condition) -> str:
    """Condition text, as the agent or as a person writes it."""
    tidy = draw.chance(0.5)
    return _TextSpeller(draw, tidy).spell(condition, {}, 0)


class _TextSpeller:
    def __init__(self, draw: Draw, tidy: bool) -> None:
        self.draw = draw
        self.tidy = tidy

    def space(self, needed: bool = False) -> str:
        if self.tidy:
            return " " if needed else ""
        return self.draw.pick((" ", "  ", "\n", "\t") if needed else ("", "", " ", "\n  "))

    def spell(self, condition: Condition, names: Names, depth: int) -> str:
        pad, gap = self.space(), self.space(needed=True)
        match condition:
            case Compare(operator=operator, left=left, right=None):
                inside = f"{spelled(left, names)}{gap}{operator}"
            case Compare(operator=operator, left=left, right=Path() as right):
                inside = f"{spelled(left, names)}{gap}{operator}{gap}{spelled(right, names)}"
            case Compare(operator=operator, left=left, right=Constant() as right):
                inside = f"{spelled(left, names)}{gap}{operator}{gap}{self.literal(right)}"
            case Quantifier(operator=operator, source=source, body=body):
                listed = spelled(source, names)
                name = variable(self.draw, condition, names, listed)
                inner = self.spell(body, {**names, condition.item: name}, depth + 1)
                inside = f"{listed}{gap}{operator}?{gap}|{pad}{name}{pad}|{gap}{inner}"
            case Logic(operator=operator):
                symbol = "&&" if operator == "and" else "||"
                rows = [self.spell(term, names, depth + 1) for term in self.grouped(condition, depth)]
                inside = f"{gap if self.tidy else pad}{symbol}{gap}".join(rows)
        if not self.tidy and depth < 8 and self.draw.chance(0.05):
            inside = f"({inside})"
        return f"({pad}{inside}{pad})"

    def grouped(self, condition: Logic, depth: int) -> tuple[Condition, ...]:
        """Terms in one row, or in brackets that change nothing."""
        if self.tidy or depth > 8 or len(condition.terms) < 3 or self.draw.chance(0.5):
            return condition.terms
        rows = halves(self.draw, condition.terms, "")
        return tuple(row[0] if len(row) == 1 else Logic(condition.operator, row) for row in rows)

    def literal(self, right: Constant) -> str:
        if right.kind != "string":
            return right.text
        return "'" + "".join(self.escaped(character) for character in right.text) + "'"

    def escaped(self, character: str) -> str:
        needless = not self.tidy and self.draw.chance(0.02)
        return f"\\{character}" if character in "'\\" or needless else character


# -- trees ----------------------------------------------------------------------------------------------


def condition_tree(draw: Draw, condition: Condition | None, new_id: Callable[[], str]) -> Node:
    """The tree of an export; of an empty condition a Logical node with neither side."""
    speller = _TreeSpeller(draw, new_id)
    if condition is None:
        return speller.finished({"uuid": new_id()}, operator=draw.pick(("AND", "OR")))
    if isinstance(condition, Logic):
        return speller.logical(condition.operator, condition.terms, None, {})
    return speller.wrapped(condition, None, {})


class _TreeSpeller:
    def __init__(self, draw: Draw, new_id: Callable[[], str]) -> None:
        self.draw = draw
        self.new_id = new_id
        self.tidy = draw.chance(0.4)
        self.wraps = draw.pick(("always", "never", "sometimes"))
        self.lean = draw.pick(("left", "left", "right", ""))
        self.full = draw.pick(("same", "same", "none", "empty", "other"))
        self.capital = draw.chance(0.15)
        self.uuids: list[str] = []

    def node(self, parent: str | None) -> Node:
        """A new node; now and then it names another parent than its own, or none."""
        name = self.new_id()
        if not self.tidy and self.uuids and parent is not None and self.draw.chance(0.05):
            parent = self.draw.pick((*self.uuids[-5:], "", None, self.new_id()))
        self.uuids.append(name)
        return {"uuid": name} if parent is None else {"uuid": name, "parent_uuid": parent}

    def finished(self, node: Node, *, operator: str, kind: str = "LogicalExpression") -> Node:
        node |= {"operator": operator, "operation_type": kind}
        return node if self.tidy or self.draw.chance(0.9) else shuffled(self.draw, node)

    def any(self, condition: Condition, parent: str, names: Names) -> Node:
        if not self.tidy and self.draw.chance(0.03):
            return self.wrapped(condition, parent, names)
        match condition:
            case Logic(operator=operator, terms=terms):
                return self.logical(operator, terms, parent, names)
            case Compare():
                return self.comparison(condition, parent, names)
            case Quantifier():
                return self.array(condition, parent, names)

    def wrapped(self, condition: Condition, parent: str | None, names: Names) -> Node:
        """A Logical node with one side."""
        node = self.node(parent)
        node["lhs"] = self.any(condition, node["uuid"], names)
        return self.finished(node, operator="AND" if self.draw.chance(0.7) else "OR")

    def logical(self, operator: str, terms: tuple[Condition, ...], parent: str | None, names: Names) -> Node:
        node = self.node(parent)
        for side, row in zip(("lhs", "rhs"), halves(self.draw, terms, self.lean), strict=True):
            node[side] = (
                self.any(row[0], node["uuid"], names)
                if len(row) == 1
                else self.logical(operator, row, node["uuid"], names)
            )
        return self.finished(node, operator=operator.upper())

    def array(self, found: Quantifier, parent: str, names: Names) -> Node:
        node = self.node(parent)
        listed = spelled(found.source, names)
        name = variable(self.draw, found, names, listed)
        node["array_path"] = self.environment(found.source, node["uuid"], names)
        node["array_item_key"] = self.value(name, node["uuid"])
        inner = {**names, found.item: name}
        around = self.wraps == "always" or (self.wraps == "sometimes" and self.draw.chance(0.5))
        around = around and not isinstance(found.body, Logic)
        spell = self.wrapped if around else self.any
        node["operation"] = spell(found.body, node["uuid"], inner)
        return self.finished(node, operator=found.operator.upper(), kind="ArrayExpression")

    def comparison(self, found: Compare, parent: str, names: Names) -> Node:
        node = self.node(parent)
        own = node["uuid"]
        node["lhs"] = self.environment(found.left, own, names)
        if isinstance(found.right, Path):
            node["rhs"] = self.environment(found.right, own, names)
        elif found.right is not None or self.tidy or self.draw.chance(0.7):
            text = found.right.text if found.right else ""
            node["rhs"] = self.node(own) | {"value": text, "comparison_value_type": "LiteralValue"}
        node["value_type"] = self.draw.pick(_value_types(found.right))
        return self.finished(node, operator=found.operator, kind="Comparison")

    def value(self, text: str, parent: str) -> Node:
        return self.node(parent) | {"value": text, "comparison_value_type": "EnvironmentValue"}

    def environment(self, place: Path, parent: str, names: Names) -> Node:
        text = spelled(place, names)
        if self.capital and place.root not in names and text[:1].isascii() and text[:1].islower():
            text = text[0].upper() + text[1:]
        node = self.value(text, parent)
        full = {"same": text, "empty": "", "other": f"order.{text}"}.get(self.full)
        return node if full is None else node | {"full_environment_path": full}


def _value_types(right: Path | Constant | None) -> tuple[str, ...]:
    """Types under which the literal means what it means."""
    numbers, boolean = (f"{_SCALAR}Int", f"{_SCALAR}Float"), (f"{_SCALAR}Boolean",)
    if not isinstance(right, Constant):
        return (*_STRINGS, *numbers, *boolean)
    if right.kind == "number":
        return numbers
    if right.kind == "boolean":
        return boolean
    more = () if is_number(right.text) else numbers
    return (*_STRINGS, *more, *(() if right.text in ("true", "false") else boolean))
