"""Changes of how a workflow is written that leave what it does; None where one does not apply."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from schemas.catalog import tasks
from schemas.workflow.condition_tree import join
from schemas.workflow.jsontext import compact
from schemas.workflow.model import (
    ACTION,
    CONDITION,
    Compare,
    Condition,
    ConditionValue,
    Constant,
    Json,
    Link,
    Logic,
    Path,
    PathValue,
    Quantifier,
    Step,
    Text,
    Workflow,
)
from schemas.workflow.scope import output_names
from tests.serving.changes import Site
from tests.serving.respoken import respoken

Rewrite = Callable[[Site], Workflow | None]

REWRITES: dict[str, Rewrite] = {}

OPPOSITE = {
    "==": "!=", "include?": "not_include?", "start_with?": "not_start_with?", "end_with?": "not_end_with?",
    "in?": "not_in?", "nil?": "not_nil?", "empty_or_nil?": "not_empty_and_not_nil?",
}  # fmt: skip
OPPOSITE |= {other: operator for operator, other in OPPOSITE.items()}


def rewrite(function: Rewrite) -> Rewrite:
    assert function.__name__ not in REWRITES
    REWRITES[function.__name__] = function
    return function


def everywhere(workflow: Workflow, change: Callable[[Condition], Condition]) -> Workflow | None:
    """Every condition changed from the leaves up; None where nothing changed."""
    steps = []
    for step in workflow.steps:
        fields = tuple(
            (name, ConditionValue(_changed(value.condition, change)))
            if isinstance(value, ConditionValue) and value.condition is not None
            else (name, value)
            for name, value in step.fields
        )
        steps.append(replace(step, fields=fields))
    other = replace(workflow, steps=tuple(steps))
    return None if other == workflow else other


def _changed(condition: Condition, change: Callable[[Condition], Condition]) -> Condition:
    match condition:
        case Logic(operator=operator, terms=terms):
            return change(join(operator, [_changed(term, change) for term in terms]))
        case Quantifier(body=body):
            return change(replace(condition, body=_changed(body, change)))
        case _:
            return change(condition)


def opposite(condition: Condition) -> Condition | None:
    """The condition that is true exactly where this one is false (De Morgan); None where none says it."""
    match condition:
        case Logic(operator=operator, terms=terms):
            others = [opposite(term) for term in terms]
            found = [term for term in others if term is not None]
            return join("or" if operator == "and" else "and", found) if len(found) == len(terms) else None
        case Quantifier(operator=operator):
            turned = {"any": "none", "none": "any"}.get(operator)
            if turned is not None:
                return replace(condition, operator=turned)  # type: ignore[arg-type]
            body = opposite(condition.body)
            return None if body is None else replace(condition, operator="any", body=body)
        case Compare(operator=operator):
            return replace(condition, operator=OPPOSITE[operator]) if operator in OPPOSITE else None


def _literal(part: Condition, kind: str) -> str:
    """The literal of a comparison, empty where it has none of this kind."""
    found = isinstance(part, Compare) and isinstance(part.right, Constant) and part.right.kind == kind
    return part.right.text if found else ""  # type: ignore[union-attr]


def _is_date(text: str) -> bool:
    return re.match(r"\d{4}-", text) is not None


# -- conditions -----------------------------------------------------------------------------------------


@rewrite
def terms_in_another_order(site: Site) -> Workflow | None:
    def mixed(part: Condition) -> Condition:
        if not isinstance(part, Logic):
            return part
        terms = list(part.terms)
        site.draw.shuffle(terms)
        return replace(part, terms=tuple(terms))

    return everywhere(site.workflow, mixed)


@rewrite
def a_term_said_twice(site: Site) -> Workflow | None:
    def doubled(part: Condition) -> Condition:
        return replace(part, terms=(*part.terms, part.terms[0])) if isinstance(part, Logic) else part

    return everywhere(site.workflow, doubled)


@rewrite
def variables_renamed(site: Site) -> Workflow | None:
    def renamed(part: Condition) -> Condition:
        if not isinstance(part, Quantifier):
            return part
        return replace(part, item="anything", body=_with_item(part.body, part.item, "anything"))

    return everywhere(site.workflow, renamed)


def _with_item(condition: Condition, before: str, after: str) -> Condition:
    def moved(place: Path) -> Path:
        return Path((after, *place.segments[1:])) if place.root == before else place

    match condition:
        case Compare(left=left, right=right):
            other = moved(right) if isinstance(right, Path) else right
            return replace(condition, left=moved(left), right=other)
        case Logic(terms=terms):
            return replace(condition, terms=tuple(_with_item(term, before, after) for term in terms))
        case Quantifier(source=source, item=item, body=body):
            inner = body if item == before else _with_item(body, before, after)
            return replace(condition, source=moved(source), body=inner)


@rewrite
def literals_in_another_case(site: Site) -> Workflow | None:
    def swapped(part: Condition) -> Condition:
        text = _literal(part, "string")
        if not isinstance(part, Compare) or not text or not text.isascii() or _is_date(text):
            return part
        return replace(part, right=Constant(text.swapcase()))

    return everywhere(site.workflow, swapped)


@rewrite
def numbers_with_a_fraction(site: Site) -> Workflow | None:
    def longer(part: Condition) -> Condition:
        text = _literal(part, "number")
        if not isinstance(part, Compare) or not text or "." in text or part.operator in ("in?", "not_in?"):
            return part
        return replace(part, right=Constant(f"{text}.0", "number"))

    return everywhere(site.workflow, longer)


@rewrite
def list_literals_in_another_order(site: Site) -> Workflow | None:
    def turned(part: Condition) -> Condition:
        text = _literal(part, "string")
        if not isinstance(part, Compare) or not text or part.operator not in ("in?", "not_in?"):
            return part
        return replace(part, right=Constant(" , ".join(reversed(text.split(",")))))

    return everywhere(site.workflow, turned)


@rewrite
def equal_as_one_of(site: Site) -> Workflow | None:
    table = {"==": "in?", "!=": "not_in?"}

    def listed(part: Condition) -> Condition:
        text = _literal(part, "string")
        if not isinstance(part, Compare) or part.operator not in table or not text:
            return part
        is_one = text.strip() == text and "," not in text and not _is_date(text)
        return replace(part, operator=table[part.operator]) if is_one else part

    return everywhere(site.workflow, listed)


@rewrite
def any_of_either(site: Site) -> Workflow | None:
    """any(a or b) is any(a) or any(b), all(a and b) is all(a) and all(b)."""

    def spread(part: Condition) -> Condition:
        if not isinstance(part, Quantifier) or not isinstance(part.body, Logic):
            return part
        if (part.operator, part.body.operator) not in (("any", "or"), ("all", "and")):
            return part
        return join(part.body.operator, [replace(part, body=term) for term in part.body.terms])

    return everywhere(site.workflow, spread)


@rewrite
def none_as_all_not(site: Site) -> Workflow | None:
    def turned(part: Condition) -> Condition:
        if isinstance(part, Quantifier) and part.operator in ("none", "all"):
            body = opposite(part.body)
            if body is not None:
                other = "all" if part.operator == "none" else "none"
                return replace(part, operator=other, body=body)  # type: ignore[arg-type]
        return part

    return everywhere(site.workflow, turned)


@rewrite
def negated_twice(site: Site) -> Workflow | None:
    """The opposite condition with its branches swapped, by De Morgan all the way down."""
    workflow, turned = site.workflow, {"true": "false", "false": "true"}
    changed = False
    for number, step in enumerate(workflow.steps):
        if step.kind != CONDITION:
            continue
        for field, value in step.fields:
            condition = value.condition if isinstance(value, ConditionValue) else None
            other = opposite(condition) if condition is not None else None
            if other is None:
                continue
            changed = True
            fields = tuple(
                (name, ConditionValue(other) if name == field else old) for name, old in step.fields
            )
            steps = list(workflow.steps)
            steps[number] = replace(step, fields=fields)
            links = tuple(
                replace(link, port=turned[link.port]) if link.source == number else link
                for link in workflow.links
            )
            workflow = replace(workflow, steps=tuple(steps), links=links)
    return workflow if changed else None


# -- the graph ------------------------------------------------------------------------------------------


@rewrite
def links_in_another_order(site: Site) -> Workflow | None:
    links = list(site.workflow.links)
    site.draw.shuffle(links)
    return None if tuple(links) == site.workflow.links else replace(site.workflow, links=tuple(links))


@rewrite
def and_as_a_condition_inside(site: Site) -> Workflow | None:
    """if a and b, without else: if a, and in it if b."""
    for number, step in enumerate(site.workflow.steps):
        for field, value in step.fields:
            condition = value.condition if isinstance(value, ConditionValue) else None
            if not isinstance(condition, Logic) or condition.operator != "and" or site.links(number, "false"):
                continue
            first, rest = condition.terms[0], join("and", list(condition.terms[1:]))
            outer = site.with_value(number, field, ConditionValue(first))
            inner = replace(step, fields=((field, ConditionValue(rest)),))
            place = len(outer.steps)
            links = [replace(link, source=place) if link.source == number else link for link in outer.links]
            return replace(outer, steps=(*outer.steps, inner), links=(*links, Link(number, "true", place)))
    return None


@rewrite
def or_as_else_if(site: Site) -> Workflow | None:
    """if a or b: if a, else if b, both leading to the same step."""
    for number, step in enumerate(site.workflow.steps):
        for field, value in step.fields:
            condition = value.condition if isinstance(value, ConditionValue) else None
            if not isinstance(condition, Logic) or condition.operator != "or" or not site.links(number):
                continue
            first, rest = condition.terms[0], join("or", list(condition.terms[1:]))
            outer = site.with_value(number, field, ConditionValue(first))
            place = len(outer.steps)
            inner = replace(step, fields=((field, ConditionValue(rest)),))
            moved = [
                replace(link, source=place) if link.source == number and link.port == "false" else link
                for link in outer.links
            ]
            both = [Link(place, "true", link.target) for link in site.links(number, "true")]
            links = (*moved, *both, Link(number, "false", place))
            return replace(outer, steps=(*outer.steps, inner), links=links)
    return None


@rewrite
def a_read_that_nobody_uses(site: Site) -> Workflow | None:
    """Count in front of all that happens; only where nothing else counts, because outputs have numbers."""
    if any(step.task_id == "shopify::flow::count" for step in site.workflow.steps):
        return None
    step = Step(
        ACTION, "shopify::flow::count", "0.1", (("listpath", PathValue(Path(("shop", "alerts")))),), "Count"
    )
    place = len(site.workflow.steps)
    links = tuple(replace(link, source=place) if link.source == 0 else link for link in site.workflow.links)
    return replace(
        site.workflow, steps=(*site.workflow.steps, step), links=(*links, Link(0, "output", place))
    )


@rewrite
def a_step_that_nothing_leads_to(site: Site) -> Workflow | None:
    step = Step(ACTION, "shopify::flow::log_output", "0.1", (("output", Text("never")),))
    return replace(site.workflow, steps=(*site.workflow.steps, step))


@rewrite
def a_condition_with_nothing_behind(site: Site) -> Workflow | None:
    asked = Compare("==", Path(("shop", "name")), Constant("Anything"))
    step = Step(CONDITION, "shopify::flow::condition", "0.1", (("condition", ConditionValue(asked)),))
    place = len(site.workflow.steps)
    links = (*site.workflow.links, Link(0, "output", place))
    return replace(site.workflow, steps=(*site.workflow.steps, step), links=links)


# -- values ---------------------------------------------------------------------------------------------


@rewrite
def outputs_renamed(site: Site) -> Workflow | None:
    """Steps whose output has a name get another name, and so do all that speak of it."""
    outputs = output_names(site.workflow.steps)
    names: dict[str, str] = {}
    steps = list(site.workflow.steps)
    for number, (step, output) in enumerate(zip(steps, outputs, strict=True)):
        label = tasks.default_step_name(step.task_id)
        if output is not None and label is not None and step.kind == ACTION:
            steps[number] = replace(step, name=f"{label} ({number + 40})")
            names[output] = str(output_names(steps)[number])
    if not names:
        return None
    word = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, names))})(Foreachitem)?(?!\w)")

    def moved(text: str) -> str:
        return word.sub(lambda found: names[found[1]] + (found[2] or ""), text)

    return replace(site.workflow, steps=tuple(respoken(step, moved) for step in steps))


@rewrite
def liquid_with_other_spaces(site: Site) -> Workflow | None:
    def spaced(text: str) -> str:
        return re.sub(r"\{\{\s*([\w.]+)\s*\}\}", r"{{   \1 }}", text)

    steps = tuple(
        replace(
            step,
            fields=tuple(
                (name, Text(spaced(value.text)) if isinstance(value, Text) and value.text else value)
                for name, value in step.fields
            ),
        )
        for step in site.workflow.steps
    )
    return None if steps == site.workflow.steps else replace(site.workflow, steps=steps)


@rewrite
def tags_in_another_order(site: Site) -> Workflow | None:
    for number, field, value in site.values(Json):
        if field == "tags" and isinstance(value, Json):
            tags = json.loads(value.text)
            if tags != tags[::-1]:
                return site.with_value(number, field, Json(compact(tags[::-1])))
    return None


@rewrite
def another_name(site: Site) -> Workflow | None:
    return replace(site.workflow, name=f"{site.workflow.name} (copy)")
