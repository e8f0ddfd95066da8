"""How many tokens a workflow is as Python, as an export and as the agent's configuration.

    python benchmarks/tokens.py [FILE ...] [--num 1000]

The tokenizer is a byte-level BPE with GPT-2's words and 8,192 tokens, trained in the run on Python that holds
no workflow: this repository's own code without its tests. A second one, trained on a part of the standard
library's code, shows how much hangs on that choice. An export is the file as it is where it came as one.
Where it did not, and for every configuration, it is what `write` makes: with the ids, places and notes of the
file for an export, without any for a configuration, which is then as short as it can be; `bare` is that
configuration without white space.

Prints for slices of each set (`_workflows.py`) the median with quartiles of the ratio to the Python text.
"""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import tokenizers
from _workflows import arguments, sets
from tokenizers import models, pre_tokenizers, trainers

from schemas.errors import WorkflowRefused
from schemas.workflow import Workflow, read, to_python, write
from schemas.workflow.model import CONDITION, FOREACH

NUM_TOKENS = 8192
ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("airflow_dags", "benchmarks", "jobs", "pipelines", "schemas", "serving", "training")
RUN_CODE = "shopify::flow::run_code"
FORMS = ("export", "agent", "bare")


@dataclass(frozen=True, slots=True)
class Texts:
    """One workflow in every form."""

    workflow: Workflow
    spelling: str
    python: str
    export: str
    agent: str
    bare: str


def trained(texts: Iterable[str]) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=NUM_TOKENS, initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer


def own_code() -> list[str]:
    return [
        path.read_text(encoding="utf-8") for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py"))
    ]


def library_code() -> list[str]:
    """Every module at the top of the standard library."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    return [path.read_text(encoding="utf-8", errors="ignore") for path in sorted(folder.glob("*.py"))]


def forms_of(text: str) -> Texts | None:
    """None where condition text has no word for what a condition says, so that there is no configuration."""
    document = read(text)
    workflow, spelling = document.workflow, document.layout.spelling
    export = text if spelling == "flow" else write(workflow, document.layout, spelling="flow")
    try:
        agent = write(workflow, spelling="agent")
    except WorkflowRefused:
        return None
    bare = json.dumps(json.loads(agent), ensure_ascii=False, separators=(",", ":"))
    return Texts(workflow, spelling, to_python(workflow), export, agent, bare)


def num_steps(least: int, most: int) -> Callable[[Texts], bool]:
    return lambda found: least <= len(found.workflow.steps) <= most


def has(kind: str) -> Callable[[Texts], bool]:
    return lambda found: any(kind in (step.kind, step.task_id) for step in found.workflow.steps)


SLICES: dict[str, Callable[[Texts], bool]] = {
    "all": lambda found: True,
    **{
        f"came as {name}": lambda found, name=name: found.spelling == name
        for name in ("flow", "agent", "cli")
    },
    "1-3 steps": num_steps(1, 3),
    "4-8 steps": num_steps(4, 8),
    "9 and more": num_steps(9, 1000),
    "condition": has(CONDITION),
    "loop": has(FOREACH),
    "code step": has(RUN_CODE),
}


def middle(values: Sequence[float], digits: int) -> str:
    low, median, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [*values] * 3
    return f"{median:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


def measure(name: str, found: Sequence[Texts], tokenizer: tokenizers.Tokenizer) -> None:
    sizes = {
        form: [len(each.ids) for each in tokenizer.encode_batch([getattr(texts, form) for texts in found])]
        for form in ("python", *FORMS)
    }
    heads = ["Python tokens", *(f"{form} / Python" for form in FORMS)]
    print(f"  {name:22}" + "".join(f"{head:>20}" for head in heads))
    for title, belongs in SLICES.items():
        rows = [number for number, texts in enumerate(found) if belongs(texts)]
        if not rows:
            continue
        columns = [middle([sizes["python"][row] for row in rows], 0)]
        columns += [middle([sizes[form][row] / sizes["python"][row] for row in rows], 2) for form in FORMS]
        print(f"    {title:14}{len(rows):6,}" + "".join(f"{column:>20}" for column in columns))


def main() -> None:
    given = arguments("Tokens of a workflow as JSON, as ratios to its Python.")
    supply = {}
    for name, texts in sets(given.num, given.files).items():
        found = [forms for text in texts if (forms := forms_of(text))]
        supply[name] = found
        if len(found) < len(texts):
            print(f"{name}: {len(texts) - len(found)} of {len(texts)} have no agent configuration, left out")
    for code, corpus in (("this repository", own_code()), ("the standard library", library_code())):
        tokenizer = trained(corpus)
        size = sum(map(len, corpus)) / 1e6
        print(
            f"{tokenizer.get_vocab_size():,} tokens from the code of {code} ({size:.1f} million characters):"
        )
        for name, found in supply.items():
            measure(name, found, tokenizer)
    print("a ratio says how many times more tokens than Python; medians with quartiles")


if __name__ == "__main__":
    main()
