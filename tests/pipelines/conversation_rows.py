"""Rows of silver.conversations: what the scripted agent really said, beside what a merchant did then."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from schemas.chat import Message
from schemas.conversation import conversation_record_id
from schemas.requests import request_kind_of
from schemas.tables import SILVER_CONVERSATIONS
from schemas.tools import CONTRACT, canonical_json
from schemas.workflow import from_python, to_python
from schemas.workflow.tags import NO_TAGS, tags_of
from serving.agent import Budget, converse
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from serving.tools import Tools

Row = dict[str, Any]
Messages = list[Message]

REQUEST = 'When an order is created and its total is over 500, tag it "vip".'
PYTHON = to_python(
    from_python(
        "@order_created\n"
        "def tag_big_orders(order):\n"
        "    if order.total_price_set.shop_money.amount > 500:\n"
        '        add_order_tags(order_id=order.id, tags=["vip"])\n'
    )
)
EDITED = PYTHON.replace("500", "900")
QUESTION = "What does Send internal email do?"
ANSWER = "Send internal email writes an e-mail to you and your staff."


def talk(*turns: tuple[str, ScriptedOracle], shop: InMemoryShop | None = None) -> Messages:
    """The messages of one conversation with the real agent, request after request."""
    said: Messages = []
    shop = InMemoryShop() if shop is None else shop
    for request, model in turns:
        outcome = converse(request, model, Tools(shop), Budget(), clock=lambda: 0.0, history=said)
        said = list(outcome.messages)
    return said


def created() -> Messages:
    return talk((REQUEST, ScriptedOracle(PYTHON)))


def edited(python: str = EDITED, request: str = "Change 500 to 900.") -> Messages:
    first = (REQUEST, ScriptedOracle(PYTHON))
    return talk(first, (request, ScriptedOracle(python, workflow_id="workflow-1", workflow_version=1)))


def asked(answer: str = ANSWER) -> Messages:
    return talk((QUESTION, ScriptedOracle(None, answer)))


def changed(messages: Messages, change: Callable[[Messages], object]) -> Messages:
    """A copy after a change by hand."""
    copied = copy.deepcopy(messages)
    change(copied)
    return copied


def row(name: str, messages: Iterable[Message] = (), python: str | None = PYTHON, **columns: Any) -> Row:
    """A row that trains: turned on as it was proposed. Without messages it is one that created a workflow."""
    said = list(messages) or created()
    requests = [message["content"] for message in said if message["role"] == "user"]
    follows = len(requests) > 1
    tags = tags_of(from_python(python)) if python else NO_TAGS
    sound: Row = {
        **dict.fromkeys(SILVER_CONVERSATIONS.schema.names),
        **{field: getattr(tags, field) for field in ("descriptor", "trigger")},
        **{field: list(getattr(tags, field)) for field in ("actions", "operators", "connectors")},
        "record_id": conversation_record_id(name),
        "conversation_id": name,
        "shop_id": f"shop-{name}",
        "week": "2026-W47",
        "started_at": datetime(2026, 11, 18, 9, tzinfo=UTC),
        "closed": True,
        "num_events": len(said),
        "num_repeated": 0,
        "model": "scripted-oracle",
        "contract": CONTRACT.fingerprint(),
        "arm": "champion",
        "request": requests[-1],
        "request_kind": request_kind_of(str(requests[-1]), follows_workflow=follows),
        "messages": canonical_json(said),
        "python": python or "",
        "workflow_id": "workflow-1" if python else None,
        "activated": True if python else None,
        "edited": False,
        "num_redacted": 0,
    }
    return {**sound, **columns}
