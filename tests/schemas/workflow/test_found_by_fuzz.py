"""Cases that the generator of the whole language found; each was refused, changed or lost before."""

from __future__ import annotations

import pytest

from schemas.workflow import SPELLINGS, Layout, WorkflowRefused, from_python, read, to_python, write
from schemas.workflow.condition_text import read_text, write_text
from schemas.workflow.model import ApiCall, Link, Path, PathValue, Reference, Step, Text, Workflow
from schemas.workflow.values import decode
from tests.schemas.workflow.small import (
    CONDITION,
    CREATED,
    FOREACH,
    compact,
    export,
    in_function,
    link,
    python_of,
    step,
)


def workflow(*steps: Step, links: tuple[Link, ...] = ()) -> Workflow:
    return Workflow("Tag orders", (Step("TRIGGER", CREATED, "0.1"), *steps), links)


def comes_back(found: Workflow) -> str:
    python = to_python(found)
    assert from_python(python) == found
    return python


@pytest.mark.parametrize("name", ["class", "None", "raw", "compare"])
def test_a_mutation_named_by_a_word_of_python_or_the_language_is_carried_as_text(name: str) -> None:
    call = compact({"name": name, "blob": "{}"})
    assert decode(call, "api_call", "flow") == (Text(call), None)
    task = "shopify::admin::admin_api_operation"
    assert name in python_of(export([step("t", CREATED), step("a", task, api_call=call)], [link("t", "a")]))
    assert decode('{"name":"tagsAdd","blob":"{}"}', "api_call", "flow")[0] == ApiCall("tagsAdd", "{}")


def test_a_loop_over_no_path_leaves_the_name_item_to_the_environment() -> None:
    loop = step("l", FOREACH, listpath="{{ not a path }}")
    tag = step("a", order_id="item.id", tags='["x"]')
    python = python_of(export([step("t", CREATED), loop, tag], [link("t", "l"), link("l", "a", "loop_body")]))
    assert "for item_2 in" in python
    assert "order_id=item.id" in python


def test_a_task_called_like_a_shared_block_is_not_taken_for_it() -> None:
    steps = (
        Step("ACTION", "shopify::admin::join_1", "0.1"),
        Step("ACTION", "shopify::flow::log_output", "0.1"),
    )
    links = (Link(0, "output", 1), Link(1, "output", 2), Link(0, "output", 2))
    python = comes_back(workflow(*steps, links=links))
    assert "def join_1_2():" in python
    assert "join_1()" in python


def test_an_unknown_field_of_a_timetable_that_is_called_like_a_word_of_it_stays_a_field() -> None:
    trigger = Step("TRIGGER", "shopify::flow::scheduled_time", "0.1", (("every", Text("day")),))
    python = comes_back(Workflow("Tag orders", (trigger,), ()))
    assert '**{"every": "day"}' in python


def test_a_sum_that_waits_keeps_its_type() -> None:
    path = PathValue(Path(("order", "lineItems")))
    summed = Step("WAIT", "shopify::flow::sum", "0.1", (("numberpath", path),))
    assert 'task_type="WAIT"' in comes_back(workflow(summed, links=(Link(0, "output", 1),)))


def test_an_empty_version_is_not_the_default_one() -> None:
    assert 'task("b99ddae5-9dbe-4829-bbce-5d6200aa1216", "")' in comes_back(
        workflow(Step("ACTION", "b99ddae5-9dbe-4829-bbce-5d6200aa1216", ""), links=(Link(0, "output", 1),))
    )


def test_a_reference_is_read_whatever_white_space_stands_before_it() -> None:
    text = '\n { "value": "", "default_value": "order.id" }'
    plain = decode('{"value":"","default_value":"order.id"}', "reference", "flow")[0]
    assert decode(text, "reference", "flow")[0] == plain
    assert python_of(export([step("t", CREATED), step("a", order_id=text)])).count("order_id=order.id") == 1
    assert decode(" {{ order.id }}", "reference", "flow")[0] == Reference(" {{ order.id }}")


def test_the_layout_of_a_condition_with_a_hundred_terms_can_be_stored_and_read() -> None:
    def comparison(number: int) -> dict[str, object]:
        left = {
            "uuid": f"l{number}",
            "value": f"order.f{number}",
            "comparison_value_type": "EnvironmentValue",
        }
        kind = "EnvironmentScalarDefinition:ID"  # beyond the plain form, so that the layout has to say it
        return {
            "uuid": f"c{number}",
            "lhs": left | {"comparison_value_type": "EnvironmentValue"},
            "value_type": kind,
            "operator": "nil?",
            "operation_type": "Comparison",
        }

    tree = comparison(0)
    for number in range(1, 100):  # the editor nests to the left: ((a or b) or c)
        sides = {"lhs": tree, "rhs": comparison(number)}
        tree = {"uuid": f"n{number}", **sides, "operator": "OR", "operation_type": "LogicalExpression"}
    text = export([step("t", CREATED), step("c", CONDITION, condition=compact(tree))], [link("t", "c")])
    document = read(text)
    layout = Layout.from_json(document.layout.to_json())
    assert write(document.workflow, layout) == text


def test_an_empty_name_of_a_step_is_written_in_every_spelling() -> None:
    found = workflow(Step("ACTION", "shopify::flow::run_code", "0.1", (), ""), links=(Link(0, "output", 1),))
    for spelling in SPELLINGS:
        assert read(write(found, None, spelling)).workflow == found


def test_a_list_whose_item_would_be_no_word_has_another_variable_in_condition_text() -> None:
    text = "(order.3dModels any? |m| ((m.item == 'x') && (item.id nil?)))"
    written = write_text(read_text(text))
    assert written == "(order.3dModels any? |item_2| ((item_2.item == 'x') && (item.id nil?)))"
    assert read_text(written) == read_text(text)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_nests_deeper_than_files_are_read_is_not_written(spelling: str) -> None:
    def nested(levels: int) -> Workflow:
        lists = "any(" * levels + 'order.name == "x"' + " for tag in order.tags)" * levels
        return from_python(in_function(f"if {lists}:\n    pass"))

    assert read(write(nested(59), None, spelling)).workflow == nested(59)
    with pytest.raises(WorkflowRefused, match="levels"):
        write(nested(70), None, spelling)
