"""A recorder's lines as rows of `bronze.conversation_events`, and what becomes of fields that nobody knows.

The four words are those of dlt's schema contracts, for a field that the reader does not know:

| contract | the field | the row |
|---|---|---|
| `evolve` | goes into `rescued`, by its JSON pointer, and is counted | is sound |
| `freeze` | stops the job by its name | nothing of its batch is written |
| `discard_row` | is named in the reason | is malformed |
| `discard_value` | is counted and left out; `raw` still has it | is sound |

A known field of another type makes its row malformed under each of them, and so does a kind of event or a
version that nobody knows: what it means for the conversation cannot be told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.ingest import Counts, Form, bronze_row, ingest
from pipelines.lake import Lake
from pipelines.records import LINES, Record, whole_file
from pipelines.storage import InputFile, Inputs, find_inputs
from schemas.conversation import ENCODING, FIELD, TOO_LARGE, UNKNOWN, rescue_event, time_of
from schemas.envelope import MAX_RECORD_BYTES, Columns
from schemas.errors import BadRecord, BrokenLaw, Transient
from schemas.row_rules import FIRST_MOMENT, LAST_MOMENT
from schemas.tables import BRONZE_CONTRACTS, BRONZE_EVENTS
from schemas.tools import Contract, canonical_json
from serving.contract_files import CONTRACT_SUFFIX

__all__ = [
    "SchemaContract",
    "events_form",
    "ingest_contracts",
    "ingest_events",
    "named_fields",
    "recorded",
    "rescued_fields",
]

SchemaContract = Literal["evolve", "freeze", "discard_row", "discard_value"]

_MOST_NAMES: Final = 10
_LONGEST_NAME: Final = 60


def events_form(contract: SchemaContract = "evolve") -> Form:
    """The form of a recorder's lines under one contract."""
    return Form(
        BRONZE_EVENTS,
        partial(_event, contract=contract),
        Transient,
        of_malformed=_time,
        counted=("problem_code", "rescued"),
        settle=_without_values if contract == "discard_value" else None,
        report=_rescued,
    )


def _event(record: Record, place: str, *, contract: SchemaContract) -> Columns:
    if record.raw is None:
        raise BadRecord(TOO_LARGE, f"{record.num_bytes} bytes, the limit is {MAX_RECORD_BYTES}")
    event, unknown = rescue_event(record.raw)
    if not FIRST_MOMENT <= event.time < LAST_MOMENT:  # no table beyond bronze would take it
        years = f"from {FIRST_MOMENT.year} on and before {LAST_MOMENT.year}"
        raise BadRecord(FIELD, f"must be a time {years}", path="/time")
    for path in sorted(unknown):
        if contract == "freeze":
            raise BrokenLaw(
                f"{place}: nobody knows the field {_name(path)!r}; --schema-contract evolve would keep it"
            )
        if contract == "discard_row":
            raise BadRecord(UNKNOWN, "nobody knows the field", path=_name(path))
    return {
        "event_id": event.event_id,
        "conversation_id": event.conversation_id,
        "shop_id": event.shop_id,
        "sequence": event.sequence,
        "event_time": event.time,
        "kind": event.kind,
        "payload": event.payload,
        "model": event.model,
        "contract": event.contract,
        "arm": event.arm,
        "rescued": canonical_json(unknown) if unknown else None,
    }


def _time(record: Record) -> Columns:
    """The time, which is one of the bytes and not of who reads them: a stream looks for equal bytes by it."""
    moment = time_of(record.raw or b"")
    return {} if moment is None or not FIRST_MOMENT <= moment < LAST_MOMENT else {"event_time": moment}


def recorded(inputs: Sequence[str]) -> Inputs:
    """Files of events and of contracts; a folder in which nothing was recorded yet has none."""
    return find_inputs(inputs, (*LINES, CONTRACT_SUFFIX), allow_none=True).without_empty()


def ingest_events(lake: Lake, found: Inputs, contract: SchemaContract = "evolve") -> Counts:
    """Bring what was `recorded` into bronze. Counts every line, and the contracts."""
    told = [file for file in found.files if file.uri.endswith(CONTRACT_SUFFIX)]
    events = [file for file in found.files if file not in told]
    # What events name is there before them: a job that is killed between the two leaves nothing unexplained.
    contracts = ingest_contracts(lake, told)
    return {**ingest(lake, Inputs(events, found.num_skipped), events_form(contract)), **contracts}


def rescued_fields(rows: DataFrame) -> dict[str, int]:
    """In how many of the rows each unknown field is, the most frequent first, by JSON pointer."""
    names = rows.where(F.col("rescued").isNotNull()).select(
        F.explode(F.json_object_keys("rescued")).alias("name")
    )
    counted = names.groupBy("name").count().orderBy(F.desc("count"), "name").limit(10 * _MOST_NAMES)
    return {row["name"]: int(row["count"]) for row in counted.collect()}


def named_fields(fields: Mapping[str, int]) -> str:
    """`/locale:12,/payload/channel:3`, the most frequent ones, for a line that a person reads."""
    ordered = sorted(fields.items(), key=lambda pair: (-pair[1], pair[0]))
    listed = [f"{_name(name)}:{num}" for name, num in ordered[:_MOST_NAMES]]
    return ",".join([*listed, *(["..."] if len(ordered) > _MOST_NAMES else [])])


def _rescued(rows: DataFrame) -> Counts:
    """How many of the rows have unknown fields, and which; nothing where none has."""
    num_rescued = rows.where(F.col("rescued").isNotNull()).count()
    if not num_rescued:
        return {}
    return {"rescued": num_rescued, "unknown_fields": named_fields(rescued_fields(rows))}


def _without_values(rows: DataFrame) -> tuple[DataFrame, Counts]:
    found = _rescued(rows)
    told = {"discarded" if name == "rescued" else name: count for name, count in found.items()}
    return rows.withColumn("rescued", F.lit(None).cast("string")), told


def _name(path: str) -> str:
    """A field's name as a line shows it: short, and without what ends a line or a list."""
    shown = "".join(char if char.isprintable() and char not in ",:" else "?" for char in path[:_LONGEST_NAME])
    return shown if len(path) <= _LONGEST_NAME else f"{shown}..."


def _contract(record: Record, place: str) -> Columns:
    if record.raw is None:
        raise BadRecord(TOO_LARGE, f"{record.num_bytes} bytes, the limit is {MAX_RECORD_BYTES}")
    try:
        text = record.raw.decode()
    except UnicodeDecodeError as error:
        raise BadRecord(ENCODING, f"byte {error.start} is not UTF-8") from None
    # Events name the bytes that were told, whatever a later reader would make of them.
    found = {"contract": hashlib.sha256(record.raw).hexdigest(), "text": text}
    return {**found, "version": Contract.from_json(text).version}


def ingest_contracts(lake: Lake, files: Sequence[InputFile]) -> dict[str, int]:
    """Bring what recorders told their models into `bronze.contracts`; counts the distinct ones.

    They are few and small, so this process reads them.
    """
    form = Form(BRONZE_CONTRACTS, _contract, BrokenLaw)
    rows = [bronze_row(file.uri, whole_file(file.uri), form) for file in files]
    distinct = {row["record_id"]: row for row in reversed(rows)}
    if distinct:
        known = {row["record_id"] for row in lake.read(form.table).select("record_id").collect()}
        new = [row for name, row in distinct.items() if name not in known]
        if new:
            table = pa.Table.from_pylist(new, schema=form.table.schema)
            lake.merge(lake.spark.createDataFrame(table), form.table, insert_only=True, distinct=True)
    malformed = sum("problem_code" in row for row in distinct.values())
    return {"contracts": len(distinct), "malformed_contracts": malformed}
