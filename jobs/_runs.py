"""Simulated runs of a workflow for a person: one event on which it acts, and one on which it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jobs._effects import event_lines, trace_lines
from jobs._made_events import acts, made_events
from schemas.workflow import Workflow
from serving.simulator import Event, Simulator, Trace
from serving.synthetic_shop import SyntheticShop

__all__ = ["run_lines", "runs"]


def run_lines(workflow: Workflow) -> Iterator[str]:
    """Both runs, or the one that was found, with the values that the workflow read."""
    for title, (event, trace) in _found(workflow):
        yield from ("", f"{title}, simulated (nothing is sent or changed):", "")
        yield from (f"  {line}" for line in event_lines(event))
        yield from ("", *(f"  {line}".rstrip() for line in trace_lines(workflow, trace, event)))


def runs(workflow: Workflow) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {
            "acts": acts(trace),
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
    idle: tuple[Event, Trace] | None = None
    for event in made_events(simulator):
        trace = simulator.run(event, SyntheticShop(0, now=event.time))
        if acts(trace):
            acting = acting or (event, trace)
        else:
            idle = idle or (event, trace)
        if acting and idle:
            break
    named = (("An event on which it acts", acting), ("An event on which it does nothing", idle))
    return [(title, run) for title, run in named if run is not None]
