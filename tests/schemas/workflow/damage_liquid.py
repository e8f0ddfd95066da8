"""Damage by Liquid: what Flow's Liquid cannot do, written behind a text that runs it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from schemas.workflow.jsontext import compact
from schemas.workflow.model import Json, Text, Value, Workflow
from tests.schemas.workflow.damage import (
    Damaged,
    a_list,
    a_scalar,
    an_object,
    damage,
    holding,
    misspelled,
    names_are_known,
    pick,
    strangers,
    too_early,
    value_of,
    with_value,
)

FREE_TEXT = ("message", "subject", "note", "body", "value", "output", "row", "query")
RESOLUTION = "CONFIG_FIELD_RESOLUTION_ERROR"
PATH = "CONFIG_FIELD_PATH_VALIDATION_ERROR"
PRIMITIVE = "CONFIG_FIELD_NON_PRIMITIVE_ERROR"


def _texts(workflow: Workflow) -> list[tuple[int, str]]:
    """Texts that Liquid runs in, and lists of texts."""
    found = [each for each in holding(workflow, Text) if each[1] in FREE_TEXT]
    return found + [each for each in holding(workflow, Json) if each[1] == "tags"]


def _write(
    workflow: Workflow, draw: random.Random, liquid: str | None, place: tuple[int, str] | None = None
) -> Damaged | None:
    """Liquid behind a text, or as one more text of a list."""
    found = place or pick(draw, _texts(workflow))
    if found is None or liquid is None:
        return None
    value = value_of(workflow, *found)
    made: Value
    if isinstance(value, Json):
        made = Json(compact([*json.loads(value.text), f"a {liquid}"]))
    else:
        assert isinstance(value, Text)
        made = Text(f"{value.text or ''} {liquid}")
    return with_value(workflow, *found, made)


def liquid(code: str, name: str, write: Callable[[Workflow, random.Random], str | None]) -> None:
    """Register damage that only writes Liquid."""

    def apply(workflow: Workflow, draw: random.Random) -> Damaged | None:
        return _write(workflow, draw, write(workflow, draw))

    apply.__name__ = name
    damage(code)(apply)


def around(
    form: str, find: Callable[[Workflow, random.Random], Any]
) -> Callable[[Workflow, random.Random], str | None]:
    """A form with `@` for a path."""

    def write(workflow: Workflow, draw: random.Random) -> str | None:
        found = find(workflow, draw)
        path = found[0] if isinstance(found, tuple) else found
        return form.replace("@", path) if path else None

    return write


def unknown(text: str) -> Callable[[Workflow, random.Random], str | None]:
    """A text with a root that no step can see."""
    return lambda workflow, draw: text if names_are_known(workflow) else None


def scalar(workflow: Workflow, draw: random.Random) -> str | None:
    return a_scalar(workflow, draw, "string", "number")


liquid(RESOLUTION, "liquid_output_never_closed", around("{{ @", scalar))
liquid(RESOLUTION, "liquid_tag_never_closed", around("{% if @", scalar))
liquid(RESOLUTION, "liquid_if_without_end", around("{% if @ %}yes", scalar))
liquid(RESOLUTION, "liquid_for_without_end", around("{% for x in @ %}{{ x.id }}", a_list))
liquid(RESOLUTION, "liquid_end_of_nothing", lambda *_: "{% endif %}")
liquid(
    RESOLUTION,
    "liquid_ends_crossed",
    around("{% if @ %}{% for x in shop.orders %}{% endif %}{% endfor %}", scalar),
)
liquid(RESOLUTION, "liquid_filter_in_a_comparison", around("{% if @ | size > 3 %}x{% endif %}", scalar))
liquid(RESOLUTION, "liquid_loop_without_in", around("{% for x of @ %}{% endfor %}", a_list))
liquid(PRIMITIVE, "liquid_whole_object", around("{{ @ }}", an_object))
liquid(PRIMITIVE, "liquid_whole_list", around("{{ @ }}", a_list))
liquid(PRIMITIVE, "liquid_json_of_an_object", around("{{ @ | json }}", an_object))
liquid(PRIMITIVE, "liquid_field_of_a_list", around("{{ @.id }}", a_list))
liquid(PRIMITIVE, "liquid_first_as_filter", around("{{ @ | first }}", a_list))
liquid(PATH, "liquid_item_by_number", around("{{ @[0].id }}", a_list))
liquid(PATH, "liquid_dot_first", around("{{ @.first.id }}", a_list))
liquid(PATH, "liquid_dot_last", around("{% assign x = @.last %}", a_list))
liquid(PATH, "liquid_dot_size", around("{{ @.size }}", a_list))
liquid(PATH, "liquid_edges", around("{% for x in @.edges %}{{ x.node.id }}{% endfor %}", a_list))
liquid(PATH, "liquid_nodes", around("{{ @.nodes }}", a_list))
liquid(PATH, "liquid_field_that_is_not_there", around("{{ @ }}", misspelled))
liquid(PATH, "liquid_field_of_a_scalar", around("{{ @.amount }}", scalar))
liquid(
    "CONFIG_FIELD_MAP_OVER_INVALID_TYPE",
    "liquid_loop_over_a_scalar",
    around("{% for x in @ %}{% endfor %}", scalar),
)
liquid("CONFIG_FIELD_NAME_RESOLUTION_ERROR", "liquid_name_that_nothing_fills", unknown("{{ ordre.name }}"))


@damage(PATH)
def liquid_item_outside_its_loop(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = strangers(workflow, draw, {number for number, _ in _texts(workflow)})
    if found is None:
        return None
    field = next(name for number, name in _texts(workflow) if number == found[0])
    return _write(workflow, draw, f"{{{{ {found[1]}.id }}}}", (found[0], field))


@damage("CONFIG_FIELD_EMPTY_WORKFLOW_VARIABLE")
def liquid_output_before_its_step(workflow: Workflow, draw: random.Random) -> Damaged | None:
    found = too_early(workflow, draw, {number for number, _ in _texts(workflow)})
    if found is None:
        return None
    field = next(name for number, name in _texts(workflow) if number == found[0])
    return _write(workflow, draw, f"{{{{ {found[1]} }}}}", (found[0], field))
