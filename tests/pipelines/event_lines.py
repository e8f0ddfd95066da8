"""Lines of a recorder: small conversations of two messages, and everything that goes wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 17, 9, tzinfo=UTC)


def event_line(conversation: int, number: int, *, skew: timedelta = timedelta(), **changes: Any) -> bytes:
    """One of the two events of a conversation; conversations begin ten seconds apart."""
    moment = START + timedelta(seconds=10 * conversation + number) + skew
    said = {"role": "user", "content": f"Tag big orders {conversation}"}
    answered = {"role": "assistant", "content": "Which orders are big?"}
    event = {
        "arm": "champion",
        "contract": "a" * 64,
        "conversation_id": f"c{conversation}",
        "event_id": f"c{conversation}-{number}",
        "event_version": "event_v1",
        "kind": "message",
        "model": "scripted-oracle",
        "payload": answered if number else said,
        "sequence": number,
        "shop_id": f"shop-{conversation % 7}",
        "time": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    return json.dumps(event | changes, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def conversations(numbers: range) -> list[bytes]:
    """The lines of these conversations, in order."""
    return [event_line(number, sequence) for number in numbers for sequence in (0, 1)]


UNREADABLE = (
    b"not json\n",
    b"\n",
    b"\xff\xfe\n",
    b"\xef\xbb\xbf" + event_line(900, 0),
    b"\x00\x00\x00\n",
    b"[" * 10_000 + b"\n",
    b'"\\ud800"\n',
    event_line(901, 0)[:40] + b"\n",
    event_line(902, 0, sequence="first"),
    event_line(903, 0, kind="shouted"),
    event_line(904, 0, event_version="event_v9"),
    event_line(905, 0, time="1969-12-31T23:59:59Z"),
)
"""Lines of which each is malformed, for a reason of its own."""
