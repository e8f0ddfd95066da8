"""Files of events: rotated by size, whole on a full disk, one meaning a number whatever fails in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.conversation import Event, read_event
from schemas.errors import Transient
from serving.recorder import Recorder
from serving.sinks import FileSink

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
SAID = {"role": "user", "content": "Tag orders"}


def lines_of(folder: Path) -> list[list[bytes]]:
    return sorted(path.read_bytes().splitlines(keepends=True) for path in folder.glob("*.jsonl"))


def test_a_file_that_would_grow_too_large_is_left(tmp_path: Path) -> None:
    sink = FileSink(tmp_path, max_bytes=30)
    for number in range(7):
        sink.write("c", NOW, b"line %d...\n" % number)  # ten bytes
    sink.write("c", NOW, b"a line that is larger than any file may be\n")
    sink.write("c", NOW, b"after it.\n")
    sink.close()
    found = lines_of(tmp_path)
    assert sorted(map(len, found)) == [1, 1, 1, 3, 3]
    assert all(sum(map(len, lines)) <= 30 or len(lines) == 1 for lines in found)
    assert len({line for lines in found for line in lines}) == 9


class Stubborn:
    """A sink that refuses some lines, and has taken each of them all the same, as a broker may have."""

    def __init__(self, *refused: int) -> None:
        self.refused = refused
        self.lines: list[bytes] = []

    def write(self, conversation_id: str, moment: datetime, line: bytes) -> None:
        self.lines.append(line)
        if len(self.lines) - 1 in self.refused:
            raise Transient("Cannot record: no word of its delivery.")

    def close(self) -> None: ...

    @property
    def events(self) -> list[Event]:
        return [read_event(line) for line in self.lines]


@pytest.mark.parametrize("same", [True, False])
def test_an_event_that_was_refused_is_offered_again_before_anything_else(same: bool) -> None:
    sink = Stubborn(1, 2)
    recording = Recorder(sink, model="m").begin("s")
    recording.append("message", SAID)
    for _ in range(2):
        with pytest.raises(Transient):
            recording.append("message", SAID | {"content": "lost?"})
    last = recording.append("message", SAID | {"content": "lost?" if same else "later"})
    assert sink.lines[1] == sink.lines[2] == sink.lines[3]  # the time and the number too
    assert [event.sequence for event in sink.events] == [0, 1, 1, 1, *([] if same else [2])]
    assert last == sink.events[-1]


def test_a_proposal_that_was_refused_counts_when_it_is_there() -> None:
    sink = Stubborn(0)
    recording = Recorder(sink, model="m").begin("s")
    proposal = {"workflow_id": "w", "workflow_version": 1, "python": "@order_created\n"}
    with pytest.raises(Transient):
        recording.append("workflow_proposed", proposal)
    assert recording.proposed == frozenset()
    recording.append("feedback", {"rating": "up", "text": ""})
    assert recording.proposed == {("w", 1)}


LIMITED = """
import resource, sys
from pathlib import Path
from schemas.errors import Transient
from serving.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), model="m", durable=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
recording = recorder.begin("s")
refused = 0
for number in range(12):
    while True:
        try:
            recording.append("message", {"role": "user", "content": str(number) * 100})
            break
        except Transient as error:
            assert "too large" in str(error) or "bytes written" in str(error), error
            refused += 1
print(refused)
"""


def test_a_disk_that_takes_no_more_leaves_whole_lines(tmp_path: Path) -> None:
    """The kernel's own short writes: a file may have 2,000 bytes, the line that crosses it comes in part."""
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) >= 2
    found = lines_of(tmp_path)
    assert all(line.endswith(b"\n") for lines in found for line in lines)
    sequences = sorted(read_event(line).sequence for lines in found for line in lines)
    assert sequences == list(range(12))


def test_a_sync_that_fails_takes_its_line_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = FileSink(tmp_path, durable=True)
    sink.write("c", NOW, b"first\n")

    def lost(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("serving.sinks.os.fsync", lost)
        with pytest.raises(Transient, match="input/output error"):
            sink.write("c", NOW, b"second\n")
    sink.write("c", NOW, b"second\n")
    assert lines_of(tmp_path) == [[b"first\n"], [b"second\n"]]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_does_not_wait_for_a_lock_that_its_parent_held(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    with sink._lock:  # as a thread of the parent would hold it at the fork
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)  # a child that waits for ever is a failure, not a test that hangs
            sink.write("c", NOW, b"child\n")
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    sink.write("c", NOW, b"parent\n")
    assert lines_of(tmp_path) == [[b"child\n"], [b"parent\n"]]
