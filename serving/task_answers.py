"""What the agent is told about tasks: short summaries when it searches, the whole configuration when it asks.

Ranking is lexical: rare words count more, words of the label most. Not here yet: synonyms and other
languages; descriptions, default values and validations in Shopify's own words, which no public catalogue has.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from schemas.catalog.environment import resolve, root_type
from schemas.catalog.tasks import TASKS, Task, default_version, is_app
from schemas.workflow.model import CONDITION, FOREACH, PORTS, TRIGGER
from schemas.workflow.names import camel, function_of, snake
from serving.shop import ShopBackend

__all__ = ["MATCHES", "configuration", "search", "version_known", "words"]

MATCHES: Final = 10
"""The most summaries that one query gets."""
_WORTHY: Final = 0.75
"""The least share of the best score: what shares one common word with a label is no summary worth reading."""
_WORD: Final = re.compile(r"[^\W_]+")
_GUESSED: Final = "Unconfirmed id, a guess from the naming pattern."
_PUBLISHERS: Final = ("shopify", "flow", "flow-connectors", "shopify-app", "non-shopify-app")
_HOLDS: Final[Mapping[str, str]] = {
    "text": "A text.",
    "integer": "A whole number.",
    "float": "A number.",
    "boolean": "True or False.",
    "reference": "One object of the environment, such as order.id.",
    "path": "A path of the environment.",
    "strings": "A list of texts.",
    "map": "A dictionary of texts.",
    "object": "A JSON object.",
    "api_call": "A mutation and its input.",
    "recurrence": "A timetable.",
    "condition": "A condition.",
}


def search(query: str, shop: ShopBackend) -> list[dict[str, Any]]:
    """Summaries of the tasks that a query means: installed first, then best match, then publisher."""
    weights = _weights()
    asked = {word for word in words(query) if word in weights}
    total = sum(weights[word] for word in asked)
    scores = {
        task_id: sum(weights[word] * told.get(word, 0.0) for word in asked) / total
        for task_id, told in (_index().items() if total else ())
    }
    best = max(scores.values(), default=0.0)
    worthy = [TASKS[task_id] for task_id, score in scores.items() if best and score >= best * _WORTHY]
    worthy.sort(
        key=lambda task: (
            not (task.known and shop.has_installed(task.id)),
            -scores[task.id],
            _PUBLISHERS.index(_publisher(task.id)),
            len(task.label),
            task.id,
        )
    )
    return [_summary(task, shop) for task in worthy[:MATCHES]]


def configuration(task_id: str, version: str) -> dict[str, Any]:
    """One task in full; one that the catalogue lacks, or lacks in this version, is an error inside it."""
    task = TASKS.get(task_id)
    if task is None:
        message = "no task has this id; use ids that task_search gave"
        return _configuration_error(task_id, version, "TASK_NOT_FOUND", message)
    if not version_known(task, version):
        message = f"this task has no such version; take {default_version(task.id)}"
        return _configuration_error(task_id, version, "TASK_NOT_AVAILABLE", message)
    return {
        "id": task.id,
        "version": version,
        "task_type": task.kind,
        "input_port_id": None if task.kind == TRIGGER else "input",
        "output_port_ids": list(PORTS[task.kind]),
        "config_fields": [_field(task, field_id, holds) for field_id, holds in task.fields.items()],
        "return_fields": _returns(task),
        "config_instructions": _instructions(task),
        "error": None,
    }


def version_known(task: Task, version: str) -> bool:
    """Whether a version was seen; where none was, whether it is the one that all new workflows carry."""
    return version in (task.versions or (default_version(task.id),))


def _configuration_error(task_id: str, version: str, code: str, message: str) -> dict[str, Any]:
    """The answer about a task that cannot be read: every key is there, and none says anything about it."""
    return {
        "id": task_id,
        "version": version,
        "task_type": None,
        "input_port_id": None,
        "output_port_ids": [],
        "config_fields": [],
        "return_fields": [],
        "config_instructions": None,
        "error": {"code": code, "message": message},
    }


def _summary(task: Task, shop: ShopBackend) -> dict[str, Any]:
    return {
        "id": task.id,
        "version": default_version(task.id),
        "label": task.label,
        "description": _description(task),
        "task_type": task.kind,
        "connector_id": _connector(task.id),
        "installed": task.known and shop.has_installed(task.id),
        "publisher": _publisher(task.id),
    }


def _description(task: Task) -> str:
    said = []
    if not task.known:
        said.append(_GUESSED)
    if task.roots:
        said.append(f"Provides {', '.join(task.roots)}.")
    if task.fields:
        said.append(f"Takes {', '.join(task.fields)}.")
    if task.output:
        said.append(f"Gives {task.output}.")
    return " ".join(said)


def _field(task: Task, field_id: str, holds: str) -> dict[str, Any]:
    kind = root_type(camel(field_id.removesuffix("_id"))) if holds == "reference" else None
    return {
        "id": field_id,
        "label": field_id.replace("_", " ").capitalize(),
        "description": _HOLDS[holds],
        "default_value": None,
        "validations": [],
        "possible_object_types": [kind] if kind else [],
        "supports_liquid": holds == "text",
    }


def _returns(task: Task) -> list[dict[str, str]]:
    names = [*task.roots, *([task.output] if task.output else [])]
    return [{"name": name, "type": resolve(name).type or "unknown"} for name in names]


def _instructions(task: Task) -> str:
    """How the task is written in Python."""
    function = function_of(task.id)
    named = [] if function else [f'"{task.id}"', f'"{default_version(task.id)}"']
    if task.kind == TRIGGER:
        decorator = f"@{function}" if function else f"@task({', '.join(named)})"
        arguments = ", ".join(filter(None, map(snake, task.roots)))
        said = f"Python: {decorator} above def title({arguments})."
    elif task.kind in (CONDITION, FOREACH):
        said = "Python: if/elif/else." if task.kind == CONDITION else "Python: for item in a_list."
    else:
        arguments = ", ".join([*named, *(f"{field_id}=..." for field_id in task.fields)])
        said = f"Python: {function or 'task'}({arguments})."
    return said if task.known else f"{_GUESSED} {said}"


def _connector(task_id: str) -> str:
    parts = task_id.split("::")
    return parts[1] if len(parts) > 2 else ""


def _publisher(task_id: str) -> str:
    if is_app(task_id):
        return "non-shopify-app"
    return {"admin": "shopify", "flow": "flow"}.get(_connector(task_id), "shopify-app")


# -- words ----------------------------------------------------------------------------------------------


def words(text: str) -> list[str]:
    """The words of a text as search compares them: `Tagged orders` gives `["tag", "order"]`."""
    return [_stem(word) for word in _WORD.findall(text.lower())]


def _stem(word: str) -> str:
    """`tags`, `tagged`, `tagging` to one word; crude, and the same on both sides."""
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


@functools.cache
def _index() -> Mapping[str, Mapping[str, float]]:
    """Task -> word -> how much that word says about it."""
    index = {}
    for task in TASKS.values():
        told = dict.fromkeys(words(" ".join([*task.roots, *task.fields]).replace("_", " ")), 0.2)
        told |= dict.fromkeys(words(task.id.rpartition("::")[2].replace("_", " ")), 0.7)
        told |= dict.fromkeys(words(task.label), 1.0)
        index[task.id] = told
    return index


@functools.cache
def _weights() -> Mapping[str, float]:
    """Word -> its weight: the fewer tasks have it, the more it says."""
    counts = Counter(word for told in _index().values() for word in told)
    return {word: math.log(1 + len(TASKS) / count) for word, count in counts.items()}
