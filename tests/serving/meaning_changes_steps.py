"""Changes of steps and of the graph that change what a workflow does; see `meaning_changes`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from schemas.workflow.jsontext import compact
from schemas.workflow.model import (
    ACTION,
    FOREACH,
    WAIT,
    ApiCall,
    Bare,
    Json,
    Link,
    Path,
    Reference,
    Step,
    Text,
    Value,
    Workflow,
)
from schemas.workflow.scope import output_names
from tests.serving.changes import Site
from tests.serving.meaning_changes import change

_LOG = Step(ACTION, "shopify::flow::log_output", "0.1", (("output", Text("one line more")),))
_OUTPUT = re.compile(r"\{\{\s*([A-Za-z_][\w.]*\.[\w.]+)")


def _gives_nothing(site: Site) -> list[int]:
    """Leaving steps whose absence renumbers no output."""
    outputs = output_names(site.workflow.steps)
    return [number for number in sorted(site.leaving) if outputs[number] is None]


# -- the graph ------------------------------------------------------------------------------------------


@change
def branches_swapped(site: Site) -> Workflow | None:
    number = site.pick([number for number, _ in site.conditions()])
    if number is None:
        return None
    turned = {"true": "false", "false": "true"}
    return site.with_links(
        [
            replace(link, port=turned[link.port]) if link.source == number else link
            for link in site.workflow.links
        ]
    )


@change
def condition_dropped(site: Site) -> Workflow | None:
    number = site.pick(
        [number for number, _ in site.conditions() if site.behind(number, "true") & site.leaving]
    )
    return None if number is None else site.without(number, "true")


@change
def else_branch_added(site: Site) -> Workflow | None:
    number = site.pick([number for number, _ in site.conditions() if not site.links(number, "false")])
    if number is None:
        return None
    place, steps = site.added(_LOG)
    links = (*site.workflow.links, Link(number, "false", place))
    return replace(site.workflow, steps=steps, links=links)


@change
def action_dropped(site: Site) -> Workflow | None:
    number = site.pick(_gives_nothing(site))
    return None if number is None else site.without(number, "output")


@change
def action_added(site: Site) -> Workflow | None:
    number = site.pick(_gives_nothing(site))
    if number is None:
        return None
    place, steps = site.added(_LOG)
    moved = [
        Link(place, "output", link.target) if link.source == number else link for link in site.workflow.links
    ]
    return replace(site.workflow, steps=steps, links=(*moved, Link(number, "output", place)))


@change
def action_done_twice(site: Site) -> Workflow | None:
    number = site.pick(_gives_nothing(site))
    if number is None:
        return None
    place, steps = site.added(site.step(number))
    links = [
        Link(place, "output", link.target) if link.source == number else link for link in site.workflow.links
    ]
    return replace(site.workflow, steps=steps, links=(*links, Link(number, "output", place)))


@change
def action_moved_to_the_other_branch(site: Site) -> Workflow | None:
    found = [
        link
        for number, _ in site.conditions()
        for link in site.links(number)
        if link.target in site.leaving and len(site.ways_in(link.target)) == 1
    ]
    link = site.pick(found)
    if link is None:
        return None
    other = "false" if link.port == "true" else "true"
    return site.with_links(
        [replace(each, port=other) if each == link else each for each in site.workflow.links]
    )


@change
def actions_in_the_other_order(site: Site) -> Workflow | None:
    outputs = output_names(site.workflow.steps)
    pairs = [
        (link.source, link.target)
        for link in site.workflow.links
        if {link.source, link.target} <= site.leaving
        and link.port == "output"
        and len(site.links(link.source)) == 1
        and len(site.ways_in(link.target)) == 1
        and outputs[link.source] is None
        and outputs[link.target] is None
        and _said(site.step(link.source)) != _said(site.step(link.target))
    ]
    pair = site.pick(pairs)
    if pair is None:
        return None
    steps = list(site.workflow.steps)
    steps[pair[0]], steps[pair[1]] = steps[pair[1]], steps[pair[0]]
    return replace(site.workflow, steps=tuple(steps))


def _said(step: Step) -> Any:
    return step.task_id, step.fields


@change
def action_leaves_its_condition(site: Site) -> Workflow | None:
    """A step behind a condition runs beside it."""
    found = [
        (link, way)
        for number, _ in site.conditions()
        for link in site.links(number)
        if link.target in site.leaving and len(site.ways_in(link.target)) == 1
        for way in site.ways_in(number)
    ]
    picked = site.pick(found)
    if picked is None:
        return None
    link, way = picked
    rest = [each for each in site.workflow.links if each != link]
    return site.with_links([*rest, Link(way.source, way.port, link.target)])


@change
def loop_body_moved_behind(site: Site) -> Workflow | None:
    found = [
        link
        for number in sorted(site.live)
        if site.step(number).kind == FOREACH
        for link in site.links(number, "loop_body")
        if link.target in site.leaving
    ]
    link = site.pick(found)
    if link is None:
        return None
    return site.with_links(
        [replace(each, port="after") if each == link else each for each in site.workflow.links]
    )


@change
def step_behind_a_loop_moved_in(site: Site) -> Workflow | None:
    found = [
        link
        for number in sorted(site.live)
        if site.step(number).kind == FOREACH
        for link in site.links(number, "after")
        if link.target in site.leaving and len(site.ways_in(link.target)) == 1
    ]
    link = site.pick(found)
    if link is None:
        return None
    return site.with_links(
        [replace(each, port="loop_body") if each == link else each for each in site.workflow.links]
    )


@change
def wait_dropped(site: Site) -> Workflow | None:
    number = site.pick([number for number in sorted(site.leaving) if site.step(number).kind == WAIT])
    return None if number is None else site.without(number, "output")


# -- values ---------------------------------------------------------------------------------------------


def _texts(site: Site, *fields: str) -> list[tuple[int, str, str]]:
    return [
        (number, field, value.text)
        for number, field, value in site.values(Text)
        if field in fields and isinstance(value, Text) and value.text
    ]


def _reworded(site: Site, *fields: str) -> Workflow | None:
    picked = site.pick(_texts(site, *fields))
    if picked is None:
        return None
    number, field, text = picked
    return site.with_value(number, field, Text(f"{text} and more"))


@change
def mail_body_changed(site: Site) -> Workflow | None:
    return _reworded(site, "message")


@change
def mail_subject_changed(site: Site) -> Workflow | None:
    return _reworded(site, "subject")


@change
def address_changed(site: Site) -> Workflow | None:
    picked = site.pick(_texts(site, "address"))
    return None if picked is None else site.with_value(picked[0], picked[1], Text(f"not.{picked[2]}"))


@change
def log_line_changed(site: Site) -> Workflow | None:
    return _reworded(site, "output", "note")


@change
def url_changed(site: Site) -> Workflow | None:
    picked = site.pick(_texts(site, "url"))
    return None if picked is None else site.with_value(picked[0], picked[1], Text(f"{picked[2]}/other"))


@change
def method_changed(site: Site) -> Workflow | None:
    picked = site.pick(_texts(site, "method"))
    if picked is None:
        return None
    return site.with_value(picked[0], picked[1], Text("PUT" if picked[2].upper() != "PUT" else "POST"))


@change
def duration_changed(site: Site) -> Workflow | None:
    picked = site.pick(_texts(site, "duration"))
    if picked is None:
        return None
    other = "P8D" if picked[2] != "P8D" else "P9D"
    return site.with_value(picked[0], picked[1], Text(other))


@change
def number_of_a_field_changed(site: Site) -> Workflow | None:
    picked = site.pick([each for each in site.values(Bare) if _is_whole(each[2])])
    if picked is None or not isinstance(picked[2], Bare):
        return None
    return site.with_value(picked[0], picked[1], Bare(str(int(picked[2].text) + 1)))


def _is_whole(value: Value) -> bool:
    return isinstance(value, Bare) and value.text.isdecimal()


@change
def switch_of_a_field_turned(site: Site) -> Workflow | None:
    found = [
        each for each in site.values(Bare) if isinstance(each[2], Bare) and each[2].text in ("true", "false")
    ]
    picked = site.pick(found)
    if picked is None or not isinstance(picked[2], Bare):
        return None
    return site.with_value(picked[0], picked[1], Bare("false" if picked[2].text == "true" else "true"))


def _in_json(site: Site, is_one: Any, edit: Any) -> Workflow | None:
    found = [
        (number, field, other)
        for number, field, value in site.values(Json)
        if isinstance(value, Json) and is_one(field, read := json.loads(value.text))
        for other in [edit(read)]
        if other is not None
    ]
    picked = site.pick(found)
    return None if picked is None else site.with_value(picked[0], picked[1], Json(compact(picked[2])))


def _is_tags(field: str, value: Any) -> bool:
    return field == "tags" and isinstance(value, list) and bool(value)


@change
def tag_changed(site: Site) -> Workflow | None:
    return _in_json(site, _is_tags, lambda tags: [f"{tags[0]}-changed", *tags[1:]])


@change
def tag_added(site: Site) -> Workflow | None:
    return _in_json(site, _is_tags, lambda tags: [*tags, "one-tag-more"])


@change
def tag_dropped(site: Site) -> Workflow | None:
    def dropped(tags: list[str]) -> list[str] | None:
        return tags[1:] if len({tag.casefold() for tag in tags}) == len(tags) > 1 else None

    return _in_json(site, _is_tags, dropped)


@change
def header_changed(site: Site) -> Workflow | None:
    return _in_json(
        site, lambda field, value: field == "headers", lambda pairs: [*pairs, ["x-planted", "yes"]]
    )


@change
def metafield_changed(site: Site) -> Workflow | None:
    return _in_json(
        site,
        lambda field, value: field == "metafield" and isinstance(value, dict) and "key" in value,
        lambda value: {**value, "key": f"{value['key']}_other"},
    )


@change
def mutation_changed(site: Site) -> Workflow | None:
    picked = site.pick(site.values(ApiCall))
    if picked is None or not isinstance(picked[2], ApiCall):
        return None
    other = "orderUpdate" if picked[2].name != "orderUpdate" else "productUpdate"
    return site.with_value(picked[0], picked[1], replace(picked[2], name=other))


@change
def argument_changed(site: Site) -> Workflow | None:
    picked = site.pick(
        [each for each in site.values(ApiCall) if isinstance(each[2], ApiCall) and each[2].arguments]
    )
    if picked is None or not isinstance(picked[2], ApiCall):
        return None
    arguments = json.loads(picked[2].arguments or "{}")
    field = next(iter(arguments), "planted")
    arguments = {**arguments, field: {"planted": True}}
    return site.with_value(picked[0], picked[1], replace(picked[2], arguments=compact(arguments)))


@change
def reference_changed(site: Site) -> Workflow | None:
    picked = site.pick([each for each in site.values(Reference) if isinstance(each[2], Reference)])
    if picked is None:
        return None
    return site.with_value(picked[0], picked[1], Reference("gid://shopify/Order/424242"))


@change
def printed_field_changed(site: Site) -> Workflow | None:
    """A path that Liquid prints becomes that of a sibling field."""
    found = []
    for number, field, value in site.values(Text):
        if not isinstance(value, Text) or not value.text or field in ("script", "input", "output_schema"):
            continue
        for printed in _OUTPUT.finditer(value.text):
            other = site.sibling(number, Path(tuple(printed[1].split("."))))
            if other is not None:
                text = value.text[: printed.start(1)] + other.text + value.text[printed.end(1) :]
                found.append((number, field, text))
    picked = site.pick(found)
    return None if picked is None else site.with_value(picked[0], picked[1], Text(picked[2]))
