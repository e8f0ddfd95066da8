from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from jobs.cli import main  # noqa: E402
from jobs.show import conversation_text  # noqa: E402
from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_CONVERSATIONS, SILVER_SYNTHETIC  # noqa: E402
from serving.agent import Budget, converse  # noqa: E402
from serving.oracle import ScriptedOracle  # noqa: E402
from serving.shop import InMemoryShop  # noqa: E402
from serving.tools import Tools  # noqa: E402

PYTHON = '@order_created\ndef vip(order):\n    add_order_tags(order_id=order.id, tags=["vip"])\n'


def conversation(record_id: str, **changes: Any) -> dict[str, Any]:
    outcome = converse(
        "Tag orders as vip", ScriptedOracle(PYTHON), Tools(InMemoryShop()), Budget(), clock=lambda: 0.0
    )
    return {
        **dict.fromkeys(SILVER_CONVERSATIONS.schema.names),
        "record_id": record_id,
        "conversation_id": f"c-{record_id}",
        "shop_id": "simulated-shop-1",
        "week": "2026-W47",
        "started_at": datetime(2026, 11, 17, tzinfo=UTC),
        "model": outcome.model,
        "arm": "champion",
        "request": "Tag orders as vip",
        "request_kind": "create",
        "messages": json.dumps(outcome.messages),
        "python": PYTHON,
        "activated": True,
        **changes,
    }


@pytest.fixture
def filled(lake: Lake) -> str:
    rows = [conversation("aaaa1111"), conversation("aaaa2222", python="", activated=None, problem_code="GAP")]
    lake.merge(lake.spark.createDataFrame(rows, spark_schema(SILVER_CONVERSATIONS)), SILVER_CONVERSATIONS)
    made = {**dict.fromkeys(SILVER_SYNTHETIC.schema.names), "record_id": "bbbb3333", "request": "Tag"}
    made |= {"messages": "[]", "python": "", "model": "scripted-oracle"}
    lake.merge(lake.spark.createDataFrame([made], spark_schema(SILVER_SYNTHETIC)), SILVER_SYNTHETIC)
    fate = {**dict.fromkeys(GOLD_FATES.schema.names), "record_id": "aaaa1111", "week": "2026-W47"}
    fate |= {"kind": "conversation", "fate": "training", "reason": "activated"}
    lake.merge(lake.spark.createDataFrame([fate], spark_schema(GOLD_FATES)), GOLD_FATES)
    return lake.root


def test_a_conversation_is_printed_with_its_calls_its_python_and_its_json(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "aaaa1", "--lake", filled]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(
        "conversation aaaa1111 from simulated-shop-1 in 2026-W47, answered by scripted-oracle (champion)\n"
        "the merchant afterwards: turned on\n"
        "fate: training, activated\n\n"
        "merchant   Tag orders as vip\n"
        'calls      task_search {"search_queries":'
    )
    assert f"The workflow as Python:\n\n{PYTHON}" in shown
    document = json.loads(shown[shown.index("Flow's JSON:") + len("Flow's JSON:") :])
    assert [step["task_id"] for step in document["root"]["steps"]] == [
        "shopify::admin::order_created",
        "shopify::admin::add_order_tags",
    ]


def test_answers_are_cut_unless_all_is_asked_for(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "c-aaaa1", "--lake", filled]) == 0
    short = capsys.readouterr().out
    assert main(["show", "c-aaaa1", "--lake", filled, "--full"]) == 0
    long = capsys.readouterr().out
    assert "characters)" in short
    assert "characters)" not in long
    assert len(long) > len(short)


def test_without_an_id_the_recorded_ones_are_listed(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--lake", filled]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "week", "model", "request_kind", "fate", "reason", "request"]
    assert [row.split()[0] for row in rows] == ["aaaa1111", "aaaa2222"]
    assert "training  activated" in rows[0]


def test_what_is_not_there_is_one_sentence(
    filled: str, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    assert main(["show", "aaaa", "--lake", filled]) == 2
    assert main(["show", "cccc", "--lake", filled]) == 2
    assert main(["show", "x' OR 1=1", "--lake", filled]) == 2
    assert main(["show", "--lake", str(tmp_path / "none")]) == 2
    said = [line.removeprefix("sidewheel: ") for line in capsys.readouterr().err.splitlines()]
    assert said[0] == "several conversations begin with aaaa; give more of the id."
    assert said[1].startswith("no conversation of ")
    assert said[2].startswith("an id has at least 4 letters")
    assert said[3].startswith("there is no lake in ")


def test_a_refused_conversation_drives_no_terminal() -> None:
    row = conversation(
        "r", problem_code="GAP", problem="\x1b[2J", python="", messages="[]", fate=None, reason=None
    )
    assert "\x1b" not in conversation_text(row)
    assert "refused: GAP, \\x1b[2J" in conversation_text(row)
