"""Values and conditions as Python expressions."""

from __future__ import annotations

from typing import Any, Final

from schemas.catalog.environment import resolve
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import (
    UNARY,
    ApiCall,
    Bare,
    Compare,
    Condition,
    ConditionValue,
    Constant,
    Json,
    Logic,
    Path,
    PathValue,
    Quantifier,
    Reference,
    Text,
    Value,
)
from schemas.workflow.names import free, is_name, singular, snake
from schemas.workflow.pretty import Brackets, Expression, Generator, Prefixed, Terms, call, quote

_BOOLEANS: Final = {"true": "True", "false": "False"}
_ORDER: Final = {"==": "==", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_METHODS: Final = {"start_with?": "startswith", "end_with?": "endswith"}
_NEGATED: Final = {"not_start_with?": "startswith", "not_end_with?": "endswith"}


class Values:
    """Prints values inside one place of the text; `bound` maps environment roots to Python names there."""

    def __init__(self, bound: dict[str, str], taken: set[str]) -> None:
        self.bound = bound
        self.taken = taken

    def path(self, place: Path) -> str:
        root = self.bound.get(place.root)
        text = f"environment[{quote(place.root)}]" if root is None else root
        for segment in place.segments[1:]:
            name = snake(segment)
            text += f".{name}" if name is not None else f"[{quote(segment)}]"
        return text

    def value(self, value: Value, value_type: str) -> Expression:
        match value:
            case Text(text=text):
                if text is None:
                    return "None"
                return call("raw", [("", quote(text))]) if value_type == "reference" else quote(text)
            case Bare(text=text):
                return _BOOLEANS.get(text, text)
            case Reference(target=target):
                return self.path(target) if isinstance(target, Path) else quote(target)
            case PathValue(path=place):
                return self.path(place)
            case Json(text=text):
                return literal(_pairs(read_json(text)) if value_type == "map" else read_json(text))
            case ApiCall():
                return _api_call(value)
            case ConditionValue(condition=condition):
                return "..." if condition is None else self.condition(condition)

    def summed(self, place: Path) -> Expression:
        """`sum_of` over a list reads as a generator where the list inside the path is known."""
        prefixes = resolve(place.text).list_prefixes
        if len(prefixes) != 1 or prefixes[0] == place.text:
            return call("sum_of", [("", self.path(place))])
        size = prefixes[0].count(".") + 1
        source, rest = Path(place.segments[:size]), place.segments[size:]
        shown = self.path(source)
        name = free(element(source, shown), self.taken)
        inner = Values({**self.bound, name: name}, self.taken)
        return Generator("sum_of", inner.path(Path((name, *rest))), f"for {name} in {shown}")

    # -- conditions -------------------------------------------------------------------------------------

    def condition(self, condition: Condition, *, inside: bool = False) -> Expression:
        match condition:
            case Logic(operator=operator, terms=terms):
                return Terms(operator, [self.condition(term, inside=True) for term in terms], grouped=inside)
            case Quantifier():
                return self.quantifier(condition)
            case Compare():
                return self.comparison(condition)

    def quantifier(self, found: Quantifier) -> Expression:
        source = self.path(found.source)
        name = free(element(found.source, source), self.taken)
        inner = Values({**self.bound, found.item: name}, self.taken | {name})
        head = "any" if found.operator == "none" else found.operator
        text = Generator(head, inner.condition(found.body), f"for {name} in {source}")
        return Prefixed("not ", text) if found.operator == "none" else text

    def comparison(self, found: Compare) -> Expression:
        operator, left, right = found.operator, self.path(found.left), found.right
        if right is None:
            return _unary(operator, left)
        if operator in UNARY:
            return self.compared(found)
        if operator in _ORDER:
            if isinstance(right, Constant) and right.kind == "boolean" and operator in ("==", "!="):
                return f"{left} {'is' if operator == '==' else 'is not'} {_BOOLEANS[right.text]}"
            return f"{left} {operator} {self.side(right)}"
        if operator in ("include?", "not_include?"):
            return f"{self.side(right)} {'in' if operator == 'include?' else 'not in'} {left}"
        string = isinstance(right, Constant) and right.kind == "string"
        if operator in ("in?", "not_in?") and string:
            parts: list[tuple[str, Expression]] = [("", quote(part)) for part in right.text.split(",")]
            return Prefixed(
                f"{left} {'in' if operator == 'in?' else 'not in'} ", Brackets("", "[", parts, "]")
            )
        if operator in _METHODS and (string or isinstance(right, Path)):
            return f"{left}.{_METHODS[operator]}({self.side(right)})"
        if operator in _NEGATED and (string or isinstance(right, Path)):
            return f"not {left}.{_NEGATED[operator]}({self.side(right)})"
        return self.compared(found)

    def compared(self, found: Compare) -> Expression:
        """The spelling that takes any operator, for what Python has no words for."""
        parts: list[tuple[str, Expression]] = [("", self.path(found.left)), ("", quote(found.operator))]
        if found.right is not None:
            parts.append(("", self.side(found.right)))
        return call("compare", parts)

    def side(self, right: Path | Constant) -> str:
        if isinstance(right, Path):
            return self.path(right)
        if right.kind == "string":
            return quote(right.text)
        return _BOOLEANS.get(right.text, right.text)


def _unary(operator: str, left: str) -> Expression:
    match operator:
        case "nil?":
            return f"{left} is None"
        case "not_nil?":
            return f"{left} is not None"
        case "empty_or_nil?":
            return f"not {left}"
        case "not_empty_and_not_nil?":
            return left
        case _:
            return call("compare", [("", left), ("", quote(operator))])


def element(source: Path, shown: str) -> str:
    """A name for one element: of the variable where the path is one, else of its last segment."""
    last = shown if len(source.segments) == 1 and is_name(shown) else snake(source.segments[-1])
    name = singular(last) if last else "item"
    return name if is_name(name) else "item"


def literal(value: Any) -> Expression:
    """A JSON value as a Python literal."""
    match value:
        case bool():
            return "True" if value else "False"
        case None:
            return "None"
        case str():
            return quote(value)
        case int() | float():
            return repr(value)
        case list():
            return Brackets("", "[", [("", literal(part)) for part in value], "]")
        case _:
            return Brackets("", "{", [(f"{quote(key)}: ", literal(part)) for key, part in value.items()], "}")


def _pairs(pairs: list[list[str]]) -> Any:
    """A map as a dict, unless a key stands twice."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else pairs


def _api_call(value: ApiCall) -> Expression:
    if value.arguments is None:
        return call(value.name, [("", quote(value.blob))])
    arguments = read_json(value.arguments)
    if all(is_name(key) for key in arguments):
        return call(value.name, [(f"{key}=", literal(part)) for key, part in arguments.items()])
    return call(value.name, [("", literal(arguments))])
