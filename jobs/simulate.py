"""Run a workflow on an event and print what it would do; nothing is sent or changed."""

from __future__ import annotations

import json

from jobs._console import printable, show_path, write
from jobs._effects import event_lines, label, trace_lines
from jobs._event_fields import unknown_fields
from jobs._files import only_one_stdin, read_text, read_workflow
from jobs._made_events import acting_event, brought_roots, made_event
from schemas.errors import BadRecord, UsageError
from schemas.workflow import Workflow
from serving.simulator import Event, Simulator, Trace
from serving.synthetic_shop import SyntheticShop

__all__ = ["simulate"]


def simulate(file: str, *, event_file: str | None, seed: int | None, as_json: bool) -> int:
    """Print the trace of one run; 0 however it went, because an error of a step is part of the answer.

    Without an event or a seed the event is one on which the workflow does something, if there is one.
    Raises UsageError when a file cannot be read, is no workflow, or is no event.
    """
    only_one_stdin(file, event_file)
    workflow = read_workflow(file)
    simulator = Simulator(workflow)
    if event_file is not None:
        event = _event(event_file)
    else:
        event = acting_event(simulator) if seed is None else made_event(simulator, seed)
    warnings = [] if event_file is None else unknown_fields(simulator, event)
    trace = simulator.run(event, SyntheticShop(seed or 0, now=event.time))
    if as_json:
        write(
            json.dumps(_report(file, workflow, event, warnings, trace), ensure_ascii=False, indent=2) + "\n"
        )
        return 0
    lines = [f"{printable(workflow.name)}: {label(workflow, 0)}, {event.time:%Y-%m-%d %H:%M} UTC"]
    if event_file is None:
        lines.append("  an event that was made up; give your own by --event, or --seed for another")
    lines += [f"  {line}" for line in event_lines(event)]
    lines += [f"  {warning}" for warning in warnings]
    lines += [f"  no {name}, which the workflow reads" for name in _absent(simulator, event)]
    lines += ["", *trace_lines(workflow, trace, event)]
    write("".join(f"{line}\n" for line in lines))
    return 0


def _absent(simulator: Simulator, event: Event) -> list[str]:
    return [printable(name) for name in brought_roots(simulator) if event.roots.get(name) is None]


def _event(file: str) -> Event:
    try:
        return Event.from_json(read_text(file))
    except BadRecord as refused:
        raise UsageError(
            printable(f"{file} is no event: {refused.message}.")
            + " `sidewheel simulate FILE --json` makes one for its workflow and prints it as `event`."
        ) from refused


def _report(
    file: str, workflow: Workflow, event: Event, warnings: list[str], trace: Trace
) -> dict[str, object]:
    return {
        "file": show_path(file),
        "workflow": workflow.name,
        "event": json.loads(event.to_json()),
        "warnings": warnings,
        "effects": [
            {
                "kind": effect.kind,
                "leaves": effect.leaves,
                "step": effect.step,
                "label": label(workflow, effect.step),
                "task_id": effect.task_id,
                "values": json.loads(effect.values),
                "after": list(effect.after),
            }
            for effect in trace.effects
        ],
    }
