"""Short ways to run workflows of the language in tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from schemas.workflow import Workflow, from_python
from serving.simulator import Effect, Event, Limits, Trace, simulate
from serving.synthetic_shop import SyntheticShop

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
SHOP = SyntheticShop(seed=1)


def on_order(*lines: str) -> Workflow:
    """A workflow that starts with an order and has these lines of Python."""
    return from_python("@order_created\ndef w(order):\n" + "".join(f"    {line}\n" for line in lines))


def run(workflow: Workflow, *, limits: Limits | None = None, **roots: Any) -> Trace:
    """Run it on an event with these roots."""
    return simulate(workflow, Event(roots, NOW), SHOP, limits=limits or Limits())


def values(effect: Effect) -> Any:
    return json.loads(effect.values)


def only(trace: Trace) -> Any:
    """The values of the one effect of a trace, after its kind."""
    (effect,) = trace.effects
    return effect.kind, values(effect)


def kinds(trace: Trace) -> str:
    return " ".join(effect.kind for effect in trace.effects)


def code(trace: Trace) -> str:
    """The code of the one error of a trace."""
    (effect,) = trace.errors
    return str(values(effect)["code"])
