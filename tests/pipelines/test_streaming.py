from __future__ import annotations

import gzip
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import SparkSession  # noqa: E402

from jobs import build_conversations  # noqa: E402
from jobs.ingest_conversations import Config, run  # noqa: E402
from pipelines.conversation_events import events_form  # noqa: E402
from pipelines.conversations import settle  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.streaming.micro_batch import Writer  # noqa: E402
from pipelines.streaming.watermark import Watermark  # noqa: E402
from schemas.errors import BrokenLaw, UsageError  # noqa: E402
from schemas.tables import BRONZE_EVENTS, SILVER_CONVERSATIONS, Table  # noqa: E402
from tests.pipelines.event_lines import UNREADABLE, conversations, event_line  # noqa: E402

if TYPE_CHECKING:
    from tests.kafka_broker import Broker

PLACE = {"source_file", "source_offset", "source_line", "problem"}


def rows(lake: Lake, table: Table, *, without: set[str] = frozenset()) -> list[dict[str, Any]]:  # type: ignore[assignment]
    found = sorted(lake.read(table).toArrow().to_pylist(), key=lambda row: str(row["record_id"]))
    return [{name: value for name, value in row.items() if name not in without} for row in found]


def lines() -> list[bytes]:
    """Late, out of order, twice, with fields that nobody knows, and malformed."""
    sound = conversations(range(12))
    extra = [event_line(20, 0, locale="fr"), event_line(20, 1, locale="de", hint={"a": 1})]
    return [*reversed(sound), *sound[:5], *extra, *UNREADABLE, *UNREADABLE[:2], event_line(21, 0)]


def test_a_folder_in_one_go_and_as_a_stream_leaves_the_same_tables(lake: Lake, tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.mkdir()
    every = lines()
    (events / "a.jsonl").write_bytes(b"".join(every[:20]))
    (events / "b.jsonl.gz").write_bytes(gzip.compress(b"".join(every[15:30])))
    (events / "c.jsonl").write_bytes(b"".join(every[30:])[:-1])
    whole = dict(run(Config(inputs=(str(events),), lake=lake.root)))
    build_conversations.run(build_conversations.Config(lake=lake.root))
    streamed = Lake(lake.spark, tmp_path / "streamed")
    config = Config(inputs=(str(events),), lake=streamed.root, once=True, batch_bytes=9000, build=False)
    counts = dict(run(config))
    assert counts["batches"] > 1
    assert counts["read"] == whole["read"] == len(every) + 5
    assert counts["new"] == whole["new"] == len(rows(streamed, BRONZE_EVENTS))
    assert whole["known"] + whole["repeated"] == counts["known"] + counts["repeated"]
    assert (whole["rescued"], whole["unknown_fields"]) == (2, "/locale:2,/hint:1")
    assert (counts["rescued"], counts["unknown_fields"]) == (2, "/locale:2,/hint:1")
    assert rows(streamed, BRONZE_EVENTS) == rows(lake, BRONZE_EVENTS)
    before = rows(streamed, BRONZE_EVENTS)
    assert dict(run(config))["read"] == 0
    shutil.rmtree(Path(streamed.root) / "ops/checkpoints")
    again = dict(run(Config(inputs=(str(events),), lake=streamed.root, once=True)))
    assert (again["read"], again["new"]) == (len(every) + 5, 0)
    # What is there already is built all the same: a kill may have come between the two.
    assert rows(streamed, SILVER_CONVERSATIONS) == rows(lake, SILVER_CONVERSATIONS)
    assert len(rows(lake, SILVER_CONVERSATIONS)) == 14
    assert rows(streamed, BRONZE_EVENTS) == before


def test_a_batch_that_was_committed_is_skipped_under_its_name_and_looked_up_under_another(
    lake: Lake, tmp_path: Path
) -> None:
    raw = lake.spark.createDataFrame(
        [(f"{tmp_path}/a.jsonl", 0, 1, event_line(1, 0)[:-1], 300, "0" * 32, None)],
        "source_file string, source_offset long, source_line long, raw binary, num_bytes long,"
        " record_id string, damage string",
    )
    writer = Writer(lake, events_form(), "application-1")
    writer(raw, 0)
    other = raw.selectExpr(
        "source_file",
        "source_offset",
        "source_line",
        "raw",
        "num_bytes",
        f"'{'1' * 32}' AS record_id",
        "damage",
    )
    writer(other, 0)
    assert [row["record_id"] for row in rows(lake, BRONZE_EVENTS)] == ["0" * 32], "batch 0 is there already"
    Writer(lake, events_form(), "application-2")(raw, 0)
    assert [row["record_id"] for row in rows(lake, BRONZE_EVENTS)] == ["0" * 32], (
        "the record is there already"
    )
    (event,) = rows(lake, BRONZE_EVENTS)
    watermark = Watermark(timedelta(minutes=9), timedelta(hours=24))
    third = Writer(lake, events_form(), "application-3", watermark=watermark)
    third(other, 0)
    assert len(rows(lake, BRONZE_EVENTS)) == 2, "another application's batch 0 is not the first one's"
    assert (watermark.newest, third.totals.counts["late"]) == (event["event_time"], 0)
    watermark.newest += timedelta(minutes=10)
    third(other, 1)
    assert third.totals.counts["late"] == 1
    assert lake.spark.conf.get("spark.databricks.delta.write.txnAppId", None) is None


def test_freeze_stops_before_anything_of_the_batch_is_written(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(event_line(1, 0) + event_line(1, 1, locale="fr"))
    active = SparkSession.getActiveSession()
    for once in (False, True):
        with pytest.raises(BrokenLaw, match=r"a\.jsonl line 2: nobody knows the field '/locale'"):
            run(
                Config(
                    inputs=(str(tmp_path),), lake=lake.root, once=once, build=False, schema_contract="freeze"
                )
            )
        assert rows(lake, BRONZE_EVENTS) == []
        assert SparkSession.getActiveSession() is active, "a stream's settings are nobody else's"
    counts = dict(run(Config(inputs=(str(tmp_path),), lake=lake.root, schema_contract="discard_value")))
    assert (counts["new"], counts["discarded"], counts["unknown_fields"]) == (2, 1, "/locale:1")
    assert [row["rescued"] for row in rows(lake, BRONZE_EVENTS)] == [None, None]


@pytest.mark.kafka
def test_a_topic_leaves_what_the_same_lines_in_files_leave(
    lake: Lake, tmp_path: Path, kafka_broker: Broker
) -> None:
    from confluent_kafka import Producer

    every = lines()
    (tmp_path / "a.jsonl").write_bytes(b"".join(every))
    run(Config(inputs=(str(tmp_path / "a.jsonl"),), lake=lake.root))
    kafka_broker.create_topic("streamed-events", partitions=2)
    producer = Producer({"bootstrap.servers": kafka_broker.address})
    for number, line in enumerate(every):
        producer.produce("streamed-events", line.rstrip(b"\n"), partition=number % 2)
    producer.flush(30)
    streamed = Lake(lake.spark, tmp_path / "streamed")
    config = Config(
        kafka=f"{kafka_broker.address}/streamed-events", lake=streamed.root, once=True, build=False
    )
    counts = dict(run(config))
    assert (counts["read"], counts["batches"]) == (len(every), 1)
    assert rows(streamed, BRONZE_EVENTS, without=PLACE) == rows(lake, BRONZE_EVENTS, without=PLACE)
    places = {(row["source_file"], row["source_line"]) for row in rows(streamed, BRONZE_EVENTS)}
    assert places == {("kafka://streamed-events/0", None), ("kafka://streamed-events/1", None)}
    assert dict(run(config))["read"] == 0
    wrong = Config(kafka=f"{kafka_broker.address}/nothing", lake=streamed.root, once=True, build=False)
    with pytest.raises(UsageError, match=r"no such topic"):
        run(wrong)


def test_what_only_time_tells_is_settled_no_more_often_than_is_said_and_when_the_stream_ends(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(*given: Any) -> Any:
        calls.append(given)
        return settle(*given)

    monkeypatch.setattr("pipelines.streaming.conversations.settle", counted)
    events = tmp_path / "events"
    events.mkdir()
    for day in range(3):
        late = {"skew": timedelta(days=day)}
        told = [event_line(4 * day + each, number, **late) for each in range(4) for number in (0, 1)]
        (events / f"{day}.jsonl").write_bytes(b"".join(told))
    lag = Config(inputs=(str(events),), lake=lake.root, once=True, batch_bytes=1800, settle_seconds=3600)
    assert int(dict(run(lag))["batches"]) >= 3
    assert len(calls) == 2, "after the first batch, and at the end"
    assert [row["closed"] for row in rows(lake, SILVER_CONVERSATIONS)].count(True) == 8, (
        "all but the last day"
    )
    built = build_conversations.run(build_conversations.Config(lake=lake.root))
    assert (built["new"], built["changed"]) == (0, 0)
