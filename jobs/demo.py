"""The whole way in one process: records, ingest, curate, shards, questions, and the ledger of every row."""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Sequence

from jobs._console import write
from jobs._main import Summary
from jobs.query import query

__all__ = ["demo"]

SEED = 20261122
WEEK = "2026-W47"
QUERIES = ("fates_by_reason", "popular_tasks", "slices_by_trigger")


def demo(*, output: str, num: int, inputs: Sequence[str]) -> int:
    """Run every step below the folder `output`, each announced as the command that does the same.

    Doing it again changes nothing. Raises what the steps raise: it stops at the first that fails.
    """
    records, lake = f"{output}/records", f"{output}/lake"
    week = ("--lake", lake, "--week", WEEK)
    unknown = ("--accept-unknown-runs",) if inputs else ()  # bare exports have no run statistics
    num_steps = 4 + len(QUERIES)

    def step(number: int, name: str, *argv: str) -> Summary:
        _announce(f"[{number}/{num_steps}]", name, *argv)
        summary: Summary = importlib.import_module(f"jobs.{name}").main.summarise(argv)
        return summary

    step(1, "generate_workflows", "--num", str(num), "--seed", str(SEED), "--output", records)
    came = step(2, "ingest_workflows", "--inputs", records, *inputs, "--lake", lake)
    fates = step(3, "curate_workflows", *week, *unknown)
    shards = step(4, "write_shards", *week)
    for number, name in enumerate(QUERIES, 5):
        _announce(f"[{number}/{num_steps}]", "query", name, "--lake", lake)
        query(name, lake=lake, form="table", output=None)
    _conclude(came, fates, shards, lake)
    return 0


def _announce(number: str, *command: str) -> None:
    line = f"{number} sidewheel {shlex.join(command)}"
    write(f"\n\x1b[1m{line}\x1b[0m\n" if sys.stdout.isatty() else f"\n{line}\n")


def _conclude(came: Summary, fates: Summary, shards: Summary, lake: str) -> None:
    distinct = int(came["new"]) + int(came["known"])
    added = " + ".join(f"{fates[end]} {end}" for end in ("training", "quarantine", "rejected"))
    question = shlex.quote("SELECT python FROM silver.workflows WHERE exact LIMIT 1")
    where = shlex.quote(lake)
    write(
        f"\nledger: {came['read']} records in = {distinct} distinct + {came['repeated']} repeated\n"
        f"        {fates['read']} in the lake = {added}\n"
        f"shards: {shards['path']}\n\n"
        "try next:\n"
        f"  sidewheel query --lake {where}   (lists the questions that ship)\n"
        f"  sidewheel query {question} --lake {where} --format json\n"
        "  make demo INPUT=folder/of/your/own/exports\n"
    )
