"""What changes of a workflow are made of: places to look at, and edits of the tree and of the graph.

A change looks for a place where it applies and answers None where there is none. Touched are only *live*
steps, which run without an error on some event of the workflow's own: nobody can tell apart what never runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from schemas.catalog.environment import graphql_kind
from schemas.workflow.environment import environment_of
from schemas.workflow.model import (
    CONDITION,
    Compare,
    Condition,
    ConditionValue,
    Link,
    Logic,
    Path,
    Quantifier,
    Step,
    Value,
    Workflow,
)
from serving.equivalence import covered_by
from serving.simulator.trace import LEAVING

T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """A workflow that a change is planted in."""

    workflow: Workflow
    live: frozenset[int]
    """Steps that run without an error on some event."""
    leaving: frozenset[int]
    """Those of them that somebody outside notices."""
    both_ways: frozenset[int]
    """Conditions that answer true and false on some event."""
    draw: random.Random

    def pick(self, found: list[T]) -> T | None:
        return self.draw.choice(found) if found else None

    def step(self, number: int) -> Step:
        return self.workflow.steps[number]

    def behind(self, number: int, port: str | None = None) -> frozenset[int]:
        """All steps that come after a step, or after one of its ports."""
        seen: set[int] = set()
        waiting = [link.target for link in self.links(number, port)]
        while waiting:
            target = waiting.pop()
            if target not in seen:
                seen.add(target)
                waiting += [link.target for link in self.links(target)]
        return frozenset(seen)

    def links(self, number: int, port: str | None = None) -> list[Link]:
        return [
            link
            for link in self.workflow.links
            if link.source == number and (port is None or link.port == port)
        ]

    def ways_in(self, number: int) -> list[Link]:
        return [link for link in self.workflow.links if link.target == number]

    def governs(self, number: int) -> bool:
        """Whether the answer of a condition decides about something that leaves."""
        ends = [{link.target for link in self.links(number, port)} for port in ("true", "false")]
        return bool(self.behind(number) & self.leaving) and ends[0] != ends[1]

    def conditions(self) -> list[tuple[int, Condition]]:
        """The conditions that answer both ways and govern something that leaves."""
        return [
            (number, value.condition)
            for number in sorted(self.live)
            if self.step(number).kind == CONDITION and self.governs(number) and number in self.both_ways
            for _, value in self.step(number).fields
            if isinstance(value, ConditionValue) and value.condition is not None
        ]

    def values(self, *kinds: type) -> list[tuple[int, str, Value]]:
        """(step, field, value) of the leaving steps."""
        return [
            (number, field, value)
            for number in sorted(self.leaving)
            for field, value in self.step(number).fields
            if isinstance(value, kinds)
        ]

    # -- edits ------------------------------------------------------------------------------------------

    def with_value(self, number: int, field: str, value: Value) -> Workflow:
        step = self.step(number)
        fields = tuple((name, value if name == field else old) for name, old in step.fields)
        return self.with_step(number, replace(step, fields=fields))

    def with_step(self, number: int, step: Step) -> Workflow:
        steps = list(self.workflow.steps)
        steps[number] = step
        return replace(self.workflow, steps=tuple(steps))

    def with_links(self, links: list[Link]) -> Workflow:
        return replace(self.workflow, links=tuple(links))

    def with_condition(self, number: int, condition: Condition) -> Workflow:
        field = next(name for name, value in self.step(number).fields if isinstance(value, ConditionValue))
        return self.with_value(number, field, ConditionValue(condition))

    def without(self, number: int, port: str) -> Workflow:
        """The step bypassed: what led to it leads to what came behind the port.

        It stays, unconnected, so that no output gets another number.
        """
        behind = [link.target for link in self.links(number, port)]
        links: list[Link] = []
        for link in self.workflow.links:
            if link.target == number:
                links += [Link(link.source, link.port, target) for target in behind]
            elif link.source != number:
                links.append(link)
        return self.with_links(links)

    def added(self, step: Step) -> tuple[int, tuple[Step, ...]]:
        return len(self.workflow.steps), (*self.workflow.steps, step)

    # -- conditions -------------------------------------------------------------------------------------

    def in_conditions(self, edit: Callable[[Condition, random.Random], Condition | None]) -> Workflow | None:
        """One part of one condition edited; None where no part takes it."""
        found: list[tuple[int, Condition]] = []
        for number, condition in self.conditions():
            for other in edited(condition, lambda part: edit(part, self.draw)):
                found.append((number, other))
        picked = self.pick(found)
        return None if picked is None else self.with_condition(*picked)

    # -- types ------------------------------------------------------------------------------------------

    def sibling_in_list(self, number: int, place: Path) -> Path | None:
        """The same of a field in a list's items."""
        return self.sibling(number, place, kinds=("object", "list"))

    def sibling(self, number: int, place: Path, kinds: tuple[str, ...] = ("object",)) -> Path | None:
        """Another field of the same owner and type; None where there is none, or the path crosses a list."""
        if len(place.segments) < 2:
            return None
        environment = environment_of(self.workflow)
        owner = environment.resolve(number, ".".join(place.segments[:-1]))
        if owner.kind not in kinds:
            return None
        fields = environment.fields(owner.type)
        wanted = fields.get(place.segments[-1])
        if not wanted or wanted.startswith("[") or graphql_kind(wanted) == "object":
            return None
        others = [name for name, kind in fields.items() if kind == wanted and name != place.segments[-1]]
        other = self.pick(others)
        return None if other is None else Path((*place.segments[:-1], other))


def edited(condition: Condition, edit: Callable[[Condition], Condition | None]) -> Iterator[Condition]:
    """The condition with one of its parts edited, once for each part that takes the edit."""
    other = edit(condition)
    if other is not None and other != condition:
        yield other
    if isinstance(condition, Logic):
        for number, term in enumerate(condition.terms):
            for new in edited(term, edit):
                terms = (*condition.terms[:number], new, *condition.terms[number + 1 :])
                yield replace(condition, terms=terms)
    elif isinstance(condition, Quantifier):
        for new in edited(condition.body, edit):
            yield replace(condition, body=new)


def leaves(condition: Condition) -> Iterator[Compare]:
    if isinstance(condition, Logic):
        for term in condition.terms:
            yield from leaves(term)
    elif isinstance(condition, Quantifier):
        yield from leaves(condition.body)
    else:
        yield condition


def site(workflow: Workflow, seed: int) -> Site:
    coverage = covered_by(workflow, most_events=120)
    live = frozenset(step for step, kinds in coverage.ran.items() if kinds - {"error"})
    leaving = frozenset(step for step in live if coverage.ran[step] & LEAVING - {"error"})
    both = frozenset(
        number for number, answer in coverage.covered if answer and (number, False) in coverage.covered
    )
    return Site(workflow, live, leaving, both, random.Random(seed))
