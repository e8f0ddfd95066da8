"""The job of `curate.py` as datatrove pipelines: `_curate_datatrove.py DUMP OUTPUT WEEK`.

It runs in an environment of its own. datatrove has no rules about groups of rows, so the first pass writes
what the rules look at, this process decides, and the second pass reads the files again for the rows to keep.
Its own `JsonlReader` leaves the rest of a file out at the first byte that is no UTF-8; the subclass here
reads bytes and counts what is no sound record.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pyarrow as pa
from datatrove.data import Document, DocumentsPipeline
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import ParquetWriter
from loguru import logger

TASK_ID = re.compile(r'"task_id"\s*:\s*"([^"]*)"')
KEYS = {
    "workflow_id",
    "shop_id",
    "workflow",
    "created_at",
    "updated_at",
    "last_run_at",
    "num_runs_7d",
    "active",
}
COLUMNS = ("record_id", "workflow_id", "shop_id", "descriptor", "num_runs_7d", "workflow")
WORKERS = 2


class Records(JsonlReader):
    """Sound records of a dump; the others are counted."""

    def read_file(self, filepath: str) -> DocumentsPipeline:
        with self.data_folder.open(filepath, "rb", compression=self.compression) as file:
            for number, raw in enumerate(file):
                line = raw.rstrip(b"\r\n")
                with self.track_time():
                    self.stat_update("lines")
                    record = sound(line)
                    if record is None:
                        self.stat_update("malformed")
                        continue
                    record["record_id"] = hashlib.blake2b(line, digest_size=16).hexdigest()
                    record["place"] = f"{filepath}:{number}"
                    document = self.get_document_from_dict(record, filepath, number)
                if document:
                    yield document


def sound(line: bytes) -> dict | None:
    try:
        record = orjson.loads(line)
        if isinstance(record, dict) and orjson.dumps(record) != line:  # a key may be there twice
            record = json.loads(line, object_pairs_hook=once)
    except (ValueError, TypeError, RecursionError):
        return None
    right = isinstance(record, dict) and record.keys() == KEYS and isinstance(record["workflow"], str)
    return record if right else None


def once(pairs: list) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


class Describe(PipelineStep):
    """Gives each record its descriptor."""

    name, type = "descriptor", "describe"

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        for document in data:
            document.metadata["descriptor"] = " ".join(sorted(TASK_ID.findall(document.text)))
            yield document


class Facts(PipelineStep):
    """Writes what the rules look at, one file a rank."""

    name, type = "facts", "write"

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        with Path(self.folder, f"{rank:05}.jsonl").open("wb") as file:
            for document in data:
                said = document.metadata
                facts = [
                    said[key] for key in ("record_id", "updated_at", "last_run_at", "num_runs_7d", "place")
                ]
                file.write(orjson.dumps([document.id, said["shop_id"], said["descriptor"], *facts]) + b"\n")
                yield document


def keep(folder: Path, ends: datetime) -> set[str]:
    """Places of the records that the rules keep: the same line may be there twice."""
    opens = ends - timedelta(days=7)
    newest: dict = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.open("rb"):
            workflow, shop, descriptor, record, updated, ran, runs, place = orjson.loads(line)
            updated, ran = moment(updated), moment(ran)
            if (updated and updated >= ends) or (ran and ran >= ends):
                continue
            age = (known(updated), known(ran), known(runs), turned(record))
            if workflow not in newest or age > newest[workflow][0]:
                newest[workflow] = (age, shop, descriptor, record, updated, ran, runs, place)
    rows = [row for row in newest.values() if row[5] and row[5] >= opens and row[1] is not None and row[2]]
    shops = Counter(row[1] for row in rows)
    best: dict = {}
    for _, shop, descriptor, record, updated, _, runs, place in rows:
        rank = (known(runs), known(updated), turned(record))
        if shops[shop] >= 2 and (descriptor not in best or rank > best[descriptor][0]):
            best[descriptor] = (rank, place)
    return {place for _, place in best.values()}


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def known(value: object) -> tuple:
    """Nothing is less than anything."""
    return (value is not None, value)


def turned(record: str) -> int:
    """The smallest id is the largest number."""
    return -int(record, 16)


class Wanted:
    """Whether a record is at one of the places."""

    def __init__(self, places: set[str]) -> None:
        self.places = places

    def __call__(self, document: Document) -> bool:
        return document.metadata["place"] in self.places


def run(steps: list, tasks: int, logs: Path) -> object:
    return LocalPipelineExecutor(
        steps, tasks=tasks, workers=WORKERS, start_method="fork", logging_dir=str(logs)
    ).run()


def total(metric: int | dict) -> int:
    return metric["total"] if isinstance(metric, dict) else metric


def row(_: ParquetWriter, document: Document) -> dict:
    said = document.metadata | {"workflow_id": document.id, "workflow": document.text}
    return {name: said[name] for name in COLUMNS}


def main(dump: str, output: str, week: str) -> None:
    logger.remove()
    year, number = re.fullmatch(r"(\d{4})-W(\d{2})", week).groups()
    ends = datetime.fromisocalendar(int(year), int(number), 1).replace(tzinfo=UTC) + timedelta(days=7)
    scratch = Path(f"{output}-scratch")
    facts = scratch / "facts"
    facts.mkdir(parents=True)
    tasks = len(list(Path(dump).glob("*.jsonl")))

    def reader() -> Records:
        return Records(
            dump, glob_pattern="*.jsonl", text_key="workflow", id_key="workflow_id", add_file_path=False
        )

    stats = run([reader(), Describe(), Facts(str(facts))], tasks, scratch / "first")
    places = keep(facts, ends)
    schema = pa.schema([(name, pa.int64() if name == "num_runs_7d" else pa.string()) for name in COLUMNS])
    writer = ParquetWriter(output, compression="zstd", adapter=row, schema=schema)
    run([reader(), LambdaFilter(Wanted(places)), Describe(), writer], tasks, scratch / "second")
    said = json.loads(stats.to_json())[0]["stats"]
    counts = {"read": total(said["lines"]), "malformed": total(said.get("malformed", 0))}
    print("RESULT " + json.dumps(counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
