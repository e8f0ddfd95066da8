"""A foreign server on our checkpoint: vLLM feeds its model the ids that the renderer makes.

Run by `make test-vllm`, which gives vLLM an environment of its own. One conversation differs on purpose: vLLM
takes a control token that a person typed for the control token, and the renderer does not.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.chat import render_prompt
from schemas.tools import CONTRACT
from tests.schemas.conversations import CONVERSATIONS, tiny_tokenizer

pytestmark = pytest.mark.vllm

TYPED_CONTROL_TOKENS = "control_words"
SECONDS_TO_START = 600
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of vLLM on loopback, serving the checkpoint as `tiny`."""
    from tests.serving.tiny import write_checkpoint
    from training.export import tokenizer_config

    python = Path(os.environ.get("VLLM_PYTHON", ".venv-vllm/bin/python"))
    if not python.exists():
        pytest.fail(f"{python} is missing: run `make test-vllm`")
    folder = write_checkpoint(tmp_path_factory.mktemp("vllm"), head_dim=32)  # vLLM's kernels start at 32
    config = tokenizer_config(length=8192)
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--dtype", "bfloat16", "--max-model-len", "8192", "--enforce-eager", "--max-num-seqs", "1"]
    command += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    log = folder / "vllm.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=os.environ | SETTINGS, stdout=output, stderr=output)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/v1/models", process, log)
            yield address
        finally:
            process.terminate()
            process.wait(60)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(2)
        else:
            return
    pytest.fail(f"vLLM did not start:\n{log.read_text(errors='replace')[-3000:]}")


def fed(server: str, messages: list[Any]) -> list[int]:
    """The ids that vLLM says it gave its model."""
    body = {
        "model": "tiny",
        "messages": [{"role": "system", "content": CONTRACT.system_prompt}, *messages],
        "tools": CONTRACT.openai(),
        "max_tokens": 1,
        "temperature": 0,
        "return_token_ids": True,
    }
    request = urllib.request.Request(
        f"{server}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        ids: list[int] = json.load(response)["prompt_token_ids"]
    return ids


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_vllm_is_fed_what_the_renderer_made(server: str, name: str) -> None:
    messages = CONVERSATIONS[name]
    turns = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
    ours = [render_prompt(messages[:number], CONTRACT, tiny_tokenizer()) for number in turns]
    theirs = [fed(server, messages[:number]) for number in turns]
    if name == TYPED_CONTROL_TOKENS:
        control = set(tiny_tokenizer().control.values())
        assert [sum(each in control for each in ids) for ids in theirs] > [
            sum(each in control for each in ids) for ids in ours
        ]
    else:
        assert theirs == ours
