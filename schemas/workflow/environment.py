"""What each step of a workflow may use: names of the environment, and what type lies behind each.

A step sees `shop`, what the trigger brings, the outputs of the steps that lead to it, and the items of the
loops whose body it stands in (Flow format sections 9 and 10). Where branches join, it sees what any of them
brings. An output or item that shares its name with one seen before it hides that one.

Types are written as in `schemas/catalog/environment.py`; the empty text is a type that nothing public tells:
an app's output, what depends on a metaobject's definition, code without a readable `output_schema`.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.catalog import tasks
from schemas.catalog.catalogue import Catalogue, is_app
from schemas.catalog.environment import (
    UNKNOWN,
    Local,
    Resolved,
    fields_in,
    first_missing,
    follow,
    output_type,
    root_type,
)
from schemas.catalog.mutations import mutation
from schemas.errors import WorkflowRefused
from schemas.workflow.added_fields import added_fields
from schemas.workflow.model import (
    FOREACH,
    ApiCall,
    Path,
    PathValue,
    Step,
    Text,
    Workflow,
)
from schemas.workflow.output_schema import OUTPUT, read_output_schema
from schemas.workflow.scope import ITEM, item_of, output_names

__all__ = ["Environment", "environment_of", "loop_source", "visible"]

_NO_ITEMS: Final[Mapping[str, str]] = MappingProxyType({})
_SCHEDULED: Final = "scheduledAt"
"""Only the scheduled trigger brings it, so no app's trigger does."""
_MAX_LOOPS: Final = 50
"""Loops over another loop's item that are followed; beyond, the item is unknown."""


@dataclass(frozen=True, slots=True)
class _Binding:
    """A name that one step brings: its output, or the item of its loop."""

    name: str
    step: int
    port: str
    """The port behind which the name is seen."""


class Environment:
    """The names and types of one workflow. Build it with `environment_of`."""

    def __init__(self, workflow: Workflow, catalogue: Catalogue) -> None:
        self._steps = workflow.steps
        self.outputs = output_names(workflow.steps)
        """The name of what each step gives, None where it gives nothing that is known."""
        self._bindings = _bindings(workflow.steps, self.outputs, catalogue)
        self._seen = _seen(workflow, self._bindings)
        self._by_name: dict[str, int] = defaultdict(int)
        for number, binding in enumerate(self._bindings):
            self._by_name[binding.name] |= 1 << number
        trigger = workflow.trigger.task_id
        known = catalogue.get(trigger)
        self.trigger_roots: Mapping[str, str] = {
            "shop": root_type("shop"),
            **(known.returns if known else {}),
        }
        """What every step may use."""
        self.is_open = known is None or is_app(trigger)
        """Whether the trigger is an app's or one that nobody knows: it may bring any name."""
        self._types: dict[int, str | None] = {}
        self._depth = 0
        fields = dict(added_fields(workflow))
        enums: dict[str, tuple[str, ...]] = {}
        self.local = Local(fields, enums)
        """The types that this workflow has beyond the API's."""
        for number, binding in enumerate(self._bindings):
            if binding.port == "output":
                self._types[number] = _output(self._steps[binding.step], binding, catalogue, fields, enums)

    def root(self, step: int, name: str) -> str | None:
        """The type of a name in front of a step, empty when unknown; None where the step does not see it.

        `step` is the number of the step in the workflow; the capital of older files is lowered.
        """
        name = name[:1].lower() + name[1:]
        seen = self._seen[step] & self._by_name.get(name, 0)
        if seen:
            return self._type(seen)
        if name in self.trigger_roots:
            return self.trigger_roots[name]
        if not self.is_open or name == _SCHEDULED or name.endswith(ITEM):
            return None
        return None if output_type(name.rstrip("0123456789")) else root_type(name)

    def roots(self, step: int) -> Mapping[str, str]:
        """Every name that a step sees, with its type, `shop` and the trigger's first."""
        brought = ((name, mask & self._seen[step]) for name, mask in self._by_name.items())
        return {**self.trigger_roots, **{name: self._type(seen) for name, seen in brought if seen}}

    def resolve(self, step: int, path: str, items: Mapping[str, str] = _NO_ITEMS) -> Resolved:
        """What a path leads to at a step; `UNKNOWN` also where the step does not see its first segment.

        `items` has the types of the variables that a condition binds (`{"lineItems_item": "LineItem"}`).
        """
        root = self._first(step, path, items)
        return follow(path, root, self.local) if root else UNKNOWN

    def missing(self, step: int, path: str, items: Mapping[str, str] = _NO_ITEMS) -> str:
        """The shortest prefix of a path that does not exist at a step; empty where all may exist."""
        root = self._first(step, path, items)
        if root is None:
            return path.partition(".")[0]
        return first_missing(path, root, self.local)

    def fields(self, type_name: str) -> Mapping[str, str]:
        """Field -> type of an object type, with what the workflow adds to it."""
        return fields_in(type_name, self.local)

    def _first(self, step: int, path: str, items: Mapping[str, str]) -> str | None:
        name = path.partition(".")[0]
        return items[name] if name in items else self.root(step, name)

    def _type(self, seen: int) -> str:
        """The type of one name that several steps may bring; empty where they differ."""
        bits = _bits(seen)
        hidden = 0
        if len(bits) > 1:
            for number in bits:
                hidden |= self._seen[self._bindings[number].step]
        found = {self._type_of(number) for number in bits if not hidden >> number & 1}
        return found.pop() if len(found) == 1 else ""

    def _type_of(self, number: int) -> str:
        """The type of what one step brings; a loop that needs itself to know its item does not know it."""
        if number not in self._types:
            if self._depth == _MAX_LOOPS:
                return ""
            self._types[number] = None
            self._depth += 1
            self._types[number] = self._element(self._bindings[number].step)
            self._depth -= 1
        return self._types[number] or ""

    def _element(self, step: int) -> str:
        source = loop_source(self._steps[step])
        found = self.resolve(step, source.text) if source else UNKNOWN
        return found.type if found.kind == "list" else ""


def environment_of(workflow: Workflow, catalogue: Catalogue | None = None) -> Environment:
    """The names and types of a workflow. Never raises: what cannot be read is unknown.

    `catalogue` says what tasks bring; None is the one that ships.
    """
    return Environment(workflow, catalogue or tasks.SHIPPED)


def visible(workflow: Workflow) -> tuple[Mapping[str, str], ...]:
    """For each step number the names that the step sees, with their types."""
    environment = environment_of(workflow)
    return tuple(environment.roots(step) for step in range(len(workflow.steps)))


def loop_source(step: Step) -> Path | None:
    """The list that a loop walks; None where it was never chosen."""
    if step.kind != FOREACH:
        return None
    return next((value.path for _, value in step.fields if isinstance(value, PathValue)), None)


def _bindings(steps: Sequence[Step], outputs: Sequence[str | None], catalogue: Catalogue) -> list[_Binding]:
    found = []
    uses: Counter[str] = Counter()
    for number, (step, output) in enumerate(zip(steps, outputs, strict=True)):
        source = loop_source(step)
        task = catalogue.get(step.task_id)
        if source is not None:
            found.append(_Binding(item_of(source), number, "loop_body"))
        elif output is not None:
            found.append(_Binding(output, number, "output"))
        elif task and task.output:  # a shop's own catalogue knows the outputs of its apps
            found.append(_Binding(f"{task.output}{uses[task.output] or ''}", number, "output"))
            uses[task.output] += 1
    return found


def _seen(workflow: Workflow, bindings: Sequence[_Binding]) -> list[int]:
    """For each step the bindings that it sees, as bits: bit 3 is the fourth binding."""
    brought = {(binding.step, binding.port): 1 << number for number, binding in enumerate(bindings)}
    onward: dict[int, list[tuple[int, int]]] = defaultdict(list)
    size = range(len(workflow.steps))
    for link in workflow.links:
        if link.source not in size or link.target not in size:
            continue  # a tree that nobody has checked yet
        onward[link.source].append((link.target, brought.get((link.source, link.port), 0)))
    seen = [0] * len(workflow.steps)
    waiting = deque(range(len(workflow.steps)))
    queued = set(waiting)
    while waiting:
        step = waiting.popleft()
        queued.discard(step)
        for target, bit in onward[step]:
            more = seen[target] | seen[step] | bit
            if more != seen[target]:
                seen[target] = more
                if target not in queued:
                    queued.add(target)
                    waiting.append(target)
    return seen


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found


def _output(
    step: Step,
    binding: _Binding,
    catalogue: Catalogue,
    fields: dict[str, Mapping[str, str]],
    enums: dict[str, tuple[str, ...]],
) -> str:
    """The type of what an action brings; types that only this step has are added to `fields` and `enums`."""
    value = dict(step.fields)
    call, schema = value.get("api_call"), value.get("output_schema")
    if isinstance(call, ApiCall):
        found = mutation(call.name)
        if found is None:
            return ""
        # Public is only "the response": its fields may lie below the mutation's name or at once.
        fields[found.payload] = {**fields.get(found.payload, {}), found.name: found.payload}
        return found.payload
    task = catalogue.get(step.task_id)
    if task is None or task.output is None:
        return ""
    if task.output == "runCode" and isinstance(schema, Text):
        return _code_output(schema.text or "", binding, fields, enums)
    return task.returns[task.output]


def _code_output(
    text: str,
    binding: _Binding,
    fields: dict[str, Mapping[str, str]],
    enums: dict[str, tuple[str, ...]],
) -> str:
    try:
        schema = read_output_schema(text)
    except WorkflowRefused:
        return ""
    prefix = binding.name if f"{binding.name}.{OUTPUT}" not in fields else f"{binding.name}@{binding.step}"
    names = {name: f"{prefix}.{name}" for name in (*schema.types, *schema.enums)}
    for name, found in schema.types.items():
        fields[names[name]] = {field: _renamed(kind, names) for field, kind in found.items()}
    for name, constants in schema.enums.items():
        enums[names[name]] = constants
    return names[OUTPUT]


def _renamed(kind: str, names: Mapping[str, str]) -> str:
    bare = kind.strip("[]")
    return kind.replace(bare, names[bare]) if bare in names else kind
