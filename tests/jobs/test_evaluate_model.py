"""The job from a shard set and a checkpoint to rows of gold.evaluations, and the arrow from write_shards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from jobs import evaluate_model, write_shards  # noqa: E402
from pipelines.evaluation.entrants import ORACLE, Asks, Entrant  # noqa: E402
from pipelines.evaluation.held_out import Chosen, read_held_out  # noqa: E402
from pipelines.evaluation.stored import Told, ask_and_store  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from schemas.shards import is_held_out  # noqa: E402
from schemas.tables import GOLD_EVALUATIONS, GOLD_FATES, SILVER_SYNTHETIC  # noqa: E402
from schemas.workflow import from_python  # noqa: E402
from schemas.workflow.descriptor import descriptor_of  # noqa: E402
from serving.agent import Budget  # noqa: E402
from tests.pipelines.held_out_sets import WEEK, held_rows, write_held_out  # noqa: E402
from tests.pipelines.pool_rows import fate, lake_table, of_workflow  # noqa: E402
from tests.schemas.conversations import tokenizer_json  # noqa: E402
from tests.serving.tiny import write_checkpoint  # noqa: E402


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_held_out(tmp_path_factory.mktemp("shards") / "set", held_rows(2))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def config(lake: Lake, shards: Path, checkpoint: Path, **changes: Any) -> evaluate_model.Config:
    usual = {"week": WEEK, "num": 5, "num_untrained": 2, "tokens": 12}
    told: dict[str, Any] = usual | changes
    return evaluate_model.Config(lake=lake.root, shards=str(shards), checkpoint=checkpoint, **told)


def test_a_checkpoint_is_asked_beside_itself_untrained_and_the_script(
    lake: Lake, shards: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = evaluate_model.run(config(lake, shards, checkpoint))
    shown = capsys.readouterr().out
    rows = lake.read(GOLD_EVALUATIONS).collect()
    by_kind = {kind: [row for row in rows if row["model_kind"] == kind] for kind in ("trained", "untrained")}
    assert (len(rows), len(by_kind["trained"]), len(by_kind["untrained"])) == (12, 5, 2)
    trained = by_kind["trained"]
    ended = {(row["num_tokens"], row["reason"], row["equal"]) for row in trained}
    assert ended == {(12, "token_budget", False)}  # a tiny random model never comes to an end
    assert all(row["latency_seconds"] > 0 and row["week"] == WEEK for row in trained)
    assert told == {
        **{"week": WEEK, "n": 5},
        "parsed": sum(bool(row["parses"]) for row in trained),
        "valid": sum(bool(row["valid"]) for row in trained),
        "equal": sum(bool(row["equal"]) for row in trained),
        "new": 12,
    }
    name = trained[0]["model"]
    assert [line.split()[0] for line in shown.splitlines()] == [
        *("model", name, "create", "edit", "question", f"untrained-0-of-{name}", "scripted-oracle")
    ]

    version = lake.version(GOLD_EVALUATIONS)
    again = evaluate_model.run(config(lake, shards, checkpoint))
    assert again == {**told, "new": 0}
    assert capsys.readouterr().out == shown
    assert lake.version(GOLD_EVALUATIONS) == version
    assert evaluate_model.run(config(lake, shards, checkpoint, num=6))["new"] == 2


def test_what_was_stored_before_a_kill_is_not_asked_again(lake: Lake, shards: Path) -> None:
    chosen = read_held_out(str(shards), week=WEEK, num=6, seed=0)
    asked: list[str] = []

    def counted(conversation: Any) -> Any:
        asked.append(conversation.record_id)
        return ORACLE.model(conversation)

    def killed(conversation: Any) -> Any:
        raise KeyboardInterrupt

    first = Entrant("trained", "first", counted)
    stopped, second = (Entrant("untrained", "second", model) for model in (killed, counted))
    with pytest.raises(KeyboardInterrupt):
        stored(lake, chosen, [(first, chosen.conversations[:4]), (stopped, chosen.conversations)])
    assert len(asked) == 4
    told = stored(
        lake,
        replace(chosen, left_out={"REPLAY": 3}),
        [(first, chosen.conversations), (second, chosen.conversations)],
    )
    ids = [each.record_id for each in chosen.conversations]
    assert asked[4:] == [*ids[4:], *ids]
    assert [row["record_id"] for row in told.rows] == ids * 2
    assert (told.num_new, lake.read(GOLD_EVALUATIONS).count()) == (8, 12)
    assert told.counts() == {
        **{"week": WEEK, "n": 6, "left_out_replay": 3, "parsed": 4, "valid": 4, "equal": 6, "new": 8}
    }


def stored(lake: Lake, chosen: Chosen, asks: Asks) -> Told:
    clock = iter(range(10_000))
    return ask_and_store(
        lake, asks, chosen, Budget(), clock=lambda: next(clock) / 1000, advance=lambda steps=1: None
    )


def test_the_script_is_right_on_all_that_the_job_held_out(lake: Lake, tmp_path: Path) -> None:
    """The arrow from write_shards: what it holds out can be asked, and its own answer is right."""
    rows = []
    for trigger in ("order_created", "order_paid", "order_fulfilled", "order_canceled"):
        for count in (1, 2, 3):
            body = '    add_order_tags(order_id=order.id, tags=["vip"])\n' * count
            python = f"@{trigger}\ndef tag_{count}(order):\n{body}"
            rows.append(of_workflow(f"{trigger}{count}", python, f"Tag {count} times at {trigger}"))
    fates = [fate(row["workflow_record_id"]) for row in rows]
    lake.append(lake_table(lake.spark, GOLD_FATES, *fates), GOLD_FATES)
    lake.append(lake_table(lake.spark, SILVER_SYNTHETIC, *rows), SILVER_SYNTHETIC)
    (tmp_path / "tokenizer.json").write_bytes(tokenizer_json())
    tokenizer = ["--tokenizer", str(tmp_path / "tokenizer.json"), "--held-out-share", "0.3"]
    assert write_shards.main(["--lake", lake.root, "--week", WEEK, *tokenizer]) == 0
    (folder,) = (Path(lake.root) / "gold" / "shards").iterdir()
    expected = {
        row["record_id"] for row in rows if is_held_out(descriptor_of(from_python(row["python"])), 0.3)
    }
    chosen = read_held_out(str(folder), week=WEEK, num=100, seed=0)
    assert {each.record_id for each in chosen.conversations} == expected != set()
    told = stored(lake, chosen, [(ORACLE, chosen.conversations)])
    assert [row["equal"] for row in told.rows] == [True] * len(expected)


def test_what_stops_it_is_one_sentence(
    lake: Lake, shards: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="say --week 2026-W47"):
        evaluate_model.run(config(lake, shards, checkpoint, week="2026-W48"))
    with pytest.raises(UsageError, match="there is no checkpoint"):
        evaluate_model.run(config(lake, shards, tmp_path / "nowhere"))
    arguments = ["--lake", "l", "--week", WEEK, "--shards", str(shards), "--checkpoint", str(checkpoint)]
    assert evaluate_model.main([*arguments, "--num", "0"]) == 2
    assert "must be above 0" in capsys.readouterr().err
