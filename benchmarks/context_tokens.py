"""What searching first and reading configurations second saves: tokens of context for one finished request.

    python benchmarks/context_tokens.py [--num 100]

The requests are about generated merchants' workflows, and the scripted oracle answers them through the
agent's own loop. *Two steps*: `task_search` answers summaries, `task_configuration` the tasks that were
chosen. *One step*, the baseline: the same search with the same matches, each answered with its whole
configuration beside its summary, no tool `task_configuration`, and no sentence about it.

How much that is hangs on how many tasks a search answers with: ours leaves out what is far from the best
match, and a catalogue with apps has many more tasks that are near. So both ways are measured a second time
with the ten best matches of every query, near or not.

* `at the end`: tokens of the finished conversation, tools and system prompt included;
* `answers of tools`: those of them that the tools wrote;
* `read in all`: what the model reads over all its turns, each of which begins at the beginning. A server that
  keeps the state of a prefix computes less, and holds as much.

The tokenizer is a byte-level BPE of 4,096 tokens, trained in the run on the conversations of both, as
`sidewheel train_tokenizer` does. Prints medians with quartiles, and the ratio of one step to two, by request.
The script knows the wanted workflow: that both end with it says that nothing was lost on the way, and nothing
about a model, for which a longer context is harder to read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from _workflows import arguments, of_merchants

from pipelines.wording import create_request
from schemas.catalog.tasks import TASKS
from schemas.chat import Message, ToolCall, render, render_prompt, render_text
from schemas.errors import BadRecord
from schemas.tokens import JsonTokenizer
from schemas.tools import CONFIGURE, CONTRACT, SEARCH, Contract, canonical_json
from schemas.workflow import Workflow, canonical, from_python, read, to_python
from serving.agent import Budget, converse
from serving.oracle import ScriptedOracle
from serving.replay import app_tasks
from serving.shop import InMemoryShop
from serving.task_answers import configuration
from serving.task_search import search
from serving.tools import Answer, Tools
from training.tokenizer import train_tokenizer

_BUDGET = Budget(turns=12, tokens=1 << 30, seconds=1e9)
_MEASURES = ("at the end", "answers of tools", "read in all")


class TenMatches(Tools):
    """Tools whose search answers with ten tasks for each query, near to it or not."""

    def _search(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], None]:
        queries: list[str] = arguments["search_queries"]
        found = {query: search(query, self.shop, self.catalogue, worthy_share=0.0) for query in queries}
        return {"tasks": found}, None


class OneStep(Tools):
    """Tools whose search answers everything about each match."""

    def call(self, name: str, arguments: str) -> Answer:
        answer = super().call(name, arguments)
        if name != SEARCH or not answer.ok:
            return answer
        said = json.loads(answer.text)
        for found in said["data"]["tasks"].values():
            found[:] = [_in_full(task) for task in found]
        return Answer(canonical_json(said), True)


class OneStepTenMatches(OneStep, TenMatches):
    """Both."""


def _in_full(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary with the configuration of its task; one without a public id has none."""
    task = TASKS.get(summary["id"] or "")
    return summary | configuration(task.id, summary["version"]) if task else summary


class OneStepOracle(ScriptedOracle):
    """Has read the configurations by searching."""

    def _script(self, history: Any) -> list[list[ToolCall]]:
        script = super()._script(history)
        return [calls for calls in script if not calls or calls[0]["function"]["name"] != CONFIGURE]


def one_step_contract() -> Contract:
    """The contract without the second step, and without a word about it."""
    table = json.loads(CONTRACT.to_json())
    table["version"] = "one_step"
    table["tools"] = [tool for tool in table["tools"] if tool["name"] != CONFIGURE]
    table["tools"][0]["description"] = "Search the tasks of Shopify Flow by words. Answers with their fields."
    table["system_prompt"] = [line for line in table["system_prompt"] if f"{CONFIGURE}:" not in line]
    contract = Contract.from_json(json.dumps(table))
    assert CONFIGURE not in contract.to_json()
    return contract


@dataclass(frozen=True, slots=True)
class Way:
    """One way to tell a model of tasks."""

    name: str
    tools: type[Tools]
    oracle: type[ScriptedOracle]
    contract: Contract

    def had(self, workflow: Workflow) -> tuple[list[Message], bool]:
        """The conversation about one workflow, and whether it ends with it."""
        python = to_python(workflow)
        tools = self.tools(InMemoryShop(app_tasks(python)), self.contract)
        outcome = converse(
            create_request(workflow, 0), self.oracle(python), tools, _BUDGET, clock=lambda: 0.0
        )
        right = outcome.saved is not None and canonical(from_python(outcome.saved.python)) == canonical(
            workflow
        )
        return list(outcome.messages), right and outcome.counts.num_refused_calls == 0

    def tokens(self, messages: list[Message], tokenizer: JsonTokenizer) -> dict[str, int]:
        """The three measures of one conversation."""
        turns = [n for n, message in enumerate(messages) if message["role"] == "assistant"]
        said = [message["content"] or "" for message in messages if message["role"] == "tool"]
        return {
            "at the end": len(render(messages, self.contract, tokenizer).ids),
            "answers of tools": sum(len(tokenizer.encode(text)) for text in said),
            "read in all": sum(
                len(render_prompt(messages[:turn], self.contract, tokenizer)) for turn in turns
            ),
        }


def wanted(num: int) -> list[Workflow]:
    """The first generated workflows that can be read and asked for, each once."""
    found: dict[bytes, Workflow] = {}
    for text in of_merchants(3 * num):
        try:
            workflow = from_python(to_python(read(text).workflow))
            create_request(workflow, 0)
        except BadRecord:
            continue
        found.setdefault(canonical(workflow), workflow)
    return [*found.values()][:num]


def middle(values: list[float], digits: int) -> str:
    low, median, high = quantiles(values, n=4, method="inclusive")
    return f"{median:,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def main() -> None:
    given = arguments("Context tokens of a request: two-step tools against one-step tools.", num=100)
    workflows = wanted(given.num)
    ways = [
        Way("two steps", Tools, ScriptedOracle, CONTRACT),
        Way("one step", OneStep, OneStepOracle, one_step_contract()),
        Way("two, ten matches", TenMatches, ScriptedOracle, CONTRACT),
        Way("one, ten matches", OneStepTenMatches, OneStepOracle, one_step_contract()),
    ]
    had = {way.name: [way.had(workflow) for workflow in workflows] for way in ways}
    texts = [render_text(messages, way.contract) for way in ways for messages, _ in had[way.name]]
    tokenizer = JsonTokenizer(train_tokenizer(texts))
    counted = {way.name: [way.tokens(messages, tokenizer) for messages, _ in had[way.name]] for way in ways}
    print(
        f"{len(workflows)} requests, {tokenizer.num_tokens:,} tokens in the tokenizer; medians with quartiles"
    )
    print(f"{'':18}{'right':>8}" + "".join(f"{name:>26}" for name in _MEASURES))
    for way in ways:
        num_right = sum(right for _, right in had[way.name])
        columns = [middle([tokens[name] for tokens in counted[way.name]], 0) for name in _MEASURES]
        print(f"{way.name:18}{num_right:>8}" + "".join(f"{column:>26}" for column in columns))
    for two, one in zip(ways[::2], ways[1::2], strict=True):
        pairs = list(zip(counted[one.name], counted[two.name], strict=True))
        columns = [middle([a[name] / b[name] for a, b in pairs], 2) for name in _MEASURES]
        print(f"{one.name + ' / two':26}" + "".join(f"{column:>26}" for column in columns))


if __name__ == "__main__":
    main()
