"""Record a few conversations of the scripted oracle, one in three without activation.

PYTHONPATH=. python tests/recorded_conversations.py DUMP_FOLDER EVENTS_FOLDER NUM
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

from pipelines.wording import NUM_WORDINGS, create_request
from schemas.errors import BadRecord
from schemas.tools import CONTRACT
from schemas.workflow import Workflow, read, to_python
from serving.agent import Budget
from serving.oracle import ScriptedOracle
from serving.recorded_agent import converse_recorded
from serving.recorder import Recorder
from serving.shop import InMemoryShop

START = datetime(2026, 11, 17, 9, tzinfo=UTC)


def workflows(dump: Path) -> Iterator[Workflow]:
    for path in sorted(dump.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                yield read(json.loads(line)["workflow"]).workflow
            except (ValueError, KeyError, TypeError, BadRecord):
                continue  # planted damage


def record(dump: Path, events: Path, num: int) -> None:
    seconds, numbers = count(), count()
    recorder = Recorder(
        events,
        model="scripted-oracle",
        clock=lambda: START + timedelta(seconds=next(seconds)),
        new_id=lambda: f"conversation-{next(numbers)}",
    )
    for number, workflow in enumerate(islice(workflows(dump), num)):
        recording = recorder.begin(f"shop-{number}")
        converse_recorded(
            create_request(workflow, NUM_WORDINGS - 1),
            ScriptedOracle(to_python(workflow)),
            InMemoryShop(),
            CONTRACT,
            Budget(),
            recording,
            clock=lambda: 0.0,
        )
        if number % 3:
            for workflow_id, version in sorted(recording.proposed):
                recording.append("activated", {"workflow_id": workflow_id, "workflow_version": version})
    recorder.close()


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
