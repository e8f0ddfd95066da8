"""A wish and what the tools told of its tasks to Python. Nothing here is executed; texts become literals."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.catalog.environment import resolve
from schemas.workflow import names
from serving.scripted_model.comparisons import Test
from serving.scripted_model.reading import Act, Schedule

__all__ = [
    "FIRST_DAY",
    "PLACEHOLDER",
    "Unfillable",
    "UsedTask",
    "arguments_of",
    "condition",
    "reference",
    "whole",
]

PLACEHOLDER: Final = "you@example.com"
"""The address of a mail where the request names none; the answer says that it is to be filled in."""
FIRST_DAY: Final = "2030-01-07"
"""Rules have no clock: a timetable begins on a Monday far ahead, and the answer says so."""
_NAMES: Final = (
    *(("order", "order.name"), ("draftOrder", "draftOrder.name"), ("product", "product.title")),
    *(("customer", "customer.displayName"), ("collection", "collection.title")),
)
_OPTIONAL_IDS: Final = ("fulfillment_id",)
_ITEM: Final[Mapping[str, str]] = {"lineItems": "line_item", "tags": "tag", "discountCodes": "code"}


def snake(segment: str) -> str:
    """`lineItems` to `line_items`; what Python cannot say otherwise stays as it is."""
    return names.snake(segment) or segment


class Unfillable(Exception):
    """A required field that the request says nothing about; its text is a sentence."""


@dataclass(frozen=True, slots=True)
class UsedTask:
    """One task as `task_configuration` told of it."""

    head: str
    """How its Python begins: `@order_created` or `add_order_tags` or `task("id", "1"`."""
    label: str
    fields: Mapping[str, bool]
    """Field -> whether it is required."""
    roots: Mapping[str, str] = field(default_factory=dict)
    """What a trigger brings: name -> type."""


def arguments_of(act: Act, task: UsedTask, roots: Mapping[str, str], about: str) -> dict[str, str]:
    """Field -> Python text; `about` says what a mail is about, such as the trigger's label.

    Raises:
        Unfillable: where a required field has nothing.
    """
    given: dict[str, str] = {}
    for name, required in task.fields.items():
        text = _argument(name, act, roots, about)
        if text is not None:
            given[name] = text
        elif required or (name.endswith("_id") and name not in _OPTIONAL_IDS):
            raise Unfillable(f"{task.label} needs {name}, and what starts this workflow has none")
    return given


def _argument(name: str, act: Act, roots: Mapping[str, str], about: str) -> str | None:
    if name.endswith("_id") and name not in _OPTIONAL_IDS:
        return reference(name.removesuffix("_id"), roots)
    mail = act.kind == "mail"
    texts = {
        "tags": [act.value] if act.kind in ("tag", "untag") else None,
        "note": act.value if act.kind == "note" else None,
        "duration": act.value if act.kind == "wait" else None,
        "url": act.value if act.kind == "http" else None,
        "method": "POST" if act.kind == "http" else None,
        "address": act.value or PLACEHOLDER if mail else None,
        "subject": act.subject or f"{about}{_named(roots)}" if mail else None,
        "message": act.message or _message(about, roots) if mail else None,
    }
    value = texts.get(name)
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _named(roots: Mapping[str, str]) -> str:
    """Liquid for the name of what a workflow is about."""
    for root, path in _NAMES:
        if root in roots:
            return f": {{{{ {path} }}}}"
    return ""


def _message(about: str, roots: Mapping[str, str]) -> str:
    if "getOrderData" in roots:
        return f"{about}:\n{{% for order in getOrderData %}}{{{{ order.name }}}}\n{{% endfor %}}"
    return f"{about}{_named(roots)}"


def reference(noun: str, roots: Mapping[str, str]) -> str | None:
    """The path to the id of an order, customer or product among what the trigger brings; None without one."""
    by_name = {snake(root): root for root in roots}
    if noun in by_name:
        return f"{noun}.id"
    if noun == "customer" and "order" in roots:
        return "order.customer.id"
    if noun == "variant" and "productVariant" in roots:
        return "product_variant.id"
    return None


def condition(test: Test, path: str) -> str:
    """One comparison as Python, with an `any` for each list on the way."""
    lists = resolve(path).list_prefixes
    whole_list = resolve(path).kind == "list"
    told, start = "", ""
    for prefix in [*lists, *([path] if whole_list else [])]:
        last = prefix.rpartition(".")[2]
        item = _ITEM.get(last, f"{snake(last)}_item")
        told += f"any(%s for {item} in {start or ''}{_dotted(prefix, start, lists)})|"
        start = f"{item}."
    rest = path
    for prefix in lists:
        rest = path.removeprefix(f"{prefix}.")
    leaf = start.rstrip(".") if whole_list else f"{start}{_snaked(rest)}" if lists else _snaked(path)
    text = _compared(leaf, test)
    for layer in reversed(told.split("|")[:-1]):
        text = layer % text
    return text


def _dotted(prefix: str, start: str, lists: Sequence[str]) -> str:
    """The path of a list below the item of the list before it."""
    outer = [other for other in lists if start and prefix.startswith(f"{other}.")]
    return _snaked(prefix.removeprefix(f"{outer[-1]}.") if outer else prefix)


def _snaked(path: str) -> str:
    return ".".join(snake(part) for part in path.split("."))


def _compared(leaf: str, test: Test) -> str:
    if test.operator == "is":
        return leaf
    if test.operator == "is not":
        return f"not {leaf}"
    operator = "==" if test.operator == "any" else test.operator
    value = list(test.value) if isinstance(test.value, tuple) else test.value
    return f"{leaf} {operator} {value if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)}"


def whole(
    title: str,
    trigger: UsedTask,
    schedule: Schedule | None,
    fetch: tuple[str, str] | None,
    conditions: Sequence[str],
    steps: Sequence[tuple[UsedTask, Mapping[str, str]]],
) -> str:
    """The Python of the whole workflow; `fetch` is the head of a Get data task and its query."""
    lines = [_decorator(trigger, schedule)]
    arguments = ", ".join(snake(root) for root in trigger.roots if root.isidentifier() and root != "return")
    lines.append(f"def {_function(title)}({arguments}):")
    lines.append(f"    {json.dumps(title, ensure_ascii=False)}")
    if fetch is not None:
        lines.append(
            f"    orders = {_call(fetch[0], {'max_root_records': '100', 'query': json.dumps(fetch[1])})}"
        )
    indent = "    "
    if conditions:
        lines.append(f"{indent}if {' and '.join(conditions)}:")
        indent += "    "
    lines += [f"{indent}{_call(task.head, arguments)}" for task, arguments in steps]
    return "\n".join(lines) + "\n"


def _decorator(trigger: UsedTask, schedule: Schedule | None) -> str:
    if schedule is None:
        return trigger.head
    words: dict[str, object] = {"every": schedule.every}
    if schedule.on:
        words["on"] = list(schedule.on)
    if schedule.at:
        words["at"] = schedule.at
    words |= {"timezone": "Etc/UTC", "starting": FIRST_DAY}
    return f"{trigger.head}({', '.join(f'{key}={json.dumps(value)}' for key, value in words.items())})"


def _call(head: str, arguments: Mapping[str, str]) -> str:
    told = [f"{key}={value}" for key, value in arguments.items()]
    if "(" in head:  # task("id", "version"
        return f"{', '.join([head, *told])})"
    return f"{head}({', '.join(told)})"


def _function(title: str) -> str:
    name = re.sub(r"\W+", "_", title.lower(), flags=re.ASCII).strip("_")[:60].rstrip("_")
    return name if name.isidentifier() and not name[0].isdigit() else "workflow"
