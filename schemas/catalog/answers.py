"""What the real tools answered about tasks, read one answer at a time: one that is malformed stops no other.

The shapes are those of Flow's own agent tools as Shopify's command line reads them: `task_search` and
`task_configuration`, each wrapped as `{ok, tool, data}`. The inside of a validation's `options` is not
public, so every plausible form is read, and one that is none of them is noted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

from schemas.catalog.catalogue import PUBLISHERS, UNCONFIRMED, Publisher, TaskKind
from schemas.catalog.fields import ConfigField
from schemas.catalog.shapes import (
    FLAG,
    LIST,
    NAME,
    TEXT,
    TEXTS,
    Check,
    Shape,
    checked,
    one_of,
    parse_json,
    refused,
)
from schemas.errors import BadRecord

__all__ = ["MAX_CHARACTERS", "Answered", "Configured", "Found", "read_answers"]

MAX_CHARACTERS: Final = 8 << 20
"""The longest file of answers that is read."""
_PREFIX: Final = "flow_app_agent_"
_ANYTHING: Final[Check] = (lambda _: True, "anything")


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check[0](value), f"{check[1]}, or null"


_KIND: Final = one_of(get_args(TaskKind))
_ENVELOPE: Final[Shape] = {"ok": FLAG, "tool": NAME, "data": _ANYTHING}
_DATA: Final[Shape] = {"tasks": _ANYTHING}
_SUMMARY: Final[Shape] = {
    "id": _or_null(NAME),
    "version": _or_null(NAME),
    "label": TEXT,
    "description": _or_null(TEXT),
    "task_type": _KIND,
    "connector_id": _or_null(TEXT),
    "installed": _or_null(FLAG),
    "publisher": _or_null(one_of(PUBLISHERS)),
}
_CONFIGURATION: Final[Shape] = {
    "id": NAME,
    "version": NAME,
    "task_type": _or_null(_KIND),
    "input_port_id": _or_null(NAME),
    "output_port_ids": TEXTS,
    "config_fields": LIST,
    "return_fields": LIST,
    "config_instructions": _or_null(TEXT),
    "error": _ANYTHING,
}
_FIELD: Final[Shape] = {
    "id": NAME,
    "label": _or_null(TEXT),
    "description": _or_null(TEXT),
    "default_value": _ANYTHING,
    "validations": _or_null(LIST),
    "possible_object_types": _or_null(LIST),
    "supports_liquid": _or_null(FLAG),
}
_VALIDATION: Final[Shape] = {
    "id": NAME,
    "options": _ANYTHING,
    "error_message": _ANYTHING,
    "subfield": _ANYTHING,
}
_RETURN: Final[Shape] = {"name": NAME, "type": _or_null(TEXT)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One summary of `task_search`."""

    id: str
    version: str
    kind: TaskKind
    label: str
    description: str
    publisher: Publisher | None
    connector: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Configured:
    """One task of `task_configuration`, in one version."""

    id: str
    version: str
    kind: TaskKind
    output_ports: tuple[str, ...]
    fields: tuple[ConfigField, ...]
    """Types are only as certain as the answer makes them: it names none."""
    returns: Mapping[str, str]


@dataclass
class Answered:
    """What a file of answers says, and what of it could not be read."""

    found: list[Found] = field(default_factory=list)
    configured: list[Configured] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Ids of which the tool said that there is no such task."""
    malformed: list[str] = field(default_factory=list)
    """A sentence for each part that was left out."""
    unknown: list[str] = field(default_factory=list)
    """The place of each key or validation that says something we do not know of."""


def read_answers(text: str) -> Answered:
    """The answers that a file holds, one or a JSON array of them. Never raises for bad input.

    Our own tools' answers about guesses are left out: they would confirm themselves.
    """
    answered = Answered()
    try:
        value = parse_json(text, MAX_CHARACTERS)
    except BadRecord as error:
        answered.malformed.append(error.message)
        return answered
    answers = value if isinstance(value, list) else [value]
    for number, answer in enumerate(answers):
        _each(answered, answer, f"[{number}]" if isinstance(value, list) else "")
    return answered


def _each(answered: Answered, answer: object, where: str) -> None:
    try:
        kept = checked(answer, _ENVELOPE, ("ok", "tool", "data"), where, answered.unknown)
        tool = kept["tool"].removeprefix(_PREFIX)
        if tool not in ("task_search", "task_configuration"):
            raise refused("must be task_search or task_configuration", f"{where}.tool".removeprefix("."))
        if not kept["ok"]:
            raise refused("the tool answered that it failed", where)
        at = f"{where}.data".removeprefix(".")
        tasks = checked(kept["data"], _DATA, ("tasks",), at, answered.unknown)["tasks"]
        if tool == "task_search" and not isinstance(tasks, dict):
            raise refused("must be an object of queries", f"{at}.tasks")
        if tool == "task_configuration" and not isinstance(tasks, list):
            raise refused("must be a list", f"{at}.tasks")
    except BadRecord as error:
        answered.malformed.append(str(error))
        return
    parts = _summaries(tasks, f"{at}.tasks") if tool == "task_search" else _numbered(tasks, f"{at}.tasks")
    for place, part in parts:
        try:
            (_search if tool == "task_search" else _configuration)(answered, part, place)
        except BadRecord as error:
            answered.malformed.append(f"{error.path}: {error.message}")


def _summaries(tasks: dict[str, Any], where: str) -> Iterator[tuple[str, object]]:
    for number, summaries in enumerate(tasks.values()):
        if isinstance(summaries, list):
            yield from _numbered(summaries, f"{where}[{number}]")
        else:
            yield f"{where}[{number}]", summaries


def _numbered(parts: list[Any], where: str) -> Iterator[tuple[str, object]]:
    return ((f"{where}[{number}]", part) for number, part in enumerate(parts))


def _search(answered: Answered, part: object, where: str) -> None:
    row = checked(part, _SUMMARY, ("id", "version", "label", "task_type"), where, answered.unknown)
    description = row.get("description") or ""
    if row["id"] is None or row["version"] is None or description.startswith(UNCONFIRMED):
        return
    answered.found.append(
        Found(
            id=row["id"],
            version=row["version"],
            kind=row["task_type"],
            label=row["label"],
            description=description,
            publisher=row.get("publisher"),
            connector=row.get("connector_id") or "",
        )
    )


def _configuration(answered: Answered, part: object, where: str) -> None:
    row = checked(part, _CONFIGURATION, ("id", "version"), where, answered.unknown)
    error = row.get("error")
    if error is not None:
        if isinstance(error, dict) and error.get("code") == "TASK_NOT_FOUND":
            answered.missing.append(row["id"])
        return
    if (row.get("config_instructions") or "").startswith(UNCONFIRMED):
        return
    if row.get("task_type") is None:
        raise refused(f"must be {_KIND[1]}", f"{where}.task_type")
    fields: dict[str, ConfigField] = {}
    for place, each in _numbered(row.get("config_fields", []), f"{where}.config_fields"):
        kept = _config_field(each, place, answered.unknown)
        fields.setdefault(kept.id, kept)
    returns = {}
    for place, each in _numbered(row.get("return_fields", []), f"{where}.return_fields"):
        told = checked(each, _RETURN, ("name",), place, answered.unknown)
        returns[told["name"].partition(".")[0]] = "" if "." in told["name"] else _notation(told.get("type"))
    answered.configured.append(
        Configured(
            id=row["id"],
            version=row["version"],
            kind=row["task_type"],
            output_ports=row.get("output_port_ids", ()),
            fields=tuple(fields.values()),
            returns=returns,
        )
    )


def _notation(kind: str | None) -> str:
    """`[Order!]!` as `[Order]`; empty for the word of our own tools for what is not known."""
    return "" if kind is None or kind == "unknown" else kind.replace("!", "")


def _config_field(part: object, where: str, unknown: list[str]) -> ConfigField:
    row = checked(part, _FIELD, ("id",), where, unknown)
    objects = row.get("possible_object_types") or ()
    default = row.get("default_value")
    kept = ConfigField(
        id=row["id"],
        label=row.get("label") or "",
        description=row.get("description") or "",
        object_types=tuple(name for name in objects if isinstance(name, str)),
        default=default if isinstance(default, str) and default else None,
        liquid=bool(row.get("supports_liquid")),
        wrapped=bool(objects),
    )
    for place, each in _numbered(row.get("validations") or [], f"{where}.validations"):
        told = checked(each, _VALIDATION, ("id",), place, unknown)
        limits = _limits(told["id"], told.get("options"))
        if not limits:
            unknown.append(place)
        subfield = told.get("subfield") or (
            told["options"].get("subfield") if isinstance(told.get("options"), dict) else None
        )
        kept = replace(kept, **limits, wrapped=kept.wrapped or bool(subfield))
    if kept.object_types:
        return replace(kept, type="CommerceObject")
    if kept.allowed:
        return replace(kept, type="Enum")
    return replace(kept, type="Integer") if (kept.minimum, kept.maximum) != (None, None) else kept


def _limits(kind: str, options: object) -> dict[str, Any]:
    """What a validation says as parts of a `ConfigField`; empty where it cannot be read."""
    values = options if isinstance(options, list) else [options]
    if isinstance(options, dict):
        values = [each for value in options.values() for each in (value if isinstance(value, list) else [])]
    texts = tuple(value for value in values if isinstance(value, str))
    if kind == "Includes":
        return {"allowed": texts} if texts and len(texts) == len(values) else {}
    named = options if isinstance(options, dict) else {}
    if kind == "Range":
        ends = {
            "minimum": next((named[key] for key in ("minimum", "min") if type(named.get(key)) is int), None),
            "maximum": next((named[key] for key in ("maximum", "max") if type(named.get(key)) is int), None),
        }
        return {name: end for name, end in ends.items() if end is not None}
    if kind == "MatchesPattern":
        pattern = options if isinstance(options, str) else named.get("pattern")
        return {"pattern": pattern} if isinstance(pattern, str) and pattern else {}
    return {}
