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

from jobs import write_shards  # noqa: E402
from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.shards import ShardPlan, ShardSet, parquet_bytes, pool, render, shard_of  # noqa: E402
from schemas.errors import BrokenLaw, UsageError  # noqa: E402
from schemas.shards import MANIFEST, SHARD_SCHEMA, differences, fingerprints  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_WORKFLOWS, Table  # noqa: E402
from schemas.workflow import LANGUAGE_VERSION  # noqa: E402

NUM_ROWS = 60
WEEK = "2026-W47"
SPARK_SCHEMA = (
    "record_id string, week string, python string, descriptor string, trigger string, tasks array<string>"
)


def id_of(number: int) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def shard_rows(spark: SparkSession, num: int = NUM_ROWS) -> DataFrame:
    rows = [
        (
            id_of(n),
            WEEK,
            f"@order_created\ndef f{n}(order): ... # é",
            f"d{n}",
            "order_created",
            ["a"] * (n % 3),
        )
        for n in range(num)
    ]
    random.Random(num).shuffle(rows)
    return spark.createDataFrame(rows, SPARK_SCHEMA)


def write(rows: DataFrame, uri: str | Path, *, seed: int = 0, rows_per_shard: int = 25) -> ShardSet:
    """What the job does between reading and its closing line."""
    plan = ShardPlan.of(rows, seed=seed, rows_per_shard=rows_per_shard)
    shards = ShardSet(str(uri))
    for row in render(rows, plan).toLocalIterator():
        shards.add(row["shard"], plan.count, row["num_rows"], bytes(row["content"]))
    shards.finish(plan, week=WEEK, lake_versions={"gold.fates": 3}, policy_version="p1")
    return shards


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def written(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished set; tests that break it copy it first."""
    folder = tmp_path_factory.mktemp("shards") / "set"
    write(shard_rows(spark), folder)
    return folder


def copied(written: Path, tmp_path: Path) -> Path:
    for name, content in files_of(written).items():
        target = tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tmp_path / "copy"


@pytest.mark.parametrize(("partitions", "shuffles"), [(1, "2"), (2, "7"), (7, "1")])
def test_the_bytes_do_not_depend_on_order_partitions_or_shuffles(
    spark: SparkSession, written: Path, tmp_path: Path, partitions: int, shuffles: str
) -> None:
    rows = shard_rows(spark).orderBy("python" if partitions % 2 else "record_id").repartition(partitions)
    spark.conf.set("spark.sql.shuffle.partitions", shuffles)
    try:
        write(rows, tmp_path)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "2")
    assert files_of(tmp_path) == files_of(written)


def test_a_set_is_its_files_and_a_manifest_that_names_them(written: Path) -> None:
    manifest = json.loads((written / MANIFEST).read_text())
    names = [f"data/train-0000{n}-of-00003.parquet" for n in range(3)]
    assert sorted(files_of(written)) == [*names, MANIFEST]
    assert [shard["path"] for shard in manifest["shards"]] == names
    assert [pq.read_metadata(written / name).num_rows for name in names] == [
        shard["num_rows"] for shard in manifest["shards"]
    ]
    ids = "".join(sorted(id_of(n) for n in range(NUM_ROWS)))
    assert manifest["record_ids_sha256"] == hashlib.sha256(ids.encode()).hexdigest()
    assert (manifest["num_rows"], manifest["seed"], manifest["week"]) == (NUM_ROWS, 0, WEEK)
    assert (manifest["lake_versions"], manifest["policy_version"]) == ({"gold.fates": 3}, "p1")
    assert differences(manifest, fingerprints()) == []
    assert differences(manifest, {**fingerprints(), "language": "v0", "new": "x"}) == ["language", "new"]
    assert list(ShardSet(str(written)).check()) == []


def test_every_row_is_in_one_shard_in_the_order_of_its_hash(spark: SparkSession, written: Path) -> None:
    tables = [pq.read_table(path) for path in sorted(written.glob("data/*"))]
    ids = [id_ for table in tables for id_ in table["record_id"].to_pylist()]
    assert ids == sorted(
        map(id_of, range(NUM_ROWS)), key=lambda id_: hashlib.sha256(f"0:{id_}".encode()).digest()
    )
    assert ids != sorted(ids)
    assert min(table.num_rows for table in tables) > 5
    rows = {row["record_id"]: row for table in tables for row in table.to_pylist()}
    assert rows == {row.record_id: row.asDict() for row in shard_rows(spark).collect()}
    assert all(table.schema.remove_metadata().equals(SHARD_SCHEMA) for table in tables)


def test_another_seed_is_another_order_of_the_same_rows_under_another_key(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = shard_rows(spark, 20)
    plans = [ShardPlan.of(rows, seed=seed, rows_per_shard=100) for seed in (0, 1, 0)]
    assert plans[0] == plans[2]
    assert plans[0].key == plans[2].key != plans[1].key
    found = []
    for plan in plans[:2]:
        [row] = render(rows, plan).collect()
        found.append(pq.read_table(pa.BufferReader(bytes(row.content)))["record_id"].to_pylist())
    assert found[0] != found[1]
    assert sorted(found[0]) == sorted(found[1])


@pytest.mark.parametrize(
    ("num", "rows_per_shard", "count"), [(0, 5, 1), (4, 5, 1), (5, 5, 1), (6, 5, 2), (10, 5, 2), (3, 1, 3)]
)
def test_there_are_as_many_shards_as_rows_need(
    spark: SparkSession, num: int, rows_per_shard: int, count: int
) -> None:
    plan = ShardPlan.of(shard_rows(spark, num), seed=0, rows_per_shard=rows_per_shard)
    assert (plan.num_rows, plan.count) == (num, count)


@pytest.mark.parametrize("rows_per_shard", [0, -1])
def test_no_rows_in_a_shard_is_no_plan(
    spark: SparkSession, capsys: pytest.CaptureFixture[str], rows_per_shard: int
) -> None:
    with pytest.raises(ValueError, match="give at least 1"):
        ShardPlan.of(shard_rows(spark, 1), seed=0, rows_per_shard=rows_per_shard)
    argv = ["--lake", "x", "--week", WEEK, f"--rows-per-shard={rows_per_shard}"]
    assert write_shards.main(argv) == 2
    assert capsys.readouterr().err == "write_shards: --rows-per-shard must be at least 1.\n"


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


def test_an_empty_pool_is_one_shard_of_no_rows_with_all_columns(spark: SparkSession, tmp_path: Path) -> None:
    shards = write(shard_rows(spark, 0), tmp_path)
    table = pq.read_table(tmp_path / "data/train-00000-of-00001.parquet")
    assert (table.num_rows, table.schema.names) == (0, SHARD_SCHEMA.names)
    assert list(shards.check()) == []


def test_a_set_that_was_killed_half_way_is_completed_to_the_same_bytes(
    spark: SparkSession, written: Path, tmp_path: Path
) -> None:
    half = copied(written, tmp_path)
    (half / MANIFEST).unlink()
    first, second, third = sorted((half / "data").iterdir())
    second.rename(f"{second}.part")
    third.write_bytes(b"half of")
    Path(f"{third}.part").write_bytes(b"")
    assert ShardSet(str(half)).manifest() is None
    assert list(ShardSet(str(half)).check()) == [
        f"{half} has no manifest.json that can be read: it was never finished"
    ]
    write(shard_rows(spark), half)
    assert files_of(half) == files_of(written)
    assert first.exists()


def test_a_set_that_dies_at_any_write_has_no_manifest_and_is_mended(
    spark: SparkSession, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = ShardPlan.of(shard_rows(spark), seed=0, rows_per_shard=25)
    rendered = render(shard_rows(spark), plan).collect()

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
                shards.add(row.shard, plan.count, row.num_rows, bytes(row.content))
            shards.finish(plan, week=WEEK, lake_versions={"gold.fates": 3}, policy_version="p1")

    for dies_at in range(4):
        with pytest.raises(KeyboardInterrupt):
            attempt(dies_at)
        assert ShardSet(str(tmp_path)).manifest() is None
    attempt(4)
    assert files_of(tmp_path) == files_of(written)


def test_no_manifest_is_written_over_fewer_rows_than_the_pool_has(
    spark: SparkSession, tmp_path: Path
) -> None:
    plan = ShardPlan.of(shard_rows(spark, 3), seed=0, rows_per_shard=1)
    shards = ShardSet(str(tmp_path))
    shards.add(1, plan.count, 2, parquet_bytes(SHARD_SCHEMA.empty_table()))
    with pytest.raises(BrokenLaw, match="the pool has 3 rows, the shards have 2"):
        shards.finish(plan, week=WEEK, lake_versions={}, policy_version="p")
    assert shards.manifest() is None
    assert not list(tmp_path.rglob("*.part"))


def test_check_reports_a_flipped_byte_a_missing_file_and_a_damaged_manifest(
    written: Path, tmp_path: Path
) -> None:
    copy = copied(written, tmp_path)
    first, second, _ = sorted((copy / "data").iterdir())
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


def test_a_uri_is_as_good_as_a_folder(spark: SparkSession, written: Path, tmp_path: Path) -> None:
    write(shard_rows(spark), f"file://{tmp_path}/a set")
    assert files_of(tmp_path / "a set") == files_of(written)
    assert list(ShardSet(f"file://{tmp_path}/a set").check()) == []
    with pytest.raises(UsageError, match="gopher"):
        ShardSet("gopher://host/shards")


def test_dataset_loaders_open_a_set(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    names = json.loads((written / MANIFEST).read_text())["shards"]
    by_file = {"train": [str(written / shard["path"]) for shard in names]}
    loaded = datasets.load_dataset("parquet", data_files=by_file, cache_dir=str(tmp_path / "cache"))
    folder = datasets.load_dataset(str(written), cache_dir=str(tmp_path / "cache"))
    for found in (loaded, folder):
        assert {split: len(rows) for split, rows in found.items()} == {"train": NUM_ROWS}
        assert found["train"].column_names == SHARD_SCHEMA.names
    assert list(loaded["train"]["record_id"]) == list(folder["train"]["record_id"])


def lake_table(spark: SparkSession, table: Table, *rows: dict[str, Any]) -> DataFrame:
    names = table.schema.names
    return spark.createDataFrame(
        [tuple(row.get(name) for name in names) for row in rows], spark_schema(table)
    )


def fate(number: int, name: str = "training") -> dict[str, Any]:
    return {
        "record_id": id_of(number),
        "week": WEEK,
        "fate": name,
        "policy_version": "p1",
        "shop_id": "shop-7731",
    }


def silver(number: int, **columns: object) -> dict[str, Any]:
    text = {"python": f"python {number}", "layout": "{}", "descriptor": "d", "trigger": "t", "tasks": ["a"]}
    where = {"workflow_id": "workflow-9911", "shop_id": "shop-7731", "language_version": LANGUAGE_VERSION}
    return {"record_id": id_of(number), **text, **where, **columns}


def test_a_record_in_the_pool_without_its_text_stops_the_set(spark: SparkSession) -> None:
    fates = lake_table(spark, GOLD_FATES, *map(fate, range(3)), fate(9, "rejected"))
    texts = [silver(0), silver(1), silver(9)]
    complete = lake_table(spark, SILVER_WORKFLOWS, *texts, silver(2))
    assert ShardPlan.of(pool(fates, complete), seed=0, rows_per_shard=9).num_rows == 3
    for others in ([], [silver(2, language_version="flow_python_v0")]):
        rows = pool(fates, lake_table(spark, SILVER_WORKFLOWS, *texts, *others))
        with pytest.raises(
            UsageError, match=f"{id_of(2)} is in the pool and has no text in .* run curate_workflows"
        ):
            ShardPlan.of(rows, seed=0, rows_per_shard=9)
    twice = pool(fates, complete.unionByName(lake_table(spark, SILVER_WORKFLOWS, silver(1))))
    with pytest.raises(BrokenLaw, match=f"{id_of(1)} is in the pool twice"):
        ShardPlan.of(twice, seed=0, rows_per_shard=9)


def test_the_job_writes_a_set_once_mends_it_and_tells_of_no_shop(
    spark: SparkSession, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--lake", lake.root, "--week", WEEK]
    assert write_shards.main(argv) == 2
    assert (
        "Week 2026-W47 has no fates yet; run curate_workflows --week 2026-W47 first."
        in capsys.readouterr().err
    )
    lake.append(lake_table(spark, GOLD_FATES, fate(0), fate(1), fate(2, "quarantine")), GOLD_FATES)
    lake.append(lake_table(spark, SILVER_WORKFLOWS, *map(silver, range(3))), SILVER_WORKFLOWS)
    assert write_shards.main(argv) == 0
    line = capsys.readouterr().out
    assert line.startswith("write_shards week=2026-W47 rows=2 shards=1 content=")
    [folder] = (Path(lake.root) / "gold" / "shards").iterdir()
    first = files_of(folder)
    [shard] = folder.glob("data/*")
    table = pq.read_table(shard)
    assert sorted(table["python"].to_pylist()) == ["python 0", "python 1"]
    for private in (b"shop-7731", b"workflow-9911"):
        assert not any(private in content for content in first.values())
        assert private.decode() not in str(table.to_pylist())
    shard.write_bytes(b"bit rot")
    assert write_shards.main(argv) == 0
    assert files_of(folder) == first
    assert capsys.readouterr().out.split(" seconds=")[0] == line.split(" seconds=")[0]
