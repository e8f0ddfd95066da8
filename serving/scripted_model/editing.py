"""Edits of a workflow that exists: one literal of its Python for another, everything else byte for byte.

    edited('... tags=["VIP"] ...', "change the tag to GOLD")     # '... tags=["GOLD"] ...'

The Python is parsed, never run. Not here yet: other triggers, more or fewer conditions and actions.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from schemas.errors import BadRecord
from schemas.tools import LOOK_UP, SAVE
from schemas.workflow import from_python, to_python
from serving.scripted_model.calls import Script, calls
from serving.scripted_model.text import Text

__all__ = ["NotEditable", "edit", "edited", "is_edit"]

_VERBS: Final = (
    *("change", "set", "make", "rename", "call", "replace", "swap", "switch", "update", "use", "raise"),
    *("lower", "increase", "decrease", "reduce"),
)
_CHANGE: Final = f"(?:{'|'.join(_VERBS)})"
_NAME: Final = r"(«[tmu]\d+»|[\w&+/#@.-]+(?: (?!instead|to\b|with\b|by\b)[\w&+/#-]+){0,2})"
_NUMBER: Final = r"[$€£]?(\d[\d,]*(?:\.\d+)?)"
_LIMIT: Final = r"(?:limit|threshold|amount|total|number|minimum|maximum|price|quantity|value|count)"


class NotEditable(Exception):
    """What an edit cannot be done for, as a sentence."""


@dataclass(frozen=True, slots=True)
class _Literal:
    """One literal of the text and what it is for: `tags`, `number`, `compared`, or the argument's name."""

    kind: str
    value: Any
    start: int
    end: int
    """Bytes of the UTF-8 text."""


def is_edit(request: str) -> bool:
    """Whether a request reads like a change of something that is there."""
    seen = Text(request).seen
    if re.search(r"\binstead\b", seen, re.IGNORECASE):
        return True
    # A request that says when something happens is a new workflow, whatever it begins with.
    return bool(
        re.match(rf"(?:please |now |can you |could you )*{_CHANGE}\b", seen, re.IGNORECASE)
    ) and not re.search(r"\bwhen(?:ever)?\b|\bif\b", seen, re.IGNORECASE)


def edit(request: str, workflow_id: str) -> Script:
    """Look the workflow up, change what is asked, save it under the version that was read."""
    for _ in range(2):
        (found,) = yield calls(LOOK_UP, {"workflow_id": workflow_id})
        if not found.ok:
            return f"I could not read the workflow ({found.refusal}). Nothing was changed."
        try:
            python, said = edited(found.data["workflow_python"], request)
        except NotEditable as reason:
            return f"I changed nothing: {reason}."
        known = {"workflow_id": workflow_id, "workflow_version": found.data["workflow_version"]}
        (answer,) = yield calls(SAVE, {"workflow_python": python, **known})
        if answer.ok:
            buckets = answer.data["validation_errors"].values()
            errors = dict.fromkeys(error["message"] for bucket in buckets for error in bucket)
            wrong = f" Flow objects to: {'; '.join(errors)}." if errors else ""
            return f"{said} The rest is as it was.{wrong} Next steps: read it through, then turn it on."
        if answer.data.get("code") != "OUTDATED_WORKFLOW":
            break
    return f"I could not save the change ({answer.refusal})."


def edited(python: str, request: str) -> tuple[str, str]:
    """The changed Python and what was changed, as a sentence.

    Raises:
        NotEditable: where the request is not understood, fits nothing, or fits several things.
    """
    text = Text(request)
    if found := text.take(rf"(?:rename|call) (?:it|the workflow|this)(?: to| as)? {_NAME}"):
        name = text.said(found[1])
        try:
            return to_python(replace(from_python(python), name=name)), f'It is called "{name}" now.'
        except BadRecord as refused:
            raise NotEditable(f"it cannot be read ({refused.message})") from None
    literals = _literals(python)
    for kinds, old, new in _readings(text):
        fit = [
            literal
            for literal in literals
            if literal.kind in kinds and (old is None or _same(literal.value, old))
        ]
        if not fit:
            continue
        if len({json.dumps(literal.value) for literal in fit}) > 1:
            told = ", ".join(dict.fromkeys(str(literal.value) for literal in fit))
            raise NotEditable(f'there are several to change ({told}); say "change {fit[0].value} to {new}"')
        value: Any = new
        if isinstance(fit[0].value, (int, float)) and not isinstance(fit[0].value, bool):
            value = _number(new)
            if value is None:
                continue
        return _spliced(python, fit, value), f"I changed {_shown(fit[0].value)} to {_shown(value)}."
    raise NotEditable(
        'I change one tag, number, address or text at a time, such as "change the tag to GOLD" or "raise the '
        'limit to 800", and I found nothing like that to change here'
    )


_TEXTS: Final = ("subject", "message", "note", "url", "body")


def _readings(text: Text) -> Iterator[tuple[Sequence[str], str | None, str]]:
    """(kinds, old value or None, new value), the likeliest reading first."""
    seen = text.seen
    tags, texts = ("tags",), ("tags", "compared", "address", *_TEXTS)

    def find(pattern: str) -> re.Match[str] | None:
        return re.search(pattern, seen, re.IGNORECASE)

    if found := find(rf"(?:{_LIMIT}|it|that|from)\b.*?(?:from {_NUMBER} )?to {_NUMBER}\b"):
        yield ("number",), found[1], found[2]
    if found := find(rf"{_NUMBER} (?:to|with|by|into) {_NUMBER}"):
        yield ("number",), found[1], found[2]
    if found := find(
        rf"(?:make it|use|over|above|under|below|more than|less than|at least) {_NUMBER}(?! ?%)"
    ):
        yield ("number",), None, found[1]
    if found := find(r"(?:to|use|with) («m\d+»)"):
        yield ("address",), None, text.said(found[1])
    for kind in _TEXTS:
        if found := find(rf"\b{kind} to («[tu]\d+»)"):
            yield (kind,), None, text.said(found[1])
    if found := find(rf"tags? (?:from )?(?:{_NAME} )?(?:to|into|with|by) {_NAME}"):
        yield tags, found[1] and text.said(found[1]), text.said(found[2])
    if found := find(rf"tag (?:them|it|orders?|customers?|products?) (?:as |with )?{_NAME} instead"):
        yield tags, None, text.said(found[1])
    if found := find(
        rf"(?:use|with) (?:the )?(?:tag )?{_NAME}(?: tag)? instead(?: of (?:the )?(?:tag )?{_NAME})?"
    ):
        yield tags, found[2] and text.said(found[2]), text.said(found[1])
    if found := find(
        rf"{_CHANGE} (?:the )?(?:word |tag |text |vendor |country )?{_NAME} (?:to|with|by|into) {_NAME}"
    ):
        yield texts, text.said(found[1]), text.said(found[2])


def _same(value: Any, told: str) -> bool:
    if isinstance(value, str):
        return value.lower() == told.lower()
    return bool(_number(told) == value)


def _number(text: str) -> int | float | None:
    """The number as it was written; None for one that a Python number would change."""
    told = text.lstrip("$€£")
    if "," in told and not re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", told):
        return None
    try:
        value = Decimal(told.replace(",", ""))
    except InvalidOperation:
        return None
    if not value.is_finite() or len(value.as_tuple().digits) > 15 or abs(value) >= 10**15:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _shown(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


# -- the literals of a text ------------------------------------------------------------------------------


def _literals(python: str) -> list[_Literal]:
    try:
        tree = ast.parse(python)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotEditable("its Python cannot be read") from None
    starts = [0]
    for line in python.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for kind, node in _told(tree):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start, end = (
            starts[node.lineno - 1] + node.col_offset,
            starts[node.end_lineno - 1] + node.end_col_offset,
        )
        found.append(_Literal(kind, node.value, start, end))
    return found


def _told(tree: ast.AST) -> Iterator[tuple[str, ast.Constant]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                for part in side.elts if isinstance(side, (ast.List, ast.Tuple)) else [side]:
                    if isinstance(part, ast.Constant) and not isinstance(part.value, bool):
                        yield ("compared" if isinstance(part.value, str) else "number"), part
        elif isinstance(node, ast.keyword) and node.arg is not None:
            values = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            for part in values:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield node.arg, part


def _spliced(python: str, literals: Sequence[_Literal], value: Any) -> str:
    data = python.encode()
    for literal in sorted(literals, key=lambda literal: -literal.start):
        data = data[: literal.start] + json.dumps(value, ensure_ascii=False).encode() + data[literal.end :]
    return data.decode()
