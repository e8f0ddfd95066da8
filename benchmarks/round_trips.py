"""How fast one core proves round trips, beside two peers that do less with the same text.

    python benchmarks/round_trips.py [--num 2000] [--repetitions 5]

A round trip is `inspect` without findings: read a workflow, write its Python, read that back, write the file
again, compare both, and tell everything that a row of the lake keeps (`checks.py` times the findings).
Prints, for workflows of the seeded generator, medians of the repetitions with minimum and maximum, by
processor time:

* round trips a second;
* the ratio to `json.loads` + `json.dumps` of the same bytes, which neither understands nor checks them;
* the ratio to `ast.parse` + `ast.unparse` of the same Python text;
* where the time of a round trip goes, phase by phase.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time

from pipelines.generator import Plan, draw_block
from schemas.workflow import canonical, from_python, inspect, read, to_python, write
from schemas.workflow.descriptor import descriptor_of

SEED = 7
WEEK_END = 1_795_478_400
PHASES = ("read", "to_python", "from_python", "write", "compare", "descriptor, layout")


@dataclass(frozen=True, slots=True)
class Times:
    """What several repetitions of one thing took."""

    seconds: tuple[float, ...]

    @property
    def middle(self) -> float:
        return median(self.seconds)


def generated(num: int) -> list[str]:
    """Texts of sound workflows in the mix of spellings that the generator draws."""
    plan = Plan(seed=SEED, num=num, week_end=WEEK_END, bad_share=0)
    lines = [line for number in range(plan.num_blocks) for line in draw_block(plan, number).lines]
    return [json.loads(line)["workflow"] for line in lines]


def timed(work: Callable[[str], object], texts: Sequence[str]) -> float:
    started = process_time()
    for text in texts:
        work(text)
    return process_time() - started


def phases(texts: Sequence[str]) -> dict[str, float]:
    """Seconds of each phase; one text goes through all of them, as in `inspect`."""
    spent = dict.fromkeys(PHASES, 0.0)
    for text in texts:
        moments = [process_time()]
        document = read(text)
        moments.append(process_time())
        python = to_python(document.workflow)
        moments.append(process_time())
        again = from_python(python)
        moments.append(process_time())
        written = write(again, document.layout)
        moments.append(process_time())
        assert written == text
        assert canonical(again) == canonical(document.workflow)
        moments.append(process_time())
        descriptor_of(document.workflow)
        document.layout.to_json()
        moments.append(process_time())
        for name, start, end in zip(PHASES, moments, moments[1:], strict=False):
            spent[name] += end - start
    return spent


def row(name: str, times: Times, num: int, own: Times) -> str:
    low, high = num / max(times.seconds), num / min(times.seconds)
    ratios = [mine / other for mine, other in zip(own.seconds, times.seconds, strict=True)]
    ratio = "" if times is own else f"{median(ratios):7.1f} x ({min(ratios):.1f}-{max(ratios):.1f})"
    return f"{name:26}{num / times.middle:10,.0f} a second ({low:,.0f}-{high:,.0f}){ratio}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Round trips a second on one core, as ratios to two peers.")
    parser.add_argument("--num", type=int, default=2000, help="workflows (default: 2000)")
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions of each (default: 5)")
    arguments = parser.parse_args()
    texts = generated(arguments.num)
    found = [inspect(text) for text in texts]  # also warms every cache
    assert all(inspection.lossless for inspection in found)
    bodies = [text[65:] if text[64:66] == ":{" else text for text in texts]
    sources = [inspection.python for inspection in found]

    own, by_json, by_ast = [], [], []
    for _ in range(arguments.repetitions):  # in turn, so that a busy machine is busy for all of them
        own.append(timed(lambda text: inspect(text, with_findings=False), texts))
        by_json.append(timed(lambda body: json.dumps(json.loads(body)), bodies))
        by_ast.append(timed(lambda source: ast.unparse(ast.parse(source)), sources))
    spent = [phases(texts) for _ in range(arguments.repetitions)]

    num = len(texts)
    json_size, python_size = sum(map(len, bodies)) / num, sum(map(len, sources)) / num
    sizes = f"{json_size:,.0f} characters of JSON, {python_size:,.0f} of Python"
    print(f"{num:,} workflows (seed {SEED}), each {sizes}")
    mine = Times(tuple(own))
    print(row("round trip", mine, num, mine))
    print(row("json.loads + json.dumps", Times(tuple(by_json)), num, mine))
    print(row("ast.parse + ast.unparse", Times(tuple(by_ast)), num, mine))
    print("a ratio says how many times longer a round trip takes")
    print("where its time goes:")
    totals = [sum(each.values()) for each in spent]
    for name in PHASES:
        shares = [100 * each[name] / total for each, total in zip(spent, totals, strict=True)]
        print(f"  {name:30}{median(shares):5.1f} % ({min(shares):.1f}-{max(shares):.1f})")


if __name__ == "__main__":
    main()
