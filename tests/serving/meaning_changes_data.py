"""Changes of data, code and triggers that change what a workflow does; see `meaning_changes`."""

from __future__ import annotations

import re
from dataclasses import replace

from schemas.catalog.catalogue import FETCH_PREFIX
from schemas.catalog.environment import fields_of
from schemas.workflow.environment import environment_of, loop_source
from schemas.workflow.model import FOREACH, ApiCall, Bare, Json, Path, PathValue, Text, Workflow
from schemas.workflow.scope import output_names
from serving.simulator.fetch import ignored
from serving.simulator.fetch_filters import FILTERS
from tests.serving.changes import Site
from tests.serving.meaning_changes import change


def _other_list(site: Site, number: int, place: Path) -> Path | None:
    """Another list of objects that the step can see."""
    environment = environment_of(site.workflow)
    found = [
        Path((root, field))
        for root, kind in environment.roots(number).items()
        for field, notation in fields_of(kind).items()
        if notation.startswith("[")
        and "id" in fields_of(notation.strip("[]"))
        and (root, field) != place.segments
    ]
    return site.pick(found)


@change
def other_list_looped_over(site: Site) -> Workflow | None:
    """A loop whose body does not speak of its item walks another list."""
    found = [
        number
        for number in sorted(site.live)
        if site.step(number).kind == FOREACH and site.behind(number, "loop_body") & site.leaving
    ]
    number = site.pick(found)
    source = loop_source(site.step(number)) if number is not None else None
    other = _other_list(site, number, source) if number is not None and source is not None else None
    if number is None or other is None:
        return None
    return site.with_value(number, "listpath", PathValue(other))


def _shown_fetches(site: Site) -> list[int]:
    """Live Get data steps whose records a loop that leaves something walks."""
    outputs = output_names(site.workflow.steps)
    walked = {
        source.root
        for number in sorted(site.live)
        if (source := loop_source(site.step(number))) and site.behind(number, "loop_body") & site.leaving
    }
    return [
        number
        for number in sorted(site.live)
        if site.step(number).task_id.startswith(FETCH_PREFIX) and outputs[number] in walked
    ]


@change
def query_narrowed(site: Site) -> Workflow | None:
    number = site.pick(_shown_fetches(site))
    if number is None:
        return None
    query = dict(site.step(number).fields).get("query")
    if not isinstance(query, Text):
        return None
    text = f"({query.text}) AND id:>5000000" if query.text else "id:>5000000"
    return site.with_value(number, "query", Text(text))


@change
def query_turned(site: Site) -> Workflow | None:
    number = site.pick(_shown_fetches(site))
    query = dict(site.step(number).fields).get("query") if number is not None else None
    if number is None or not isinstance(query, Text) or not query.text:
        return None
    kind = site.step(number).task_id.removeprefix(FETCH_PREFIX)
    if kind not in FILTERS or ignored(kind, query.text):
        return None  # what Shopify leaves out of a query means nothing, negated or not
    return site.with_value(number, "query", Text(f"NOT ({query.text})"))


@change
def fewer_records_fetched(site: Site) -> Workflow | None:
    number = site.pick(_shown_fetches(site))
    first = dict(site.step(number).fields).get("max_root_records") if number is not None else None
    if number is None or not isinstance(first, Bare) or first.text in ("0", "1"):
        return None
    return site.with_value(number, "max_root_records", Bare(str(int(first.text) - 1)))


@change
def records_in_the_other_order(site: Site) -> Workflow | None:
    number = site.pick(_shown_fetches(site))
    sort_by = dict(site.step(number).fields).get("sort_by") if number is not None else None
    if number is None or not isinstance(sort_by, Json):
        return None
    turned = {"ASCENDING": "DESCENDING", "DESCENDING": "ASCENDING"}
    text = re.sub(r"ASCENDING|DESCENDING", lambda found: turned[found[0]], sort_by.text)
    return None if text == sort_by.text else site.with_value(number, "sort_by", Json(text))


@change
def other_list_counted_or_summed(site: Site) -> Workflow | None:
    """A count or sum that a condition or a text speaks of takes another list."""
    outputs = output_names(site.workflow.steps)
    spoken = _spoken(site) + " ".join(str(condition) for _, condition in site.conditions())
    for number in sorted(site.live):
        step = site.step(number)
        if step.task_id not in ("shopify::flow::count", "shopify::flow::sum"):
            continue
        for field, value in step.fields:
            if not isinstance(value, PathValue) or not re.search(rf"\b{outputs[number]}\b", spoken):
                continue
            other = _other_list(site, number, value.path)
            if other is not None and step.task_id == "shopify::flow::count":
                return site.with_value(number, field, PathValue(other))
            sibling = site.sibling_in_list(number, value.path)
            if sibling is not None:
                return site.with_value(number, field, PathValue(sibling))
    return None


def trigger_changed_to(workflow: Workflow, task_id: str) -> Workflow:
    return replace(workflow, steps=(replace(workflow.trigger, task_id=task_id), *workflow.steps[1:]))


@change
def trigger_changed(site: Site) -> Workflow | None:
    other = "shopify::admin::order_created"
    if site.workflow.trigger.task_id == other:
        other = "shopify::admin::order_paid"
    return trigger_changed_to(site.workflow, other)


@change
def timetable_changed(site: Site) -> Workflow | None:
    step = site.workflow.trigger
    for field, value in step.fields:
        if isinstance(value, Json) and "INTERVAL=" in value.text:
            text = re.sub(
                r"INTERVAL=(\d+)", lambda found: f"INTERVAL={int(found[1]) + 1}", value.text, count=1
            )
            return site.with_value(0, field, Json(text))
    return None


@change
def metafield_definition_changed(site: Site) -> Workflow | None:
    fields = site.workflow.patched_fields
    if not fields:
        return None
    other = replace(fields[0], arguments='{"key":"planted","namespace":"elsewhere"}')
    return replace(site.workflow, patched_fields=(other, *fields[1:]))


@change
def code_changed(site: Site) -> Workflow | None:
    """A number that the code gives back is another one, where a condition or a text speaks of it."""
    for number in sorted(site.live):
        step = site.step(number)
        script = dict(step.fields).get("script")
        output = output_names(site.workflow.steps)[number]
        if not isinstance(script, Text) or not script.text or not output:
            continue
        # A line with `if` may answer for what a condition has kept out already.
        lines = "\n".join(line for line in script.text.splitlines() if "if (" not in line)
        for field, literal in re.findall(r"(\w+): (\d+(?:\.\d+)?|\"\w+\")", lines):
            if f"{output}.{field}" in _spoken(site):
                other = '"other"' if literal.startswith('"') else "987"
                changed = script.text.replace(f"{field}: {literal}", f"{field}: {other}")
                return site.with_value(number, "script", Text(changed))
        factor = re.search(r"const \w+ = (\d+);", script.text)
        if factor is not None and f"{output}." in _spoken(site):
            changed = f"{script.text[: factor.start(1)]}{int(factor[1]) + 1}{script.text[factor.end(1) :]}"
            return site.with_value(number, "script", Text(changed))
    return None


def _spoken(site: Site) -> str:
    """All that leaving steps print."""
    return " ".join(str(value) for _, _, value in site.values(Text, Json, ApiCall))
