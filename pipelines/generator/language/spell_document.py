"""Whole files: an export, an agent's configuration, a CLI file, each with the mess that genuine ones have."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, Literal

from pipelines.generator.draw import Draw, id_maker
from pipelines.generator.language.noise import compact_json, noisy_json, shuffled
from pipelines.generator.language.spell_value import value_text
from pipelines.generator.language.wording import any_text, note
from schemas.catalog import tasks
from schemas.workflow.model import (
    CONDITION,
    FOREACH,
    ConditionValue,
    PatchedField,
    Step,
    Text,
    Workflow,
)

__all__ = ["SPELLINGS", "Spelling", "spell"]

Spelling = Literal["flow", "agent", "cli"]
SPELLINGS: tuple[Spelling, ...] = ("flow", "agent", "cli")
_PASCAL: Final = re.compile(r"(?:[A-Z][a-z0-9]+)+")
_WORDS: Final = re.compile(r"[A-Z][a-z0-9]+")
_OPTIONAL: Final = ("step_position", "description", "note", "name")


def spell(workflow: Workflow, spelling: Spelling, draw: Draw) -> str:
    """One of the texts that mean this workflow."""
    return _Speller(workflow, spelling, draw).text()


class _Speller:
    def __init__(self, workflow: Workflow, spelling: Spelling, draw: Draw) -> None:
        self.workflow = workflow
        self.spelling = spelling
        self.draw = draw
        self.tidy = draw.chance(0.4)
        self.new_uuid = id_maker(draw, draw.pick(("uuid4", "uuid1", "uuid7", "ulid", "mixed")))

    def text(self) -> str:
        draw = self.draw
        value = self.document()
        if self.spelling == "cli":
            return json.dumps(_sorted(value), ensure_ascii=False, indent=2 if draw.chance(0.9) else 1) + "\n"
        if self.spelling == "agent":
            if draw.chance(0.5):
                return json.dumps(value, ensure_ascii=False, indent=2)
            return noisy_json(draw, value)
        body = compact_json(value) if self.tidy or draw.chance(0.8) else noisy_json(draw, value).lstrip()
        return f"{draw.hex(64)}:{body}" if draw.chance(0.95) else body

    def document(self) -> dict[str, Any]:
        ids = self.ids()
        steps = [self.step(step, ids[number]) for number, step in enumerate(self.steps())]
        links = [
            self.maybe_shuffled(
                {
                    "from_step_id": ids[link.source],
                    "from_port_id": link.port,
                    "to_step_id": ids[link.target],
                    "to_port_id": "input",
                }
            )
            for link in self.workflow.links
        ]
        root: dict[str, Any] = {
            "steps": [steps[number] for number in self.step_order()],
            "links": [links[number] for number in self.link_order()],
        }
        return self.around(root)

    def around(self, root: dict[str, Any]) -> dict[str, Any]:
        """The keys beside steps and links: as many as files of some year have."""
        draw, workflow = self.draw, self.workflow
        age = draw.between(0, 3)
        if workflow.patched_fields or age > 0:
            root["patched_fields"] = [self.patched(each) for each in workflow.patched_fields]
        if age > 1:
            root["variables"] = []
            root["note"] = self.caption()
        if age > 2:
            root["vertical_layout_enabled"] = draw.chance(0.8)
        if workflow.name or self.tidy or draw.chance(0.5):
            root["workflow_name"] = workflow.name
        root = self.maybe_shuffled(root)
        if self.tidy or draw.chance(0.8):
            return {"__metadata": {"version": 0.1}, "root": root}
        return root if draw.chance(0.5) else {"root": root}

    def ids(self) -> list[str | int]:
        """Unique ids: of one kind, of mixed kinds, whole numbers, or any text."""
        draw, size = self.draw, len(self.workflow.steps)
        style = draw.between(0, 9)
        if style == 0:
            texts = dict.fromkeys(any_text(draw)[:60] for _ in range(size))
            return [*texts, *(self.new_uuid() for _ in range(size - len(texts)))]
        if style == 1:
            return [number if number % 2 else str(number - 1) for number in range(size)]
        if self.spelling != "flow" and style < 8:
            first = draw.pick((1, 0, -3, 2**60))
            numbers = [*range(first, first + size)]
            return [*draw.mixed(numbers)] if draw.chance(0.3) else [*numbers]
        return [self.new_uuid() for _ in range(size)]

    # -- steps ------------------------------------------------------------------------------------------

    def steps(self) -> list[tuple[Step, str | None]]:
        """Each step with its default name, which counts the uses of a label in canonical order."""
        uses: Counter[str] = Counter()
        found: list[tuple[Step, str | None]] = []
        for step in self.workflow.steps:
            label = tasks.default_step_name(step.task_id)
            number = uses[label] if label else 0
            found.append((step, f"{label} ({number})" if number else label))
            if label:
                uses[label] += 1
        return found

    def step(self, entry: tuple[Step, str | None], identity: str | int) -> dict[str, Any]:
        step, default = entry
        draw = self.draw
        plain: dict[str, Any] = {
            "step_id": identity,
            "step_position": [draw.between(-900, 2000), draw.between(-200, 4000)],
            "config_field_values": self.fields(step),
            "task_id": step.task_id,
            "task_version": step.version,
            "task_type": step.kind,
            "description": self.caption(),
            "note": self.caption(),
            "name": step.name,
        }
        if step.kind in (CONDITION, FOREACH):
            plain["name"] = self.caption()
        elif step.name is None and (self.spelling == "flow" or draw.chance(0.2)):
            plain["name"] = default if draw.chance(0.9) else None
        if not self.tidy and draw.chance(0.1):
            plain["step_position"] = None
        leave_out = 0.05 if self.spelling == "flow" else 0.8
        for key in _OPTIONAL:
            if not self.tidy and plain[key] is None and draw.chance(leave_out):
                del plain[key]
        if not plain["config_field_values"] and not self.tidy and draw.chance(0.5):
            del plain["config_field_values"]
        return self.maybe_shuffled(plain)

    def fields(self, step: Step) -> list[dict[str, Any]]:
        draw = self.draw
        unset = step.fields in ((("condition", ConditionValue(None)),), (("listpath", Text("")),))
        if unset and step.kind in (CONDITION, FOREACH) and draw.chance(0.2):
            return []
        entries = [
            self.maybe_shuffled(
                {
                    "config_field_id": field,
                    "value": value_text(draw, value, self.spelling, self.new_uuid),
                }
            )
            for field, value in step.fields
        ]
        return entries if self.tidy or draw.chance(0.5) else draw.mixed(entries)

    def caption(self) -> str | None:
        """A caption or note; most are null."""
        choice = self.draw.random()
        if choice < 0.7:
            return None
        return note(self.draw) if choice < 0.9 else any_text(self.draw)

    def patched(self, found: PatchedField) -> dict[str, Any]:
        draw = self.draw
        arguments = json.loads(found.arguments)
        if not self.tidy and draw.chance(0.5):
            arguments = shuffled(draw, arguments)
        owner = found.owner
        if self.spelling != "flow" and _PASCAL.fullmatch(owner) and draw.chance(0.8):
            owner = "_".join(_WORDS.findall(owner)).upper()
        as_text = draw.chance(0.95 if self.spelling == "flow" else 0.1)
        plain = {
            "id": self.new_uuid(),
            "handle": found.handle,
            "field": found.field,
            "patched_type": owner,
            "arguments": (noisy_json(draw, arguments) if draw.chance(0.2) else compact_json(arguments))
            if as_text
            else arguments,
            "merchant_configured": found.merchant_configured,
        }
        if self.spelling != "flow" and draw.chance(0.8):
            del plain["id"]
        if found.merchant_configured and not self.tidy and draw.chance(0.3):
            del plain["merchant_configured"]
        return self.maybe_shuffled(plain)

    # -- order ------------------------------------------------------------------------------------------

    def maybe_shuffled(self, value: dict[str, Any]) -> dict[str, Any]:
        return value if self.tidy or self.draw.chance(0.95) else shuffled(self.draw, value)

    def step_order(self) -> list[int]:
        """Any order; only that of steps which nothing leads to means something."""
        numbers = list(range(len(self.workflow.steps)))
        if self.draw.chance(0.4):
            return numbers
        return self.mixed_but(numbers, self.unreachable())

    def link_order(self) -> list[int]:
        """Any order; only that of links on one port means something."""
        links = self.workflow.links
        numbers = list(range(len(links)))
        if self.draw.chance(0.4):
            return numbers
        mixed = self.draw.mixed(numbers)
        ports: dict[tuple[int, str], list[int]] = {}
        for number in numbers:
            ports.setdefault((links[number].source, links[number].port), []).append(number)
        return [ports[links[number].source, links[number].port].pop(0) for number in mixed]

    def mixed_but(self, numbers: Sequence[int], fixed: set[int]) -> list[int]:
        """In another order, `fixed` ones among themselves as they were."""
        kept = iter([number for number in numbers if number in fixed])
        return [next(kept) if number in fixed else number for number in self.draw.mixed(numbers)]

    def unreachable(self) -> set[int]:
        behind: dict[int, list[int]] = {}
        for link in self.workflow.links:
            behind.setdefault(link.source, []).append(link.target)
        seen, ahead = {0}, [0]
        while ahead:
            for target in behind.get(ahead.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    ahead.append(target)
        return set(range(len(self.workflow.steps))) - seen


def _sorted(value: Any) -> Any:
    """Keys in order at every level."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(part) for part in value] if isinstance(value, list) else value
