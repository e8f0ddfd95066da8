"""Events for a workflow that nobody gave one: plausible ones, and ones that take its branches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from schemas.catalog.environment import Local
from serving.equivalence.events import events
from serving.equivalence.ground import Ground
from serving.simulator import Event, Simulator, Trace
from serving.synthetic_shop import NOW, SyntheticShop, made

__all__ = ["acting_event", "acts", "brought_roots", "made_event", "made_events"]

_ROOTS: Final = "(what the trigger brings)"
"""The name of a type that has a field for each root; no type of the API is called so."""
_MOST_MADE: Final = 20
_MOST_GENERATED: Final = 40


def made_event(simulator: Simulator, seed: int) -> Event:
    """An event that this workflow's trigger could bring, with all that the workflow reads of it."""
    types = simulator.types
    roots = {name: types.root(0, name) or "" for name in brought_roots(simulator)}
    local = Local({**types.local.fields, _ROOTS: roots}, types.local.enums)
    read = {name: simulator.read[name] for name in roots}
    return Event(made(_ROOTS, read, seed, local, at="event"), NOW)


def made_events(simulator: Simulator) -> Iterator[Event]:
    """Plausible events first, then those that take the workflow's branches: their texts are odd."""
    yield from (made_event(simulator, seed) for seed in range(_MOST_MADE))
    ground = Ground(simulator.workflow, simulator.workflow)
    for roots in events(ground, 0, _MOST_GENERATED):
        event = ground.event(roots)
        given = {name: value for name, value in event.roots.items() if (name, value) != ("shop", {})}
        yield replace(event, roots=given)


def acting_event(simulator: Simulator) -> Event:
    """The first of `made_events` on which the workflow does something; the first where there is none."""
    for event in made_events(simulator):
        if acts(simulator.run(event, SyntheticShop(0, now=event.time))):
            return event
    return made_event(simulator, 0)


def acts(trace: Trace) -> bool:
    """Whether something leaves the workflow, waits and errors aside."""
    return any(effect.leaves and effect.kind not in ("wait", "error") for effect in trace.effects)


def brought_roots(simulator: Simulator) -> list[str]:
    """The roots that the workflow reads and its trigger brings."""
    given = {"shop", "scheduledAt", *(name for name in simulator.outputs if name)}
    return [name for name in simulator.read if name not in given]
