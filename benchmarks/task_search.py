"""How long a search of tasks takes, as a ratio to a plain scan of the catalogue, and what it finds.

    python benchmarks/task_search.py [--repetitions 5]

The queries are those of `tests/serving/task_queries*.tsv`. The peer looks at every task for every query and
works out the same scores from the same words; that they agree is checked first. Both run on the catalogue
that ships, and on one with ten tasks for each of its tasks, as many apps bring.

Prints processor milliseconds of one thread for one query: the median and the 95th percentile of the queries,
each the median of the repetitions, the ratio of their medians, and beside it the time of the whole tool,
summaries and JSON included.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import process_time

from _workflows import arguments

from schemas.catalog.catalogue import Catalogue, Task, UnidentifiedTask
from schemas.catalog.tasks import SHIPPED
from schemas.tools import SEARCH, canonical_json
from serving.merchant_words import terms
from serving.shop import InMemoryShop
from serving.task_search import told
from serving.tools import Answer, Tools
from serving.word_index import PRECISION, STRONGEST, Term, WordIndex

QUERIES = Path(__file__).resolve().parents[1] / "tests" / "serving"


def queries() -> list[tuple[str, str]]:
    """(query, id or label of what is meant)"""
    lines = [
        line.split("\t")
        for name in ("task_queries.tsv", "task_queries_unseen.tsv")
        for line in (QUERIES / name).read_text(encoding="utf-8").splitlines()
    ]
    return [(query, wanted) for query, wanted in lines]


class Scan:
    """The scores of `WordIndex` by looking at every text for every query; what words weigh is known."""

    def __init__(self, texts: Sequence[Mapping[str, float]], index: WordIndex) -> None:
        self.texts = texts
        self.index = index
        counts = Counter(word for text in texts for word in text)
        self.weights = {word: self.weight(num) for word, num in counts.items()}
        self.called = [
            sum(self.weights[word] for word, strength in text.items() if strength == STRONGEST) or 1.0
            for text in texts
        ]

    def weight(self, num: int) -> float:
        return math.log(1 + len(self.texts) / num)

    def scores(self, query: str) -> dict[int, float]:
        """Misspelt words are taken from the index: they are few, and no part of what is compared."""
        asked = []
        for term in terms(query):
            known: Term = {word: strength for word, strength in term.items() if word in self.weights}
            known = known or self.index.misspelt(term)
            if known:
                num = sum(not known.keys().isdisjoint(text) for text in self.texts)
                asked.append((known, self.weight(num)))
        total = sum(weight for _, weight in asked)
        found = {}
        for number, text in enumerate(self.texts):
            covered, explained = 0.0, set()
            for term, weight in asked:
                best = 0.0
                for word, strength in term.items():
                    if word in text:
                        best = max(best, strength * text[word])
                        if text[word] == STRONGEST:
                            explained.add(word)
                covered += weight * best
            if covered:
                precision = sum(self.weights[word] for word in explained) / self.called[number]
                found[number] = covered / total * (1 - PRECISION + PRECISION * precision)
        return found


def larger(times: int) -> Catalogue:
    """The catalogue that ships, and for every task others of almost its name."""
    tasks = dict(SHIPPED.tasks)
    for copy in range(1, times):
        tasks |= {
            f"{task.id}_{copy}": replace(task, id=f"{task.id}_{copy}", label=f"{task.label} {copy}x")
            for task in SHIPPED.tasks.values()
        }
    return Catalogue(tasks, SHIPPED.unidentified)


def milliseconds(work: Callable[[str], object], asked: Sequence[str], repetitions: int) -> list[float]:
    """For each query the median of the repetitions."""
    taken: list[list[float]] = [[] for _ in asked]
    for _ in range(repetitions):
        for number, query in enumerate(asked):
            started = process_time()
            work(query)
            taken[number].append((process_time() - started) * 1000)
    return [median(each) for each in taken]


def indexed(index: WordIndex, query: str) -> dict[int, float]:
    return index.scores(terms(query))


def called(tools: Tools, query: str) -> Answer:
    return tools.call(SEARCH, canonical_json({"search_queries": [query]}))


def main() -> None:
    given = arguments("Search of tasks: milliseconds of a query, as a ratio to a plain scan.")
    asked = [query for query, _ in queries()]
    for name, catalogue in (("ships", SHIPPED), ("ten times", larger(10))):
        known: list[Task | UnidentifiedTask] = [*catalogue.tasks.values(), *catalogue.unidentified]
        texts = [told(task) for task in known]
        index = WordIndex(texts)
        scan = Scan(texts, index)
        for query in asked:
            ours, theirs = index.scores(terms(query)), scan.scores(query)
            assert ours.keys() == theirs.keys(), query
            assert all(math.isclose(ours[number], theirs[number]) for number in ours), query
        tools = Tools(InMemoryShop(), catalogue=catalogue)
        ways: dict[str, Callable[[str], object]] = {
            "index": partial(indexed, index),
            "plain scan": scan.scores,
            "whole tool": partial(called, tools),
        }
        found = {way: milliseconds(work, asked, given.repetitions) for way, work in ways.items()}
        print(f"{name}: {len(texts):,} tasks, {len(asked)} queries")
        for way, taken in found.items():
            ratio = median(taken) / median(found["index"])
            p95 = quantiles(taken, n=20)[-1]
            print(
                f"  {way:12} p50 {median(taken):8.3f} ms   p95 {p95:8.3f} ms   {ratio:8.1f} times the index"
            )


if __name__ == "__main__":
    main()
