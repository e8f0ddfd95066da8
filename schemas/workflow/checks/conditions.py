"""Conditions: operators against types, literals against what they are compared with, lists and their items.

Rules are those of Shopify's own Flow skill (Flow format section 8.2). A path whose type is not known is
judged only by its literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from schemas.catalog.environment import Family, enum_values
from schemas.workflow.checks.findings import Finding, cut, did_you_mean, listed
from schemas.workflow.checks.places import Place, element_of, missing_field
from schemas.workflow.checks.surroundings import Surroundings
from schemas.workflow.condition_text import OPERATORS
from schemas.workflow.model import (
    UNARY,
    Compare,
    Condition,
    ConditionValue,
    Constant,
    Logic,
    Path,
    Quantifier,
)
from schemas.workflow.problems import Severity

__all__ = ["Objection", "check_conditions", "judge", "literal_objections"]

Objection = tuple[str, str, Severity]
"""Code, message, severity."""
Find = Callable[[Path, Mapping[str, str]], "Place | Objection | None"]
"""Where a path leads, what is wrong with its root, or None where nobody can tell."""

_TYPE: Final = "CONDITION_TYPE_ERROR"
_VALUE: Final = "INVALID_CONDITION_VALUE"
_OUTSIDE_LOOP: Final = "CONFIG_FIELD_PATH_VALIDATION_ERROR"
_ROOTS: Final = {"loop": _OUTSIDE_LOOP, "early": "CONDITION_EMPTY_WORKFLOW_VARIABLE"}
_TEXT_OPERATORS: Final = frozenset(
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
_ORDER_OPERATORS: Final = frozenset({">", ">=", "<", "<="})
_SET_OPERATORS: Final = frozenset({"in?", "not_in?"})
_EXISTS: Final = {"empty_or_nil?": "nil?", "not_empty_and_not_nil?": "not_nil?"}
_EMPTY: Final = {value: key for key, value in _EXISTS.items()}
_SAME: Final = {"==": "empty_or_nil?", "!=": "not_empty_and_not_nil?"}
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_TEXTS: Final[frozenset[Family]] = frozenset({"string", "id", "enum"})
_A: Final[Mapping[Family, str]] = {"id": "an ID", "enum": "an enum", "object": "an object"}


def check_conditions(around: Surroundings) -> Iterator[Finding]:
    """Everything about the conditions of a workflow."""
    for number, step in enumerate(around.workflow.steps):
        for field, value in step.fields:
            if not isinstance(value, ConditionValue):
                continue
            if value.condition is None:
                message = "the condition asks nothing; say what it compares"
                yield Finding("STEP_CONDITION_EMPTY", number, field, message, "warning")
                continue

            def find(path: Path, roots: Mapping[str, str], number: int = number) -> Place | Objection | None:
                return _find(around, number, path, roots)

            for code, message, severity in judge(value.condition, {}, find):
                outside = code == _OUTSIDE_LOOP
                yield Finding(code, number, field, message, severity, outside_loop=outside)


def _find(around: Surroundings, number: int, path: Path, roots: Mapping[str, str]) -> Place | Objection:
    place = around.place(number, path, roots)
    if place is not None:
        return place
    unnamed = around.unnamed(number, path.root)
    return _ROOTS.get(unnamed.reason, "CONDITION_INCOMPATIBILITY"), unnamed.message, unnamed.severity


def judge(condition: Condition, roots: Mapping[str, str], find: Find) -> Iterator[Objection]:
    """What Flow objects to in a condition; `roots` are the types of the items of its lists."""
    match condition:
        case Compare():
            yield from _comparison(condition, roots, find)
        case Logic(terms=terms):
            for term in terms:
                yield from judge(term, roots, find)
        case Quantifier(source=source, item=item, body=body):
            kind = ""
            found = find(source, roots)
            if isinstance(found, tuple):
                yield found
            elif found is not None:
                kind = element_of(found)
                yield from _list(condition.operator, source, found)
            yield from judge(body, {**roots, item: kind}, find)


def _list(operator: str, source: Path, place: Place) -> Iterator[Objection]:
    if place.missing >= 0:
        yield _missing(source, place)
    elif place.lists:
        yield _inside_list(source, place)
    elif place.type and not place.is_list:
        words = f"{operator}? asks the items of a list, {cut(source.text)} is {_a(place)}; compare it itself"
        yield "CONDITION_MAP_OVER_INVALID_TYPE", words, "error"


def _comparison(found: Compare, roots: Mapping[str, str], find: Find) -> Iterator[Objection]:
    if found.operator not in OPERATORS:
        words = f"there is no operator {cut(found.operator)!r}{did_you_mean(found.operator, OPERATORS)}"
        yield _VALUE, words, "error"
        return
    if (found.right is None) != (found.operator in UNARY):
        words = "takes no right side" if found.operator in UNARY else "needs a right side"
        yield _VALUE, f"{found.operator} {words}", "error"
        return
    if isinstance(found.right, Constant):
        yield from literal_objections(found.operator, found.right)
    left = find(found.left, roots)
    right = find(found.right, roots) if isinstance(found.right, Path) else None
    usable = True
    for path, place in ((found.left, left), (found.right, right)):
        objection = place if isinstance(place, tuple) else None
        if isinstance(place, Place) and isinstance(path, Path):
            objection = _not_single(found.operator, path, place)
        if objection is not None:
            usable = False
            yield objection
    if not usable or not isinstance(left, Place) or not left.type:
        return
    yield from _operator(found, left)
    if isinstance(found.right, Constant):
        yield from _literal(found.operator, left, found.right)
    elif isinstance(right, Place) and right.type:
        yield from _sides(found, left, right)


def literal_objections(operator: str, literal: Constant) -> Iterator[Objection]:
    """What is wrong with a literal whatever it is compared with."""
    if "{{" in literal.text or "{%" in literal.text:
        # Looking for braces in a text is odd, and may be meant.
        severity: Severity = "warning" if operator in _TEXT_OPERATORS else "error"
        yield _VALUE, "Liquid has no place in a condition; compute the value in a step before", severity
    elif literal.text == "" and literal.kind == "string" and operator in _SAME:
        yield _VALUE, f"compares with an empty text; use {_SAME[operator]}", "error"


def _not_single(operator: str, path: Path, place: Place) -> Objection | None:
    """Why a path is not one value that can be compared."""
    if place.in_list:
        return _inside_list(path, place)
    if place.missing >= 0:
        return _missing(path, place)
    if place.type and place.family == "object" and operator not in ("nil?", "not_nil?"):
        words = f"{cut(path.text)} is a whole {place.name}; compare one of its fields"
        return "CONDITION_NON_PRIMITIVE", words, "error"
    return None


def _inside_list(path: Path, place: Place) -> Objection:
    listed_path = ".".join(path.segments[: place.lists[0]]) if place.lists else path.text
    words = f"{cut(listed_path)} is a list; ask any?, all? or none? of its items"
    return "CONDITION_MISSING_ENCLOSING_ARRAY_ITEM_REFERENCE", words, "error"


def _missing(path: Path, place: Place) -> Objection:
    return "CONDITION_RESOURCE_NOT_FOUND", missing_field(path.segments, place), "error"


def _a(place: Place) -> str:
    return _A.get(place.family, f"a {place.family}")


def _operator(found: Compare, left: Place) -> Iterator[Objection]:
    operator, group, text = found.operator, left.family, cut(found.left.text)
    if group in ("unknown", "object"):
        return
    if operator in _TEXT_OPERATORS and group not in _TEXTS:
        hint = f"; use {_EXISTS[operator]}" if operator in _EXISTS else "; compare it with == or >"
        yield _TYPE, f"{operator} is for text, {text} is {_a(left)}{hint}", "error"
    elif operator in _TEXT_OPERATORS and group == "enum" and operator not in _EXISTS:
        yield _TYPE, f"{operator} is for text, {text} is an enum; use in? or ==", "warning"
    elif operator in _ORDER_OPERATORS and group not in ("number", "date"):
        yield _TYPE, f"{operator} is for numbers and dates, {text} is {_a(left)}; use == or !=", "error"
    elif operator in _SET_OPERATORS and group in ("date", "boolean"):
        yield _TYPE, f"{operator} is for text, numbers and enums, {text} is {_a(left)}; use ==", "error"
    elif operator in _EMPTY and group == "string":
        yield _TYPE, f"{operator} is not for text; ask {_EMPTY[operator]} of {text}", "warning"


def _literal(operator: str, left: Place, literal: Constant) -> Iterator[Objection]:
    """A literal against the type it is compared with; texts were looked at already."""
    group = left.family
    if operator in _TEXT_OPERATORS or operator in UNARY or "{{" in literal.text or literal.text == "":
        return
    parts = (
        [part.strip() for part in literal.text.split(",")] if operator in _SET_OPERATORS else [literal.text]
    )
    for part in parts:
        shown = cut(part)
        if group == "number" and not _NUMBER.fullmatch(part):
            yield _TYPE, f"{shown!r} is no number; write one, such as 100", "error"
        elif group == "boolean" and part not in ("true", "false"):
            yield _TYPE, f"{shown!r} is neither true nor false", "error"
        elif group == "date" and not _is_date(part):
            words = f"{shown!r} is no date; write ISO 8601, such as 2026-11-25 or 2026-11-25T08:00:00Z"
            yield "CONDITION_INVALID_DATE_VALUE", words, "error"
        elif group == "enum":
            values = enum_values(left.name)
            if values and part.upper() not in values:
                hint = did_you_mean(part.upper(), values) or f"; it is one of {listed(values)}"
                yield "CONDITION_INVALID_ENUM_VALUE", f"{left.name} has no {shown!r}{hint}", "error"


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _sides(found: Compare, left: Place, right: Place) -> Iterator[Objection]:
    ours, theirs = left.family, right.family
    if "unknown" in (ours, theirs) or "object" in (ours, theirs):
        return
    if ours != theirs and not (ours in _TEXTS and theirs in _TEXTS):
        text = cut(found.right.text) if found.right else ""
        words = f"{cut(found.left.text)} is {_a(left)}, {text} is {_a(right)}; compare values of one kind"
        yield _TYPE, words, "error"
