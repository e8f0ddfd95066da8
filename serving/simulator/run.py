"""One run of a workflow: from the trigger along the links, each step once for each time that it is reached.

    simulate(workflow, event, SyntheticShop()).effects

* A port with several links starts as many paths; between them there is no order. Each path has its own
  environment and clock: it sees what the steps that led to it gave, and no more.
* Where paths meet, the step runs once for each that arrives, because Flow has no step that waits for several.
* A loop runs its turns one after another: a turn begins when every path of the turn before has ended, and
  what hangs on `after` begins when the last turn has ended. An error ends its path; the next turn and `after`
  go on all the same (inferred).
* Every step that is reached leaves one effect, an error where it cannot do what it says; a request that was
  answered with an error leaves two. A loop leaves one more at the beginning of each turn.
* A step that nothing leads to does not run. A link that comes back makes a cycle, which `Limits.steps` ends.

The order of the trace is that of one possible run: paths in the order of their links, each to its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.catalog.environment import NOTHING_LOCAL, Resolved
from schemas.errors import BadRecord
from schemas.tools import canonical_json
from schemas.workflow.environment import environment_of, loop_source
from schemas.workflow.model import (
    CONDITION,
    FOREACH,
    PORTS,
    SCHEDULE_TASK,
    TRIGGER,
    Condition,
    ConditionValue,
    Path,
    Workflow,
)
from schemas.workflow.scope import item_of, output_names
from serving.simulator.actions import Moment, perform
from serving.simulator.conditions import Test, prepared, seen
from serving.simulator.environment import items_at, label_of
from serving.simulator.events import Event, Json
from serving.simulator.fields import MISSING
from serving.simulator.reads import reads
from serving.simulator.trace import Effect, Kind, Limits, SimulationError, Trace
from serving.synthetic_shop import SyntheticShop, Tree

__all__ = ["Simulator", "simulate"]

_NO_LIST: Final = "CONFIG_FIELD_MAP_OVER_INVALID_TYPE"
_LIMITS: Final = Limits()
_TIMEOUT: Final = "CODE_TIME"
_MOST_TIMEOUTS: Final = 5
"""Scripts of one run that may take too long: a loop around one would last for minutes."""


class Simulator:
    """A workflow made ready to run many times.

    `read` is what it reads of each root (`reads(workflow)`, the default): the fields with which the synthetic
    shop makes its records.
    """

    def __init__(self, workflow: Workflow, read: Mapping[str, Tree] | None = None) -> None:
        self.workflow = workflow
        self.read = reads(workflow) if read is None else read
        self.outputs = output_names(workflow.steps)
        self.types = environment_of(workflow)
        self.targets: dict[tuple[int, str], list[int]] = defaultdict(list)
        for link in workflow.links:
            self.targets[link.source, link.port].append(link.target)
        self._tests: dict[int, Test] = {}

    def run(self, event: Event, shop: SyntheticShop, *, limits: Limits = _LIMITS) -> Trace:
        """Run it on an event. Never raises: what goes wrong is an effect of the trace."""
        if shop.local == NOTHING_LOCAL:
            shop = replace(shop, local=self.types.local)
        run = _Run(self, event, shop, limits)
        run.go()
        return Trace(tuple(run.effects))

    def condition(self, step: int) -> Condition | None:
        """What a condition step asks; None where it was never filled in."""
        values = (value for _, value in self.workflow.steps[step].fields)
        return next((value.condition for value in values if isinstance(value, ConditionValue)), None)

    def test(self, step: int) -> Test:
        """The condition of a step, ready to be asked."""
        if step not in self._tests:

            def type_of(place: Path, items: Mapping[str, str]) -> Resolved:
                return self.types.resolve(step, place.text, items)

            self._tests[step] = prepared(self.condition(step), type_of)
        return self._tests[step]

    def beginning(self, event: Event, shop: SyntheticShop) -> dict[str, Json]:
        """The environment that the trigger leaves: its roots and `shop`, and no answer of a later step."""
        names = {name for name in self.outputs if name}
        found = {name: value for name, value in event.roots.items() if name not in names}
        if self.workflow.trigger.task_id == SCHEDULE_TASK:
            moment = event.time.astimezone(UTC).replace(tzinfo=None)
            found.setdefault("scheduledAt", f"{moment.isoformat(timespec='seconds')}Z")
        if "shop" in self.read and "shop" not in found:
            found["shop"] = shop.root(self.read["shop"])
        return found


def simulate(
    workflow: Workflow,
    event: Event,
    shop: SyntheticShop,
    *,
    limits: Limits = _LIMITS,
    read: Mapping[str, Tree] | None = None,
) -> Trace:
    """The effects that a workflow would have on an event: deterministic and bounded. Never raises."""
    return Simulator(workflow, read).run(event, shop, limits=limits)


@dataclass(slots=True)
class _Path:
    """A place at which the run goes on."""

    step: int
    environment: Mapping[str, Json]
    now: datetime
    after: tuple[int, ...]
    loop: _Loop | None


@dataclass(slots=True)
class _Loop:
    """A loop that is being run, with its turn."""

    path: _Path
    """How the loop was reached; what hangs on `after` goes on from there."""
    item: str
    items: Sequence[Json]
    turn: int = 0
    num_open: int = 1
    """Paths of the turn that have not ended."""
    ends: set[int] = field(default_factory=set)
    """The last effects of those that have."""
    now: datetime = datetime.min


class _Stop(Exception):
    """The run did as much as it may."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.error = SimulationError(code, message)


class _Run:
    def __init__(self, simulator: Simulator, event: Event, shop: SyntheticShop, limits: Limits) -> None:
        self.simulator = simulator
        self.steps = simulator.workflow.steps
        self.event = event
        self.shop = shop
        self.limits = limits
        self.effects: list[Effect] = []
        self.waiting: list[_Path] = []
        self.num_characters = 0
        self.num_timeouts = 0
        self.code_seconds = 0.0

    def go(self) -> None:
        start = self.simulator.beginning(self.event, self.shop)
        path = _Path(0, start, self.event.time, (), None)
        try:
            self.lead_on(path, "output", ())
            while self.waiting:
                path = self.waiting.pop()
                self.step(path)
        except _Stop as stopped:
            task_id = self.steps[path.step].task_id
            values = canonical_json(_told(stopped.error))
            self.effects.append(Effect("error", path.step, task_id, values, path.after))

    # -- one step ---------------------------------------------------------------------------------------

    def step(self, path: _Path) -> None:
        if not 0 < path.step < len(self.steps) or self.steps[path.step].kind == TRIGGER:
            self.fail(path, SimulationError("INVALID_LINK", "a link leads to no step that can run"))
            return
        step = self.steps[path.step]
        try:
            if step.kind == CONDITION:
                self.branch(path)
            elif step.kind == FOREACH:
                self.loop(path)
            else:
                self.act(path)
        except SimulationError as error:
            self.fail(path, error)
            self.num_timeouts += error.code == _TIMEOUT
            if self.num_timeouts == _MOST_TIMEOUTS:
                raise _Stop(
                    error.code, f"{_MOST_TIMEOUTS} pieces of code took too long; the run ends here"
                ) from None

        if self.code_seconds > self.limits.code_seconds:
            raise _Stop(
                _TIMEOUT, f"the code of the run took {self.limits.code_seconds:g} seconds; it ends here"
            )

    def spend(self, seconds: float) -> None:
        self.code_seconds += seconds

    def branch(self, path: _Path) -> None:
        found = self.simulator.test(path.step)(path.environment)
        values = {"result": found, "seen": seen(self.simulator.condition(path.step), path.environment)}
        place = self.record(path.step, "branch", values, path.after)
        self.lead_on(path, "true" if found else "false", (place,))

    def loop(self, path: _Path) -> None:
        source = loop_source(self.steps[path.step])
        if source is None:
            raise SimulationError(MISSING, "the loop does not say which list it goes through")
        items = items_at(path.environment, source, _NO_LIST)
        if len(items) > self.limits.loop_items:
            words = f"{source.text} has {len(items)} items, a loop takes {self.limits.loop_items}"
            raise SimulationError("LOOP_LIMIT", words)
        place = self.record(path.step, "loop", {"list": source.text, "num_items": len(items)}, path.after)
        self.end(_Loop(path, item_of(source), items, now=path.now), (place,), path.now)

    def act(self, path: _Path) -> None:
        step = self.steps[path.step]
        output = self.simulator.outputs[path.step]
        moment = Moment(
            path.environment,
            path.now,
            self.event.roots,
            self.shop,
            self.simulator.read,
            self.limits,
            self.spend,
        )
        done = perform(step, output, moment)
        later = self.moved(path.now, done.lasts)
        place = self.record(path.step, done.kind, done.values, path.after)
        after = _Path(path.step, path.environment, later, (place,), path.loop)
        if done.failed is not None:
            self.fail(after, done.failed)
            return
        if output is not None:
            after.environment = {**path.environment, output: done.output}
        self.lead_on(after, PORTS.get(step.kind, ("output",))[0], (place,))

    def moved(self, now: datetime, lasts: timedelta) -> datetime:
        try:
            return now + lasts
        except OverflowError:
            raise SimulationError(
                "INVALID_DURATION", "the wait ends after the last day of the calendar"
            ) from None

    # -- the trace --------------------------------------------------------------------------------------

    def record(self, step: int, kind: Kind, values: Json, after: tuple[int, ...]) -> int:
        try:
            text = canonical_json(values)
        except BadRecord as error:
            raise SimulationError("NOT_JSON", error.message) from None
        self.num_characters += len(text)
        if len(self.effects) >= self.limits.steps:
            raise _Stop("STEP_LIMIT", f"the run took {self.limits.steps} steps and did not end")
        if self.num_characters > self.limits.trace:
            raise _Stop("TRACE_LIMIT", f"the effects say more than {self.limits.trace} characters")
        self.effects.append(Effect(kind, step, self.steps[step].task_id, text, after))
        return len(self.effects) - 1

    def fail(self, path: _Path, error: SimulationError) -> None:
        """End a path with an error."""
        step = path.step if 0 <= path.step < len(self.steps) else 0
        place = self.record(step, "error", _told(error), path.after)
        if path.loop is not None:
            self.end(path.loop, (place,), path.now)

    # -- from one step to the next ----------------------------------------------------------------------

    def lead_on(self, path: _Path, port: str, after: tuple[int, ...]) -> None:
        """Go on behind a port; where nothing hangs on it, the path has ended."""
        targets = self.simulator.targets.get((path.step, port), [])
        if targets:
            if path.loop is not None:
                path.loop.num_open += len(targets) - 1
            self.push(targets, path.environment, path.now, after, path.loop)
        elif path.loop is not None:
            self.end(path.loop, after, path.now)

    def end(self, loop: _Loop | None, after: tuple[int, ...], now: datetime) -> None:
        """A path of a loop's turn has ended; with the last one goes on what waited for it."""
        while loop is not None:
            loop.num_open -= 1
            loop.ends.update(after)
            loop.now = max(loop.now, now)
            if loop.num_open:
                return
            after, now = tuple(sorted(loop.ends)), loop.now
            path = loop.path
            body = self.simulator.targets.get((path.step, "loop_body"), [])
            if body and loop.turn < len(loop.items):
                self.begin_turn(loop, body, after)
                return
            behind = self.simulator.targets.get((path.step, "after"), [])
            if behind:
                if path.loop is not None:
                    path.loop.num_open += len(behind) - 1
                self.push(behind, path.environment, now, after, path.loop)
                return
            loop = path.loop

    def begin_turn(self, loop: _Loop, body: Sequence[int], after: tuple[int, ...]) -> None:
        item = loop.items[loop.turn]
        loop.turn += 1
        values = {"turn": loop.turn, "of": len(loop.items), "item": label_of(item)}
        place = self.record(loop.path.step, "loop", values, after)
        loop.num_open = len(body)
        loop.ends.clear()
        self.push(body, {**loop.path.environment, loop.item: item}, loop.now, (place,), loop)

    def push(
        self,
        targets: Sequence[int],
        environment: Mapping[str, Json],
        now: datetime,
        after: tuple[int, ...],
        loop: _Loop | None,
    ) -> None:
        if len(self.effects) + len(self.waiting) + len(targets) > self.limits.steps:
            # Every path that waits is one step at least: there is no room for them all.
            raise _Stop("STEP_LIMIT", f"the run took {self.limits.steps} steps and did not end")
        paths = [_Path(target, environment, now, after, loop) for target in targets]
        self.waiting.extend(reversed(paths))


def _told(error: SimulationError) -> dict[str, str]:
    """What an error says; a half character of a foreign text is spelled out."""
    return {"code": error.code, "message": error.message.encode("utf-8", "backslashreplace").decode()}
