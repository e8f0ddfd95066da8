"""The loop learns from what the assistant wrote and from nothing else, and stops where numbers end."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.chat import Message
from schemas.errors import BrokenLaw, UsageError
from tests.schemas.conversations import CONVERSATIONS
from tests.training.shard_sets import SHAPE, rows, short, small, tokenizer, view_of, write_set
from training import loop
from training.batches import IGNORED, Batch, fold
from training.loop import Step, learning_rate, summed_loss, train
from training.model import configure, count_parameters, create_model
from training.order import permutation
from training.recipes import find_recipe, qwen3_32b, tiny_cpu
from training.shards import TokenView


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> TokenView:
    return view_of(write_set(tmp_path_factory.mktemp("loop") / "s", rows(short(), hollow=True)))


def losses(steps: Any) -> list[float]:
    return [step.loss for step in steps]


def test_the_loss_falls_and_the_same_run_gives_the_same_weights(view: TokenView) -> None:
    heard: list[Step] = []
    recipe = small(steps=10)
    trained = train(recipe, view, tokenizer(), told=heard.append)
    assert heard == trained.steps
    assert [step.step for step in heard] == list(range(1, 11))
    assert heard[-1].loss < heard[0].loss / 1.5
    again = train(recipe, view, tokenizer())
    assert again.steps == trained.steps
    both = zip(trained.model.state_dict().items(), again.model.state_dict().items(), strict=True)
    assert all(torch.equal(a, b) for (_, a), (_, b) in both)
    assert losses(train(replace(recipe, seed=1), view, tokenizer()).steps) != losses(heard)


def test_every_weight_learns(view: TokenView) -> None:
    recipe = small(steps=1)
    before = create_model(recipe, tokenizer()).state_dict()
    after = train(recipe, view, tokenizer()).model.state_dict()
    assert [name for name in before if torch.equal(before[name], after[name])] == []


def test_the_loss_is_the_mean_over_supervised_tokens(view: TokenView) -> None:
    """By hand, row by row, on the weights before the first step: no padding, no sums of parts."""
    recipe = small(steps=1)
    model = create_model(recipe, tokenizer())
    parts = []
    order = permutation(recipe.seed, 0, len(view))[: recipe.batch].tolist()
    for ids, mask in map(view.row, order):
        tokens = torch.from_numpy(ids.astype(np.int64))
        with torch.no_grad():
            chances = model(input_ids=tokens[None]).logits[0].log_softmax(-1)
        parts += [-float(chances[t - 1, tokens[t]]) for t in range(1, len(ids)) if mask[t]]
    (step,) = train(recipe, view, tokenizer()).steps
    assert step.loss == pytest.approx(sum(parts) / len(parts), abs=1e-5)
    assert step.num_supervised == len(parts)
    assert step.num_tokens == sum(len(view.row(row)[0]) for row in order)


@pytest.mark.parametrize("micro_batch", [1, 2, 3])
def test_accumulation_changes_nothing(view: TokenView, micro_batch: int) -> None:
    whole = train(small(micro_batch=4), view, tokenizer()).steps
    parts = train(small(micro_batch=micro_batch), view, tokenizer()).steps
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)
    assert [step.grad_norm for step in parts] == pytest.approx([step.grad_norm for step in whole], abs=1e-4)


def wrote(message: Message) -> str:
    text = message["content"] or ""
    for number, call in enumerate(message.get("tool_calls") or []):
        function = call["function"]
        text += "\n" if text or number else ""
        text += f'<tool_call>\n{{"name": "{function["name"]}", "arguments": {function["arguments"]}}}\n'
        text += "</tool_call>"
    return text + "<|im_end|>"


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_labels_are_what_the_assistant_wrote_to_its_end_of_turn(name: str) -> None:
    (row,) = rows([CONVERSATIONS[name]])
    labels = fold([(np.asarray(row["ids"]), np.asarray(row["mask"]))]).labels
    spans = [
        [int(token) for _, token in group]
        for supervised, group in itertools.groupby(
            enumerate(labels[0].tolist()), key=lambda place: place[1] != IGNORED
        )
        if supervised
    ]
    messages = [message for message in CONVERSATIONS[name] if message["role"] == "assistant"]
    assert [tokenizer().decode(span) for span in spans] == [wrote(message) for message in messages]
    end = tokenizer().control["<|im_end|>"]
    assert all(span[-1] == end for span in spans)


def summed(pairs: list[tuple[Any, Any]]) -> float:
    model = create_model(small(), tokenizer())
    with torch.no_grad():
        return float(summed_loss(model, fold(pairs)))


def test_a_target_that_is_masked_out_does_not_count(view: TokenView) -> None:
    """The last token follows everything, so only as a target can it matter."""
    ids, mask = (np.array(part) for part in view.row(0))
    ids = np.append(ids, 5).astype(np.int32)
    changed = np.append(ids[:-1], 6).astype(np.int32)
    without, with_it = np.append(mask, 0), np.append(mask, 1)
    assert summed([(ids, without)]) == summed([(changed, without)])
    assert summed([(ids, with_it)]) != summed([(changed, with_it)])
    assert summed([(ids, with_it)]) > summed([(ids, without)])


PAIRS = st.lists(
    st.tuples(st.integers(8, 9), st.integers(1, 6), st.integers(0, 3), st.integers(0, 2)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None)
@given(PAIRS)
def test_conversations_side_by_side_are_what_each_is_alone(drawn: list[tuple[int, int, int, int]]) -> None:
    """With beginnings in common, some of them up to and into what the assistant wrote."""
    common = np.arange(100, 112, dtype=np.int32)
    pairs = []
    for length, written, after, seed in drawn:
        own = np.random.default_rng(seed).integers(0, 700, 1 + written + after).astype(np.int32)
        mask = np.zeros(length + len(own), np.uint8)
        mask[length + 1 : length + 1 + written] = 1
        pairs.append((np.concatenate([common[:length], own]), mask))
    assert summed(pairs) == pytest.approx(sum(summed([pair]) for pair in pairs), rel=1e-5)


def test_a_shared_beginning_is_written_once() -> None:
    made = rows(list(CONVERSATIONS.values()))
    pairs = [(np.asarray(row["ids"]), np.asarray(row["mask"])) for row in made]
    batch = fold(pairs)
    assert batch.ids.shape[1] < sum(len(ids) for ids, _ in pairs) / 3
    assert int((batch.labels != IGNORED).sum()) == sum(int(mask.sum()) for _, mask in pairs)
    twice = fold([pairs[0], pairs[0]])
    assert twice.ids.shape[1] < len(pairs[0][0]) + 20
    assert int((twice.labels != IGNORED).sum()) == 2 * int(pairs[0][1].sum())
    assert summed(pairs) == pytest.approx(sum(summed([pair]) for pair in pairs), rel=1e-5)


@pytest.mark.parametrize("broken", ["loss", "gradient"])
def test_a_number_that_is_none_stops_the_run_before_the_weights_change(
    view: TokenView, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def spoiled(model: Any, batch: Batch) -> torch.Tensor:
        loss = summed_loss(model, batch)
        if broken == "loss":
            return loss * float("inf")
        loss.register_hook(lambda gradient: gradient * float("nan"))
        return loss

    monkeypatch.setattr(loop, "summed_loss", spoiled)
    heard: list[Step] = []
    with pytest.raises(BrokenLaw, match=r"Step 1: .*(inf|nan)"):
        train(small(), view, tokenizer(), told=heard.append)
    assert heard == []


def test_the_learning_rate_rises_then_falls_to_a_tenth() -> None:
    recipe = small(steps=110, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(recipe, step) for step in range(1, 111)]
    assert rates[:10] == pytest.approx([n / 10 for n in range(1, 11)])
    assert rates[59] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    flat = replace(recipe, schedule="constant")
    assert {learning_rate(flat, step) for step in range(10, 111)} == {1.0}


def test_the_learning_rate_is_what_the_optimizer_uses(view: TokenView) -> None:
    recipe = small(warmup_steps=2)
    trained = train(recipe, view, tokenizer())
    assert [step.learning_rate for step in trained.steps] == [learning_rate(recipe, n) for n in (1, 2, 3, 4)]
    still = train(small(learning_rate=0.0, steps=1), view, tokenizer()).model.state_dict()
    first = create_model(recipe, tokenizer()).state_dict()
    assert all(torch.equal(first[name], still[name]) for name in first)


def test_models_have_the_size_that_their_recipes_say() -> None:
    assert 2e6 < count_parameters(tiny_cpu(), tokenizer()) < 5e6
    assert count_parameters(small(), tokenizer()) < 120_000
    assert count_parameters(qwen3_32b(), tokenizer()) == 32_762_123_264  # what Qwen publishes
    assert configure(tiny_cpu(), tokenizer()).head_dim == 32


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="take one of tiny_cpu, qwen3_32b"):
        find_recipe("huge")
    with pytest.raises(UsageError, match="700 ids and the model of tiny_cpu 699"):
        configure(small(shape=replace(SHAPE, vocab_size=699)), tokenizer())
    with pytest.raises(ValueError, match="at least 1"):
        small(steps=0)


def test_the_first_weights_depend_on_the_recipes_seed_alone() -> None:
    drawn = []
    for chance, seed in ((5, 0), (6, 0), (6, 1)):
        torch.manual_seed(chance)
        drawn.append(create_model(small(seed=seed), tokenizer()).get_input_embeddings().weight)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])
