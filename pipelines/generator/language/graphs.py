"""The graph of a workflow, drawn in canonical order: each step gets its final number when it is made.

A port holds any number of chains. Behind a condition both ports may end in one shared block (a join), which
is built once the text before it is, as reading goes. Unconnected blocks come last.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from pipelines.generator.draw import Draw
from pipelines.generator.language.places import Scope
from schemas.workflow.model import ACTION, CONDITION, FOREACH, WAIT, Link, Step

__all__ = ["Shape", "Stepper", "draw_graph"]

Port: TypeAlias = tuple[int, str]


class Stepper(Protocol):
    """Draws steps; called in canonical order."""

    def trigger(self) -> tuple[Step, Scope]: ...

    def step(self, kind: str, scope: Scope) -> tuple[Step, Scope]: ...


@dataclass(frozen=True, slots=True)
class Shape:
    """How a graph may look."""

    most_steps: int
    cyclic: bool = False
    """Jumps may lead anywhere: back, into other loops, twice from one port."""
    deepest: int = 12
    """Conditions and loops inside each other."""


@dataclass(eq=False, slots=True)
class _Block:
    """A block with several ways in; its first step has no number before the block is built."""

    scope: Scope
    number: int = -1


@dataclass(slots=True)
class _Graph:
    draw: Draw
    stepper: Stepper
    shape: Shape
    steps: list[Step] = field(default_factory=list)
    links: list[tuple[int, str, int | _Block]] = field(default_factory=list)
    waiting: deque[_Block] = field(default_factory=deque)
    shared: list[_Block] = field(default_factory=list)

    def room(self) -> bool:
        return len(self.steps) + len(self.waiting) < self.shape.most_steps

    def jump(self, port: Port, block: _Block) -> None:
        if block not in self.shared:
            self.shared.append(block)
            self.waiting.append(block)
        self.links.append((*port, block))

    def drain(self) -> None:
        while self.waiting:
            block = self.waiting.popleft()
            block.number = len(self.steps)
            self.chain(None, block.scope, 1, None)

    def fill(self, port: Port, scope: Scope, depth: int, tail: _Block | None) -> None:
        """Chains on a port; the last of them leads on to `tail`."""
        num_chains = self.draw.weighted((0, 1, 2, 3), (0.08, 0.82, 0.96, 1.0))
        if not self.room() or depth > self.shape.deepest:
            num_chains = 0
        for number in range(num_chains):
            self.chain(port, scope, depth, tail if number == num_chains - 1 else None)
        if num_chains == 0:
            self.end(port, tail)

    def end(self, port: Port, tail: _Block | None) -> None:
        if tail is not None:
            self.jump(port, tail)
        elif self.shape.cyclic and self.shared and self.draw.chance(0.3):
            for _ in range(self.draw.between(1, 2)):
                self.jump(port, self.draw.pick(self.shared))

    def chain(self, port: Port | None, scope: Scope, depth: int, tail: _Block | None) -> None:
        """Steps one behind the other; the first hangs on `port`, or on nothing."""
        while True:
            kind = self.draw.weighted((ACTION, CONDITION, FOREACH, WAIT), (0.62, 0.85, 0.95, 1.0))
            number = len(self.steps)
            if port is not None:
                self.links.append((*port, number))
            step, behind = self.stepper.step(kind, scope)
            self.steps.append(step)
            if kind == CONDITION:
                self.branch(number, scope, depth, tail)
                return
            if kind == FOREACH:
                self.fill((number, "loop_body"), behind, depth + 1, None)
                port = (number, "after")
            else:
                scope, port = behind, (number, "output")
            if self.draw.chance(0.1):
                self.fill(port, scope, depth + 1, tail)
                return
            if not self.room() or self.draw.chance(0.25):
                self.end(port, tail)
                return

    def branch(self, number: int, scope: Scope, depth: int, tail: _Block | None) -> None:
        """Both ports of a condition, which may meet again."""
        if tail is None and self.room() and self.draw.chance(0.12):
            tail = _Block(scope)
        self.fill((number, "true"), scope, depth + 1, tail)
        if tail is not None or self.draw.chance(0.5):
            self.fill((number, "false"), scope, depth + 1, tail)

    def unconnected(self, scope: Scope) -> None:
        for _ in range(self.draw.weighted((0, 1, 2), (0.85, 0.96, 1.0))):
            self.chain(None, scope, 1, None)
            self.drain()
        if self.shape.cyclic and self.draw.chance(0.1):
            block = _Block(scope)  # a circle that nothing leads to
            self.shared.append(block)
            block.number = len(self.steps)
            step, _ = self.stepper.step(ACTION, scope)
            self.steps.append(step)
            self.links.append((block.number, "output", block))


def draw_graph(draw: Draw, stepper: Stepper, shape: Shape) -> tuple[tuple[Step, ...], tuple[Link, ...]]:
    """Steps and links of one workflow in canonical order."""
    graph = _Graph(draw, stepper, shape)
    trigger, scope = stepper.trigger()
    graph.steps.append(trigger)
    graph.fill((0, "output"), scope, 1, None)
    graph.drain()
    graph.unconnected(scope)
    links = [
        Link(source, port, target.number if isinstance(target, _Block) else target)
        for source, port, target in graph.links
    ]
    return tuple(graph.steps), tuple(links)
