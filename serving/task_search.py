"""Search of tasks: what a merchant's words mean among the tasks of a catalogue, as short summaries.

Flow's agent takes installed tasks first, then by publisher, then the best match (Flow format section 13).
Sorting everything that shares a word in that order would bury what was meant, so a match is first what
scores at least `WORTHY` of the best; among those the order is Flow's. Not here yet: other languages than
English.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from schemas.catalog import tasks
from schemas.catalog.catalogue import PUBLISHERS, UNCONFIRMED, Catalogue, Task, UnidentifiedTask
from schemas.tools import canonical_json
from serving.merchant_words import telling, terms
from serving.shop import ShopBackend
from serving.word_index import WordIndex
from serving.words import words

__all__ = ["MATCHES", "SUMMARY_BYTES", "WORTHY", "search"]

MATCHES: Final = 10
"""The most summaries that one query gets."""
SUMMARY_BYTES: Final = 370
"""The longest summary as canonical JSON in UTF-8, so that 100 matches take 37,000 bytes at most."""
WORTHY: Final = 0.75
"""The least share of the best score that a match has."""
_CUT: Final = "…"
_UNUSABLE: Final = "No workflow can use it here: its id is not public."


def search(query: str, shop: ShopBackend, catalogue: Catalogue | None = None) -> list[dict[str, Any]]:
    """Summaries of the tasks that a query means: installed first, then by publisher, then best match.

    A task without a public id is found too: its summary has no id and says that nothing can use it.
    """
    told, index = _index(catalogue or tasks.SHIPPED)
    scores = index.scores(terms(query))
    least = max(scores.values(), default=0.0) * WORTHY
    worthy = [(score, told[number]) for number, score in scores.items() if score >= least]
    worthy.sort(
        key=lambda found: (
            not _is_installed(found[1], shop),
            PUBLISHERS.index(found[1].publisher),
            -found[0],
            len(found[1].label),
            found[1].id if isinstance(found[1], Task) else found[1].label,
        )
    )
    return [_summary(task, shop) for _, task in worthy[:MATCHES]]


@functools.lru_cache(maxsize=4)
def _index(catalogue: Catalogue) -> tuple[list[Task | UnidentifiedTask], WordIndex]:
    told: list[Task | UnidentifiedTask] = [*catalogue.tasks.values(), *catalogue.unidentified]
    return told, WordIndex([_told(task) for task in told])


def _told(task: Task | UnidentifiedTask) -> Mapping[str, float]:
    """Word -> how much it says about the task."""
    told = dict.fromkeys(telling(task.description), 0.2)
    if isinstance(task, Task):
        told |= dict.fromkeys(words(" ".join([*task.returns, *task.fields]).replace("_", " ")), 0.2)
        told |= dict.fromkeys(words(task.id.rpartition("::")[2].replace("_", " ")), 0.7)
    else:
        told |= dict.fromkeys(words(task.connector), 1.0)
    return told | dict.fromkeys(words(task.label), 1.0)


def _is_installed(task: Task | UnidentifiedTask, shop: ShopBackend) -> bool:
    return isinstance(task, Task) and task.known and shop.has_installed(task.id)


def _summary(task: Task | UnidentifiedTask, shop: ShopBackend) -> dict[str, Any]:
    if isinstance(task, Task):
        warned = [] if task.known else [UNCONFIRMED]
        named: tuple[str | None, str | None, str] = (task.id, task.default_version, task.connector)
    else:
        warned = [_UNUSABLE]
        named = (None, None, "")
    summary = {
        "id": named[0],
        "version": named[1],
        "label": task.label,
        "description": " ".join(filter(None, [*warned, task.description])),
        "task_type": task.kind,
        "connector_id": named[2],
        "installed": _is_installed(task, shop),
        "publisher": task.publisher,
    }
    return _bounded(summary)


def _bounded(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary with its description, and then its label, cut where a catalogue's own are too long."""
    for name in ("description", "label"):
        over = len(canonical_json(summary).encode()) - SUMMARY_BYTES
        if over > 0:
            kept = summary[name].encode()[: -over - len(_CUT.encode())]
            summary[name] = kept.decode(errors="ignore") + _CUT
    return summary
