"""A trace for a person: what a workflow did on an event, line by line, and the values it saw."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jobs._console import WIDTH, fitted, printable
from schemas.catalog import tasks
from schemas.errors import WorkflowRefused
from schemas.workflow import Workflow
from schemas.workflow.condition_text import write_text
from schemas.workflow.model import Condition, ConditionValue
from serving.simulator import Effect, Event, Json, Trace
from serving.simulator.durations import duration_of

__all__ = ["event_lines", "label", "trace_lines"]

MOST_VALUES: Final = 30
"""Values of an event that are printed; `--json` has all."""
MOST_TURNS: Final = 10
"""Items of one loop that are told."""
MOST_CHARACTERS: Final = 400
"""Of what code was given and gave."""
_INDENT: Final = "  "
_NOUNS: Final = {
    "mail": ("mail", "mails"),
    "http": ("web request", "web requests"),
    "admin_api": ("Admin API request", "Admin API requests"),
    "log": ("log line", "log lines"),
    "wait": ("wait", "waits"),
    "action": ("action", "actions"),
    "error": ("error", "errors"),
}
_PORTS: Final = {"branch": ("true", "false"), "loop": ("loop_body",)}
"""Kind of effect -> the ports behind which its path goes on; `output` for the others."""


def event_lines(event: Event) -> Iterator[str]:
    """The values that the trigger brings, one a line, lists of scalars on one line."""
    found = [leaf for root, value in event.roots.items() for leaf in _leaves(value, root)]
    for path, value in found[:MOST_VALUES]:
        yield fitted(f"{printable(path)}: {_short(value)}")
    if len(found) > MOST_VALUES:
        yield f"and {len(found) - MOST_VALUES} more, which --json has"


def trace_lines(workflow: Workflow, trace: Trace, event: Event) -> Iterator[str]:
    """What happened, in the order of the trace; steps of a branch or a turn stand below it.

    Of a loop of many items the first are told, and of the others how many effects they had.
    """
    told = _Told(workflow, trace, event)
    yield from told.effects()
    yield from told.summary()


def label(workflow: Workflow, step: int) -> str:
    """What the editor calls a step: its own name, else the task's, else the task's id."""
    found = workflow.steps[step]
    task = tasks.TASKS.get(found.task_id)
    return printable(found.name or (task.label if task else found.task_id))


class _Told:
    def __init__(self, workflow: Workflow, trace: Trace, event: Event) -> None:
        self.workflow = workflow
        self.trace = trace.effects
        self.links = set(workflow.edges)
        self.ports = {(source, port) for source, port, _ in self.links}
        self.start = event.time.astimezone(UTC)
        self.levels: list[int] = []
        self.times: list[datetime] = []
        self.begun: set[tuple[int, ...]] = set()

    def effects(self) -> Iterator[str]:
        skipped: list[Effect] = []
        least = num_turns = 0
        for effect in self.trace:
            values = json.loads(effect.values)
            level = self._level(effect)
            self.levels.append(level)
            self.times.append(self._time(effect, values))
            late = _is_turn(effect) and values["turn"] > MOST_TURNS
            if skipped and (level > least or (level == least and late)):
                skipped.append(effect)
                num_turns += level == least
                continue
            if skipped:
                yield _skipped(skipped, num_turns, least)
                skipped = []
            if late:
                skipped, least, num_turns = [effect], level, 1
                continue
            indent = _INDENT * level
            if effect.after in self.begun:
                yield f"{indent}and beside it, in no set order:"
            self.begun.add(effect.after)
            for line in self._lines(effect, values, self.times[-1]):
                yield f"{indent}{line}"
        if skipped:
            yield _skipped(skipped, num_turns, least)

    def summary(self) -> Iterator[str]:
        """Steps that did not run, and how much would leave the workflow."""
        reached = {0, *(effect.step for effect in self.trace)}
        steps = range(len(self.workflow.steps))
        missed = Counter(label(self.workflow, step) for step in steps if step not in reached)
        if missed:
            names = (f"{name} (in {num} places)" if num > 1 else name for name, num in missed.items())
            yield ""
            yield from _wrapped(f"Not reached: {', '.join(names)}")
        yield ""
        yield f"{_counted(self.trace) or 'No effects'}. This was a simulation: nothing was sent or changed."

    def _time(self, effect: Effect, values: Mapping[str, Any]) -> datetime:
        now = max((self.times[before] for before in effect.after), default=self.start)
        return now + duration_of(values["duration"]) if effect.kind == "wait" else now

    def _level(self, effect: Effect) -> int:
        """Below a branch or a turn stands what hangs on it; what comes after a loop stands level with it."""
        if not effect.after:
            return 0
        before = effect.after[-1]
        if _is_turn(effect) or not self._follows(before, effect.step):
            return self.levels[self._loop_of(effect, before)] + _is_turn(effect)
        found = self.trace[before]
        return self.levels[before] + (found.kind == "branch" or _is_turn(found))

    def _follows(self, before: int, step: int) -> bool:
        """Whether a step is linked to the one of an effect, other than by what comes after a loop's turns."""
        found = self.trace[before]
        if found.step == step:
            return True
        ports = _PORTS.get(found.kind, ("output",))
        if found.kind == "loop" and not _is_turn(found):
            ports = ("after",)
        return any((found.step, port, step) in self.links for port in ports)

    def _loop_of(self, effect: Effect, before: int) -> int:
        """The loop that an effect is a turn of, or that it comes after."""
        at: int | None = before
        while at is not None:
            found = self.trace[at]
            if found.kind == "loop" and not _is_turn(found):
                after = (found.step, "after", effect.step) in self.links
                if found.step == effect.step if _is_turn(effect) else after:
                    return at
            at = min(found.after, default=None)
        return before

    def _lines(self, effect: Effect, values: dict[str, Any], time: datetime) -> Iterator[str]:
        name = label(self.workflow, effect.step)
        fields = self.workflow.steps[effect.step].fields
        match effect.kind:
            case "branch":
                asked = (value.condition for _, value in fields if isinstance(value, ConditionValue))
                yield from _branch(next(asked, None), values)
            case "loop" if "turn" in values:
                item = f": {printable(values['item'])}" if values["item"] else ""
                yield fitted(f"Item {values['turn']} of {values['of']}{item}")
            case "loop":
                num = values["num_items"]
                body = (effect.step, "loop_body") in self.ports
                doing = ":" if num and body else ", so nothing" if body else ", nothing: the loop is empty"
                yield f"For each of {num} in {printable(values['list'])}{doing}"
            case "wait":
                yield f"{name} {printable(values['duration'])}, until {time:%Y-%m-%d %H:%M} UTC"
            case "value":
                yield f"{name} of {printable(values['of'])}: {values['value']}"
            case "fetch" if "num_found" in values:
                yield f"{name}: {values['num_found']} found, at most {values['first']} asked for"
                yield from _fields({"query": values["query"]} if values["query"] else {})
                if "ignored" in values:
                    yield f"{_INDENT}Shopify ignores in it: {printable(', '.join(values['ignored']))}"
            case "code":
                yield f"{name}"
                yield from _fields({"given": values["input"], "gives": values["output"]}, MOST_CHARACTERS)
            case "error":
                yield from _wrapped(f"Error in {name}: {printable(values['message'])} ({values['code']})")
                yield f"{_INDENT}nothing after it runs on this path"
            case "admin_api":
                yield f"{name}: {printable(values.pop('name'))}"
                yield from _fields(values)
            case _:
                order = {field: place for place, (field, _) in enumerate(fields)}
                yield from _step(name, dict(sorted(values.items(), key=lambda each: order.get(each[0], 0))))


def _is_turn(effect: Effect) -> bool:
    return effect.kind == "loop" and '"turn":' in effect.values


def _skipped(effects: Sequence[Effect], num_turns: int, level: int) -> str:
    counted = _counted(effects)
    return f"{_INDENT * level}and {num_turns} more{f': {counted}' if counted else ''}; --json has all"


def _counted(effects: Sequence[Effect]) -> str:
    leaving = Counter(effect.kind for effect in effects if effect.leaves)
    return ", ".join(f"{num} {_NOUNS[kind][num > 1]}" for kind, num in leaving.items())


def _branch(asked: Condition | None, values: Mapping[str, Any]) -> Iterator[str]:
    try:
        text = printable(write_text(asked)) if asked else "(nothing)"
    except WorkflowRefused:  # a text that condition text cannot spell
        text = "(a condition)"
    yield from _wrapped(f"If {text}: {'yes' if values['result'] else 'no'}")
    for path, value in values["seen"].items():
        if isinstance(value, dict):
            num = value.get("num_items")
            said = "is there" if num is None else f"has {num} item{'s' * (num != 1)}"
        else:
            said = f"is {_short(value)}"
        yield fitted(f"{_INDENT * 2}{printable(path)} {said}")


def _step(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """A step with its fields: on one line where they fit, else each on its own."""
    line = f"{name}: {', '.join(f'{field} {_short(value)}' for field, value in values.items())}"
    if len(line) <= WIDTH and not any(isinstance(value, str) and "\n" in value for value in values.values()):
        yield line.rstrip(": ")
        return
    yield name
    yield from _fields(values)


def _fields(values: Mapping[str, Any], limit: int | None = None) -> Iterator[str]:
    """A line a field; texts of several lines, and JSON that is long, stand below their field's name."""
    for field, value in values.items():
        text = value if isinstance(value, str) else _short(value)
        if isinstance(value, dict | list) and len(text) > WIDTH and limit is None:
            text = json.dumps(value, ensure_ascii=False, indent=2)
        if limit is not None and len(text) > limit:
            text = f"{text[:limit]}... ({len(text)} characters)"
        if "\n" in text and "\n" not in text.strip() and text.strip():
            yield f"{_INDENT}{printable(field)}: {printable(text.strip())} (with line ends around it)"
        elif "\n" in text:
            yield f"{_INDENT}{printable(field)}:"
            yield from (f"{_INDENT}| {printable(line)}".rstrip() for line in text.split("\n"))
        else:
            yield f"{_INDENT}{printable(field)}: {printable(text)}".rstrip()


def _leaves(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Path and value of everything that is no object; items of a list are numbered from 1."""
    if isinstance(value, dict) and value:
        for field, inner in value.items():
            yield from _leaves(inner, f"{path}.{field}")
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _leaves(item, f"{path} {number}")
    else:
        yield path, value


def _short(value: Json) -> str:
    """A value on one line: lists of texts with commas, the rest as JSON."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return printable(value) or '""'
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return printable(", ".join(value))
    return printable(json.dumps(value, ensure_ascii=False))


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=_INDENT * 2, break_on_hyphens=False)
