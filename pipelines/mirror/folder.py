"""A folder of a recorder's files held against today's contract, without a lake and without Spark."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from pipelines.mirror.findings import findings_in_events
from pipelines.mirror.report import MOST_DIFFERENCES, Counts, Ran, Report, gathered
from pipelines.records import LINES, plan_splits, read_split
from pipelines.storage import InputFile, find_inputs, open_file
from schemas.conversation import Event, rescue_event
from schemas.errors import BadRecord, UsageError
from schemas.tools import CONTRACT, Contract
from serving.contract_files import CONTRACT_SUFFIX

__all__ = ["check_folder"]


def check_folder(inputs: Sequence[str]) -> tuple[Report, Counts]:
    """What the recorded files show, and the counts of what was read. Every difference is a failure.

    Raises:
        UsageError: where an input is not there or no conversation is in them, so nothing was compared.
    """
    found = find_inputs(inputs, (*LINES, CONTRACT_SUFFIX))
    texts = dict(_texts(file for file in found.files if file.uri.endswith(CONTRACT_SUFFIX)))
    texts[CONTRACT.fingerprint()] = CONTRACT.to_json()
    conversations: dict[str, dict[int, Event]] = {}
    num_malformed = 0
    for event in _events([file for file in found.files if file.uri.endswith(LINES)]):
        if event is None:
            num_malformed += 1
        else:
            conversations.setdefault(event.conversation_id, {})[event.sequence] = event
    if not conversations:
        raise UsageError(
            f"no conversation in {', '.join(inputs)}, so nothing was compared: "
            f"{len(found.files)} files read, {found.num_skipped} skipped, "
            f"{num_malformed} lines that are no event; "
            "give what the recorder writes, or import other logs first."
        )
    ordered = [[events[place] for place in sorted(events)] for events in conversations.values()]
    seen = gathered(each for events in ordered for each in findings_in_events(events, texts))
    report = Report(
        ran=_ran(ordered, texts),
        seen=seen[:MOST_DIFFERENCES],
        failures=[f"{len(seen)} differences are in what was recorded"] if seen else [],
    )
    return report, {
        "files": len(found.files),
        "skipped_files": found.num_skipped,
        "conversations": len(ordered),
        "events": sum(map(len, ordered)),
        "malformed": num_malformed,
        "differences": len(seen),
    }


def _events(files: Sequence[InputFile]) -> Iterator[Event | None]:
    """Every event; None for a line that is none."""
    for split in (split for task in plan_splits(files) for split in task):
        for record in read_split(split):
            try:
                yield rescue_event(record.raw or b"")[0]
            except BadRecord:
                yield None


def _texts(files: Iterator[InputFile]) -> Iterator[tuple[str, str]]:
    for file in files:
        with open_file(file.uri) as opened:
            raw = opened.read()
        try:
            Contract.from_json(raw.decode())
        except (BadRecord, UnicodeDecodeError):
            continue  # what is no contract explains no event: it stays unknown, which is a difference
        yield hashlib.sha256(raw).hexdigest(), raw.decode()


def _ran(conversations: Sequence[Sequence[Event]], texts: dict[str, str]) -> list[Ran]:
    names = dict.fromkeys(events[0].contract for events in conversations)
    return [
        Ran(
            contract=name,
            version=Contract.from_json(texts[name]).version if name in texts else "",
            num_conversations=sum(events[0].contract == name for events in conversations),
            num_events=sum(len(events) for events in conversations if events[0].contract == name),
        )
        for name in sorted(names)
    ]
