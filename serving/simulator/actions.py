"""What each action and wait does in a run: its effect, what it gives to later steps, how long it lasts.

Nothing is done: a mail is the effect `mail`, a web request `http`, a mutation `admin_api`, a log line `log`,
and whatever else a task of Shopify or an app would do is `action` with its rendered fields.

What the outside would answer is a constant: status 200 without a body for a web request, no user errors for a
mutation, no rows for analytics, an empty object for an app's output. A root of the event that has the name of
the step's output (`sendHttpRequest`, `sendAdminApiRequest1`) is the answer instead. A status of 400 and more
fails the step where it says `retry` or `fail` for it: the second try would be answered alike. Where it says
`ignore` or nothing (older files have no such field), the run goes on.

Get data searches the synthetic shop's records, or those in the event under the name of the output
(`getOrderData`). Count and Sum read the environment; a sum is a whole number where it comes out as one. Code
runs in its sandbox, on what its query selects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from schemas.catalog import tasks
from schemas.catalog.catalogue import FETCH_PREFIX
from schemas.workflow.model import WAIT, ApiCall, PathValue, Step, Text
from serving.simulator.code import Spend, remembered_code
from serving.simulator.comparisons import as_number
from serving.simulator.durations import duration_of
from serving.simulator.environment import items_at, lookup
from serving.simulator.events import Json
from serving.simulator.fetch import MOST_RECORDS, asked, fetch, ignored
from serving.simulator.fields import MISSING, Rendering, rendered
from serving.simulator.selection import select
from serving.simulator.trace import Kind, Limits, SimulationError
from serving.synthetic_shop import SyntheticShop, Tree, merged

__all__ = ["Moment", "Outcome", "perform"]

_NO_LIST: Final = "CONFIG_FIELD_MAP_OVER_INVALID_TYPE"
_LEAVES: Final[Mapping[str, Kind]] = {
    "shopify::flow::send_email": "mail",
    "shopify::flow::log_output": "log",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """What one step finds when it runs."""

    environment: Mapping[str, Json]
    now: datetime
    given: Mapping[str, Json]
    """The event's roots, which may answer for the outside."""
    shop: SyntheticShop
    read: Mapping[str, Tree]
    """What the workflow reads of each root: the fields that records are made with."""
    limits: Limits
    spend: Spend
    """Told the processor time that code took."""

    @property
    def rendering(self) -> Rendering:
        return Rendering(self.environment, self.now, self.limits)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did."""

    kind: Kind
    values: Json
    output: Json = None
    """What later steps find under the name of its output."""
    lasts: timedelta = timedelta()
    failed: SimulationError | None = None
    """What went wrong after the effect had happened, such as a request that was answered with 500."""


def perform(step: Step, output: str | None, moment: Moment) -> Outcome:
    """Run one action or wait; `output` is the name of what it gives, None where it gives nothing.

    Raises:
        SimulationError: the step cannot do what it says.
    """
    if step.kind == WAIT:
        return _wait(step, moment)
    action = _ACTIONS.get(step.task_id)
    if action is not None:
        return action(step, output or "", moment)
    if step.task_id.startswith(FETCH_PREFIX):
        return _fetch(step, output or "", moment)
    values = rendered(step, moment.rendering)
    kind = _LEAVES.get(step.task_id, "action")
    return Outcome(kind, values, None if output is None else moment.given.get(output, {}))


def _wait(step: Step, moment: Moment) -> Outcome:
    values = rendered(step, moment.rendering)
    text = values.get("duration")
    if not isinstance(text, str) or not text.strip():
        raise SimulationError(MISSING, "the wait does not say how long; write a duration such as P3D")
    return Outcome("wait", values, lasts=duration_of(text))


def _http(step: Step, output: str, moment: Moment) -> Outcome:
    values = rendered(step, moment.rendering)
    answer = moment.given.get(output, {"statusCode": 200, "body": "", "headers": {}})
    status = answer.get("statusCode") if isinstance(answer, dict) else None
    failed = None
    if isinstance(status, int) and status >= 400:
        side = "client" if status < 500 else "server"
        if values.get(f"on_{side}_error") in ("retry", "fail"):
            failed = SimulationError(f"HTTP_{side.upper()}_ERROR", f"the answer is status {status}")
    return Outcome("http", values, answer, failed=failed)


def _admin_api(step: Step, output: str, moment: Moment) -> Outcome:
    values = rendered(step, moment.rendering)
    call = next((value for _, value in step.fields if isinstance(value, ApiCall)), None)
    if call is None:
        raise SimulationError("CONFIG_FIELD_MUTATION_NOT_SELECTED", "the request names no mutation")
    others = {field: value for field, value in values.items() if value is not values.get("api_call")}
    answer = {"userErrors": [], call.name: {"userErrors": []}}
    return Outcome("admin_api", values["api_call"] | others, moment.given.get(output, answer))


def _analytics(step: Step, output: str, moment: Moment) -> Outcome:
    values = rendered(step, moment.rendering)
    return Outcome("fetch", values, moment.given.get(output, {"rows": []}))


def _count(step: Step, output: str, moment: Moment) -> Outcome:
    number = len(items_at(moment.environment, _place(step).path, _NO_LIST))
    return Outcome("value", {"of": _place(step).path.text, "value": number}, number)


def _sum(step: Step, output: str, moment: Moment) -> Outcome:
    place = _place(step).path
    found = lookup(moment.environment, place)
    numbers = found if isinstance(found, list) else [] if found is None else [found]
    total = sum(map(as_number, numbers), Decimal())
    whole = total == total.to_integral_value()
    number = int(total) if whole else float(total)
    return Outcome("value", {"of": place.text, "value": number}, number)


def _place(step: Step) -> PathValue:
    found = next((value for _, value in step.fields if isinstance(value, PathValue)), None)
    if found is None:
        raise SimulationError(MISSING, "the step does not say which list it works on")
    return found


def _fetch(step: Step, output: str, moment: Moment) -> Outcome:
    task = tasks.TASKS.get(step.task_id)
    if task is None or task.output is None:
        raise SimulationError("TASK_NOT_FOUND", f"nothing public says what {step.task_id} gives")
    kind = step.task_id.removeprefix(FETCH_PREFIX)
    values = rendered(step, moment.rendering)
    query, sort_by, first = values.get("query") or "", values.get("sort_by"), values.get("max_root_records")
    first = first if isinstance(first, int) else MOST_RECORDS
    records = moment.given.get(output)
    if not isinstance(records, list):
        fields = merged(moment.read.get(output, {}), asked(kind, query, sort_by))
        records = moment.shop.records(task.returns[task.output].strip("[]"), fields)
    found = fetch(kind, query, sort_by, max(0, min(first, MOST_RECORDS)), records, now=moment.now)
    said = {"kind": kind, "query": query, "sort_by": sort_by, "first": first, "num_found": len(found)}
    lost = ignored(kind, query, now=moment.now)
    return Outcome("fetch", {**said, "ignored": list(lost)} if lost else said, found)


def _code(step: Step, output: str, moment: Moment) -> Outcome:
    texts = {field: value.text or "" for field, value in step.fields if isinstance(value, Text)}
    script = texts.get("script", "")
    if not script.strip():
        raise SimulationError(MISSING, "script is needed and there is nothing in it")
    given = select(texts.get("input", ""), moment.environment)
    found = remembered_code(script, given, limits=moment.limits, now=moment.now, spend=moment.spend)
    return Outcome("code", {"input": given, "output": found}, found)


_Action: TypeAlias = Callable[[Step, str, Moment], Outcome]
_ACTIONS: Final[Mapping[str, _Action]] = {
    "shopify::flow::send_http": _http,
    "shopify::admin::admin_api_operation": _admin_api,
    "shopify::flow::execute_shopifyql": _analytics,
    "shopify::flow::count": _count,
    "shopify::flow::sum": _sum,
    "shopify::flow::run_code": _code,
}
