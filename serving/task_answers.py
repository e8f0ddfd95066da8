"""What the agent is told about tasks: short summaries when it searches, the whole configuration when it asks.

Ranking is lexical: rare words count more, words of the label most. Not here yet: synonyms and other
languages.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from schemas.catalog import tasks
from schemas.catalog.catalogue import PUBLISHERS, UNCONFIRMED, Catalogue, Task, UnidentifiedTask
from schemas.catalog.environment import fields_of
from schemas.catalog.fields import ConfigField
from schemas.workflow.model import CONDITION, FOREACH, TRIGGER
from schemas.workflow.names import function_of, snake
from serving.shop import ShopBackend

__all__ = ["MATCHES", "configuration", "search", "words"]

MATCHES: Final = 10
"""The most summaries that one query gets."""
_WORTHY: Final = 0.75
"""The least share of the best score: what shares one common word with a label is no summary worth reading."""
_WORD: Final = re.compile(r"[^\W_]+")
_GUESSED_FIELD: Final = "Unconfirmed, a guess from like tasks."
_UNUSABLE: Final = "No workflow can use it here: its id is not public."
_OWN_TYPES: Final = frozenset({"SendHttpResponse"})
"""Types that the Admin API does not have."""
_HOLDS: Final[Mapping[str, str]] = {
    "integer": "A whole number.",
    "float": "A number.",
    "boolean": "True or False.",
    "path": "A path of the environment.",
    "strings": "A list of texts.",
    "map": "A dictionary of texts.",
    "object": "A JSON object.",
    "api_call": "A mutation and its input.",
    "recurrence": "A timetable.",
    "condition": "A condition.",
}
"""What the Python of a field is, where it is no text and no path to an object."""


def search(query: str, shop: ShopBackend, catalogue: Catalogue | None = None) -> list[dict[str, Any]]:
    """Summaries of the tasks that a query means: installed first, then best match, then publisher.

    A task without a public id is found too: its summary has no id and says that nothing can use it.
    """
    index = _index(catalogue or tasks.SHIPPED)
    weights = index.weights
    asked = {word for word in words(query) if word in weights}
    asked = asked - _EMPTY or asked
    total = sum(weights[word] for word in asked)
    scored = [
        (sum(weights[word] * told.get(word, 0.0) for word in asked) / total, task)
        for task, told in (index.told if total else ())
    ]
    best = max((score for score, _ in scored), default=0.0)
    worthy = [(score, task) for score, task in scored if best and score >= best * _WORTHY]
    worthy.sort(
        key=lambda found: (
            not _is_installed(found[1], shop),
            -found[0],
            PUBLISHERS.index(found[1].publisher),
            len(found[1].label),
            found[1].id if isinstance(found[1], Task) else "",
        )
    )
    return [_summary(task, shop) for _, task in worthy[:MATCHES]]


def configuration(task_id: str, version: str, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """One task in full; one that the catalogue lacks, or lacks in this version, is an error inside it."""
    task = (catalogue or tasks.SHIPPED).get(task_id)
    if task is None:
        message = "no task has this id; use ids that task_search gave"
        return _configuration_error(task_id, version, "TASK_NOT_FOUND", message)
    if version not in task.usual_versions:
        message = f"this task has no such version; take {task.default_version}"
        return _configuration_error(task_id, version, "TASK_NOT_AVAILABLE", message)
    fields = task.fields_in(version)
    return {
        "id": task.id,
        "version": version,
        "task_type": task.kind,
        "input_port_id": task.input_port,
        "output_port_ids": list(task.output_ports),
        "config_fields": [_field(field) for field in fields],
        "return_fields": _returns(task),
        "config_instructions": _instructions(task, version, [field.id for field in fields]),
        "error": None,
    }


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


def _is_installed(task: Task | UnidentifiedTask, shop: ShopBackend) -> bool:
    return isinstance(task, Task) and task.known and shop.has_installed(task.id)


def _summary(task: Task | UnidentifiedTask, shop: ShopBackend) -> dict[str, Any]:
    if isinstance(task, Task):
        warned = [] if task.known else [UNCONFIRMED]
        named: tuple[str | None, str | None, str] = (task.id, task.default_version, task.connector)
    else:
        warned = [_UNUSABLE]
        named = (None, None, "")
    return {
        "id": named[0],
        "version": named[1],
        "label": task.label,
        "description": " ".join(filter(None, [*warned, task.description])),
        "task_type": task.kind,
        "connector_id": named[2],
        "installed": _is_installed(task, shop),
        "publisher": task.publisher,
    }


def _field(field: ConfigField) -> dict[str, Any]:
    is_reference = field.value_type == "reference"
    said = [
        "" if field.known else _GUESSED_FIELD,
        field.description,
        _HOLDS.get(field.value_type, ""),
        "Required." if field.required else "",
    ]
    return {
        "id": field.id,
        "label": field.label or field.id.replace("_", " ").capitalize(),
        "description": " ".join(filter(None, said)),
        "default_value": field.default,
        "validations": _validations(field),
        "possible_object_types": list(field.object_types),
        # In Python an object is a path; the braces around it are the spelling's, not the writer's.
        "supports_liquid": field.liquid and not is_reference,
    }


def _validations(field: ConfigField) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if field.allowed:
        said = "Take one of the options."
        found.append({"id": "Includes", "options": list(field.allowed), "error_message": said})
    ends = {"minimum": field.minimum, "maximum": field.maximum}
    options = {name: end for name, end in ends.items() if end is not None}
    if options:
        said = "Take a number in this range."
        found.append({"id": "Range", "options": options, "error_message": said})
    if field.pattern:
        said = "Take a text that matches."
        found.append({"id": "MatchesPattern", "options": {"pattern": field.pattern}, "error_message": said})
    return found


def _returns(task: Task) -> list[dict[str, str]]:
    """What the task gives; of a type that the Admin API does not have, its parts."""
    found = []
    for name, kind in task.returns.items():
        parts = fields_of(kind) if kind in _OWN_TYPES else {}
        found += [{"name": f"{name}.{part}", "type": held or "unknown"} for part, held in parts.items()]
        if not parts:
            found.append({"name": name, "type": kind or "unknown"})
    return found


def _instructions(task: Task, version: str, fields: list[str]) -> str:
    """How the task is written in Python."""
    function = function_of(task.id)
    named = [] if function else [f'"{task.id}"', f'"{version}"']
    if task.kind == TRIGGER:
        decorator = f"@{function}" if function else f"@task({', '.join(named)})"
        arguments = ", ".join(filter(None, map(snake, task.roots)))
        said = f"Python: {decorator} above def title({arguments})."
    elif task.kind in (CONDITION, FOREACH):
        said = "Python: if/elif/else." if task.kind == CONDITION else "Python: for item in a_list."
    else:
        older = [f'task_version="{version}"'] if function and version != task.default_version else []
        arguments = ", ".join([*named, *(f"{field}=..." for field in fields), *older])
        said = f"Python: {function or 'task'}({arguments})."
    return said if task.known else f"{UNCONFIRMED} {said}"


# -- words ----------------------------------------------------------------------------------------------


_EMPTY: Final = frozenset(
    [
        *("a", "an", "and", "as", "at", "be", "by", "can", "each", "for", "from", "in", "is", "it", "new"),
        *("no", "of", "on", "one", "or", "start", "such", "that", "the", "to", "was", "what", "when", "with"),
    ]
)
"""Words that say nothing about a task: they count in a query only where it has no others."""


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


class _Index:
    """What each word says about each task, and how much it says at all."""

    def __init__(self, catalogue: Catalogue) -> None:
        told: list[Task | UnidentifiedTask] = [*catalogue.tasks.values(), *catalogue.unidentified]
        self.told = [(task, _told(task)) for task in told]
        counts = Counter(word for _, said in self.told for word in said)
        # The fewer tasks have a word, the more it says.
        self.weights = {word: math.log(1 + len(self.told) / count) for word, count in counts.items()}


@functools.lru_cache(maxsize=4)
def _index(catalogue: Catalogue) -> _Index:
    return _Index(catalogue)


def _told(task: Task | UnidentifiedTask) -> Mapping[str, float]:
    """Word -> how much it says about the task."""
    told = dict.fromkeys((word for word in words(task.description) if word not in _EMPTY), 0.2)
    if isinstance(task, Task):
        told |= dict.fromkeys(words(" ".join([*task.returns, *task.fields]).replace("_", " ")), 0.2)
        told |= dict.fromkeys(words(task.id.rpartition("::")[2].replace("_", " ")), 0.7)
    else:
        told |= dict.fromkeys(words(task.connector), 1.0)
    return told | dict.fromkeys(words(task.label), 1.0)
