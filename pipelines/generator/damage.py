"""Planted bad rows: each kind breaks a record in one known way.

| stage | kinds |
|---|---|
| no record at all | `not_json`, `blank_line` |
| two lines for one workflow | `repeated` (the same line again), `superseded` (an older version) |
| the workflow's keys | `unknown_key`, `unknown_condition_key` |
| the workflow's graph | `missing_step`, `two_triggers`, `no_trigger`, `duplicate_step_id` |
| the workflow's size | `large` (sound, if the reader's limit is above it) |
| the workflow's text | `truncated_workflow`, `duplicate_workflow_key`, `nan_workflow`, `deep_nesting` |
| the envelope | `unknown_envelope_key`, `missing_envelope_key` |
| the line | `truncated_line`, `duplicate_envelope_key`, `nan_envelope`, `invalid_utf8`, `byte_order_mark` |
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from pipelines.generator.draw import Draw

__all__ = ["ALONE", "DEPTH", "KINDS", "damaged_line", "damaged_row", "stray_line"]

DEPTH = 10_000
LONG_NOTE = "Ask Maria before changing this step. "
ALONE = frozenset({"not_json", "blank_line"})
KINDS = (
    "truncated_line",
    "unknown_key",
    "missing_step",
    "repeated",
    "not_json",
    "superseded",
    "duplicate_workflow_key",
    "two_triggers",
    "nan_envelope",
    "blank_line",
    "unknown_condition_key",
    "invalid_utf8",
    "no_trigger",
    "deep_nesting",
    "byte_order_mark",
    "unknown_envelope_key",
    "duplicate_step_id",
    "truncated_workflow",
    "duplicate_envelope_key",
    "large",
    "nan_workflow",
    "missing_envelope_key",
)
STRAYS = (
    b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    b"workflow_id,shop_id,workflow,created_at",
    b"{'workflow_id': 'w1', 'shop_id': None, 'active': True}",
    b"ERROR 2026-11-20 connection reset by peer, 13 rows lost",
    b'{"workflow_id":"w1","shop_id":"2",}',
    b"SGVsbG8gZnJvbSB0aGUgYmFja3Vw",
    b"\x00\x00\x00\x00",
    b"undefined",
)

Json = dict[str, Any]


def stray_line(kind: str, draw: Draw) -> bytes:
    """A line that was never a record."""
    return b"" if kind == "blank_line" else draw.pick(STRAYS)


def damaged_row(kind: str, document: Json, envelope: Json, draw: Draw, large_bytes: int) -> bool:
    """Break the values, where this kind does. False when this row cannot be broken in that way."""
    root = document["root"]
    steps, links = root["steps"], root["links"]
    if kind == "unknown_key":
        places = [document, document["__metadata"], root, *steps, *links, *root.get("patched_fields", ())]
        places += [value for step in steps for value in step["config_field_values"]]
        place = draw.pick(places)
        # The metadata are shared by all documents.
        document["__metadata"] = dict(document["__metadata"])
        target = document["__metadata"] if place is places[1] else place
        target[draw.pick(("color", "retries", "x-internal", "Name", "steps2"))] = draw.pick(
            (True, None, "7", [], {"a": 1})
        )
    elif kind == "unknown_condition_key":
        trees = [value for step in steps for value in step["config_field_values"] if _is_tree(value["value"])]
        if not trees:
            return False
        field = draw.pick(trees)
        tree = orjson.loads(field["value"])
        draw.pick(list(_nodes(tree)))[draw.pick(("negated", "locale", "case_sensitive"))] = draw.pick(
            (True, "x", None)
        )
        field["value"] = orjson.dumps(tree).decode()
    elif kind == "missing_step":
        if not links:
            return False
        draw.pick(links)[draw.pick(("to_step_id", "from_step_id"))] = f"missing-{draw.hex(8)}"
    elif kind == "two_triggers":
        trigger = next(step for step in steps if step["task_type"] == "TRIGGER")
        steps.append({**trigger, "step_id": f"second-{draw.hex(8)}"})
    elif kind == "no_trigger":
        gone = next(step for step in steps if step["task_type"] == "TRIGGER")
        root["steps"] = [step for step in steps if step is not gone]
        root["links"] = [link for link in links if link["from_step_id"] != gone["step_id"]]
    elif kind == "duplicate_step_id":
        if len(steps) < 2:
            return False
        one, other = draw.mixed(steps)[:2]
        one["step_id"] = other["step_id"]
    elif kind == "large":
        step = draw.pick(steps)
        step["note"] = (LONG_NOTE * (large_bytes // len(LONG_NOTE) + 1))[:large_bytes]
        step.setdefault("description", None)
    elif kind == "unknown_envelope_key":
        envelope[draw.pick(("tenant", "workflow_json", "Active", "deleted_at"))] = draw.pick(
            ("x", None, 1, [1])
        )
    elif kind == "missing_envelope_key":
        del envelope[
            draw.pick(("workflow_id", "shop_id", "last_run_at", "num_runs_7d", "active", "updated_at"))
        ]
    return True


def damaged_line(kind: str, envelope: Json, draw: Draw) -> bytes:
    """The row as a line, broken in its text or in its bytes, where this kind does that."""
    if kind == "truncated_workflow":
        text = envelope["workflow"]
        envelope["workflow"] = text[: draw.between(70, len(text) - 3)]
    elif kind == "duplicate_workflow_key":
        envelope["workflow"] = _doubled(envelope["workflow"], draw)
    elif kind == "nan_workflow":
        number = draw.pick(("NaN", "Infinity", "-Infinity"))
        envelope["workflow"] = re.sub(r'("version": ?)0\.1', rf"\g<1>{number}", envelope["workflow"], count=1)
    elif kind == "deep_nesting":
        return _deep_line(envelope, draw)
    if kind == "missing_envelope_key" and draw.chance(0.2):
        del envelope["workflow"]
    line = orjson.dumps(envelope)
    if kind == "truncated_line":
        return line[: draw.between(1, len(line) - 1)]
    if kind == "duplicate_envelope_key":
        return line[:-1] + draw.pick((b',"active":true}', b',"workflow_id":"again"}', b',"workflow":"{}"}'))
    if kind == "nan_envelope":
        return re.sub(
            rb'"num_runs_7d":\d+', b'"num_runs_7d":' + draw.pick((b"NaN", b"Infinity")), line, count=1
        )
    if kind == "invalid_utf8":
        place = draw.between(20, len(line) - 20)
        return line[:place] + draw.pick((b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf5\x80")) + line[place:]
    if kind == "byte_order_mark":
        return b"\xef\xbb\xbf" + line
    return line


def _doubled(text: str, draw: Draw) -> str:
    """The text with one key twice: of the root object, or inside a condition tree."""
    if '\\"operator\\":' in text and draw.chance(0.4):
        return text.replace('\\"operator\\":', '\\"operator\\":\\"==\\",\\"operator\\":', 1)
    return text.replace('"workflow_name":', '"workflow_name":"twice","workflow_name":', 1)


def _deep_line(envelope: Json, draw: Draw) -> bytes:
    """Nested beyond what a recursive reader survives: the line, the workflow or a condition tree."""
    deep = "[" * DEPTH + "]" * DEPTH
    where = draw.pick(("line", "workflow", "condition"))
    if where == "line":
        envelope["workflow"] = "DEEP"
        return orjson.dumps(envelope).replace(b'"DEEP"', deep.encode(), 1)
    if where == "condition":
        tree = '{"lhs":' * DEPTH + "{}" + "}" * DEPTH
        deep = json.dumps(
            [{"step_id": "1", "config_field_values": [{"config_field_id": "condition", "value": tree}]}]
        )
    envelope["workflow"] = (
        f'{{"__metadata":{{"version":0.1}},"root":{{"steps":{deep},"links":[],"workflow_name":"deep"}}}}'
    )
    return orjson.dumps(envelope)


def _is_tree(value: object) -> bool:
    return isinstance(value, str) and value.startswith("{") and '"operation_type"' in value


def _nodes(tree: Json) -> list[Json]:
    found = [tree]
    for node in found:
        found += [child for child in node.values() if isinstance(child, dict)]
    return found
