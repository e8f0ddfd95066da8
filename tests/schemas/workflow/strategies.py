"""Random workflows: exports as plain JSON, independent of our writers, and the generator's own as trees."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import strategies as st

from pipelines.generator.draw import Draw
from pipelines.generator.language import draw_workflow
from schemas.workflow import Workflow

HOSTILE = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",)),
        st.sampled_from(list("'\"\\{}[]%$\n\r\t \u200f\u202e\u2028\ufeff\x00\U0001f600éשи،")),
    ),
    max_size=24,
)
LIQUID = st.sampled_from(
    [
        "{{ order.name }}",
        "{% for x in order.lineItems %}{{x.title}}{% endfor %}",
        "{{runCode.total}}",
        "{{ count }} of {{sum}}",
    ]
)
TEXT = st.one_of(
    HOSTILE, LIQUID, st.sampled_from(["", "0", "true", "None", '"""', "'''", "a\\", '"', "line\nline\\d"])
)
SEGMENT = st.sampled_from(
    [
        "id",
        "lineItems",
        "tags",
        "product",
        "address1",
        "loyalty_tier",
        "from",
        "class",
        "totalPriceSet",
        "transactionID",
        "_x",
        "X",
    ]
)
ROOT = st.sampled_from(
    [
        "order",
        "shop",
        "runCode",
        "runCode1",
        "getOrderData",
        "lineItemsForeachitem",
        "Order",
        "any",
        "odd_root",
        "order2",
    ]
)
PATH = st.builds(lambda root, rest: ".".join([root, *rest]), ROOT, st.lists(SEGMENT, max_size=4))
WORD = st.text("abcdef0123456789", min_size=4, max_size=8)


def _node(extra: dict[str, Any], uuid: str, parent: str | None) -> dict[str, Any]:
    return {"uuid": uuid, **({} if parent is None else {"parent_uuid": parent}), **extra}


@st.composite
def environment(draw: st.DrawFn, parent: str, text: str) -> dict[str, Any]:
    full = draw(st.sampled_from([{}, {"full_environment_path": text}, {"full_environment_path": ""}]))
    return _node({"value": text, "comparison_value_type": "EnvironmentValue", **full}, draw(WORD), parent)


@st.composite
def operation(
    draw: st.DrawFn, parent: str | None, depth: int, items: tuple[str, ...], root: bool = False
) -> dict[str, Any]:
    kinds = ["logical"] if root else ["comparison"] * 4 + (["logical", "array"] * 2 if depth else [])
    kind, uuid = draw(st.sampled_from(kinds)), draw(WORD)
    wrong = draw(st.integers(0, 15)) == 0 and parent is not None
    above = draw(WORD) if wrong else parent
    place = (
        st.one_of(PATH, st.sampled_from([f"{item}.title" for item in items] + list(items))) if items else PATH
    )
    if kind == "logical":
        sides = draw(st.sampled_from([["lhs"], ["lhs", "rhs"], ["lhs", "rhs"]] + ([[]] if root else [])))
        body = {side: draw(operation(uuid, max(depth - 1, 0), items)) for side in sides}
        return _node(
            {**body, "operator": draw(st.sampled_from(["AND", "OR"])), "operation_type": "LogicalExpression"},
            uuid,
            above,
        )
    if kind == "array":
        source = draw(place)
        item = draw(st.sampled_from([source.split(".")[-1] + "_item", "li", "lineItems_item"]))
        return _node(
            {
                "array_path": draw(environment(uuid, source)),
                "array_item_key": _node(
                    {"value": item, "comparison_value_type": "EnvironmentValue"}, draw(WORD), uuid
                ),
                "operation": draw(operation(uuid, depth - 1, (*items, item))),
                "operator": draw(st.sampled_from(["ANY", "ALL", "NONE"])),
                "operation_type": "ArrayExpression",
            },
            uuid,
            above,
        )
    value_type, literal = draw(
        st.one_of(
            st.tuples(st.just("EnvironmentScalarDefinition:String"), st.one_of(TEXT, st.just("a,b,,c"))),
            st.tuples(
                st.just("EnvironmentScalarDefinition:Int"),
                st.sampled_from(["0", "-5", "007", "100", "-0", "1e3"]),
            ),
            st.tuples(
                st.just("EnvironmentScalarDefinition:Float"),
                st.sampled_from(["1.5", "1.50", "100", "-0.0", "0.1"]),
            ),
            st.tuples(
                st.just("EnvironmentScalarDefinition:Boolean"), st.sampled_from(["true", "false", "TRUE"])
            ),
            st.tuples(st.just("EnvironmentEnumDefinition:OrderRiskLevel"), st.just("HIGH")),
        )
    )
    operator = draw(
        st.sampled_from(
            [
                "==",
                "!=",
                ">",
                ">=",
                "<",
                "<=",
                "include?",
                "not_include?",
                "start_with?",
                "not_start_with?",
                "end_with?",
                "not_end_with?",
                "in?",
                "not_in?",
                "empty_or_nil?",
                "not_empty_and_not_nil?",
                "nil?",
                "not_nil?",
                "new_one?",
            ]
        )
    )
    unary = operator.endswith("nil?")
    right: dict[str, Any] = {"value": "" if unary else literal, "comparison_value_type": "LiteralValue"}
    rhs = _node(right, draw(WORD), uuid)
    if not unary and draw(st.integers(0, 4)) == 0:
        rhs = draw(environment(uuid, draw(place)))
    parts = {"lhs": draw(environment(uuid, draw(place))), "rhs": rhs}
    if unary and draw(st.booleans()):
        del parts["rhs"]
    return _node(
        {**parts, "value_type": value_type, "operator": operator, "operation_type": "Comparison"}, uuid, above
    )


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


JSON_LEAF = st.one_of(
    TEXT, st.integers(-(10**12), 10**12), st.booleans(), st.none(), st.sampled_from([0.5, 1.0, 1e30])
)
JSON_OBJECT = st.dictionaries(
    st.one_of(WORD, st.sampled_from(["key", "from", "a-b", "ключ"])),
    st.recursive(
        JSON_LEAF,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORD, inner, max_size=3)),
        max_leaves=5,
    ),
    max_size=4,
)
SPACED = st.sampled_from([(",", ":"), (", ", ": ")])
OBJECT_TEXT = st.builds(
    lambda value, style: json.dumps(value, ensure_ascii=False, separators=style), JSON_OBJECT, SPACED
)
REFERENCE = st.one_of(
    st.builds(
        lambda v, d: _compact({"value": v, "default_value": d}),
        st.sampled_from(["", "{{ order.id }}", "{{order.id}}", "gid://x/1", "order.id"]),
        st.sampled_from(["", "order.id", "Order.id", "gid://x/1", "{{ order.id }}"]),
    ),
    st.sampled_from(
        [
            "",
            "order.id",
            "Order.id",
            "{{ order.id }}",
            "{{order.id}}",
            "{broken",
            "12",
            '{"value":1,"default_value":""}',
        ]
    ),
)
CONDITION = st.one_of(
    st.just(""),
    operation(None, 3, (), root=True).map(_compact),
    st.sampled_from(
        ["(order.totalPrice > 100)", "( order.tags any? |t| (t=='vip') )", r"(order.note include? 'it\'s')"]
    ),
)
FIELDS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "shopify::admin::add_order_tags": {
        "order_id": REFERENCE,
        "tags": st.one_of(st.lists(TEXT, max_size=3).map(_compact), TEXT),
    },
    "shopify::flow::send_email": {"address": TEXT, "subject": TEXT, "message": TEXT},
    "shopify::flow::send_http": {
        "method": st.just("POST"),
        "headers": st.one_of(
            st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=3).map(_compact), OBJECT_TEXT
        ),
        "body": OBJECT_TEXT,
    },
    "shopify::admin::admin_api_operation": {
        "api_call": st.one_of(
            st.builds(
                lambda blob: _compact({"name": "orderCancel", "blob": blob}), st.one_of(OBJECT_TEXT, TEXT)
            ),
            st.just('{"name":"","blob":""}'),
        )
    },
    "shopify::flow::run_code": {"input": TEXT, "script": TEXT, "output_schema": TEXT},
    "shopify::flow::count": {"listpath": st.one_of(PATH, TEXT)},
    "shopify::flow::sum": {"numberpath": st.one_of(PATH, st.just("getOrderData.totalPriceSet.amount"))},
    "shopify::flow::fetch::orders": {
        "sort_by": OBJECT_TEXT,
        "max_root_records": st.sampled_from(["100", "010", "{{ x }}"]),
        "query": TEXT,
    },
    "b99ddae5-9dbe-4829-bbce-5d6200aa1216": {
        "row": TEXT,
        "my-field": TEXT,
        "task_version": TEXT,
        "step_name": TEXT,
        "class": TEXT,
    },
    "other::app::do_it": {"thing_id": REFERENCE},
}
PORTS = {
    "TRIGGER": ["output"],
    "ACTION": ["output"],
    "WAIT": ["output"],
    "CONDITION": ["true", "false"],
    "FOREACH": ["loop_body", "after"],
}


@st.composite
def steps(draw: st.DrawFn, kind: str, number: int) -> dict[str, Any]:
    version, fields = "0.1", {}
    if kind == "TRIGGER":
        task = draw(
            st.sampled_from(
                [
                    "shopify::admin::order_created",
                    "shopify::flow::scheduled_time",
                    "3a1f095d-4250-4b2f-8238-e48b662f0d6c",
                    "shopify::admin::metaobject_created",
                ]
            )
        )
        if task.endswith("scheduled_time"):
            fields = {
                "recurrence": st.one_of(
                    st.just(
                        _compact(
                            [
                                "DTSTART;TZID=Europe/Zagreb:20260923T233000\nRRULE:FREQ=HOURLY;INTERVAL=1;WKST=MO"
                            ]
                        )
                    ),
                    st.just(_compact(["DTSTART:1"])),
                    TEXT,
                )
            }
        elif task.endswith("metaobject_created"):
            fields = {"type": TEXT}
    elif kind == "CONDITION":
        task, fields = "shopify::flow::condition", {"condition": CONDITION}
    elif kind == "FOREACH":
        task, fields = "shopify::flow::foreach", {"listpath": st.one_of(PATH, st.just(""))}
    elif kind == "WAIT":
        task, fields = "shopify::flow::wait", {"duration": TEXT}
    else:
        task = draw(st.sampled_from(sorted(FIELDS)))
        fields = FIELDS[task]
        version = draw(st.sampled_from(["0.1", "1.0", "v1"]))
    present = draw(st.permutations(sorted(fields)))[: draw(st.integers(0, len(fields)))]
    values = [
        {
            "config_field_id": field,
            "value": draw(
                st.one_of(fields[field], fields[field], fields[field], st.none())
                if kind != "FOREACH"
                else fields[field]
            ),
        }
        for field in present
    ]
    return {
        "step_id": f"{draw(WORD)}-{number}",
        "step_position": [draw(st.integers(-500, 500)), number],
        "config_field_values": values,
        "task_id": task,
        "task_version": version,
        "task_type": kind,
        "description": draw(st.one_of(st.none(), TEXT)),
        "note": draw(st.one_of(st.none(), TEXT)),
        "name": draw(
            st.one_of(
                st.none(),
                st.none(),
                st.sampled_from(["Run code", "Run code (1)", "Count", "Get order data", "Own name"]),
            )
        ),
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A whole export as JSON: any graph, cycles, joins and loose steps included."""
    kinds = [
        "TRIGGER",
        *draw(
            st.lists(st.sampled_from(["ACTION"] * 4 + ["CONDITION"] * 2 + ["FOREACH", "WAIT"]), max_size=9)
        ),
    ]
    kinds = draw(st.permutations(kinds))
    made = [draw(steps(kind, number)) for number, kind in enumerate(kinds)]
    ends = [step for step in made if step["task_type"] != "TRIGGER"]
    links = []
    for _ in range(draw(st.integers(0, 12)) if ends else 0):
        start = draw(st.sampled_from(made))
        links.append(
            {
                "from_step_id": start["step_id"],
                "from_port_id": draw(st.sampled_from(PORTS[start["task_type"]])),
                "to_step_id": draw(st.sampled_from(ends))["step_id"],
                "to_port_id": "input",
            }
        )
    patched = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "id": WORD,
                    "handle": WORD,
                    "field": st.sampled_from(["metafield", "odd name"]),
                    "patched_type": st.sampled_from(["Customer", "PRODUCT_VARIANT", "metaobject_1"]),
                    "arguments": OBJECT_TEXT,
                    "merchant_configured": st.booleans(),
                }
            ),
            max_size=2,
        )
    )
    root: dict[str, Any] = {"steps": made, "links": links}
    if draw(st.booleans()):
        root |= {"patched_fields": patched, "variables": [], "note": draw(st.one_of(st.none(), TEXT))}
    return {
        "__metadata": {"version": 0.1},
        "root": {**root, "workflow_name": draw(st.one_of(TEXT, st.just("Tag VIP orders")))},
    }


class _Drawn(Draw):
    """The generator's draws, each of them made by Hypothesis: what it shrinks are the generator's choices."""

    def __init__(self, source: random.Random) -> None:
        super().__init__(0)
        self.source = source

    def random(self) -> float:
        return self.source.random()

    def getrandbits(self, k: int) -> int:
        return self.source.getrandbits(k)


def workflows(*, valid: bool) -> st.SearchStrategy[Workflow]:
    """Workflows of the whole language, in canonical order and normal form."""
    return st.randoms(use_true_random=False).map(lambda source: draw_workflow(_Drawn(source), valid=valid))
