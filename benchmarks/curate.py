"""How curation grows with the records, and what the same rules cost in DuckDB and in datatrove.

    python benchmarks/curate.py [--sizes 10000 100000 1000000] [--peers-at 100000] [--no-gate-only]

Prints two tables. CPU seconds are user and system time of the whole tree of processes, JVM and Python workers
included; the peak is memory that no two processes share twice.

* growth: `ingest_workflows`, `curate_workflows` and, up to 10,000 records, what makes shards of those that
  train (`synthesize_conversations`, `train_tokenizer`, `write_shards`) as commands, each a fresh process, at
  every size. `fixed` is what the same command takes on 500 records, `ms a row` what each record beyond those
  adds in CPU time, and growth is that beside the smallest size at which the records cost as much as a quarter
  of the fixed part (below it a quotient of small differences says nothing): 1.0 is linear.
* peers: one job without the round-trip gate, over the same files, by DuckDB, datatrove and our functions:
  newest sound record of each workflow, ran in the week's last 7 days, shop with two or more such, one per
  descriptor, written as zstd Parquet. The descriptor is what SQL can say too: the sorted `task_id`s in the
  text. Whether all kept the same rows is told by a hash of the kept workflows and their descriptors.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.dataset as ds
from _measured import Measured, measured

SEED = 7
WEEK = "2026-W47"
FEW = 500
MOST_WITH_SHARDS = 10_000
MEASURABLE = 0.25
MAX_FILES = 8
LINES_OF_A_FILE = 200
AT_MOST_DUCKDB = 3
AHEAD_OF_DATATROVE = 2
DATATROVE = ("datatrove[io]==0.10.1", "regex")
HERE = Path(sys.argv[0]).parent.absolute()
SIDEWHEEL = Path(sys.executable).with_name("sidewheel")
NAMES = {
    "duckdb": "DuckDB, one script",
    "datatrove": "datatrove, two passes",
    "files": "ours, no lake",
    "bronze": "ours, bronze written and read",
}


def generated(folder: Path, num: int) -> Path:
    """A dump of `num` records, bad ones included; the same each time."""
    dump = folder / f"dump-{num}"
    if not dump.exists():
        flags = ("--output", dump, "--num", num, "--seed", SEED, "--week", WEEK, "--num-files")
        files = max(1, min(MAX_FILES, num // LINES_OF_A_FILE))
        measured([SIDEWHEEL, "generate_workflows", *map(str, flags), str(files)], folder=folder)
    return dump


def jobs(folder: Path, num: int) -> dict[str, Measured]:
    """Each of our jobs on a fresh lake."""
    dump, lake = generated(folder, num), folder / f"lake-{num}"
    week = ("--lake", lake, "--week", WEEK)
    tokenizer = lake / "tokenizer.json"
    steps: dict[str, tuple[str | Path, ...]] = {
        "ingest_workflows": ("--inputs", dump, "--lake", lake),
        "curate_workflows": week,
    }
    if num <= MOST_WITH_SHARDS:
        steps |= {
            "synthesize_conversations": (*week, "--wordings", "1"),
            "train_tokenizer": (*week, "--output", tokenizer),
            "write_shards": (*week, "--tokenizer", tokenizer),
        }
    took = {name: measured([SIDEWHEEL, name, *flags], folder=folder) for name, flags in steps.items()}
    shutil.rmtree(lake)
    return took


def growth(folder: Path, sizes: list[int]) -> Iterator[str]:
    head = f"{'job':26}{'records':>10}{'wall s':>9}{'CPU s':>9}{'fixed':>8}{'peak MB':>9}{'rows/s':>9}"
    yield f"{head}{'ms a row':>10}{'growth':>8}"
    fixed = jobs(folder, FEW)
    base: dict[str, float] = {}
    for num in sorted(sizes):
        for name, took in jobs(folder, num).items():
            beyond = took.cpu - fixed[name].cpu
            each = beyond / (num - FEW)
            if beyond >= fixed[name].cpu * MEASURABLE:
                base.setdefault(name, each)
            rate = f"{each / base[name]:8.2f}" if name in base else f"{'-':>8}"
            yield (
                f"{name:26}{num:10,}{took.wall:9.1f}{took.cpu:9.1f}{fixed[name].cpu:8.1f}{took.peak_mb:9,.0f}"
                f"{num / took.wall:9,.0f}{each * 1000:10.2f}{rate}"
            )


def datatrove_python(folder: Path) -> Path:
    """An interpreter that has datatrove, in an environment that goes when this run ends."""
    uv = os.environ.get("UV") or shutil.which("uv") or HERE.parent / ".uv" / "bin" / "uv"
    place = folder / "datatrove"
    if place.exists():
        return place / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, place], check=True)
    python = place / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *DATATROVE], check=True)
    return python


def engines(folder: Path) -> dict[str, Callable[[Path, Path], list[str | Path]]]:
    """The command of each engine, of the dump and the folder to write."""
    theirs = datatrove_python(folder)
    ours = HERE / "_curate_ours.py"
    return {
        "duckdb": lambda dump, out: [sys.executable, HERE / "_curate_duckdb.py", dump, out, WEEK],
        "datatrove": lambda dump, out: [theirs, HERE / "_curate_datatrove.py", dump, out, WEEK],
        "files": lambda dump, out: [sys.executable, ours, dump, out, WEEK],
        "bronze": lambda dump, out: [sys.executable, ours, dump, out, WEEK, f"{out}-lake"],
    }


def kept_rows(output: Path) -> tuple[int, str]:
    """How many rows were kept, and the hash that says which."""
    table = ds.dataset(output, format="parquet").to_table(["workflow_id", "descriptor"])
    rows = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()


def peers(folder: Path, num: int) -> Iterator[str]:
    """The table, a line as soon as it is known: DuckDB comes first, the others stand beside it."""
    yield (
        f"{'engine':31}{'wall s':>8}{'CPU s':>8}{'fixed':>7}{'rows/CPU s':>12}{'peak MB':>9}{'x DuckDB':>10}"
        f"{'less fixed':>12}{'kept':>8}  same rows"
    )
    took: dict[str, Measured] = {}
    base, wanted = 0.0, (0, "")
    for name, command in engines(folder).items():
        fixed = measured(command(generated(folder, FEW), folder / f"{name}-{num}-few"), folder=folder)
        output = folder / f"{name}-{num}"
        it = took[name] = measured(command(generated(folder, num), output), folder=folder)
        rows = kept_rows(output)
        shutil.rmtree(output)
        shutil.rmtree(f"{output}-lake", ignore_errors=True)
        beyond = it.cpu - fixed.cpu
        base, wanted = base or beyond, wanted if wanted[0] else rows
        yield (
            f"{NAMES[name]:31}{it.wall:8.1f}{it.cpu:8.1f}{fixed.cpu:7.1f}{num / it.cpu:12,.0f}"
            f"{it.peak_mb:9,.0f}{it.cpu / took['duckdb'].cpu:10.1f}{beyond / base:12.1f}{rows[0]:8,}"
            f"  {'yes' if rows == wanted else 'no'}"
        )
    counts = ", ".join(
        f"{name} {it.result['read']:,}/{it.result['malformed']:,}" for name, it in took.items()
    )
    yield f"records read/malformed: {counts}"
    yield "(DuckDB skips blank lines; ours count a line that is there twice, blank or not, once)"
    for name in ("files", "bronze"):
        ours, theirs, other = (took[key].cpu for key in (name, "duckdb", "datatrove"))
        yield f"aims, {NAMES[name]}: {aim(ours / theirs <= AT_MOST_DUCKDB)} at most {AT_MOST_DUCKDB}x DuckDB"
        yield (
            f"aims, {NAMES[name]}: {aim(other / ours >= AHEAD_OF_DATATROVE)} at least {AHEAD_OF_DATATROVE}x "
            f"ahead of datatrove (it takes {other / ours:.2f} times our CPU seconds)"
        )


def aim(met: bool) -> str:
    return "met:    " if met else "not met:"


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Growth of curation, and its cost beside DuckDB and datatrove."
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10_000, 100_000], help="records of each growth run"
    )
    parser.add_argument(
        "--peers-at", type=int, nargs="+", default=[100_000], help="records of each run of the peers"
    )
    parser.add_argument(
        "--no-gate-only", action="store_true", help="only the peers, who have no round-trip gate"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="curate-") as name:
        folder = Path(name)
        if not arguments.no_gate_only:
            print("growth, with the round-trip gate")
            for line in growth(folder, arguments.sizes):
                print(line, flush=True)
        for num in arguments.peers_at:
            print(f"\npeers, {num:,} records, without the round-trip gate")
            for line in peers(folder, num):
                print(line, flush=True)


if __name__ == "__main__":
    main()
