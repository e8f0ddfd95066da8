"""Names of a workflow in Python: arguments, step outputs, loop items, and what each means in the environment.

Flow names things by itself (`getOrderData`, `lineItemsForeachitem`, `tags_item`); Python text has names that
a person would choose (`orders`, `line_item`, `tag`). Variables are free: renaming one changes nothing.
Arguments are not: `line_items` is the environment's `lineItems`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from schemas.catalog import tasks
from schemas.catalog.catalogue import FETCH_PREFIX
from schemas.workflow.condition_tree import free_roots
from schemas.workflow.model import (
    ACTION,
    FOREACH,
    WAIT,
    ApiCall,
    ConditionValue,
    Json,
    Path,
    PathValue,
    Reference,
    Step,
    Text,
    Workflow,
)
from schemas.workflow.names import CONSTRUCTS, free, function_of, is_name, snake

ITEM: Final = "Foreachitem"
_VARIABLES: Final = {
    "shopify::flow::sum": "total",
    "shopify::flow::run_code": "result",
    "shopify::flow::send_http": "response",
    "shopify::admin::admin_api_operation": "response",
    "shopify::flow::execute_shopifyql": "rows",
}
_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NOT_WORD = re.compile(r"[^A-Za-z0-9]+")


def output_names(steps: Sequence[Step]) -> list[str | None]:
    """The environment name of each step's output: camelCase of its name, numbered from the second use on."""
    uses: Counter[str] = Counter()
    names: list[str | None] = []
    for step in steps:
        base = tasks.output_name(step.task_id)
        number = 0
        if base is not None:
            number, uses[base] = uses[base], uses[base] + 1
        if step.kind not in (ACTION, WAIT):
            names.append(None)
        elif step.name is not None:
            names.append(_camel_words(step.name))
        else:
            names.append(base if base is None or not number else f"{base}{number}")
    return names


def _camel_words(name: str) -> str | None:
    words = [word for word in _NOT_WORD.split(name) if word]
    if not words:
        return None
    first, *rest = words
    return first[0].lower() + first[1:] + "".join(word[0].upper() + word[1:] for word in rest)


def item_of(source: Path) -> str:
    """The environment name of a loop's item: `order.lineItems` gives `lineItemsForeachitem`."""
    return source.segments[-1] + ITEM


class Scope:
    """Python names of one workflow, chosen in canonical order so that the text is canonical."""

    def __init__(self, workflow: Workflow) -> None:
        self.steps = workflow.steps
        self.outputs = output_names(workflow.steps)
        known = {name for name in self.outputs if name}
        items = {
            item_of(value.path)
            for step in workflow.steps
            if step.kind == FOREACH
            for _, value in step.fields
            if isinstance(value, PathValue)
        }
        roots = list(dict.fromkeys(_path_roots(workflow.steps)))
        self.arguments: dict[str, str] = {}
        trigger = tasks.TASKS.get(workflow.trigger.task_id)
        for root in [*(trigger.roots if trigger else ()), *roots]:
            if root not in known and root not in items:
                self.add_argument(root)
        self.taken = set(self.arguments.values()) | set(CONSTRUCTS)
        self.taken |= {name for step in workflow.steps if (name := function_of(step.task_id))}
        self.variables: dict[int, str] = {}
        self.by_output: dict[str, str] = {}
        self.name_outputs(set(roots) | _mentioned(workflow.steps, known))

    def add_argument(self, root: str) -> None:
        """Make a root an argument, unless no argument name would mean it."""
        name = snake(root)
        if name is not None and name not in CONSTRUCTS:
            self.arguments.setdefault(root, name)

    def name_outputs(self, used: set[str]) -> None:
        for number, output in enumerate(self.outputs):
            if output is None or output not in used or output in self.by_output:
                continue
            name = free(self.variable(self.steps[number]), self.taken)
            self.taken.add(name)
            self.variables[number] = name
            self.by_output[output] = name

    def variable(self, step: Step) -> str:
        """What a person would call the output of a step."""
        if step.task_id.startswith(FETCH_PREFIX):
            name = step.task_id[len(FETCH_PREFIX) :]
            return name if is_name(name) else "results"
        if step.task_id == "shopify::flow::count":
            listed = next((value.path for _, value in step.fields if isinstance(value, PathValue)), None)
            if listed is None:
                return "num_items"
            single = self.by_output.get(listed.root) if len(listed.segments) == 1 else None
            return f"num_{single or snake(listed.segments[-1]) or 'items'}"
        return _VARIABLES.get(step.task_id, "result")


def _path_roots(steps: Sequence[Step]) -> Iterator[str]:
    """Roots of every path that Python text shows, in canonical order."""
    for step in steps:
        for _, value in step.fields:
            match value:
                case Reference(target=Path() as place) | PathValue(path=place):
                    yield place.root
                case ConditionValue(condition=condition) if condition is not None:
                    yield from free_roots(condition)
                case _:
                    pass


def _mentioned(steps: Sequence[Step], candidates: set[str]) -> set[str]:
    """Outputs that Liquid or a code step's query speaks of."""
    if not candidates:
        return set()
    words: set[str] = set()
    for step in steps:
        for field, value in step.fields:
            text = _text_of(value)
            if not text:
                continue
            spoken = [text] if field == "input" else _LIQUID.findall(text) if "{" in text else []
            for part in spoken:
                words.update(_WORD.findall(part))
    return words & candidates


def _text_of(value: object) -> str:
    match value:
        case Text(text=text):
            return text or ""
        case Json(text=text):
            return text
        case Reference(target=str() as text):
            return text
        case ApiCall(arguments=arguments, blob=blob):
            return arguments if arguments is not None else blob
        case _:
            return ""
