"""A shop's own catalogue: what the real tools answered, over a catalogue that has guesses.

A guess whose id an answer has is confirmed; a guess of which the tool says that it does not exist, or whose
label belongs to another id, is contradicted and goes. What was seen before and is not answered stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from schemas.catalog.answers import Answered, Configured, Found
from schemas.catalog.catalogue import OUTPUT_PORTS, Catalogue, Task, TaskKind, UnidentifiedTask, is_app
from schemas.catalog.fields import ConfigField, FieldType, ValueType

__all__ = ["Merged", "merge"]

# The type of a field that the answer and the catalogue leave open, by what a field of its name holds.
_TYPES: Final[Mapping[ValueType, FieldType]] = {
    "api_call": "ApiCall",
    "condition": "Condition",
    "integer": "Integer",
    "map": "Map",
    "path": "Path",
    "recurrence": "Recurrence",
    "reference": "CommerceObject",
    "strings": "Array",
}
_NUMBER: Final = re.compile(r"[0-9]+")
_OBJECTS: Final[Mapping[str, FieldType]] = {"metafield": "Metafield", "sort_by": "Sort"}


@dataclass(frozen=True, slots=True)
class Merged:
    """The shop's own catalogue, and how many tasks the answers touched."""

    catalogue: Catalogue
    confirmed: int
    """Guessed ids that the answers have."""
    contradicted: int
    """Guessed ids that are none: they are gone."""
    updated: int
    """Tasks that were seen before and are described anew."""
    added: int
    """Tasks that the catalogue did not have."""
    identified: int
    """Entries without an id that the answers gave one to."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Everything that the answers say about one id: a summary, configurations, or both."""

    found: Found | None
    configured: tuple[Configured, ...]

    @property
    def kind(self) -> TaskKind:
        return self.found.kind if self.found else self.configured[-1].kind

    def versions(self, before: Sequence[str]) -> list[str]:
        """All versions in order; the one that a search gives is last, because new steps carry it."""
        known = [*before, *(each.version for each in self.configured)]
        known.sort(key=lambda version: [int(number) for number in _NUMBER.findall(version)])
        if self.found:
            known = [*(version for version in known if version != self.found.version), self.found.version]
        return list(dict.fromkeys(known))


def merge(base: Catalogue, answers: Sequence[Answered]) -> Merged:
    """Put the answers over `base`; of two answers about the same, the later one counts."""
    told = _by_id(answers)
    missing = {task_id for answered in answers for task_id in answered.missing} - told.keys()
    labels = {
        (each.found.kind, each.found.label.casefold()): task_id
        for task_id, each in told.items()
        if each.found and not is_app(task_id)  # an app's task may be named like one of Shopify's own
    }
    tasks: dict[str, Task] = {}
    confirmed = contradicted = updated = added = 0
    for task in base.tasks.values():
        named = labels.get((task.kind, task.label.casefold()))
        if task.id in told:
            tasks[task.id] = _task(task, task.id, told[task.id])
            confirmed, updated = (confirmed, updated + 1) if task.known else (confirmed + 1, updated)
        elif task.known or (task.id not in missing and named is None):
            tasks[task.id] = task
        else:
            contradicted += 1
            if named is not None and named not in base.tasks and named not in tasks:
                tasks[named] = _task(task, named, told[named])
    for task_id, each in told.items():
        if task_id not in tasks:
            tasks[task_id] = _task(None, task_id, each)
        added += task_id not in base.tasks
    left = tuple(task for task in base.unidentified if not _identified(task, told))
    return Merged(
        Catalogue(MappingProxyType(tasks), left),
        confirmed=confirmed,
        contradicted=contradicted,
        updated=updated,
        added=added,
        identified=len(base.unidentified) - len(left),
    )


def _by_id(answers: Sequence[Answered]) -> dict[str, _Told]:
    found = {each.id: each for answered in answers for each in answered.found}
    configured: dict[str, dict[str, Configured]] = {}
    for answered in answers:
        for each in answered.configured:
            configured.setdefault(each.id, {})[each.version] = each
    return {
        task_id: _Told(found.get(task_id), tuple(configured.get(task_id, {}).values()))
        for task_id in dict.fromkeys([*found, *configured])
    }


def _identified(task: UnidentifiedTask, told: Mapping[str, _Told]) -> bool:
    """Whether an answer has this very label or, of a whole connector, names the connector."""
    found = [each.found for each in told.values() if each.found]
    if task.label != task.connector:
        return any(each.label.casefold() == task.label.casefold() for each in found)
    names = "|".join(re.escape(name.strip()) for name in task.connector.split(","))
    named = re.compile(rf"(?i)\b(?:{names})\b")
    return any(named.search(f"{each.label} {each.connector}") for each in found if is_app(each.id))


def _task(base: Task | None, task_id: str, told: _Told) -> Task:
    """The task as the answers tell it; `base` fills in what they leave open."""
    found, newest = told.found, told.configured[-1] if told.configured else None
    versions = told.versions(base.versions if base else ())
    parts = task_id.split("::")
    publisher = found.publisher if found else None
    returns = base.returns if base else {}
    return Task(
        id=task_id,
        kind=told.kind,
        label=found.label if found else base.label if base else parts[-1].replace("_", " ").capitalize(),
        description=(found.description if found else "") or (base.description if base else ""),
        publisher=publisher
        or (base.publisher if base else "non-shopify-app" if is_app(task_id) else "shopify-app"),
        connector=(found.connector if found else "")
        or (base.connector if base else parts[1] if len(parts) > 2 else ""),
        versions=tuple(versions),
        known=True,
        returns=newest.returns if newest and newest.returns and not (base and base.output) else returns,
        step_name=base.step_name if base else None,
        config_fields=MappingProxyType({field.id: field for field in _fields(base, told, versions)}),
        output_ports=newest.output_ports if newest and newest.output_ports else OUTPUT_PORTS[told.kind],
    )


def _fields(base: Task | None, told: _Told, versions: Sequence[str]) -> list[ConfigField]:
    """The fields of all versions: those of the newest first, each with the versions that have it."""
    before = dict(base.config_fields) if base else {}
    if not told.configured:
        return list(before.values())
    answered = {each.version: each.fields for each in told.configured}
    seen = base.fields_in if base and base.known else lambda _: ()
    by_version = {version: answered.get(version, seen(version)) for version in reversed(versions)}
    kept: dict[str, ConfigField] = {}
    for fields in (
        *(answered[version] for version in by_version if version in answered),
        *by_version.values(),
    ):
        for field in fields:
            kept.setdefault(
                field.id, field if field is before.get(field.id) else _typed(field, before.get(field.id))
            )
    ordered = dict.fromkeys(field.id for fields in by_version.values() for field in fields)
    # A version of which nobody told the fields may have any of them.
    told_of = {version for version in by_version if version in answered or seen(version)}
    return [replace(kept[name], versions=_having(name, by_version, told_of)) for name in ordered]


def _having(name: str, by_version: Mapping[str, Sequence[ConfigField]], told_of: set[str]) -> tuple[str, ...]:
    having = [version for version in by_version if any(field.id == name for field in by_version[version])]
    return () if set(having) >= told_of else tuple(reversed(having))


def _typed(field: ConfigField, before: ConfigField | None) -> ConfigField:
    """An answered field, with the type and whatever else no answer says from the field of before."""
    if before is not None:
        told = field.type if field.type != "Text" and before.type == "Text" else before.type
        return replace(
            field,
            label=field.label or before.label,
            description=field.description or before.description,
            type=told,
            required=before.required,
            wrapped=field.wrapped or before.wrapped,
            object_types=field.object_types or before.object_types,
        )
    if field.type != "Text":
        return field
    holds = Catalogue({}).value_type("", field.id)
    return replace(field, type=_OBJECTS.get(field.id) or _TYPES.get(holds, "Text"))
