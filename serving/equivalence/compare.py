"""Whether two workflows do the same: run both on events that take their branches, and compare what leaves.

    verdict = equivalent(a, b)
    verdict.equal           # False: then `verdict.counterexample` is an event that shows it
    print(verdict)

What leaves a workflow are tags, mails, requests, mutations, actions of apps, log lines, waits and errors,
each with its causal past: the leaving effects that ran before it on the same path. Branches, loops, reads and
computed values do not count, nor does the order of parallel branches. Two errors are the same when the same
task fails with the same code. Another trigger, another timetable and another definition of a metafield that
both read are differences by themselves.

A negative answer is certain as far as the simulator is right about Flow. A positive one is evidence: no
difference was found on so many events, which took so many of the branches.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.workflow.model import Json as JsonField
from schemas.workflow.model import Step, Value, Workflow
from serving.equivalence.counterexample import Counterexample, shrunk, signature
from serving.equivalence.effects import Left, left_by, parted
from serving.equivalence.events import MOST_EVENTS, events
from serving.equivalence.ground import Ground
from serving.equivalence.ways import Branch, branches
from serving.simulator.events import Event, Json
from serving.simulator.run import Simulator
from serving.simulator.trace import Kind, Limits, Trace
from serving.synthetic_shop import SyntheticShop, Tree

__all__ = ["Coverage", "Verdict", "covered_by", "equivalent"]

_LIMITS: Final = Limits(steps=2_000, seconds=0.25, liquid_iterations=2_000)
"""Of one run: an event here is small, so a run that takes longer is one without end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer, and how much it rests on.

    Where `equal` is true, no difference was found on `num_events` events, which took `covered` of the
    `num_branches` branches of both; that is no proof. Where it is false, `counterexample` shows it.
    """

    equal: bool
    num_events: int
    """Events that both ran on."""
    num_branches: int
    """Answers of conditions that the trigger leads to, two for each, of both workflows."""
    covered: int
    """How many of them an event took; after a difference nothing more is tried."""
    counterexample: Counterexample | None = None
    uncovered: tuple[str, ...] = ()
    """The others: `first, step 3: true`."""
    failed_in_both: tuple[tuple[str, int], ...] = ()
    """Task -> on how many events it failed in both: what it would have said there was never compared."""

    def __str__(self) -> str:
        events = "1 event" if self.num_events == 1 else f"{self.num_events} events"
        took = f"{events}, {self.covered} of {self.num_branches} branches taken"
        if self.counterexample is not None:
            return f"not the same ({took})\n{self.counterexample}"
        lines = [f"no difference found ({took})"]
        lines += [f"  never taken: {each}" for each in self.uncovered]
        lines += [
            f"  {task.rpartition('::')[2]} failed in both on {number} of {events}: "
            "what it would have said there was never compared"
            for task, number in self.failed_in_both
        ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Json]:
        """The same for a program."""
        return {
            "equal": self.equal,
            "num_events": self.num_events,
            "num_branches": self.num_branches,
            "covered": self.covered,
            "uncovered": list(self.uncovered),
            "failed_in_both": dict(self.failed_in_both),
            "counterexample": None if self.counterexample is None else self.counterexample.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """Branches of one workflow."""

    branches: frozenset[Branch]
    covered: frozenset[Branch]
    ran: Mapping[int, frozenset[Kind]]
    """Step -> kinds of its effects on all events; `error` alone where it never did what it says."""


def equivalent(
    a: Workflow, b: Workflow, *, seed: int = 0, most_events: int = MOST_EVENTS, small: bool = True
) -> Verdict:
    """Whether two workflows do the same, on up to `most_events` events.

    Deterministic by the seed; never raises. `small` makes the counterexample as small as it gets, which takes
    most of the time of a negative answer.
    """
    before = _before_any_event(a, b)
    all_a, all_b = branches(a), branches(b)
    num_branches = len(all_a) + len(all_b)
    if before is not None:
        return Verdict(False, 0, num_branches, 0, Counterexample(before))
    ground = Ground(a, b)
    pair = _Pair(ground, a, b, seed)
    taken: tuple[set[Branch], set[Branch]] = (set(), set())
    failed = Counter[str]()
    num_events = 0
    for roots in events(ground, seed, most_events):
        num_events += 1
        one, two = pair.traces(roots)
        taken[0].update(taken_by(one))
        taken[1].update(taken_by(two))
        failed.update({each.task_id for each in one.errors} & {each.task_id for each in two.errors})
        if _keys(one) != _keys(two):
            covered = len(taken[0] & all_a) + len(taken[1] & all_b)
            return Verdict(False, num_events, num_branches, covered, pair.counterexample(roots, small=small))
    left = [
        f"{which}, step {step}: {'true' if answer else 'false'}"
        for which, all_branches, found in (("first", all_a, taken[0]), ("second", all_b, taken[1]))
        for step, answer in sorted(all_branches - found)
    ]
    return Verdict(
        True,
        num_events,
        num_branches,
        num_branches - len(left),
        None,
        tuple(left),
        tuple(failed.most_common()),
    )


def covered_by(workflow: Workflow, *, seed: int = 0, most_events: int = MOST_EVENTS) -> Coverage:
    """What the events of a workflow with itself take of its branches."""
    ground = Ground(workflow, workflow)
    pair = _Pair(ground, workflow, workflow, seed)
    found: set[Branch] = set()
    ran: dict[int, frozenset[Kind]] = {}
    for roots in events(ground, seed, most_events):
        trace = pair.first.run(pair.event(roots), pair.shop, limits=_LIMITS)
        found.update(taken_by(trace))
        for effect in trace.effects:
            ran[effect.step] = ran.get(effect.step, frozenset()) | {effect.kind}
    everything = branches(workflow)
    return Coverage(everything, frozenset(found) & everything, ran)


class _Pair:
    """Both workflows, ready to run many times on events of one shop."""

    def __init__(self, ground: Ground, a: Workflow, b: Workflow, seed: int) -> None:
        read: Mapping[str, Tree] = ground.read_by_output()
        self.ground = ground
        self.first, self.second = Simulator(a, read), Simulator(b, read)
        self.shop = SyntheticShop(seed)

    def event(self, roots: Mapping[str, Json]) -> Event:
        return self.ground.event(roots)

    def traces(self, roots: Mapping[str, Json]) -> tuple[Trace, Trace]:
        event = self.event(roots)
        return (
            self.first.run(event, self.shop, limits=_LIMITS),
            self.second.run(event, self.shop, limits=_LIMITS),
        )

    def left(self, roots: Mapping[str, Json]) -> tuple[tuple[Left, ...], tuple[Left, ...]]:
        one, two = self.traces(roots)
        return left_by(one), left_by(two)

    def counterexample(self, roots: Mapping[str, Json], *, small: bool) -> Counterexample:
        smallest = dict(roots)
        if small:
            wanted = signature(*self.left(roots))
            smallest = shrunk(roots, lambda smaller: signature(*self.left(smaller)) == wanted)
        one, two = self.left(smallest)
        return Counterexample(_why(one, two), self.event(smallest), tuple(smallest), one, two)


def taken_by(trace: Trace) -> set[Branch]:
    """The branches that a run took."""
    return {
        (effect.step, json.loads(effect.values)["result"])
        for effect in trace.effects
        if effect.kind == "branch"
    }


def _keys(trace: Trace) -> list[bytes]:
    return sorted(left.key for left in left_by(trace))


def _why(a: tuple[Left, ...], b: tuple[Left, ...]) -> str:
    only_a, only_b = parted(a, b)
    for one in only_a:
        for two in only_b:
            if (one.effect.kind, one.effect.task_id) != (two.effect.kind, two.effect.task_id):
                continue
            name = one.effect.task_id.rpartition("::")[2]
            if one.content == two.content:
                return f"They part at {name}: the same, but what comes before it differs."
            ours, theirs = json.loads(one.effect.values), json.loads(two.effect.values)
            if isinstance(ours, dict) and isinstance(theirs, dict):
                fields = [f for f in {**ours, **theirs} if ours.get(f) != theirs.get(f)]
                return f"They part at {name}: {', '.join(fields)} differ{'s' if len(fields) == 1 else ''}."
            return f"They part at {name}."
    if only_a and not only_b:
        return f"Only the first leaves {_names(only_a)}."
    if only_b and not only_a:
        return f"Only the second leaves {_names(only_b)}."
    return f"The first leaves {_names(only_a)}, the second {_names(only_b)}."


def _names(found: list[Left]) -> str:
    names = dict.fromkeys(
        ("an error in " if each.effect.kind == "error" else "") + each.effect.task_id.rpartition("::")[2]
        for each in found
    )
    return ", ".join(names)


def _before_any_event(a: Workflow, b: Workflow) -> str | None:
    """What differs whatever happens: None where the events decide."""
    if a.trigger.task_id != b.trigger.task_id:
        return (
            f"They do not start with the same event: {a.trigger.task_id} starts the first, "
            f"{b.trigger.task_id} the second."
        )
    ours, theirs = _settings(a.trigger), _settings(b.trigger)
    for field in {**ours, **theirs}:
        if ours.get(field) != theirs.get(field):
            one, two = ours.get(field), theirs.get(field)
            return f"Their triggers differ in {field}: {one} in the first, {two} in the second."
    names = {(each.owner, each.handle): (each.field, each.arguments) for each in a.patched_fields}
    for each in b.patched_fields:
        other = names.get((each.owner, each.handle))
        if other is not None and other != (each.field, each.arguments):
            return (
                f"{each.owner}.{each.handle} is {other[0]}{other[1]} in the first, "
                f"{each.field}{each.arguments} in the second."
            )
    return None


def _settings(step: Step) -> Mapping[str, str]:
    return {field: _written(value) for field, value in step.fields}


def _written(value: Value) -> str:
    return value.text if isinstance(value, JsonField) else str(getattr(value, "text", value))
