"""A week of simulated merchants at the real server: requests over HTTP, events by the real recorder.

    wanted = wishes("lake", week, plan)
    counts = simulate(wanted, checkpoint.name, lambda: LocalModel(checkpoint), folder, week, plan)

Each arm has a server of its own on loopback, and one simulated clock serves all, so the same merchants and
engines leave the same bytes. The folder appears under its name when it is finished and not before. Not here
yet: a gateway that picks the arm inside one server, and merchants who speak at the same time.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import http.client
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pipelines.adhoc import query
from pipelines.merchants import Got, Merchant, Plan, Turn, can_be_on, in_trial, is_right, merchants_of
from schemas.errors import Transient, UsageError
from schemas.tools import canonical_json
from schemas.weeks import Week
from schemas.workflow import to_python
from serving.agent import Budget
from serving.app import create_app
from serving.contract_files import CONTRACT_SUFFIX
from serving.generation import Engine
from serving.loopback import on_loopback
from serving.oracle import ScriptedOracle
from serving.recorder import CHALLENGER, CHAMPION, Recorder
from serving.scripted_engine import ScriptedEngine
from serving.shop import Saved

__all__ = ["MAX_PYTHON", "simulate", "wishes"]

MAX_PYTHON: Final = 4000
"""Nobody types a longer workflow."""
_LOOKED_AT: Final = 16
"""Workflows looked at for each that is wished for."""

_MANIFEST: Final = "_simulation.json"
_COUNTED: Final = (
    *("merchants", "events", CHAMPION, CHALLENGER, "proposed", "as_wanted"),
    *("activated", "deactivated", "edited", "rated", "damaged"),
)
_ARRIVALS: Final = timedelta(days=5)
"""The last ones arrive early enough to have done everything before the week ends."""
_GENEROUS: Final = Budget(seconds=3600.0)

_Visit = tuple[datetime, int, Iterator[timedelta]]
"""When it goes on, whose it is, and the rest of it."""


def wishes(lake: str, week: Week, plan: Plan) -> list[str]:
    """Workflows (Python) that the week's training does not hold and a shop can turn on; drawn by the seed.

    Raises:
        UsageError: where there is no lake, no curated week, or no such workflow.
    """
    sql = f"""
        SELECT fate, python FROM gold.fates JOIN silver.workflows USING (record_id)
        WHERE week = '{week}' AND kind = 'workflow' AND problem_code IS NULL
            AND length(python) <= {MAX_PYTHON}
        ORDER BY fate = 'training', md5('{plan.seed}/' || record_id), record_id
        LIMIT {_LOOKED_AT * plan.num}"""  # noqa: S608
    rows = query(lake, sql).to_pylist()
    if not rows:
        raise UsageError(f"Week {week} has no fates yet; run curate_workflows --week {week} first.")
    found = (row["python"] for row in rows if row["fate"] != "training" and can_be_on(row["python"]))
    if not (wanted := list(itertools.islice(found, plan.num))):
        raise UsageError(f"Week {week} of {lake} trains on every workflow: nothing is left to wish for.")
    return wanted


def simulate(
    wanted: Sequence[str],
    challenger: str,
    load: Callable[[], Engine],
    folder: Path,
    week: Week,
    plan: Plan,
    *,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, int]:
    """Let the merchants of a week ask and act, and leave their events in `folder`; what was counted.

    `load` gives the model of the name `challenger`. A folder that is finished is left alone: its counts come
    back, and no model is loaded.

    Raises:
        UsageError: where `folder` holds something else.
        Transient: where the disk does not take the events.
    """
    arguments = {
        **{field.name: getattr(plan, field.name) for field in fields(Plan)},
        "week": str(week),
        "challenger": challenger,
        "wishes": hashlib.sha256("\n".join(wanted).encode()).hexdigest(),
    }
    if (counted := _finished(folder, arguments)) is not None:
        return counted
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    counts = Counter(merchants=plan.num, damaged=plan.num_damaged)
    script, clock, ids = ScriptedEngine(), _Clock(week.start), _ids(arguments)
    budgets = {CHAMPION: _GENEROUS, CHALLENGER: replace(_GENEROUS, tokens=plan.tokens)}
    with contextlib.ExitStack() as stack:
        desks = {}
        for arm, engine in ((CHAMPION, script), (CHALLENGER, load())):
            recorder = Recorder(
                unfinished / f".{arm}", model=engine.name, arm=arm, clock=clock, new_id=lambda: next(ids)
            )
            stack.callback(recorder.close)
            # No second of this machine decides anything: for the agent no time passes.
            app = create_app(
                engine, recorder, budget=budgets[arm], num_remembered=plan.num, clock=lambda: 0.0
            )
            desks[arm] = _Desk(*stack.enter_context(on_loopback(app)))
        visits: list[_Visit] = []
        for number, merchant in enumerate(merchants_of(wanted, plan, week)):
            arm = CHALLENGER if in_trial(merchant.shop_id, plan.trained_share) else CHAMPION
            counts[arm] += 1
            visit = _visit(merchant, desks[arm], script, counts)
            visits.append((week.start + _ARRIVALS * number / plan.num, number, visit))
        _take_turns(visits, clock, advance)
    counts["events"] = _gather(unfinished, plan.num_damaged)
    told = {key: counts[key] for key in _COUNTED}
    manifest = {"simulated": True, "arguments": arguments, "counts": told}
    (unfinished / _MANIFEST).write_text(canonical_json(manifest), encoding="utf-8")
    unfinished.rename(folder)
    return told


def _finished(folder: Path, arguments: Mapping[str, Any]) -> dict[str, int] | None:
    """The counts of a simulation that is there, None where there is none.

    Raises:
        UsageError: where the folder holds something else, or what other arguments made.
    """
    if not folder.exists():
        return None
    try:
        made = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        counts = {key: int(made["counts"][key]) for key in _COUNTED}
        differing = [key for key, value in arguments.items() if made["arguments"].get(key) != value]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{folder} is no finished simulation: give another --record.") from None
    if differing:
        raise UsageError(f"{folder} was simulated with another {differing[0]}: give another --record.")
    return counts


def _take_turns(visits: list[_Visit], clock: _Clock, advance: Callable[[], None]) -> None:
    """Let each visit go on when its moment has come, the earliest first, until all are over."""
    heapq.heapify(visits)
    while visits:
        moment, number, visit = heapq.heappop(visits)
        clock.move(moment)
        if (pause := next(visit, None)) is None:
            advance()
        else:
            heapq.heappush(visits, (moment + pause, number, visit))


def _visit(
    merchant: Merchant, desk: _Desk, script: ScriptedEngine, counts: Counter[str]
) -> Iterator[timedelta]:
    """One merchant from the first request to the last act; each pause lets others have their turn."""
    said: list[str] = []
    got = Got()
    conversation_id: str | None = None
    for turn in merchant.turns:
        if said:
            yield timedelta(minutes=merchant.pause)
        said.append(turn.request)
        script.expect(said, _oracle(turn, got.proposed))
        asked = {"request": turn.request, "shop_id": merchant.shop_id, "conversation_id": conversation_id}
        answer = desk.post("/agent", asked)
        conversation_id = answer["conversation_id"]
        got = Got(answer["answer"] or "", _saved(answer) or got.proposed)
        if got.proposed is None or answer["reason"] != "answered":
            break  # there is nothing to go on with
    if got.proposed is not None:
        counts["proposed"] += 1
        counts["as_wanted"] += is_right(turn, got)
    for act in merchant.acts(turn, got):
        yield timedelta(minutes=act.minutes)
        desk.post(f"/conversations/{conversation_id}/events", {"kind": act.kind, **act.payload})
        counts["rated" if act.kind == "feedback" else act.kind] += 1


def _oracle(turn: Turn, before: Saved | None) -> ScriptedOracle:
    if turn.wanted is None:
        return ScriptedOracle(None, answer=turn.answer)
    python = to_python(turn.wanted)
    if before is None:
        return ScriptedOracle(python)
    return ScriptedOracle(python, workflow_id=before.workflow_id, workflow_version=before.workflow_version)


def _saved(answer: Mapping[str, Any]) -> Saved | None:
    if answer["workflow_id"] is None:
        return None
    return Saved(answer["workflow_id"], answer["workflow_version"], answer["workflow_python"])


@dataclass(frozen=True)
class _Desk:
    """Where one arm is served."""

    host: str
    port: int

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_GENEROUS.seconds)
        try:
            content = canonical_json(dict(body)).encode()
            connection.request("POST", path, content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status == http.client.SERVICE_UNAVAILABLE:
            raise Transient(answer["error"]["message"])
        if response.status != http.client.OK:
            raise RuntimeError(f"{path} answered {response.status}: {answer['error']['message']}")
        return answer


class _Clock:
    """A clock that only goes on: a second for each look at it, and to where the driver moves it."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def move(self, moment: datetime) -> None:
        self._now = max(self._now, moment)


def _ids(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Conversation ids that say what they are; other arguments give other ids."""
    whole = canonical_json(dict(arguments))
    for number in itertools.count():
        yield f"simulated-{hashlib.sha256(f'{number}/{whole}'.encode()).hexdigest()[:24]}"


def _gather(folder: Path, num_damaged: int) -> int:
    """Give the recorders' files lasting names, plant the damaged lines; how many events there are."""
    lines: list[bytes] = []
    for arm in (CHAMPION, CHALLENGER):
        for path in sorted((folder / f".{arm}").iterdir()):
            if path.name.endswith(CONTRACT_SUFFIX):  # both arms were told of the same
                path.replace(folder / path.name)
                continue
            day = path.name[len("events-") :][:10]
            lines += path.read_bytes().splitlines(keepends=True)
            path.rename(folder / f"events-{day}-{arm}.jsonl")
        (folder / f".{arm}").rmdir()
    if num_damaged and lines:
        planted = itertools.islice(_damaged(lines), num_damaged)
        (folder / "damaged.jsonl").write_bytes(b"".join(planted))
    return len(lines)


def _damaged(lines: Sequence[bytes]) -> Iterator[bytes]:
    """By turns a cut line, a line that is there already, and one of a kind that nobody knows."""
    for number in itertools.count():
        line = lines[number * 7 % len(lines)]
        unknown = canonical_json({**json.loads(line), "kind": "teleported"}).encode() + b"\n"
        yield (line[: len(line) // 2] + b"\n", line, unknown)[number % 3]
