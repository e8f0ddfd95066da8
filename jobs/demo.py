"""The loop turning once, on generated workflows and simulated merchants, below one folder.

A first turn trains from workflows alone, merchants ask what came of it, a second turn takes home what they
said. Every part leaves what is there, so a demo that was killed is finished by running it again. A week that
the next one followed is not done again: what came later belongs to it in part, and would change it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs._console import write
from jobs._main import Job, Summary
from jobs.generate_workflows import main as generate_workflows
from jobs.query import query
from jobs.show import show
from jobs.simulate_merchants import main as simulate_merchants
from jobs.turn import Command, Options, announce, ledger_of, turn
from pipelines.adhoc import query as ask

__all__ = ["demo"]

FIRST, SECOND = "2026-W47", "2026-W48"
SEED = 20261122
SLICES = "conversations_by_trigger"
# A conversation that shows much and is short to read.
_TO_SHOW = """
    SELECT record_id FROM silver.conversations JOIN gold.fates USING (record_id)
    WHERE fate = 'training' AND activated AND python LIKE '%    if %'
    ORDER BY length(python) > 400, num_redacted > 0 DESC, record_id LIMIT 1"""


def demo(
    *, output: str, num: int, steps: int, num_merchants: int, num_evaluated: int, inputs: Sequence[str]
) -> int:
    """Two weeks below the folder `output`: `num` records each, `steps` of training in each turn.

    Between them `num_merchants` ask, and each turn asks `num_evaluated` of what it held out. Doing it again
    changes nothing. Raises what the steps raise: it stops at the first that fails.
    """
    lake, events = f"{output}/lake", f"{output}/events"

    def records(name: str) -> str:
        return f"{output}/records-{name}"

    def week(name: str, *, seed: int) -> dict[str, Summary]:
        _call(generate_workflows, "--num", num, "--seed", seed, "--week", name, "--output", records(name))
        options = Options(
            week=name,
            lake=lake,
            inputs=(records(name), *inputs),
            events=events if name == SECOND else None,
            checkpoints=f"{output}/checkpoints",
            steps=steps,
            num_evaluated=num_evaluated,
            accept_unknown_runs=bool(inputs),  # bare exports have no run statistics
        )
        return turn(options)

    if Path(records(SECOND)).exists():
        _headline(f"{FIRST} was done before: remove {output} to start from nothing")
    else:
        _headline(f"{FIRST}: from workflows to a model")
        first = week(FIRST, seed=SEED)
        _headline(f"{FIRST}: simulated merchants ask the served model and a script")
        traffic = ("--lake", lake, "--week", FIRST, "--checkpoint", first["train_model"]["path"])
        _call(simulate_merchants, *traffic, "--record", events, "--num", num_merchants, "--num-damaged", 3)
    _headline(f"{SECOND}: what they said comes home, and the next model is trained")
    second = week(SECOND, seed=SEED + 1)
    _conclude(second, lake)
    return 0


def _call(job: Job[Any], *argv: object) -> Summary:
    """Run a job, announced as the command that does the same."""
    words = tuple(map(str, argv))
    announce("     ", str(Command(job.name, words)))
    return job.summarise(words)


def _conclude(told: dict[str, Summary], lake: str) -> None:
    _headline("one conversation in full")
    chosen = ask(lake, _TO_SHOW).column(0).to_pylist()
    for record_id in chosen:
        announce("     ", f"sidewheel show {record_id[:12]} --lake {lake}")
        show(record_id, lake=lake, full=False)
    _headline("the models on requests that were held out")
    query("evaluation_by_model", lake=lake, form="table", output=None)
    _headline("what the loop brought home, by slice")
    announce("     ", f"sidewheel query {SLICES} --lake {lake}")
    query(SLICES, lake=lake, form="table", output=None)
    _headline("the ledger: every record has one fate")
    where = shlex.quote(lake)
    write(
        f"{ledger_of(told)}\n"
        "Merchants are simulated, and the scripted oracle, which is told what they want, is no model.\n"
        "Try next:\n"
        f"  sidewheel show --lake {where}\n"
        f"  sidewheel query --lake {where}   (lists the questions that ship)\n"
        f"  sidewheel serve --checkpoint {told['train_model']['path']}\n"
        "  make demo INPUT=folder/of/your/own/exports\n"
    )


def _headline(text: str) -> None:
    write(f"\n== {text} ==\n")
