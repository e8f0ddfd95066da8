"""How fast one core holds workflows to Flow's rules, beside parsing and dumping the JSON they came in.

    python benchmarks/checks.py [FILE ...] [--num 1000] [--repetitions 5]

Prints for each set of workflows (`_workflows.py`), by processor time and with every cache warm, the median of
the repetitions with minimum and maximum: checks a second, and the ratio to `json.loads` + `json.dumps` of the
same files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from _workflows import arguments, body_of, rates, ratios, sets, timed

from schemas.workflow import check, read


def measure(name: str, texts: Sequence[str], repetitions: int) -> None:
    workflows = [read(text).workflow for text in texts]
    bodies = [body_of(text) for text in texts]
    num_errors = sum(problem.severity == "error" for each in workflows for problem in check(each))
    ours, peers = [], []
    for _ in range(repetitions):  # in turn: a busy machine is busy for both
        ours.append(timed(check, workflows))
        peers.append(timed(lambda body: json.dumps(json.loads(body)), bodies))
    steps = sum(len(workflow.steps) for workflow in workflows) / len(workflows)
    print(
        f"{name:10}{len(workflows):6,} workflows of {steps:4.1f} steps{rates(ours)}"
        f"{ratios(ours, peers)} JSON, {num_errors} errors"
    )


def main() -> None:
    given = arguments("Checks a second on one core, as ratios to JSON.")
    for name, texts in sets(given.num, given.files).items():
        measure(name, texts, given.repetitions)
    print("a ratio says how many times longer a check takes")


if __name__ == "__main__":
    main()
