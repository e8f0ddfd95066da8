"""Config values at run time: templates, references, JSON with templates inside, what must not be empty."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.workflow.model import (
    ACTION,
    TRIGGER,
    ApiCall,
    Bare,
    Json,
    Link,
    Reference,
    Step,
    Text,
    Value,
    Workflow,
    path,
)
from serving.simulator import SimulationError
from serving.simulator.durations import duration_of
from tests.serving.simulator.orders import code, on_order, only, run

ORDER: Any = {
    "id": "gid://shopify/Order/1",
    "name": "#1",
    "note": 'say "hi"',
    "customer": None,
    "tags": ["a"],
}


def of(task_id: str, version: str = "0.1", **fields: Value) -> Workflow:
    """An order workflow with one step, whatever its values."""
    step = Step(ACTION, task_id, version, tuple(fields.items()))
    trigger = Step(TRIGGER, "shopify::admin::order_created", "0.1")
    return Workflow("w", (trigger, step), (Link(0, "output", 1),))


def field(value: Value) -> Any:
    """A value of a field that nothing is known of, at run time."""
    kind, found = only(run(of("an-app", x=value), order=ORDER))
    assert kind == "action"
    return found["x"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Text("Order {{ order.name }}"), "Order #1"),
        (Text("{{ order.nothing }}"), ""),
        (Text(""), ""),
        (Text(None), None),
        (Bare("5"), 5),
        (Bare("0.5"), 0.5),
        (Bare("true"), True),
        (Bare("false"), False),
        (Reference(path("order.id")), "gid://shopify/Order/1"),
        (Reference("gid://shopify/Order/2"), "gid://shopify/Order/2"),
        (Reference(" {{ order.id }}{{ order.name }} "), "gid://shopify/Order/1#1"),
        (Reference(path("root.order")), "gid://shopify/Order/1"),
        (Json('["{{ order.name }}",["{{ order.note }}"],5,null]'), ["#1", ['say "hi"'], 5, None]),
        (Json('{"{{ order.name }}":"{{ order.name }}"}'), {"{{ order.name }}": "#1"}),
    ],
)
def test_a_value_at_run_time(value: Value, expected: Any) -> None:
    kind, found = only(run(of("an-app", x=value), order=ORDER, root={"order": ORDER}))
    assert (kind, found) == ("action", {"x": expected})


@pytest.mark.parametrize("text", ["order.customer.id", "order.nothing", "nobody.id"])
def test_a_reference_to_nothing_is_an_error_even_where_the_field_is_not_required(text: str) -> None:
    assert code(run(of("an-app", x=Reference(path(text))), order=ORDER)) == "REQUIRED_VALUE_MISSING"


def test_a_reference_to_a_list_is_an_error() -> None:
    assert (
        code(run(of("an-app", x=Reference(path("order.tags"))), order=ORDER))
        == "CONFIG_FIELD_NON_PRIMITIVE_ERROR"
    )


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        (Json('["b","A","b "]'), ["A", "b"]),
        (Json('["{{ order.name }}","","  "]'), ["#1"]),
        (Json('["\\n  one\\n\\n  two words\\n"]'), ["one", "two words"]),
        (Json('["x, y,,z"]'), ["x", "y", "z"]),
        (Text("{{ order.name }}, b"), ["#1", "b"]),
        (Text('["{{ order.name }}"]'), ["#1"]),
    ],
)
def test_tags_are_parted_trimmed_and_a_set(written: Value, tags: list[str]) -> None:
    for verb in ("add", "remove"):
        workflow = of(
            f"shopify::admin::{verb}_order_tags", order_id=Reference(path("order.id")), tags=written
        )
        assert only(run(workflow, order=ORDER)) == ("action", {"order_id": ORDER["id"], "tags": tags})


@pytest.mark.parametrize("tags", ["[]", '[""]', '["{{ order.nothing }}"]', '[" , "]'])
def test_no_tags_are_an_error(tags: str) -> None:
    for verb in ("add", "remove"):  # of the second nothing public says that tags are required
        fields = {"order_id": Reference(path("order.id")), "tags": Json(tags)}
        assert (
            code(run(of(f"shopify::admin::{verb}_order_tags", **fields), order=ORDER))
            == "REQUIRED_VALUE_MISSING"
        )


@pytest.mark.parametrize("missing", ["address", "subject", "message"])
@pytest.mark.parametrize("nothing", ["", "{{ order.nothing }}", " \n ", None, "left out"])
def test_a_required_field_that_is_empty_is_an_error(missing: str, nothing: str | None) -> None:
    fields = {name: Text("x") for name in ("address", "subject", "message")} | {missing: Text(nothing)}
    if nothing == "left out":
        del fields[missing]
    trace = run(of("shopify::flow::send_email", **fields), order=ORDER)
    assert code(trace) == "REQUIRED_VALUE_MISSING"
    assert missing in trace.errors[0].values


def test_what_a_version_does_not_have_is_not_required() -> None:
    fields: dict[str, Value] = {"order_id": Reference(path("order.id")), "value": Text("")}
    metafield = Json('{"namespace":"n","key":"k","type":"date"}')
    assert not run(
        of("shopify::admin::add_order_metafield", "1.0", **fields, metafield=metafield), order=ORDER
    ).errors
    assert run(
        of("shopify::admin::add_order_metafield", "0.1", **fields, metafield=metafield), order=ORDER
    ).errors


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        (ApiCall("orderUpdate", '{"input":{"note":"{{ order.name }}"}}'), {"input": {"note": "#1"}}),
        (ApiCall("orderUpdate", None, '{"n": {{ order.lines }} }'), {"n": [1, 2]}),
        (ApiCall("orderUpdate", "{}"), {}),
    ],
)
def test_a_blob_is_rendered_and_then_read(call: ApiCall, arguments: Any) -> None:
    trace = run(of("shopify::admin::admin_api_operation", api_call=call), order={**ORDER, "lines": "[1,2]"})
    assert only(trace) == ("admin_api", {"name": "orderUpdate", "arguments": arguments})


@pytest.mark.parametrize(
    "call",
    [
        ApiCall("orderUpdate", '{"note":"{{ order.note }}"}'),  # what it prints has quotes
        ApiCall("orderUpdate", None, "{{ order.name }}"),
        ApiCall("orderUpdate", None, ""),
        ApiCall("orderUpdate", None, "[1]"),
    ],
)
def test_a_blob_that_is_no_json_once_rendered_is_an_error(call: ApiCall) -> None:
    trace = run(of("shopify::admin::admin_api_operation", api_call=call), order=ORDER)
    assert code(trace) == "CONFIG_FIELD_JSON_PARSE_ERROR"


def test_a_request_without_a_mutation_is_an_error() -> None:
    workflow = of("shopify::admin::admin_api_operation", api_call=Text("no call"))
    assert code(run(workflow, order=ORDER)) == "CONFIG_FIELD_MUTATION_NOT_SELECTED"


def test_a_step_of_the_language_has_its_values() -> None:
    workflow = on_order('add_order_tags(order_id=order.id, tags=["VIP"])')
    assert only(run(workflow, order=ORDER)) == ("action", {"order_id": ORDER["id"], "tags": ["VIP"]})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("P3D", 259_200), ("PT2H", 7200), ("PT30M", 1800), ("P1W", 604_800), ("P1DT12H", 129_600)],
        *[("PT0S", 0), ("P1DT1H1M1S", 90_061), (" P1D ", 86_400)],
    ],
)
def test_a_duration(text: str, seconds: int) -> None:
    assert duration_of(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1",
        "3 days",
        "P1M",
        "P1Y",
        "-P1D",
        "P1DT",
        "P" + "9" * 12 + "D",
        "P" + "9" * 13 + "D",
        "P١D",
    ],
)
def test_no_duration(text: str) -> None:
    with pytest.raises(SimulationError) as caught:
        duration_of(text)
    assert caught.value.code == "INVALID_DURATION"
