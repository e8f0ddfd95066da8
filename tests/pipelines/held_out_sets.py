"""Conversations that are held out, made by the agent and its tools, and shard sets that hold them out."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.chat import TEMPLATE_SHA256, Message
from schemas.shards import FORMAT, SHARD_SCHEMA, content_sha256
from schemas.tools import CONTRACT, canonical_json
from serving.agent import Budget, converse
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.schemas.conversations import says, user

WEEK = "2026-W47"
Row = dict[str, Any]


def tagging(tag: str, name: str = "tag_orders") -> str:
    return f'@order_created\ndef {name}(order):\n    add_order_tags(order_id=order.id, tags=["{tag}"])\n'


def held_row(number: int | str, kind: str, messages: Sequence[Message], python: str) -> Row:
    last = max(n for n, message in enumerate(messages) if message["role"] == "user")
    return {
        "record_id": f"{kind}-{number}",
        "week": WEEK,
        "source": "synthetic",
        "source_ids": [],
        "request_kind": kind,
        "request": messages[last]["content"],
        "python": python,
        "messages": canonical_json(list(messages)),
        "ids": [],
        "mask": [],
        "descriptor": f"shape {number}",
        "trigger": "order_created" if python else "",
        "actions": [],
        "operators": [],
        "connectors": [],
    }


def create_row(number: int, python: str = "", apps: Sequence[str] = ()) -> Row:
    python = python or tagging(f"vip {number}")
    request = f"Tag new orders vip {number}"
    tools = Tools(InMemoryShop(frozenset(apps)))
    outcome = converse(request, ScriptedOracle(python), tools, Budget(), clock=time.monotonic)
    return held_row(number, "create", outcome.messages, python)


def edit_row(number: int) -> Row:
    """Created, then changed in the same shop."""
    old, new = tagging(f"vip {number}"), tagging(f"gold {number}")
    tools = Tools(InMemoryShop())
    first = converse("Tag new orders", ScriptedOracle(old), tools, Budget(), clock=time.monotonic)
    assert first.saved is not None
    model = ScriptedOracle(
        new, workflow_id=first.saved.workflow_id, workflow_version=first.saved.workflow_version
    )
    request = f'Change the tag "vip {number}" to "gold {number}"'
    second = converse(request, model, tools, Budget(), clock=time.monotonic, history=first.messages)
    return held_row(number, "edit", second.messages, new)


def question_row(number: int) -> Row:
    return held_row(number, "question", [user(f"What is {number}?"), says("A number.")], "")


def held_rows(num: int = 2) -> list[Row]:
    """`num` of each kind."""
    return [make(number) for number in range(num) for make in (question_row, edit_row, create_row)]


def write_held_out(folder: Path, rows: Sequence[Row], *, files: int = 2, **changes: Any) -> Path:
    """A shard set that holds `rows` out and trains on nothing; `changes` go into the manifest."""
    (folder / "data").mkdir(parents=True)
    listed = []
    for number in range(files):
        path = f"data/test-{number:05d}-of-{files:05d}.parquet"
        part = list(rows[number::files])
        pq.write_table(pa.Table.from_pylist(part, SHARD_SCHEMA), folder / path)
        content = (folder / path).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        listed.append({"path": path, "sha256": sha256, "num_rows": len(part), "num_bytes": len(content)})
    manifest = {
        "format": FORMAT,
        "week": WEEK,
        "content_sha256": content_sha256([]),
        "held_out_sha256": content_sha256(listed),  # type: ignore[arg-type]
        "fingerprints": {"contract": CONTRACT.fingerprint(), "chat_template": TEMPLATE_SHA256},
        "shards": [],
        "held_out": listed,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes), encoding="utf-8")
    return folder
