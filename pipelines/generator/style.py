"""How a workflow is written down: which spelling, which age of the editor, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.generator.draw import Draw, IdStyle
from pipelines.generator.spell_condition import TreeStyle

__all__ = ["SPELLINGS", "Spelling", "Style", "draw_style"]

Spelling = Literal["flow", "agent", "cli"]
SPELLINGS: tuple[Spelling, ...] = ("flow", "agent", "cli")
SPELLING_LIMITS = (0.80, 0.95, 1.0)

ERAS = (2022, 2023, 2024, 2025, 2026)
ERA_LIMITS = (0.08, 0.22, 0.42, 0.64, 1.0)
"""Most workflows of a living shop are young."""


@dataclass(slots=True)
class Style:
    """One workflow's way of being written."""

    spelling: Spelling
    era: int
    """The year the workflow was made, which decides the export's key set and ids."""
    num_root_keys: Literal[3, 4, 6, 7]
    ids: IdStyle
    bare_references: bool
    """References are `order.id` (older) instead of a value/default_value object."""
    signed: bool
    vertical: bool
    tree: TreeStyle
    step_order: Literal["drawn", "trigger last", "mixed"]
    link_order: Literal["drawn", "conditions first", "mixed"]


def draw_style(draw: Draw) -> Style:
    """The parts of a style go together as they do in real exports: the era decides most of them."""
    era = draw.weighted(ERAS, ERA_LIMITS)
    spelling = draw.weighted(SPELLINGS, SPELLING_LIMITS)
    if spelling != "flow":
        era = 2026
    scripted = era >= 2025 and draw.chance(0.05)
    wrong_parent = draw.chance(0.03)
    if era <= 2023:
        oldest = draw.chance(0.35)
        tree = TreeStyle(
            wrap=False,
            full_path="flattened" if oldest else ("same" if draw.chance(0.8) else "none"),
            capital=oldest,
            empty_list_path=False,
            spaced=False,
            wrong_parent=wrong_parent,
        )
        keys: Literal[3, 4, 6, 7] = 3
    else:
        tree = TreeStyle(
            wrap=draw.chance(0.9),
            full_path="same" if draw.chance(0.95) else "none",
            capital=False,
            empty_list_path=draw.chance(0.2),
            spaced=scripted,
            wrong_parent=wrong_parent,
        )
        keys = 4 if era == 2024 else (6 if era == 2025 else 7)
    if era <= 2023:
        ids: IdStyle = draw.weighted(("uuid4", "uuid1", "mixed"), (0.5, 0.9, 1.0))
    elif era == 2024:
        ids = draw.weighted(("uuid1", "uuid4", "mixed", "uuid7"), (0.6, 0.8, 0.95, 1.0))
    else:
        ids = draw.weighted(("ulid", "uuid1", "mixed", "uuid7"), (0.7, 0.85, 0.95, 1.0))
    return Style(
        spelling=spelling,
        era=era,
        num_root_keys=keys,
        ids=ids,
        bare_references=era <= 2023 or (era == 2024 and draw.chance(0.7)),
        signed=draw.chance(0.97),
        vertical=era >= 2026,
        tree=tree,
        step_order=draw.weighted(("drawn", "trigger last", "mixed"), (0.75, 0.87, 1.0)),
        link_order=draw.weighted(("drawn", "conditions first", "mixed"), (0.45, 0.8, 1.0)),
    )
