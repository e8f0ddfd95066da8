"""Names of the environment changed wherever a step speaks of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from schemas.workflow.model import (
    ApiCall,
    Compare,
    Condition,
    ConditionValue,
    Json,
    Logic,
    Path,
    PathValue,
    Quantifier,
    Reference,
    Step,
    Text,
    Value,
)

Moved = Callable[[str], str]


def respoken(step: Step, moved: Moved) -> Step:
    """The step with every path and text that Liquid or a query runs in passed through `moved`."""
    fields = tuple(
        (name, value if name in ("script", "output_schema") else _value(value, moved))
        for name, value in step.fields
    )
    return replace(step, fields=fields)


def _value(value: Value, moved: Moved) -> Value:
    match value:
        case Text(text=str() as text) if "{" in text:
            return Text(moved(text))
        case Json(text=text) if "{{" in text or "{%" in text:
            return Json(moved(text))
        case PathValue(path=place):
            return PathValue(_path(place, moved))
        case Reference(target=Path() as place):
            return Reference(_path(place, moved))
        case Reference(target=str() as text):
            return Reference(moved(text))
        case ApiCall(arguments=arguments, blob=blob):
            return replace(value, arguments=moved(arguments) if arguments else arguments, blob=moved(blob))
        case ConditionValue(condition=condition) if condition is not None:
            return ConditionValue(_condition(condition, moved))
        case _:
            return value


def _path(place: Path, moved: Moved) -> Path:
    return Path((moved(place.root), *place.segments[1:]))


def _condition(condition: Condition, moved: Moved) -> Condition:
    match condition:
        case Compare(left=left, right=right):
            other = _path(right, moved) if isinstance(right, Path) else right
            return replace(condition, left=_path(left, moved), right=other)
        case Logic(terms=terms):
            return replace(condition, terms=tuple(_condition(term, moved) for term in terms))
        case Quantifier(source=source, body=body):
            return replace(condition, source=_path(source, moved), body=_condition(body, moved))
