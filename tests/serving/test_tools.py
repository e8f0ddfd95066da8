"""The tools: what they find, what they say about it, and that nothing a model sends is an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalog.tasks import TASKS, default_version
from schemas.tools import CONFIGURE, CONTRACT, SAVE, Contract, canonical_json
from schemas.workflow import from_python, to_python
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.serving.tool_calls import ask, keys

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["a"])\n'
EVERY = [tool.name for tool in CONTRACT.tools]
SHEET = "b99ddae5-9dbe-4829-bbce-5d6200aa1216"
LOOKED_UP = [task for task in TASKS.values() if task.kind not in ("CONDITION", "FOREACH")]


def configure(task_id: str, version: str = "0.1") -> dict[str, Any]:
    answer = ask(CONFIGURE, {"tasks": [{"id": task_id, "version": version}]})
    (found,) = answer["data"]["tasks"]
    assert tuple(found) == keys(CONFIGURE, "task")
    return dict(found)


def save(python: str, shop: InMemoryShop | None = None, **more: object) -> dict[str, Any]:
    return ask(SAVE, {"workflow_python": python, **more}, shop)


def errors(python: str, shop: InMemoryShop | None = None) -> dict[str, list[tuple[str, str, str | None]]]:
    found = save(python, shop)["data"]["validation_errors"]
    assert tuple(found) == keys(SAVE, "validation_errors")
    for bucket in found.values():
        assert all(tuple(error) == keys(SAVE, "validation_error") for error in bucket)
    return {
        name: [(error["code"], error["stepId"], error["configFieldId"]) for error in bucket]
        for name, bucket in found.items()
        if bucket
    }


# -- task_configuration ---------------------------------------------------------------------------------


def test_a_configuration_says_how_to_write_the_task() -> None:
    found = configure("shopify::admin::add_order_tags")
    assert [field["id"] for field in found["config_fields"]] == ["order_id", "tags"]
    assert all(tuple(field) == keys(CONFIGURE, "config_field") for field in found["config_fields"])
    assert found["config_fields"][0]["possible_object_types"] == ["Order"]
    assert (found["task_type"], found["input_port_id"], found["output_port_ids"]) == (
        "ACTION",
        "input",
        ["output"],
    )
    assert "add_order_tags(order_id=..., tags=...)" in found["config_instructions"]
    assert found["error"] is None


def test_a_field_says_what_it_takes() -> None:
    method, url, *_ = configure("shopify::flow::send_http")["config_fields"]
    assert method["validations"] == [
        {
            "error_message": "Take one of the options.",
            "id": "Includes",
            "options": ["GET", "POST", "PUT", "DELETE", "PATCH"],
        }
    ]
    assert (method["supports_liquid"], url["supports_liquid"]) == (False, True)
    assert (url["label"], url["description"], url["validations"]) == ("URL", "What to call. Required.", [])
    most = configure("shopify::flow::fetch::orders", "v1")["config_fields"][1]
    assert [(each["id"], each["options"]) for each in most["validations"]] == [
        ("Range", {"maximum": 100, "minimum": 1})
    ]
    assert "A whole number." in most["description"]


def test_a_version_has_its_own_fields_and_its_own_python() -> None:
    old = configure("shopify::admin::add_order_metafield", "0.1")
    new = configure("shopify::admin::add_order_metafield", "1.0")
    assert [field["id"] for field in new["config_fields"]] == ["order_id", "metafield", "value"]
    assert "value_type" in [field["id"] for field in old["config_fields"]]
    assert "task_version" not in new["config_instructions"]
    written = old["config_instructions"].partition("Python: ")[2].removesuffix(".").replace("=...", '="1"')
    step = from_python(f"@order_created\ndef f(order):\n    {written}\n").steps[1]
    assert (step.task_id, step.version) == ("shopify::admin::add_order_metafield", "0.1")


def test_a_guessed_field_is_marked() -> None:
    (field,) = configure("shopify::admin::archive_order")["config_fields"]
    assert field["description"].startswith("Unconfirmed")
    assert "Required" not in field["description"]
    assert "Unconfirmed" not in canonical_json(configure("shopify::admin::add_order_tags"))


def test_what_a_step_gives_has_a_type() -> None:
    assert configure("shopify::flow::fetch::orders", "v1")["return_fields"] == [
        {"name": "getOrderData", "type": "[Order]"}
    ]
    answer = configure("shopify::flow::send_http")["return_fields"]
    assert {"name": "sendHttpRequest.statusCode", "type": "Int"} in answer
    assert {"name": "sendHttpRequest.body", "type": "String"} in answer
    assert configure("shopify::flow::count")["return_fields"] == [{"name": "count", "type": "Int"}]
    assert configure("shopify::flow::run_code")["return_fields"] == [{"name": "runCode", "type": "unknown"}]


def test_a_trigger_has_no_input_and_returns_what_it_provides() -> None:
    found = configure("shopify::admin::order_created")
    assert found["input_port_id"] is None
    assert found["return_fields"] == [{"name": "order", "type": "Order"}]
    assert tuple(found["return_fields"][0]) == keys(CONFIGURE, "return_field")


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.label)
def test_every_task_of_the_catalogue_has_a_configuration(task: Any) -> None:
    found = configure(task.id, default_version(task.id))
    assert found["error"] is None
    assert ("Unconfirmed" in found["config_instructions"]) == (not task.known)


@pytest.mark.parametrize(
    ("task_id", "version", "code"),
    [
        ("shopify::admin::no_such_thing", "0.1", "TASK_NOT_FOUND"),
        ("", "", "TASK_NOT_FOUND"),
        ("shopify::admin::order_created", "9.9", "TASK_NOT_AVAILABLE"),
    ],
)
def test_an_unknown_task_is_an_error_inside_the_answer(task_id: str, version: str, code: str) -> None:
    found = configure(task_id, version)
    assert found["error"]["code"] == code
    assert tuple(found["error"]) == keys(CONFIGURE, "error")
    assert not found["config_fields"]
    assert found["config_instructions"] is None


def test_the_instructions_are_python_that_can_be_read() -> None:
    num_read = 0
    for task in LOOKED_UP:
        said = configure(task.id, default_version(task.id))["config_instructions"]
        written = said.partition("Python: ")[2].removesuffix(".").replace("=...", '="1"')
        if task.kind == "TRIGGER":
            from_python(written.replace(" above ", "\n") + ":\n    pass\n")
        elif set(task.fields.values()) <= {"text"}:
            assert from_python(f"@order_created\ndef f(order):\n    {written}\n").steps[1].task_id == task.id
        else:
            continue
        num_read += 1
    assert num_read > 100


def test_only_what_was_asked_is_answered_in_order() -> None:
    asked = [{"id": "shopify::flow::send_email", "version": "0.1"}, {"id": "x", "version": "1"}]
    found = ask(CONFIGURE, {"tasks": asked})["data"]["tasks"]
    assert [{"id": task["id"], "version": task["version"]} for task in found] == asked


# -- create_or_update_workflow --------------------------------------------------------------------------


def test_a_workflow_is_saved_as_canonical_python() -> None:
    shop = InMemoryShop()
    answer = save(TAG.replace("[", "[ ").replace("\n    ", "\n  "), shop)
    assert tuple(answer["data"]) == keys(SAVE, "data")
    assert answer["data"]["workflow_id"] == "workflow-1"
    assert answer["data"]["workflow_version"] == 1
    saved = shop.newest("workflow-1")
    assert saved
    assert saved.python == TAG == to_python(from_python(TAG))


def test_an_update_makes_the_next_version_of_the_newest_only() -> None:
    shop = InMemoryShop()
    save(TAG, shop)
    other = TAG.replace('"a"', '"b"')
    answer = save(other, shop, workflow_id="workflow-1", workflow_version=1)
    assert answer["data"]["workflow_version"] == 2
    for version, identity, code in [
        (1, "workflow-1", "OUTDATED_WORKFLOW"),
        (1, "nobody", "RESOURCE_UNAVAILABLE"),
    ]:
        refused = save(TAG, shop, workflow_id=identity, workflow_version=version)
        assert refused["data"]["code"] == code
    assert save(TAG, shop, workflow_id="workflow-1")["data"]["code"] == "BAD_ARGUMENTS"
    assert save(TAG, shop, workflow_version=2)["data"]["code"] == "BAD_ARGUMENTS"
    newest = shop.newest("workflow-1")
    assert newest
    assert (newest.python, len(shop.workflows)) == (other, 1)


@pytest.mark.parametrize(
    ("python", "code", "position"),
    [
        ("@order_created\ndef f(order):\n    import os\n", "PYTHON_CONSTRUCT", "3:5"),
        ("__import__('os').system('true')", "PYTHON_CONSTRUCT", "1:1"),
        ("", "", None),
        ("@order_created\ndef f(order:\n", "", None),
        ("\x00", "", None),
    ],
)
def test_what_is_no_workflow_is_refused_with_its_position(
    python: str, code: str, position: str | None
) -> None:
    shop = InMemoryShop()
    refused = save(python, shop)
    assert not refused["ok"]
    assert refused["data"]["message"]
    assert code in refused["data"]["code"]
    assert position is None or refused["data"]["position"] == position
    assert shop.workflows == {}


def test_what_flow_would_object_to_is_in_its_bucket() -> None:
    head = "@order_created\ndef f(order):\n"
    assert errors(TAG) == {}
    assert errors(
        head + '    if order.name > "x":\n        add_order_tags(order_id=order.id, tags=[])\n'
    ).keys() == {"conditionErrors"}
    assert errors(head + '    send_email(adress="a@example.com", subject="s", message="m")\n') == {
        "configFieldErrors": [
            ("CONFIG_FIELD_RESOLUTION_ERROR", "2", "adress"),
            ("CONFIG_FIELD_RESOLUTION_ERROR", "2", "address"),
        ]
    }
    assert errors(head + "    no_such_task(x=1)\n") == {"taskErrors": [("TASK_NOT_FOUND", "2", None)]}
    sheet = head + f'    task("{SHEET}", "0.1", spreadsheet="s", worksheet="w", row="a")\n'
    assert errors(sheet) == {"taskErrors": [("TASK_NOT_AVAILABLE", "2", None)]}
    assert errors(sheet, InMemoryShop(apps=frozenset({SHEET}))) == {}
    old = TAG.replace("add_order_tags(", 'task("shopify::admin::add_order_tags", "7.7", ')
    assert errors(old) == {"taskErrors": [("TASK_NOT_AVAILABLE", "2", None)]}


def test_an_item_outside_its_loop_is_an_error_of_the_loop() -> None:
    mail = '{}send_email(address="a", subject="s", message="{{{{lineItemsForeachitem.title}}}}")\n'
    loop = "@order_created\ndef f(order):\n    for line_item in order.line_items:\n"
    assert errors(loop + mail.format("        ")) == {}
    assert errors(loop + mail.format("        ") + mail.format("    ")) == {
        "foreachBodyErrors": [("CONFIG_FIELD_PATH_VALIDATION_ERROR", "4", "message")]
    }


# -- whatever a model sends -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "junk",
        "[]",
        "null",
        "{}",
        '{"a":',
        "[" * 5000,
        '{"tasks":7}',
        '"\\ud800"',
        '{"workflow_python":"\\ud800"}',
    ],
)
def test_bad_arguments_are_an_answer(name: str, arguments: str) -> None:
    refused = ask(name, arguments)
    assert not refused["ok"]
    assert refused["tool"] == name
    assert refused["data"]["code"] == "BAD_ARGUMENTS"


@pytest.mark.parametrize("name", EVERY)
def test_a_megabyte_of_arguments_is_a_short_answer(name: str) -> None:
    for arguments in (
        "x" * (1 << 20),
        canonical_json({"search_queries": ["a" * (1 << 20)]}),
        canonical_json({"workflow_id": "a" * (1 << 20), "workflow_python": "pass" * (1 << 18)}),
        canonical_json({"a" * (1 << 20): 1}),
        "[" * (1 << 20),
    ):
        refused = Tools(InMemoryShop()).call(name, arguments)
        assert not refused.ok
        assert len(refused.text) < 2_000


def test_a_workflow_with_thousands_of_errors_lists_the_first_and_counts_them() -> None:
    python = "@order_created\ndef f(order):\n" + "    add_order_tags()\n" * 400
    answer = save(python)
    assert sum(map(len, answer["data"]["validation_errors"].values())) == 50
    assert answer["data"]["message"].endswith("The first 50 of 800 are listed.")


@pytest.mark.parametrize("name", ["", "flow_app_agent_task_search", "Task_Search", "x" * 10_000, "\ud800"])
def test_an_unknown_tool_is_an_answer(name: str) -> None:
    refused = ask(name, "{}")
    assert refused["data"]["code"] == "UNKNOWN_TOOL"
    assert len(refused["tool"]) <= 64


@given(
    st.sampled_from(EVERY),
    st.text() | st.dictionaries(st.text(max_size=9), st.text()).map(json.dumps),
)
def test_no_argument_is_an_exception(name: str, arguments: str) -> None:
    assert ask(name, arguments)["ok"] in (True, False)


@given(st.text())
def test_no_python_is_an_exception(text: str) -> None:
    assert save(text)["ok"] in (True, False)


def test_a_tool_that_the_contract_lacks_cannot_be_called() -> None:
    table = json.loads(CONTRACT.to_json())
    table["tools"] = table["tools"][:1]
    tools = Tools(InMemoryShop(), Contract.from_json(json.dumps(table)))
    assert "UNKNOWN_TOOL" in tools.call(SAVE, canonical_json({"workflow_python": TAG})).text
