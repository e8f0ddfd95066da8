"""A dump on disk: JSON Lines in one or several files, and a sidecar that says what was planted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from pipelines.generator.dump import Plan, draw_block
from schemas.errors import UsageError

__all__ = ["TRUTH_FILE", "write_dump"]

TRUTH_FILE = "truth.json"
WORTH_A_PROCESS = 20_000
"""Lines below which a second process costs more than it brings."""

Truth = Counter[tuple[str, str]]


def write_dump(plan: Plan, folder: Path, num_files: int = 1) -> dict[str, Any]:
    """Write `workflows-00000.jsonl`, ... and `truth.json`; gives what `truth.json` holds.

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
            raise UsageError(
                f"{folder} holds {foreign[0]} of another dump; choose another folder or remove it"
            )
        counts = list(_write_files(plan, [folder / name for name in names]))
        truth = _truth(plan, dict(zip(names, counts, strict=True)))
        (folder / TRUTH_FILE).write_bytes(
            orjson.dumps(truth, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror or error}") from error
    return truth


def _write_files(plan: Plan, paths: list[Path]) -> Iterator[tuple[int, int, Truth]]:
    limits = [number * plan.num_blocks // len(paths) for number in range(len(paths) + 1)]
    parts = [range(first, last) for first, last in pairwise(limits)]
    workers = min(len(paths), os.cpu_count() or 1)
    if workers == 1 or plan.num < WORTH_A_PROCESS:
        yield from map(_write_file, [plan] * len(paths), paths, parts)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_write_file, [plan] * len(paths), paths, parts)


def _write_file(plan: Plan, path: Path, blocks: range) -> tuple[int, int, Truth]:
    """Write some blocks; gives lines, bytes and what they are. One block is in memory at a time."""
    truth: Truth = Counter()
    lines = 0
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        for number in blocks:
            block = draw_block(plan, number)
            file.write(b"\n".join(block.lines) + b"\n")
            lines += len(block.lines)
            truth.update(block.truth)
        size = file.tell()
    part.replace(path)
    return lines, size, truth


def _truth(plan: Plan, files: dict[str, tuple[int, int, Truth]]) -> dict[str, Any]:
    total: Truth = Counter()
    for _, _, truth in files.values():
        total.update(truth)
    grouped: dict[str, dict[str, int]] = {
        "planted": {},
        "spelling": {},
        "runs": {},
        "intent": {},
        "shops": {},
    }
    for (group, name), count in sorted(total.items()):
        grouped[group][name] = count
    num_planted = sum(grouped["planted"].values())
    return {
        "seed": plan.seed,
        "week_end": plan.week_end,
        "bad_share": plan.bad_share,
        "num_lines": plan.num,
        "num_planted": num_planted,
        "num_sound": plan.num - num_planted,
        "num_shops": grouped["shops"]["all"],
        "planted": grouped["planted"],
        "sound": {key: grouped[key] for key in ("spelling", "runs", "intent")},
        "files": {name: {"lines": lines, "bytes": size} for name, (lines, size, _) in files.items()},
    }
