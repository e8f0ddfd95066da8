from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.catalog import tasks
from schemas.catalog.environment import fields_of, root_type
from schemas.catalog.tasks import SHIPPED, TASKS, Task, ValueType

SHARED = Path(__file__).parents[3] / "shared"


REFERENCE = SHARED / "reference" / "flow_catalog.json"


def described() -> list[dict[str, Any]]:
    """Every entry of the public vocabulary that this machine has."""
    if not REFERENCE.exists():
        pytest.skip(f"no vocabulary at {REFERENCE}")
    entries: list[dict[str, Any]] = json.loads(REFERENCE.read_text(encoding="utf-8"))["entries"]
    return entries


def seen_steps() -> list[dict[str, Any]]:
    """Every step of every real file that this machine has."""
    paths = sorted(SHARED.glob("data/flow_*/*.flow"))
    if not paths:
        pytest.skip(f"no real exports under {SHARED / 'data'}")
    return [
        step
        for path in paths
        for step in json.loads(path.read_text()[path.read_text().index("{") :])["root"]["steps"]
    ]


def test_every_task_of_a_real_file_is_known_with_its_kind_and_version() -> None:
    for step in seen_steps():
        task = TASKS[str(step["task_id"])]
        assert task.known
        assert task.kind == step["task_type"]
        assert step["task_version"] in task.versions


def test_every_field_of_a_real_file_is_in_the_catalogue_in_that_order() -> None:
    for step in seen_steps():
        fields = [field["config_field_id"] for field in step["config_field_values"]]
        order = tasks.field_order(str(step["task_id"]))
        assert fields == [field for field in order if field in fields]


def test_named_steps_of_real_files_carry_the_default_step_name() -> None:
    for step in seen_steps():
        if step["name"] is not None:
            assert step["name"] == tasks.default_step_name(str(step["task_id"]))


def test_each_row_is_a_task_of_the_declared_types() -> None:
    for task in TASKS.values():
        assert task.kind in {"TRIGGER", "CONDITION", "ACTION", "FOREACH", "WAIT"}
        assert isinstance(task.label, str)
        assert isinstance(task.known, bool)
        assert all(isinstance(version, str) for version in task.versions)
        assert bool(task.roots) == (task.kind == "TRIGGER")
        assert set(task.fields.values()) <= set(get_args(ValueType))


def test_ids_are_unique_and_guesses_are_marked() -> None:
    assert Counter(task.known for task in TASKS.values()) == {True: 43, False: 137}
    assert not TASKS["shopify::flow::wait"].known
    assert TASKS["shopify::admin::order_created"].known


def test_every_entry_of_the_public_vocabulary_is_a_task_or_one_without_an_id() -> None:
    entries = described()
    without = [entry for entry in entries if not (entry["id"] or entry["inferred_id"])]
    assert {entry["id"] or entry["inferred_id"] for entry in entries if entry not in without} == set(TASKS)
    assert len(without) == len(SHIPPED.unidentified) == 14
    for entry, told in zip(without, SHIPPED.unidentified, strict=True):
        assert told.kind == entry["kind"].upper()
        assert told.connector.split(",")[0] in entry["connector"]
        assert told.label.split(",")[0] in entry["name"]


def test_what_the_vocabulary_says_of_a_task_is_what_the_catalogue_says() -> None:
    for entry in described():
        task = TASKS.get(entry["id"] or entry["inferred_id"])
        if task is None:
            continue
        assert task.known == (entry["id"] is not None)
        assert task.kind == entry["kind"].upper()
        assert list(task.versions) == entry["versions"]
        assert list(task.roots) == entry["root_objects"]
        assert list(task.output_ports) == entry["output_ports"]
        assert {field["id"] for field in entry["config_fields"]} <= set(task.fields)
        for field in entry["config_fields"]:
            if field.get("supports_liquid") is not None:
                assert task.config_fields[field["id"]].liquid == field["supports_liquid"]
            assert not field["type"].startswith("commerce") or task.config_fields[field["id"]].wrapped
            assert ("0.1 only" in field.get("note", "")) == (
                task.config_fields[field["id"]].versions == ("0.1",)
            )


def test_the_fields_that_are_known_are_those_that_were_seen() -> None:
    for entry in described():
        task = TASKS.get(entry["id"] or entry["inferred_id"])
        if task is not None:
            seen = {field["id"] for field in entry["config_fields"]} if task.known else set()
            assert {field.id for field in task.config_fields.values() if field.known} == seen


def test_a_field_of_a_guessed_task_claims_nothing() -> None:
    guessed = [field for task in TASKS.values() if not task.known for field in task.config_fields.values()]
    assert len(guessed) > 80
    assert not any(field.known or field.required or field.allowed for field in guessed)


def test_descriptions_are_our_own_words() -> None:
    for entry in described():
        task = TASKS.get(entry["id"] or entry["inferred_id"])
        if task is not None:
            assert task.description.endswith(".")
            assert task.description not in entry["description"]


def test_what_a_task_returns_has_the_type_that_paths_resolve_to() -> None:
    for task in TASKS.values():
        for name, kind in task.returns.items():
            assert kind == root_type(name), f"{task.id} {name}"
    assert TASKS["shopify::flow::fetch::orders"].returns == {"getOrderData": "[Order]"}
    assert TASKS["shopify::flow::count"].returns == {"count": "Int"}
    assert set(fields_of(TASKS["shopify::flow::send_http"].returns["sendHttpRequest"])) >= {
        "statusCode",
        "body",
    }


def test_a_field_can_belong_to_one_version() -> None:
    task = TASKS["shopify::admin::add_order_metafield"]
    assert [field.id for field in task.fields_in("1.0")] == ["order_id", "metafield", "value"]
    assert [field.id for field in task.fields_in("0.1")] == [
        "order_id",
        "namespace",
        "key",
        "value",
        "value_type",
    ]


def test_every_step_of_a_real_file_has_only_fields_of_its_version() -> None:
    for step in seen_steps():
        fields = TASKS[step["task_id"]].fields_in(step["task_version"])
        assert {field["config_field_id"] for field in step["config_field_values"]} <= {
            field.id for field in fields
        }


def test_every_value_of_a_real_file_is_one_of_those_allowed() -> None:
    for step in seen_steps():
        for field in step["config_field_values"]:
            declared = TASKS[step["task_id"]].config_fields[field["config_field_id"]]
            assert not declared.allowed or field["value"] in declared.allowed
            if declared.minimum is not None and declared.maximum is not None:
                assert declared.minimum <= int(field["value"]) <= declared.maximum


def test_ports_follow_from_the_kind() -> None:
    assert TASKS["shopify::flow::condition"].output_ports == ("true", "false")
    assert TASKS["shopify::flow::foreach"].output_ports == ("loop_body", "after")
    assert TASKS["shopify::admin::order_created"].input_port is None
    assert all(task.input_port == "input" for task in TASKS.values() if task.kind != "TRIGGER")


def test_a_trigger_has_roots_and_any_other_step_an_output() -> None:
    trigger = Task(
        id="a", kind="TRIGGER", label="A", publisher="flow", known=True, returns={"x": "", "y": ""}
    )
    assert (trigger.roots, trigger.output) == (("x", "y"), None)
    action = Task(id="b", kind="ACTION", label="B", publisher="flow", known=True, returns={"x": "Int"})
    assert (action.roots, action.output) == ((), "x")


@pytest.mark.parametrize(
    ("task_id", "field_id", "expected"),
    [
        ("shopify::admin::add_order_tags", "order_id", "reference"),
        ("shopify::admin::add_order_tags", "tags", "strings"),
        ("shopify::flow::send_http", "headers", "map"),
        ("shopify::flow::send_email", "message", "text"),
        ("shopify::admin::update_product_status", "product_id", "reference"),
        ("shopify::admin::add_shop_metafield", "metafield", "object"),
        ("shopify::flow::fetch::draft_orders", "max_root_records", "integer"),
        ("11111111-2222-3333-4444-555555555555", "listpath", "path"),
        ("11111111-2222-3333-4444-555555555555", "channel", "text"),
    ],
)
def test_a_field_holds_what_its_task_says_else_what_its_name_says(
    task_id: str, field_id: str, expected: str
) -> None:
    assert tasks.value_type(task_id, field_id) == expected


def test_the_last_version_is_the_default() -> None:
    assert tasks.default_version("shopify::admin::add_order_metafield") == "1.0"
    assert tasks.default_version("shopify::admin::hold_fulfillment") == "0.4"
    assert tasks.default_version("shopify::flow::fetch::companies") == "v1"
    assert tasks.default_version("shopify::admin::cancel_order") == "0.1"
    assert tasks.default_version("11111111-2222-3333-4444-555555555555") == "0.1"


def test_outputs_are_named_after_their_step() -> None:
    assert tasks.output_name("shopify::flow::run_code") == "runCode"
    assert tasks.output_name("shopify::flow::fetch::company_locations") == "getCompanyLocationData"
    assert tasks.output_name("shopify::flow::send_http") == "sendHttpRequest"
    assert tasks.output_name("shopify::flow::send_email") is None
    assert tasks.default_step_name("shopify::flow::fetch::orders") == "Get order data"
    assert tasks.default_step_name("shopify::flow::send_email") is None


def test_the_table_is_read_at_first_use() -> None:
    program = (
        "from schemas.catalog import tasks; print(tasks._shipped.cache_info().currsize, len(tasks.TASKS))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["0", str(len(TASKS))]
