"""A run touches nothing outside: Python itself would tell of a file that is written, a socket, a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

WATCHED = """\
import sys
from datetime import UTC, datetime
from typing import get_args

from jobs._made_events import made_event
from schemas.workflow import from_python
from serving.simulator import Event, Kind, Simulator, simulate
from serving.synthetic_shop import SyntheticShop
from tests.serving.simulator.everything import EVERYTHING, ORDER

workflow = from_python(EVERYTHING)
event = Event({"order": ORDER}, datetime(2026, 11, 2, tzinfo=UTC))
before = simulate(workflow, event, SyntheticShop(1))  # loads modules and starts the engine of code
kinds = {effect.kind for effect in before.effects}
assert kinds == set(get_args(Kind)) - {"error"}, kinds

OUTSIDE = ("socket", "subprocess", "os", "shutil", "tempfile", "ctypes", "urllib")
seen = []
def watch(event, arguments):
    writes = event == "open" and (not isinstance(arguments[1], str) or set(arguments[1]) & set("wax+"))
    if writes or event.split(".")[0] in OUTSIDE:
        seen.append((event, repr(arguments)[:80]))
sys.addaudithook(watch)

assert simulate(workflow, event, SyntheticShop(1)) == before
assert seen == [], seen
simulator = Simulator(workflow)
for seed in range(20):
    simulator.run(made_event(simulator, seed), SyntheticShop(seed))
assert seen == [], seen
PLANTED
"""


def watched(planted: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-c", WATCHED.replace("PLANTED", planted)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_run_writes_no_file_opens_no_socket_and_starts_no_process() -> None:
    ran = watched()
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    "planted",
    [
        "open('/dev/null', 'w').close()",
        "import socket; socket.socket().close()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.listdir('.')",
    ],
)
def test_the_watch_sees_what_it_shall_see(planted: str) -> None:
    ran = watched(f"{planted}\nassert seen == [], 'planted'")
    assert ran.returncode == 1
    assert ran.stderr.endswith("AssertionError: planted\n")
