"""Conditions as the exporter writes them (a tree as JSON text) and as the agent does (condition text)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from pipelines.generator.draw import Draw
from pipelines.generator.pieces import Compare, Condition, Logic, Quantified
from schemas.catalog.environment import comparison_value_type, resolve
from schemas.catalog.tasks import TASKS

__all__ = ["TreeStyle", "condition_text", "condition_tree"]

UNARY = frozenset({"nil?", "not_nil?", "empty_or_nil?", "not_empty_and_not_nil?"})
BARE = frozenset(f"EnvironmentScalarDefinition:{name}" for name in ("Boolean", "Int", "Float"))
QUANTIFIERS = {"ANY": "any?", "ALL": "all?", "NONE": "none?"}
SPACED = json.JSONEncoder(ensure_ascii=False)
LOGIC = {"AND": " && ", "OR": " || "}

Node = dict[str, Any]


@dataclass(slots=True)
class TreeStyle:
    """How one version of the editor writes its trees."""

    wrap: bool
    """A logical node around what a list operator holds (newer), or the comparison itself (older)."""
    full_path: Literal["same", "flattened", "none"]
    """What `full_environment_path` holds: the value again, the path without items (older), or nothing."""
    capital: bool
    """Paths of the trigger's object start with a capital (oldest)."""
    empty_list_path: bool
    """List paths carry `"full_environment_path":""`."""
    spaced: bool
    """Spaces after separators: a script wrote the file."""
    wrong_parent: bool
    """One node names a parent that is not its own."""


def condition_tree(
    condition: Condition,
    *,
    style: TreeStyle,
    items: Mapping[str, str],
    make_id: Callable[[], str],
    draw: Draw,
) -> str:
    """The tree as JSON text. `items` are the loop items around the condition."""
    speller = _TreeSpeller(style, dict(items), make_id)
    logic = (
        condition
        if isinstance(condition, Logic)
        else Logic("AND" if draw.chance(0.7) else "OR", (condition,))
    )
    root = speller.logical(logic, None)
    if style.wrong_parent:
        node = draw.pick(speller.children) if speller.children else root
        if "parent_uuid" in node:
            node["parent_uuid"] = draw.pick(speller.children)["uuid"] if draw.chance(0.5) else make_id()
    if style.spaced:
        return SPACED.encode(root)
    return orjson.dumps(root).decode()


class _TreeSpeller:
    def __init__(self, style: TreeStyle, items: dict[str, str], make_id: Callable[[], str]) -> None:
        self.style = style
        self.items = items
        self.make_id = make_id
        self.children: list[Node] = []

    def node(self, parent: str | None) -> Node:
        if parent is None:
            return {"uuid": self.make_id()}
        node: Node = {"uuid": self.make_id(), "parent_uuid": parent}
        self.children.append(node)
        return node

    def logical(self, condition: Logic, parent: str | None) -> Node:
        """Three and more terms nest to the left: ((a AND b) AND c)."""
        node = self.node(parent)
        *first, last = condition.terms or (None,)
        if len(first) > 1:
            node["lhs"] = self.logical(Logic(condition.operator, tuple(filter(None, first))), node["uuid"])
            node["rhs"] = self.any(last, node["uuid"])
        else:
            for side, term in zip(("lhs", "rhs"), condition.terms, strict=False):
                node[side] = self.any(term, node["uuid"])
        node["operator"] = condition.operator
        node["operation_type"] = "LogicalExpression"
        return node

    def any(self, condition: Condition | None, parent: str) -> Node:
        if isinstance(condition, Compare):
            return self.comparison(condition, parent)
        if isinstance(condition, Quantified):
            return self.array(condition, parent)
        return self.logical(condition or Logic("AND"), parent)

    def comparison(self, compare: Compare, parent: str) -> Node:
        node = self.node(parent)
        node["lhs"] = self.environment(compare.path, node["uuid"])
        if compare.other:
            node["rhs"] = self.environment(compare.other, node["uuid"])
        else:
            node["rhs"] = literal = self.node(node["uuid"])
            literal["value"] = compare.literal
            literal["comparison_value_type"] = "LiteralValue"
        node["value_type"] = compare.value_type or _value_type(_flattened(compare.path, self.items))
        node["operator"] = compare.operator
        node["operation_type"] = "Comparison"
        return node

    def array(self, quantified: Quantified, parent: str) -> Node:
        node = self.node(parent)
        node["array_path"] = self.plain(self.cased(quantified.path), node["uuid"])
        if self.style.empty_list_path:
            node["array_path"]["full_environment_path"] = ""
        node["array_item_key"] = self.plain(quantified.item, node["uuid"])
        self.items[quantified.item] = _flattened(quantified.path, self.items)
        body = quantified.body
        if isinstance(body, Logic) or not self.style.wrap:
            node["operation"] = self.any(body, node["uuid"])
        else:
            node["operation"] = self.logical(Logic("AND", (body,)), node["uuid"])
        node["operator"] = quantified.operator
        node["operation_type"] = "ArrayExpression"
        return node

    def environment(self, path: str, parent: str) -> Node:
        path = self.cased(path)
        node = self.plain(path, parent)
        if self.style.full_path == "flattened":
            node["full_environment_path"] = self.cased(_flattened(path, self.items))
        elif self.style.full_path == "same":
            node["full_environment_path"] = path
        return node

    def plain(self, path: str, parent: str) -> Node:
        node = self.node(parent)
        node["value"] = path
        node["comparison_value_type"] = "EnvironmentValue"
        return node

    def cased(self, path: str) -> str:
        """`order.lineItems` is `Order.lineItems` in the oldest files; items and outputs keep their name."""
        if self.style.capital and "." in path and path.partition(".")[0] in _trigger_roots():
            return path[0].upper() + path[1:]
        return path


def condition_text(condition: Condition, *, items: Mapping[str, str], aliases: Mapping[str, str]) -> str:
    """Condition text, for example `(order.totalPrice > 100)`; an empty condition is the empty text.

    `aliases` renames items: `lineItems_item` to `li`. A quote inside a literal is written with a backslash,
    which Shopify's documentation neither shows nor forbids.
    """
    if isinstance(condition, Logic):
        if not condition.terms:
            return ""
        terms = [condition_text(term, items=items, aliases=aliases) for term in condition.terms]
        return f"({LOGIC[condition.operator].join(terms)})" if len(terms) > 1 else terms[0]
    path = _aliased(condition.path, aliases)
    if isinstance(condition, Quantified):
        inner = {**items, condition.item: _flattened(condition.path, items)}
        body = condition_text(condition.body, items=inner, aliases=aliases)
        item = aliases.get(condition.item, condition.item)
        return f"({path} {QUANTIFIERS[condition.operator]} |{item}| {body})"
    if condition.operator in UNARY:
        return f"({path} {condition.operator})"
    if condition.other:
        return f"({path} {condition.operator} {_aliased(condition.other, aliases)})"
    value_type = condition.value_type or _value_type(_flattened(condition.path, items))
    if value_type in BARE and "," not in condition.literal:
        return f"({path} {condition.operator} {condition.literal})"
    quoted = condition.literal.replace("\\", "\\\\").replace("'", "\\'")
    return f"({path} {condition.operator} '{quoted}')"


def _aliased(path: str, aliases: Mapping[str, str]) -> str:
    root, dot, rest = path.partition(".")
    return f"{aliases.get(root, root)}{dot}{rest}"


def _flattened(path: str, items: Mapping[str, str]) -> str:
    """The path from the root: `tags_item` is `order.lineItems.product.tags`."""
    root, dot, rest = path.partition(".")
    source = items.get(root)
    return path if source is None else f"{source}{dot}{rest}"


@functools.cache
def _trigger_roots() -> frozenset[str]:
    return frozenset(root for task in TASKS.values() for root in task.roots)


@functools.cache
def _value_type(flattened: str) -> str:
    return comparison_value_type(resolve(flattened))
