"""The workflows that benchmarks measure on: two generated sets, and real files where there are some.

* `merchants`: what merchants have, in the mix of shapes and spellings that the generator draws;
* `language`: drawn from the whole language, in the three JSON spellings in turn, with the mess of real files;
* `files`: the files that were asked for, else the exports of other people beside this repository, if any.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import TypeVar

from pipelines.generator import Plan, draw_block
from pipelines.generator.language import SPELLINGS, language_document

T = TypeVar("T")
SEED = 7
WEEK_END = 1_795_478_400
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
LEAST = 500
"""Things of one repetition, at least: a set of ten files is walked fifty times."""


def arguments(about: str, num: int = 1000) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("files", nargs="*", type=Path, help="real workflow files")
    parser.add_argument(
        "--num", type=int, default=num, help=f"workflows of each generated set (default: {num})"
    )
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions of each (default: 5)")
    return parser.parse_args()


def sets(num: int, files: Sequence[Path]) -> dict[str, list[str]]:
    """Texts by the name of their set; a set without texts is left out."""
    real = files or sorted(BESIDE.glob("flow_exports/*.flow")) + sorted(
        BESIDE.glob("flow_format_thirdparty/*.flow")
    )
    found = {
        "files": [path.read_text(encoding="utf-8") for path in real],
        "merchants": of_merchants(num),
        "language": [language_document(seed, SPELLINGS[seed % len(SPELLINGS)]) for seed in range(num)],
    }
    return {name: texts for name, texts in found.items() if texts}


def of_merchants(num: int) -> list[str]:
    plan = Plan(seed=SEED, num=num, week_end=WEEK_END, bad_share=0)
    lines = [line for number in range(plan.num_blocks) for line in draw_block(plan, number).lines]
    return [json.loads(line)["workflow"] for line in lines]


def body_of(text: str) -> str:
    """The JSON of a file, without the signature of an export."""
    return text[65:] if text[64:66] == ":{" else text


def timed(work: Callable[[T], object], things: Sequence[T], least: int = LEAST) -> float:
    """Processor seconds for each thing, over `least` things or more."""
    rounds = -(-least // len(things))
    started = process_time()
    for _ in range(rounds):
        for thing in things:
            work(thing)
    return (process_time() - started) / rounds / len(things)


def rates(seconds: Sequence[float]) -> str:
    """How many a second: the median of the repetitions, with minimum and maximum."""
    return f"{1 / median(seconds):10,.0f} a second ({1 / max(seconds):,.0f}-{1 / min(seconds):,.0f})"


def ratios(seconds: Sequence[float], peer: Sequence[float]) -> str:
    """How many times longer than the peer of the same repetition."""
    found = [mine / other for mine, other in zip(seconds, peer, strict=True)]
    return f"{median(found):7.1f} x ({min(found):.1f}-{max(found):.1f})"
