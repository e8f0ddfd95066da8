"""Shards: the same rows, seed and tokenizer give the same bytes, and a set is whole or not there."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

from pipelines.shard_sets import ShardSet  # noqa: E402
from pipelines.shards import ShardPlan, cut, parquet_bytes, shard_of  # noqa: E402
from schemas.chat import render  # noqa: E402
from schemas.errors import BrokenLaw, UsageError, carried_by  # noqa: E402
from schemas.shards import MANIFEST, SHARD_SCHEMA, differences, fingerprints, is_held_out  # noqa: E402
from schemas.tools import CONTRACT  # noqa: E402
from tests.pipelines.pool_rows import (  # noqa: E402
    WEEK,
    Row,
    examined,
    id_of,
    short,
    synthetic,
)
from tests.schemas.conversations import tiny_tokenizer, tokenizer_json  # noqa: E402

NUM_ROWS = 60
SHARE = 0.2
FINGERPRINTS = fingerprints(CONTRACT, tiny_tokenizer())
HELD_OUT = {id_of(n) for n in range(NUM_ROWS) if is_held_out(f"shape {n}", SHARE)}
TRAINED = {id_of(n) for n in range(NUM_ROWS)} - HELD_OUT


def shard_rows(spark: SparkSession, num: int = NUM_ROWS, share: float = SHARE) -> DataFrame:
    made = [synthetic(n, actions=["a"] * (n % 3)) for n in range(num)]
    random.Random(num).shuffle(made)
    return examined(spark, made, share)


@pytest.fixture(scope="module")
def pool(spark: SparkSession) -> DataFrame:
    return shard_rows(spark).persist()


def plan_of(rows: DataFrame, *, seed: int = 0, rows_per_shard: int = 25, share: float = SHARE) -> ShardPlan:
    return ShardPlan.of(rows, seed, rows_per_shard, share, FINGERPRINTS)


def write(rows: DataFrame, uri: str | Path, plan: ShardPlan | None = None) -> ShardSet:
    """What the job does between reading and its closing line."""
    plan = plan or plan_of(rows)
    shards = ShardSet(str(uri))
    for row in cut(rows, plan, tokenizer_json()).toLocalIterator():
        shards.add(row["shard"], plan, row["num_rows"], bytes(row["content"]))
    shards.finish(plan, WEEK, {"gold.fates": 3})
    return shards


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def written(pool: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished set; tests that break it copy it first."""
    folder = tmp_path_factory.mktemp("shards") / "set"
    write(pool, folder)
    return folder


def copied(written: Path, tmp_path: Path) -> Path:
    for name, content in files_of(written).items():
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tmp_path / "copy"


@pytest.mark.parametrize(("partitions", "shuffles"), [(1, "2"), (7, "1")])
def test_the_bytes_do_not_depend_on_order_partitions_or_shuffles(
    spark: SparkSession, pool: DataFrame, written: Path, tmp_path: Path, partitions: int, shuffles: str
) -> None:
    rows = pool.orderBy("python" if partitions % 2 else "record_id").repartition(partitions)
    spark.conf.set("spark.sql.shuffle.partitions", shuffles)
    try:
        write(rows, tmp_path)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "2")
    assert files_of(tmp_path) == files_of(written)


def test_a_set_is_its_files_and_a_manifest_that_names_them(written: Path) -> None:
    manifest = json.loads((written / MANIFEST).read_text())
    names = [f"data/train-0000{n}-of-00002.parquet" for n in range(2)]
    assert sorted(files_of(written)) == sorted([*names, "data/test-00000-of-00001.parquet", MANIFEST])
    assert [shard["path"] for shard in manifest["shards"]] == names
    assert [shard["path"] for shard in manifest["held_out"]] == ["data/test-00000-of-00001.parquet"]
    for file in (*manifest["shards"], *manifest["held_out"]):
        content = (written / file["path"]).read_bytes()
        assert file["num_rows"] == pq.read_metadata(written / file["path"]).num_rows
        assert (file["num_bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (manifest["num_rows"], manifest["num_held_out"]) == (len(TRAINED), len(HELD_OUT))
    assert (manifest["held_out_share"], manifest["seed"], manifest["week"]) == (SHARE, 0, WEEK)
    assert manifest["num_by_source"] == {"synthetic": NUM_ROWS}
    assert manifest["left_out"] == {}
    assert manifest["lake_versions"] == {"gold.fates": 3}
    assert manifest["policy_versions"] == ["workflow_policy_v1"]
    assert manifest["fingerprints"].keys() >= {"contract", "chat_template", "tokenizer", "language", "tasks"}
    assert differences(manifest, FINGERPRINTS) == []
    assert differences(manifest, {**FINGERPRINTS, "language": "v0", "new": "x"}) == ["language", "new"]
    assert list(ShardSet(str(written)).check()) == []


def in_order(ids: set[str], seed: int = 0) -> list[str]:
    return sorted(ids, key=lambda id_: hashlib.sha256(f"{seed}:{id_}".encode()).digest())


def test_every_row_is_in_one_shard_in_the_order_of_its_hash(pool: DataFrame, written: Path) -> None:
    tables = {path.name: pq.read_table(path) for path in sorted(written.glob("data/*"))}
    assert all(table.schema.remove_metadata().equals(SHARD_SCHEMA) for table in tables.values())
    ids: dict[str, list[str]] = {"train": [], "test": []}
    for name, table in tables.items():
        ids[name.partition("-")[0]] += table["record_id"].to_pylist()
        assert table.num_rows > 5
    assert ids == {"train": in_order(TRAINED), "test": in_order(HELD_OUT)}
    assert ids["train"] != sorted(ids["train"])
    given = {row.record_id: row.asDict() for row in pool.collect()}
    for row in (row for table in tables.values() for row in table.to_pylist()):
        assert {name: given[row["record_id"]][name] for name in row if name not in ("ids", "mask")} == {
            name: value for name, value in row.items() if name not in ("ids", "mask")
        }


def test_a_row_holds_the_tokens_that_the_renderer_makes(written: Path) -> None:
    rows = {
        row["record_id"]: row for path in written.glob("data/*") for row in pq.read_table(path).to_pylist()
    }
    for number in range(0, NUM_ROWS, 7):
        whole = render(short(number), CONTRACT, tiny_tokenizer())
        assert (rows[id_of(number)]["ids"], rows[id_of(number)]["mask"]) == (whole.ids, whole.mask)


def test_another_seed_is_another_order_of_the_same_rows_under_another_key(spark: SparkSession) -> None:
    rows = shard_rows(spark, 20, share=0.0)
    plans = [plan_of(rows, seed=seed, rows_per_shard=100, share=0.0) for seed in (0, 1, 0)]
    assert plans[0] == plans[2]
    assert plans[0].key == plans[2].key != plans[1].key
    for plan in plans[:2]:
        [row] = cut(rows, plan, tokenizer_json()).collect()
        found = pq.read_table(pa.BufferReader(bytes(row.content)))["record_id"].to_pylist()
        assert found == in_order({id_of(n) for n in range(20)}, plan.seed)


def test_the_key_depends_on_everything_that_the_set_does(spark: SparkSession, pool: DataFrame) -> None:
    given: dict[str, Any] = {"seed": 0, "rows_per_shard": 25, "share": SHARE, "fingerprints": FINGERPRINTS}
    changes: list[tuple[DataFrame, Row]] = [
        (pool, {}),
        (pool, {"seed": 1}),
        (pool, {"rows_per_shard": 10}),
        (pool, {"share": 0.21}),
        *((pool, {"fingerprints": FINGERPRINTS | {name: "other"}}) for name in FINGERPRINTS),
        (pool.withColumn("policy_version", F.lit("v2")), {}),
        (pool.withColumn("left_out", F.when(F.col("record_id") == id_of(1), "SILENT")), {}),
        (pool.where(F.col("record_id") != id_of(1)), {}),
        (examined(spark, [synthetic(n, request=f"r{n}") for n in range(NUM_ROWS)], SHARE), {}),
    ]
    keys = [ShardPlan.of(rows, **given | change).key for rows, change in changes]
    assert len(set(keys)) == len(keys)
    assert ShardPlan.of(pool.repartition(3), **given).key == keys[0]


@pytest.mark.parametrize(
    ("num", "rows_per_shard", "count"), [(0, 5, 1), (4, 5, 1), (5, 5, 1), (6, 5, 2), (10, 5, 2), (3, 1, 3)]
)
def test_there_are_as_many_shards_as_rows_need(
    spark: SparkSession, num: int, rows_per_shard: int, count: int
) -> None:
    plan = plan_of(shard_rows(spark, num, share=0.0), rows_per_shard=rows_per_shard)
    assert (plan.num_rows, plan.count, plan.count_held_out) == (num, count, 1)


@pytest.mark.parametrize("rows_per_shard", [0, -1])
def test_no_rows_in_a_shard_is_no_plan(pool: DataFrame, rows_per_shard: int) -> None:
    with pytest.raises(ValueError, match="give at least 1"):
        plan_of(pool, rows_per_shard=rows_per_shard)


def test_the_ranges_of_hashes_meet_without_gap_or_overlap(spark: SparkSession) -> None:
    hashes = [
        f"{place:015x}{'0' * 49}" for place in (0, 1, (1 << 60) // 3, (1 << 60) // 3 + 1, (1 << 60) - 1)
    ]
    rows = spark.createDataFrame([(each,) for each in hashes], "hash string")
    [*found] = rows.select(
        *(shard_of("hash", count).alias(f"n{count}") for count in (1, 2, 3, 4096))
    ).collect()
    assert [row.n1 for row in found] == [0] * 5
    assert [row.n2 for row in found] == [0, 0, 0, 0, 1]
    assert [row.n3 for row in found] == [0, 0, 0, 1, 2]
    assert [row.n4096 for row in found] == [0, 0, 1365, 1365, 4095]


def test_a_side_without_rows_is_one_shard_of_no_rows_with_all_columns(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = shard_rows(spark, 2, share=0.0)
    shards = write(rows, tmp_path, plan_of(rows, share=0.0))
    table = pq.read_table(tmp_path / "data/test-00000-of-00001.parquet")
    assert (table.num_rows, table.schema.names) == (0, SHARD_SCHEMA.names)
    assert list(shards.check()) == []


def test_a_set_that_was_killed_half_way_is_completed_to_the_same_bytes(
    pool: DataFrame, written: Path, tmp_path: Path
) -> None:
    half = copied(written, tmp_path)
    (half / MANIFEST).unlink()
    third, first, second = sorted((half / "data").iterdir())
    second.rename(f"{second}.part")
    third.write_bytes(b"half of")
    Path(f"{third}.part").write_bytes(b"")
    assert ShardSet(str(half)).manifest() is None
    assert list(ShardSet(str(half)).check()) == [
        f"{half} has no manifest.json that can be read: it was never finished"
    ]
    write(pool, half)
    assert files_of(half) == files_of(written)
    assert first.exists()


def test_a_set_that_dies_at_any_write_has_no_manifest_and_is_mended(
    pool: DataFrame, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(pool)
    rendered = cut(pool, plan, tokenizer_json()).collect()

    def attempt(dies_at: int) -> None:
        shards, write_file, num_written = ShardSet(str(tmp_path)), ShardSet._write, 0

        def write_or_die(self: ShardSet, path: str, content: bytes) -> None:
            nonlocal num_written
            if num_written == dies_at:
                self.filesystem.create_dir(str(tmp_path / "data"))
                (tmp_path / f"{path}.part").write_bytes(content[:9])
                raise KeyboardInterrupt
            num_written += 1
            write_file(self, path, content)

        with monkeypatch.context() as patch:
            patch.setattr(ShardSet, "_write", write_or_die)
            for row in rendered:
                shards.add(row.shard, plan, row.num_rows, bytes(row.content))
            shards.finish(plan, WEEK, {"gold.fates": 3})

    for dies_at in range(4):
        with pytest.raises(KeyboardInterrupt):
            attempt(dies_at)
        assert ShardSet(str(tmp_path)).manifest() is None
    attempt(4)
    assert files_of(tmp_path) == files_of(written)


def test_no_manifest_is_written_over_fewer_rows_than_the_pool_has(
    spark: SparkSession, tmp_path: Path
) -> None:
    plan = plan_of(shard_rows(spark, 3, share=0.0), rows_per_shard=1, share=0.0)
    shards = ShardSet(str(tmp_path))
    shards.add(1, plan, 2, parquet_bytes(SHARD_SCHEMA.empty_table()))
    with pytest.raises(BrokenLaw, match="the pool has 3 rows and 0 held out, the shards have 2 and 0"):
        shards.finish(plan, WEEK, {})
    assert shards.manifest() is None
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("descriptor", "kind", "said"),
    [
        ("of both", "edit", "shape of both"),
        ("", "question", "request what is both\\?"),
        (None, "create", "request what is both\\?"),
    ],
)
def test_no_manifest_is_written_where_both_sides_hold_one_workflow_or_request(
    spark: SparkSession, tmp_path: Path, descriptor: str | None, kind: str, said: str
) -> None:
    both = {"request_kind": kind, "request": " What is\nBOTH?"}
    made = [
        synthetic(n, **both, descriptor=f"shape {n}" if descriptor is None else descriptor) for n in range(4)
    ]
    rows = examined(spark, made).withColumn("held_out", F.col("record_id") == id_of(2))
    with pytest.raises(BrokenLaw, match=f"trains on what is held out: {said}"):
        write(rows, tmp_path)
    assert ShardSet(str(tmp_path)).manifest() is None


def test_a_record_that_is_there_twice_stops_the_set(spark: SparkSession) -> None:
    rows = examined(spark, [synthetic(1), synthetic(2)])
    with pytest.raises(BrokenLaw, match=f"{id_of(1)} is in the pool twice"):
        plan_of(rows.unionByName(rows.where(F.col("record_id") == id_of(1))))


def test_a_tokenizer_that_makes_control_tokens_of_words_is_refused(spark: SparkSession) -> None:
    table = json.loads(tokenizer_json())
    table["model"]["vocab"]["z"] = table["added_tokens"][0]["id"]
    rows = examined(spark, [synthetic(1, messages=short("zzz"))])
    with pytest.raises(Exception, match="UsageError") as failed:
        cut(rows, plan_of(rows), json.dumps(table).encode()).collect()
    told = carried_by(failed.value)
    assert isinstance(told, UsageError)
    assert f"This tokenizer cannot write record {id_of(1)} (CONTROL_TOKEN: " in str(told)


def test_check_reports_a_flipped_byte_a_missing_file_and_a_damaged_manifest(
    written: Path, tmp_path: Path
) -> None:
    copy = copied(written, tmp_path)
    second, first, _ = sorted((copy / "data").iterdir())
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 1
    first.write_bytes(content)
    second.unlink()
    assert list(ShardSet(str(copy)).check()) == [
        f"data/{first.name} is not the file that the manifest names",
        f"data/{second.name} is missing",
    ]
    (copy / MANIFEST).write_text((copy / MANIFEST).read_text()[:-20])
    assert len(list(ShardSet(str(copy)).check())) == 1


def test_a_uri_is_as_good_as_a_folder(pool: DataFrame, written: Path, tmp_path: Path) -> None:
    write(pool, f"file://{tmp_path}/a set")
    assert files_of(tmp_path / "a set") == files_of(written)
    assert list(ShardSet(f"file://{tmp_path}/a set").check()) == []
    with pytest.raises(UsageError, match="gopher"):
        ShardSet("gopher://host/shards")


def test_dataset_loaders_open_a_set(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    manifest = json.loads((written / MANIFEST).read_text())
    by_file = {
        side: [str(written / file["path"]) for file in manifest[key]]
        for side, key in (("train", "shards"), ("test", "held_out"))
    }
    loaded = datasets.load_dataset("parquet", data_files=by_file, cache_dir=str(tmp_path / "cache"))
    folder = datasets.load_dataset(str(written), cache_dir=str(tmp_path / "cache"))
    for found in (loaded, folder):
        assert {side: len(rows) for side, rows in found.items()} == {
            "train": len(TRAINED),
            "test": len(HELD_OUT),
        }
        assert found["train"].column_names == SHARD_SCHEMA.names
    assert list(loaded["train"]["record_id"]) == list(folder["train"]["record_id"]) == in_order(TRAINED)
