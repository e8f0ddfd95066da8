"""How fast the renderer makes ids and masks, as a ratio to transformers and to the tokenizer alone.

    python benchmarks/renderer.py [--num 200] [--repetitions 5]

The conversations are the oracle's about generated merchants' workflows; the tokenizer is trained in the run
on their texts. The peer is `apply_chat_template(tokenize=True)` of transformers with the same template and
tokenizer: one call a conversation, as trl makes it, which gives ids without the mask of what the assistant
wrote. The floor is the tokenizers library encoding the finished text. Every repetition begins with a
tokenizer that remembers nothing and renders each conversation once. Processor seconds of one thread.
"""

from __future__ import annotations

import json
import os
from importlib.resources import files
from statistics import median
from time import process_time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers
import transformers
from _workflows import arguments, of_merchants, ratios

from pipelines.synthesis import trajectories
from schemas.chat import Message, render, render_text
from schemas.errors import BadRecord
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT
from schemas.workflow import read, to_python
from training.tokenizer import train_tokenizer


def conversations(num: int) -> list[list[Message]]:
    """What the oracle answers about the first `num` generated workflows that can be read."""
    found: list[list[Message]] = []
    for number, text in enumerate(of_merchants(num)):
        try:
            python = to_python(read(text).workflow)
        except BadRecord:
            continue
        rows = trajectories(f"{number}", python, 1, 0)
        found += [json.loads(row["messages"]) for row in rows if row["messages"]]
    return found


def main() -> None:
    given = arguments("Ids and masks of conversations a second, as ratios to transformers.")
    had = conversations(given.num)
    content = train_tokenizer(render_text(messages, CONTRACT) for messages in had)
    tokenizer, bare = JsonTokenizer(content), tokenizers.Tokenizer.from_str(content.decode())
    peer = transformers.PreTrainedTokenizerFast(tokenizer_object=bare)
    peer.chat_template = files("schemas").joinpath("qwen3.jinja").read_text(encoding="utf-8")
    system = {"role": "system", "content": CONTRACT.system_prompt}
    tools = CONTRACT.openai()

    def theirs(messages: list[Message]) -> list[int]:
        return peer.apply_chat_template([system, *messages], tools=tools, tokenize=True, return_dict=False)

    whole = {id(messages): render(messages, CONTRACT, tokenizer) for messages in had}
    same = sum(theirs(messages) == whole[id(messages)].ids for messages in had)
    num_tokens = sum(len(each.ids) for each in whole.values())
    print(f"{len(had)} conversations, {num_tokens / len(had):,.0f} tokens each; {same} the same ids in both")
    seconds: dict[str, list[float]] = {"renderer": [], "transformers": [], "tokenizer alone": []}
    for _ in range(given.repetitions):
        fresh = JsonTokenizer(content)
        work = {
            "renderer": lambda messages, fresh=fresh: render(messages, CONTRACT, fresh),
            "transformers": theirs,
            "tokenizer alone": lambda messages: bare.encode(
                whole[id(messages)].text, add_special_tokens=False
            ),
        }
        for name, does in work.items():
            started = process_time()
            for messages in had:
                does(messages)
            seconds[name].append((process_time() - started) / len(had))
    for name, found in seconds.items():
        rate = num_tokens / len(had) / median(found)
        taken = ratios(seconds["renderer"], found)
        print(f"{name:16} {rate:12,.0f} tokens a second   the renderer takes {taken}")


if __name__ == "__main__":
    main()
