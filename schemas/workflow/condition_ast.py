"""Conditions as exports write them: a JSON tree with a uuid on each node (Flow format section 8.1).

The tree's meaning becomes a `Condition`. What the meaning does not hold (binary shape, uuids, value types,
redundant paths, wrong parents) becomes a *trace*, which is content-free: no literal of the merchant is
in it. `write_ast(condition, trace)` gives the same text back, and after an edit of the condition keeps
what still fits.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

from schemas.errors import WorkflowRefused
from schemas.workflow.alignment import leaf_marks
from schemas.workflow.condition_refit import refit
from schemas.workflow.condition_tree import MAX_NESTING, constant, join, leaves, normalise
from schemas.workflow.jsontext import apply_overlay, lexis_of, overlay, read_json, write_json
from schemas.workflow.model import UNARY, Compare, Condition, Constant, Logic, Path, Quantifier, path

Node = dict[str, Any]
Trace = dict[str, Any]

_CODE: Final = "INVALID_CONDITION_VALUE"
_NUMBER_TYPES: Final = frozenset({"EnvironmentScalarDefinition:Int", "EnvironmentScalarDefinition:Float"})
_BOOLEAN_TYPE: Final = "EnvironmentScalarDefinition:Boolean"
_KEYS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    # node: (keys it must have, keys it may have)
    "LogicalExpression": (
        frozenset({"uuid", "operator", "operation_type"}),
        frozenset({"parent_uuid", "lhs", "rhs"}),
    ),
    "Comparison": (
        frozenset({"uuid", "lhs", "value_type", "operator", "operation_type"}),
        frozenset({"parent_uuid", "rhs"}),
    ),
    "ArrayExpression": (
        frozenset({"uuid", "array_path", "array_item_key", "operation", "operator", "operation_type"}),
        frozenset({"parent_uuid"}),
    ),
    "EnvironmentValue": (
        frozenset({"uuid", "value", "comparison_value_type"}),
        frozenset({"parent_uuid", "full_environment_path"}),
    ),
    "LiteralValue": (frozenset({"uuid", "value", "comparison_value_type"}), frozenset({"parent_uuid"})),
}

TypeOf = Callable[[Path], str | None]


def read_ast(text: str, where: str = "") -> tuple[Condition | None, Trace]:
    """Parse the JSON text of a condition tree.

    Raises:
        WorkflowRefused: INVALID_CONDITION_VALUE or WORKFLOW_FIELD_NOT_ALLOWED with the path of the node.
    """
    tree = read_json(text, where)
    reader = _Reader(where)
    found = reader.root(tree)
    condition = None if found is None else normalise(found)
    trace: Trace = {"shape": "".join(reader.shape), "uuids": reader.uuids}
    if condition is not None:
        trace["leaves"] = "".join(leaf_marks(condition))
    plain = _build(condition, trace)
    difference = overlay(plain, tree)
    if difference is not None:
        trace["differs"] = difference
    lexis = lexis_of(text, tree)
    if lexis is not None:
        trace["lexis"] = lexis
    return condition, trace


def write_ast(
    condition: Condition | None, trace: Trace | None, seed: str, type_of: TypeOf | None = None
) -> str:
    """Write a condition tree; `seed` makes the uuids of nodes that the trace does not name.

    A trace holds the value types that a file has beyond the plain ones; only without it they are looked up.
    """
    if trace is None:
        return write_json(_build(condition, {}, seed, type_of))
    lexis = trace.get("lexis")
    if condition is not None and not _fits(condition, shape := _tokens(trace.get("shape", ""))):
        trace = _refitted(condition, shape, trace, seed, type_of)
    tree = _build(condition, trace, seed)
    if condition is not None or trace.get("shape") in ("A0", "O0"):
        tree = apply_overlay(tree, trace.get("differs"))
    return write_json(tree, lexis)


def _refitted(
    condition: Condition, shape: list[str], trace: Trace, seed: str, type_of: TypeOf | None
) -> Trace:
    """The trace of an edited condition. What looks a type up adds it to a new comparison alone."""
    if shape in (["A0"], ["O0"], []):
        shape = [f"{(shape or ['A'])[0][0]}1", "C"]
        trace = {"uuids": [*trace.get("uuids", [])[:1], *(_fresh(seed, number) for number in range(3))]}
    builder = _Builder([], [], seed, type_of)

    def beyond(leaf: Compare) -> Trace | None:
        plain, found = _plain_type(leaf.right), builder.value_type(leaf)
        return None if plain == found else {"in": {"value_type": {"was": plain, "=": found}}}

    return refit(condition, shape, trace, lambda number: _fresh(seed, number), beyond)


class _Reader:
    """One pass over a tree: the meaning comes back, shape and uuids are collected in preorder."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.shape: list[str] = []
        self.uuids: list[str] = []

    def root(self, node: object) -> Condition | None:
        fields = self.node(node, self.where, "operation_type", ("LogicalExpression",))
        if "lhs" not in fields and "rhs" not in fields:
            self.mark(fields, "A0" if self.operator(fields, self.where) == "and" else "O0", self.where)
            return None
        return self.operation(node, self.where, 0)

    def node(self, node: object, where: str, marker: str, kinds: tuple[str, ...]) -> Node:
        if not isinstance(node, dict):
            raise WorkflowRefused(_CODE, "a condition node must be an object", path=where)
        kind = node.get(marker)
        if kind not in kinds:
            raise WorkflowRefused(
                _CODE, f"{marker} is {kind!r}, expected {' or '.join(kinds)}", path=f"{where}/{marker}"
            )
        needed, allowed = _KEYS[kind]
        for key in node:
            if key not in needed and key not in allowed:
                raise WorkflowRefused(
                    "WORKFLOW_FIELD_NOT_ALLOWED",
                    f"unknown key {key!r} in a {kind} node",
                    path=f"{where}/{key}",
                )
        for key in needed:
            if key not in node:
                raise WorkflowRefused(_CODE, f"a {kind} node lacks {key!r}", path=where)
        if not isinstance(node["uuid"], str):
            raise WorkflowRefused(_CODE, "uuid must be text", path=f"{where}/uuid")
        return node

    def mark(self, fields: Node, mark: str, where: str) -> None:
        self.uuids.append(fields["uuid"])
        self.shape.append(mark)

    def operation(self, node: object, where: str, depth: int) -> Condition:
        if depth > MAX_NESTING * 2:
            raise WorkflowRefused(
                "CONDITION_NESTING_LIMIT", f"deeper than {MAX_NESTING * 2} levels", path=where
            )
        fields = self.node(
            node, where, "operation_type", ("LogicalExpression", "Comparison", "ArrayExpression")
        )
        match fields["operation_type"]:
            case "LogicalExpression":
                return self.logical(fields, where, depth)
            case "Comparison":
                return self.comparison(fields, where)
            case _:
                return self.quantifier(fields, where, depth)

    def operator(self, fields: Node, where: str) -> str:
        operator = fields["operator"]
        if operator not in ("AND", "OR"):
            raise WorkflowRefused(
                _CODE,
                f"the operator of a LogicalExpression is {operator!r}, expected AND or OR",
                path=f"{where}/operator",
            )
        return "and" if operator == "AND" else "or"

    def logical(self, fields: Node, where: str, depth: int) -> Condition:
        operator = self.operator(fields, where)
        if "lhs" not in fields:
            raise WorkflowRefused(_CODE, "a LogicalExpression inside a condition has no lhs", path=where)
        sides = [side for side in ("lhs", "rhs") if side in fields]
        self.mark(fields, f"{operator[0].upper()}{len(sides)}", where)
        terms = [self.operation(fields[side], f"{where}/{side}", depth + 1) for side in sides]
        return join("and" if operator == "and" else "or", terms)

    def comparison(self, fields: Node, where: str) -> Compare:
        self.mark(fields, "C" if "rhs" in fields else "U", where)
        value_type, operator = fields["value_type"], fields["operator"]
        if not isinstance(value_type, str) or not isinstance(operator, str):
            raise WorkflowRefused(_CODE, "value_type and operator must be text", path=where)
        left = self.environment_value(fields["lhs"], f"{where}/lhs")
        if "rhs" not in fields:
            if operator not in UNARY:
                raise WorkflowRefused(_CODE, f"{operator} compares with nothing: rhs is missing", path=where)
            return Compare(operator, left, None)
        right = self.right(fields["rhs"], f"{where}/rhs", value_type)
        unused = operator in UNARY and right == Constant("")
        return Compare(operator, left, None if unused else right)

    def right(self, node: object, where: str, value_type: str) -> Path | Constant:
        fields = self.node(node, where, "comparison_value_type", ("EnvironmentValue", "LiteralValue"))
        if fields["comparison_value_type"] == "EnvironmentValue":
            return self.environment_value(node, where)
        self.uuids.append(fields["uuid"])
        if not isinstance(fields["value"], str):
            raise WorkflowRefused(_CODE, "a literal is always text", path=f"{where}/value")
        return constant(fields["value"], _kind_of(value_type))

    def environment_value(self, node: object, where: str) -> Path:
        fields = self.node(node, where, "comparison_value_type", ("EnvironmentValue",))
        self.uuids.append(fields["uuid"])
        if not isinstance(fields["value"], str):
            raise WorkflowRefused(_CODE, "an environment path is text", path=f"{where}/value")
        return path(fields["value"])

    def quantifier(self, fields: Node, where: str, depth: int) -> Quantifier:
        self.mark(fields, "Q", where)
        operator = fields["operator"]
        if operator not in ("ANY", "ALL", "NONE"):
            raise WorkflowRefused(
                _CODE,
                f"the operator of an ArrayExpression is {operator!r}, expected ANY, ALL or NONE",
                path=where,
            )
        source = self.environment_value(fields["array_path"], f"{where}/array_path")
        item = self.environment_value(fields["array_item_key"], f"{where}/array_item_key")
        body = self.operation(fields["operation"], f"{where}/operation", depth + 1)
        return Quantifier(operator.lower(), source, item.text, body)


# -- writing --------------------------------------------------------------------------------------------


def _build(condition: Condition | None, trace: Trace, seed: str = "", type_of: TypeOf | None = None) -> Node:
    uuids = trace.get("uuids", [])
    shape = _tokens(trace.get("shape", ""))
    if condition is None:
        empty = shape[0] if len(shape) == 1 and shape[0] in ("A0", "O0") else "A0"
        return {
            "uuid": uuids[0] if uuids else _fresh(seed, 0),
            "operator": "AND" if empty == "A0" else "OR",
            "operation_type": "LogicalExpression",
        }
    builder = _Builder(
        shape if _fits(condition, shape) else _tokens(_shape(condition, root=True)), uuids, seed, type_of
    )
    return builder.operation(list(_all_leaves(condition)), None)


class _Builder:
    """Builds nodes along a shape; leaves are taken in order."""

    def __init__(self, shape: list[str], uuids: list[str], seed: str, type_of: TypeOf | None) -> None:
        self.shape = iter(shape)
        self.uuids = uuids
        self.count = 0
        self.seed = seed
        self.type_of = type_of

    def fresh(self) -> str:
        number, self.count = self.count, self.count + 1
        return self.uuids[number] if number < len(self.uuids) else _fresh(self.seed, number)

    def start(self, parent: str | None) -> Node:
        name = self.fresh()
        return {"uuid": name} if parent is None else {"uuid": name, "parent_uuid": parent}

    def operation(self, left: list[Compare | Quantifier], parent: str | None, depth: int = 0) -> Node:
        if depth > MAX_NESTING * 2:  # what the reader takes
            raise WorkflowRefused("CONDITION_NESTING_LIMIT", f"deeper than {MAX_NESTING * 2} levels")
        mark = next(self.shape)
        node = self.start(parent)
        own = node["uuid"]
        if mark in ("C", "U"):
            leaf = left.pop(0)
            assert isinstance(leaf, Compare)  # the shape was checked to fit
            return self.comparison(node, leaf, own, bare=mark == "U")
        if mark == "Q":
            leaf = left.pop(0)
            assert isinstance(leaf, Quantifier)
            node["array_path"] = self.environment(leaf.source.text, own, full=False)
            node["array_item_key"] = self.environment(leaf.item, own, full=False)
            node["operation"] = self.operation(left, own, depth + 1)
            return node | {"operator": leaf.operator.upper(), "operation_type": "ArrayExpression"}
        for side in ("lhs", "rhs")[: int(mark[1])]:
            node[side] = self.operation(left, own, depth + 1)
        return node | {"operator": "AND" if mark[0] == "A" else "OR", "operation_type": "LogicalExpression"}

    def comparison(self, node: Node, leaf: Compare, own: str, *, bare: bool) -> Node:
        node["lhs"] = self.environment(leaf.left.text, own, full=True)
        if bare:
            pass
        elif isinstance(leaf.right, Path):
            node["rhs"] = self.environment(leaf.right.text, own, full=True)
        else:
            text = "" if leaf.right is None else leaf.right.text
            node["rhs"] = self.start(own) | {"value": text, "comparison_value_type": "LiteralValue"}
        node["value_type"] = self.value_type(leaf)
        return node | {"operator": leaf.operator, "operation_type": "Comparison"}

    def value_type(self, leaf: Compare) -> str:
        """The type of the path, unless under it the literal would read back as another kind."""
        found = self.type_of(leaf.left) if self.type_of else None
        right = leaf.right
        if found is None or (isinstance(right, Constant) and constant(right.text, _kind_of(found)) != right):
            return _plain_type(right)
        return found

    def environment(self, text: str, parent: str, *, full: bool) -> Node:
        node = self.start(parent) | {"value": text, "comparison_value_type": "EnvironmentValue"}
        return node | {"full_environment_path": text} if full else node


def _kind_of(value_type: str) -> str:
    if value_type in _NUMBER_TYPES:
        return "number"
    return "boolean" if value_type == _BOOLEAN_TYPE else "string"


def _plain_type(right: Path | Constant | None) -> str:
    if isinstance(right, Constant):
        if right.kind == "boolean":
            return _BOOLEAN_TYPE
        if right.kind == "number":
            return "EnvironmentScalarDefinition:" + ("Float" if "." in right.text else "Int")
    return "EnvironmentScalarDefinition:String"


def _fresh(seed: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sidewheel:{seed}:{number}"))


# -- shapes ---------------------------------------------------------------------------------------------


def _tokens(shape: str) -> list[str]:
    found: list[str] = []
    for character in shape:
        if character.isdigit():
            found[-1] += character
        else:
            found.append(character)
    return found


def _shape(condition: Condition, *, root: bool) -> str:
    """The shape of the current editor: a Logical node on top and around the body of each list operator."""
    match condition:
        case Logic(operator=operator, terms=terms):
            mark = operator[0].upper()
            inner = [_shape(term, root=False) for term in terms]
            return f"{mark}2" * (len(inner) - 1) + "".join(inner)
        case Compare():
            return "A1C" if root else "C"
        case Quantifier(body=body):
            return ("A1Q" if root else "Q") + _shape(body, root=True)


def _all_leaves(condition: Condition) -> Iterator[Compare | Quantifier]:
    """Leaves in the order that a shape meets them: a quantifier, then what is inside it."""
    for leaf in leaves(condition):
        yield leaf
        if isinstance(leaf, Quantifier):
            yield from _all_leaves(leaf.body)


def _fits(condition: Condition, shape: list[str]) -> bool:
    """Whether this shape, filled with the leaves of `condition`, means `condition`."""
    marks = iter(shape)
    left = list(_all_leaves(condition))

    def fill() -> Condition:
        mark = next(marks)
        if mark in ("C", "U", "Q"):
            leaf = left.pop(0)
            if (mark != "Q") != isinstance(leaf, Compare):
                raise StopIteration
            if mark == "U" and isinstance(leaf, Compare) and leaf.right is not None:
                raise StopIteration
            if isinstance(leaf, Quantifier):
                return Quantifier(leaf.operator, leaf.source, leaf.item, fill())
            return leaf
        terms = [fill() for _ in range(int(mark[1]))]
        return join("and" if mark[0] == "A" else "or", terms)

    try:
        return fill() == condition and not left and next(marks, None) is None
    except (StopIteration, IndexError, ValueError):
        return False
