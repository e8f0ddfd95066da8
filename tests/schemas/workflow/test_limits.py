"""Limits: a workflow within one is carried, a workflow beyond one is refused by the limit's own name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.workflow import inspect, to_python
from schemas.workflow.document_checks import MAX_LINKS, MAX_STEPS
from schemas.workflow.graph import MAX_LEVELS
from schemas.workflow.jsontext import MAX_BYTES, MAX_DEPTH
from tests.schemas.workflow.small import (
    CONDITION,
    CREATED,
    FOREACH,
    SIGNATURE,
    compact,
    document,
    export,
    in_function,
    link,
    python_of,
    refusal,
    step,
)

ENVIRONMENT = {"uuid": "l", "value": "order.tags", "comparison_value_type": "EnvironmentValue"}
ITEM = {"uuid": "i", "value": "tags_item", "comparison_value_type": "EnvironmentValue"}
LEAF = {
    "uuid": "c",
    "lhs": ENVIRONMENT,
    "rhs": {"uuid": "r", "value": "x", "comparison_value_type": "LiteralValue"},
    "value_type": "EnvironmentScalarDefinition:String",
    "operator": "==",
    "operation_type": "Comparison",
}


def nested(kind: str, levels: int, port: str) -> str:
    """A condition in a condition in a condition, or a loop in a loop."""
    steps: list[dict[str, Any]] = [step("s0", CREATED)]
    links = []
    for number in range(1, levels + 1):
        steps.append(step(f"s{number}", kind))
        links.append(link(f"s{number - 1}", f"s{number}", "output" if number == 1 else port))
    return export(steps, links)


@pytest.mark.parametrize(
    ("kind", "port"), [(CONDITION, "true"), (CONDITION, "false"), (FOREACH, "loop_body")]
)
def test_blocks_nest_to_the_limit_and_are_refused_by_name_beyond(kind: str, port: str) -> None:
    python_of(nested(kind, MAX_LEVELS - 1, port))
    for levels in (MAX_LEVELS, 99, 100, 400, MAX_STEPS - 1):
        problem = refusal(nested(kind, levels, port))
        assert problem.code == "PYTHON_NESTING_LIMIT"
        assert (problem.path, problem.step) == (f"/root/steps/{MAX_LEVELS}", f"s{MAX_LEVELS}")


def test_a_long_chain_of_actions_is_no_nesting() -> None:
    steps = [step("s0", CREATED), *(step(f"s{number}") for number in range(1, MAX_STEPS))]
    text = export(steps, [link(f"s{number}", f"s{number + 1}") for number in range(MAX_STEPS - 1)])
    assert python_of(text).count("add_order_tags()") == MAX_STEPS - 1


def test_more_steps_than_the_limit_are_refused_by_name_in_both_forms() -> None:
    steps = [step("s0", CREATED), *(step(f"s{number}") for number in range(1, MAX_STEPS + 1))]
    problem = refusal(export(steps))
    assert (problem.code, problem.path) == ("MAX_STEPS_EXCEEDED", "/root/steps")
    problem = refusal(in_function("send_email()\n" * MAX_STEPS))
    assert (problem.code, problem.path) == ("MAX_STEPS_EXCEEDED", f"{MAX_STEPS + 2}:5")


def test_more_links_than_the_limit_are_refused_by_name_in_both_forms() -> None:
    short = {"from_step_id": 1, "from_port_id": "output", "to_step_id": 2, "to_port_id": "input"}
    text = compact(document([step(1, CREATED), step(2)], [short] * (MAX_LINKS + 1)))
    problem = refusal(text)
    assert problem.code in ("WORKFLOW_STRUCTURE_INVALID", "WORKFLOW_TOO_LARGE")
    doubled = "".join(f"def b{n}():\n    b{n + 1}()\n    b{n + 1}()\n" for n in range(40))
    problem = refusal(in_function(f"{doubled}def b40():\n    send_email()\nb0()"))
    assert (problem.code, problem.path) == ("WORKFLOW_STRUCTURE_INVALID", "2:1")


def test_a_text_beyond_the_size_is_refused_by_name() -> None:
    room = MAX_BYTES - len(export([step("a", CREATED)], note="")) + 65
    assert inspect(export([step("a", CREATED)], note="x" * room)).lossless
    for length in (room + 1, 20 << 20):
        problem = refusal(export([step("a", CREATED)], note="x" * length))
        assert problem.code == "WORKFLOW_TOO_LARGE"
        assert str(MAX_BYTES) in problem.message
    problem = refusal(in_function("pass") + "#" * MAX_BYTES)
    assert problem.code == "PYTHON_TOO_LARGE"


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"root":[', "[[{"])
def test_json_nested_ten_thousand_deep_is_refused_before_it_is_parsed(opening: str) -> None:
    for text in (opening * 10_000, f"{SIGNATURE}:{{" + opening * 10_000):
        problem = refusal(text)
        assert problem.code == "INVALID_WORKFLOW_JSON"
        assert f"deeper than {MAX_DEPTH} levels" in problem.message


def test_brackets_inside_a_text_are_no_nesting() -> None:
    python_of(export([step("a", CREATED), step("b", "shopify::flow::send_email", message="[{" * 10_000)]))


def test_json_inside_a_value_is_held_to_the_same_depth() -> None:
    for levels in (MAX_DEPTH, MAX_DEPTH + 1, 10_000):
        value = '{"a":' * levels + "1" + "}" * levels
        text = export([step("a", CREATED), step("b", "shopify::admin::add_order_metafield", metafield=value)])
        shown = python_of(text)
        assert ("metafield={" in shown) == (levels <= MAX_DEPTH)  # beyond it is carried as text
        text = export([step("a", CREATED), step("b", CONDITION, condition=value)])
        assert refusal(text).path.startswith("/root/steps/1/config_field_values/0/value")


@pytest.mark.parametrize("kind", ["LogicalExpression", "ArrayExpression"])
def test_conditions_nest_to_the_limit_and_are_refused_by_name_beyond(kind: str) -> None:
    def grown(levels: int) -> str:
        tree: dict[str, Any] = LEAF
        for level in range(levels):
            if kind == "LogicalExpression":
                operator = "AND" if level % 2 else "OR"
                tree = {"uuid": "n", "lhs": tree, "rhs": LEAF, "operator": operator, "operation_type": kind}
            else:
                inside = {"array_path": ENVIRONMENT, "array_item_key": ITEM, "operation": tree}
                tree = {"uuid": "n", **inside, "operator": "NONE", "operation_type": kind}
        root = {"uuid": "t", "lhs": tree, "operator": "AND", "operation_type": "LogicalExpression"}
        return export([step("a", CREATED), step("b", CONDITION, condition=compact(root))])

    python_of(grown(119))
    for levels in (120, 124):
        assert refusal(grown(levels)).code == "CONDITION_NESTING_LIMIT"
    assert refusal(grown(126)).code in ("CONDITION_NESTING_LIMIT", "INVALID_WORKFLOW_JSON")


def test_python_beyond_what_its_own_parser_takes_is_refused_by_name() -> None:
    deep_blocks = "".join("    " * level + "if order.note:\n" for level in range(120))
    for body in (
        deep_blocks + "    " * 120 + "pass",
        f"send_email(subject={'(' * 300}",
        f"send_email(subject={'[' * 150}{']' * 150})",
        f"add_order_tags(order_id=order{'.a' * 100_000})",
        f"add_order_tags(order_id={'-' * 100_000}1)",
        f"send_email(subject={'+'.join('1' * 20_000)})",
        f"if {'not ' * 50_000}order.note:\n    pass",
        "if order.note:\n    pass\n" + "elif order.note:\n    pass\n" * 100,
        "if order.note:\n    pass\n" + "elif order.note:\n    pass\n" * 600,
        "if order.note:\n    pass\n" + "elif order.note:\n    pass\n" * 5_000,
        "".join(f"def b{number}():\n    b{number + 1}()\n" for number in range(2_000)) + "b0()",
    ):
        problem = refusal(in_function(body))
        limits = ("PYTHON_NESTING_LIMIT", "PYTHON_TOO_LARGE", "MAX_STEPS_EXCEEDED", "PYTHON_CONSTRUCT")
        assert problem.code in limits
        assert problem.path


def test_python_conditions_nest_to_the_limit_and_are_refused_by_name_beyond() -> None:
    def grown(levels: int) -> str:
        return in_function(
            "if "
            + "".join(f"order.a == 1 {'and' if level % 2 else 'or'} (" for level in range(levels))
            + "order.a == 1"
            + ")" * levels
            + ":\n    pass"
        )

    assert inspect(grown(119)).semantic
    for levels in (121, 150, 190):
        assert refusal(grown(levels)).code == "CONDITION_NESTING_LIMIT"


def test_the_worst_texts_of_a_megabyte_are_answered() -> None:
    texts = [
        '{"root":' + "[" * 100 + '"' + "\\" * (MAX_BYTES // 2),
        '"' * (MAX_BYTES - 1),
        "{" + '"a":1,' * 150_000 + '"b":2}',
        export([step("a", CREATED), step("b", CONDITION, condition="(" * 500_000)]),
        export([step("a", CREATED), step("b", CONDITION, condition="(order.a == '" + "\\'" * 200_000)]),
        export([step("a", CREATED), step("b", "shopify::flow::send_email", message="{{" * 400_000)]),
        in_function("send_email(subject='" + "{% " * 300_000 + "')"),
        in_function("x = send_email()\n" * (MAX_STEPS - 1)),
    ]
    for text in texts:
        found = inspect(text)
        assert found.problems or found.semantic


def test_a_json_text_that_python_cannot_hold_is_refused_by_name() -> None:
    values = {f"f{number}": "\u200b" * 900 for number in range(300)}  # each becomes a \u escape of six
    found = inspect(export([step("a", CREATED), step("b", "app::x::y", **values)]))
    assert not found.lossless
    assert [problem.code for problem in found.problems] == ["PYTHON_TOO_LARGE"]


def test_the_deepest_workflow_is_read_with_the_stack_of_a_job_around_it() -> None:
    text = nested(CONDITION, MAX_LEVELS - 1, "true")

    def deeper(frames: int) -> bool:
        return inspect(text).lossless if frames == 0 else deeper(frames - 1)

    assert deeper(200)
    document = json.loads(text[65:])
    assert len(document["root"]["steps"]) == MAX_LEVELS
    found = inspect(text).workflow
    assert found is not None
    assert to_python(found).count("if ...:") == MAX_LEVELS - 1
