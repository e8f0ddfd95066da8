"""How many runs of the simulator, and verdicts on two workflows, one core gives a second.

    python benchmarks/simulator.py [FILE ...] [--num 1000] [--repetitions 5]

For each set of workflows (`_workflows.py`) every workflow runs on the first events that equivalence makes for
it. Prints, by processor time and with every cache warm, the median of the repetitions with minimum and
maximum: runs a second, how many times longer a run takes than the floor (reading the workflow's JSON with
`json.loads` and rendering its Liquid texts, in the same repetition), and verdicts of `equivalent` on each
workflow with itself, which take all of their events. Scripts run in a process of their own, whose time is
not counted; what they gave is remembered.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from _workflows import arguments, body_of, rates, ratios, sets, timed

from schemas.errors import WorkflowRefused
from schemas.workflow import Workflow, read
from schemas.workflow.checks.liquid import liquid_texts
from serving.equivalence import equivalent
from serving.equivalence.events import events
from serving.equivalence.ground import Ground
from serving.simulator import Event, Simulator
from serving.simulator.liquid import render
from serving.simulator.trace import Limits, SimulationError
from serving.synthetic_shop import SyntheticShop

_NUM_EVENTS = 8
_NUM_VERDICTS = 15
_NUM_WORKFLOWS = 200
"""Of one set; events are made for each."""
_LIMITS = Limits()


@dataclass(frozen=True)
class Case:
    """One workflow with the event that it runs on."""

    body: str
    texts: tuple[str, ...]
    simulator: Simulator
    event: Event


def cases_of(body: str, workflow: Workflow) -> list[Case]:
    ground = Ground(workflow, workflow)
    simulator = Simulator(workflow, ground.read_by_output())
    texts = tuple(
        text
        for step in workflow.steps
        for field, value in step.fields
        if field != "script"
        for text in liquid_texts(value)
    )
    made = itertools.islice(events(ground, 0), _NUM_EVENTS)
    return [Case(body, texts, simulator, ground.event(roots)) for roots in made]


def floor(case: Case) -> None:
    """What any run has to do: read the workflow, render its texts."""
    json.loads(case.body)
    roots: Mapping[str, object] = case.event.roots
    for text in case.texts:
        try:
            render(text, roots, now=case.event.time, limits=_LIMITS)
        except SimulationError:
            continue


def measure(name: str, texts: Sequence[str], repetitions: int) -> None:
    workflows: list[tuple[str, Workflow]] = []
    for text in texts[:_NUM_WORKFLOWS]:
        try:
            workflows.append((body_of(text), read(text).workflow))
        except WorkflowRefused:
            continue  # a file that the language does not carry runs nowhere
    shop = SyntheticShop()
    cases = [case for body, workflow in workflows for case in cases_of(body, workflow)]
    few = [workflow for _, workflow in workflows[:_NUM_VERDICTS]]
    ours, peers, verdicts = [], [], []
    for _ in range(repetitions):  # in turn: a busy machine is busy for all
        ours.append(timed(lambda case: case.simulator.run(case.event, shop), cases))
        peers.append(timed(floor, cases))
        verdicts.append(timed(lambda workflow: equivalent(workflow, workflow), few, least=len(few)))
    effects = sum(len(case.simulator.run(case.event, shop).effects) for case in cases) / len(cases)
    num_events = sum(equivalent(workflow, workflow).num_events for workflow in few) / len(few)
    print(
        f"{name:10}{len(workflows):6,} workflows, {effects:4.1f} effects a run{rates(ours)} runs"
        f"{ratios(ours, peers)} floor"
    )
    print(f"{'':10}{len(few):6,} verdicts on {num_events:3.0f} events each{rates(verdicts)} verdicts")


def main() -> None:
    given = arguments("Runs and verdicts a second on one core.")
    for name, texts in sets(given.num, given.files).items():
        measure(name, texts, given.repetitions)
    print("a ratio says how many times longer a run takes than reading the JSON and rendering its Liquid")


if __name__ == "__main__":
    main()
