"""Whole lines, gapless sequences, one file a process and day, whatever dies in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.conversation import Event, read_event
from schemas.errors import BadRecord, Transient, UsageError
from serving import sinks as subject
from serving.recorder import Recorder

ROOT = Path(__file__).parents[2]
SAID = {"role": "user", "content": "Tag «été» orders"}


def events_in(path: Path) -> list[Event]:
    return [read_event(line) for line in path.read_bytes().splitlines(keepends=True)]


def by_conversation(events: list[Event]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for event in events:
        found.setdefault(event.conversation_id, []).append(event.sequence)
    return found


def no_room(*_: object) -> int:
    raise OSError(28, "No space left on device")


def is_gapless(sequence: list[int]) -> bool:
    return sequence == list(range(len(sequence)))


def test_what_is_appended_is_in_the_file_at_once(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "made" / "events", model="m", arm="challenger")
    recording = recorder.begin("shop-7")
    appended = [
        recording.append("message", SAID),
        recording.append("feedback", {"rating": "up", "text": ""}),
    ]
    (path,) = (tmp_path / "made" / "events").glob("*.jsonl")
    assert events_in(path) == appended
    assert [event.sequence for event in appended] == [0, 1]
    assert {(event.shop_id, event.model, event.arm) for event in appended} == {("shop-7", "m", "challenger")}
    recorder.close()


def test_threads_share_a_recorder(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, model="m")
    shared = recorder.begin("shared")

    def work() -> None:
        own = recorder.begin("own")
        for _ in range(50):
            own.append("message", SAID)
            shared.append("message", SAID)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (path,) = tmp_path.glob("*.jsonl")
    found = by_conversation(events_in(path))
    assert sorted(map(len, found.values())) == [*[50] * 8, 400]
    assert all(map(is_gapless, found.values()))
    recorder.close()


def test_a_day_has_its_own_file(tmp_path: Path) -> None:
    days = iter([datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)])
    recorder = Recorder(tmp_path, model="m", clock=lambda: next(days))
    recording = recorder.begin("s")
    for _ in range(2):
        recording.append("message", SAID)
    names = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert [name[:17] for name in names] == ["events-2026-11-22", "events-2026-11-23"]
    recorder.close()


FORKED = """
import os, sys
from pathlib import Path
from serving.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), model="m")
recording = recorder.begin("before the fork")
recording.append("message", {"role": "user", "content": "x"})
os.fork()
recording = recorder.begin(str(os.getpid()))
number = 0
while number < 20_000:
    recording.append("message", {"role": "user", "content": "é" * 1000})
    number += 1
    if number == 100:
        os.write(1, b"%d\\n" % os.getpid())
"""


def test_two_processes_and_a_kill_leave_at_most_one_cut_line_each(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        pids = {int(process.stdout.readline()) for _ in range(2)}
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    assert process.pid in pids
    files = list(tmp_path.glob("*.jsonl"))
    assert len(files) == 2
    events: list[Event] = []
    for path in files:
        *lines, last = path.read_bytes().splitlines(keepends=True)
        events += map(read_event, lines)
        try:
            events.append(read_event(last))
        except BadRecord:
            assert not last.endswith(b"\n")
    found = by_conversation(events)
    assert len(found) == 3
    assert all(map(is_gapless, found.values()))
    assert sorted(map(len, found.values()))[1] >= 100
    assert len({event.event_id for event in events}) == len(events)


@pytest.mark.parametrize("can_cut", [True, False])
def test_a_short_write_ends_its_file_and_costs_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_cut: bool
) -> None:
    """What came in part is taken back; where that fails too, a cut line ends the file."""
    recorder = Recorder(tmp_path, model="m")
    recording = recorder.begin("s")
    recording.append("message", SAID)
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(subject.os, "write", lambda fd, line: write(fd, line[:40]))
        if not can_cut:
            patched.setattr(subject.os, "ftruncate", no_room)
        with pytest.raises(Transient, match="40 of"):
            recording.append("message", SAID)
    recording.append("message", SAID)
    recorder.close()
    lines = [path.read_bytes().splitlines(keepends=True) for path in tmp_path.glob("*.jsonl")]
    assert sorted(map(len, lines)) == [1, 1 if can_cut else 2]
    cut = [line for file in lines for line in file if not line.endswith(b"\n")]
    assert len(cut) == (not can_cut)
    whole = sorted(read_event(line).sequence for file in lines for line in file if line not in cut)
    assert whole == [0, 1]


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject.os, "write", no_room)
    recorder = Recorder(tmp_path, model="m")
    with pytest.raises(Transient, match=r"no space left on device\.$"):
        recorder.begin("s").append("message", SAID)


def test_a_bad_payload_leaves_no_gap(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, model="m")
    recording = recorder.begin("s")
    for wrong in ({"role": "robot", "content": ""}, SAID | {"api_key": "secret"}, {"role": "user"}):
        with pytest.raises(BadRecord):
            recording.append("message", wrong)
    assert recording.append("message", SAID).sequence == 0
    recorder.close()
    assert b"secret" not in b"".join(path.read_bytes() for path in tmp_path.glob("*.jsonl"))


@pytest.mark.parametrize(("durable", "num_syncs"), [(False, 0), (True, 3)])
def test_durable_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool, num_syncs: int
) -> None:
    """Each event, and once the name of the new file."""
    synced: list[int] = []
    recorder = Recorder(tmp_path, model="m", durable=durable)
    monkeypatch.setattr(subject.os, "fsync", synced.append)
    recording = recorder.begin("s")
    for _ in range(2):
        recording.append("message", SAID)
    recorder.close()
    assert len(synced) == num_syncs


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot record in .*file"):
        Recorder(tmp_path / "file", model="m")
    with pytest.raises(UsageError, match=r"cannot record in .*below"):
        Recorder(tmp_path / "file" / "below", model="m")
