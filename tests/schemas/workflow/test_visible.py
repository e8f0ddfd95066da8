"""What each step of a workflow may use, and what type lies behind it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path as File

import pytest

from schemas.catalog.catalogue import Catalogue, Task
from schemas.catalog.environment import UNKNOWN, Resolved
from schemas.workflow import from_python, read
from schemas.workflow.environment import Environment, environment_of, visible
from schemas.workflow.model import (
    ApiCall,
    Compare,
    Condition,
    ConditionValue,
    Json,
    Link,
    Logic,
    PatchedField,
    Path,
    PathValue,
    Quantifier,
    Reference,
    Step,
    Text,
    Workflow,
    path,
)

TRIGGER = Step("TRIGGER", "shopify::admin::order_created", "0.1")
ORDERS = Step("ACTION", "shopify::flow::fetch::orders", "v1")
CUSTOMERS = Step("ACTION", "shopify::flow::fetch::customers", "v1")
NOTE = Step("ACTION", "shopify::admin::update_order_note", "0.1")
BRANCH = Step("CONDITION", "shopify::flow::condition", "0.1", (("condition", ConditionValue(None)),))


def loop(source: str) -> Step:
    return Step("FOREACH", "shopify::flow::foreach", "0.1", (("listpath", PathValue(path(source))),))


def workflow(steps: list[Step], *links: tuple[int, str, int]) -> Workflow:
    return Workflow("w", (TRIGGER, *steps), tuple(Link(*link) for link in links))


def own(found: Workflow, step: int) -> dict[str, str]:
    """What a step sees beyond `shop` and `order`."""
    roots = dict(visible(found)[step])
    assert (roots.pop("shop"), roots.pop("order")) == ("Shop", "Order")
    return roots


def test_outputs_are_seen_by_the_steps_that_come_after_and_are_numbered() -> None:
    found = workflow([ORDERS, ORDERS, NOTE], (0, "output", 1), (1, "output", 2), (2, "output", 3))
    assert [own(found, step) for step in range(4)] == [
        {},
        {},
        {"getOrderData": "[Order]"},
        {"getOrderData": "[Order]", "getOrderData1": "[Order]"},
    ]
    environment = environment_of(found)
    assert environment.root(1, "getOrderData") is None
    assert environment.missing(1, "getOrderData.id") == "getOrderData"
    assert environment.resolve(1, "getOrderData.id") == UNKNOWN
    assert environment.resolve(3, "getOrderData1.id").kind == "scalar in list"


def test_a_step_beside_another_does_not_see_its_output() -> None:
    found = workflow([BRANCH, ORDERS, NOTE], (0, "output", 1), (1, "true", 2), (1, "false", 3))
    assert own(found, 3) == {}


def test_where_branches_join_a_step_sees_what_any_of_them_brings() -> None:
    found = workflow(
        [BRANCH, ORDERS, CUSTOMERS, NOTE],
        (0, "output", 1),
        (1, "true", 2),
        (1, "false", 3),
        (2, "output", 4),
        (3, "output", 4),
    )
    assert own(found, 4) == {"getOrderData": "[Order]", "getCustomerData": "[Customer]"}


def test_an_unconnected_step_sees_the_trigger_and_its_own_chain() -> None:
    found = workflow([ORDERS, CUSTOMERS, NOTE], (0, "output", 1), (2, "output", 3))
    assert own(found, 2) == {}
    assert own(found, 3) == {"getCustomerData": "[Customer]"}


def test_the_item_of_a_loop_is_seen_in_its_body_only() -> None:
    found = workflow(
        [loop("order.lineItems"), loop("lineItemsForeachitem.product.variants"), NOTE, NOTE, NOTE],
        (0, "output", 1),
        (1, "loop_body", 2),
        (2, "loop_body", 3),
        (2, "after", 4),
        (1, "after", 5),
    )
    outer = {"lineItemsForeachitem": "LineItem"}
    assert [own(found, step) for step in (1, 2, 3, 4, 5)] == [
        {},
        outer,
        {**outer, "variantsForeachitem": "ProductVariant"},
        outer,
        {},
    ]
    environment = environment_of(found)
    assert environment.missing(5, "lineItemsForeachitem.id") == "lineItemsForeachitem"
    assert environment.missing(3, "variantsForeachitem.prize") == "variantsForeachitem.prize"
    assert environment.resolve(3, "variantsForeachitem.price").type == "Money"


def test_an_inner_loop_hides_an_item_of_the_same_name_and_other_paths_that_disagree_hide_the_type() -> None:
    nested = workflow(
        [loop("order.metafields"), loop("shop.tags"), loop("order.tags"), NOTE],
        (0, "output", 1),
        (1, "loop_body", 2),
        (2, "loop_body", 3),
        (3, "loop_body", 4),
    )
    assert own(nested, 3)["tagsForeachitem"] == ""  # a shop has no tags
    assert own(nested, 4)["tagsForeachitem"] == "String"
    joined = workflow(
        [
            BRANCH,
            loop("order.events"),
            loop("order.customer.events"),
            loop("order.refunds.order.events"),
            NOTE,
        ],
        (0, "output", 1),
        (1, "true", 2),
        (1, "false", 3),
        (2, "loop_body", 5),
        (3, "loop_body", 5),
    )
    assert own(joined, 5) == {"eventsForeachitem": "Event"}
    apart = workflow(
        [loop("order.lineItems"), loop("order.refunds.refundLineItems.lineItems"), NOTE],
        (0, "output", 1),
        (0, "output", 2),
        (1, "loop_body", 3),
        (2, "loop_body", 3),
    )
    assert own(apart, 3) == {"lineItemsForeachitem": ""}


def test_a_loop_over_what_is_no_list_has_an_unknown_item() -> None:
    for source in ("order.customer", "order.id", "order.nothing", "nothing"):
        found = workflow([loop(source), NOTE], (0, "output", 1), (1, "loop_body", 2))
        assert list(own(found, 2).values()) == [""]


def test_a_cycle_and_a_loop_over_itself_are_no_hindrance() -> None:
    found = workflow(
        [loop("lineItemsForeachitem.lineItems"), NOTE],
        (0, "output", 1),
        (1, "loop_body", 2),
        (2, "output", 1),
    )
    assert own(found, 2) == {"lineItemsForeachitem": ""}


def test_links_to_nowhere_are_passed_over() -> None:
    found = workflow([ORDERS, NOTE], (0, "output", 1), (1, "output", 9), (-1, "output", 2), (1, "output", 2))
    assert own(found, 2) == {"getOrderData": "[Order]"}


def test_a_named_step_brings_its_name() -> None:
    named = Step("ACTION", "shopify::flow::count", "0.1", name="Count of gifts (1)")
    app = Step("ACTION", "b99ddae5-9dbe-4829-bbce-5d6200aa1216", "0.1", name="Add row")
    found = workflow([named, app, NOTE], (0, "output", 1), (1, "output", 2), (2, "output", 3))
    assert own(found, 3) == {"countOfGifts1": "Int", "addRow": ""}
    assert environment_of(found).missing(3, "addRow.any.thing") == ""


SCHEDULED = """
@scheduled(every="day", at="17:00", timezone="America/New_York", starting="2022-07-19")
def w(scheduled_at):
    send_email(address="a@example.com", subject="s", message="m")
"""


def test_only_a_scheduled_trigger_brings_its_time() -> None:
    assert dict(visible(from_python(SCHEDULED))[1]) == {"shop": "Shop", "scheduledAt": "DateTime"}
    assert environment_of(workflow([NOTE])).root(1, "scheduledAt") is None
    assert environment_of(workflow([NOTE])).root(1, "customer") is None


def test_an_apps_trigger_may_bring_anything_but_what_steps_bring() -> None:
    app = Step("TRIGGER", "00000000-1111-4222-8333-444444444444", "1.0")
    environment = environment_of(Workflow("w", (app, NOTE), ()))
    assert environment.is_open
    assert environment.root(1, "customer") == "Customer"
    assert environment.root(1, "points") == ""
    assert environment.missing(1, "points.any.thing") == ""
    for name in ("scheduledAt", "getOrderData2", "count", "lineItemsForeachitem"):
        assert environment.root(1, name) is None
    assert not environment_of(workflow([])).is_open


def test_a_shops_own_catalogue_says_what_its_apps_bring() -> None:
    start = Task(
        id="my-app::start", kind="TRIGGER", label="", publisher="", known=True, returns={"points": "Int"}
    )
    fetch = Task(
        id="my-app::fetch", kind="ACTION", label="", publisher="", known=True, returns={"got": "[Product]"}
    )
    steps = (Step("TRIGGER", start.id, "1"), *[Step("ACTION", fetch.id, "1")] * 2, NOTE)
    found = Workflow("w", steps, tuple(Link(number, "output", number + 1) for number in range(3)))
    environment = environment_of(found, Catalogue(tasks={start.id: start, fetch.id: fetch}))
    assert dict(environment.roots(3)) == {
        "shop": "Shop",
        "points": "Int",
        "got": "[Product]",
        "got1": "[Product]",
    }
    assert environment.root(1, "got") == ""  # the trigger is an app's, which may bring it
    assert list(visible(found)[3]) == ["shop"]


CODE = '''
@order_created
@patched_field("Order", "gift", metafield(key="gift", namespace="custom"))
@patched_field("Customer", "points", metafield(key="points", namespace="custom"))
@patched_field("Product", "inSale", inCollection(id="gid://shopify/Collection/1"))
@patched_field("Product", "german", translations(locale="de"))
@patched_field("Product", "odd", nothingLikeIt(id="1"))
def w(order):
    result = run_code(
        input="query { order { id } }",
        script="export default function main(input) { return {}; }",
        output_schema="""type Output {
          "A total"
          total: Int!
          lines: [Line!]!
          size: Size
        }
        type Line { sku: String order: Unheard }
        enum Size { S L }""",
    )
    admin_api_operation(api_call=orderCancel(orderId="1"))
    admin_api_operation(api_call=noSuchMutation(id="1"))
    add_order_metafield(
        order_id=order.id,
        metafield={"namespace": "custom", "key": "gift", "type": "money"},
        value="{{ runCode.total }}",
    )
'''


@pytest.fixture(scope="module")
def code() -> Environment:
    return environment_of(from_python(CODE))


@pytest.mark.parametrize(
    ("asked", "kind", "type_name"),
    [
        ("runCode.total", "scalar", "Int"),
        ("runCode.lines", "list", "runCode.Line"),
        ("runCode.lines.sku", "scalar in list", "String"),
        ("runCode.size", "scalar", "runCode.Size"),
        ("runCode.lines.order", "unknown", ""),
        ("runCode.lines.order.id", "unknown", ""),
        ("sendAdminApiRequest.userErrors.message", "scalar in list", "String"),
        ("sendAdminApiRequest.orderCancel.job.done", "scalar", "Boolean"),
        ("sendAdminApiRequest1.any", "unknown", ""),
        ("order.gift.value.amount", "scalar", "Decimal"),
        ("order.gift.namespace", "scalar", "String"),
        ("order.customer.points.value", "unknown", ""),
        ("order.lineItems.product.inSale", "scalar in list", "Boolean"),
        ("order.lineItems.product.german.value", "scalar in list", "String"),
        ("order.lineItems.product.odd.any", "unknown", ""),
    ],
)
def test_outputs_and_patched_fields_have_types(
    code: Environment, asked: str, kind: str, type_name: str
) -> None:
    found = code.resolve(4, asked)
    assert (found.kind, found.type) == (kind, type_name)
    assert code.missing(4, asked) == ""


@pytest.mark.parametrize(
    "asked", ["runCode.totl", "runCode.lines.skew", "order.gift.value.cents", "sendAdminApiRequest.order"]
)
def test_a_field_that_an_output_or_a_patched_field_lacks_is_missing(code: Environment, asked: str) -> None:
    assert code.missing(4, asked) == asked
    assert code.resolve(4, asked) == UNKNOWN


def test_fields_of_a_type_come_with_what_the_workflow_adds(code: Environment) -> None:
    assert code.fields("runCode.Line") == {"sku": "String", "order": ""}
    assert code.fields("Order")["gift"] == "Metafield(MoneyV2)"
    assert code.fields("Order")["id"] == "ID"
    assert code.local.enums["runCode.Size"] == ("S", "L")


def test_metafields_that_steps_disagree_about_or_that_are_lists() -> None:
    found = environment_of(
        from_python(
            """
@product_added
@patched_field("Product", "a", metafield(key="a", namespace="x"))
@patched_field("Product", "b", metafield(key="b", namespace="x"))
@patched_field("metaobject_12", "colour", colour(key="colour"), merchant_configured=False)
def w(product):
    add_product_metafield(metafield={"namespace": "x", "key": "a", "type": "date"}, value="")
    add_product_metafield(metafield={"namespace": "x", "key": "a", "type": "id"}, value="")
    add_product_metafield(metafield={"namespace": "x", "key": "b", "type": "list.number_integer"}, value="")
"""
        )
    )
    assert found.resolve(1, "product.a.value") == UNKNOWN
    assert found.resolve(1, "product.b.value") == Resolved("list", "Int", "scalar", ())
    assert found.fields("Metaobject")["colour"] == ""


def test_code_without_a_readable_schema_may_give_anything() -> None:
    for schema in ("", "type Output {", "type Other { a: Int }", "\x00"):
        step = Step("ACTION", "shopify::flow::run_code", "0.1", (("output_schema", Text(schema)),))
        environment = environment_of(workflow([step, NOTE], (0, "output", 1), (1, "output", 2)))
        assert environment.root(2, "runCode") == ""
        assert environment.missing(2, "runCode.any") == ""


def test_two_code_steps_of_one_name_keep_their_types_apart() -> None:
    steps = [
        Step("ACTION", "shopify::flow::run_code", "0.1", (("output_schema", Text(schema)),), name="Code")
        for schema in ("type Output { a: Int }", "type Output { b: Date }")
    ]
    found = workflow([*steps, NOTE], (0, "output", 1), (1, "output", 2), (2, "output", 3))
    environment = environment_of(found)
    assert environment.resolve(2, "code.a").type == "Int"
    assert environment.resolve(3, "code.b").type == "Date"
    assert environment.missing(3, "code.a") == "code.a"


def test_the_largest_graph_that_the_language_takes_is_answered_loops_and_cycles_in_it() -> None:
    draw = random.Random(5).randrange
    steps = [loop("lineItemsForeachitem.product") if number % 2 else ORDERS for number in range(999)]
    links = [
        (a, "loop_body" if a and a % 2 == 0 else "output", b)
        for a, b in zip(range(999), range(1, 1000), strict=True)
    ]
    links += [(draw(1000), "loop_body", draw(1, 1000)) for _ in range(9000)]
    environment = environment_of(workflow(steps, *links))
    assert environment.root(999, "getOrderData") == "[Order]"
    assert environment.root(999, "productForeachitem") == ""


def test_a_thousand_loops_that_wait_for_each_other_are_no_hindrance() -> None:
    steps = [loop("partsForeachitem.parts") for _ in range(998)] + [loop("order.parts")]
    found = workflow(steps, *((step + 1, "loop_body", step) for step in range(1, 999)))
    assert own(found, 1) == {"partsForeachitem": ""}


def test_a_handle_that_is_the_name_of_a_field_has_no_known_type() -> None:
    found = environment_of(
        from_python(
            """
@order_created
@patched_field("Order", "id", metafield(key="a", namespace="x"))
@patched_field("metaobject_12", "handle", handle(key="handle"), merchant_configured=False)
def w(order):
    pass
"""
        )
    )
    assert found.resolve(0, "order.id") == UNKNOWN
    assert found.missing(0, "order.id.value") == ""
    assert found.resolve(0, "order.name").type == "String"
    assert found.fields("Metaobject")["handle"] == ""


@pytest.mark.parametrize(
    "arguments",
    ["", "[" * 100_000, "[]", "7", '{"key": {"a": 1}}', '{"key": [], "namespace": null}', "{}"],
    ids=len,
)
def test_odd_arguments_of_a_patched_field_name_no_metafield(arguments: str) -> None:
    odd = (PatchedField("Order", "gift", "metafield", arguments),)
    writes = [
        Step("ACTION", "shopify::admin::add_order_metafield", "1.0", (("metafield", Json(text)),))
        for text in (arguments, '{"type": "date", "key": {"a": 1}}', '{"type": 1}')
    ]
    found = environment_of(Workflow("w", (TRIGGER, *writes), (), odd))
    assert found.resolve(0, "order.gift.key").type == "String"
    assert found.missing(0, "order.gift.value.amount") == ""


def test_the_older_way_to_write_a_metafield_names_its_type_too() -> None:
    found = environment_of(
        from_python(
            """
@order_created
@patched_field("Order", "day", metafield(key="day", namespace="x"))
def w(order):
    add_order_metafield(namespace="x", key="day", value="", value_type="date", task_version="0.1")
"""
        )
    )
    assert found.resolve(1, "order.day.value").type == "Date"


def _used(
    condition: Condition, items: Mapping[str, str], at: Environment, step: int
) -> Iterator[tuple[str, dict[str, str]]]:
    match condition:
        case Compare(left=left, right=right):
            yield left.text, dict(items)
            if isinstance(right, Path):
                yield right.text, dict(items)
        case Logic(terms=terms):
            for term in terms:
                yield from _used(term, items, at, step)
        case Quantifier(source=source, item=item, body=body):
            yield source.text, dict(items)
            bound = {**items, item: at.resolve(step, source.text, items).type}
            yield from _used(body, bound, at, step)


LIQUID = re.compile(
    r"\{%-?\s*(?P<tag>for|assign)\s+(?P<name>\w+)(?:\s+in\s+(?P<source>[\w.]+))?|\{\{-?\s*(?P<path>[A-Za-z_][\w.]*)"
)


def _liquid(text: str, at: Environment, step: int) -> Iterator[tuple[str, dict[str, str]]]:
    items: dict[str, str] = {}
    for found in LIQUID.finditer(text):
        if found["tag"] == "for":
            yield found["source"], dict(items)
            items[found["name"]] = at.resolve(step, found["source"], items).type
        elif found["tag"]:
            items[found["name"]] = "String"
        else:
            yield found["path"], dict(items)


def _paths(found: Workflow, at: Environment) -> Iterator[tuple[int, str, dict[str, str]]]:
    for number, step in enumerate(found.steps):
        for _, value in step.fields:
            match value:
                case PathValue(path=place) | Reference(target=Path() as place):
                    yield number, place.text, {}
                case ConditionValue(condition=condition) if condition is not None:
                    for text, items in _used(condition, items={}, at=at, step=number):
                        yield number, text, items
                case Text(text=str() as text) | Json(text=text) | ApiCall(arguments=str() as text):
                    for place, items in _liquid(text, at, number):
                        yield number, place, items
                case ApiCall(blob=text):
                    for place, items in _liquid(text, at, number):
                        yield number, place, items


@pytest.mark.parametrize(("folder", "least"), [("flow_exports", 45), ("flow_format_thirdparty", 25)])
def test_every_path_of_the_real_files_leads_somewhere(shared_data: File, folder: str, least: int) -> None:
    num_paths = 0
    unknown = set()
    for file in sorted((shared_data / folder).glob("*.flow")):
        found = read(file.read_text(encoding="utf-8")).workflow
        environment = environment_of(found)
        for step, text, items in _paths(found, environment):
            num_paths += 1
            assert environment.missing(step, text, items) == "", (file.name, step, text)
            if environment.resolve(step, text, items) == UNKNOWN:
                unknown.add(text)
    assert num_paths >= least
    # The form that the trigger waits for decides what its entries hold.
    assert unknown == ({"metaobject.formSubmittedBy.id"} if folder == "flow_format_thirdparty" else set())
