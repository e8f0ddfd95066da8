"""Planted changes of meaning are told apart from what they were planted in."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from schemas.workflow import Workflow, from_python
from serving.equivalence import equivalent
from tests.serving import meaning_changes_data, meaning_changes_steps
from tests.serving.changes import site
from tests.serving.meaning_changes import CHANGES
from tests.serving.planted import excused, language_workflows, merchants_workflows, real_workflows

WANTED = 0.99
MODULES = (meaning_changes_data, meaning_changes_steps)


def planted(workflows: Iterable[Workflow]) -> tuple[Counter[str], Counter[str], list[tuple[str, int]]]:
    """How many of each kind were planted and told apart, and which were missed and are not excused."""
    num, told = Counter[str](), Counter[str]()
    missed = []
    for number, workflow in enumerate(workflows):
        found = site(workflow, number)
        for name, change in CHANGES.items():
            other = change.plant(found)
            if other is None:
                continue
            equal = equivalent(workflow, other, small=False).equal
            if equal and excused(workflow, other):
                continue
            num[name] += 1
            told[name] += not equal
            if equal:
                missed.append((name, number))
    return num, told, missed


def table(num: Counter[str], told: Counter[str]) -> str:
    return "\n".join(f"{told[name]:6} of {num[name]:6}  {name}" for name in CHANGES)


def test_planted_changes_are_told_apart(shared_data: Path) -> None:
    workflows = itertools.chain(real_workflows(shared_data), merchants_workflows(14), language_workflows(14))
    num, told, missed = planted(workflows)
    assert len(num) > 40, set(CHANGES) - set(num)
    assert num.total() >= 500
    assert told.total() >= WANTED * num.total(), f"{table(num, told)}\n{missed}"


@pytest.mark.fuzz
def test_thousands_of_planted_changes_are_told_apart(shared_data: Path) -> None:
    workflows = itertools.chain(
        real_workflows(shared_data), merchants_workflows(200), language_workflows(200)
    )
    num, told, missed = planted(workflows)
    assert num.total() >= 4000
    assert told.total() >= WANTED * num.total(), f"{table(num, told)}\n{missed}"
    assert all(told[name] >= 0.9 * num[name] for name in num), f"{table(num, told)}\n{missed}"


def test_there_are_thirty_kinds_and_more() -> None:
    assert len(CHANGES) >= 30
    homes = {change.plant.__module__ for change in CHANGES.values()}
    assert {module.__name__ for module in MODULES} <= homes


def test_of_many_literals_none_is_excused() -> None:
    words = [f"word{number}" for number in range(100)]
    text = "@order_created\ndef w(order):\n    if {}:\n        capture_payment(order_id=order.id)\n"
    before = from_python(text.format(f"order.note in {words}"))
    for gone in (60, 99):
        fewer = [word for number, word in enumerate(words) if number != gone]
        assert not excused(before, from_python(text.format(f"order.note in {fewer}")))
