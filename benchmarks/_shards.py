"""A small lake made by the jobs as a person runs them: its shard set and the tokenizer that goes with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

WEEK = "2026-W47"
SEED = 7
SIDEWHEEL = Path(sys.executable).with_name("sidewheel")


def made_shards(folder: Path, num: int) -> tuple[Path, Path]:
    """(shard folder, tokenizer) of `num` generated workflow records."""
    dump, lake, tokenizer = folder / "dump", folder / "lake", folder / "tokenizer.json"
    week = ("--lake", lake, "--week", WEEK)
    _run("generate_workflows", "--output", dump, "--num", num, "--seed", SEED, "--week", WEEK)
    _run("ingest_workflows", "--inputs", dump, "--lake", lake)
    _run("curate_workflows", *week)
    _run("synthesize_conversations", *week)
    _run("train_tokenizer", *week, "--output", tokenizer)
    _run("write_shards", *week, "--tokenizer", tokenizer)
    (shards,) = (lake / "gold" / "shards").glob(f"{WEEK}-*")
    return shards, tokenizer


def week_of(shards: Path) -> str:
    week: str = json.loads((shards / "manifest.json").read_text(encoding="utf-8"))["week"]
    return week


def _run(*command: object) -> None:
    done = subprocess.run([SIDEWHEEL, *map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} exited {done.returncode}:\n{done.stderr[-3000:]}")
