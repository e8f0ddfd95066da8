"""What a run did: effects in the order in which they happened, each with the step and what came before it.

An effect never leaves the simulator: a mail is written down, not sent. What of it counts when two workflows
are compared is `Effect.leaves`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["LEAVING", "Effect", "Kind", "Limits", "SimulationError", "Trace"]

Kind: TypeAlias = Literal[
    "action",  # an action of Shopify or an app: its task and its fields as they were rendered
    "mail",
    "http",
    "admin_api",
    "log",
    "wait",
    "fetch",  # Get data: what was asked, how many records came
    "code",  # Run code: what it was given and what it gave
    "value",  # Count and Sum
    "branch",  # a condition: true or false
    "loop",  # a loop: how many times; and the beginning of each of its turns
    "error",  # a step that failed; nothing after it on its path runs
]

LEAVING: Final = frozenset({"action", "mail", "http", "admin_api", "log", "wait", "error"})
"""Kinds that somebody outside the workflow would notice."""


class SimulationError(Exception):
    """A step cannot do what it says; it becomes an effect of kind `error`, and the run goes on elsewhere."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one run may do; what goes beyond is an error of its step, never a run without end."""

    steps: int = 10_000
    """Steps that run, each turn of a loop counted."""
    loop_items: int = 100
    """Items of one loop; public sources say 100 and 1,000 (Flow format section 14)."""
    seconds: float = 1.0
    """Of processor time for one piece of code."""
    code_seconds: float = 5.0
    """Of processor time for all code of one run; what goes beyond ends the run."""
    memory: int = 16 << 20
    """Bytes that one piece of code may hold."""
    liquid_iterations: int = 10_000
    """Turns of all loops of one Liquid text."""
    text: int = 1 << 20
    """Characters of one rendered text."""
    trace: int = 32 << 20
    """Characters of all that the effects of one run say; what goes beyond ends the run."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that a step did."""

    kind: Kind
    step: int
    """The step's number in the workflow."""
    task_id: str
    values: str
    """What it did it with, as canonical JSON: `{"address":"a@example.com","subject":"..."}`."""
    after: tuple[int, ...] = ()
    """The effects right before it on the same path, as places in the trace, in rising order; empty where it
    is the first. Several only where a turn of a loop ended in branches: what follows waits for them all."""

    @property
    def leaves(self) -> bool:
        return self.kind in LEAVING


@dataclass(frozen=True, slots=True)
class Trace:
    """All effects of one run; every loop item and both sides of a fan-out included."""

    effects: tuple[Effect, ...]

    @property
    def errors(self) -> tuple[Effect, ...]:
        return tuple(effect for effect in self.effects if effect.kind == "error")
