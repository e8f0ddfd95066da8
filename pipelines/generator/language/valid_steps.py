"""Steps that a validator has nothing against: tasks of the catalogue, with fields that fit, all in scope."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.fields import valid_value
from pipelines.generator.language.places import Scope
from schemas.catalog import tasks
from schemas.catalog.environment import root_type
from schemas.catalog.mutations import mutation
from schemas.workflow.model import (
    ACTION,
    CONDITION,
    CONDITION_TASK,
    FOREACH,
    FOREACH_TASK,
    TRIGGER,
    ApiCall,
    PatchedField,
    PathValue,
    Step,
    Text,
    Value,
)

__all__ = ["ValidSteps"]

_RUN_CODE: Final = "shopify::flow::run_code"
_RESULTS: Final = (("total", "Float"), ("eligible", "Boolean"), ("label", "String"), ("num_lines", "Int"))
_OWNERS: Final = ("Order", "Product", "Customer", "ProductVariant")
_HANDLES: Final = ("giftMessage", "loyaltyTier", "anchorPrice", "careGuide")


class ValidSteps:
    """Draws the steps of one workflow, in reading order: outputs are numbered as they come."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.outputs: Counter[str] = Counter()
        self.patched: list[PatchedField] = []

    def trigger(self) -> tuple[Step, Scope]:
        """The trigger, and what it brings."""
        task = self.draw.pick(_of_kind(TRIGGER))
        known = {root: notation for root in task.roots if (notation := root_type(root))}
        scope = Scope({**known, "shop": root_type("shop")})
        scope = self.patch(scope)
        return self.made(task, scope), scope

    def patch(self, scope: Scope) -> Scope:
        """A metafield now and then, on a type that is in scope."""
        owners = [owner for owner in _OWNERS if owner in scope.roots.values()]
        if not owners or not self.draw.chance(0.25):
            return scope
        owner, handle = self.draw.pick(owners), self.draw.pick(_HANDLES)
        arguments = f'{{"key":"{handle.lower()}","namespace":"custom"}}'
        self.patched.append(PatchedField(owner, handle, "metafield", arguments))
        return Scope(scope.roots, {owner: ((f"{handle}.value", "String"),)})

    def step(self, kind: str, scope: Scope) -> tuple[Step, Scope]:
        """One step, and the scope behind it: for a loop that of its body."""
        if kind == CONDITION:
            return self.made(tasks.TASKS[CONDITION_TASK], scope), scope
        if kind == FOREACH:
            return self.loop(scope)
        task = self.draw.pick(_of_kind(kind))
        if task.output is None:
            return self.made(task, scope), scope
        number = self.outputs[task.output]
        self.outputs[task.output] += 1
        output = f"{task.output}{number or ''}"
        if task.id == _RUN_CODE:
            return self.code(task, scope, output)
        step, notation = self.made(task, scope), root_type(output)
        for _, value in step.fields:
            called = mutation(value.name) if isinstance(value, ApiCall) else None
            notation = called.payload if called else notation
        return step, scope.plus(output, notation) if notation else scope

    def loop(self, scope: Scope) -> tuple[Step, Scope]:
        found = scope.any_list(self.draw)
        assert found is not None  # the shop, which is always there, has lists
        item = f"{found.path.segments[-1]}Foreachitem"
        step = Step(FOREACH, FOREACH_TASK, "0.1", (("listpath", PathValue(found.path)),))
        return step, scope.plus(item, found.type)

    def code(self, task: tasks.Task, scope: Scope, output: str) -> tuple[Step, Scope]:
        """Run code: a query on what is in scope, and an output whose fields later steps may use."""
        results = dict(self.draw.mixed(_RESULTS)[: self.draw.between(1, len(_RESULTS))])
        asked = self.draw.pick(tuple(scope.roots))
        name = scope.scalar(self.draw, ("string", "id"))
        query = _query(name.path.segments) if name else f"query {{ {asked} {{ id }} }}"
        returned = ", ".join(f"{field}: {_SAMPLES[kind]}" for field, kind in results.items())
        typed = "\n".join(f"  {field}: {kind}!" for field, kind in results.items())
        fields: dict[str, Value] = {
            "input": Text(query),
            "script": Text(f"export default function main(input) {{\n  return {{ {returned} }};\n}}"),
            "output_schema": Text(f"type Output {{\n{typed}\n}}"),
        }
        step = Step(ACTION, task.id, self.version(task), tuple(fields.items()))
        return step, scope.plus(output, f"Output of {output}", results)

    def made(self, task: tasks.Task, scope: Scope) -> Step:
        version = self.version(task)
        fields = tuple(
            (field.id, valid_value(self.draw, field, scope))
            for field in task.config_fields.values()
            if field.exists_in(version) and (field.required or self.draw.chance(0.7))
        )
        return Step(task.kind, task.id, version, fields)

    def version(self, task: tasks.Task) -> str:
        return self.draw.pick(task.versions) if task.versions else tasks.default_version(task.id)


_SAMPLES: Final = {"Float": "12.5", "Boolean": "true", "String": '"gold"', "Int": "3"}


def _query(segments: tuple[str, ...]) -> str:
    """A GraphQL selection of one path: `query { order { name } }`."""
    return "query { " + " { ".join(segments) + " }" * len(segments)


@functools.cache
def _of_kind(kind: str) -> tuple[tasks.Task, ...]:
    return tuple(task for task in tasks.TASKS.values() if task.kind == kind)
