"""The drill: plant a shop, let it go through the whole loop, forget it, and look at every byte."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

# Two turns of the loop and an erasure: minutes.
pytestmark = [pytest.mark.spark, pytest.mark.faults]

from jobs import (  # noqa: E402
    build_conversations,
    curate_workflows,
    ingest_conversations,
    ingest_workflows,
    judge_conversations,
    route_conversations,
    synthesize_conversations,
    write_shards,
)
from jobs import erase as erase_job  # noqa: E402
from pipelines.adhoc import query  # noqa: E402
from pipelines.erasure import SHOP, ErasedSubjects, Subject  # noqa: E402
from pipelines.erasure.files import Files  # noqa: E402
from pipelines.erasure.scan import scan  # noqa: E402
from pipelines.erasure.spellings import Spellings  # noqa: E402
from pipelines.generator import Plan, write_dump  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.shard_sets import ShardSet  # noqa: E402
from schemas.tables import GOLD_FATES, TABLES  # noqa: E402
from tests.pipelines.recordings import Recorded  # noqa: E402
from tests.schemas.conversations import tokenizer_json  # noqa: E402

WEEK = "2026-W47"
MARKER = "plinth-otter-4711"


class World:
    """A lake that went through the loop once, with the planted shop in all of it."""

    def __init__(self, folder: Path) -> None:
        self.lake, self.records, self.events = folder / "lake", folder / "records", folder / "events"
        self.models = folder / "models"
        self.tokenizer = folder / "tokenizer.json"
        self.tokenizer.write_bytes(tokenizer_json())
        self.models.mkdir()
        self._plant()

    def _plant(self) -> None:
        write_dump(Plan(seed=11, num=80, week_end=1_795_392_000, bad_share=0.05), self.records, num_files=1)
        (dump,) = self.records.glob("*.jsonl")
        lines = dump.read_bytes().splitlines()
        sound = [
            json.loads(line) for line in lines if line.startswith(b'{"workflow_id"') and line.endswith(b"}")
        ]
        shops = [row["shop_id"] for row in sound if row.get("num_runs_7d") and "shop_id" in row]
        chosen = max(shops, key=shops.count)
        planted = dump.read_bytes().replace(f'"{chosen}"'.encode(), f'"{MARKER}"'.encode())
        dump.write_bytes(planted + f'{{"shop_id":"{MARKER}","workflow_id":\n'.encode())
        self.packed = self.records / "more.jsonl.gz"
        self.packed.write_bytes(gzip.compress(f'{{"shop_id":"{MARKER}"}}\n'.encode() + b"{}\n"))
        self.recorded = Recorded(self.events)
        self.recorded.ask("Tag big orders as vip", shop_id="somebody-else")
        self.recorded.ask(f"Tag big orders of {MARKER}.myshopify.com", shop_id=MARKER)
        recording, _ = self.recorded.ask("What does Flow do?", None, shop_id=MARKER)
        recording.append("feedback", {"rating": "up", "text": ""})

    def turn(self) -> None:
        lake, week = ("--lake", str(self.lake)), ("--week", WEEK)
        for module, argv in (
            (ingest_workflows, ("--inputs", str(self.records))),
            (curate_workflows, week),
            (synthesize_conversations, (*week, "--wordings", "1")),
            (ingest_conversations, ("--inputs", str(self.events))),
            (build_conversations, ()),
            (judge_conversations, ()),
            (route_conversations, week),
            (write_shards, (*week, "--tokenizer", str(self.tokenizer))),
        ):
            assert module.main([*argv, *lake]) == 0, module.__name__

    def train(self) -> str:
        """A checkpoint's manifest, as training writes it, and one of another set."""
        (manifest,) = self.lake.glob("gold/shards/*/manifest.json")
        content = json.loads(manifest.read_text())["content_sha256"]
        for name, shards in (("tainted", content), ("sound", "0" * 64)):
            (self.models / name).mkdir()
            told = {"made_from": {"shards": shards}, "shards": {"content_sha256": shards}}
            (self.models / name / "manifest.json").write_text(json.dumps(told))
        return str(content)

    def fates(self) -> dict[tuple[str, str], int]:
        sql = "SELECT kind, fate, count(*) AS n FROM gold.fates GROUP BY ALL"
        return {(row["kind"], row["fate"]): row["n"] for row in query(str(self.lake), sql).to_pylist()}


def hits(*places: Path) -> list[str]:
    return [hit.path for hit in scan(map(str, places), Spellings([Subject(SHOP, MARKER)]), Files())[1]]


def test_a_forgotten_shop_is_nowhere_and_the_loop_goes_on(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    world.turn()
    content = world.train()
    before = world.fates()
    untouched = [line for line in world.recorded.lines() if MARKER.encode() not in line]
    # What others leave in a log: a predicate with the id.
    contracts = f"{lake.root}/bronze/contracts"
    lake.spark.sql(f"DELETE FROM delta.`{contracts}` WHERE version = '{MARKER}' OR version IS NOT NULL")
    assert any("bronze/contracts/_delta_log" in path for path in hits(world.lake))
    world.recorded.recorder.close()
    assert len(hits(world.lake, world.events, world.records)) > 8
    argv = ["--lake", lake.root, "--shop", MARKER, "--checkpoints", str(world.models), "--grace-hours", "0"]
    capsys.readouterr()
    assert erase_job.main([*argv, "--dry-run"]) == 0
    assert "bronze.conversation_events=" in capsys.readouterr().out
    assert not ErasedSubjects.of(lake)
    assert erase_job.main(argv) == 0
    said = capsys.readouterr()
    assert "left=0" in said.out
    assert MARKER not in said.out + said.err
    assert hits(tmp_path) == []

    (certificate,) = world.lake.glob("ops/certificates/*.json")
    told = json.loads(certificate.read_text())
    assert [Path(each["path"]).name for each in told["tainted"]] == ["tainted"]
    assert [each["content_before"] for each in told["shards"]] == [content]
    for name in (
        "bronze.workflows",
        "silver.workflows",
        "bronze.conversation_events",
        "silver.conversations",
    ):
        assert told["tables"][name]["rows"] > 0, name
    assert told["tables"]["silver.synthetic_conversations"]["rows"] > 0
    assert told["landing"]["num_rewritten"] == 3
    assert world.recorded.lines() == untouched
    assert gzip.decompress(world.packed.read_bytes()).endswith(b"{}\n")
    (folder,) = world.lake.glob("gold/shards/*")
    assert list(ShardSet(str(folder)).check()) == []

    # The fates stand, name nothing, and stay when the week is decided again; nothing comes back.
    after = world.fates()
    kinds = ("workflow", "conversation", "event")
    assert all(after.get((kind, "erased"), 0) > 0 for kind in kinds[:2])
    assert all(_of(kind, before) == _of(kind, after) for kind in kinds)
    for table in TABLES.values():  # Spark and DuckDB read the same
        assert lake.read(table).count() == query(lake.root, f"FROM {table.name}").num_rows, table.name
    world.turn()
    again = world.fates()
    assert all(_of(kind, again) == _of(kind, before) for kind in kinds)
    assert [again[kind, "erased"] for kind in kinds[:2]] == [after[kind, "erased"] for kind in kinds[:2]]
    blank = "coalesce(shop_id, workflow_id, detail, descriptor) IS NOT NULL"
    assert lake.read(GOLD_FATES).where(f"fate = 'erased' AND {blank}").isEmpty()
    assert hits(tmp_path) == []


def _of(kind: str, fates: dict[tuple[str, str], int]) -> int:
    return sum(count for (each, _), count in fates.items() if each == kind)
