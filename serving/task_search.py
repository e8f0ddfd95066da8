"""Search of tasks: what a merchant's words mean among the tasks of a catalogue, as short summaries.

Flow's agent takes installed tasks first, then by publisher, then the best match (Flow format section 13).
Sorting everything that shares a word in that order would bury what was meant. So the words choose first: at
most ten tasks, each with a score of at least `WORTHY` of the best. These are put into Flow's order, and where
they are fewer than three the next best come after them. Not here yet: other languages than English.
"""

from __future__ import annotations

import functools
import heapq
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.catalog import tasks
from schemas.catalog.catalogue import PUBLISHERS, UNCONFIRMED, Catalogue, Task, UnidentifiedTask
from schemas.tools import canonical_json
from serving.merchant_words import telling, terms
from serving.shop import ShopBackend
from serving.word_index import WordIndex
from serving.words import words

__all__ = ["MATCHES", "SUMMARY_BYTES", "WORTHY", "search", "told"]

MATCHES: Final = 10
"""The most summaries that one query gets."""
SUMMARY_BYTES: Final = 370
"""The longest summary as canonical JSON in UTF-8, so that 100 matches take 37,000 bytes at most."""
WORTHY: Final = 0.75
"""The least share of the best score that a match has."""
_NEAR: Final = 0.5
_FEWEST: Final = 3
"""Where fewer are worthy, so many are answered, as long as they have this share of the best score."""
_CUT: Final = "…"
_UNUSABLE: Final = "No workflow can use it here: its id is not public."


def search(
    query: str, shop: ShopBackend, catalogue: Catalogue | None = None, *, worthy_share: float = WORTHY
) -> list[dict[str, Any]]:
    """Summaries of the tasks that a query means: installed first, then by publisher, then best match.

    A task without a public id is found too: its summary has no id and says that nothing can use it.
    """
    known, labels, index = _index(catalogue or tasks.SHIPPED)
    is_label = tuple(words(query)) in labels  # the catalogue's own words mean what they say
    scores = index.scores(terms(query, with_phrases=not is_label))
    best = max(scores.values(), default=0.0)
    worthy = best * worthy_share
    least = min(worthy, best * _NEAR)
    near = ((score, known[number]) for number, score in scores.items() if score >= least)

    def by_words(found: tuple[float, Task | UnidentifiedTask]) -> tuple[Any, ...]:
        score, task = found
        name = task.id if isinstance(task, Task) else task.label
        return -score, not _is_installed(task, shop), len(task.label), name

    def by_flow(found: tuple[float, Task | UnidentifiedTask]) -> tuple[bool, bool, int]:
        score, task = found
        return score < worthy, not _is_installed(task, shop), PUBLISHERS.index(task.publisher)

    ranked = heapq.nsmallest(MATCHES, near, key=by_words)
    num_matches = max(_FEWEST, sum(score >= worthy for score, _ in ranked))
    # Sorting keeps the order by words where Flow's says nothing.
    return [_summary(task, shop) for _, task in sorted(ranked[:num_matches], key=by_flow)]


class _Index(NamedTuple):
    tasks: tuple[Task | UnidentifiedTask, ...]
    labels: frozenset[tuple[str, ...]]
    words: WordIndex


@functools.lru_cache(maxsize=4)
def _index(catalogue: Catalogue) -> _Index:
    known: tuple[Task | UnidentifiedTask, ...] = (*catalogue.tasks.values(), *catalogue.unidentified)
    labels = frozenset(tuple(words(task.label)) for task in known)
    return _Index(known, labels, WordIndex([told(task) for task in known]))


def told(task: Task | UnidentifiedTask) -> Mapping[str, float]:
    """Word -> how much it says about the task."""
    found = dict.fromkeys(telling(task.description), 0.2)
    if isinstance(task, Task):
        found |= dict.fromkeys(words(" ".join([*task.returns, *task.fields]).replace("_", " ")), 0.2)
        found |= dict.fromkeys(words(task.id.rpartition("::")[2].replace("_", " ")), 0.7)
    else:
        found |= dict.fromkeys(words(task.connector), 1.0)
    return found | dict.fromkeys(words(task.label), 1.0)


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
