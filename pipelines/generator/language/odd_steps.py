"""Steps with anything in them that the language carries: any task, version, field, name and text."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Final

from pipelines.generator.draw import Draw, id_maker
from pipelines.generator.language.odd import any_object
from pipelines.generator.language.odd_fields import any_value
from pipelines.generator.language.places import Scope
from pipelines.generator.language.wording import KEYWORDS, any_text
from schemas.catalog import tasks
from schemas.workflow.jsontext import compact
from schemas.workflow.model import (
    CONDITION,
    CONDITION_TASK,
    FOREACH,
    FOREACH_TASK,
    TRIGGER,
    PatchedField,
    Step,
    Value,
)

__all__ = ["OddSteps"]

_IDS: Final = (
    "shopify::admin::get_orders", "shopify::admin::send_email", "shopify::admin::task",
    "shopify::admin::join_1",
    "shopify::admin::class", "shopify::admin::", "shopify::admin::Order", "shopify::flow::fetch::",
    "shopify::flow::fetch::any-thing", "shopify::flow::unheard_of", "other::app::do_it", "condition", "", "0",
    "shopify::admin::branch", "shopify::admin::any", "shopify::admin::print", "shopify::flow::fetch::class",
)  # fmt: skip
_FIELDS: Final = (
    "my-field", "class", "task_version", "task_type", "step_name", "every", "on", "at", "thing_id", "tags",
    "query",
    "metafield", "headers", "", " ", "a.b", "ключ", "field", "_", "x1", "X", "api_call", "max_root_records",
    "numberpath", "sort_by", "id", "_id", "starting", "timezone", "week_start",
)  # fmt: skip
_OWNERS: Final = (
    "Order", "Customer", "ProductVariant", "Product", "Shop", "metaobject_123", "order", "X", "PRODUCT_",
    "Product Variant", "B2b", "CompanyLocation", "", "IDs", "_Order", "ÉTÉ",
)  # fmt: skip


class OddSteps:
    """Draws the steps of one workflow, in reading order: default names are numbered as they come."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.labels: Counter[str] = Counter()
        self.new_id = id_maker(draw, "mixed")

    def trigger(self) -> tuple[Step, Scope]:
        """Any trigger."""
        return self.made(TRIGGER, self.task(TRIGGER)), Scope({})

    def step(self, kind: str, scope: Scope) -> tuple[Step, Scope]:
        """Any step of this kind."""
        draw = self.draw
        if kind == CONDITION:
            found = any_value(draw, "condition")
            return Step(CONDITION, CONDITION_TASK, "0.1", (("condition", found),)), scope
        if kind == FOREACH:
            return Step(FOREACH, FOREACH_TASK, "0.1", (("listpath", any_value(draw, "path")),)), scope
        return self.made(kind, self.task(kind)), scope

    def task(self, kind: str) -> str:
        choice = self.draw.random()
        if choice < 0.7:
            return self.draw.pick(_of_kind(kind))
        if choice < 0.8:
            return self.draw.pick(_of_kind(""))
        if choice < 0.9:
            return self.new_id()
        if choice < 0.97:
            return self.draw.pick(_IDS)
        return any_text(self.draw)[:60]

    def made(self, kind: str, task: str) -> Step:
        draw = self.draw
        versions = tasks.TASKS[task].versions if task in tasks.TASKS else ()
        version = draw.pick((*versions, tasks.default_version(task), "0.1", "1.0", "v1"))
        if draw.chance(0.03):
            version = any_text(draw)[:20]
        return Step(kind, task, version, self.fields(task), self.name(task))

    def fields(self, task: str) -> tuple[tuple[str, Value], ...]:
        """Some of the task's fields, and now and then one that nobody knows; in catalogue order."""
        draw = self.draw
        known = [field for field in tasks.field_order(task) if draw.chance(0.85)]
        unknown = set()
        while draw.chance(0.15):
            unknown.add(draw.pick(_FIELDS) if draw.chance(0.8) else any_text(draw)[:40])
        unknown -= set(tasks.field_order(task))
        return tuple(
            (field, any_value(draw, tasks.value_type(task, field))) for field in [*known, *sorted(unknown)]
        )

    def name(self, task: str) -> str | None:
        """A name of the step's own; None stands for the default, which counts the uses of a label."""
        label = tasks.default_step_name(task)
        default = None
        if label is not None:
            uses = self.labels[label]
            self.labels[label] += 1
            default = f"{label} ({uses})" if uses else label
        if self.draw.chance(0.85):
            return None
        name = self.draw.pick(("Run code", "Run code (1)", "Count", "Own name", any_text(self.draw)))
        return None if name == default else name

    def patched(self) -> tuple[PatchedField, ...]:
        """Patched fields, with arguments by name."""
        return tuple(self.patched_field() for _ in range(self.draw.weighted((0, 1, 3), (0.7, 0.9, 1.0))))

    def patched_field(self) -> PatchedField:
        draw = self.draw
        handle = draw.pick(KEYWORDS) if draw.chance(0.5) else any_text(draw)[:40]
        field = draw.pick(("metafield", "inCollection", "translations", "class", "odd name", "", "raw"))
        arguments = _sorted(any_object(draw, 2))
        return PatchedField(draw.pick(_OWNERS), handle, field, compact(arguments), draw.chance(0.8))


def _sorted(value: object) -> object:
    """Arguments are named, so the tree keeps them sorted at every level."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value


@functools.cache
def _of_kind(kind: str) -> tuple[str, ...]:
    """Ids of the catalogue's tasks of a kind; of every kind that other steps may carry for the empty text."""
    found = {task.id: task.kind for task in tasks.TASKS.values() if task.kind not in (CONDITION, FOREACH)}
    return tuple(task for task, of in found.items() if not kind or of == kind)
