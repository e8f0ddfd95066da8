"""Cold start: workflow -> request -> trajectory -> replay -> row, and every arrow breaks where it should."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import DataFrame, SparkSession  # noqa: E402

from jobs.synthesize_conversations import main  # noqa: E402
from pipelines import synthesis as subject  # noqa: E402
from pipelines.contracts import differences, spark_schema  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.synthesis import admitted, synthesis_version, synthesise, trajectories, unsynthesised  # noqa: E402
from pipelines.wording import create_request  # noqa: E402
from schemas.chat import render  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from schemas.requests import request_kind_of  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_SYNTHETIC, SILVER_WORKFLOWS  # noqa: E402
from schemas.tools import CONTRACT, canonical_json  # noqa: E402
from schemas.workflow import from_python, to_python  # noqa: E402
from schemas.workflow.tags import tags_of  # noqa: E402
from serving.agent import Budget  # noqa: E402
from serving.replay import replay, shop_of  # noqa: E402
from serving.shop import InMemoryShop, Saved  # noqa: E402
from serving.tools import Answer, Tools  # noqa: E402
from tests.schemas.conversations import tiny_tokenizer  # noqa: E402

WEEK = "2026-W47"
APP = "4d2c9a6e-1f0b-4c5e-9a77-2b8f3c1d0e01"


def tagging(tag: str) -> str:
    return f'@order_created\ndef tag_orders(order):\n    add_order_tags(order_id=order.id, tags=["{tag}"])\n'


MANY = {f"w{number}": tagging(f"tag{number}") for number in range(64)}


def rows_of(python: str, wordings: int = 1, seed: int = 0) -> list[dict[str, Any]]:
    return list(trajectories("w1", python, wordings, seed))


def table(spark: SparkSession, workflows: dict[str, str]) -> DataFrame:
    return spark.createDataFrame(list(workflows.items()), "record_id string, python string")


# -- one workflow ---------------------------------------------------------------------------------------


def test_a_workflow_becomes_a_request_and_the_way_to_it() -> None:
    (row,) = rows_of(tagging("vip"))
    workflow, tags = from_python(tagging("vip")), tags_of(from_python(tagging("vip")))
    messages = json.loads(row["messages"])
    assert row["messages"] == canonical_json(messages)
    assert [message["role"] for message in messages] == ["user", *["assistant", "tool"] * 3, "assistant"]
    assert (
        row["request"]
        == messages[0]["content"]
        == 'When an order is created, add the tag "vip" to the order. Call the workflow "Tag orders".'
    )
    assert (row["problem_code"], row["problem"], row["python"]) == (None, None, to_python(workflow))
    assert (row["trigger"], row["actions"], row["descriptor"]) == (
        "order_created",
        ["add_order_tags"],
        tags.descriptor,
    )
    assert (row["model"], row["contract"]) == ("scripted-oracle", CONTRACT.fingerprint())
    assert row["synthesis_version"] == synthesis_version(0)
    assert (
        json.loads(messages[5]["tool_calls"][0]["function"]["arguments"])["workflow_python"] == row["python"]
    )


def test_every_kind_is_made_and_its_conversation_can_be_replayed_and_rendered() -> None:
    rows = [row for name, python in MANY.items() for row in trajectories(name, python, 2, 0)]
    kinds = Counter(row["request_kind"] for row in rows)
    assert kinds["create"] == 128
    assert 8 <= kinds["edit"] <= 26  # one in eight of the requests
    assert 3 <= kinds["question"] <= 15
    assert len({row["record_id"] for row in rows}) == len(rows)
    for row in rows:
        messages = json.loads(row["messages"])
        assert (
            request_kind_of(row["request"], follows_workflow=row["request_kind"] == "edit")
            == row["request_kind"]
        )
        assert row["request"] == [message for message in messages if message["role"] == "user"][-1]["content"]
        shop = shop_of(messages)
        replay(messages, Tools(shop))
        assert render(messages, CONTRACT, tiny_tokenizer()).ids
        saved = [workflow.python for workflow in shop.workflows.values()]
        assert saved == ([row["python"]] if row["request_kind"] != "question" else [])


def test_an_edit_goes_on_in_the_conversation_that_made_the_workflow() -> None:
    row = next(
        r
        for name, python in MANY.items()
        for r in trajectories(name, python, 1, 0)
        if r["request_kind"] == "edit"
    )
    messages = json.loads(row["messages"])
    first = next(r for r in trajectories(row["workflow_record_id"], MANY[row["workflow_record_id"]], 1, 0))
    assert messages[: len(json.loads(first["messages"]))] == json.loads(first["messages"])
    last = json.loads(messages[-3]["tool_calls"][0]["function"]["arguments"])
    assert (last["workflow_id"], last["workflow_version"]) == ("workflow-1", 1)
    assert last["workflow_python"] == row["python"] != MANY[row["workflow_record_id"]]


def test_a_question_is_answered_without_a_workflow() -> None:
    row = next(
        r
        for name, python in MANY.items()
        for r in trajectories(name, python, 1, 0)
        if r["request_kind"] == "question"
    )
    assert (row["python"], row["descriptor"], row["trigger"], row["actions"]) == ("", "", "", [])
    messages = json.loads(row["messages"])
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant"]
    assert row["request"].removeprefix("What does ").removesuffix(" do?") in messages[-1]["content"]


def test_other_wordings_and_seeds_make_other_rows_and_the_same_ones_the_same() -> None:
    both = rows_of(tagging("vip"), wordings=2)
    assert both == rows_of(tagging("vip"), wordings=2)
    assert [row["request"] for row in both if row["request_kind"] == "create"] == [
        create_request(from_python(tagging("vip")), wording) for wording in (0, 1)
    ]
    drawn = [
        {row["record_id"] for name, python in MANY.items() for row in trajectories(name, python, 1, seed)}
        for seed in (0, 1)
    ]
    assert drawn[0] != drawn[1]


def test_the_shop_of_a_workflow_has_its_apps() -> None:
    python = f'@order_created\ndef tell(order):\n    task("{APP}", "0.1", channel="#a")\n'
    row = rows_of(python)[0]
    assert (row["problem_code"], row["connectors"]) == (None, [APP])


# -- what is refused ------------------------------------------------------------------------------------


def test_a_workflow_that_cannot_be_read_is_a_refused_row_for_each_request() -> None:
    rows = rows_of("@order_created\ndef f(order):\n    import os\n", wordings=2)
    assert [(row["wording"], row["problem_code"]) for row in rows] == [
        (0, "PYTHON_CONSTRUCT"),
        (1, "PYTHON_CONSTRUCT"),
    ]
    assert rows[0]["problem"].startswith("workflow w1, create request 0: ")
    assert rows[0]["problem"].endswith(" at 3:5")
    assert (rows[0]["messages"], rows[0]["python"], rows[0]["request"]) == ("", "", "")


def test_a_workflow_that_flow_objects_to_is_refused_with_the_objection() -> None:
    row = rows_of("@order_created\ndef f(order):\n    no_such_task(order_id=order.id)\n")[0]
    assert row["problem_code"] == "VALIDATION_ERRORS"
    assert "TASK_NOT_FOUND: no task has the id 'shopify::admin::no_such_task'; did you mean" in row["problem"]
    assert (row["messages"], row["request_kind"]) == ("", "create")
    assert row["request"]


class OtherShop(InMemoryShop):
    """A shop whose ids depend on more than the calls."""

    count = 0

    def create(self, python: str) -> Saved:
        OtherShop.count += 1
        saved = Saved(f"workflow-{OtherShop.count}", 1, python)
        self.workflows[saved.workflow_id] = saved
        return saved


def test_a_conversation_that_does_not_come_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "InMemoryShop", OtherShop)
    rows = [rows_of(tagging("vip"))[0] for _ in range(2)]
    assert [row["problem_code"] for row in rows] == [
        None,
        "REPLAY",
    ]  # only the first id is that of a fresh shop
    assert rows[1]["problem"].endswith(" at /6")


def test_a_conversation_that_ends_with_another_workflow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(InMemoryShop):
        def create(self, python: str) -> Saved:
            return super().create(python.replace("vip", "vop"))

    monkeypatch.setattr(subject, "InMemoryShop", Forgetful)
    assert rows_of(tagging("vip"))[0]["problem_code"] == "OTHER_WORKFLOW"


def test_a_conversation_in_which_a_tool_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Grumpy(Tools):
        def call(self, name: str, arguments: str) -> Answer:
            answer = super().call(name, arguments)
            return (
                Answer('{"data":{},"ok":false,"tool":"task_search"}', False)
                if name == "task_search"
                else answer
            )

    monkeypatch.setattr(subject, "Tools", Grumpy)
    assert rows_of(tagging("vip"))[0]["problem_code"] == "REFUSED_CALL"


def test_a_conversation_that_never_closes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "BUDGET", Budget(turns=2))
    row = rows_of(tagging("vip"))[0]
    assert (row["problem_code"], row["problem"]) == (
        "NOT_ANSWERED",
        "workflow w1, create request 0: turn_budget: ",
    )


def test_words_that_ask_for_something_else_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "create_request", lambda *_: "What is a tag?")
    assert rows_of(tagging("vip"))[0]["problem_code"] == "REQUEST_KIND"


def test_a_bug_costs_one_row_and_tells_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> str:
        raise KeyError("secret")

    monkeypatch.setattr(subject, "create_request", broken)
    row = rows_of(tagging("vip"))[0]
    assert row["problem_code"] == "SYNTHESIS_FAILED"
    assert "KeyError" in row["problem"]
    assert "secret" not in row["problem"]


# -- tables ---------------------------------------------------------------------------------------------


def lake_of(lake: Lake, workflows: dict[str, str], fates: dict[str, str]) -> None:
    """A lake with these workflows in silver and these fates in the week."""

    def rows(schema: Any, *given: dict[str, Any]) -> DataFrame:
        return lake.spark.createDataFrame(
            [tuple(row.get(name) for name in schema.names) for row in given], schema
        )

    silver = [{"record_id": name, "python": python} for name, python in workflows.items()]
    decided = [
        {"record_id": name, "week": WEEK, "kind": "workflow", "fate": fate} for name, fate in fates.items()
    ]
    lake.merge(rows(spark_schema(SILVER_WORKFLOWS), *silver), SILVER_WORKFLOWS)
    lake.replace(
        rows(spark_schema(GOLD_FATES), *decided), GOLD_FATES, partition={"week": WEEK, "kind": "workflow"}
    )


def test_rows_come_out_as_the_table_has_them_at_any_parallelism(spark: SparkSession) -> None:
    workflows = table(spark, {**MANY, "bad": "import os\n"})
    found = synthesise(workflows.repartition(3), 1, 0)
    assert differences(found.schema, SILVER_SYNTHETIC) == []
    rows = {row["record_id"]: row.asDict() for row in found.collect()}
    expected = [
        row
        for name, python in [*MANY.items(), ("bad", "import os\n")]
        for row in trajectories(name, python, 1, 0)
    ]
    names = SILVER_SYNTHETIC.schema.names
    assert rows == {row["record_id"]: {name: row.get(name) for name in names} for row in expected}


def test_only_workflows_that_lack_a_wording_of_this_version_are_new(spark: SparkSession) -> None:
    workflows = table(spark, {name: MANY[name] for name in ("w0", "w1", "w2", "w3")})
    made = synthesise(workflows.where("record_id <> 'w3'"), 1, 0)
    assert [row.record_id for row in unsynthesised(workflows, made, 1, 0).collect()] == ["w3"]
    assert unsynthesised(workflows, made, 2, 0).count() == 4
    assert unsynthesised(workflows, made, 1, 7).count() == 4
    twice = made.union(synthesise(workflows.where("record_id = 'w3'"), 2, 0))
    assert unsynthesised(workflows, twice, 1, 0).count() == 0


@pytest.mark.parametrize("wordings", [0, 7])
def test_a_number_of_wordings_that_there_is_not_is_a_wrong_flag(spark: SparkSession, wordings: int) -> None:
    nothing = table(spark, {"w": MANY["w1"]}).limit(0)
    with pytest.raises(UsageError, match="from 1 to 6"):
        unsynthesised(nothing, synthesise(nothing, 1, 0), wordings, 0)


def test_what_does_not_train_in_the_week_is_left_out(lake: Lake) -> None:
    lake_of(lake, MANY, {"w0": "training", "w1": "rejected", "w2": "quarantine"})
    silver, fates = lake.read(SILVER_WORKFLOWS), lake.read(GOLD_FATES)
    assert [row.record_id for row in admitted(silver, fates, WEEK).collect()] == ["w0"]
    assert admitted(silver, fates, "2026-W46").count() == 0


def test_the_job_counts_what_it_made_and_the_second_run_commits_nothing(lake: Lake) -> None:
    lake_of(lake, {**MANY, "bad": "import os\n"}, dict.fromkeys([*MANY, "bad"], "training"))
    flags = ["--lake", str(lake.root), "--week", WEEK, "--wordings", "1"]
    first = main.summarise(flags)
    assert (first["workflows"], first["new"], first["refused"], first["create"]) == (65, 65, 1, 64)
    assert first["rows"] == sum(int(first[kind]) for kind in ("create", "edit", "question", "refused"))
    assert first["rows"] == lake.read(SILVER_SYNTHETIC).count()
    version = lake.version(SILVER_SYNTHETIC)
    assert main.summarise(flags) == {**first, "new": 0}
    assert lake.version(SILVER_SYNTHETIC) == version


def test_without_fates_the_job_says_what_to_run(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run curate_workflows first"):
        main.summarise(["--lake", str(lake.root), "--week", WEEK])
