"""Python expressions to paths, values and conditions: the inverse of `python_values`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from schemas.workflow.condition_tree import MAX_NESTING, constant, join, normalise
from schemas.workflow.jsontext import compact
from schemas.workflow.model import (
    UNARY,
    ApiCall,
    Bare,
    Compare,
    Condition,
    ConditionValue,
    Constant,
    Json,
    Path,
    PathValue,
    Quantifier,
    Reference,
    Text,
    Value,
)
from schemas.workflow.names import camel
from schemas.workflow.python_literals import json_of, named_object, number_of, refuse, text_of
from schemas.workflow.recurrence import WORDS, recurrence_of
from schemas.workflow.scope import item_of
from schemas.workflow.values import api_call, decode, reference

_MAX_DEPTH: Final = 2 * MAX_NESTING
_OPERATORS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Is: "==",
    ast.IsNot: "!=",
}
_NEGATION: Final = {
    "==": "!=",
    ">": "<=",
    ">=": "<",
    "include?": "not_include?",
    "in?": "not_in?",
    "start_with?": "not_start_with?",
    "end_with?": "not_end_with?",
    "nil?": "not_nil?",
    "empty_or_nil?": "not_empty_and_not_nil?",
}
_OPPOSITE: Final = _NEGATION | {other: one for one, other in _NEGATION.items()}
_METHODS: Final = {"startswith": "start_with?", "endswith": "end_with?"}


@dataclass(frozen=True, slots=True)
class Binding:
    """What a Python name means: an environment root, a step's output, a loop's item, or a list element."""

    kind: str
    target: Any


ItemSource = Callable[[int], tuple[ast.expr, dict[str, Binding]]]


class Expressions:
    """Reads expressions at one place of the text, where `names` are known."""

    def __init__(
        self,
        names: dict[str, Binding],
        outputs: dict[int, str | None] | None = None,
        item_source: ItemSource | None = None,
    ) -> None:
        self.names = names
        self.outputs = outputs or {}
        self.item_source = item_source

    # -- paths ------------------------------------------------------------------------------------------

    def is_path(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        return isinstance(node, ast.Name)

    def path(self, node: ast.expr) -> Path:
        segments: list[str] = []
        while True:
            match node:
                case ast.Attribute(value=inner, attr=name):
                    segments.append(camel(name))
                    node = inner
                case ast.Subscript(value=ast.Name(id="environment"), slice=key):
                    return Path((text_of(key), *reversed(segments)))
                case ast.Subscript(value=inner, slice=key):
                    segments.append(text_of(key))
                    node = inner
                case ast.Name(id=name):
                    return Path((*self.root(node, name), *reversed(segments)))
                case _:
                    raise refuse(node, "expected a path such as order.customer.email")

    def root(self, node: ast.Name, name: str) -> tuple[str, ...]:
        found = self.names.get(name)
        if found is None:
            raise refuse(
                node,
                f"{name!r} is not defined here; it must be an argument, a variable or a loop item",
            )
        match found.kind:
            case "root" | "element":
                return (found.target,)
            case "output":
                output = self.outputs.get(found.target)
                if output is None:
                    raise refuse(
                        node,
                        f"the step assigned to {name!r} gives nothing back; use a path of the environment",
                    )
                return (output,)
            case _:
                assert self.item_source is not None  # loops exist only where steps are known
                source, around = self.item_source(found.target)
                return (item_of(Expressions(around, self.outputs, self.item_source).path(source)),)

    # -- values -----------------------------------------------------------------------------------------

    def value(self, node: ast.expr, value_type: str, name: str) -> Value:
        """The value of a field of this type.

        Raises:
            WorkflowRefused: where the expression does not fit; the message names the field and what it takes.
        """
        if value_type == "condition":
            if isinstance(node, ast.Constant) and node.value is Ellipsis:
                return ConditionValue(None)
            return ConditionValue(normalise(self.condition(node, 0)))
        match node:
            case ast.Constant(value=None):
                return Text(None)
            case ast.Constant(value=str()):
                text = text_of(node)
                return reference(text) if value_type == "reference" else _decoded(text, value_type)
            case ast.Constant(value=bool() as flag):
                return _bare("true" if flag else "false", value_type)
            case ast.Constant(value=value) if value is Ellipsis and value_type == "path":
                return Text("")
            case ast.Call(func=ast.Name(id="raw"), args=[only], keywords=[]):
                return Text(text_of(only))
            case ast.List() | ast.Dict() | ast.Tuple():
                return self.json(node, value_type, name)
            case ast.Call(func=ast.Name(id=mutation)) if value_type == "api_call":
                return self.api_call(node, mutation)
            case ast.GeneratorExp() if value_type == "path":
                return PathValue(self.generated(node))
            case ast.JoinedStr():
                raise refuse(
                    node, f'{name} takes a text, and no f-string; write Liquid in it: "{{{{ order.name }}}}"'
                )
        number = number_of(node)
        if number is not None:
            return _bare(repr(number), value_type)
        if self.is_path(node):
            place = self.path(node)
            if value_type == "reference":
                return Reference(place)
            if value_type == "path":
                return PathValue(place)
            raise refuse(node, f'{name} takes text; write "{{{{ {place.text} }}}}" to put the value in')
        raise refuse(node, f"{name} takes {_TAKES.get(value_type, 'a text')}")

    def generated(self, node: ast.GeneratorExp) -> Path:
        """`order.total for order in orders` is the path `orders.total`."""
        inner, source = self.comprehension(node)
        place = inner.path(node.elt)
        name = place.root
        if not isinstance(node.elt, ast.Attribute | ast.Subscript) or name != "\0":
            raise refuse(node, "expected a field of the list's item: order.total for order in orders")
        return Path((*source.segments, *place.segments[1:]))

    def comprehension(self, node: ast.GeneratorExp, item: str = "\0") -> tuple[Expressions, Path]:
        match node.generators:
            case [ast.comprehension(target=ast.Name(id=name), iter=source, ifs=[], is_async=0)]:
                names = {**self.names, name: Binding("element", item)}
                return Expressions(names, self.outputs, self.item_source), self.path(source)
        raise refuse(node, "expected one plain 'for name in list'")

    def json(self, node: ast.expr, value_type: str, name: str) -> Value:
        found = json_of(node)
        if value_type == "map" and isinstance(found, dict):
            found = [[key, value] for key, value in found.items()]
        if value_type in ("text", "integer", "float", "boolean", "reference", "path"):
            raise refuse(node, f"{name} takes {_TAKES.get(value_type, 'a text')}")
        value, _ = decode(compact(found), value_type, "flow")
        if not isinstance(value, Json):
            raise refuse(node, f"{name} takes {_TAKES.get(value_type, 'a text')}")
        return value

    def api_call(self, node: ast.Call, mutation: str) -> ApiCall:
        if len(node.args) == 1 and not node.keywords:
            only = node.args[0]
            if isinstance(only, ast.Dict):
                return ApiCall(mutation, compact(json_of(only)))
            return api_call(mutation, text_of(only))
        name, arguments = named_object(node)
        return ApiCall(name, compact(arguments))

    def schedule(self, given: dict[str, ast.expr]) -> Json | None:
        """The recurrence of `@scheduled(every=...)`, or None where it is given as text."""
        if not set(given) & set(WORDS):
            return None
        node = next(iter(given.values()))
        try:
            return Json(compact([recurrence_of({name: json_of(value) for name, value in given.items()})]))
        except ValueError as error:
            raise refuse(node, str(error)) from None

    # -- conditions -------------------------------------------------------------------------------------

    def condition(self, node: ast.expr, depth: int) -> Condition:
        if depth > _MAX_DEPTH:
            raise refuse(node, f"conditions nest deeper than {_MAX_DEPTH}", "CONDITION_NESTING_LIMIT")
        match node:
            case ast.BoolOp(op=operator, values=terms):
                name: Any = "and" if isinstance(operator, ast.And) else "or"
                return join(name, [self.condition(term, depth + 1) for term in terms])
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                further = 0 if isinstance(inner, ast.Call) else 1  # `not any(...)` is one level of Flow's
                return self.negated(node, self.condition(inner, depth + further))
            case ast.Call(
                func=ast.Name(id=("any" | "all") as name), args=[ast.GeneratorExp() as found], keywords=[]
            ):
                item = f"\0{depth}"
                inside, source = self.comprehension(found, item)
                return Quantifier(name, source, item, inside.condition(found.elt, depth + 1))
            case ast.Call(func=ast.Name(id="compare"), args=[left, operator_node, *rest], keywords=[]) if (
                len(rest) < 2
            ):
                return self.compared(left, text_of(operator_node), rest)
            case ast.Call(
                func=ast.Attribute(value=left, attr=("startswith" | "endswith") as method),
                args=[right],
                keywords=[],
            ):
                return Compare(_METHODS[method], self.path(left), self.operand(right))
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self.comparison(node, left, operator, right)
        if self.is_path(node):
            return Compare("not_empty_and_not_nil?", self.path(node), None)
        raise refuse(node, "expected a comparison, and/or/not, any(... for x in ...), all(...) or a path")

    def compared(self, left: ast.expr, operator: str, rest: list[ast.expr]) -> Compare:
        right = self.operand(rest[0]) if rest else None
        if operator in UNARY and right == Constant(""):
            right = None
        return Compare(operator, self.path(left), right)

    def negated(self, node: ast.expr, inner: Condition) -> Condition:
        match inner:
            case Quantifier(operator="any"):
                return Quantifier("none", inner.source, inner.item, inner.body)
            case Quantifier(operator="none"):
                return Quantifier("any", inner.source, inner.item, inner.body)
            case Compare(operator=operator) if operator in _OPPOSITE:
                return Compare(_OPPOSITE[operator], inner.left, inner.right)
        raise refuse(node, "Flow has no 'not' around this; turn each comparison around: a != 1 or b != 2")

    def comparison(self, node: ast.expr, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Compare:
        if isinstance(operator, ast.In | ast.NotIn):
            return self.membership(left, right, negated=isinstance(operator, ast.NotIn))
        if isinstance(right, ast.Constant) and right.value is None:
            if isinstance(operator, ast.Is | ast.Eq):
                return Compare("nil?", self.path(left), None)
            if isinstance(operator, ast.IsNot | ast.NotEq):
                return Compare("not_nil?", self.path(left), None)
        found = _OPERATORS.get(type(operator))
        if found is None:
            raise refuse(
                node, "unknown operator; Flow has ==, !=, <, <=, >, >=, in, not in, is None, is not None"
            )
        return Compare(found, self.path(left), self.operand(right))

    def membership(self, left: ast.expr, right: ast.expr, *, negated: bool) -> Compare:
        if isinstance(right, ast.List | ast.Tuple | ast.Set):
            parts = [self.part(part) for part in right.elts]
            return Compare("not_in?" if negated else "in?", self.path(left), Constant(",".join(parts)))
        return Compare("not_include?" if negated else "include?", self.path(right), self.operand(left))

    def part(self, node: ast.expr) -> str:
        found = self.operand(node)
        if isinstance(found, Path) or (found.kind == "string" and "," in found.text):
            raise refuse(node, "the parts of a list are literals without commas; compare with == and or")
        return found.text

    def operand(self, node: ast.expr) -> Path | Constant:
        match node:
            case ast.Constant(value=bool() as flag):
                return Constant("true" if flag else "false", "boolean")
            case ast.Constant(value=str()):
                return Constant(text_of(node))
        number = number_of(node)
        return self.path(node) if number is None else constant(repr(number), "number")


_TAKES: Final = {
    "integer": "a whole number",
    "float": "a number",
    "boolean": "True or False",
    "reference": "an object's id, such as order.id, or a text",
    "path": "a path, such as order.line_items",
    "strings": "a list of texts",
    "recurrence": "a list of one text",
    "map": "a dict of texts",
    "object": "a dict",
    "api_call": "a mutation with its arguments, such as orderCancel(orderId=...)",
}


def _decoded(text: str, value_type: str) -> Value:
    return decode(text, value_type, "flow")[0]


def _bare(text: str, value_type: str) -> Value:
    """A Python number or boolean; in a field of text it is that text."""
    found, _ = decode(text, value_type, "flow")
    return found if isinstance(found, Bare | Reference) else Text(text)
