"""A record as it comes in: one line of a production dump, or a workflow by itself.

A dump's line is a JSON object of exactly these keys, `workflow` being text in any spelling of the language:
`{workflow_id, shop_id, workflow, created_at, updated_at, last_run_at, num_runs_7d, active}`. Times are
ISO 8601 with an offset. A bare workflow (an export, an agent or CLI configuration) has no run statistics:
its columns are null, and its id is the file that it came from.

Only the envelope is judged here; whether the workflow inside can be carried is for the round-trip gate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from schemas.errors import BadRecord
from schemas.workflow.jsontext import read_json

MAX_RECORD_BYTES: Final = 8 << 20
"""A longer record is refused before it is parsed. A workflow of 1 MiB, escaped inside a line, still fits."""

EMPTY: Final = "EMPTY_RECORD"
ENCODING: Final = "INVALID_ENCODING"
NOT_JSON: Final = "INVALID_RECORD_JSON"
TOO_LARGE: Final = "RECORD_TOO_LARGE"
DAMAGED_FILE: Final = "DAMAGED_FILE"
FIELD: Final = "INVALID_ENVELOPE_FIELD"
MISSING: Final = "MISSING_ENVELOPE_KEY"
UNKNOWN: Final = "UNKNOWN_ENVELOPE_KEY"

_BOM: Final = b"\xef\xbb\xbf"
_SIGNED: Final = re.compile(rb"[0-9a-f]{64}:\{")
_FIRST_YEAR: Final = 1970
_MAX_INT64: Final = 2**63 - 1

Columns = dict[str, Any]
"""What an envelope says, by bronze column."""


def read_envelope(raw: bytes, origin: str) -> Columns:
    """What is known of a record beside its workflow; `origin` names a bare one (`file:exports/vip.flow`).

    Raises:
        BadRecord: with a code of this module and a JSON pointer into the record.
    """
    envelope = _envelope(raw)
    if envelope is None:
        return {"workflow_id": origin, **dict.fromkeys(key for key in _FIELDS if key != "workflow_id")}
    return _columns(envelope)


def workflow_text(raw: bytes) -> str:
    """The workflow inside a record whose envelope was read without complaint."""
    envelope = _object(raw) if raw[:1] == b"{" else None
    if envelope is None or _is_bare(envelope):
        return raw.decode()
    return str(envelope["workflow"])


def place_of(source_file: str, source_line: int) -> str:
    """`dump.jsonl line 17`, or the file where the record is all of it."""
    return f"{source_file} line {source_line}" if source_line else source_file


def too_large(num_bytes: int) -> BadRecord:
    """The refusal of a record that nobody parsed."""
    return BadRecord(TOO_LARGE, f"{num_bytes} bytes, the limit is {MAX_RECORD_BYTES}")


def _envelope(raw: bytes) -> dict[str, Any] | None:
    """The envelope, or None for a bare workflow."""
    if not raw.strip():
        raise BadRecord(EMPTY, "there is nothing in it")
    if raw.startswith(_BOM):
        raise BadRecord(ENCODING, "starts with a byte order mark; save the file as UTF-8 without one")
    found = _object(raw) if raw[:1] == b"{" else None
    if found is None:
        _require_signed(raw)
        return None
    if _is_bare(found):
        return None
    return found if _is_written_as(found, raw) else _strictly(raw)


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _is_written_as(found: dict[str, Any], raw: bytes) -> bool:
    """Whether writing gives the same bytes: then no key was lost, and no slower reader need look for one."""
    try:
        return orjson.dumps(found) == raw
    except TypeError:  # nested deeper than orjson writes
        return False


def _is_bare(found: Mapping[str, Any]) -> bool:
    return "root" in found or "steps" in found


def _require_signed(raw: bytes) -> None:
    """Refuse what is neither JSON nor a signed export, with the best reason there is."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise BadRecord(ENCODING, f"byte {error.start} is not UTF-8") from None
    if not _SIGNED.match(raw):
        _strictly(raw)
        raise BadRecord(NOT_JSON, "neither a JSON object nor a signed export")


def _strictly(raw: bytes) -> dict[str, Any]:
    try:
        found = read_json(raw.decode(), limit=MAX_RECORD_BYTES)
    except BadRecord as refused:
        raise BadRecord(NOT_JSON, refused.message, path=refused.path) from None
    if not isinstance(found, dict):
        raise BadRecord(NOT_JSON, "a record is a JSON object; write one a line")
    return found


def _columns(envelope: Mapping[str, Any]) -> Columns:
    if len(envelope) != len(_KEYS) or envelope.keys() != _KEYS:
        for key in sorted(_KEYS - envelope.keys()):
            raise BadRecord(MISSING, f"the record has no {key!r}", path=f"/{key}")
        for key in envelope:
            if key not in _KEYS:
                raise BadRecord(UNKNOWN, f"nobody knows the key {key!r}", path=f"/{key}")
    if not isinstance(envelope["workflow"], str):
        raise BadRecord(FIELD, "must be the workflow as text", path="/workflow")
    return {key: read(envelope[key], f"/{key}") for key, read in _FIELDS.items()}


def _name(value: Any, where: str) -> str:
    """An id; some dumps hold numbers."""
    if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        return str(value)
    raise BadRecord(FIELD, f"must be text that is not empty, is {_shown(value)}", path=where)


def _moment(value: Any, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None and (utc := moment.astimezone(UTC)).year >= _FIRST_YEAR:
            return utc
    except (TypeError, ValueError, OverflowError):
        pass
    needed = f"must be a time such as 2026-11-22T08:30:00Z, from {_FIRST_YEAR} on"
    raise BadRecord(FIELD, f"{needed}, is {_shown(value)}", path=where)


def _count(value: Any, where: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_INT64):
        return value
    raise BadRecord(FIELD, f"must be a number of runs, is {_shown(value)}", path=where)


def _flag(value: Any, where: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise BadRecord(FIELD, f"must be true or false, is {_shown(value)}", path=where)


def _optional_name(value: Any, where: str) -> str | None:
    return None if value is None else _name(value, where)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


_FIELDS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "workflow_id": _name,
    "shop_id": _optional_name,
    "created_at": _moment,
    "updated_at": _moment,
    "last_run_at": _moment,
    "num_runs_7d": _count,
    "active": _flag,
}
_KEYS: Final = frozenset({*_FIELDS, "workflow"})
