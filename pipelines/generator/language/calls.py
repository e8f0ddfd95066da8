"""Calls of the Admin API: any of its mutations, with every argument that it needs and some that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.places import Scope
from pipelines.generator.language.wording import word
from schemas.catalog.input_values import InputValue, base_type
from schemas.catalog.mutations import Mutation, input_enum, input_type, mutation, mutation_names

__all__ = ["call_arguments", "draw_mutation"]

_DEEPEST: Final = 4
"""Input objects inside each other; optional ones end before."""
_SCALARS: Final[Mapping[str, tuple[Any, ...]]] = {
    "Boolean": (True, False),
    "Int": (1, 3, 100),
    "Float": (0.5, 12.25),
    "Decimal": ("9.99", "100.00"),
    "Money": ("9.99", "100.00"),
    "UnsignedInt64": ("1", "4823"),
    "Date": ("2036-11-24",),
    "DateTime": ("2036-11-24T08:00:00Z",),
    "URL": ("https://example.com/hook",),
    "HTML": ("<p>Soon</p>",),
    "ARN": ("arn:aws:events:us-east-1::event-source/aws.partner/shopify.com/1/x",),
    "UtcOffset": ("+02:00",),
    "JSON": ('{"a":1}',),
}


def draw_mutation(draw: Draw) -> Mutation:
    """Any mutation that the API does not ask to replace."""
    while True:
        found = mutation(draw.pick(mutation_names()))
        if found is not None and not found.deprecated:
            return found


def call_arguments(draw: Draw, found: Mutation, scope: Scope) -> dict[str, Any]:
    """Arguments of the right types; ids are Liquid where an id is in scope."""
    return _given(draw, found.arguments, scope, 0)


def _given(draw: Draw, values: Mapping[str, InputValue], scope: Scope, depth: int) -> dict[str, Any]:
    return {
        name: _value(draw, value.type, scope, depth)
        for name, value in values.items()
        if value.required or (depth < _DEEPEST - 1 and draw.chance(0.15))
    }


def _value(draw: Draw, notation: str, scope: Scope, depth: int) -> Any:
    kind = notation.removesuffix("!")
    if kind.startswith("["):
        return [_value(draw, kind[1:-1], scope, depth) for _ in range(draw.between(1, 2))]
    name = base_type(kind)
    fields, constants = input_type(name), input_enum(name)
    if fields is not None:
        return _given(draw, fields.fields, scope, depth + 1)
    if constants:
        return draw.pick(constants)
    if name == "ID":
        place = scope.scalar(draw, ("id",)) if draw.chance(0.5) else None
        return f"{{{{ {place.path.text} }}}}" if place else f"gid://shopify/Order/{draw.between(1, 10**9)}"
    if name == "String":
        return word(draw).partition("{{")[0].strip() or "flow"
    return draw.pick(_SCALARS[name])
