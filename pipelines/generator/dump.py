"""Production records: workflows of shops with their run statistics, in blocks that depend on nothing else.

A record is one JSON line: `workflow_id`, `shop_id`, `workflow` (text in any spelling), `created_at`,
`updated_at`, `last_run_at`, `num_runs_7d`, `active`. Shops have 1 to 60 workflows with a heavy tail; their
records are scattered over the block.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

import orjson

from pipelines.generator.compose import draw_sketch
from pipelines.generator.damage import ALONE, KINDS, damaged_line, damaged_row, stray_line
from pipelines.generator.draw import Draw, new_uuid
from pipelines.generator.pieces import Sketch
from pipelines.generator.spell_workflow import Document, document_of, text_of
from pipelines.generator.style import Style, draw_style

__all__ = ["BLOCK_LINES", "Block", "Plan", "draw_block"]

BLOCK_LINES = 200
LARGEST_SHOP = 60
SHOP_TAIL = 1.15
"""The share of shops with at least k workflows is k to the power of minus this."""

DAY = 86_400

RunClass = Literal["within", "at_start", "at_end", "after", "before", "never"]
RUN_CLASSES: tuple[RunClass, ...] = ("within", "before", "never", "after", "at_start", "at_end")
RUN_LIMITS = (0.58, 0.83, 0.94, 0.98, 0.99, 1.0)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to generate."""

    seed: int
    """Everything follows from it."""
    num: int
    """Lines in all, planted bad ones included."""
    week_end: int
    """The end of the reference week, in seconds since 1970 UTC."""
    bad_share: float = 0.02
    """Share of planted rows; from 1,000 lines on, every kind is planted at least once."""
    large_bytes: int = 65_536
    """Length of the note of the planted large workflow."""

    def __post_init__(self) -> None:
        if self.num < 1:
            raise ValueError(f"num is {self.num}; give at least 1")
        if not 0 <= self.bad_share <= 0.5:
            raise ValueError(f"bad_share is {self.bad_share}; give a share from 0 to 0.5")
        if not 0 <= self.large_bytes <= 1 << 30:
            raise ValueError(f"large_bytes is {self.large_bytes}; give 0 to {1 << 30}")

    @property
    def num_blocks(self) -> int:
        """Blocks of the dump; the last one takes what is left over."""
        return max(1, self.num // BLOCK_LINES)

    @property
    def num_planted(self) -> int:
        """Planted rows in all."""
        planted = round(self.num * self.bad_share)
        return max(planted, len(KINDS)) if self.bad_share and self.num >= 1000 else planted

    def planted_before(self, line: int) -> int:
        """Planted rows that belong to the lines before this one: spread evenly."""
        return line * self.num_planted // self.num


@dataclass(slots=True)
class Block:
    """The lines of one block, without their line ends, and what they are."""

    lines: list[bytes] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    """For each line the kind of damage, empty for a sound one."""
    truth: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(`spelling`, `intent`, `runs` or `shops`; which one) -> sound lines, or shops."""


@dataclass(slots=True)
class Row:
    """One record before it is a line."""

    envelope: dict[str, Any]
    sketch: Sketch
    style: Style
    document: Document
    runs: RunClass


def draw_block(plan: Plan, number: int) -> Block:
    """One block: the same for the same plan, whoever asks and whenever."""
    draw = Draw(plan.seed, "block", number)
    first = number * BLOCK_LINES
    size = BLOCK_LINES if number < plan.num_blocks - 1 else plan.num - first
    start, end = plan.planted_before(first), plan.planted_before(first + size)
    kinds = [KINDS[place % len(KINDS)] for place in range(start, end)]
    block = Block()
    shops = _Shops(draw, number)
    envelopes = []
    sound = []
    for _ in range(size - len(kinds)):
        row = _draw_row(plan, draw, shops)
        row.envelope["workflow"] = text_of(row.document, row.style, draw)
        envelopes.append(row.envelope)
        sound.append((orjson.dumps(row.envelope), ""))
        block.truth["spelling", row.style.spelling] += 1
        block.truth["intent", row.sketch.intent] += 1
        block.truth["runs", row.runs] += 1
    planted = [(_planted_line(kind, plan, draw, shops, envelopes), kind) for kind in kinds]
    for line, kind in draw.mixed(sound + planted):
        block.lines.append(line)
        block.kinds.append(kind)
    block.truth["shops", "all"] += shops.count
    return block


class _Shops:
    """Gives each record its shop."""

    def __init__(self, draw: Draw, block: int) -> None:
        self.draw = draw
        self.first = 50_000_000_000 + block * BLOCK_LINES
        self.count = 0
        self.left = 0

    def next(self) -> str:
        if not self.left:
            self.count += 1
            self.left = min(LARGEST_SHOP, int((1 - self.draw.random()) ** (-1 / SHOP_TAIL)))
        self.left -= 1
        return str(self.first + self.count)


def _draw_row(plan: Plan, draw: Draw, shops: _Shops) -> Row:
    sketch = draw_sketch(draw)
    style = draw_style(draw)
    document = document_of(sketch, style, draw)
    runs = draw.weighted(RUN_CLASSES, RUN_LIMITS)
    created, updated = _made(plan, style.era, draw)
    last_run, num_runs = _ran(plan, runs, created, draw)
    envelope = {
        "workflow_id": new_uuid(draw),
        "shop_id": shops.next(),
        "workflow": "",
        "created_at": _time(created),
        "updated_at": _time(updated),
        "last_run_at": None if last_run is None else _time(last_run),
        "num_runs_7d": num_runs,
        "active": draw.chance(0.97 if num_runs else 0.6),
    }
    return Row(envelope, sketch, style, document, runs)


def _made(plan: Plan, era: int, draw: Draw) -> tuple[int, int]:
    """When it was created (in its era, but two weeks before the week ends) and last changed."""
    newest = plan.week_end - 15 * DAY
    created = min(_year_start(era) + draw.between(0, 365 * DAY), newest - draw.between(0, 60 * DAY))
    if draw.chance(0.4):
        return created, created
    return created, created + int((newest - created) * draw.random() ** 2)


def _ran(plan: Plan, runs: RunClass, created: int, draw: Draw) -> tuple[int | None, int]:
    """When it last ran, and how often in the seven days before the dump."""
    start, end = plan.week_end - 7 * DAY, plan.week_end
    busy = 1 + int(min(draw.lognormal(12, 1.8), 1_000_000))
    if runs == "within":
        return draw.between(start + 1, end - 1), busy
    if runs == "at_start":
        return start, 1
    if runs == "at_end":
        return end, busy
    if runs == "after":
        return end + draw.between(1, 2 * DAY), busy
    if runs == "before":
        return max(created, start - draw.between(1, 400 * DAY)), 0
    return None, 0


def _planted_line(kind: str, plan: Plan, draw: Draw, shops: _Shops, envelopes: list[dict[str, Any]]) -> bytes:
    if kind in ALONE:
        return stray_line(kind, draw)
    if kind == "repeated":
        return orjson.dumps(draw.pick(envelopes))
    row = _draw_row(plan, draw, shops)
    if kind == "superseded":
        return _older_version(row, draw.pick(envelopes), draw)
    while not damaged_row(kind, row.document, row.envelope, draw, plan.large_bytes):
        row = _draw_row(plan, draw, shops)
    row.envelope["workflow"] = text_of(row.document, row.style, draw)
    return damaged_line(kind, row.envelope, draw)


def _older_version(row: Row, newer: dict[str, Any], draw: Draw) -> bytes:
    """What the same workflow was before its last change."""
    older = row.envelope | {
        key: newer[key] for key in ("workflow_id", "shop_id", "created_at", "last_run_at", "num_runs_7d")
    }
    changed = datetime.fromisoformat(newer["updated_at"].rstrip("Z")) - timedelta(
        seconds=draw.between(1, 90 * DAY)
    )
    older["updated_at"] = f"{changed.isoformat()}Z"
    older["workflow"] = text_of(row.document, row.style, draw)
    return orjson.dumps(older)


def _time(seconds: int) -> str:
    day, second = divmod(seconds, DAY)
    return f"{_date(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


@functools.lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


@functools.cache
def _year_start(year: int) -> int:
    return (date(year, 1, 1) - date(1970, 1, 1)).days * DAY
