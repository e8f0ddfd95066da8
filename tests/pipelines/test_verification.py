"""What was written is looked at again: a shard with an identifier in a conversation is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from pipelines.identifier_arrays import count_in
from pipelines.redact import Redactor
from pipelines.shard_sets import ShardSet
from pipelines.shards import ShardPlan, parquet_bytes
from pipelines.synthesis import trajectories
from pipelines.verification import left_in_shard, verify_anonymity
from schemas.chat import Message
from schemas.errors import BrokenLaw
from schemas.shards import RECORDED, SHARD_SCHEMA, SYNTHETIC
from schemas.tables import SILVER_CONVERSATIONS
from schemas.tools import canonical_json
from tests.schemas.conversations import answer, calls, says, user

PYTHON = '@order_created\ndef f(order):\n    log_output(output="ask ann@corp.com")  # +1 415 555 0100\n'
TALK: list[Message] = [
    user("Mail ann@corp.com from 10.0.0.1 about gid://shopify/Order/1234567890"),
    calls(("create_or_update_workflow", {"workflow_python": PYTHON})),
    answer(0, {"workflow_id": "gid://shopify/Flow/7700000001", "note": "2026-11-22 08:30, 1234567890"}),
    says("Saved."),
]
KEPT = {"gid://shopify/Flow/7700000001"}
PLAN = ShardPlan(
    seed=0, share=0.1, fingerprints={}, rows_sha256="", num_rows=1, num_held_out=0, count=1, count_held_out=1,
    num_by_source={}, left_out={}, policy_versions=(),
)  # fmt: skip


def shard(messages: list[Message], python: str, source: str = RECORDED) -> pa.Table:
    texts: dict[str, Any] = {field.name: [] if pa.types.is_list(field.type) else "" for field in SHARD_SCHEMA}
    row = texts | {"source": source, "python": python, "messages": canonical_json(messages)}
    row["request"] = messages[0]["content"]
    return pa.Table.from_pylist([row], schema=SHARD_SCHEMA)


def test_what_is_left_is_counted_by_column_and_kind() -> None:
    assert left_in_shard(shard(TALK, PYTHON)) == {
        "messages": {"email": 2, "gid": 1, "ip": 1, "phone": 1, "unknown": 1},
        "python": {"email": 1, "phone": 1},
        "request": {"email": 1, "gid": 1, "ip": 1},
    }
    assert left_in_shard(shard(TALK, PYTHON, SYNTHETIC)) == left_in_shard(shard(TALK, PYTHON))


def test_nothing_is_left_of_what_was_redacted() -> None:
    redactor = Redactor(KEPT)
    messages, python = redactor.messages(TALK), redactor.python(PYTHON)
    assert left_in_shard(shard(messages, python)) == {}
    assert count_in(pa.table({"request": [messages[0]["content"]], "number": [1]})) == {}


@pytest.mark.parametrize("identity", ["7700000001", "5105105105105100", "gid://flow/Workflow/7700000001"])
def test_the_id_that_a_shop_gave_a_workflow_may_stay_and_nothing_around_it(identity: str) -> None:
    talk: list[Message] = [
        user("Mail me"),
        calls(("create_or_update_workflow", {"workflow_python": PYTHON, "workflow_id": identity})),
        answer(0, {"workflow_id": identity}),
        says("Saved."),
    ]
    redactor = Redactor({identity})
    messages, python = redactor.messages(talk), redactor.python(PYTHON)
    assert identity in canonical_json(messages)
    assert left_in_shard(shard(messages, python)) == {}
    told: list[Message] = [*messages[:-1], says(f"Saved as {identity}.")]
    assert left_in_shard(shard(told, python)).keys() == {"messages"}


def test_a_shard_that_holds_an_identifier_is_not_written(tmp_path: Path) -> None:
    shards = ShardSet(str(tmp_path))
    with pytest.raises(BrokenLaw, match=r"identifiers: .*'email': 2.*build_conversations"):
        shards.add(0, PLAN, 1, parquet_bytes(shard(TALK, PYTHON)))
    assert list(tmp_path.rglob("*.parquet")) == []
    redactor = Redactor(KEPT)
    clean = shard(redactor.messages(TALK), redactor.python(PYTHON))
    shards.add(0, PLAN, 1, parquet_bytes(clean))
    assert len(list(tmp_path.rglob("*.parquet"))) == 1


def test_any_table_can_be_counted() -> None:
    table = pa.table({"a": ["x", None, "a@b.co"], "b": [["10.0.0.1"], [], ["ok"]], "c": [1, 2, 3]})
    assert count_in(table) == {"a": {"email": 1}, "b": {"ip": 1}}
    assert count_in(table, ["b"]) == {"b": {"ip": 1}}
    assert count_in(table.to_batches()[0]) == count_in(table)


def test_nothing_is_left_in_what_is_made_from_a_workflow() -> None:
    mail = 'send_email(address="ann@corp.com", subject="Ring +1 415 555 0100", message="{{order.name}}")'
    python = f'@order_created\ndef f(order):\n    if order.note == "bob@corp.com":\n        {mail}\n'
    rows = list(trajectories("w", python, 2, 0))
    assert [row["problem"] for row in rows] == [None, None]
    assert all("email_1@redacted.invalid" in row["python"] for row in rows)
    assert all("order.note ==" in row["python"] and "{{order.name}}" in row["python"] for row in rows)
    columns = ("request", "python", "messages")
    for row in rows:
        assert left_in_shard(pa.table({name: [row[name]] for name in columns})) == {}


@pytest.mark.spark
def test_a_written_table_is_counted_where_it_lies(spark: SparkSession) -> None:
    columns = "record_id string, request string, python string, messages string, problem string"
    rows = [
        ("a", "Mail ann@corp.com", PYTHON, canonical_json(TALK), None),
        ("b", "", "", "no messages +1 415 555 0100", "conversation b: ask bob@corp.com"),
    ]
    table = spark.createDataFrame(rows, columns)
    assert verify_anonymity(table, SILVER_CONVERSATIONS) == {
        "messages": {"email": 2, "gid": 1, "ip": 1, "phone": 2, "unknown": 1},
        "problem": {"email": 1},
        "python": {"email": 1, "phone": 1},
        "request": {"email": 1},
    }
