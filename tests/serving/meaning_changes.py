"""Changes of what a workflow does: each a function that plants one, or None where it does not apply."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from schemas.workflow.condition_tree import constant, join
from schemas.workflow.model import Compare, Condition, Constant, Logic, Quantifier, Workflow
from tests.serving.changes import Site, edited

Plant = Callable[[Site], Workflow | None]
Edit = Callable[[Condition, random.Random], Condition | None]


@dataclass(frozen=True)
class Change:
    name: str
    plant: Plant


CHANGES: dict[str, Change] = {}


def change(plant: Plant) -> Plant:
    """Register a change under the name of its function."""
    assert plant.__name__ not in CHANGES
    CHANGES[plant.__name__] = Change(plant.__name__, plant)
    return plant


def in_conditions(edit: Edit) -> Edit:
    """Register an edit of one part of a condition."""
    assert edit.__name__ not in CHANGES
    CHANGES[edit.__name__] = Change(edit.__name__, lambda site: site.in_conditions(edit))
    return edit


def _other_operator(part: Condition, table: dict[str, str]) -> Condition | None:
    if isinstance(part, Compare) and part.operator in table:
        return replace(part, operator=table[part.operator])
    return None


_STRICT = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}
_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_OPPOSITE = {
    "==": "!=", "include?": "not_include?", "start_with?": "not_start_with?", "end_with?": "not_end_with?",
    "in?": "not_in?", "nil?": "not_nil?", "empty_or_nil?": "not_empty_and_not_nil?",
}  # fmt: skip
_OPPOSITE |= {other: operator for operator, other in _OPPOSITE.items()}


@in_conditions
def bound_taken_in_or_out(part: Condition, draw: random.Random) -> Condition | None:
    return _other_operator(part, _STRICT)


@in_conditions
def order_turned(part: Condition, draw: random.Random) -> Condition | None:
    return _other_operator(part, _TURNED)


@in_conditions
def comparison_negated(part: Condition, draw: random.Random) -> Condition | None:
    return _other_operator(part, _OPPOSITE)


@in_conditions
def includes_to_starts_with(part: Condition, draw: random.Random) -> Condition | None:
    return _other_operator(part, {"include?": "start_with?", "end_with?": "include?", "start_with?": "=="})


def _literal(part: Condition, kind: str) -> Constant | None:
    if isinstance(part, Compare) and isinstance(part.right, Constant) and part.right.kind == kind:
        return part.right if part.operator not in ("in?", "not_in?") else None
    return None


@in_conditions
def number_off_by_one(part: Condition, draw: random.Random) -> Condition | None:
    found = _literal(part, "number")
    if found is None or not isinstance(part, Compare):
        return None
    step = draw.choice((-1, 1))
    text = str(int(found.text) + step) if "." not in found.text else str(float(found.text) + step)
    return replace(part, right=constant(text, "number"))


@in_conditions
def text_literal_changed(part: Condition, draw: random.Random) -> Condition | None:
    found = _literal(part, "string")
    if found is None or not isinstance(part, Compare) or not found.text or _is_special(found.text):
        return None
    return replace(
        part, right=Constant(draw.choice((f"{found.text}X", f"Not {found.text}", "Nothing of it")))
    )


def _is_special(text: str) -> bool:
    """Dates, ids and constants have changes of their own."""
    return bool(re.match(r"\d{4}-\d\d-\d\d|gid://|[A-Z_]+$", text))


@in_conditions
def constant_changed(part: Condition, draw: random.Random) -> Condition | None:
    found = _literal(part, "string")
    if found is None or not isinstance(part, Compare) or not re.fullmatch(r"[A-Z_]{3,}", found.text):
        return None
    return replace(part, right=Constant(f"{found.text}_2"))


@in_conditions
def boolean_turned(part: Condition, draw: random.Random) -> Condition | None:
    found = _literal(part, "boolean")
    if found is None or not isinstance(part, Compare):
        return None
    return replace(part, right=replace(found, text="false" if found.text == "true" else "true"))


@in_conditions
def date_moved_by_a_day(part: Condition, draw: random.Random) -> Condition | None:
    found = _literal(part, "string")
    if found is None or not isinstance(part, Compare) or not re.match(r"\d{4}-\d\d-\d\dT", found.text):
        return None
    moved = datetime.fromisoformat(found.text) + timedelta(days=draw.choice((-1, 1)))
    return replace(part, right=Constant(moved.isoformat().replace("+00:00", "Z")))


@in_conditions
def element_of_a_list_dropped(part: Condition, draw: random.Random) -> Condition | None:
    if not isinstance(part, Compare) or part.operator not in ("in?", "not_in?"):
        return None
    parts = part.right.text.split(",") if isinstance(part.right, Constant) else []
    if len({each.strip().casefold() for each in parts}) < max(2, len(parts)):
        return None
    parts.pop(draw.randrange(len(parts)))
    return replace(part, right=Constant(",".join(parts)))


@in_conditions
def element_of_a_list_added(part: Condition, draw: random.Random) -> Condition | None:
    if not isinstance(part, Compare) or part.operator not in ("in?", "not_in?"):
        return None
    if not isinstance(part.right, Constant) or re.match(r"[\d.]|[A-Z_]{2,}", part.right.text):
        return None
    return replace(part, right=Constant(f"{part.right.text},one more"))


@in_conditions
def and_to_or(part: Condition, draw: random.Random) -> Condition | None:
    return join("or", list(part.terms)) if isinstance(part, Logic) and part.operator == "and" else None


@in_conditions
def or_to_and(part: Condition, draw: random.Random) -> Condition | None:
    return join("and", list(part.terms)) if isinstance(part, Logic) and part.operator == "or" else None


@in_conditions
def term_dropped(part: Condition, draw: random.Random) -> Condition | None:
    if not isinstance(part, Logic):
        return None
    number = draw.randrange(len(part.terms))
    return join(part.operator, [*part.terms[:number], *part.terms[number + 1 :]])


def _quantified(part: Condition, before: str, after: Literal["any", "all", "none"]) -> Condition | None:
    found = isinstance(part, Quantifier) and part.operator == before
    return replace(part, operator=after) if found else None  # type: ignore[arg-type]


@in_conditions
def any_to_all(part: Condition, draw: random.Random) -> Condition | None:
    return _quantified(part, "any", "all")


@in_conditions
def all_to_any(part: Condition, draw: random.Random) -> Condition | None:
    return _quantified(part, "all", "any")


@in_conditions
def any_to_none(part: Condition, draw: random.Random) -> Condition | None:
    return _quantified(part, "any", "none")


@in_conditions
def none_to_all(part: Condition, draw: random.Random) -> Condition | None:
    return _quantified(part, "none", "all")


@in_conditions
def quantifiers_change_places(part: Condition, draw: random.Random) -> Condition | None:
    if not isinstance(part, Quantifier) or not isinstance(part.body, Quantifier):
        return None
    inner = replace(part.body, operator=part.operator)
    return replace(part, operator=part.body.operator, body=inner)


@in_conditions
def one_constant_less_said(part: Condition, draw: random.Random) -> Condition | None:
    """`==` a constant becomes that it exists at all."""
    found = isinstance(part, Compare) and part.operator == "==" and isinstance(part.right, Constant)
    if not found or not isinstance(part, Compare) or not isinstance(part.right, Constant):
        return None
    return replace(part, operator="not_nil?", right=None)


@change
def compared_field_changed(site: Site) -> Workflow | None:
    found = []
    for number, condition in site.conditions():

        def moved(part: Condition, number: int = number) -> Condition | None:
            other = site.sibling(number, part.left) if isinstance(part, Compare) else None
            return None if other is None or part.right == other else replace(part, left=other)  # type: ignore[union-attr, type-var]

        found += [(number, other) for other in edited(condition, moved)]
    picked = site.pick(found)
    return None if picked is None else site.with_condition(*picked)
