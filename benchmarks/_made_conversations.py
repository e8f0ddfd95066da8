"""Many recorded conversations: `_made_conversations.py OUTPUT NUM_EVENTS [NUM_FILES]`, the same each time.

The real agent has some dozens of conversations about generated workflows, with the scripted oracle as its
model; two of three are turned on. Each is told again under other names, shops, times and with another
sentence about a person in the request, in the order of its times. One event in fifty comes twice, and one
in fifty some hundred lines later.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from tests.recorded_conversations import record

SEED = 7
TEMPLATES = 48
START = datetime(2026, 11, 2, 8, tzinfo=UTC)
BETWEEN = timedelta(seconds=2)
TOGETHER = 64
"""Conversations that go on at the same time."""
CONVERSATION, SHOP, TIME, SIGNED = "<conversation>", "<shop>", "<time>", "<signed>"
SIDEWHEEL = Path(sys.executable).with_name("sidewheel")


@cache
def templates() -> list[list[str]]:
    """The lines of each recorded conversation, with places for what differs."""
    with tempfile.TemporaryDirectory() as name:
        dump, events = Path(name, "dump"), Path(name, "events")
        flags = ["--output", dump, "--num", str(4 * TEMPLATES), "--seed", str(SEED), "--week", "2026-W45"]
        subprocess.run([SIDEWHEEL, "generate_workflows", *flags], check=True, stdout=subprocess.DEVNULL)
        record(dump, events, TEMPLATES)
        told: dict[str, list[str]] = {}
        for path in sorted(events.glob("*.jsonl")):
            for line in path.read_text().splitlines():
                event = json.loads(line)
                lines = told.setdefault(event["conversation_id"], [])
                event |= {"conversation_id": CONVERSATION, "shop_id": SHOP, "time": TIME}
                event["event_id"] = f"{CONVERSATION}-{event['sequence']}"
                if event["payload"].get("role") == "user":
                    event["payload"]["content"] += f" {SIGNED}"
                lines.append(json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
        return list(told.values())


def conversation(number: int, lines: list[str], chance: random.Random) -> list[str]:
    """One conversation's lines, still without their times."""
    shop = f"shop-{chance.randrange(500)}"
    signed = f"Mail ann{number}@corp{number % 97}.com or call +1 415 555 {number % 10000:04d}."
    name = f"made-{number:08d}"
    return [line.replace(CONVERSATION, name).replace(SHOP, shop).replace(SIGNED, signed) for line in lines]


def lines(num: int) -> Iterator[str]:
    """At least `num` lines: whole conversations, `TOGETHER` of them side by side."""
    chance = random.Random(SEED)
    known = templates()
    number = made = 0
    now = START
    late: list[str] = []
    while made < num:
        going = []
        for _ in range(TOGETHER):
            going.append(conversation(number, known[number % len(known)], chance)[::-1])
            number += 1
        while going:
            for one in going:
                now += BETWEEN / TOGETHER
                line = one.pop().replace(
                    TIME, f"{now.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
                )
                made += 1
                if chance.random() < 0.02:
                    late.append(line)
                    continue
                yield line
                if chance.random() < 0.02:
                    made += 1
                    yield line
            going = [one for one in going if one]
        yield from late
        late = []


def make(output: Path, num: int, num_files: int = 8) -> int:
    """Write the files; how many lines there are."""
    output.mkdir(parents=True)
    made = 0
    with ExitStack() as stack:
        files = [
            stack.enter_context(Path(output, f"events-{n:03d}.jsonl").open("w")) for n in range(num_files)
        ]
        for line in lines(num):
            files[min(num_files - 1, made * num_files // num)].write(f"{line}\n")
            made += 1
    return made


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), int(sys.argv[2]), *map(int, sys.argv[3:])))
