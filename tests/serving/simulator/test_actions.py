"""What each action does and gives to later steps."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.workflow import Workflow, from_python
from schemas.workflow.model import ACTION, Link, Step
from serving.simulator import Limits
from tests.serving.simulator.orders import SHOP, code, kinds, on_order, only, run, values

ORDER: Any = {
    "id": "1",
    "name": "#1",
    "email": "a@example.com",
    "lineItems": [{"quantity": 2, "price": "10.10"}, {"quantity": None}, {"quantity": 3, "price": "0.90"}],
}
SAY = 'log_output(output="{{ {} }}")'


def say(path: str) -> str:
    return SAY.replace("{}", path)


def logged(*lines: str, **roots: Any) -> list[str]:
    trace = run(on_order(*lines), **{"order": ORDER, **roots})
    assert trace.errors == ()
    return [values(effect)["output"] for effect in trace.effects if effect.kind == "log"]


def test_a_mail_is_written_down() -> None:
    fields = 'address="{{ order.email }}", subject="Order {{ order.name }}", message="Hi\\n{{ order.name }}"'
    written = {"address": "a@example.com", "subject": "Order #1", "message": "Hi\n#1"}
    assert only(run(on_order(f"send_email({fields})"), order=ORDER)) == ("mail", written)


HTTP = """send_http(method="POST", url="https://example.com/{{ order.id }}",
    headers=[["x-order", "{{ order.name }}"]], body='{"order":"{{ order.name }}"}'"""


def test_a_web_request_is_written_down_and_answered_with_a_constant() -> None:
    trace = run(
        on_order(f"response = {HTTP})", say("sendHttpRequest.statusCode"), say("sendHttpRequest.body")),
        order=ORDER,
    )
    request, *said = map(values, trace.effects)
    assert kinds(trace) == "http log log"
    assert request == {
        "method": "POST",
        "url": "https://example.com/1",
        "headers": [["x-order", "#1"]],
        "body": '{"order":"#1"}',
    }
    assert [each["output"] for each in said] == ["200", ""]


def test_an_event_may_answer_a_request() -> None:
    line = f"response = {HTTP})"
    assert logged(line, say("sendHttpRequest.body"), sendHttpRequest={"statusCode": 201, "body": "yes"}) == [
        "yes"
    ]
    twice = (line, line.replace("response", "other"), say("sendHttpRequest1.body"))
    assert logged(*twice, sendHttpRequest1={"statusCode": 200, "body": "second"}) == ["second"]


@pytest.mark.parametrize(
    ("policy", "status", "kind"),
    [
        ("", 500, "http log"),
        ('on_server_error="ignore"', 500, "http log"),
        ('on_server_error="fail"', 500, "http error"),
        ('on_server_error="retry"', 503, "http error"),
        ('on_server_error="fail"', 404, "http log"),
        ('on_client_error="fail"', 404, "http error"),
        ('on_client_error="fail"', 399, "http log"),
    ],
)
def test_a_request_that_fails_does_what_its_step_says(policy: str, status: int, kind: str) -> None:
    line = f"response = {HTTP}, {policy})" if policy else f"response = {HTTP})"
    trace = run(
        on_order(line, say("sendHttpRequest.statusCode")), order=ORDER, sendHttpRequest={"statusCode": status}
    )
    assert kinds(trace) == kind
    if "error" in kind:
        assert code(trace) == ("HTTP_SERVER_ERROR" if status >= 500 else "HTTP_CLIENT_ERROR")
        assert trace.errors[0].after == (0,)


def test_a_mutation_is_written_down_and_answered_without_errors() -> None:
    line = 'response = admin_api_operation(api_call=orderUpdate(input={"id": "{{ order.id }}"}))'
    trace = run(on_order(line, say("sendAdminApiRequest.userErrors | size")), order=ORDER)
    assert kinds(trace) == "admin_api log"
    assert values(trace.effects[0]) == {"name": "orderUpdate", "arguments": {"input": {"id": "1"}}}
    assert values(trace.effects[1])["output"] == "0"
    answer = {"orderUpdate": {"order": {"name": "#2"}}}
    assert logged(line, say("sendAdminApiRequest.orderUpdate.order.name"), sendAdminApiRequest=answer) == [
        "#2"
    ]


def test_count_and_sum() -> None:
    assert logged("num = count(order.line_items)", say("count")) == ["3"]
    assert logged("total = sum_of(item.price for item in order.line_items)", say("sum")) == ["11"]
    assert logged("total = sum_of(item.quantity for item in order.line_items)", say("sum")) == ["5"]
    items = [{"price": "0.10"}, {"price": "0.20"}]
    line = "total = sum_of(item.price for item in order.line_items)"
    assert logged(line, say("sum"), order={"lineItems": items}) == ["0.3"]
    assert logged(line, say("sum"), "num = count(order.line_items)", say("count"), order={}) == ["0", "0"]


def test_count_and_sum_of_what_is_no_list_of_numbers() -> None:
    assert code(run(on_order("num = count(order.name)"), order=ORDER)) == "CONFIG_FIELD_MAP_OVER_INVALID_TYPE"
    line = "total = sum_of(item.price for item in order.line_items)"
    assert code(run(on_order(line), order={"lineItems": [{"price": "much"}]})) == "CONDITION_TYPE_ERROR"


FETCH = """\
@customer_created
def w(customer):
    orders = get_orders(
        query="{{ customer.note }}",
        sort_by={"sortKey": "CREATED_AT", "order": "ASCENDING"},
        max_root_records=MOST,
    )
    num = count(orders)
    for order in orders:
        log_output(output="{{ getOrderDataForeachitem.name }}")
"""


def fetching(most: int) -> Workflow:
    return from_python(FETCH.replace("MOST", str(most)))


def test_get_data_searches_the_shop() -> None:
    trace = run(fetching(3), customer={"note": ""})
    asked = values(trace.effects[0])
    found = SHOP.records("Order", {"name": {}})
    assert (asked["kind"], asked["query"], asked["first"], asked["num_found"]) == ("orders", "", 3, 3)
    assert kinds(trace) == "fetch value loop" + " loop log" * 3
    names = [values(effect)["output"] for effect in trace.effects if effect.kind == "log"]
    assert set(names) <= {record["name"] for record in found}


def test_get_data_searches_the_records_of_the_event_where_it_has_some() -> None:
    records = [{"name": f"#{number}", "tags": ["vip"] * (number % 2)} for number in range(6)]
    trace = run(fetching(100), customer={"note": "tag:VIP"}, getOrderData=records)
    assert [values(effect)["output"] for effect in trace.effects if effect.kind == "log"] == [
        "#1",
        "#3",
        "#5",
    ]
    assert values(trace.effects[1]) == {"of": "getOrderData", "value": 3}


def test_a_filter_that_shopify_does_not_know_is_left_out_and_told() -> None:
    asked = values(run(fetching(100), customer={"note": "colour:red"}, getOrderData=[{"id": "1"}]).effects[0])
    assert (asked["ignored"], asked["num_found"]) == (["colour:red"], 1)


def test_get_data_has_the_clock_of_its_path() -> None:
    records = [{"id": "1", "createdAt": "2026-11-02T04:00:00Z"}]
    asked = values(run(fetching(9), customer={"note": "created_at:<now"}, getOrderData=records).effects[0])
    assert asked["num_found"] == 1
    asked = values(run(fetching(9), customer={"note": "created_at:>now"}, getOrderData=records).effects[0])
    assert asked["num_found"] == 0


def test_get_data_that_nobody_knows_is_an_error() -> None:
    step = Step(ACTION, "shopify::flow::fetch::unicorns", "v1")
    trigger = on_order("log_output()").steps[0]
    assert code(run(Workflow("w", (trigger, step), (Link(0, "output", 1),)))) == "TASK_NOT_FOUND"


def code_step(script: str) -> str:
    schema = "type Output { x: String }"
    return f'result = run_code(input="{{ order {{ name }} }}", script={script!r}, output_schema="{schema}")'


def test_code_runs_on_what_its_query_selects() -> None:
    script = "export default function main(input) { return {x: input.order.name + '!'} }"
    trace = run(on_order(code_step(script), say("runCode.x")), order=ORDER)
    assert kinds(trace) == "code log"
    assert values(trace.effects[0]) == {"input": {"order": {"name": "#1"}}, "output": {"x": "#1!"}}
    assert values(trace.effects[1])["output"] == "#1!"


def test_code_has_the_clock_of_its_path() -> None:
    script = "export default function main() { return {x: new Date().toISOString()} }"
    trace = run(on_order('wait(duration="P1D")', code_step(script)), order=ORDER)
    assert values(trace.effects[1])["output"] == {"x": "2026-11-03T08:30:00.000Z"}


@pytest.mark.parametrize(
    "script", ["", "not javascript at all(", "export default function main() { throw new Error('no') }"]
)
def test_code_that_does_not_run_is_an_error(script: str) -> None:
    trace = run(on_order(code_step(script), say("runCode.x")), order=ORDER, limits=Limits(seconds=0.2))
    assert kinds(trace) == "error"


def test_code_that_never_ends_in_a_loop_ends_the_run_after_some_turns() -> None:
    endless = code_step("export default function main() { while (true) {} }")
    workflow = on_order("for x in order.line_items:", f"    {endless}", "log_output()")
    trace = run(workflow, order={"lineItems": [{}] * 100}, limits=Limits(seconds=0.05))
    assert [values(effect)["code"] for effect in trace.errors] == ["CODE_TIME"] * 6
    assert values(trace.effects[-1])["message"] == "5 pieces of code took too long; the run ends here"


def test_code_that_ends_each_time_ends_the_run_when_it_took_too_long_in_all() -> None:
    slow = code_step(
        "export default function main() { let n = 0; for (let i = 0; i < 2e6; i++) n += i; return {x: n} }"
    )
    workflow = on_order("for x in order.line_items:", f"    {slow}", "log_output()")
    trace = run(workflow, order={"lineItems": [{}] * 100}, limits=Limits(seconds=30.0, code_seconds=0.2))
    assert 1 <= kinds(trace).split().count("code") < 50
    assert [values(effect)["code"] for effect in trace.errors] == ["CODE_TIME"]
    assert values(trace.effects[-1])["message"] == "the code of the run took 0.2 seconds; it ends here"


def test_an_app_gives_what_the_event_says() -> None:
    line = "rows = execute_shopifyql()"
    assert logged(line, say("getAnalyticsData.rows | size")) == ["0"]
    rows = {"rows": [{"x": "1"}]}
    assert logged(
        line,
        "{% for row in getAnalyticsData.rows %}" and say("getAnalyticsData.rows | size"),
        getAnalyticsData=rows,
    ) == ["1"]
