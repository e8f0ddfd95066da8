"""A dump on disk: JSON Lines in one or several files, and a sidecar that says what was planted."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from pipelines.generator.damage import KINDS
from pipelines.generator.dump import Plan, draw_block
from schemas.errors import UsageError

__all__ = ["TRUTH_FILE", "write_dump"]

TRUTH_FILE = "_truth.json"
WORTH_A_PROCESS = 20_000
"""Lines below which a second process costs more than it brings."""


@dataclass(slots=True)
class _File:
    """What one file holds."""

    num_lines: int = 0
    num_bytes: int = 0
    planted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Kind -> line numbers, from 1."""
    truth: Counter[tuple[str, str]] = field(default_factory=Counter)


def write_dump(plan: Plan, folder: Path, num_files: int = 1) -> dict[str, Any]:
    """Write `workflows-00000.jsonl`, ... and `_truth.json`; gives what `_truth.json` holds.

    The lines, put together, are the same for any number of files. A file appears under its name when it is
    complete.

    Raises:
        UsageError: the folder cannot be written to or holds files of another dump, or there are more files
            than blocks.
    """
    if not 1 <= num_files <= plan.num_blocks:
        raise UsageError(f"num_files is {num_files}; {plan.num} lines can be in 1 to {plan.num_blocks} files")
    names = [f"workflows-{number:05}.jsonl" for number in range(num_files)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = sorted({path.name for path in folder.glob("workflows-*.jsonl")} - set(names))
        if foreign:
            raise UsageError(f"{folder} holds {foreign[0]} of another dump; choose another folder")
        written = dict(zip(names, _write_files(plan, [folder / name for name in names]), strict=True))
        truth = _truth(plan, written)
        text = orjson.dumps(truth, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (folder / TRUTH_FILE).write_bytes(text)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from error
    return truth


def _write_files(plan: Plan, paths: list[Path]) -> Iterator[_File]:
    limits = [number * plan.num_blocks // len(paths) for number in range(len(paths) + 1)]
    parts = [range(first, last) for first, last in pairwise(limits)]
    workers = min(len(paths), os.cpu_count() or 1)
    if workers == 1 or plan.num < WORTH_A_PROCESS:
        yield from map(_write_file, [plan] * len(paths), paths, parts)
        return
    # Spawned, because a forked copy of a process with threads may hang.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_write_file, [plan] * len(paths), paths, parts)


def _write_file(plan: Plan, path: Path, blocks: range) -> _File:
    """Write some blocks, with one of them in memory at a time."""
    written = _File()
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        for number in blocks:
            block = draw_block(plan, number)
            file.write(b"\n".join(block.lines) + b"\n")
            for line, kind in enumerate(block.kinds, written.num_lines + 1):
                if kind:
                    written.planted[kind].append(line)
            written.num_lines += len(block.lines)
            written.truth.update(block.truth)
        written.num_bytes = file.tell()
    part.replace(path)
    return written


def _truth(plan: Plan, files: dict[str, _File]) -> dict[str, Any]:
    sound: dict[str, dict[str, int]] = {"spelling": {}, "runs": {}, "intent": {}, "shops": {}}
    total = sum((file.truth for file in files.values()), Counter[tuple[str, str]]())
    for (group, name), count in sorted(total.items()):
        sound[group][name] = count
    num_shops = sum(sound.pop("shops").values())
    lines = {
        kind: {name: file.planted[kind] for name, file in files.items() if kind in file.planted}
        for kind in KINDS
    }
    planted = {kind: sum(map(len, places.values())) for kind, places in lines.items()}
    return {
        "seed": plan.seed,
        "week_end": plan.week_end,
        "bad_share": plan.bad_share,
        "num_lines": plan.num,
        "num_planted": sum(planted.values()),
        "num_sound": plan.num - sum(planted.values()),
        "num_shops": num_shops,
        "planted": planted,
        "planted_lines": lines,
        "sound": sound,
        "files": {name: {"lines": file.num_lines, "bytes": file.num_bytes} for name, file in files.items()},
    }
