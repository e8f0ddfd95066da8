"""One turn of the loop: workflows and conversations in, a trained and evaluated checkpoint out.

The steps are data: `commands` lists them, `turn` runs them in this process, each announced as the command
that does the same. Every step leaves what is there already, so a turn that was killed is finished by running
it again. The mirror gate stands before the judge, so that he sees what trains, and ends a turn that would be
out of line with production. Not here yet: promotion of the checkpoint, and steps that run at the same time.
"""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from jobs._console import write
from jobs._main import Job, Summary
from schemas.errors import BrokenLaw, Transient, UsageError
from schemas.tables import FATES
from schemas.weeks import Week
from training.recipes import find_recipe

__all__ = [
    "CHECKPOINT",
    "SHARDS",
    "Command",
    "Options",
    "announce",
    "commands",
    "ledger_of",
    "run_turn",
    "turn",
]

SHARDS = "<shards>"
CHECKPOINT = "<checkpoint>"
"""Stand for folders whose names `write_shards` gives: they hold a digest of the pool."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a turn takes and where it leaves things. Raises UsageError where `week` is none."""

    week: str
    lake: str
    inputs: tuple[str, ...] = ()
    """Files, folders or URIs of workflows; none leaves the lake's workflows as they are."""
    events: str | None = None
    """Folder or URI of recorded conversations; None leaves the lake's conversations as they are."""
    checkpoints: str = "checkpoints"
    """Folder of the tokenizer, which is made once, and of the checkpoints."""
    recipe: str = "tiny_cpu"
    steps: int | None = None
    wordings: int = 2
    num_evaluated: int | None = None
    accept_unknown_runs: bool = False
    """Whether workflows without run statistics may train: bare exports have none."""

    def __post_init__(self) -> None:
        Week.parse(self.week)


@dataclass(frozen=True)
class Command:
    """A job and its arguments."""

    name: str
    argv: tuple[str, ...]

    def filled(self, known: Mapping[str, str]) -> Command:
        """The command with the folders that are known by now."""
        return Command(self.name, tuple(known.get(argument, argument) for argument in self.argv))

    def __str__(self) -> str:
        return f"sidewheel {shlex.join((self.name, *self.argv))}"


def commands(options: Options) -> tuple[Command, ...]:
    """The steps in order; `SHARDS` and `CHECKPOINT` are filled in once `write_shards` has run."""
    lake = ("--lake", options.lake)
    week = (*lake, "--week", options.week)
    tokenizer = str(PurePath(options.checkpoints, "tokenizer.json"))
    unknown = ("--accept-unknown-runs",) if options.accept_unknown_runs else ()
    steps = () if options.steps is None else ("--steps", str(options.steps))
    num = () if options.num_evaluated is None else ("--num", str(options.num_evaluated))
    listed = {
        "ingest_workflows": ("--inputs", *options.inputs, *lake) if options.inputs else None,
        "curate_workflows": (*week, *unknown),
        "synthesize_conversations": (*week, "--wordings", str(options.wordings)),
        "ingest_conversations": None if options.events is None else ("--inputs", options.events, *lake),
        "build_conversations": lake,
        "check_mirror": (*week, "--migrate"),
        "judge_conversations": lake,
        "route_conversations": week,
        "train_tokenizer": (*week, "--output", tokenizer),
        "write_shards": (*week, "--tokenizer", tokenizer),
        "train_model": (
            *("--shards", SHARDS, "--tokenizer", tokenizer, "--output", CHECKPOINT),
            *("--recipe", options.recipe, *steps),
        ),
        "evaluate_model": (*week, "--shards", SHARDS, "--checkpoint", CHECKPOINT, *num),
    }
    return tuple(Command(name, argv) for name, argv in listed.items() if argv is not None)


def turn(options: Options) -> dict[str, Summary]:
    """Run every step in order; returns what each counted.

    Raises what a step raises, with the step's name in front: the first that fails is the last. A wrong
    argument of any step is a UsageError before the first one runs.
    """
    listed = commands(options)
    find_recipe(options.recipe)
    for command in listed:
        _job(command.name).check(command.argv)
    told: dict[str, Summary] = {}
    known: dict[str, str] = {}
    for number, command in enumerate(listed, 1):
        step = command.filled(known)
        announce(f"[{number}/{len(listed)}]", str(step))
        told[step.name] = _run(step)
        if step.name == "write_shards":
            shards = str(told[step.name]["path"])
            checkpoint = PurePath(options.checkpoints, PurePath(shards).name)
            known = {SHARDS: shards, CHECKPOINT: str(checkpoint)}
    return told


def run_turn(options: Options, *, plan: bool) -> int:
    """`turn`, then its ledger; with `plan` only the commands are printed. Returns the exit code."""
    if plan:
        write("".join(f"{command}\n" for command in commands(options)))
        return 0
    told = turn(options)
    write(f"\n{ledger_of(told)}")
    return 0


def ledger_of(told: Mapping[str, Summary]) -> str:
    """Where everything went, in the words of the steps' own counts: each line of sums adds up."""
    fates = {"workflows": told.get("curate_workflows"), "conversations": told.get("route_conversations")}
    lines = [
        (kind, _sum(counted, "read", [fate for fate in FATES if counted[fate]]))
        for kind, counted in fates.items()
        if counted is not None
    ]
    pool, trained = told["write_shards"], told["train_model"]
    left_out = [key for key in pool if key.startswith("left_out_")]
    lines += [
        ("pool", _sum(pool, "pool", ["rows", "held_out", *left_out])),
        ("shards", str(pool["path"])),
        ("checkpoint", str(trained["path"])),
        ("evaluated", ", ".join(f"{key} {_short(value)}" for key, value in told["evaluate_model"].items())),
    ]
    width = max(len(name) for name, _ in lines)
    return "".join(f"{name + ':':<{width + 1}} {text}\n" for name, text in lines)


def _sum(counted: Summary, whole: str, parts: list[str]) -> str:
    return f"{counted[whole]} = " + (" + ".join(f"{counted[part]} {part}" for part in parts) or "nothing")


def _short(value: str | int | float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def announce(number: str, command: str) -> None:
    """Print a command as the headline of what it prints itself."""
    line = f"{number} {command}"
    write(f"\n\x1b[1m{line}\x1b[0m\n" if sys.stdout.isatty() else f"\n{line}\n")


def _job(name: str) -> Job[Any]:
    found: Job[Any] = importlib.import_module(f"jobs.{name}").main
    return found


def _run(step: Command) -> Summary:
    try:
        return _job(step.name).summarise(step.argv)
    except (UsageError, Transient, BrokenLaw) as error:
        raise type(error)(f"{step.name}: {error}") from error
