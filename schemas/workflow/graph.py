"""From a graph to the blocks that Python can say, and back to one canonical order.

A *port* leads to a sequence of statements. After an action the next statement hangs on its output, after a
loop on its `after` port. A condition has nothing after it, so the statement that follows an `if` hangs on
the same port as the `if`: that is how fan-out reads naturally. Three rare shapes have a spelling of their
own: `Branch` (a chain that is not the last of several on one port), `Jump` (a step with several ways in,
or in a cycle, becomes a named block) and unconnected blocks.

Canonical order of steps: the trigger, the body in reading order, named blocks as they are first met, then
the blocks that nothing leads to. The order of siblings on one port is the order of their links.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias

from schemas.errors import WorkflowRefused
from schemas.workflow.model import CONDITION, FOREACH, TRIGGER

MAX_LEVELS: Final = 90
"""Blocks inside blocks; Python 3.11 reads at most 99 levels of indentation."""


class TooDeep(WorkflowRefused):
    """Blocks nest deeper than Python reads; whoever knows where `number` stands adds the place."""

    def __init__(self, number: int) -> None:
        super().__init__("PYTHON_NESTING_LIMIT", f"conditions and loops nest deeper than {MAX_LEVELS}")
        self.number = number


@dataclass(slots=True)
class Do:
    """An action or a wait."""

    step: int


@dataclass(slots=True)
class If:
    """A condition with its two ports."""

    step: int
    then: Block
    orelse: Block


@dataclass(slots=True)
class For:
    """A loop and its body; what follows it in the block hangs on `after`."""

    step: int
    body: Block


@dataclass(slots=True)
class Branch:
    """One of several chains on a port, closed so that the next statement starts at the port again."""

    body: Block


@dataclass(slots=True)
class Jump:
    """Goes on in a named block; `step` is the block's first step."""

    step: int


Statement: TypeAlias = Do | If | For | Branch | Jump
Block: TypeAlias = list[Statement]


@dataclass(slots=True)
class Structure:
    """A graph as blocks. `order` lists the graph's step numbers in canonical order, `links` its edges."""

    body: Block
    shared: dict[int, Block] = field(default_factory=dict)
    unconnected: list[Block] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    links: list[tuple[int, str, int]] = field(default_factory=list)


Edges: TypeAlias = Sequence[tuple[int, str, int]]


def structure(kinds: Sequence[str], edges: Edges) -> Structure:
    """Arrange a graph; `kinds[i]` is the task type of step i, and exactly one of them is the trigger.

    The result is shared: nobody changes it.
    """
    return _structure(tuple(kinds), tuple(edges))


# A round trip asks four times about one graph: reader and writer of either text, and the descriptor.
@lru_cache(maxsize=16)
def _structure(kinds: tuple[str, ...], edges: tuple[tuple[int, str, int], ...]) -> Structure:
    return _Arranger(kinds, edges).arrange()


class _Arranger:
    def __init__(self, kinds: Sequence[str], edges: Edges) -> None:
        self.kinds = kinds
        self.targets: dict[tuple[int, str], list[int]] = defaultdict(list)
        ways_in = [0] * len(kinds)
        for source, port, target in edges:
            self.targets[source, port].append(target)
            ways_in[target] += 1
        self.ways_in = ways_in
        self.named = {step for step, count in enumerate(ways_in) if count > 1}
        self.waiting: deque[int] = deque()
        self.seen: set[int] = set()
        self.found = Structure([])
        self.level = 0

    def arrange(self) -> Structure:
        trigger = self.kinds.index(TRIGGER)
        self.visit(trigger)
        self.found.body = self.block(trigger, "output")
        self.drain()
        for step in range(len(self.kinds)):
            if step not in self.seen and self.ways_in[step] == 0:
                self.found.unconnected.append(self.chain(step))
                self.drain()
        for step in range(len(self.kinds)):
            if step not in self.seen:  # a cycle that nothing leads to: enter it at its first step
                self.named.add(step)
                self.found.unconnected.append([self.jump(step)])
                self.drain()
        return self.found

    def visit(self, step: int) -> None:
        self.seen.add(step)
        self.found.order.append(step)

    def drain(self) -> None:
        while self.waiting:
            step = self.waiting.popleft()
            block: Block = []
            self.found.shared[step] = block
            self.visit(step)
            block.extend(self.continued(step))

    def jump(self, step: int) -> Jump:
        if step not in self.seen and step not in self.waiting:
            self.waiting.append(step)
        return Jump(step)

    def chain(self, step: int) -> Block:
        """The statements that start with `step`."""
        if step in self.named:
            return [self.jump(step)]
        self.visit(step)
        return self.continued(step)

    def continued(self, step: int) -> Block:
        """`step` and what hangs on it; long chains are walked, not recursed."""
        block: Block = []
        at: int | None = step
        while at is not None:
            at = self.one(at, block)
        return block

    def one(self, step: int, block: Block) -> int | None:
        """Append `step`; answer the single step that the chain goes on with, if it does."""
        kind = self.kinds[step]
        if kind == CONDITION:
            then = self.block(step, "true")
            block.append(If(step, then, self.block(step, "false")))
            return None
        if kind == FOREACH:
            block.append(For(step, self.block(step, "loop_body")))
        else:
            block.append(Do(step))
        port = "after" if kind == FOREACH else "output"
        targets = self.targets.get((step, port), [])
        if len(targets) == 1 and targets[0] not in self.named:
            self.found.links.append((step, port, targets[0]))
            self.visit(targets[0])
            return targets[0]
        block.extend(self.block(step, port))
        return None

    def block(self, step: int, port: str) -> Block:
        """All chains on a port."""
        targets = self.targets.get((step, port), [])
        block: Block = []
        self.level += 1
        if self.level > MAX_LEVELS:
            raise TooDeep(step)
        for number, target in enumerate(targets):
            self.found.links.append((step, port, target))
            chain = self.chain(target)
            if number == len(targets) - 1 or isinstance(chain[0], If | Jump):
                block.extend(chain)
            else:
                block.append(Branch(chain))
        self.level -= 1
        return block


def links_of(structure: Structure, trigger: int) -> list[tuple[int, str, int]]:
    """The edges that the blocks stand for: the inverse of `structure`."""
    edges: list[tuple[int, str, int]] = []

    def walk(block: Block, port: tuple[int, str] | None) -> None:
        for statement in block:
            match statement:
                case Branch(body=body):
                    walk(body, port)
                    continue
                case Jump(step=step):
                    if port is not None:
                        edges.append((*port, step))
                    continue
            if port is not None:
                edges.append((*port, statement.step))
            match statement:
                case If(step=step, then=then, orelse=orelse):
                    walk(then, (step, "true"))
                    walk(orelse, (step, "false"))
                case For(step=step, body=body):
                    walk(body, (step, "loop_body"))
                    port = (step, "after")
                case Do(step=step):
                    port = (step, "output")

    walk(structure.body, (trigger, "output"))
    for block in structure.shared.values():
        walk(block, None)
    for block in structure.unconnected:
        walk(block, None)
    return edges
