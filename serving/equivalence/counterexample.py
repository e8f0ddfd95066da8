"""An event on which two workflows part, as small as it gets, for a person to read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.tools import canonical_json
from serving.equivalence.effects import Left, parted
from serving.simulator.events import Event, Json

__all__ = ["Counterexample", "Signature", "shrunk", "signature"]

_WIDTH: Final = 54
_MOST_LINES: Final = 8
_MOST_RUNS: Final = 250
"""Of both workflows, to find a smaller event."""

Signature = tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]
"""Kinds and tasks of what only the first and only the second left."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Where two workflows differ. `str()` is what a person reads, in about 20 lines."""

    why: str
    """One sentence on where they part."""
    event: Event | None = None
    """None where they differ before any event: another trigger, another timetable."""
    roots: tuple[str, ...] = ()
    """The roots of the event that are shown; the others are the same records under further names."""
    a: tuple[Left, ...] = ()
    b: tuple[Left, ...] = ()

    def __str__(self) -> str:
        if self.event is None:
            return self.why
        lines = ["on this event:", *(f"  {line}" for line in self._event_lines()), ""]
        lines.append(f"  {'the first leaves':<{_WIDTH}}   the second leaves")
        lines += [f"  {line}" for line in self._beside()]
        return "\n".join([*lines, "", self.why])

    def _event_lines(self) -> list[str]:
        assert self.event is not None
        found = [
            line
            for root in self.roots
            if root in self.event.roots
            for line in _flat(root, self.event.roots[root])
        ]
        if len(found) > 2 * _MOST_LINES:
            found = [*found[: 2 * _MOST_LINES - 1], f"and {len(found) - 2 * _MOST_LINES + 1} more"]
        return found or ["nothing of it is read"]

    def _beside(self) -> Iterator[str]:
        only_a, only_b = parted(self.a, self.b)
        rows: list[tuple[Left | None, Left | None]] = []
        left = list(self.a)
        right = list(self.b)
        while left or right:
            x = left[0] if left else None
            y = right[0] if right else None
            if x in only_a and y is not None and y not in only_b:
                y = None
            elif y in only_b and x is not None and x not in only_a:
                x = None
            rows.append((x, y))
            left = left[1:] if x is not None else left
            right = right[1:] if y is not None else right
        first = next((n for n, (x, y) in enumerate(rows) if x in only_a or y in only_b), 0)
        start = max(0, min(first - 2, len(rows) - _MOST_LINES))
        if start:
            yield f"({start} before, the same)"
        for x, y in rows[start : start + _MOST_LINES]:
            sign = " " if x not in only_a and y not in only_b else "|"
            yield f"{_line(x):<{_WIDTH}} {sign} {_line(y)}".rstrip()
        if len(rows) > start + _MOST_LINES:
            yield f"({len(rows) - start - _MOST_LINES} more)"

    def to_json(self) -> Json:
        """The same for a program."""
        return {
            "why": self.why,
            "event": None if self.event is None else json.loads(self.event.to_json()),
            "a": [_told(each) for each in self.a],
            "b": [_told(each) for each in self.b],
        }


def signature(a: Sequence[Left], b: Sequence[Left]) -> Signature:
    """What kind of difference two runs show."""
    only_a, only_b = parted(a, b)
    return (
        Counter((each.effect.kind, each.effect.task_id) for each in only_a),
        Counter((each.effect.kind, each.effect.task_id) for each in only_b),
    )


def shrunk(roots: Mapping[str, Json], still: Callable[[Mapping[str, Json]], bool]) -> dict[str, Json]:
    """The roots without what does not matter: the large first, then fields and items inside the rest.

    `still` runs both workflows and says whether they part as before; it is asked at most 250 times.
    """
    return _Shrinking(dict(roots), still).all()


class _Shrinking:
    def __init__(self, roots: dict[str, Json], still: Callable[[Mapping[str, Json]], bool]) -> None:
        self.roots = roots
        self.still = still
        self.num_runs = 0

    def all(self) -> dict[str, Json]:
        self.below((), self.roots)
        return self.roots

    def below(self, place: tuple[str | int, ...], value: Json) -> None:
        """Leave out what can be left out of an object or list that stays."""
        if isinstance(value, dict):
            for field in list(value):
                if not self.left_out((*place, field)):
                    self.below((*place, field), value[field])
        elif isinstance(value, list):
            for number in reversed(range(len(value))):  # from the end, so that the others keep their numbers
                if not self.left_out((*place, number)):
                    self.below((*place, number), value[number])

    def left_out(self, place: tuple[str | int, ...]) -> bool:
        if self.num_runs == _MOST_RUNS:
            return False
        self.num_runs += 1
        smaller = _without(self.roots, place)
        if not self.still(smaller):
            return False
        self.roots = smaller
        return True


def _without(value: Json, place: tuple[str | int, ...]) -> Any:
    part, rest = place[0], place[1:]
    if isinstance(part, int):
        inner = [_without(value[part], rest)] if rest else []
        return [*value[:part], *inner, *value[part + 1 :]]
    if rest:
        return {**value, part: _without(value[part], rest)}
    return {name: inner for name, inner in value.items() if name != part}


def _flat(name: str, value: Json) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for field, inner in value.items():
            yield from _flat(f"{name}.{field}", inner)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _flat(f"{name}[{number}]", item)
    else:
        yield _cut(f"{name} = {canonical_json(value)}", 2 * _WIDTH)


def _line(left: Left | None) -> str:
    if left is None:
        return "-"
    effect = left.effect
    values = json.loads(effect.values)
    name = effect.task_id.rpartition("::")[2]
    if isinstance(values, dict):
        said = " ".join(f"{field}={canonical_json(inner)}" for field, inner in values.items())
    else:
        said = canonical_json(values)
    return _cut(f"{name} {said}" if effect.kind != "error" else f"error in {name}: {values['code']}", _WIDTH)


def _told(left: Left) -> Json:
    return {
        "kind": left.effect.kind,
        "step": left.effect.step,
        "task_id": left.effect.task_id,
        "values": json.loads(left.effect.values),
    }


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
