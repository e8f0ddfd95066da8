"""Edits in words: one literal of a workflow is changed, and the request says which one, from what to what.

Not here yet: steps that are added, moved or taken out, and edits that name no old value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

from pipelines.wording.phrases import Phrases, capital, parts_of
from pipelines.wording.styles import STYLES
from schemas.catalog.environment import enum_values, family, resolve
from schemas.catalog.tasks import TASKS, value_type
from schemas.errors import WorkflowRefused
from schemas.tools import canonical_json
from schemas.workflow import canonical, from_python, to_python
from schemas.workflow.condition_tree import is_number
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import (
    Bare,
    Compare,
    Condition,
    ConditionValue,
    Constant,
    Json,
    Logic,
    Quantifier,
    Text,
    Value,
    Workflow,
)

__all__ = ["digest_of", "edit_request"]

_ASKED: Final = (
    "Change the {what} {old} to {new}.",
    "Please use {new} instead of {old} as the {what}.",
    "The {what} should be {new}, not {old}.",
    "{what}: {old} -> {new}",
    "Could you replace the {what} {old} by {new}?",
    "Make the {what} {new}; right now it is {old}.",
)
_WORDS: Final = ("priority", "gold", "outlet", "review", "spring-2027", "wholesale", "gift", "Studio North")
_TEXTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "address": (
        "email address",
        ("team@redacted.invalid", "night-shift@redacted.invalid", "office@redacted.invalid"),
    ),
    "subject": ("subject", ("Please have a look", "News from the shop", "Something to check today")),
    "channel": ("channel", ("#shop-floor", "#night-shift", "#back-office")),
    "worksheet": ("worksheet", ("Archive", "Week", "Import")),
    "duration": ("waiting time", ("P2D", "P5D", "PT6H", "PT45M")),
}
_PLAIN: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029{}\"']{1,80}")


@dataclass(frozen=True, slots=True)
class _Edit:
    what: str
    old: str
    new: str
    workflow: Workflow
    quoted: bool = True


def edit_request(workflow: Workflow, wording: int = 0) -> tuple[str, Workflow]:
    """A request that changes one literal, and the workflow that it leads to; both follow from the arguments.

    Only a literal that stands once in the workflow is changed, so that the request means no other one; the
    name is, where there is none.
    """
    digest = digest_of(workflow, wording)
    found = list(_edits(workflow, digest))
    source = to_python(workflow)
    start = digest % max(len(found), 1)
    edits = [*found[start:], *found[:start], _renamed(workflow, digest)]
    edit = next(edit for edit in edits if _stands_once(edit, source) and _is_sound(edit.workflow))
    phrases = Phrases(STYLES[wording])
    old, new = (phrases.quote(text) if edit.quoted else text for text in (edit.old, edit.new))
    asked = _ASKED[wording].format(what=edit.what, old=old, new=new)
    return capital(asked) + phrases.appendix(), edit.workflow


def digest_of(workflow: Workflow, salt: object) -> int:
    """A number that is drawn from the workflow itself: the same for the same workflow and salt."""
    return int.from_bytes(blake2b(f"{salt}:".encode() + canonical(workflow), digest_size=6).digest())


def _stands_once(edit: _Edit, source: str) -> bool:
    pattern = re.escape(edit.old) if edit.quoted else rf"(?<![\w.]){re.escape(edit.old)}(?![\w.])"
    return len(re.findall(pattern, source)) == 1 or edit.what == _NAME


def _is_sound(workflow: Workflow) -> bool:
    """Whether the language carries the edited workflow as it is."""
    try:
        return canonical(from_python(to_python(workflow))) == canonical(workflow)
    except WorkflowRefused:
        return False


_NAME: Final = "name of the workflow"


def _renamed(workflow: Workflow, digest: int) -> _Edit:
    ending = _of(("2027", "night shift", "reviewed", "main store"), digest)
    name = f"{workflow.name} - {ending}".removeprefix(" - ")
    return _Edit(_NAME, workflow.name, name, replace(workflow, name=name))


def _of(choices: tuple[str, ...], digest: int) -> str:
    return choices[digest // 7 % len(choices)]


def _edits(workflow: Workflow, digest: int) -> Iterator[_Edit]:
    for place, step in enumerate(workflow.steps):
        for number, (name, value) in enumerate(step.fields):
            for what, old, new, changed in _changes(step.task_id, name, value, digest):
                fields = (*step.fields[:number], (name, changed), *step.fields[number + 1 :])
                steps = list(workflow.steps)
                steps[place] = replace(step, fields=fields)
                quoted = not isinstance(changed, Bare) and not (
                    isinstance(changed, ConditionValue) and is_number(old) and is_number(new)
                )
                if old != new:
                    yield _Edit(what, old, new, replace(workflow, steps=tuple(steps)), quoted)


def _changes(task_id: str, name: str, value: Value, digest: int) -> Iterator[tuple[str, str, str, Value]]:
    """What may change in one value: (what it is, old, new, the new value)."""
    match value:
        case ConditionValue(condition=condition) if condition is not None:
            for what, compare, old, constant in _constants(condition, {}, digest):
                yield what, old, constant.text, ConditionValue(_put(condition, compare, constant))
        case Json(text=text) if name == "tags":
            tags: Any = read_json(text)
            for number, tag in enumerate(tags):
                if isinstance(tag, str) and _PLAIN.fullmatch(tag):
                    new = _of(_WORDS, digest)
                    changed = canonical_json([*tags[:number], new, *tags[number + 1 :]])
                    yield "tag", tag, new, Json(changed)
        case Text(text=str(text)) if name in _TEXTS and _PLAIN.fullmatch(text):
            what, choices = _TEXTS[name]
            new = _of(choices, digest)
            yield what, text, new, Text(new)
        case Bare(text=text) if value_type(task_id, name) == "integer":
            new = _number(text, digest, _largest(task_id, name))
            yield (
                name.replace("_", " ").replace("max root records", "number of records"),
                text,
                new,
                Bare(new),
            )


Found = tuple[str, Compare, str, Constant]


def _constants(condition: Condition, roots: dict[str, str], digest: int) -> Iterator[Found]:
    """Literals of comparisons, each with the one to put in its place; `roots` are the types of list items."""
    match condition:
        case Compare(operator=operator, left=left, right=Constant(text=text, kind=kind)):
            leads = resolve(left.text, roots)
            what = parts_of(left.segments)[-1].removesuffix(" item")
            group = family(leads.type)
            if kind == "number":
                yield f"{what} limit", condition, text, Constant(_number(text, digest), "number")
            elif kind == "string" and operator not in ("in?", "not_in?") and _PLAIN.fullmatch(text):
                choices = tuple(word for word in enum_values(leads.type) if word != text) or _WORDS
                if group not in ("date", "number", "boolean", "id") and not text[:1].isdigit():
                    yield what, condition, text, Constant(_of(choices, digest))
        case Logic(terms=terms):
            for term in terms:
                yield from _constants(term, roots, digest)
        case Quantifier(source=source, item=item, body=body):
            yield from _constants(body, {**roots, item: resolve(source.text, roots).type}, digest)


def _put(condition: Condition, where: Compare, constant: Constant) -> Condition:
    """The condition with one comparison's literal replaced; the comparison is found by identity."""
    match condition:
        case Compare():
            return replace(condition, right=constant) if condition is where else condition
        case Logic(terms=terms):
            return replace(condition, terms=tuple(_put(term, where, constant) for term in terms))
        case Quantifier(body=body):
            return replace(condition, body=_put(body, where, constant))


def _number(text: str, digest: int, largest: int | None = None) -> str:
    step = (5, 10, 25, 50)[digest // 7 % 4]
    changed = Decimal(text) + step
    if largest is not None and changed > largest:
        changed = Decimal(max(largest - step, 1))
    return str(changed) if is_number(str(changed)) else "7"


def _largest(task_id: str, name: str) -> int | None:
    """The most that the catalogue lets an integer be."""
    task = TASKS.get(task_id)
    field = task.config_fields.get(name) if task else None
    return field.maximum if field else None
