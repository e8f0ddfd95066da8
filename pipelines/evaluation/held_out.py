"""What a shard set holds out, as evaluation asks it: the request, what was said before, what is wanted.

    found = read_held_out("lake/gold/shards/2026-W47-1f2e", week="2026-W47", num=50, seed=0)

Every file is held to the manifest before a row of it is believed. Not here yet: a choice by tags.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.storage import open_file
from schemas.chat import TEMPLATE_SHA256, Message
from schemas.errors import BadRecord, UsageError
from schemas.requests import REQUEST_KINDS
from schemas.shards import FORMAT, MANIFEST
from schemas.tools import CONTRACT, SAVE
from schemas.workflow import from_python
from schemas.workflow.jsontext import read_json
from serving.replay import replay, shop_of
from serving.shop import InMemoryShop
from serving.tools import Tools

__all__ = ["Chosen", "HeldOut", "Wanted", "choose", "held_out_of", "read_held_out"]

MAX_MANIFEST: Final = 64 << 20
MAX_MESSAGES: Final = 64 << 20
_COLUMNS: Final = ("record_id", "request_kind", "trigger", "python", "messages")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The workflow that a conversation should end with, and which one it replaces where it is an edit."""

    python: str
    workflow_id: str | None = None
    workflow_version: int | None = None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One held-out conversation up to its last request; `wanted` is None where no workflow is."""

    record_id: str
    request_kind: str
    trigger: str
    history: tuple[Message, ...]
    request: str
    wanted: Wanted | None
    apps: frozenset[str] = frozenset()
    """What is installed in its shop besides Shopify's own, as far as the conversation shows."""

    def tools(self) -> Tools:
        """The tools of its shop as it is when the request comes.

        Raises:
            BadRecord: REPLAY where they answer the history otherwise than they did.
        """
        tools = Tools(InMemoryShop(self.apps))
        replay(self.history, tools)
        return tools


@dataclass(frozen=True, slots=True)
class Chosen:
    """The conversations that are asked, in the order of choice, and why others of the choice are not."""

    week: str
    shards: str
    """SHA-256 over the files of the set that train: what checkpoints name."""
    held_out: str
    """SHA-256 over the files that were chosen from."""
    conversations: tuple[HeldOut, ...]
    left_out: Mapping[str, int]


def read_held_out(shards: str, *, week: str, num: int, seed: int) -> Chosen:
    """`num` held-out conversations of a shard set, a folder or a URI, spread over the kinds of requests.

    Raises:
        UsageError: where there is no such set, a file is not what its manifest says, the set is of another
            week, for another contract or holds nothing out.
    """
    manifest = _manifest(shards)
    if manifest["week"] != week:
        raise UsageError(f"{shards} is of week {manifest['week']}; say --week {manifest['week']} for it.")
    paths = [str(file["path"]) for file in manifest["held_out"]]
    contents = {file["path"]: _verified(shards, file) for file in manifest["held_out"]}
    kinds = {
        row["record_id"]: row["request_kind"]
        for path in paths
        for row in _rows(path, contents[path], _COLUMNS[:2])
    }
    if not kinds:
        raise UsageError(f"{shards} holds no conversation out; there is nothing to evaluate on.")
    wanted = choose(kinds, num=num, seed=seed)
    place = {record_id: number for number, record_id in enumerate(wanted)}
    found: list[HeldOut] = []
    left_out: Counter[str] = Counter()
    for path in paths:
        for row in _rows(path, contents[path], _COLUMNS, only=place):
            try:
                found.append(held_out_of(row))
            except BadRecord as refused:
                left_out[refused.code] += 1
    found.sort(key=lambda conversation: place[conversation.record_id])
    return Chosen(
        week=week,
        shards=manifest["content_sha256"],
        held_out=manifest["held_out_sha256"],
        conversations=tuple(found),
        left_out=dict(left_out),
    )


def choose(kinds: Mapping[str, str], *, num: int, seed: int) -> list[str]:
    """The ids to take, of a map from id to kind of request: in turn one of each kind, each kind by its hash.

    A pure function of ids, kinds and seed; a smaller `num` is a prefix of a larger one.
    """
    queues: dict[str, list[str]] = {kind: [] for kind in REQUEST_KINDS}
    for record_id in sorted(kinds, key=lambda each: hashlib.sha256(f"{seed}:{each}".encode()).digest()):
        queues.setdefault(kinds[record_id], []).append(record_id)
    in_turn = chain.from_iterable(zip_longest(*queues.values()))
    return [record_id for record_id in in_turn if record_id is not None][:num]


def held_out_of(row: Mapping[str, Any]) -> HeldOut:
    """A row of a shard as what is asked.

    Raises:
        BadRecord: where its messages or the Python that it should end with cannot be read, or where its tools
            answer the history otherwise than they did: nobody can go on from there.
    """
    try:
        messages: Sequence[Message] = read_json(row["messages"], limit=MAX_MESSAGES)
        asked = max(n for n, message in enumerate(messages) if message["role"] == "user")
        request = messages[asked]["content"] or ""
        saved = _last_saved(messages[asked + 1 :])
    except (BadRecord, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRecord("MESSAGES", f"no messages of a conversation: {str(error)[:200]}") from None
    wanted = None
    if saved is not None:
        from_python(row["python"])
        wanted = Wanted(row["python"], saved.get("workflow_id"), saved.get("workflow_version"))
    conversation = HeldOut(
        record_id=row["record_id"],
        request_kind=row["request_kind"],
        trigger=row["trigger"],
        history=tuple(messages[:asked]),
        request=request,
        wanted=wanted,
        apps=shop_of(messages).apps,
    )
    conversation.tools()
    return conversation


def _last_saved(messages: Sequence[Message]) -> dict[str, Any] | None:
    """The arguments of the last call that saved a workflow; None without one."""
    arguments: dict[str, dict[str, Any]] = {}
    last = None
    for message in messages:
        for call in message.get("tool_calls", []):
            if call["function"]["name"] == SAVE:
                arguments[call["id"]] = read_json(call["function"]["arguments"])
        if message["role"] == "tool" and message["tool_call_id"] in arguments:
            said = read_json(message["content"] or "")
            last = arguments[message["tool_call_id"]] if said["ok"] else last
    return last


# -- the files ------------------------------------------------------------------------------------------


def _manifest(shards: str) -> dict[str, Any]:
    try:
        with open_file(f"{shards.rstrip('/')}/{MANIFEST}") as stream:
            manifest: dict[str, Any] = json.loads(stream.read(MAX_MANIFEST))
    except UsageError:
        raise UsageError(
            f"{shards} is no finished shard set: give the folder that write_shards wrote."
        ) from None
    except ValueError as error:
        raise UsageError(f"the manifest of {shards} cannot be read: {str(error)[:200]}.") from None
    try:
        if manifest["format"] != FORMAT:
            raise UsageError(f"{shards} has the format {manifest['format']}, {FORMAT} is wanted.")
        fits = all(isinstance(manifest[key], str) for key in ("week", "content_sha256", "held_out_sha256"))
        fits = fits and all({"path", "sha256", "num_rows"} <= file.keys() for file in manifest["held_out"])
        named = manifest["fingerprints"]
        ours = {"contract": CONTRACT.fingerprint(), "chat_template": TEMPLATE_SHA256}
        differing = [name for name, value in ours.items() if named.get(name) != value]
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"the manifest of {shards} lacks what evaluation needs: {error!r}.") from None
    if differing or not fits:
        told = " and ".join(differing) or "form of manifest"
        raise UsageError(f"{shards} was written for another {told}; write the shards again.")
    return manifest


def _verified(shards: str, file: Mapping[str, Any]) -> bytes:
    path = f"{shards.rstrip('/')}/{file['path']}"
    if ".." in str(file["path"]).split("/"):
        raise UsageError(f"the manifest of {shards} names a file outside it: {file['path']}.")
    with open_file(path) as stream:
        content: bytes = stream.read()
    if hashlib.sha256(content).hexdigest() != file["sha256"]:
        raise UsageError(f"{path} is not the file that the manifest names; write the shards again.")
    return content


def _rows(
    path: str, content: bytes, columns: Sequence[str], *, only: Mapping[str, object] | None = None
) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(io.BytesIO(content)) as parquet:
            for batch in parquet.iter_batches(batch_size=256, columns=list(columns)):
                if only is not None:
                    ids = batch.column("record_id").to_pylist()
                    batch = batch.filter(pa.array([record_id in only for record_id in ids]))
                yield from batch.to_pylist()
    except (pa.ArrowException, KeyError) as error:
        raise UsageError(f"{path} holds no conversations: {str(error)[:200]}.") from None
