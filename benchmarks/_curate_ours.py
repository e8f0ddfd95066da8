"""The job of `curate.py` by our own functions: `_curate_ours.py DUMP OUTPUT WEEK [LAKE]`.

With a lake the records go through bronze, as the jobs do it: identified, merged into the Delta table, read
back from it. Without one, what the rules look at comes straight from the files, and only the kept records are
read a second time. Either way `curate` decides, over a descriptor of task ids in place of the gate's. Not in:
silver, the ledger, the commit of the fates.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.curation import CurationPolicy, curate, records_of
from pipelines.ingest import (
    bronze_row,
    bronze_rows,
    count_records,
    first_lines,
    identify_records,
    new_records,
)
from pipelines.lake import Lake
from pipelines.records import SUFFIXES, Split, plan_splits, read_split
from pipelines.session import spark_session
from pipelines.storage import find_inputs
from schemas.envelope import workflow_text
from schemas.tables import BRONZE_WORKFLOWS
from schemas.weeks import Week

Tasks = list[list[Split]]
Batches = Iterable[pa.RecordBatch]

ROWS_A_BATCH = 8192
TASK_ID = re.compile(r'"task_id"\s*:\s*"([^"]*)"')
JUDGED = ("record_id", "workflow_id", "shop_id", "updated_at", "last_run_at", "num_runs_7d")
WHY = ("problem_code", "problem")
PLACE = pa.schema([("task", pa.int32()), ("split", pa.int32()), ("line", pa.int64())])
BRONZE = BRONZE_WORKFLOWS.schema
FACTS = pa.schema([*PLACE, *(BRONZE.field(name) for name in (*JUDGED, *WHY)), ("descriptor", pa.string())])
KEPT = ("record_id", "workflow_id", "shop_id", "num_runs_7d")


class Source(NamedTuple):
    """What the rules look at, and the bronze rows of the ids that they keep."""

    records: DataFrame
    bronze_of: Callable[[DataFrame], DataFrame]


def descriptor_of(text: str) -> str:
    return " ".join(sorted(TASK_ID.findall(text)))


def through_bronze(spark: SparkSession, tasks: Tasks, root: str) -> Source:
    lake = Lake(spark, root)
    identified = identify_records(spark, tasks).persist()
    count_records(identified)
    new = new_records(identified, lake.read(BRONZE_WORKFLOWS)).persist()
    new.count()
    rows = bronze_rows(new, tasks, first_lines(identified, tasks))
    lake.merge(rows, BRONZE_WORKFLOWS, insert_only=True, distinct=True)
    bronze = lake.read(BRONZE_WORKFLOWS)
    sound = bronze.where(F.col("problem_code").isNull()).select("record_id", "raw")
    silver = sound.mapInArrow(described, "record_id string, descriptor string")
    silver = silver.withColumns(dict.fromkeys(WHY, F.lit(None).cast("string")))
    return Source(
        records_of(bronze, silver).persist(), lambda ids: bronze.join(ids, "record_id", "left_semi")
    )


def described(batches: Batches) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        found = [descriptor_of(workflow_text(raw)) for raw in batch.column("raw").to_pylist()]
        yield pa.record_batch(
            [batch.column("record_id"), pa.array(found, pa.string())], ["record_id", "descriptor"]
        )


def from_files(spark: SparkSession, tasks: Tasks) -> Source:
    numbers = spark.range(0, len(tasks), 1, len(tasks))
    facts = numbers.mapInArrow(partial(facts_of, tasks), columns_of(FACTS))
    nothing = F.lit(None).cast("string")
    silver = {"transpiled": F.lit(True), "refusal": nothing, "refusal_detail": nothing}
    records = facts.dropDuplicates(["record_id"]).withColumns(silver).persist()

    def bronze_of(ids: DataFrame) -> DataFrame:
        places = records.join(ids, "record_id").select("task", "split", "line", "record_id")
        return bronze_rows(places, tasks, {})

    return Source(records, bronze_of)


def facts_of(tasks: Tasks, batches: Batches) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for task in batch.column(0).to_pylist():
            rows = (
                fact(task, place, split, record)
                for place, split in enumerate(tasks[task])
                for record in read_split(split)
            )
            while some := list(islice(rows, ROWS_A_BATCH)):
                yield pa.RecordBatch.from_pylist(some, schema=FACTS)


def fact(task: int, place: int, split: Split, record: Any) -> dict[str, Any]:
    row = bronze_row(split.uri, record)
    sound = row.get("problem_code") is None
    row["descriptor"] = descriptor_of(workflow_text(record.raw)) if sound else None
    return row | {"task": task, "split": place, "line": record.line}


def columns_of(schema: pa.Schema) -> str:
    """The schema as Spark spells it; bronze's own columns as the contract has them."""
    known = {field.name: field.dataType.simpleString() for field in spark_schema(BRONZE_WORKFLOWS)}
    others = {"task": "int", "split": "int", "line": "long", "descriptor": "string"}
    return ", ".join(f"{name} {(known | others)[name]}" for name in schema.names)


def with_text(batches: Batches) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        texts = [workflow_text(raw) for raw in batch.column("raw").to_pylist()]
        columns = [
            *(batch.column(name) for name in KEPT),
            pa.array(texts),
            pa.array(map(descriptor_of, texts)),
        ]
        yield pa.record_batch(columns, [*KEPT, "workflow", "descriptor"])


def main(dump: str, output: str, week: str, root: str = "") -> None:
    found = find_inputs((dump,), SUFFIXES)
    tasks = plan_splits(found.files)
    spark = spark_session("curate_benchmark", num_bytes=found.num_bytes)
    source = through_bronze(spark, tasks, root) if root else from_files(spark, tasks)
    sound = F.count_if(F.col("problem_code").isNull()).alias("sound")
    counted = source.records.agg(F.count(F.lit(1)).alias("all"), sound).collect()[0]
    fates = curate(source.records, Week.parse(week), CurationPolicy())
    kept = source.bronze_of(fates.where(F.col("fate") == "training").select("record_id"))
    texts = kept.select(*KEPT, "raw").mapInArrow(
        with_text,
        "record_id string, workflow_id string, shop_id string, num_runs_7d long, "
        "workflow string, descriptor string",
    )
    texts.write.parquet(output)
    print("RESULT " + json.dumps({"read": counted["all"], "malformed": counted["all"] - counted["sound"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
