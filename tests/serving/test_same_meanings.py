"""What is only written otherwise is no difference (metamorphic tests)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from schemas.workflow import Workflow
from serving.equivalence import equivalent
from tests.serving.changes import site
from tests.serving.planted import language_workflows, merchants_workflows, real_workflows
from tests.serving.same_meanings import REWRITES


def rewritten(workflows: Iterable[Workflow], most_events: int) -> tuple[Counter[str], list[str]]:
    """How many of each kind were rewritten, and what was taken for a difference."""
    num = Counter[str]()
    wrong = []
    for number, workflow in enumerate(workflows):
        found = site(workflow, number)
        for name, rewrite in REWRITES.items():
            other = rewrite(found)
            if other is None:
                continue
            num[name] += 1
            verdict = equivalent(workflow, other, most_events=most_events)
            if not verdict.equal:
                wrong.append(f"{name} of {number}: {verdict}")
    return num, wrong


def test_rewritten_workflows_do_the_same(shared_data: Path) -> None:
    workflows = itertools.chain(real_workflows(shared_data), merchants_workflows(8), language_workflows(8))
    num, wrong = rewritten(workflows, most_events=40)
    assert wrong == []
    assert num.total() >= 200
    assert len(num) >= len(REWRITES) - 2, set(REWRITES) - set(num)


@pytest.mark.fuzz
def test_many_rewritten_workflows_do_the_same(shared_data: Path) -> None:
    workflows = itertools.chain(
        real_workflows(shared_data), merchants_workflows(120), language_workflows(120)
    )
    num, wrong = rewritten(workflows, most_events=200)
    assert wrong == []
    assert num.keys() == REWRITES.keys()
