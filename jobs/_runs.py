"""Simulated runs of a workflow for a person: one event on which it acts, one on which it does not.

A run in which a step fails is shown as that, and never as one that acts or as one that does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from jobs._effects import event_lines, trace_lines
from jobs._made_events import acts, made_events
from schemas.workflow import Workflow
from serving.simulator import Event, Simulator, Trace
from serving.synthetic_shop import SyntheticShop

__all__ = ["run_lines", "runs"]

_NEVER: Final = "No event was found on which it acts: its conditions may contradict each other."


def run_lines(workflow: Workflow) -> Iterator[str]:
    """The runs that were found, with the values that the workflow read; without one that acts, a warning."""
    found = _found(workflow)
    if not any(acts(trace) for _, (_, trace) in found):
        yield from ("", _NEVER)
    for title, (event, trace) in found:
        yield from ("", f"{title}, simulated (nothing is sent or changed):", "")
        yield from (f"  {line}" for line in event_lines(event))
        yield from ("", *(f"  {line}".rstrip() for line in trace_lines(workflow, trace, event)))


def runs(workflow: Workflow) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {
            "acts": acts(trace),
            "fails": bool(trace.errors),
            "event": json.loads(event.to_json()),
            "effects": [
                {"kind": effect.kind, "task_id": effect.task_id, "values": json.loads(effect.values)}
                for effect in trace.effects
                if effect.leaves
            ],
        }
        for _, (event, trace) in _found(workflow)
    ]


def _found(workflow: Workflow) -> list[tuple[str, tuple[Event, Trace]]]:
    simulator = Simulator(workflow)
    acting: tuple[Event, Trace] | None = None
    failing: tuple[Event, Trace] | None = None
    idle: tuple[Event, Trace] | None = None
    for event in made_events(simulator):
        trace = simulator.run(event, SyntheticShop(0, now=event.time))
        if trace.errors:
            failing = failing or (event, trace)
        elif acts(trace):
            acting = acting or (event, trace)
        else:
            idle = idle or (event, trace)
        if acting and idle:
            break
    named = (
        ("An event on which it acts", acting),
        ("An event on which a step fails", failing),
        ("An event on which it does nothing", idle),
    )
    return [(title, run) for title, run in named if run is not None]
