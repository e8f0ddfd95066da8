"""The difference of two workflows in meaning: what a person who edited one would say they did.

Steps are followed by `alignment`, values are shown as Python. Ids, places, notes, the order of arrays and
the names of variables are no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from schemas.catalog import tasks
from schemas.workflow.alignment import Profile, marks_of, match
from schemas.workflow.descriptor import task_name
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import (
    CONDITION,
    FOREACH,
    TRIGGER,
    ConditionValue,
    Json,
    Logic,
    PathValue,
    Step,
    Text,
    Value,
    Workflow,
)
from schemas.workflow.names import is_name
from schemas.workflow.pretty import flat, quote
from schemas.workflow.python_values import Values, element, literal
from schemas.workflow.recurrence import schedule_of
from schemas.workflow.scope import Scope, item_of

Kind = Literal["added", "removed", "changed", "moved"]
_CONTROL: Final = (CONDITION, FOREACH)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value, as Python before and after; None where it was not there."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one step (or to the workflow's title, or to a patched field).

    `place` is where the step stands, `was` where a moved one stood before.
    """

    kind: Kind
    what: str
    place: str = ""
    was: str = ""
    fields: tuple[FieldChange, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def difference(before: Workflow, after: Workflow) -> tuple[Change, ...]:
    """Every difference in meaning, in the order of the Python text; nothing where there is none."""
    return tuple(_Comparison(before, after).changes())


class _Shown:
    """One workflow as Python, part by part."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        scope = Scope(workflow)
        bound = {**scope.arguments, **scope.by_output}
        for step in workflow.steps:
            listed = step.fields[0][1] if step.kind == FOREACH else None
            if isinstance(listed, PathValue):
                source = Values(bound, set()).path(listed.path)
                bound.setdefault(item_of(listed.path), element(listed.path, source))
        self.values = Values(bound, {*scope.arguments.values(), *scope.by_output.values()})
        self.edges = workflow.edges
        self.ways_in: list[list[tuple[int, str]]] = [[] for _ in workflow.steps]
        for start, port, target in self.edges:
            self.ways_in[target].append((start, port))

    def value(self, step: Step, field: str, value: Value) -> str:
        if step.kind == FOREACH and value == Text(""):
            return "..."
        return flat(self.values.value(value, tasks.value_type(step.task_id, field)))

    def call(self, number: int) -> str:
        """A step as a line of Python."""
        step = self.workflow.steps[number]
        if step.kind in _CONTROL:
            return self.name(number)
        parts = [
            f"{field}={self.value(step, field, value)}"
            if is_name(field)
            else f"{quote(field)}: {self.value(step, field, value)}"
            for field, value in step.fields
        ]
        return f"{self.name(number)}({', '.join(parts)})"

    def name(self, number: int) -> str:
        """A step in a few words."""
        step = self.workflow.steps[number]
        shown = self.value(step, *step.fields[0]) if step.kind in _CONTROL else ""
        if step.kind == CONDITION:
            return f"if {shown}"
        if step.kind == FOREACH:
            return f"for each of {shown}"
        return f"@{task_name(step)}" if step.kind == TRIGGER else task_name(step)

    def place(self, number: int) -> str:
        """Where a step stands; the trigger stands nowhere."""
        if number == 0:
            return ""
        told = [self.port(source, port) for source, port in self.ways_in[number]]
        return " and ".join(told) or "not connected to anything"

    def port(self, source: int, port: str) -> str:
        name = self.name(source)
        match port:
            case "true":
                return f"under {name}"
            case "false":
                return f"under the else of {name}"
            case "loop_body":
                return f"inside {name}"
            case _:
                return "at the start" if source == 0 else f"after {name}"


class _Comparison:
    def __init__(self, before: Workflow, after: Workflow) -> None:
        self.old = _Shown(before)
        self.new = _Shown(after)
        profiles = [
            [Profile(step.task_id, marks_of(step)) for step in workflow.steps] for workflow in (after, before)
        ]
        self.origin = match(profiles[0], self.new.edges, profiles[1], self.old.edges)
        self.now = {old: number for number, old in enumerate(self.origin) if old is not None}

    def changes(self) -> list[Change]:
        before, after = self.old.workflow, self.new.workflow
        found = []
        if before.name != after.name:
            title = FieldChange("title", quote(before.name), quote(after.name))
            found.append(Change("changed", "the workflow", fields=(title,)))
        found += self.patched()
        placed: list[tuple[int, int, Change]] = []
        for number, old in enumerate(self.origin):
            placed += [(number, 0, change) for change in self.step(number, old)]
        beside = 0
        for old in range(len(before.steps)):
            beside = max(beside, self.now.get(old, beside)) if old not in self.now else self.now[old]
            if old not in self.now:
                gone = Change("removed", self.old.call(old), self.old.place(old))
                placed.append((beside, 1, gone))
        return found + [change for *_, change in sorted(placed, key=lambda each: each[:2])]

    def patched(self) -> list[Change]:
        before, after = (
            {f"{field.owner}.{field.handle}": field for field in shown.workflow.patched_fields}
            for shown in (self.old, self.new)
        )
        found = []
        for name in dict.fromkeys([*before, *after]):
            old, new = before.get(name), after.get(name)
            if old == new:
                continue
            kind: Kind = "added" if old is None else "removed" if new is None else "changed"
            told = [f"{field.field} {field.arguments}" if field else None for field in (old, new)]
            fields = (FieldChange("definition", *told),)
            found.append(Change(kind, f"patched field {name}", fields=fields))
        return found

    def step(self, number: int, old: int | None) -> list[Change]:
        if old is None:
            return [Change("added", self.new.call(number), self.new.place(number))]
        found = []
        fields = tuple(self.fields(self.old.workflow.steps[old], self.new.workflow.steps[number]))
        if fields:
            found.append(Change("changed", self.new.name(number), self.new.place(number), fields=fields))
        if number and self.above(number) != self.above_then(old):
            found.append(Change("moved", self.new.name(number), self.new.place(number), self.old.place(old)))
        return found

    def fields(self, old: Step, new: Step) -> list[FieldChange]:
        found = []
        for field, was, now in (
            ("task", task_name(old), task_name(new)),
            ("task_version", old.version, new.version),
            ("task_type", old.kind, new.kind),
            ("step_name", old.name, new.name),
        ):
            # Of another trigger the version and the fields are others, and nobody edited them.
            if was != now and (field == "task" or old.task_id == new.task_id):
                found.append(FieldChange(field, was and quote(was), now and quote(now)))
        before, after = dict(old.fields), dict(new.fields)
        for field in dict.fromkeys([*before, *after]):
            if before.get(field) != after.get(field):
                found += self.values(old, new, field, before, after)
        return found

    def values(
        self, old: Step, new: Step, field: str, before: Mapping[str, Value], after: Mapping[str, Value]
    ) -> list[FieldChange]:
        was, now = before.get(field), after.get(field)
        if isinstance(was, ConditionValue) and isinstance(now, ConditionValue):
            parts = self.terms(was, now)
            if parts:
                return parts
        if isinstance(was, Json) and isinstance(now, Json) and field == "recurrence":
            words = [schedule_of(read_json(value.text)) for value in (was, now)]
            if words[0] and words[1]:
                return list(_words(words[0], words[1]))
        return [
            FieldChange(
                field,
                None if was is None else self.old.value(old, field, was),
                None if now is None else self.new.value(new, field, now),
            )
        ]

    def terms(self, was: ConditionValue, now: ConditionValue) -> list[FieldChange]:
        """The terms that differ, where both conditions join several by the same word."""
        one, other = was.condition, now.condition
        if not (isinstance(one, Logic) and isinstance(other, Logic) and one.operator == other.operator):
            return []
        gone = [term for term in one.terms if term not in other.terms]
        come = [term for term in other.terms if term not in one.terms]
        told = [
            [flat(shown.values.condition(term, inside=True)) for term in terms]
            for shown, terms in ((self.old, gone), (self.new, come))
        ]
        if len(gone) == len(come):
            return [FieldChange("condition", was, now) for was, now in zip(*told, strict=True)]
        return [FieldChange("condition", text, None) for text in told[0]] + [
            FieldChange("condition", None, text) for text in told[1]
        ]

    def above(self, number: int) -> set[tuple[int | None, str]]:
        """The known steps that lead here, as numbers of before; new actions on the way are passed over."""
        return self.known_above(self.new, number, dict(enumerate(self.origin)))

    def above_then(self, number: int) -> set[tuple[int | None, str]]:
        kept = {old: old for old in self.now}
        return self.known_above(self.old, number, kept)

    def known_above(
        self, shown: _Shown, number: int, origin: Mapping[int, int | None]
    ) -> set[tuple[int | None, str]]:
        found: set[tuple[int | None, str]] = set()
        waiting, seen = list(shown.ways_in[number]), set()
        while waiting:
            source, port = waiting.pop()
            if (source, port) in seen:
                continue
            seen.add((source, port))
            known = origin.get(source)
            if known is None and port in ("output", "after"):
                waiting += shown.ways_in[source]
            else:
                found.add((known, port))
        return found


def _words(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    """A timetable word by word."""
    for word in dict.fromkeys([*before, *after]):
        was, now = (flat(literal(told[word])) if word in told else None for told in (before, after))
        if was != now:
            yield FieldChange(word, was, now)
