"""The embedded engine: fed by the renderer alone, stopped by the closing token or by a limit."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from schemas.chat import render_prompt
from schemas.errors import BadRecord, Transient, UsageError
from schemas.tools import CONTRACT
from serving.agent import Budget
from serving.checkpoint import open_checkpoint
from serving.generation import Sampling
from serving.local_model import LocalModel
from tests.schemas.conversations import CONVERSATIONS, answer, calls, tiny_tokenizer, user
from tests.serving.tiny import Mouth, prompts_of, write_checkpoint, write_manifest

ASKED = [user("Tag big orders")]
SHORT = Sampling(max_tokens=8)
WARM = Sampling(max_tokens=8, temperature=1.5, seed=1)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_network_is_fed_what_the_renderer_made(name: str, local_model: LocalModel, mouth: Mouth) -> None:
    messages = CONVERSATIONS[name]
    for number in prompts_of(messages):
        local_model.generate(messages[:number], Sampling(max_tokens=1))
    expected = [
        render_prompt(messages[:number], CONTRACT, tiny_tokenizer()) for number in prompts_of(messages)
    ]
    assert expected
    assert mouth.prompts == expected


def test_greedy_is_the_same_every_time(local_model: LocalModel) -> None:
    torch.manual_seed(1)
    first = local_model.generate(ASKED, SHORT)
    torch.manual_seed(2)
    assert local_model.generate(ASKED, SHORT) == first
    assert first.num_tokens == 8
    assert first.finish_reason == "length"
    assert first.num_prompt_tokens == len(render_prompt(ASKED, CONTRACT, tiny_tokenizer()))


def test_sampling_follows_its_seed_and_leaves_torch_alone(local_model: LocalModel) -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    made = [local_model.generate(ASKED, WARM) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), state)
    assert made[0] == made[1]
    assert made[0] != local_model.generate(ASKED, dataclasses.replace(WARM, seed=2))
    assert made[0] != local_model.generate(ASKED, SHORT)


def test_it_stops_at_the_closing_token(local_model: LocalModel, mouth: Mouth) -> None:
    mouth.say("Done, é.")
    made = local_model.generate(ASKED, Sampling(max_tokens=200))
    assert made.message == {"role": "assistant", "content": "Done, é."}
    assert made.finish_reason == "stop"
    assert made.num_tokens == len(tiny_tokenizer().encode("Done, é.")) + 1


def test_nothing_said_is_an_empty_message(local_model: LocalModel, mouth: Mouth) -> None:
    mouth.say()
    made = local_model.generate(ASKED, SHORT)
    assert (made.message["content"], made.finish_reason, made.num_tokens) == ("", "stop", 1)


def test_a_call_is_a_call_in_its_place(local_model: LocalModel, mouth: Mouth) -> None:
    mouth.call("task_search", '{"search_queries": ["é"]}')
    made = local_model.generate(ASKED, Sampling(max_tokens=200))
    assert made.finish_reason == "tool_calls"
    (call,) = made.message["tool_calls"]
    assert call["id"] == "call_2_0"
    assert call["function"] == {"name": "task_search", "arguments": '{"search_queries":["é"]}'}


def test_a_call_that_was_cut_is_none(local_model: LocalModel, mouth: Mouth) -> None:
    mouth.call("task_search", '{"search_queries": []}')
    made = local_model.generate(ASKED, Sampling(max_tokens=len(mouth.script) - 2))
    assert made.finish_reason == "length"
    assert "tool_calls" not in made.message


def test_the_agents_door_counts_tokens_and_knows_one_contract(local_model: LocalModel, mouth: Mouth) -> None:
    mouth.say("Hello.")
    made = local_model.complete(ASKED, CONTRACT, Budget(tokens=50))
    assert made.message["content"] == "Hello."
    assert made.num_tokens == len(tiny_tokenizer().encode("Hello.")) + 1
    short = local_model.complete(ASKED, CONTRACT, Budget(tokens=3))
    assert (short.num_tokens, short.cut) == (3, "length")
    with pytest.raises(UsageError, match="another tool contract"):
        local_model.complete(ASKED, dataclasses.replace(CONTRACT, version="other"), Budget())


def test_no_time_is_an_end(local_model: LocalModel) -> None:
    made = local_model.generate(ASKED, Sampling(max_tokens=4000, seconds=0.0))
    assert made.finish_reason == "length"
    assert made.num_tokens == 1


def test_prompt_and_answer_fit_the_model_together(local_model: LocalModel, mouth: Mouth) -> None:
    long = [user("x " * 20_000)]
    with pytest.raises(BadRecord) as caught:
        local_model.generate(long, SHORT)
    assert caught.value.code == "TOO_LONG"
    assert mouth.prompts == []
    prompt = len(render_prompt(ASKED, CONTRACT, tiny_tokenizer()))
    local_model.length, length = prompt + 3, local_model.length
    try:
        assert local_model.generate(ASKED, Sampling(max_tokens=50)).num_tokens == 3
    finally:
        local_model.length = length


def test_what_is_no_conversation_is_refused(local_model: LocalModel, mouth: Mouth) -> None:
    for messages in ([], [answer(0, {})], [*ASKED, calls(("task_search", {}))]):
        with pytest.raises(BadRecord):
            local_model.generate(messages, SHORT)
    assert mouth.prompts == []


def test_one_generation_at_a_time(local_model: LocalModel, mouth: Mouth) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(network: object, args: object) -> None:
        entered.set()
        leave.wait(30)

    handle = local_model.network.register_forward_pre_hook(hold)
    thread = threading.Thread(target=local_model.generate, args=(ASKED, Sampling(max_tokens=1)))
    thread.start()
    try:
        assert entered.wait(30)
        with pytest.raises(Transient, match="busy"):
            local_model.generate(ASKED, Sampling(max_tokens=1, seconds=0.01))
    finally:
        leave.set()
        thread.join(30)
        handle.remove()
    assert local_model.generate(ASKED, Sampling(max_tokens=1)).num_tokens == 1


# -- folders that are no checkpoint ---------------------------------------------------------------------


@pytest.fixture
def folder(checkpoint_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(checkpoint_folder, tmp_path / "copy")


def refusal(folder: Path) -> str:
    write_manifest(folder)
    with pytest.raises(UsageError) as caught:
        LocalModel(open_checkpoint(folder), device="cpu")
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def test_a_weight_that_is_missing_is_not_made_up(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop("model.layers.0.mlp.up_proj.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "1 weights do not fit, model.layers.0.mlp.up_proj.weight is the first" in refusal(folder)


def test_weights_are_never_unpickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert "cannot be loaded" in refusal(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_is_cut_is_refused(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    assert "cannot be loaded" in refusal(folder)


def test_a_model_with_fewer_tokens_than_its_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, num_tokens=tiny_tokenizer().num_tokens - 1)
    assert "its tokenizer has more" in refusal(folder)


def test_settings_that_lie_beside_the_weights_change_nothing(folder: Path, local_model: LocalModel) -> None:
    (folder / "generation_config.json").write_text(
        '{"do_sample": true, "temperature": 9.0, "max_new_tokens": 2, "repetition_penalty": 5.0}'
    )
    write_manifest(folder)
    other = LocalModel(open_checkpoint(folder), device="cpu")
    assert other.generate(ASKED, SHORT) == local_model.generate(ASKED, SHORT)


# -- the same model untrained ---------------------------------------------------------------------------


def test_untrained_it_has_the_shape_and_none_of_the_weights(folder: Path, local_model: LocalModel) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    drawn, again, other = (
        LocalModel(open_checkpoint(folder), device="cpu", drawn_from=seed) for seed in (7, 7, 8)
    )
    assert torch.equal(torch.get_rng_state(), state)
    weights = [dict(each.network.state_dict()) for each in (drawn, again, other, local_model)]
    assert len({tuple((name, tuple(weight.shape)) for name, weight in each.items()) for each in weights}) == 1
    drawn_, again_, other_, trained = (each["model.layers.0.mlp.up_proj.weight"] for each in weights)
    assert torch.equal(drawn_, again_)
    assert not torch.equal(drawn_, other_)
    assert not torch.equal(drawn_, trained)
    assert drawn.name == f"untrained-7-of-{local_model.name}"
    assert drawn.generate(ASKED, SHORT) == again.generate(ASKED, SHORT)
    (folder / "model.safetensors").write_bytes(b"")
    write_manifest(folder)
    assert LocalModel(open_checkpoint(folder), device="cpu", drawn_from=7).generate(ASKED, SHORT) is not None
