from __future__ import annotations

import pyarrow as pa
import pytest

from schemas.shards import SHARD_SCHEMA, is_held_out, keys_of, split_key
from schemas.tables import FATES, GOLD_FATES, TABLES, TIMESTAMP, Table

NAME = pa.field("name", pa.string(), nullable=False, metadata={"doc": "Name."})
SCORE = pa.field("score", pa.int64(), metadata={"doc": "Score."})
ABOUT_PEOPLE_OR_FREE_TEXT = {
    *("record_id", "workflow_id", "shop_id", "raw", "python", "layout", "problem", "detail", "descriptor"),
    *("source_file", "conversation_id", "event_id", "payload", "messages", "request"),
}
ALL = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@ALL
def test_a_table_and_each_of_its_columns_says_in_a_sentence_what_it_is(table: Table) -> None:
    for sentence in (table.about, *map(table.doc, table.schema.names)):
        assert sentence.endswith(".")
        assert len(sentence) > 10


@ALL
def test_no_statistics_are_kept_of_what_an_erasure_must_reach(table: Table) -> None:
    assert not ABOUT_PEOPLE_OR_FREE_TEXT & {*table.statistics, *table.partitions}


@ALL
def test_every_time_is_in_utc_and_no_column_is_a_struct(table: Table) -> None:
    for field in table.schema:
        assert not pa.types.is_struct(field.type)
        assert not pa.types.is_map(field.type)
        assert field.type == TIMESTAMP or not pa.types.is_temporal(field.type)


@ALL
def test_a_table_lies_where_its_name_says(table: Table) -> None:
    assert table.path == table.name.replace(".", "/")
    assert table.path.split("/")[0] == table.layer
    assert TABLES[table.name] is table


def test_fates_are_one_row_a_record_and_week() -> None:
    assert GOLD_FATES.key == ("week", "record_id")
    assert GOLD_FATES.partitions == ("week", "kind")
    assert FATES == ("training", "quarantine", "rejected", "erased")


def test_a_shard_names_no_shop_and_no_id_of_production() -> None:
    assert not {"shop_id", "workflow_id", "conversation_id", "event_id"} & {*SHARD_SCHEMA.names}
    assert SHARD_SCHEMA.names == [
        *("record_id", "week", "source", "source_ids", "request_kind", "request", "python", "messages"),
        *("ids", "mask", "descriptor", "trigger", "actions", "operators", "connectors"),
    ]
    assert not any(field.nullable for field in SHARD_SCHEMA)


def test_about_a_share_is_held_out_and_the_same_of_every_larger_share() -> None:
    keys = [f"shape {number}" for number in range(5000)]
    held = [{key for key in keys if is_held_out(key, share)} for share in (0.0, 0.1, 0.3, 1.0)]
    assert (len(held[0]), len(held[3])) == (0, len(keys))
    assert 400 < len(held[1]) < 600
    assert held[1] < held[2] < held[3]
    assert [n for n in range(40) if is_held_out(f"shape {n}", 0.1)] == [4, 15, 17, 23, 34]


def test_a_conversation_is_held_out_by_its_workflow_and_without_one_by_its_request() -> None:
    assert split_key("shape", "Tag orders") == "shape"
    assert split_key("", "What is a tag?") == "What is a tag?"


def test_a_request_must_stay_on_one_side_where_it_says_all() -> None:
    assert keys_of("s", " Tag\n BIG orders", "create") == ["shape s", "request tag big orders"]
    assert keys_of("s", "Make it gold", "edit") == ["shape s"]
    assert keys_of("", "What is a tag?", "question") == ["request what is a tag?"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "policies"}, "'policies' is not layer.table"),
        ({"name": "lead.policies"}, "'lead.policies' is not layer.table"),
        ({"name": "ops."}, "'ops.' is not layer.table"),
        ({"key": ("week",)}, "ops.policies has no column 'week'"),
        ({"partitions": ("week",)}, "ops.policies has no column 'week'"),
        ({"statistics": ("week",)}, "ops.policies has no column 'week'"),
        ({"key": ("name", "score")}, r"needs a key without nulls \(nullable: score\)"),
        ({"key": ()}, r"needs a key without nulls \(nullable: none\)"),
    ],
)
def test_a_contract_that_contradicts_itself_cannot_be_made(change: dict[str, object], message: str) -> None:
    right = {"name": "ops.policies", "about": "A.", "schema": pa.schema([NAME, SCORE]), "key": ("name",)}
    assert Table(**right).layer == "ops"
    with pytest.raises(ValueError, match=message):
        Table(**right | change)
