"""The turn as a chain: the order of its steps, what one hands to the next, and how it stops."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import cli, turn
from jobs._main import Summary
from jobs.turn import Options, commands
from schemas.errors import BrokenLaw, Transient, UsageError

WEEK = "2026-W47"
SHARDS = "lake/gold/shards/2026-W47-0f0f"
ORDER = [
    *("ingest_workflows", "curate_workflows", "synthesize_conversations", "ingest_conversations"),
    *("build_conversations", "check_mirror", "judge_conversations", "route_conversations"),
    *("train_tokenizer", "write_shards", "train_model", "evaluate_model"),
]


class PretendJob:
    """Stands for a job: notes how it was called and counts one thing."""

    def __init__(self, name: str, called: list[tuple[str, ...]], fails: dict[str, Exception]) -> None:
        self.name, self.called, self.fails = name, called, fails

    def check(self, argv: Sequence[str]) -> None:
        if "nonsense" in argv:
            raise UsageError(f"{self.name} knows no nonsense.")

    def summarise(self, argv: Sequence[str]) -> Summary:
        self.called.append((self.name, *argv))
        if self.name in self.fails:
            raise self.fails[self.name]
        return {"read": len(self.called), **({"path": SHARDS} if self.name == "write_shards" else {})}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> tuple[list[tuple[str, ...]], dict[str, Exception]]:
    """What was called, and what to fail with by job."""
    calls: list[tuple[str, ...]] = []
    fails: dict[str, Exception] = {}
    for name in ORDER:
        monkeypatch.setitem(sys.modules, f"jobs.{name}", SimpleNamespace(main=PretendJob(name, calls, fails)))
    return calls, fails


def options(**other: Any) -> Options:
    return Options(**{"week": WEEK, "lake": "lake", "inputs": ("exports",), "events": "events"} | other)


def test_the_steps_run_in_order_and_each_is_told_of(called: Any) -> None:
    told = turn.turn(options())
    assert list(told) == ORDER == [name for name, *_ in called[0]]
    assert told["evaluate_model"]["read"] == len(ORDER)


def test_training_and_evaluation_take_the_shards_that_were_written(called: Any) -> None:
    turn.turn(options(checkpoints="models", steps=3, num_evaluated=4))
    train, evaluate = called[0][-2:]
    assert train == (
        *("train_model", "--shards", SHARDS, "--tokenizer", "models/tokenizer.json"),
        *("--output", "models/2026-W47-0f0f", "--recipe", "tiny_cpu", "--steps", "3"),
    )
    assert evaluate == (
        *("evaluate_model", "--lake", "lake", "--week", WEEK, "--shards", SHARDS),
        *("--checkpoint", "models/2026-W47-0f0f", "--num", "4"),
    )


def test_what_is_not_given_is_not_ingested(called: Any) -> None:
    assert list(turn.turn(options(inputs=(), events=None))) == [
        name for name in ORDER if not name.startswith("ingest")
    ]


@pytest.mark.parametrize("kind", [UsageError, Transient, BrokenLaw])
def test_the_step_that_fails_is_named_and_the_last(called: Any, kind: type[Exception]) -> None:
    called[1]["judge_conversations"] = kind("No judge.")
    with pytest.raises(kind, match=r"^judge_conversations: No judge\.$"):
        turn.turn(options())
    assert called[0][-1][0] == "judge_conversations"


@pytest.mark.parametrize("other", [{"events": "nonsense"}, {"recipe": "no_such"}])
def test_a_wrong_argument_is_refused_before_the_first_step(called: Any, other: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"no_such|nonsense"):
        turn.turn(options(**other))
    assert called[0] == []


def test_a_week_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="2026-W99"):
        options(week="2026-W99")


def test_every_step_is_a_job_that_takes_its_arguments(called: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real flags of the real jobs: a renamed flag is seen here, not after an hour."""
    monkeypatch.undo()
    for command in commands(options(accept_unknown_runs=True, steps=1, num_evaluated=1)):
        turn._job(command.name).check(command.argv)


def test_the_plan_prints_each_command_as_one_would_type_it(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["turn", "--week", WEEK, "--inputs", "two words", "--inputs", "b", "--steps", "2", "--plan"]
    assert cli.main(given) == 0
    listed = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert {words[0] for words in listed} == {"sidewheel"}
    assert [words[1] for words in listed] == [name for name in ORDER if name != "ingest_conversations"]
    assert listed[0][2:] == ["--inputs", "two words", "b", "--lake", "lake"]
    assert listed[-2][-2:] == ["--steps", "2"]


def test_the_ledger_adds_up_and_says_where_things_are() -> None:
    fates = {"training": 3, "quarantine": 2, "rejected": 0, "erased": 0}
    told: dict[str, Summary] = {
        "curate_workflows": {"week": WEEK, "read": 5, **fates},
        "route_conversations": {"week": WEEK, "events": 0, "read": 0, **dict.fromkeys(fates, 0)},
        "write_shards": {
            "pool": 9, "rows": 6, "held_out": 2, "left_out_too_long": 1, "shards": 2, "path": SHARDS,
        },
        "train_model": {"path": "models/2026-W47-0f0f"},
        "evaluate_model": {"asked": 2, "equal": 1 / 3},
    }  # fmt: skip
    assert turn.ledger_of(told) == (
        "workflows:     5 = 3 training + 2 quarantine\n"
        "conversations: 0 = nothing\n"
        "pool:          9 = 6 rows + 2 held_out + 1 left_out_too_long\n"
        f"shards:        {SHARDS}\n"
        "checkpoint:    models/2026-W47-0f0f\n"
        "evaluated:     asked 2, equal 0.333\n"
    )
    del told["route_conversations"]
    assert "conversations" not in turn.ledger_of(told)
