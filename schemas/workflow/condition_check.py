"""What Flow itself refuses in a condition although it can be written: types, lists, Liquid.

Rules and examples are those of Shopify's own Flow skill (Flow format section 8.2). A path whose type is not
known is never judged. In a workflow these are warnings, because genuine exports hold such conditions too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.catalog.environment import Resolved, family, resolve
from schemas.errors import WorkflowRefused
from schemas.workflow.condition_text import parse
from schemas.workflow.model import (
    FOREACH,
    Compare,
    Condition,
    ConditionValue,
    Constant,
    Logic,
    PathValue,
    Quantifier,
    Workflow,
)
from schemas.workflow.scope import item_of

_TEXT_ONLY: Final = frozenset(
    [
        "include?",
        "not_include?",
        "start_with?",
        "not_start_with?",
        "end_with?",
        "not_end_with?",
        "empty_or_nil?",
        "not_empty_and_not_nil?",
    ]
)
_ORDERED: Final = frozenset({">", ">=", "<", "<="})
_TEXT_LIKE: Final = frozenset({"string", "id", "enum", "unknown", "object"})
_ORDER_LIKE: Final = frozenset({"number", "date", "unknown", "object"})

Roots = Mapping[str, str]
Finding = tuple[str, str]


def require_valid(text: str) -> Condition:
    """Parse condition text and hold it to Flow's own rules.

    Raises:
        WorkflowRefused: with the code, the column (1-based) and the reason of the first thing that is wrong.
    """
    parsed = parse(text)
    for column, comparison, lists in parsed.places:
        roots: dict[str, str] = {}
        for item, source in lists.items():
            roots[item] = resolve(source.text, roots).type
        for code, message in _check(comparison, roots):
            raise WorkflowRefused(code, f"column {column + 1}: {message}", path=str(column + 1))
    return parsed.condition


def check_conditions(workflow: Workflow) -> Iterator[tuple[int, str, str]]:
    """(step number, code, message) for each comparison that Flow would refuse."""
    roots = _loop_roots(workflow)
    for number, step in enumerate(workflow.steps):
        for _, value in step.fields:
            if isinstance(value, ConditionValue) and value.condition is not None:
                for code, message in _walk(value.condition, roots):
                    yield number, code, message


def _loop_roots(workflow: Workflow) -> dict[str, str]:
    """The type of each loop's item, outer loops first."""
    roots: dict[str, str] = {}
    for step in workflow.steps:
        if step.kind == FOREACH:
            for _, value in step.fields:
                if isinstance(value, PathValue):
                    found = resolve(value.path.text, roots)
                    if found.kind == "list":
                        roots[item_of(value.path)] = found.type
    return roots


def _walk(condition: Condition, roots: Roots) -> Iterator[Finding]:
    match condition:
        case Compare():
            yield from _check(condition, roots)
        case Logic(terms=terms):
            for term in terms:
                yield from _walk(term, roots)
        case Quantifier(source=source, item=item, body=body):
            yield from _walk(body, {**roots, item: resolve(source.text, roots).type})


def _check(found: Compare, roots: Roots) -> Iterator[Finding]:
    resolved = resolve(found.left.text, roots)
    if isinstance(found.right, Constant):
        yield from _check_literal(found, found.right)
    if resolved.kind == "list" or resolved.list_prefixes:
        yield from _check_list(found, resolved)
        return
    if resolved.kind == "unknown":
        return
    group = family(resolved.type)
    if found.operator in _TEXT_ONLY and group not in _TEXT_LIKE:
        other = {"empty_or_nil?": "nil?", "not_empty_and_not_nil?": "not_nil?"}.get(found.operator)
        hint = f"; use {other}" if other else ""
        yield "CONDITION_TYPE_ERROR", f"{found.operator} is for text, {found.left.text} is a {group}{hint}"
    if found.operator in _ORDERED and group not in _ORDER_LIKE:
        yield (
            "CONDITION_TYPE_ERROR",
            f"{found.operator} is for numbers and dates, {found.left.text} is a {group}",
        )


def _check_literal(found: Compare, literal: Constant) -> Iterator[Finding]:
    if "{{" in literal.text or "{%" in literal.text:
        yield (
            "INVALID_CONDITION_VALUE",
            "Liquid has no place in a condition; compute the value in a step before",
        )
    elif literal.text == "" and literal.kind == "string" and found.operator in ("==", "!="):
        better = "empty_or_nil?" if found.operator == "==" else "not_empty_and_not_nil?"
        yield "INVALID_CONDITION_VALUE", f"compares with an empty text; use {better}"


def _check_list(found: Compare, resolved: Resolved) -> Iterator[Finding]:
    listed = resolved.list_prefixes[0] if resolved.list_prefixes else found.left.text
    yield (
        "CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE",
        f"{listed} is a list; ask any?, all? or none? of its items",
    )
