"""What a new step of an edited workflow gets: an id of the kind that its file uses, and a free place.

Both follow from the file and the edit alone: the same edit gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from schemas.workflow.layout import Layout, StepLayout
from schemas.workflow.model import Workflow

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID: Final = re.compile(rf"[0-7][{_CROCKFORD}]{{25}}")
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_ULID_TIME: Final = 10
"""Characters of a ULID that tell the time; the other 16 are chance."""

# Distances on the canvas: to the next step, to a step beside it, and the room that a step takes (Flow's
# exports have 120 to 220 below and 180 to 200 beside in the vertical layout, 340 and 240 in the older one).
_BELOW: Final = ((0, 160), (200, 0))
_BESIDE: Final = ((360, 0), (0, 240))
_ROOM: Final = (180, 100)


def with_new_steps(
    workflow: Workflow, layout: Layout, kept: Sequence[StepLayout | None], spelling: str
) -> list[StepLayout]:
    """`kept` with a layout for each new step."""
    old = [layout for layout in kept if layout is not None]
    if len(old) == len(kept):  # as in a file that is written as it was read
        return old
    ids = _Ids([step.id for step in layout.steps], spelling)
    canvas = _Canvas([step for step in kept if step], layout)
    above: dict[int, tuple[int, str]] = {}
    for link in workflow.links:
        above.setdefault(link.target, (link.source, link.port))
    found = list(kept)
    ready: list[StepLayout] = []
    for number, (step, known) in enumerate(zip(workflow.steps, kept, strict=True)):
        if known is None:
            source, port = above.get(number, (number - 1, ""))
            neighbour = found[source] or ready[number - 1]
            seed = f"{neighbour.id}:{port}:{step.task_id}"
            known = StepLayout(step.task_id, ids.fresh(seed), canvas.beside(neighbour))
            found[number] = known
        ready.append(known)
    return ready


class _Ids:
    """Ids that no step has."""

    def __init__(self, known: Sequence[str | int], spelling: str) -> None:
        self.taken = {str(identity) for identity in known}
        kinds = Counter(map(_kind, known))
        del kinds[""]
        if spelling != "flow" and (kinds["integer"] or not kinds):
            self.kind = "integer"
        else:
            self.kind = max(kinds, key=lambda kind: (kinds[kind], kind), default="uuid")
        numbers = [int(text) for text in self.taken if _NUMBER.fullmatch(text)]
        self.last = max([len(known), *numbers])
        self.time = max((text[:_ULID_TIME] for text in self.taken if _ULID.fullmatch(text)), default="")

    def fresh(self, seed: str) -> str | int:
        """The next number, or an id made from the seed."""
        if self.kind in ("integer", "number"):
            self.last += 1
            return self.last if self.kind == "integer" else str(self.last)
        tries = 0
        while (found := self.made(f"sidewheel:{seed}:{tries}")) in self.taken:
            tries += 1
        self.taken.add(found)
        return found

    def made(self, seed: str) -> str:
        if self.kind == "uuid":
            return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))
        return self.time + "".join(
            _CROCKFORD[byte % 32] for byte in hashlib.sha256(seed.encode()).digest()[:16]
        )


def _kind(identity: str | int) -> str:
    if isinstance(identity, int):
        return "integer"
    for kind, pattern in (("uuid", _UUID), ("ulid", _ULID), ("number", _NUMBER)):
        if pattern.fullmatch(identity):
            return kind
    return ""


class _Canvas:
    """Places that steps take, in cells as large as a step."""

    def __init__(self, steps: Sequence[StepLayout], layout: Layout) -> None:
        self.cells: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for step in steps:
            if step.position:
                self.put(step.position[0], step.position[1])
        self.ahead, self.aside = _BELOW if _is_vertical(layout) else _BESIDE

    def put(self, x: int, y: int) -> None:
        self.cells[x // _ROOM[0], y // _ROOM[1]].append((x, y))

    def is_free(self, x: int, y: int) -> bool:
        column, row = x // _ROOM[0], y // _ROOM[1]
        return not any(
            abs(x - other) < _ROOM[0] and abs(y - over) < _ROOM[1]
            for near in (column - 1, column, column + 1)
            for at in (row - 1, row, row + 1)
            for other, over in self.cells.get((near, at), ())
        )

    def beside(self, neighbour: StepLayout) -> list[int] | None:
        """The free place nearest after a step; None in a file without places."""
        if not neighbour.position:
            return None
        x, y = neighbour.position
        for steps, shift in _rings():
            place = (
                x + steps * self.ahead[0] + shift * self.aside[0],
                y + steps * self.ahead[1] + shift * self.aside[1],
            )
            if self.is_free(*place):
                self.put(*place)
                return list(place)
        raise AssertionError("a canvas has no end")


def _rings() -> Iterator[tuple[int, int]]:
    """(1, 0), (1, 1), (1, -1), then what is two away, three away, ..."""
    reach = 0
    while True:
        reach += 1
        for shift in range(reach + 1):
            for steps in range(1 if shift == reach else reach, reach + 1):
                yield steps, shift
                if shift:
                    yield steps, -shift


def _is_vertical(layout: Layout) -> bool:
    """As the file says; older files say nothing, and their links show it."""
    said = layout.root.get("vertical_layout_enabled")
    if said is not None:
        return bool(said)
    wide = high = 0
    for source, _, target in layout.edges:
        start, end = layout.steps[source].position, layout.steps[target].position
        if start and end:
            wide += abs(end[0] - start[0])
            high += abs(end[1] - start[1])
    return high > wide
