"""The job of `conversations.py` as datatrove pipelines: `_conversations_datatrove.py EVENTS OUTPUT`.

It runs in an environment of its own. datatrove has no groups of documents, so the first pass checks each
line and deals it out by its conversation, and the second takes a hand at a time: equal lines once, in order,
one row a conversation. Of what ours does it leaves out redaction of names and numbers (it runs datatrove's
own formatter, for e-mail and IP addresses), the rendering for the model, what time settles, and Delta.
"""

from __future__ import annotations

import json
import sys
import zlib
from contextlib import ExitStack
from pathlib import Path

import orjson
import pyarrow as pa
from _curate_datatrove import run, total
from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers.base import BaseReader
from datatrove.pipeline.writers import ParquetWriter
from loguru import logger

TASKS = 8
KEYS = {"event_id", "conversation_id", "shop_id", "sequence", "time", "kind", "payload"}
TALK = ("message", "tool_call", "tool_result")
COLUMNS = ("conversation_id", "shop_id", "num_events", "activated", "text")
_REQUIRED = ("event_id", "conversation_id", "kind", "time")


class Deal(PipelineStep):
    """Checks each line of the files of a rank and deals it out by its conversation."""

    name, type = "events", "deal"

    def __init__(self, events: str, folder: str) -> None:
        super().__init__()
        self.events, self.folder = events, folder

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        with ExitStack() as stack:
            hands = [
                stack.enter_context(Path(self.folder, f"{hand:03}-{rank:03}.jsonl").open("wb"))
                for hand in range(TASKS)
            ]
            for path in sorted(Path(self.events).glob("*.jsonl"))[rank::world_size]:
                for line in path.open("rb"):
                    self.stat_update("lines")
                    event = sound(line)
                    if event is None:
                        self.stat_update("malformed")
                        continue
                    hands[zlib.crc32(event["conversation_id"].encode()) % TASKS].write(line)
        yield from ()


def sound(line: bytes) -> dict | None:
    """The event of a line that is one."""
    try:
        event = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not event.keys() >= KEYS:
        return None
    named = all(isinstance(event[name], str) for name in _REQUIRED)
    return event if named and isinstance(event["sequence"], int) else None


class Conversations(BaseReader):
    """The conversations of a hand, as documents."""

    name = "conversations"

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        talks: dict[str, set[bytes]] = {}
        for path in sorted(Path(self.folder).glob(f"{rank:03}-*.jsonl")):
            for line in path.open("rb"):
                talks.setdefault(orjson.loads(line)["conversation_id"], set()).add(line)
        for name, lines in talks.items():
            yield document(name, [orjson.loads(line) for line in lines])


def document(name: str, events: list[dict]) -> Document:
    """One conversation in order."""
    events.sort(key=lambda event: (event["sequence"], event["event_id"]))
    said = [
        orjson.dumps({"kind": event["kind"], **event["payload"]}).decode()
        for event in events
        if event["kind"] in TALK
    ]
    facts = {
        "shop_id": events[0]["shop_id"],
        "num_events": len(events),
        "activated": any(event["kind"] == "activated" for event in events),
    }
    return Document(text="\n".join(said), id=name, metadata=facts)


def row(_: ParquetWriter, made: Document) -> dict:
    said = made.metadata | {"conversation_id": made.id, "text": made.text}
    return {name: said[name] for name in COLUMNS}


def main(events: str, output: str) -> None:
    logger.remove()
    scratch = Path(f"{output}-scratch")
    hands = scratch / "hands"
    hands.mkdir(parents=True)
    stats = run([Deal(events, str(hands))], TASKS, scratch / "first")
    types = {"num_events": pa.int64(), "activated": pa.bool_()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    writer = ParquetWriter(output, compression="zstd", adapter=row, schema=schema)
    run([Conversations(str(hands)), PIIFormatter(), writer], TASKS, scratch / "second")
    said = json.loads(stats.to_json())[0]["stats"]
    print(
        "RESULT " + json.dumps({"read": total(said["lines"]), "malformed": total(said.get("malformed", 0))})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
