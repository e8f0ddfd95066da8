"""Cold start: curated workflows become conversations, each really had with the agent before it counts.

A workflow loses what names people and machines (`pipelines.redact`), gets requests in words, and the scripted
oracle answers them through the agent's own loop and tools; the whole is run again in a fresh shop. What does
not come back byte for byte, does not end with the wanted workflow or is objected to by Flow keeps its place
with a reason. Not here yet: requests that a model wrote, conversations with detours, and rows of an earlier
version that this one no longer makes going away.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import spark_schema
from pipelines.redact import REDACTOR_VERSION, Redactor
from pipelines.wording import (
    NUM_WORDINGS,
    asked_task,
    create_request,
    digest_of,
    edit_request,
    question_request,
)
from schemas.chat import Message
from schemas.errors import BadRecord, UsageError
from schemas.requests import REQUEST_KINDS, RequestKind, request_kind_of
from schemas.tables import SILVER_SYNTHETIC
from schemas.tools import CONTRACT, canonical_json
from schemas.workflow import LANGUAGE_VERSION, Workflow, canonical, from_python, to_python
from schemas.workflow.jsontext import read_json
from schemas.workflow.tags import NO_TAGS, tags_of
from serving.agent import Budget, Outcome, converse
from serving.oracle import ScriptedOracle
from serving.replay import app_tasks, replay, shop_of
from serving.shop import InMemoryShop, Saved
from serving.tools import Tools

__all__ = ["admitted", "counted", "synthesis_version", "synthesise", "trajectories", "unsynthesised"]

GRAMMAR_VERSION: Final = "wording_v1"
EDITED_ONE_IN: Final = 8
ASKED_ONE_IN: Final = 16
"""How many requests have an edit and a question beside them: one in so many, drawn for each by itself."""
SLICE_ROWS: Final = 64
"""Workflows whose conversations are held as Python objects at a time."""

BUDGET: Final = Budget(turns=12, tokens=1 << 30, seconds=1.0)
"""An ideal agent needs no limit of words, and its clock stands still."""

_SCHEMA: Final = SILVER_SYNTHETIC.schema
_READ: Final = ("record_id", "python")


class Turn(NamedTuple):
    """One request of a conversation and what it is to lead to; `wanted` is None for a question."""

    request: str
    wanted: Workflow | None
    answer: str = ""
    look_up: str | None = None


class Asked(NamedTuple):
    """A conversation to have; its last turn says what kind it is of."""

    kind: RequestKind
    wording: int
    turns: tuple[Turn, ...]


@functools.lru_cache(maxsize=1)
def _redacted(python: str) -> Workflow:
    """What everything is made from: silver.workflows holds what the merchant wrote as it is."""
    return from_python(Redactor().python(python))


def synthesis_version(seed: int) -> str:
    """What a row depends on besides its workflow and its wording."""
    rules = f"{GRAMMAR_VERSION} {LANGUAGE_VERSION} {REDACTOR_VERSION}"
    return f"{rules} contract={CONTRACT.fingerprint()[:12]} seed={seed}"


def admitted(silver: DataFrame, fates: DataFrame, week: str) -> DataFrame:
    """Silver workflows that train in a week: `record_id` and `python`."""
    training = fates.where(
        (F.col("week") == week) & (F.col("kind") == "workflow") & (F.col("fate") == "training")
    )
    return silver.select(*_READ).join(training.select("record_id"), "record_id", "left_semi")


def unsynthesised(workflows: DataFrame, synthetic: DataFrame, wordings: int, seed: int) -> DataFrame:
    """Workflows that lack a request of this version in one of the wordings.

    Raises:
        UsageError: where there are not so many wordings.
    """
    if not 1 <= wordings <= NUM_WORDINGS:
        raise UsageError(f"--wordings must be from 1 to {NUM_WORDINGS}.")
    made = synthetic.where(
        (F.col("synthesis_version") == synthesis_version(seed))
        & (F.col("request_kind") == "create")
        & (F.col("wording") < wordings)
    )
    numbers = made.groupBy(F.col("workflow_record_id").alias("record_id")).agg(F.count("*").alias("num"))
    return workflows.join(numbers.where(F.col("num") == wordings), "record_id", "left_anti")


def synthesise(workflows: DataFrame, wordings: int, seed: int) -> DataFrame:
    """The conversations of each workflow, one row each."""

    def batches(found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in found:
            for start in range(0, batch.num_rows, SLICE_ROWS):
                rows = [
                    row
                    for workflow in batch.slice(start, SLICE_ROWS).to_pylist()
                    for row in trajectories(workflow["record_id"], workflow["python"], wordings, seed)
                ]
                yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)

    return workflows.select(*_READ).mapInArrow(batches, spark_schema(SILVER_SYNTHETIC))


def counted(synthetic: DataFrame, workflows: DataFrame, seed: int) -> dict[str, int]:
    """Rows of this version about `workflows`: all, accepted or refused, and the accepted ones by kind."""
    version = F.col("synthesis_version") == synthesis_version(seed)
    chosen = workflows.select(F.col("record_id").alias("workflow_record_id"))
    rows = synthetic.where(version).join(chosen, "workflow_record_id", "left_semi")
    kind = F.when(F.col("problem_code").isNull(), F.col("request_kind")).otherwise("refused")
    found = {row["kind"]: int(row["count"]) for row in rows.groupBy(kind.alias("kind")).count().collect()}
    refused = found.pop("refused", 0)
    by_kind: dict[str, int] = {name: found.get(name, 0) for name in REQUEST_KINDS}
    return {"rows": refused + sum(found.values()), **by_kind, "refused": refused}


def trajectories(record_id: str, python: str, wordings: int, seed: int) -> Iterator[dict[str, Any]]:
    """The rows of one workflow; each request of one that cannot be put into words is a refused row."""
    version = {"synthesis_version": synthesis_version(seed)}
    for wording in range(wordings):
        try:
            conversations = list(_conversations(_redacted(python), wording, seed))
        except Exception as error:  # noqa: BLE001 - a row that trips over a bug must not hold up all the others
            yield _row(record_id, Asked("create", wording, ()), problem=_problem(error)) | version
            continue
        for asked in conversations:
            yield _trajectory(record_id, asked) | version


def _conversations(workflow: Workflow, wording: int, seed: int) -> Iterator[Asked]:
    """What is asked about one workflow in one wording: for it, sometimes to change it, sometimes about it."""
    creation = Turn(create_request(workflow, wording), workflow)
    yield Asked("create", wording, (creation,))
    digest = digest_of(workflow, f"synthesis {seed} {wording}")
    if digest % EDITED_ONE_IN == 0:
        request, edited = edit_request(workflow, wording)
        yield Asked("edit", wording, (creation, Turn(request, edited)))
    if digest // EDITED_ONE_IN % ASKED_ONE_IN == 0:
        question, answer = question_request(workflow, wording)
        asked = Turn(question, None, answer, asked_task(workflow, wording).label)
        yield Asked("question", wording, (asked,))


def _trajectory(record_id: str, asked: Asked) -> dict[str, Any]:
    try:
        messages = _had(asked)
        return _row(record_id, asked, messages)
    except Exception as error:  # noqa: BLE001 - as above
        return _row(record_id, asked, problem=_problem(error))


def _had(asked: Asked) -> tuple[Message, ...]:
    """The messages of a conversation that was had, and had again.

    Raises:
        BadRecord: with the reason why it is not one to learn from.
    """
    apps = frozenset[str]().union(*(app_tasks(to_python(turn.wanted)) for turn in asked.turns if turn.wanted))
    shop = InMemoryShop(apps)
    messages: tuple[Message, ...] = ()
    saved: Saved | None = None
    for turn in asked.turns:
        if request_kind_of(turn.request, follows_workflow=saved is not None) != _kind(turn, saved):
            raise BadRecord("REQUEST_KIND", "its words say that it asks for something else")
        oracle = ScriptedOracle(
            to_python(turn.wanted) if turn.wanted else None,
            turn.answer,
            saved.workflow_id if saved else None,
            saved.workflow_version if saved else None,
            turn.look_up,
        )
        outcome = converse(turn.request, oracle, Tools(shop), BUDGET, clock=lambda: 0.0, history=messages)
        _require_ideal(outcome, turn.wanted)
        messages, saved = outcome.messages, outcome.saved
    replay(messages, Tools(shop_of(messages)))
    return messages


def _kind(turn: Turn, saved: Saved | None) -> RequestKind:
    return "question" if turn.wanted is None else "edit" if saved else "create"


def _require_ideal(outcome: Outcome, wanted: Workflow | None) -> None:
    if outcome.reason != "answered":
        raise BadRecord("NOT_ANSWERED", f"{outcome.reason}: {outcome.detail}")
    if outcome.counts.num_refused_calls:
        raise BadRecord("REFUSED_CALL", "a tool refused a call")
    if wanted is None:
        if outcome.saved is not None:
            raise BadRecord("OTHER_WORKFLOW", "a question was answered by a workflow")
        return
    if outcome.saved is None or canonical(from_python(outcome.saved.python)) != canonical(wanted):
        raise BadRecord("OTHER_WORKFLOW", "it does not end with the workflow that was wanted")
    if errors := _objections(outcome):
        raise BadRecord("VALIDATION_ERRORS", "; ".join(errors))


def _objections(outcome: Outcome) -> list[str]:
    """What the shop objected to when the workflow was saved, each once."""
    answer: Any = read_json(
        next(m for m in reversed(outcome.messages) if m["role"] == "tool")["content"] or ""
    )
    buckets = answer["data"]["validation_errors"].values()
    return list(dict.fromkeys(f"{each['code']}: {each['message']}" for bucket in buckets for each in bucket))


def _row(
    record_id: str,
    asked: Asked,
    messages: tuple[Message, ...] = (),
    problem: tuple[str, str] | None = None,
) -> dict[str, Any]:
    last = asked.turns[-1] if asked.turns else Turn("", None)
    tags = tags_of(last.wanted) if last.wanted else NO_TAGS
    identity = f"{record_id}:{asked.kind}:{asked.wording}".encode()
    return {
        "record_id": hashlib.blake2b(identity, digest_size=16).hexdigest(),
        "workflow_record_id": record_id,
        "wording": asked.wording,
        "request": last.request,
        "request_kind": asked.kind,
        "messages": "" if problem else canonical_json(list(messages)),
        "python": to_python(last.wanted) if last.wanted else "",
        **tags.columns(),
        "model": ScriptedOracle(None).name,
        "contract": CONTRACT.fingerprint(),
        "problem_code": problem[0] if problem else None,
        "problem": f"workflow {record_id}, {asked.kind} request {asked.wording}: {problem[1]}"
        if problem
        else None,
    }


def _problem(error: Exception) -> tuple[str, str]:
    if isinstance(error, BadRecord):
        where = f" at {error.path}" if error.path else ""
        return error.code, f"{error.message}{where}"
    return "SYNTHESIS_FAILED", f"{type(error).__name__}, which is a bug in synthesis"
