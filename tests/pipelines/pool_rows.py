"""Rows of the tables that a pool is read from, and pools of them."""

from __future__ import annotations

import functools
import hashlib
import time
from dataclasses import asdict
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.contracts import spark_schema
from pipelines.pool import examine, pool
from schemas.chat import Message
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS, SILVER_SYNTHETIC, Table
from schemas.tools import CONTRACT, canonical_json
from schemas.weeks import Week
from schemas.workflow import from_python
from schemas.workflow.tags import tags_of
from serving.agent import Budget, converse
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from serving.tools import Tools
from tests.schemas.conversations import says, user

WEEK = "2026-W47"
SHOP, WORKFLOW = "shop-7731", "workflow-9911"
Row = dict[str, Any]

TAGGED = """\
@order_created
def tag_vip(order):
    add_order_tags(order_id=order.id, tags=["vip"])
"""


def id_of(number: int | str) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def short(number: int | str) -> list[Message]:
    return [user(f"Tell me of {number} é"), says(f"This is {number}.")]


def fate(record_id: str, name: str = "training", kind: str = "workflow", week: str = WEEK) -> Row:
    policy = f"{kind}_policy_v1"
    return {"record_id": record_id, "week": week, "kind": kind, "fate": name, "policy_version": policy} | {
        "shop_id": SHOP,
        "workflow_id": WORKFLOW,
    }


def conversation(number: int | str, messages: list[Message] | None = None, **columns: object) -> Row:
    """What a synthetic and a recorded conversation have in common; without tags, so held out by request."""
    said = messages or short(number)
    tags = {"descriptor": f"shape {number}", "trigger": "order_created", "actions": ["a"]}
    found = {"request": str(said[0]["content"]), "request_kind": "create", "python": f"python {number}"}
    told = {"messages": canonical_json(said), "contract": CONTRACT.fingerprint(), "model": "m"}
    return {"record_id": id_of(number), "operators": [], "connectors": [], **tags, **found, **told, **columns}


def synthetic(number: int | str, of: int | str | None = None, **columns: Any) -> Row:
    """A conversation made from the workflow `of`, by default the one of its own number."""
    workflow = id_of(f"workflow {number if of is None else of}")
    return {"workflow_record_id": workflow, "wording": 0} | conversation(number, **columns)


def recorded(number: int | str, **columns: Any) -> Row:
    where = {"shop_id": SHOP, "workflow_id": WORKFLOW, "conversation_id": f"talk-{number}", "week": WEEK}
    return where | conversation(number, **columns)


@functools.cache
def played(request: str = "Tag orders vip", python: str = TAGGED) -> tuple[Message, ...]:
    """The oracle's way to `python`, by the agent and the tools that serve."""
    outcome = converse(request, ScriptedOracle(python), Tools(InMemoryShop()), Budget(), clock=time.monotonic)
    assert outcome.reason == "answered"
    assert outcome.saved is not None
    return outcome.messages


def of_workflow(number: int | str, python: str, request: str, **columns: Any) -> Row:
    """A synthetic row as the job makes it: a real trajectory and the workflow's own tags."""
    tags = asdict(tags_of(from_python(python)))
    lists = {name: list(value) if isinstance(value, tuple) else value for name, value in tags.items()}
    messages = list(played(request, python))
    return synthetic(number, messages=messages, **({"python": python} | lists | columns))


def lake_table(spark: SparkSession, table: Table, *rows: Row) -> DataFrame:
    names = table.schema.names
    unknown = {name for row in rows for name in row} - {*names}
    assert not unknown
    return spark.createDataFrame(
        [tuple(row.get(name) for name in names) for row in rows], spark_schema(table)
    )


def pool_of(
    spark: SparkSession, made: list[Row], told: list[Row] | None = None, fates: list[Row] | None = None
) -> DataFrame:
    """The pool of WEEK; where `fates` is None, every row was admitted."""
    told = told or []
    if fates is None:
        fates = [fate(workflow) for workflow in sorted({row["workflow_record_id"] for row in made})]
        fates += [fate(row["record_id"], kind="conversation", week=row["week"]) for row in told]
    return pool(
        lake_table(spark, GOLD_FATES, *fates),
        lake_table(spark, SILVER_SYNTHETIC, *made),
        lake_table(spark, SILVER_CONVERSATIONS, *told),
        Week.parse(WEEK),
    )


def examined(spark: SparkSession, made: list[Row], share: float = 0.0) -> DataFrame:
    return examine(pool_of(spark, made), share)
