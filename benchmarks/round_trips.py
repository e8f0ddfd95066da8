"""How fast one core proves round trips, beside two peers that do less with the same text.

    python benchmarks/round_trips.py [FILE ...] [--num 1000] [--repetitions 5]

A round trip is `inspect` without findings: read a workflow, write its Python, read that back, write the file
again, compare both, and tell everything that a row of the lake keeps (`checks.py` times the findings).
Prints for each set of workflows (`_workflows.py`) medians of the repetitions with minimum and maximum, by
processor time and with every cache warm:

* round trips a second;
* the ratio to `json.loads` + `json.dumps` of the same bytes, which neither understands nor checks them;
* the ratio to `ast.parse` + `ast.unparse` of the same Python text;
* where the time of a round trip goes, phase by phase.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from statistics import median
from time import process_time

from _workflows import arguments, body_of, rates, ratios, sets, timed

from schemas.workflow import canonical, from_python, inspect, read, to_python, write
from schemas.workflow.descriptor import descriptor_of

PHASES = ("read", "to_python", "from_python", "write", "compare", "descriptor, layout")


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


def measure(name: str, texts: Sequence[str], repetitions: int) -> None:
    found = [inspect(text) for text in texts]  # also warms every cache
    assert all(inspection.lossless for inspection in found)
    bodies = [body_of(text) for text in texts]
    sources = [inspection.python for inspection in found]
    own, by_json, by_ast = [], [], []
    for _ in range(repetitions):  # in turn, so that a busy machine is busy for all of them
        own.append(timed(lambda text: inspect(text, with_findings=False), texts))
        by_json.append(timed(lambda body: json.dumps(json.loads(body)), bodies))
        by_ast.append(timed(lambda source: ast.unparse(ast.parse(source)), sources))
    spent = [phases(texts) for _ in range(repetitions)]

    num = len(texts)
    json_size, python_size = sum(map(len, bodies)) / num, sum(map(len, sources)) / num
    sizes = f"{json_size:,.0f} characters of JSON, {python_size:,.0f} of Python"
    print(f"{name}: {num:,} workflows, each {sizes}")
    print(f"{'  round trip':28}{rates(own)}")
    print(f"{'  json.loads + json.dumps':28}{rates(by_json)}{ratios(own, by_json)}")
    print(f"{'  ast.parse + ast.unparse':28}{rates(by_ast)}{ratios(own, by_ast)}")
    totals = [sum(each.values()) for each in spent]
    shares = []
    for phase in PHASES:
        share = median([each[phase] / total for each, total in zip(spent, totals, strict=True)])
        shares.append(f"{phase} {100 * share:.0f} %")
    print(f"  its time: {'; '.join(shares)}")


def main() -> None:
    given = arguments("Round trips a second on one core, as ratios to two peers.")
    for name, texts in sets(given.num, given.files).items():
        measure(name, texts, given.repetitions)
    print("a ratio says how many times longer a round trip takes")


if __name__ == "__main__":
    main()
