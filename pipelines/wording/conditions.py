"""Conditions in words: comparisons, groups in brackets, and what holds for the elements of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipelines.wording.phrases import Phrases, a, listed
from schemas.workflow.model import UNARY, Compare, Condition, Constant, Logic, Path, Quantifier

__all__ = ["condition_words"]

_LISTS: Final = ("in?", "not_in?")


def condition_words(condition: Condition | None, phrases: Phrases, items: Sequence[str] = ()) -> str:
    """A condition as a clause; `items` are the variables of the lists around it."""
    match condition:
        case None:
            return "a condition holds that I still have to fill in"
        case Compare(left=left):
            return f"{phrases.path(left, items)} {_verb(condition, phrases, items)}"
        case Logic(operator=operator, terms=terms):
            said = [_term(term, phrases, items) for term in terms]
            return listed(said, f" {operator} ") if operator == "and" else " or ".join(said)
        case Quantifier(operator=operator, source=source, item=item, body=body):
            many = f"{phrases.style.quantifiers[operator]} {phrases.path(source, items)}"
            if isinstance(body, Compare) and body.left.root == item and len(body.left.segments) == 1:
                return f"{many} {_verb(body, phrases, [*items, item])}"
            if phrases.style.paths == "dotted":
                return f"{many}: {_term(body, phrases, [*items, item])}"
            if isinstance(body, Compare) and body.left.root == item:
                owned = phrases.path(body.left, [*items, item]).removeprefix("its ")
                if not owned.startswith("the "):
                    return f"{many} has {a(owned)} that {_verb(body, phrases, [*items, item])}"
            return f"for {many} it holds that {_term(body, phrases, [*items, item])}"


def _term(condition: Condition, phrases: Phrases, items: Sequence[str]) -> str:
    """A part of a group: only a comparison stands without brackets."""
    said = condition_words(condition, phrases, items)
    return said if isinstance(condition, Compare) else f"({said})"


def _verb(condition: Compare, phrases: Phrases, items: Sequence[str]) -> str:
    operator, right = condition.operator, condition.right
    verb = phrases.style.operators.get(operator, f'stands in the relation "{operator}" to')
    if right is None:
        return verb if operator in UNARY else f"{verb} nothing"
    if isinstance(right, Path):
        return f"{verb} {phrases.path(right, items)}"
    return f"{verb} {_literal(right, phrases, operator in _LISTS)}"


def _literal(constant: Constant, phrases: Phrases, is_list: bool) -> str:
    if constant.kind != "string":
        return constant.text
    if is_list and "," in constant.text:
        return listed([phrases.quote(part) for part in constant.text.split(",")], " or ")
    return phrases.quote(constant.text)
