"""How fast one core holds workflows to Flow's rules, beside parsing and dumping the JSON they came in.

    python benchmarks/checks.py [FILE ...] [--num 2000] [--repetitions 5]

Prints, by processor time and with every cache warm, the median of the repetitions with minimum and maximum:
checks a second and the ratio to `json.loads` + `json.dumps` of the same workflow as an export. Two sets are
generated, as merchants have them and from the whole language; FILE adds a set of real files.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import TypeVar

from pipelines.generator import Plan, draw_block
from pipelines.generator.language import language_workflow
from schemas.workflow import Workflow, check, read, write

T = TypeVar("T")
SEED = 7
WEEK_END = 1_795_478_400
LEAST = 1_000
"""Checks of one repetition, at least: a set of ten files is walked a hundred times."""


def of_merchants(num: int) -> list[Workflow]:
    """Workflows in the mix that the generator draws."""
    plan = Plan(seed=SEED, num=num, week_end=WEEK_END, bad_share=0)
    lines = [line for number in range(plan.num_blocks) for line in draw_block(plan, number).lines]
    return [read(json.loads(line)["workflow"]).workflow for line in lines]


def timed(work: Callable[[T], object], things: Sequence[T]) -> float:
    """Seconds for each thing."""
    rounds = -(-LEAST // len(things))
    started = process_time()
    for _ in range(rounds):
        for thing in things:
            work(thing)
    return (process_time() - started) / rounds / len(things)


def measure(name: str, workflows: Sequence[Workflow], repetitions: int) -> None:
    bodies = [write(workflow, spelling="flow") for workflow in workflows]
    num_errors = sum(problem.severity == "error" for each in workflows for problem in check(each))
    ours, peers = [], []
    for _ in range(repetitions):  # in turn: a busy machine is busy for both
        ours.append(timed(check, workflows))
        peers.append(timed(lambda body: json.dumps(json.loads(body)), bodies))
    ratios = [mine / peer for mine, peer in zip(ours, peers, strict=True)]
    steps = sum(len(workflow.steps) for workflow in workflows) / len(workflows)
    print(
        f"{name:12}{len(workflows):6,} workflows of {steps:4.1f} steps"
        f"{1 / median(ours):10,.0f} checks a second ({1 / max(ours):,.0f}-{1 / min(ours):,.0f})"
        f"{median(ratios):6.1f} x JSON ({min(ratios):.1f}-{max(ratios):.1f}), {num_errors} errors"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Checks a second on one core, as ratios to JSON.")
    parser.add_argument("files", nargs="*", type=Path, help="real workflow files")
    parser.add_argument("--num", type=int, default=2000, help="workflows of each set (default: 2000)")
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions of each (default: 5)")
    arguments = parser.parse_args()
    measure("merchants", of_merchants(arguments.num), arguments.repetitions)
    measure("language", [language_workflow(seed) for seed in range(arguments.num)], arguments.repetitions)
    if arguments.files:
        real = [read(path.read_text(encoding="utf-8")).workflow for path in arguments.files]
        measure("files", real, arguments.repetitions)
    print("a ratio says how many times longer a check takes")


if __name__ == "__main__":
    main()
