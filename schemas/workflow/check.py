"""A workflow against Flow's own rules: problems with Shopify's codes, each with its place and what to do.

    for problem in check(workflow):
        print(problem.step, problem.field, problem.code, problem.message)

An *error* is what Flow does not let be turned on, as far as the catalogue and the Admin schema are sure. A
*warning* is what real workflows hold all the same, what the catalogue only guesses, and everything in a step
that the trigger does not lead to: it never runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from schemas.catalog.catalogue import Catalogue
from schemas.catalog.tasks import SHIPPED
from schemas.workflow.checks.api_calls import check_api_calls
from schemas.workflow.checks.conditions import check_conditions
from schemas.workflow.checks.fields import check_fields
from schemas.workflow.checks.findings import Finding
from schemas.workflow.checks.get_data import check_get_data
from schemas.workflow.checks.liquid import check_liquid
from schemas.workflow.checks.references import check_references
from schemas.workflow.checks.run_code import check_run_code
from schemas.workflow.checks.structure import check_structure
from schemas.workflow.checks.surroundings import Surroundings, surroundings_of
from schemas.workflow.checks.timetables import check_timetables
from schemas.workflow.layout import Layout
from schemas.workflow.model import Workflow
from schemas.workflow.problems import Problem

RULES: Final[tuple[Callable[[Surroundings], Iterator[Finding]], ...]] = (
    check_structure,
    check_fields,
    check_references,
    check_conditions,
    check_liquid,
    check_timetables,
    check_get_data,
    check_run_code,
    check_api_calls,
)
"""In the order in which a person would mend: the graph, its steps, their values."""

MAX_PROBLEMS: Final = 200
"""More than these nobody mends one by one; a hostile file could make a hundred thousand."""
_ON_THE_GRAPH: Final = frozenset({"INVALID_LINK", "MULTIPLE_TRIGGER_STEPS", "WORKFLOW_STRUCTURE_INVALID"})


def findings(workflow: Workflow, catalogue: Catalogue | None = None) -> Iterator[Finding]:
    """What every rule says, in the order of `RULES`; steps by canonical number."""
    if not workflow.steps:
        yield Finding("WORKFLOW_STRUCTURE_INVALID", -1, "", "there is no trigger; start with one")
        return
    around = surroundings_of(workflow, catalogue or SHIPPED)
    for rule in RULES:
        for found in rule(around):
            idle = found.step >= 0 and found.step not in around.reachable
            if idle and found.code not in _ON_THE_GRAPH:
                found = replace(found, severity="warning")
            yield found


def check(
    workflow: Workflow, layout: Layout | None = None, *, catalogue: Catalogue | None = None
) -> tuple[Problem, ...]:
    """The problems of a workflow, by the catalogue that ships or by a shop's own.

    With the layout of the file that it was read from, ids and JSON pointers are that file's; without it a
    step is its number from 1, and the pointers are into the agent spelling.
    """
    return tuple(
        Problem(
            found.code,
            found.severity,
            _identity(found.step, layout),
            _pointer(workflow, found, layout),
            found.message,
            found.field,
        )
        for found in islice(findings(workflow, catalogue), MAX_PROBLEMS)
    )


def _identity(step: int, layout: Layout | None) -> str:
    if step < 0:
        return ""
    return str(layout.steps[step].id if layout else step + 1)


def _pointer(workflow: Workflow, found: Finding, layout: Layout | None) -> str:
    root = "" if layout and layout.bare else "/root"
    if found.link >= 0:
        return f"{root}/links/{_position(found.link, layout.link_order if layout else None)}"
    if found.step < 0:
        return root
    step = f"{root}/steps/{_position(found.step, layout.step_order if layout else None)}"
    order = layout.steps[found.step].order if layout else None
    names = order or [name for name, _ in workflow.steps[found.step].fields]
    if found.field not in names:
        return step
    return f"{step}/config_field_values/{names.index(found.field)}/value"


def _position(number: int, order: list[int] | None) -> int:
    """The place in the file's array of what has a canonical number."""
    return order.index(number) if order else number
