"""Which step of an edited workflow is which step of the one before: ids, places and notes go with it.

A step is known by its task and its *marks*: a checksum of its version, and one of each value, so
that what remembers a step holds none of the merchant's text. The trigger is always the trigger. Then, from
certain to likely: the same values in the same place, the same values anywhere (a step may move), the same
tasks between steps that are known, the most similar values. Near-linear, but for small groups of
candidates that are compared each with each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import orjson

from schemas.workflow.condition_tree import paths
from schemas.workflow.model import Condition, ConditionValue, Logic, Quantifier, Step

MARK: Final = 8
"""Characters of one checksum."""
_MAX_PAIRS: Final = 50_000
_SIMILAR: Final = (0.5, 0.25)

Edge = tuple[int, str, int]


def mark(value: object) -> str:
    """A checksum of any part of a workflow."""
    return f"{crc32(orjson.dumps(value)):08x}"


def marks_of(step: Step) -> str:
    """The marks of a step: of what it is, then of each value, and of each comparison and path of a condition.

    Its name is none of them: it counts the steps of its task, so another step's edit can change it.
    """
    marks = [mark((step.kind, step.version))]
    for field, value in step.fields:
        marks.append(mark((field, value)))
        if isinstance(value, ConditionValue) and value.condition is not None:
            marks += [*leaf_marks(value.condition), *map(mark, paths(value.condition))]
    return "".join(marks)


def leaf_marks(condition: Condition) -> list[str]:
    """A mark for each comparison and each list operator, in reading order."""
    match condition:
        case Logic(terms=terms):
            return [found for term in terms for found in leaf_marks(term)]
        case Quantifier(operator=operator, source=source, body=body):
            return [mark((operator, source)), *leaf_marks(body)]
        case _:
            return [mark(condition)]


@dataclass(frozen=True, slots=True)
class Profile:
    """What there is to recognise a step by."""

    task: str
    marks: str = ""

    def values(self) -> Counter[str]:
        """Marks of the values alone, counted."""
        return Counter(self.marks[at : at + MARK] for at in range(MARK, len(self.marks), MARK))


def match(
    now: Sequence[Profile], now_edges: Sequence[Edge], then: Sequence[Profile], then_edges: Sequence[Edge]
) -> list[int | None]:
    """For each step of `now` its number in `then`, None where it is new. Step 0 is the trigger of both."""
    if now == then and (now_edges == then_edges or len(set(then)) == len(then)):
        return list(range(len(now)))
    return _Matcher(_Side(now, now_edges), _Side(then, then_edges)).run()


class _Side:
    """One of the two workflows."""

    def __init__(self, profiles: Sequence[Profile], edges: Sequence[Edge]) -> None:
        self.profiles = profiles
        self.ways_in: list[list[tuple[int, str]]] = [[] for _ in profiles]
        self.ways_out: list[list[tuple[str, int]]] = [[] for _ in profiles]
        for source, port, target in edges:
            if max(source, target) < len(profiles):
                self.ways_in[target].append((source, port))
                self.ways_out[source].append((port, target))

    def in_place(self, number: int) -> Hashable:
        """The step with the steps that lead to it."""
        above = sorted((self.profiles[step].marks, port) for step, port in self.ways_in[number])
        return self.profiles[number], tuple(above)

    def around(self, number: int) -> Hashable:
        """The step with the steps that lead to it and those that it leads to."""
        below = sorted((port, self.profiles[step].marks) for port, step in self.ways_out[number])
        return self.in_place(number), tuple(below)

    def between(self, number: int) -> Hashable:
        """The step with its neighbours in reading order."""
        last = number + 1 == len(self.profiles)
        return (
            self.profiles[number - 1],
            self.profiles[number],
            None if last else self.profiles[number + 1],
        )

    def alone(self, number: int) -> Hashable:
        return self.profiles[number]


class _Matcher:
    def __init__(self, now: _Side, then: _Side) -> None:
        self.now = now
        self.then = then
        self.found: list[int | None] = [None] * len(now.profiles)
        self.owner: list[int | None] = [None] * len(then.profiles)

    def run(self) -> list[int | None]:
        self.pair(0, 0)
        self.same(_Side.around, counted=True)
        self.same(_Side.in_place, counted=True)
        self.same(_Side.between, counted=True)
        self.grow()
        self.same(_Side.alone, counted=False)
        self.gaps()
        for least in _SIMILAR:  # who is known by then makes its neighbours known
            self.similar(least)
        return self.found

    def pair(self, mine: int, other: int) -> None:
        self.found[mine] = other
        self.owner[other] = mine

    def left(self) -> tuple[list[int], list[int]]:
        """Steps of either side that nobody knows yet."""
        return (
            [number for number, other in enumerate(self.found) if other is None],
            [number for number, mine in enumerate(self.owner) if mine is None],
        )

    def same(self, key: Callable[[_Side, int], Hashable], *, counted: bool) -> None:
        """Pair steps of one key in reading order; `counted`: only where both sides have as many."""
        mine, others = self.left()
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for other in others:
            groups[key(self.then, other)].append(other)
        wanted: dict[Hashable, list[int]] = defaultdict(list)
        for number in mine:
            wanted[key(self.now, number)].append(number)
        for name, numbers in wanted.items():
            known = groups.get(name, [])
            if known and (not counted or len(known) == len(numbers)):
                for number, other in zip(numbers, known, strict=False):
                    self.pair(number, other)

    def grow(self) -> None:
        """Beside a known step, an equal step is the same: downwards, then upwards from the end."""
        for number in range(1, len(self.found)):
            before = self.found[number - 1]
            if before is not None:
                self.equal(number, before + 1)
        after: int | None = len(self.owner)
        for number in range(len(self.found) - 1, 0, -1):
            if after is not None:
                self.equal(number, after - 1)
            after = self.found[number]

    def equal(self, mine: int, other: int) -> None:
        unknown = 0 < other < len(self.owner) and self.owner[other] is None and self.found[mine] is None
        if unknown and self.now.profiles[mine] == self.then.profiles[other]:
            self.pair(mine, other)

    def gaps(self) -> None:
        """Between two known steps, the same tasks in the same order are the same steps."""
        size = len(self.found)
        start = 0
        while start < size:
            end = start + 1
            while end < size and self.found[end] is None:
                end += 1
            before, after = self.found[start], self.found[end] if end < size else len(self.owner)
            if before is not None and after is not None and after - before == end - start:
                pairs = list(zip(range(start + 1, end), range(before + 1, after), strict=True))
                if all(self.owner[other] is None and self.one_task(mine, other) for mine, other in pairs):
                    for mine, other in pairs:
                        self.pair(mine, other)
            start = end

    def one_task(self, mine: int, other: int) -> bool:
        return self.now.profiles[mine].task == self.then.profiles[other].task

    def similar(self, least: float) -> None:
        """Pair what is left of each task, most alike first."""
        by_task: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for side, (profiles, numbers) in enumerate(
            zip((self.now.profiles, self.then.profiles), self.left(), strict=True)
        ):
            for number in numbers:
                by_task[profiles[number].task][side].append(number)
        scored: list[tuple[float, int, int]] = []
        for mine, others in by_task.values():
            if len(mine) * len(others) > _MAX_PAIRS:
                for number, other in zip(mine, others, strict=False):
                    self.pair(number, other)
                continue
            values = {other: self.then.profiles[other].values() for other in others}
            for number in mine:
                wanted = self.now.profiles[number].values()
                for other in others:
                    score = self.likeness(number, other, wanted, values[other])
                    if score >= least:
                        scored.append((-score, number, other))
        for _, number, other in sorted(scored):
            if self.found[number] is None and self.owner[other] is None:
                self.pair(number, other)

    def likeness(self, mine: int, other: int, wanted: Counter[str], known: Counter[str]) -> float:
        """The share of equal values, and 1 for each side on which the neighbour is the same."""
        most = max(wanted.total(), known.total())
        score = (wanted & known).total() / most if most else 0.0
        above = {(self.found[step], port) for step, port in self.now.ways_in[mine]}
        below = {(port, self.found[step]) for port, step in self.now.ways_out[mine]}
        score += bool(above & set(self.then.ways_in[other]))
        return score + bool(below & set(self.then.ways_out[other]))
