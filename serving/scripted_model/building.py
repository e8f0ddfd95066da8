"""From a wish to a saved workflow: search, read the configurations, find the paths, write, mend, tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.tools import CONFIGURE, PATHS, SAVE, SEARCH
from serving.scripted_model.calls import Answered, Dialogue, Script, calls
from serving.scripted_model.comparisons import Test
from serving.scripted_model.reading import Act, Wish
from serving.scripted_model.vocabulary import SUBJECTS
from serving.scripted_model.writing import (
    FIRST_DAY,
    PLACEHOLDER,
    Unfillable,
    UsedTask,
    arguments_of,
    condition,
    whole,
)

__all__ = ["MAX_SAVES", "build"]

MAX_SAVES: Final = 3
"""How often it saves in one request: once, and then with what the errors taught it."""
MAX_SEARCHES: Final = 5
"""Paths that are asked for at once, as the contract allows."""

_QUERIES: Final[Mapping[str, str]] = {
    **{"mail": "send internal email", "http": "send http request", "hold": "hold fulfillment order"},
    **{"cancel": "cancel order", "archive": "archive order", "unarchive": "unarchive order"},
    **{"hide": "hide product", "publish": "publish product", "capture": "capture payment"},
    **{"mark_paid": "mark order as paid", "wait": "wait"},
}
_TIMETABLE: Final = "scheduled time"
_FETCH: Final = "get order data"


class _Stuck(Exception):
    """What the rules cannot go on with, as a sentence."""


def build(wish: Wish, title: str) -> Script:
    """Build what is wished, and say what it does and what comes next."""
    try:
        return (yield from _build(wish, title))
    except (_Stuck, Unfillable) as stuck:
        return f"I could not build this: {stuck}. Nothing was saved."


def _build(wish: Wish, title: str) -> Script:
    trigger_query = _TIMETABLE if wish.schedule else wish.event
    if not trigger_query:
        raise _Stuck("I do not know what it should start with")
    queries = [trigger_query, *([_FETCH] if wish.fetch else []), *map(_query, wish.acts)]
    (found,) = yield calls(SEARCH, {"search_queries": list(dict.fromkeys(queries))})
    kinds = {trigger_query: "TRIGGER", "wait": "WAIT"}
    chosen = {
        query: _candidates(found, query, kinds.get(query, "ACTION")) for query in dict.fromkeys(queries)
    }
    for query, candidates in chosen.items():
        if not candidates:
            raise _Stuck(f'no task of this shop fits "{query}"')
    named = [{"id": tasks[0]["id"], "version": tasks[0]["version"]} for tasks in chosen.values()]
    (told,) = yield calls(CONFIGURE, {"tasks": named})
    used = dict(zip(chosen, map(_used, _listed(told, "tasks"), (t[0] for t in chosen.values())), strict=True))
    trigger = used[trigger_query]
    roots = dict(trigger.roots) | ({"getOrderData": "[Order]"} if wish.fetch else {})
    paths = yield from _paths(wish.tests, roots)
    about = title if wish.schedule else trigger.label
    steps = []
    for act in wish.acts:
        task = used[_query(act)]
        steps.append((task, arguments_of(act, task, roots, about)))
    plan = _Plan(
        title=title,
        wish=wish,
        trigger=trigger,
        fetch=used[_FETCH].head if wish.fetch else None,
        conditions=[condition(test, path) for test, path in zip(wish.tests, paths, strict=True)],
        steps=steps,
    )
    saved, errors = yield from _save(plan)
    return _ending(saved, errors, plan, list(zip(wish.tests, paths, strict=True)))


def _query(act: Act) -> str:
    owner = {"draftOrder": "draft order"}.get(act.owner, act.owner) or "order"
    return {
        "tag": f"add {owner} tags",
        "untag": f"remove {owner} tags",
        "note": f"update {owner} note",
    }.get(act.kind) or _QUERIES[act.kind]


def _listed(answer: Answered, key: str) -> list[Any]:
    found = answer.data.get(key)
    if not answer.ok or not isinstance(found, list):
        raise _Stuck(f"a tool refused the call ({answer.refusal})")
    return found


def _candidates(answer: Answered, query: str, kind: str) -> list[dict[str, Any]]:
    """The usable tasks of that kind which share most of the query's words, best first."""
    if not answer.ok:
        raise _Stuck(f"the search was refused ({answer.refusal})")
    wanted = set(re.findall(r"\w+", query.lower()))
    fit: list[tuple[int, int, int, dict[str, Any]]] = []
    for task in answer.data.get("tasks", {}).get(query, []):
        said = set(re.findall(r"\w+", task["label"].lower()))
        shared = wanted & said
        if task["id"] and task["task_type"] == kind and 2 * len(shared) >= len(wanted):
            # The words of the label that the query does not say count against it.
            fit.append((-len(shared), len(said - wanted), len(fit), task))
    return [task for *_, task in sorted(fit, key=lambda found: found[:3])]


_DECORATOR: Final = re.compile(r"Python: (@\w+(?:\([^)]*\))?) above")
_CALL: Final = re.compile(r"Python: (\w+)\((\"[^\"]*\", \"[^\"]*\")?")


def _used(told: Mapping[str, Any], summary: Mapping[str, Any]) -> UsedTask:
    """A task from its configuration.

    Raises:
        _Stuck: for one that has none.
    """
    label, instructions = summary["label"], told["config_instructions"] or ""
    decorated, called = _DECORATOR.search(instructions), _CALL.search(instructions)
    if told["error"] or not (decorated or called):
        raise _Stuck(f"{label} cannot be read ({told['error'] or instructions})")
    if decorated:
        roots = {field["name"]: field["type"] for field in told["return_fields"] if "." not in field["name"]}
        return UsedTask(decorated[1], label, {}, roots)
    assert called is not None
    head = f"{called[1]}({called[2]}" if called[2] else called[1]
    fields = {field["id"]: field["description"].endswith("Required.") for field in told["config_fields"]}
    return UsedTask(head, label, fields)


def _paths(tests: Sequence[Test], roots: Mapping[str, str]) -> Dialogue[list[str]]:
    """The path of each test, as `environment_paths_search` has it."""
    wanted = []
    for test in tests:
        known = SUBJECTS.get(test.subject, {})
        # The last root is what the trigger is about: the refund, not the order that it belongs to.
        root = next((root for root in reversed(list(roots)) if root in known), None)
        if root is None:
            raise _Stuck(f"nothing that starts this workflow has a {test.subject.replace('_', ' ')}")
        wanted.append((root, *known[root]))
    searches = [{"root_type": root, "search_term": term} for root, term, _ in wanted if term][:MAX_SEARCHES]
    found: dict[tuple[str, str], list[str]] = {}
    if searches:
        (answer,) = yield calls(PATHS, {"searches": searches, "data_type_filter": "ALL"})
        for search in _listed(answer, "searches"):
            hits = [hit["path"] for hit in search["paths"]]
            found[search["root_type"], search["search_term"]] = hits
    chosen = []
    for root, term, path in wanted:
        hits = found.get((root, term), [])
        if term and not hits:
            raise _Stuck(f'no path below {root} fits "{term}"')
        chosen.append(path if not term or path in hits else hits[0])
    return chosen


@dataclass
class _Plan:
    """What is to be written; `steps` loses what the tool objects to."""

    title: str
    wish: Wish
    trigger: UsedTask
    fetch: str | None
    conditions: list[str]
    steps: list[tuple[UsedTask, dict[str, str]]]

    def python(self) -> str:
        fetch = (self.fetch, self.wish.fetch) if self.fetch else None
        return whole(self.title, self.trigger, self.wish.schedule, fetch, self.conditions, self.steps)

    def mend(self, errors: Sequence[Mapping[str, Any]]) -> bool:
        """Leave out the optional fields that were objected to; whether anything changed."""
        first = 2 + (self.fetch is not None) + bool(self.conditions)
        changed = False
        for error in errors:
            field, place = error.get("configFieldId"), error.get("stepId") or ""
            number = int(place) - first if str(place).isdigit() else -1
            if 0 <= number < len(self.steps):
                task, arguments = self.steps[number]
                if field in arguments and not task.fields[field]:
                    del arguments[field]
                    changed = True
        return changed


def _save(plan: _Plan) -> Dialogue[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Save, and save again without what was objected to; the answer and the errors that are left."""
    known: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    for _ in range(MAX_SAVES):
        (answer,) = yield calls(SAVE, {"workflow_python": plan.python(), **known})
        if not answer.ok:
            raise _Stuck(f"the workflow was refused ({answer.refusal})")
        buckets = answer.data["validation_errors"].values()
        errors = [error for bucket in buckets for error in bucket]
        known = {key: answer.data[key] for key in ("workflow_id", "workflow_version")}
        if not errors or not plan.mend(errors):
            break
    return known, errors


def _ending(
    saved: Mapping[str, Any],
    errors: Sequence[Mapping[str, Any]],
    plan: _Plan,
    paths: Sequence[tuple[Test, str]],
) -> str:
    """What was built, how the words were understood, and what comes next."""
    labels = list(dict.fromkeys(task.label for task, _ in plan.steps))
    said = [
        f'The workflow "{plan.title}" is saved and switched off.',
        f"It starts with {plan.trigger.label} and then uses {_joined(labels)}.",
    ]
    if paths:
        read = list(dict.fromkeys(f'"{test.subject.replace("_", " ")}" as {path}' for test, path in paths))
        said.append(f"I read {_joined(read)}.")
    steps = []
    if errors:
        listed = "; ".join(dict.fromkeys(f"step {error['stepId']}: {error['message']}" for error in errors))
        steps.append(f"mend what Flow objects to ({listed})")
    if any(PLACEHOLDER in arguments.get("address", "") for _, arguments in plan.steps):
        steps.append(f"put your address in the place of {PLACEHOLDER}")
    if plan.wish.schedule:
        steps.append(f"set the first day (it says {FIRST_DAY}) and the time zone (it says UTC)")
    steps += ["read it through", "try it on one case", "turn it on"]
    return " ".join([*said, f"Next steps: {', '.join(steps[:-1])}, then {steps[-1]}."])


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
