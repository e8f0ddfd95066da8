"""Stand-ins for what is on its way: code is an error, Get data takes the first records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from serving.simulator.events import Json
from serving.simulator.trace import Limits, SimulationError

__all__ = ["fetch", "run_code", "select"]


def select(query: str, environment: Mapping[str, Json]) -> Json:
    """Nothing yet."""
    raise SimulationError("NOT_SIMULATED", "code does not run yet")


def run_code(script: str, value: Json, *, limits: Limits) -> Json:
    """Nothing yet."""
    raise SimulationError("NOT_SIMULATED", "code does not run yet")


def fetch(kind: str, query: str, sort_by: Json, first: int, records: Sequence[Json]) -> list[Json]:
    """The first records, whatever the query."""
    return list(records)[:first]
