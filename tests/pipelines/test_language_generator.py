"""The generator of the whole language, and the language held to it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from pipelines.generator.language import SPELLINGS, language_document, language_workflow
from schemas.workflow import Workflow, canonical, check, from_python, graph, read, to_python
from tests.language_laws import WANTED, broken_laws, covered, is_valid, over_processes, survivors
from tests.schemas.workflow.strategies import workflows

NUM_WORKFLOWS = 2000


def test_every_workflow_comes_back_exactly_and_in_meaning_in_every_spelling() -> None:
    found = over_processes(broken_laws, range(NUM_WORKFLOWS), num_processes=2)
    assert [law for chunk in found for law in chunk] == []


def test_an_unknown_field_is_refused_with_its_place_however_deep_it_lies() -> None:
    depths, wrong = survivors(range(1000))
    assert wrong == []
    assert depths.total() == 1000
    assert min(depths) == 0
    assert max(depths) > 15


def test_the_draw_holds_the_whole_language() -> None:
    found = covered(range(NUM_WORKFLOWS))
    assert {kind: WANTED[kind] - set(found[kind]) for kind in WANTED} == {kind: set() for kind in WANTED}


def test_workflows_come_in_canonical_order() -> None:
    for seed in range(400):
        workflow = language_workflow(seed, valid=is_valid(seed))
        edges = [(link.source, link.port, link.target) for link in workflow.links]
        arranged = graph.structure([step.kind for step in workflow.steps], edges)
        assert (arranged.order, arranged.links) == (list(range(len(workflow.steps))), edges)


def test_valid_workflows_have_no_problem_and_hostile_ones_have() -> None:
    def problems(seeds: range, *, valid: bool) -> Counter[str]:
        found = [problem for seed in seeds for problem in check(language_workflow(seed, valid=valid))]
        return Counter(problem.code for problem in found)

    assert problems(range(2000), valid=True) == Counter()
    assert problems(range(100), valid=False).keys() >= {"TASK_NOT_FOUND", "INVALID_LINK"}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_document_is_of_the_spelling_that_was_asked_for(spelling: str) -> None:
    texts = [language_document(seed, spelling) for seed in range(60)]  # type: ignore[arg-type]
    found = Counter(read(text).layout.spelling for text in texts)
    assert found[spelling] >= 54  # an export without its signature reads as a configuration
    if spelling == "cli":
        assert found == {"cli": 60}
    assert len(set(texts)) == 60


def test_a_seed_means_the_same_workflow_in_every_process() -> None:
    program = (
        "import hashlib; from pipelines.generator.language import language_document as draw\n"
        "texts = [draw(seed, 'flow', valid=seed % 2 == 0) for seed in range(40)]\n"
        "print(hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    shown = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("0", "1")
    }
    texts = [language_document(seed, "flow", valid=seed % 2 == 0) for seed in range(40)]
    assert shown == {hashlib.sha256("".join(texts).encode()).hexdigest()}


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(workflows(valid=False))
def test_what_hypothesis_draws_and_shrinks_comes_back(workflow: Workflow) -> None:
    assert canonical(from_python(to_python(workflow))) == canonical(workflow)
