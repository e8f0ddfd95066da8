"""One recorded answer of a tool: against the contract's response parts, and against what today's tools say.

A part is found by the key that holds it: `tasks` holds a list of `task`, or a list of them by query, and
`error` is an `error`. Below a key without a part (the options of a validation) nothing is held to the
contract. Key names are all that is told of an answer's shape; a value is told only by `stale_values`, whose
caller gives redacted answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipelines.mirror.differences import Difference, fields_differ, renamed, shown, today_name
from schemas.errors import BadRecord
from schemas.tools import Contract, Tool, canonical_json
from schemas.workflow.jsontext import read_json

__all__ = ["LONGEST_ANSWER", "Told", "in_shape", "read_answer", "shape_differences", "stale_values"]

LONGEST_ANSWER: Final = 8 << 20
"""A longer answer is not parsed: no event holds one."""

Told = tuple[Difference, str]
"""A difference, and a few words of what stands there."""


def read_answer(text: str) -> dict[str, Any]:
    """The object that an answer is.

    Raises:
        BadRecord: NOT_AN_ANSWER where it is none.
    """
    try:
        found = read_json(text, limit=LONGEST_ANSWER)
    except BadRecord as refused:
        raise BadRecord("NOT_AN_ANSWER", refused.message) from None
    if not isinstance(found, dict):
        raise BadRecord("NOT_AN_ANSWER", "an answer is a JSON object")
    return found


def shape_differences(tool: Tool, text: str, contract: Contract) -> Iterator[Told]:
    """How the form of an answer of `tool` differs from the contract, whatever its values are."""
    place = f"tools.{tool.name}.response"
    try:
        answer = read_answer(text)
    except BadRecord as refused:
        yield Difference(place, "not an answer"), shown(refused.message)
        return
    told = [*_of_keys("envelope", answer, contract.envelope)]
    named = answer.get("tool")
    if isinstance(named, str) and named != tool.name and today_name(named, contract) == tool.name:
        told.append((renamed(tool.name, named), shown(named)))
    data = answer.get("data")
    if answer.get("ok") is True:
        told += _walk(data, "data", _parts(tool), place)
    elif isinstance(data, dict):
        told += _of_keys("refusal", data, contract.refusal)
    yield from told
    if not any(difference.kind == _ORDER for difference, _ in told) and canonical_json(answer) != text:
        # What is left is a list of keys that no part names, or how the text is written.
        sorted_keys = json.dumps(answer) == json.dumps(answer, sort_keys=True)
        yield Difference(place, "spacing or escapes" if sorted_keys else _ORDER), ""


_ORDER: Final = "keys not sorted"


def in_shape(tool: Tool, text: str, contract: Contract) -> str:
    """The recorded answer in today's form: extra fields gone, keys sorted, one spelling, the tool's name.

    Raises:
        BadRecord: MISSING_FIELD for a field that only whoever answered could add, NOT_AN_ANSWER.
    """
    answer = read_answer(text)
    kept = {key: answer[key] for key in contract.envelope if key in answer}
    if "tool" in kept:
        kept["tool"] = tool.name
    if answer.get("ok") is True:
        kept["data"] = _kept(answer.get("data"), "data", _parts(tool))
    elif isinstance(answer.get("data"), dict):
        kept["data"] = {key: answer["data"][key] for key in contract.refusal if key in answer["data"]}
    written = canonical_json(kept)
    for difference, _ in shape_differences(tool, written, contract):
        raise BadRecord("MISSING_FIELD", f"{difference}, and only the shop can answer it")
    return written


def stale_values(tool: Tool, recorded: Mapping[str, Any], today: Mapping[str, Any]) -> Iterator[Told]:
    """Where today's tools say something else to the same call, in the fields that both answers have."""
    place = f"tools.{tool.name}.response"
    if recorded.get("ok") != today.get("ok"):
        was, now = ("accepted" if side.get("ok") else "refused" for side in (recorded, today))
        yield Difference(place, "other outcome", f"{was} in production, {now} today"), ""
    elif not recorded.get("ok"):
        yield from _compared(recorded.get("data"), today.get("data"), "refusal", None, {}, "refusal")
    else:
        data, parts = f"{place}.data", _parts(tool)
        yield from _compared(recorded.get("data"), today.get("data"), place, "data", parts, data)


# -- by parts -------------------------------------------------------------------------------------------

_Parts = Mapping[str, list[str]]


def _parts(tool: Tool) -> _Parts:
    found: dict[str, list[str]] = json.loads(tool.response)
    return found


def _part_of(key: str, inside: str | None, parts: _Parts) -> tuple[str | None, bool]:
    """The part below a key, and whether the key holds many of it."""
    if key in parts:
        return key, False
    for plural in (key, inside or ""):
        for ending in ("es", "s"):
            if plural.endswith(ending) and plural.removesuffix(ending) in parts:
                return plural.removesuffix(ending), True
    return None, False


def _walk(value: object, part: str, parts: _Parts, place: str) -> Iterator[Told]:
    """The differences of a part and of the parts below it."""
    if not isinstance(value, dict):
        yield Difference(f"{place}.{part}", "not an object"), type(value).__name__
        return
    yield from _of_keys(f"{place}.{part}", value, parts.get(part, []))
    for key, child in value.items():
        below, _ = _part_of(key, part, parts)
        if below is not None:
            for each in _each(child, key, part, parts):
                yield from _walk(each, below, parts, place)


def _each(child: object, key: str, inside: str, parts: _Parts) -> Iterator[object]:
    """The objects of the part that a key holds: one, a list, or lists by a name of their own."""
    _, many = _part_of(key, inside, parts)
    if isinstance(child, list):
        yield from child
    elif isinstance(child, dict) and many:
        for named in child.values():
            yield from named if isinstance(named, list) else [named]
    elif isinstance(child, dict):
        yield child
    # A text or null under the name of a part (`path`, `error`) holds nothing.


def _of_keys(place: str, found: Mapping[str, Any], keys: object) -> Iterator[Told]:
    listed = ", ".join(shown(key, 30) for key in found)[:160]
    yield from ((difference, listed) for difference in fields_differ(place, found, keys))
    if list(found) != sorted(found):
        yield Difference(place, _ORDER), listed


def _kept(value: object, part: str, parts: _Parts) -> object:
    """The value without what its part does not name."""
    if not isinstance(value, dict):
        return value
    kept: dict[str, object] = {}
    for key in parts.get(part, value):
        if key not in value:
            continue
        below, many = _part_of(key, part, parts)
        child = value[key]
        if below is None:
            kept[key] = child
        elif isinstance(child, list):
            kept[key] = [_kept(each, below, parts) for each in child]
        elif isinstance(child, dict) and many:
            kept[key] = {
                name: [_kept(each, below, parts) for each in some] if isinstance(some, list) else some
                for name, some in child.items()
            }
        else:
            kept[key] = _kept(child, below, parts)
    return kept


# -- against today's answer -----------------------------------------------------------------------------


def _compared(
    recorded: object, today: object, place: str, part: str | None, parts: _Parts, name: str
) -> Iterator[Told]:
    """Unequal values of one part, each named by the part and its field; `name` is the place of these two."""
    if isinstance(recorded, dict) and isinstance(today, dict):
        for key, value in today.items():
            if key in recorded:
                field = f"{place}.{part}.{key}" if part else name
                below, many = _part_of(key, part, parts)
                pairs = [(recorded[key], value)]
                if many and isinstance(value, dict) and isinstance(recorded[key], dict):
                    pairs = [(recorded[key][by], each) for by, each in value.items() if by in recorded[key]]
                for was, now in pairs:
                    yield from _compared(was, now, place, below, parts if below else {}, field)
    elif isinstance(recorded, list) and isinstance(today, list):
        ours, theirs = _by_identity(today), _by_identity(recorded)
        if list(ours) != list(theirs):
            told = ", ".join(shown(key, 40) for key in theirs)[:160]
            yield Difference(name, "other entries"), told
        for key, value in ours.items():
            if key in theirs:
                yield from _compared(theirs[key], value, place, part, parts, name)
    elif canonical_json(recorded) != canonical_json(today):
        yield Difference(name, "stale value"), shown(recorded)


def _by_identity(entries: list[Any]) -> dict[str, Any]:
    """Entries by what names them, so that a list in another order is not another list of values."""
    found: dict[str, Any] = {}
    for number, entry in enumerate(entries):
        names = ("id", "name", "template_id", "path", "stepId") if isinstance(entry, dict) else ()
        name = next((entry[key] for key in names if entry.get(key) is not None), None)
        key = str(number) if name is None else canonical_json(name)
        found[key if key not in found else f"{key} {number}"] = entry
    return found
