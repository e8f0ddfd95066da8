"""Requests a second of a served tiny model over real HTTP, as a ratio to its bare network.

    python benchmarks/served_requests.py [--checkpoint FOLDER --shards FOLDER] [--num 32] [--tokens 32]

The server is `sidewheel serve` in a process of its own; 1 and 4 clients ask it for `/v1/chat/completions`
with held-out requests. The floor makes the same tokens from the same prompts in this process, by forward
passes over a cache of keys and values and nothing else: no HTTP, no rendering, no checks, no lock. A ratio
says how many times longer the served tokens take; floor and clients come in turn, several times, so that a
busy machine is busy for all of them. One generation runs at a time, so more clients cannot be faster yet.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from _shards import SIDEWHEEL, made_shards, week_of

from pipelines.evaluation.held_out import read_held_out
from schemas.chat import Message, render_prompt
from schemas.tools import CONTRACT
from serving.checkpoint import open_checkpoint
from serving.local_model import LocalModel
from training.recipes import tiny_cpu
from training.runs import train_checkpoint

CLIENTS = (1, 4)
SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and what it serves."""

    address: str
    model: str


@dataclass(frozen=True, slots=True)
class Served:
    """What one round of requests took: seconds in all, seconds of each."""

    seconds: float
    latencies: list[float]


@contextmanager
def serving(checkpoint: Path, folder: Path) -> Iterator[Server]:
    """A server that runs as long as the block."""
    command = [SIDEWHEEL, "serve", "--checkpoint", checkpoint, "--port", "0", "--record", folder / "events"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*map(str, command)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = re.match(r"serve model=(\S+) url=http://(\S+) ", process.stdout.readline())
            if said is None:
                raise RuntimeError("the server did not start")
            yield Server(said[2], said[1])
        finally:
            process.send_signal(signal.SIGINT)


def ask(server: Server, messages: Sequence[Sequence[Message]], tokens: int) -> list[tuple[float, int]]:
    """(seconds, tokens) of each request of one client, over one connection."""
    found = []
    connection = http.client.HTTPConnection(server.address, timeout=SECONDS)
    for each in messages:
        started = perf_counter()
        body: dict[str, Any] = {"messages": each, "max_tokens": tokens, "model": server.model}
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = json.loads(connection.getresponse().read())
        if "usage" not in answer:
            raise RuntimeError(f"the server refused a request: {answer}")
        found.append((perf_counter() - started, answer["usage"]["completion_tokens"]))
    connection.close()
    return found


def served(server: Server, messages: Sequence[Sequence[Message]], tokens: int, clients: int) -> Served:
    started = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        parts = list(pool.map(lambda n: ask(server, messages[n::clients], tokens), range(clients)))
    found = [each for part in parts for each in part]
    return Served(perf_counter() - started, [each for each, _ in found])


def floor(model: LocalModel, prompts: Sequence[Sequence[int]], tokens: Sequence[int]) -> float:
    """Seconds for as many tokens by the network alone."""
    started = perf_counter()
    with torch.inference_mode():
        for prompt, num in zip(prompts, tokens, strict=True):
            said = model.network(input_ids=torch.tensor([prompt]), use_cache=True, logits_to_keep=1)
            for _ in range(num - 1):
                token = said.logits[:, -1].argmax(-1, keepdim=True)
                said = model.network(
                    input_ids=token, past_key_values=said.past_key_values, use_cache=True, logits_to_keep=1
                )
            said.logits[:, -1].argmax(-1).item()
    return perf_counter() - started


def benchmark(checkpoint: Path, shards: Path, num: int, tokens: int, rounds: int, folder: Path) -> None:
    torch.set_num_threads(1)
    chosen = read_held_out(str(shards), week=week_of(shards), num=num, seed=0)
    model = LocalModel(open_checkpoint(checkpoint), device="cpu")
    messages: list[list[Message]] = []
    prompts: list[list[int]] = []
    for each in chosen.conversations:
        asked: list[Message] = [*each.history, {"role": "user", "content": each.request}]
        prompt = render_prompt(asked, CONTRACT, model.tokenizer)
        if len(prompt) + tokens <= model.length:  # a server refuses the others
            messages.append(asked)
            prompts.append(prompt)
    with serving(checkpoint, folder) as server:
        lengths = [length for _, length in ask(server, messages, tokens)]  # also warms the server
        floor(model, prompts[:2], lengths[:2])
        floors: list[float] = []
        rows: dict[int, list[Served]] = {clients: [] for clients in CLIENTS}
        for _ in range(rounds):
            floors.append(floor(model, prompts, lengths))
            for clients in CLIENTS:
                rows[clients].append(served(server, messages, tokens, clients))
    num, made = len(messages), sum(lengths)
    print(
        f"{num} requests, each {sum(map(len, prompts)) / num:,.0f} tokens of prompt and {made / num:.0f} made"
    )
    print(f"{'who':16}{'requests/s':>12}{'tokens/s':>10}{'median s':>10}{'longest s':>11}{'x floor':>9}")
    middle = median(floors)
    print(f"{'bare network':16}{num / middle:12.2f}{made / middle:10.0f}{'':21}{1.0:9.2f}")
    for clients, these in rows.items():
        ratios = [one.seconds / base for one, base in zip(these, floors, strict=True)]
        seconds = median(one.seconds for one in these)
        latencies = [latency for one in these for latency in one.latencies]
        print(
            f"{'over HTTP by ' + str(clients):16}{num / seconds:12.2f}{made / seconds:10.0f}"
            f"{median(latencies):10.3f}{max(latencies):11.3f}{median(ratios):9.2f}"
            f" ({min(ratios):.2f}-{max(ratios):.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Requests a second over HTTP beside the bare network.")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint (default: one of one step is made)")
    parser.add_argument("--shards", type=Path, help="the set whose held-out requests are asked")
    parser.add_argument("--num", type=int, default=32, help="requests of a round (default: 32)")
    parser.add_argument("--tokens", type=int, default=32, help="most tokens of an answer (default: 32)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default: 3)")
    arguments = parser.parse_args()
    if (arguments.shards is None) != (arguments.checkpoint is None):
        parser.error("--shards and --checkpoint go together")
    with tempfile.TemporaryDirectory(prefix="serving-") as name:
        folder = Path(name)
        shards, checkpoint = arguments.shards, arguments.checkpoint
        if shards is None:
            shards, tokenizer = made_shards(folder, 400)
            checkpoint = folder / "checkpoint"
            train_checkpoint(
                replace(tiny_cpu(), steps=1),
                shards=shards,
                tokenizer=tokenizer,
                output=checkpoint,
                track=False,
                advance=lambda: None,
            )
        benchmark(checkpoint, shards, arguments.num, arguments.tokens, arguments.rounds, folder)


if __name__ == "__main__":
    main()
