"""Long random runs: the laws on the whole language, on production records, on Hypothesis documents.

`SIDEWHEEL_FUZZ_RECORDS` scales all of them; the default takes about twenty minutes on two cores.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from schemas.workflow import canonical, from_python, inspect, read, to_python, write
from tests import language_laws
from tests.schemas.workflow.small import compact, refusal
from tests.schemas.workflow.strategies import documents

pytestmark = pytest.mark.fuzz

RECORDS = int(os.environ.get("SIDEWHEEL_FUZZ_RECORDS", "100000"))
SEED = 20261124
WEEK_END = 1_795_478_400
CHUNK = 20
"""Blocks that a process takes at a time."""

long = settings(
    max_examples=max(100, RECORDS // 50),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_every_workflow_of_the_language_comes_back_in_every_spelling() -> None:
    found = language_laws.over_processes(language_laws.broken_laws, range(RECORDS), num_processes=2)
    assert [law for chunk in found for law in chunk] == []


def test_an_unknown_field_at_any_depth_of_any_spelling_is_refused_with_its_path() -> None:
    found = language_laws.over_processes(language_laws.survivors, range(RECORDS // 5), num_processes=2)
    assert [each for _, wrong in found for each in wrong] == []
    depths = sum((part for part, _ in found), Counter[int]())
    assert depths.total() == RECORDS // 5
    assert len(depths) >= 8


def test_the_draw_holds_everything_many_times() -> None:
    seeds = range(max(RECORDS // 10, 2000))
    found = language_laws.over_processes(language_laws.covered, seeds, num_processes=2)
    for kind, wanted in language_laws.WANTED.items():
        total = sum((part[kind] for part in found), Counter[str]())
        assert {name: total[name] for name in wanted if total[name] < 5} == {}


def workflows_of(blocks: range, bad_share: float) -> Iterator[tuple[str, str]]:
    """(kind of damage, text of the workflow) for each record that is JSON and holds one."""
    from pipelines.generator import BLOCK_LINES, Plan, draw_block

    plan = Plan(seed=SEED, num=max(RECORDS, 1000) * 2, week_end=WEEK_END, bad_share=bad_share)
    assert BLOCK_LINES * blocks.stop <= plan.num
    for number in blocks:
        block = draw_block(plan, number)
        for line, kind in zip(block.lines, block.kinds, strict=True):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict) and isinstance(record.get("workflow"), str):
                yield kind, record["workflow"]


def broken_laws(blocks: range) -> tuple[int, list[str]]:
    """How many sound workflows these blocks hold, and which of them break a law."""
    found, broken = 0, []
    for kind, text in workflows_of(blocks, bad_share=0.02):
        inspection = inspect(text)  # never raises, whatever the damage
        if kind:
            continue
        found += 1
        again = inspect(inspection.python)
        sound = inspection.lossless and again.lossless and again.python == inspection.python
        if not sound or again.descriptor != inspection.descriptor:
            broken.append(text)
    return found, broken


def test_every_generated_record_comes_back_exactly_and_in_meaning() -> None:
    num_blocks = max(1, RECORDS // 200)
    chunks = [range(start, min(start + CHUNK, num_blocks)) for start in range(0, num_blocks, CHUNK)]
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(broken_laws, chunks))
    assert [text for _, broken in results for text in broken] == []
    assert sum(found for found, _ in results) > 0.95 * num_blocks * 200


def test_generated_workflows_mean_the_same_in_every_spelling() -> None:
    for kind, text in workflows_of(range(max(1, RECORDS // 5000)), bad_share=0):
        assert kind == ""
        found = read(text)
        for spelling in ("flow", "agent", "cli"):
            for layout in (found.layout, None):
                again = read(write(found.workflow, layout, spelling))
                assert canonical(again.workflow) == canonical(found.workflow), text


@long
@given(documents())
def test_many_hypothesis_documents_come_back(document: dict[str, Any]) -> None:
    for text in (f"{'0' * 64}:{compact(document)}", json.dumps(document, indent=1)):
        found = inspect(text)
        assert found.lossless, found.problems
        assert to_python(from_python(found.python)) == found.python


def objects_of(value: Any, pointer: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object of a document whose keys are fixed, with its JSON pointer."""
    if isinstance(value, dict):
        yield value, pointer
        for key, part in value.items():
            if key not in ("arguments", "__metadata"):
                yield from objects_of(part, f"{pointer}/{key}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from objects_of(part, f"{pointer}/{number}")


def test_an_unknown_key_planted_at_any_depth_is_refused_with_its_path() -> None:
    draw = random.Random(SEED)
    planted = 0
    for _, text in workflows_of(range(max(1, RECORDS // 5000)), bad_share=0):
        body = text[65:] if text[64:66] == ":{" else text
        document = json.loads(body)
        fields = [
            (entry, f"/root/steps/{at}/config_field_values/{place}/value")
            for at, step in enumerate(document["root"]["steps"])
            for place, entry in enumerate(step.get("config_field_values", []))
            if entry["config_field_id"] == "condition" and (entry["value"] or "").startswith("{")
        ]
        if fields and draw.random() < 0.5:
            entry, pointer = draw.choice(fields)
            tree = json.loads(entry["value"])
            place, where = draw.choice(list(objects_of(tree, pointer)))
            place["planted"] = 1
            entry["value"] = compact(tree)
        else:
            place, where = draw.choice(list(objects_of(document, "")))
            place["planted"] = 1
        problem = refusal(compact(document))
        assert (problem.code, problem.path) == ("WORKFLOW_FIELD_NOT_ALLOWED", f"{where}/planted")
        planted += 1
    assert planted >= 200


def test_no_cut_and_no_flipped_character_of_a_generated_workflow_makes_inspect_raise() -> None:
    draw = random.Random(SEED)
    for _, text in workflows_of(range(max(1, RECORDS // 20000)), bad_share=0):
        python = inspect(text).python
        for whole in (text, python):
            at = draw.randrange(len(whole))
            inspect(whole[:at])
            inspect(whole[:at] + draw.choice("\"'\\{}[](),:\0\ud800\ufeff \n#@=0x") + whole[at + 1 :])
            inspect(whole[:at] + whole[draw.randrange(len(whole)) :])
