"""One condition by itself, held to Flow's own rules: what an editor or a test asks of a text.

In a workflow the rules see more (`schemas.workflow.check`): what the trigger brings, loops, outputs and
patched fields. Here every root that the catalogue knows is there, and a field that a type lacks may be a
patched one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from schemas.catalog.environment import root_type
from schemas.errors import WorkflowRefused
from schemas.workflow.checks.conditions import judge
from schemas.workflow.checks.places import Place, element_of, follow
from schemas.workflow.condition_text import parse
from schemas.workflow.condition_tree import lowered
from schemas.workflow.model import Condition, Path


def require_valid(text: str) -> Condition:
    """Parse condition text and hold it to Flow's own rules.

    Raises:
        WorkflowRefused: with the code, the column (1-based) and the reason of the first thing that is wrong.
    """
    parsed = parse(text)
    for column, comparison, lists in parsed.places:
        roots: dict[str, str] = {}
        for item, source in lists.items():
            roots[item] = element_of(_place(source, roots))
        for code, message, severity in judge(comparison, roots, _place):
            if severity == "error":
                raise WorkflowRefused(code, f"column {column + 1}: {message}", path=str(column + 1))
    return parsed.condition


def _place(path: Path, roots: Mapping[str, str]) -> Place:
    segments = lowered(path).segments
    kind = roots.get(segments[0])
    place = follow(root_type(segments[0]) if kind is None else kind, segments)
    return replace(place, missing=-1) if place.missing >= 0 else place
