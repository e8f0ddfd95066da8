"""The simulator: run a workflow on an event and see what it would do, without doing it.

    trace = simulate(workflow, event, SyntheticShop(seed=7))
    [effect.values for effect in trace.effects if effect.leaves]

Nothing outside is touched: no network, no files, no clock, no chance; code runs in a child process that has
none of them either. The same workflow, event, shop and limits give the same trace, save for a script that is
about as long as `Limits.seconds`, and every run ends.

What is simulated: the trigger, which brings the roots of the event; conditions; loops and their items;
waits, which move the clock of what comes after them; Liquid; code in a sandbox; Get data over a synthetic
shop; Count and Sum; what every other step is told to do, with its values as they would be at run time. Errors
are effects.

An event may also hold what the outside would say: a root that is named like a step's output is the answer of
a request or an app, and for Get data the records that are searched.

What is not:

* The world after an effect: an order that was tagged has no such tag in the next step, nor in Get data.
* What Shopify, an app or a web service answers, and whether it would refuse: permissions, plans, rate limits,
  ids that do not exist, values that a field of the API does not take. Answers are constants (`actions.py`).
* Retries, time-outs of requests, the 36 hours that a run may take, and the limits of a shop.
* Whether the event fits the trigger: its filter (a metaobject's type), a schedule's times.
* The order between parallel paths. The trace has one possible order, `Effect.after` has what is certain.
* The shop's time zone: dates are in UTC, and a date alone is its midnight.
* Shopify's own index of records, its ranking and its delay: Get data asks the fields that records have.
* Whether code returns what its `output_schema` promises.
* The types of metafield values: a path reads below `value` what the event has there.

What no public source says is decided in the module that it concerns, and marked as inferred.

| module | subject |
|---|---|
| `events`, `trace` | what a run is given, and what it leaves; limits |
| `run` | the graph: links, paths, turns of loops |
| `conditions`, `comparisons` | what conditions ask, and what operators say of two values, nil among them |
| `environment` | what lies at the end of a path |
| `fields`, `durations` | config values at run time |
| `actions` | what each step does and gives |
| `liquid`, `code`, `selection`, `fetch`, `search_syntax` | templates, code and its query, Get data |
| `reads` | what a workflow reads, so that shops and events can be made for it |
"""

from serving.simulator.events import Event, Json
from serving.simulator.run import Simulator, simulate
from serving.simulator.trace import LEAVING, Effect, Kind, Limits, SimulationError, Trace

__all__ = [
    "LEAVING",
    "Effect",
    "Event",
    "Json",
    "Kind",
    "Limits",
    "SimulationError",
    "Simulator",
    "Trace",
    "simulate",
]
