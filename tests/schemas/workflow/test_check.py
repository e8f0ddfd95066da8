"""What the check says: the words, the places, what is sure and what is not, and that no workflow stops it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from schemas.catalog.catalogue import Catalogue, Task
from schemas.catalog.fields import ConfigField
from schemas.workflow import Problem, Workflow, check, inspect, read
from schemas.workflow.check import MAX_PROBLEMS
from schemas.workflow.model import ACTION, Json, Link, Reference, Step, Text
from schemas.workflow.model import Path as Place
from tests.schemas.workflow.small import CREATED, TAG, document, export, in_function, link, step

MAIN = "export default function main(input) { return { total: 1.5 }; }"
CODE = (
    f'run_code(input="QUERY", script="{MAIN}", output_schema="type Output {{ total: Float! label: String }}")'
)
SOUND = f"""\
orders = get_orders(sort_by={{"sortKey": "ID", "order": "ASCENDING"}}, max_root_records=100, query="tag:x")
num_orders = count(orders)
result = {CODE.replace("QUERY", "query { order { name lineItems { title } } }")}
response = admin_api_operation(api_call=tagsAdd(id="{{{{ order.id }}}}", tags=["x"]))
if num_orders > 3 and result.total >= 1.5:
    for item in orders:
        for line_item in item.line_items:
            if any(tag == "x" for tag in line_item.product.tags):
                add_product_tags(product_id=line_item.product.id, tags=["{{{{ shop.name }}}}"])
send_email(
    address="{{{{ shop.email }}}}",
    subject="{{{{count}}}} {{{{ runCode.total | round: 2 }}}} {{{{ secrets.key }}}}",
    message='''{{% for x in getOrderData %}}{{{{ x.name | upcase }}}}{{% endfor %}}
{{% assign n = order.lineItems | size %}}{{{{ n }}}}''',
)
"""
GENUINE_WARNINGS = {"STEP_CONDITION_EMPTY", "CONFIG_FIELD_PATH_VALIDATION_ERROR"}


def told(
    body: str, head: str = "@order_created", arguments: str = "order"
) -> list[tuple[str, str, str, str]]:
    """Severity, step, field and message of everything that is said of a function's body."""
    found = inspect(in_function(body).replace("@order_created", head).replace("(order)", f"({arguments})"))
    assert found.workflow is not None, found.problems
    return [(each.severity, each.step, each.field, each.message) for each in found.findings]


def test_real_files_have_no_errors_and_few_warnings(shared_data: Path) -> None:
    files = sorted(
        [*shared_data.glob("flow_exports/*.flow"), *shared_data.glob("flow_format_thirdparty/*.flow")]
    )
    assert len(files) == 15
    findings = [each for file in files for each in inspect(file.read_text(encoding="utf-8")).findings]
    assert {each.severity for each in findings} == {"warning"}
    assert {each.code for each in findings} == GENUINE_WARNINGS


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (
            "if order.totl_price > 100:\n    pass",
            "condition",
            "order (Order) has no field 'totlPrice'; did you mean 'totalPrice' or 'totalPriceSet'?",
        ),
        (
            'if order.line_items.title == "x":\n    pass',
            "condition",
            "order.lineItems is a list; ask any?, all? or none? of its items",
        ),
        (
            'if order.display_financial_status == "PAYED":\n    pass',
            "condition",
            "OrderDisplayFinancialStatus has no 'PAYED'; did you mean 'PAID'?",
        ),
        (
            'if order.created_at > "yesterday":\n    pass',
            "condition",
            "'yesterday' is no date; write ISO 8601, such as 2026-11-25 or 2026-11-25T08:00:00Z",
        ),
        (
            'if order.customer == "x":\n    pass',
            "condition",
            "order.customer is a whole Customer; compare one of its fields",
        ),
        (
            "capture_payment(order_id=order.customer.id)",
            "order_id",
            "order.customer.id is the ID of type Customer; write one of type Order",
        ),
        (
            "capture_payment(order_id=order.name)",
            "order_id",
            "order.name is a String, the step needs an ID; write the path of one, such as order.id",
        ),
        (
            "for name in order.name:\n    pass",
            "listpath",
            "order.name is a String, no list; write the path of a list, such as order.lineItems",
        ),
        (
            'add_order_tags(order_id=order.id, tags=["{{ order.lineItems[0].title }}"])',
            "tags",
            "Liquid: order.lineItems[...] takes an item by its number, which Flow cannot; use a for loop",
        ),
        (
            'add_order_tags(order_id=order.id, tags=["{{ order.customer }}"])',
            "tags",
            "Liquid: order.customer is a whole Customer, Flow prints single values; print its fields",
        ),
        (
            'add_order_tags(order_id=order.id, tags=["{% if order.test %}x"])',
            "tags",
            "Liquid: {% if %} is never closed; write {% endif %}",
        ),
        (
            'add_order_tags(order_id=order.id, tags=["{% for x in order.lineItems.edges %}{% endfor %}"])',
            "tags",
            "Liquid: order.lineItems has no 'edges': lists are flat here, leave it out",
        ),
        (
            CODE.replace("QUERY", "query { order { nam } }"),
            "input",
            "order (Order) has no field 'nam'; did you mean 'name'? (line 1)",
        ),
        (
            'admin_api_operation(api_call=tagsAdd(id="{{ order.id }}"))',
            "api_call",
            "tagsAdd lacks tags ([String!]!), which it needs",
        ),
        (
            'admin_api_operation(api_call=tagAdd(id="{{ order.id }}"))',
            "api_call",
            "the Admin API has no mutation 'tagAdd'; did you mean 'tagsAdd'?",
        ),
        (
            'admin_api_operation(api_call=orderUpdate(input={"id": "{{ order.id }}", "notes": "x"}))',
            "api_call",
            "orderUpdate.input has no 'notes'; did you mean 'note'?",
        ),
    ],
)
def test_a_message_says_what_is_wrong_and_what_to_write(body: str, field: str, message: str) -> None:
    assert told(body) == [("error", "2", field, message)]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "FREQ=MINUTELY;INTERVAL=5",
            "every 5 minutes is too often; a workflow runs every 10 minutes at most",
        ),
        (
            "FREQ=YEARLY;INTERVAL=2",
            "INTERVAL=2 of YEARLY is too seldom; a workflow runs once a year at least",
        ),
        (
            "FREQ=DAILY;INTERVAL=1;COUNT=3",
            "a timetable has no 'COUNT'; it has FREQ, INTERVAL, WKST, BYHOUR, BYMINUTE, BYSECOND, BYDAY",
        ),
        (
            "FREQ=SECONDLY;INTERVAL=900",
            "FREQ is 'SECONDLY'; it is one of MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY",
        ),
    ],
)
def test_a_timetable_runs_between_ten_minutes_and_a_year(rule: str, message: str) -> None:
    text = f"DTSTART;TZID=Europe/Berlin:20370105T090000\nRRULE:{rule}"
    assert told("pass", f"@scheduled(recurrence=[{text!r}])", "scheduled_at") == [
        ("error", "1", "recurrence", message)
    ]


def test_what_is_sound_is_not_spoken_of() -> None:
    assert told(SOUND) == []


def test_an_output_is_known_by_its_schema() -> None:
    code = f"result = {CODE.replace('QUERY', 'query { order { id } }')}\n"
    assert told(code + "if result.total > 5:\n    pass") == []
    assert [each[:3] for each in told(code + "if result.totl > 5:\n    pass")] == [
        ("error", "3", "condition")
    ]
    assert [each[:3] for each in told(code + "if result.label > 5:\n    pass")] == [
        ("error", "3", "condition")
    ]


@pytest.mark.parametrize(
    "liquid",
    [
        "{{ order.tags.size }} {{ order.tags | join: ', ' }}",
        "{{ order.lineItems | map: 'title' | join: ', ' }}",
        "{% assign parts = order.name | split: '-' %}{{ parts[0] }} {{ parts.first }}",
        "{% for x in order.lineItems limit: 2 %}{{ forloop.index }} {{ x.title }}{% else %}none{% endfor %}",
        "{% for i in (1..3) %}{{ i }}{% endfor %}",
        "{% if order.tags contains 'vip' and order.note != blank %}x{% elsif order.customer %}y{% endif %}",
        "{% case order.name %}{% when '#1' or '#2' %}x{% endcase %}",
        "{% # a remark %}{%- comment -%}{{ nothing | here }}{%- endcomment -%}",
        "{% liquid\nassign n = order.name\necho n\n%}{{ n }}",
        "{% raw %}{{ nothing.here }}{% endraw %}{{ 'now' | date_minus: '2 days' }}",
        "{% capture c %}{{ order.name }}{% endcapture %}{{ c | upcase | append: order.email }}",
        '{{ order["name"] }}',
        "{{ order.createdAt | date: '%Y' | plus: 0 }} {{ order.lineItems.id | size }}",
    ],
)
def test_liquid_that_flow_runs_is_not_spoken_of(liquid: str) -> None:
    assert told(f"add_order_tags(order_id=order.id, tags=[{liquid!r}])") == []


def test_code_may_give_an_id_as_a_text() -> None:
    code = f"result = {CODE.replace('QUERY', 'query { order { id } }')}\n"
    assert told(code + "capture_payment(order_id=result.label)") == []
    assert [each[:3] for each in told(code + "capture_payment(order_id=result.total)")] == [
        ("error", "3", "order_id")
    ]


def test_what_the_catalogue_only_guesses_is_a_warning() -> None:
    assert told('remove_order_tags(order_id=order.customer.id, tags=["x"])')[0][0] == "warning"
    assert told('if order.name == "x":\n    pass', "@order_paid") == []
    assert [each[0] for each in told('if ordre.name == "x":\n    pass', "@order_paid", "ordre")] == [
        "warning"
    ]
    assert [each[0] for each in told('if ordre.name == "x":\n    pass', arguments="ordre")] == ["error"]


def test_an_app_may_bring_any_name() -> None:
    head = '@task("3a1f095d-4250-4b2f-8238-e48b662f0d6c", "1.0")'
    assert told('if thing.name == "x":\n    pass', head, "thing") == []


def test_a_step_that_never_runs_gives_warnings() -> None:
    wrong = step("c", order_id="order.name", tags="[]")
    linked = inspect(export([step("a", CREATED), wrong], [link("a", "c")])).findings
    alone = inspect(export([step("a", CREATED), wrong])).findings
    assert [each.severity for each in linked] == ["error"]
    assert alone == tuple(replace(each, severity="warning") for each in linked)


def test_places_are_those_of_the_file() -> None:
    right = step("right", order_id="order.id", tags="[]")
    wrong = step("wrong", tags='["{{ order.nam }}"]', order_id="order.name")
    steps, links = [wrong, step("start", CREATED), right], [link("start", "right"), link("right", "wrong")]
    for root in (document(steps, links), document(steps, links)["root"]):
        findings = inspect(json.dumps(root)).findings
        assert [(each.step, each.field) for each in findings] == [("wrong", "order_id"), ("wrong", "tags")]
        assert [value_at(root, each.path) for each in findings] == ["order.name", '["{{ order.nam }}"]']


def value_at(value: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def test_a_link_is_pointed_at() -> None:
    steps = (Step("TRIGGER", CREATED, "0.1"), tag("a"), tag("b"))
    links = (Link(0, "output", 1), Link(1, "true", 2))
    (found,) = check(Workflow("Tag", steps, links))
    assert (found.code, found.step, found.path) == ("INVALID_LINK", "2", "/root/links/1")
    assert found.message == "a ACTION step has no port 'true'; it has output"


def tag(text: str) -> Step:
    return Step(
        ACTION, TAG, "0.1", (("order_id", Reference(Place(("order", "id")))), ("tags", Json(f'["{text}"]')))
    )


def test_a_shops_own_catalogue_has_the_word() -> None:
    field = ConfigField(id="card", type="Enum", required=True, allowed=("gold", "silver"))
    mine = Task(
        id="app::cards::send", kind="ACTION", label="Send card", publisher="app", known=True,
        versions=("2.0",), config_fields={"card": field},
    )  # fmt: skip
    created = read(export([step("a", CREATED)])).workflow.trigger
    trigger = Task(
        id=CREATED, kind="TRIGGER", label="Order created", publisher="shopify", known=True,
        versions=("0.1",), returns={"order": "Order"},
    )  # fmt: skip
    catalogue = Catalogue(tasks={task.id: task for task in (mine, trigger)})
    sent = Step(ACTION, mine.id, "1.0", (("card", Text("bronze")),))
    workflow = Workflow("Cards", (created, sent), (Link(0, "output", 1),))
    assert check(workflow) == ()
    assert [(each.code, each.message) for each in check(workflow, catalogue=catalogue)] == [
        ("TASK_NOT_AVAILABLE", "Send card has no version '1.0'; it has 2.0"),
        ("CONFIG_FIELD_PARTNER_VALIDATION_ERROR", "'bronze' is no card; it is one of gold, silver"),
    ]


# -- hostile workflows ----------------------------------------------------------------------------------


def quickly(workflow: Workflow) -> tuple[Problem, ...]:
    """What is said, within a second or so of a slow machine."""
    started = process_time()
    found = check(workflow)
    assert process_time() - started < 3
    return found


@pytest.mark.parametrize(
    "text",
    [
        "{{" * 200_000,
        "{{ " + " " * 400_000 + "x }}",
        "{%" + " " * 400_000 + "%}",
        "{% if x %}" * 40_000,
        "{{ x | a: " + "a-" * 200_000 + ": }}",
        "{{ x | " + "a." * 200_000 + " }}",
        "{{ order" + ".name" * 100_000 + " }}",
        "{{ '" + "'\"" * 200_000 + " }}",
        "{% for x in " + "(" * 200_000 + " %}",
        "{% raw %}" * 40_000,
    ],
)  # fmt: skip
def test_hostile_liquid_costs_no_more_than_its_length(text: str) -> None:
    trigger = Step("TRIGGER", CREATED, "0.1")
    mail = Step(ACTION, "shopify::flow::send_email", "0.1", (("message", Text(text)),))
    assert len(quickly(Workflow("Mail", (trigger, mail), (Link(0, "output", 1),)))) <= MAX_PROBLEMS


@pytest.mark.parametrize(
    "text",
    ["query { a " * 9_000, "{ " + "#" * 60_000, "{ " + "#\n" * 30_000 + "$", '{ a(b: "' + "\\" * 60_000],
)
def test_hostile_queries_cost_no_more_than_their_length(text: str) -> None:
    trigger = Step("TRIGGER", CREATED, "0.1")
    fields = (("input", Text(text)), ("script", Text(text)), ("output_schema", Text(text)))
    code = Step(ACTION, "shopify::flow::run_code", "0.1", fields)
    assert quickly(Workflow("Code", (trigger, code), (Link(0, "output", 1),)))


def test_a_thousand_steps_that_lead_everywhere_are_checked() -> None:
    draw = random.Random(5)
    names = ["shopify::flow::run_code", "shopify::flow::count", TAG, "b99ddae5-9dbe-4829-bbce-5d6200aa1216"]
    steps = (
        Step("TRIGGER", CREATED, "0.1"),
        *(Step(ACTION, draw.choice(names), "0.1", (("x", Text("{{ runCode77.y }}")),)) for _ in range(999)),
    )
    links = tuple(Link(draw.randrange(1000), "output", draw.randrange(1, 1000)) for _ in range(10_000))
    assert len(quickly(Workflow("Tangle", steps, links))) == MAX_PROBLEMS


def test_no_damage_of_a_file_stops_the_check() -> None:
    draw = random.Random(20261125)
    good = export(
        [step("a", CREATED), step("b", order_id="order.id", tags='["{{ order.name }}"]')], [link("a", "b")]
    )
    odd = ['"', "{", "}", "{{", "%}", "[", ".", "order", "\0", "'", "(", "0", "gid://", "é", " | first"]
    for _ in range(1500):
        start = draw.randrange(len(good))
        end = min(len(good), start + draw.choice((0, 1, 2, 9)))
        found = inspect(good[:start] + draw.choice(odd) + good[end:])
        assert found.workflow is not None or found.problems
