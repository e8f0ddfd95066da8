from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.catalog import tasks
from schemas.catalog.tasks import TASKS, ValueType

SHARED = Path(__file__).parents[3] / "shared"


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
