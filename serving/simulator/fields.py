"""Config values as a step has them when it runs: Liquid rendered, paths looked up, JSON read.

| value | at run time |
|---|---|
| `Text` | rendered; code (`script`, `input`, `output_schema`) is no template and stays |
| `Bare` | a number or boolean |
| `Reference` | the id at its path (of a whole object its `id`, inferred), or the rendered text |
| `PathValue` | what the path leads to |
| `Json` | read first, then each text inside it is rendered: Liquid cannot break it |
| `ApiCall` | `{"name", "arguments"}`; the blob is rendered first, then read: Liquid can break it |

Decided, because no public source says what Flow does:

* A required field that renders to nothing or to white space alone is the error REQUIRED_VALUE_MISSING; so is
  a path to an object that is not there, required or not, and a required field that the step leaves out.
* Tags are parted at commas and line ends, as Shopify's own templates print one a line, and trimmed; empty
  ones and repetitions (without regard to case) are dropped, and the rest is sorted, because Shopify keeps
  tags as a set (inferred). A list of tags in which none is left is REQUIRED_VALUE_MISSING.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.catalog import tasks
from schemas.errors import WorkflowRefused
from schemas.workflow.checks.liquid_text import has_liquid
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import ApiCall, Bare, Path, PathValue, Reference, Step, Text, Value
from schemas.workflow.model import Json as JsonField
from serving.simulator.environment import lookup, text_of
from serving.simulator.events import Json
from serving.simulator.liquid import render
from serving.simulator.trace import Limits, SimulationError

__all__ = ["MISSING", "Rendering", "rendered"]

MISSING: Final = "REQUIRED_VALUE_MISSING"
_CODE: Final = frozenset({"script", "input", "output_schema"})
_TAGS: Final = "tags"
_TAG_ENDS = re.compile(r"[,\r\n]")


@dataclass(frozen=True, slots=True)
class Rendering:
    """What values are rendered with."""

    environment: Mapping[str, Json]
    now: datetime
    limits: Limits

    def text(self, text: str) -> str:
        """A text with its Liquid run.

        Raises:
            SimulationError: what `liquid.render` raises.
        """
        if not has_liquid(text):
            return text
        return render(text, self.environment, now=self.now, limits=self.limits)


def rendered(step: Step, rendering: Rendering) -> dict[str, Json]:
    """Field id -> value, in the order of the step.

    Raises:
        SimulationError: REQUIRED_VALUE_MISSING, CONFIG_FIELD_NON_PRIMITIVE_ERROR,
            CONFIG_FIELD_JSON_PARSE_ERROR, or what a template raises.
    """
    found = {field: _value(field, value, rendering) for field, value in step.fields}
    for name in _required(step.task_id, step.version):
        if _is_nothing(found.get(name)):
            raise SimulationError(MISSING, f"{name} is needed and there is nothing in it")
    if _TAGS in found and not found[_TAGS]:
        raise SimulationError(MISSING, "no tag is left to work with")
    return found


@functools.lru_cache(maxsize=1024)
def _required(task_id: str, version: str) -> tuple[str, ...]:
    task = tasks.TASKS.get(task_id)
    return tuple(field.id for field in task.fields_in(version) if field.required) if task else ()


def _is_nothing(value: Json) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _value(field: str, value: Value, rendering: Rendering) -> Json:
    match value:
        case Text(text=None):
            return None
        case Text(text=str() as text):
            if field in _CODE:
                return text
            return _tags(_listed(rendering.text(text))) if field == _TAGS else rendering.text(text)
        case Bare(text=text):
            return _bare(text)
        case Reference(target=Path() as place):
            return _object_at(place, rendering)
        case Reference(target=str() as text):
            return rendering.text(text).strip()
        case PathValue(path=place):
            return lookup(rendering.environment, place)
        case JsonField(text=text):
            found = _inside(read_json(text), rendering)
            return _tags(found) if field == _TAGS else found
        case ApiCall(name=name):
            return {"name": name, "arguments": _arguments(value, rendering)}
        case _:
            return None  # a condition is no field of an action


def _bare(text: str) -> Json:
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def _object_at(place: Path, rendering: Rendering) -> str:
    found = lookup(rendering.environment, place)
    if isinstance(found, dict):
        found = found.get("id")
    if _is_nothing(found):
        raise SimulationError(MISSING, f"{place.text} does not exist here, so there is nothing to work on")
    return text_of(found)


def _inside(value: Json, rendering: Rendering) -> Json:
    """A JSON value with the Liquid of its texts run; keys stay."""
    if isinstance(value, str):
        return rendering.text(value)
    if isinstance(value, list):
        return [_inside(part, rendering) for part in value]
    if isinstance(value, dict):
        return {key: _inside(part, rendering) for key, part in value.items()}
    return value


def _arguments(call: ApiCall, rendering: Rendering) -> Json:
    blob = rendering.text(call.blob if call.arguments is None else call.arguments)
    try:
        found = read_json(blob)
    except WorkflowRefused as refused:
        raise _no_json(call.name, refused.message) from None
    if not isinstance(found, dict):
        raise _no_json(call.name, "not an object")
    return found


def _no_json(name: str, why: str) -> SimulationError:
    words = f"the arguments of {name} are no JSON once their Liquid has run: {why}"
    return SimulationError("CONFIG_FIELD_JSON_PARSE_ERROR", words)


def _listed(text: str) -> list[Json]:
    """The parts of a list that a file holds as text: a template may print the JSON of it."""
    try:
        found = read_json(text)
    except WorkflowRefused:
        return [text]
    return found if isinstance(found, list) else [text]


def _tags(values: list[Json]) -> list[str]:
    found: dict[str, str] = {}
    for value in values:
        for part in _TAG_ENDS.split(text_of(value)):
            tag = " ".join(part.split())
            if tag:
                found.setdefault(tag.casefold(), tag)
    return [found[key] for key in sorted(found)]
