"""Triggers and actions in words: what merchants say for the common tasks, label and fields for all others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipelines.wording.phrases import Phrases, a, listed, noun_of, words
from schemas.catalog.tasks import TASKS, default_kind, default_version, field_order, value_type
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import (
    CONDITION,
    FOREACH,
    SCHEDULE_TASK,
    TRIGGER,
    Bare,
    Json,
    Path,
    PathValue,
    Reference,
    Step,
    Text,
)
from schemas.workflow.recurrence import schedule_of

__all__ = ["notes_of", "step_words", "when_words"]

_EVENTS: Final = {
    "Order risk analyzed": "the risk of an order is analyzed",
    "Customer joined segment": "a customer joins a segment",
    "Customer left segment": "a customer leaves a segment",
    "Customer abandons checkout": "a customer abandons a checkout",
    "Customer left online store without making a purchase": "a customer leaves the store without buying",
    "Customer subscribed to email marketing": "a customer subscribes to email marketing",
    "Product variant inventory quantity changed": "the inventory quantity of a product variant changes",
    "Fulfillment service failed to complete fulfillment order": "a fulfillment service fails",
    "Workflow error occurred": "an error occurs in a workflow",
    "Subscription billing attempt success": "a subscription billing attempt succeeds",
    "Subscription billing attempt failure": "a subscription billing attempt fails",
    "Product status updated": "the status of a product changes",
}
_HAPPENED: Final = re.compile(
    r"(?P<noun>[\w ]+?) (?:is )?(?P<verb>paid|[a-z]+ed(?: for \w+(?: \w+)?| on hold)?|split|due|out of stock"
    r"|back in stock|ready to \w+)"
)
_DAYS: Final = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
_SPAN: Final = re.compile(r"P(?:([1-9]\d*)D|T([1-9]\d*)H|T([1-9]\d*)M)", re.ASCII)
_TAGS: Final = re.compile(r"shopify::admin::(add|remove)_(\w+)_tags")
_METAFIELD: Final = re.compile(r"shopify::admin::(add|remove)_(\w+)_metafield")
_NOTE: Final = re.compile(r"shopify::admin::update_(\w+)_note")
_SNAKE: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*")
_SIMPLE: Final = re.compile(r"\w+", re.ASCII)


def when_words(trigger: Step, phrases: Phrases) -> str:
    """When the workflow runs: an event as the style tells it, or a timetable."""
    if trigger.task_id == SCHEDULE_TASK and len(trigger.fields) == 1:
        value = trigger.fields[0][1]
        if isinstance(value, Json):
            return _timetable(value.text, phrases) + notes_of(trigger, phrases)
    task = TASKS.get(trigger.task_id)
    if task is None:
        event = f"the trigger {phrases.quote(trigger.task_id)} fires"
    elif phrases.style.paths == "dotted":
        event = task.label[:1].lower() + task.label[1:]
    else:
        event = _EVENTS.get(task.label) or _event(task.label)
    fields = "".join(f", {_field(trigger, n, phrases)}" for n in range(len(trigger.fields)))
    fields = f" (with {fields[2:]})" if fields else ""
    return phrases.style.event.format(event=f"{event}{fields}{notes_of(trigger, phrases)}")


def step_words(step: Step, phrases: Phrases) -> str:
    """An action as an order, with every value that it holds."""
    for pattern, phrase in _PATTERNS.items():
        found = pattern.fullmatch(step.task_id)
        if found and (said := phrase(step, phrases, found)):
            return said + notes_of(step, phrases)
    return _plainly(step, phrases) + notes_of(step, phrases)


def notes_of(step: Step, phrases: Phrases) -> str:
    """What is unusual about a step: its version, its kind, its name."""
    notes = []
    if step.version != default_version(step.task_id):
        notes.append(f"version {phrases.quote(step.version)} of the task")
    if step.kind not in (TRIGGER, CONDITION, FOREACH, default_kind(step.task_id)):
        notes.append(f"as a step of type {step.kind}")
    if step.name is not None:
        notes.append(f"name the step {phrases.quote(step.name)}")
    return f" ({', '.join(notes)})" if notes else ""


def _event(label: str) -> str:
    found = _HAPPENED.fullmatch(label)
    if found is None:
        return f'the trigger "{label}" fires'
    noun = found["noun"][0].lower() + found["noun"][1:]
    many = noun.endswith("s") and not noun.endswith("ss")
    return f"{noun} are {found['verb']}" if many else f"{a(noun)} is {found['verb']}"


def _timetable(text: str, phrases: Phrases) -> str:
    found = schedule_of(read_json(text))
    if found is None:
        return f"on the timetable {phrases.json(text)}"
    said = f"every {found['every']}"
    if "on" in found:
        said += f" on {listed([_DAYS[day] for day in found['on']])}"
    if "at" in found:
        said += f" at {found['at']}"
    notes = f"time zone {found['timezone']}, starting {found['starting']}"
    if "week_start" in found:
        notes += f", weeks begin on {_DAYS[found['week_start']]}"
    return f"{said} ({notes})"


# -- any task -------------------------------------------------------------------------------------------


def _plainly(step: Step, phrases: Phrases) -> str:
    """The task's label and its fields, in their order."""
    task = TASKS.get(step.task_id)
    if task is None:
        said = f"run the task {phrases.quote(step.task_id)}"
    elif ":" in task.label or not task.label[1:2].islower():
        said = f'use "{task.label}"'
    else:
        said = task.label[0].lower() + task.label[1:]
    start = 0
    if step.fields and _is_own(step, 0):
        said += f" for {phrases.value(step.fields[0][1])}"
        start = 1
    fields = [_field(step, number, phrases) for number in range(start, len(step.fields))]
    return f"{said} with {listed(fields)}" if fields else said


def _field(step: Step, number: int, phrases: Phrases) -> str:
    name, value = step.fields[number]
    is_text = value_type(step.task_id, name) == "text"
    if name in field_order(step.task_id):
        label = words(name).strip('"').replace("_", " ")
    else:
        label = name.replace("_", " ") if _SNAKE.fullmatch(name) else phrases.quote(name)
    return f"{label} {phrases.value(value, is_text=is_text)}"


def _is_own(step: Step, number: int) -> bool:
    """Whether a field refers to an object of the very kind that its name says: `order_id=order.id`."""
    name, value = step.fields[number]
    return (
        isinstance(value, Reference)
        and isinstance(value.target, Path)
        and value.target.segments[-1] == "id"
        and len(value.target.segments) > 1
        and name == f"{noun_of(value.target).replace(' ', '_')}_id"
    )


# -- what merchants say for the common ones -------------------------------------------------------------

Phrase = Callable[[Step, Phrases, re.Match[str]], str | None]


def _shape(step: Step, *fields: str) -> tuple[Any, ...] | None:
    """The values, where the step has exactly these fields."""
    return (
        tuple(value for _, value in step.fields)
        if [name for name, _ in step.fields] == list(fields)
        else None
    )


def _tag(step: Step, phrases: Phrases, found: re.Match[str]) -> str | None:
    match _shape(step, f"{found[2]}_id", "tags"):
        case Reference(target=Path() as place), Json(text=text):
            tags: Any = read_json(text)
        case _:
            return None
    if not tags or not all(isinstance(tag, str) for tag in tags):
        return None
    kind = (
        ""
        if _is_own(step, 0)
        else f"{words(found[2])} "
        if "_" not in found[2]
        else f"{found[2].replace('_', ' ')} "
    )
    said = f"the {kind}tag{'s' if len(tags) > 1 else ''} {phrases.json(text)}"
    template = phrases.style.add if found[1] == "add" else phrases.style.remove
    return _filled(template, tags=said, thing=phrases.thing(place))


def _email(step: Step, phrases: Phrases, _: re.Match[str]) -> str | None:
    match _shape(step, "address", "subject", "message"):
        case Text(), Text(), Text():
            said = {name: phrases.value(value) for name, value in step.fields}
            return _filled(phrases.style.email, **said)
    return None


def _wait(step: Step, phrases: Phrases, _: re.Match[str]) -> str | None:
    match _shape(step, "duration"):
        case (Text(text=str(text)),) if span := _SPAN.fullmatch(text):
            days, hours, minutes = span.groups()
            number, unit = (days, "day") if days else (hours, "hour") if hours else (minutes, "minute")
            return f"wait {number} {unit}{'' if number == '1' else 's'}"
    return None


def _metafield(step: Step, phrases: Phrases, found: re.Match[str]) -> str | None:
    names = [name for name, _ in step.fields]
    if names not in ([names[0], "metafield", "value"], [names[0], "metafield"]) or not _is_reference(step):
        return None
    packed = step.fields[1][1]
    parts: Any = read_json(packed.text) if isinstance(packed, Json) else None
    if not isinstance(parts, dict) or list(parts) != ["namespace", "key", "type"]:
        return None
    if not all(isinstance(part, str) and _SIMPLE.fullmatch(part) for part in parts.values()):
        return None
    which = (
        f"the {found[2].replace('_', ' ')} metafield {parts['namespace']}.{parts['key']} ({parts['type']})"
    )
    thing = phrases.value(step.fields[0][1])
    if names[0] != next(iter(field_order(step.task_id)), f"{found[2]}_id"):
        thing += f", given as {phrases.quote(names[0])},"
    if len(names) == 2:
        return f"{'set' if found[1] == 'add' else 'remove'} {which} of {thing}"
    verb = "set" if found[1] == "add" else "remove"
    return f"{verb} {which} of {thing} to {phrases.value(step.fields[2][1])}"


def _note(step: Step, phrases: Phrases, found: re.Match[str]) -> str | None:
    match _shape(step, f"{found[1]}_id", "note"):
        case Reference(target=Path() as place), Text() as note if _is_own(step, 0):
            return f"set the note of {phrases.thing(place)} to {phrases.value(note)}"
    return None


def _fetch(step: Step, phrases: Phrases, found: re.Match[str]) -> str | None:
    match _shape(step, "sort_by", "max_root_records", "query"):
        case Json(text=sort), Bare(text=most), Text(text=str(query)):
            order: Any = read_json(sort)
        case _:
            return None
    if not isinstance(order, dict) or list(order) != ["sortKey", "order"]:
        return None
    if order["order"] not in ("ASCENDING", "DESCENDING") or not _SIMPLE.fullmatch(str(order["sortKey"])):
        return None
    if not isinstance(order["sortKey"], str):
        return None
    what = found[1].replace("_", " ")
    return (
        f"get at most {most} {what} matching {phrases.quote(query)}, "
        f"sorted by {order['sortKey']} {order['order'].lower()}"
    )


def _count(step: Step, phrases: Phrases, _: re.Match[str]) -> str | None:
    match _shape(step, "listpath"):
        case (PathValue(path=place),):
            return f"count {phrases.path(place)}"
    return None


def _sum(step: Step, phrases: Phrases, _: re.Match[str]) -> str | None:
    match _shape(step, "numberpath"):
        case (PathValue(path=place),):
            return f"add up {phrases.path(place)}"
    return None


def _is_reference(step: Step) -> bool:
    return isinstance(step.fields[0][1], Reference)


def _filled(template: str, **said: str) -> str:
    """A template with its blanks filled in at once: what fills one may hold braces."""
    return re.sub(r"\{(\w+)\}", lambda blank: said[blank[1]], template)


_PATTERNS: Final[Mapping[re.Pattern[str], Phrase]] = {
    _TAGS: _tag,
    _METAFIELD: _metafield,
    _NOTE: _note,
    re.compile(r"shopify::flow::fetch::(\w+)"): _fetch,
    re.compile("shopify::flow::send_email"): _email,
    re.compile("shopify::flow::wait"): _wait,
    re.compile("shopify::flow::count"): _count,
    re.compile("shopify::flow::sum"): _sum,
}
