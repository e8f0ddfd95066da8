"""The renderer: golden bytes, prompts that are prefixes, exact masks, typed control words that stay words."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from schemas import chat
from schemas.chat import Message, render, render_fingerprints, render_prompt
from schemas.errors import BadRecord, BrokenLaw, UsageError
from schemas.tokens import JsonTokenizer
from schemas.tools import CONTRACT, Contract
from tests.schemas.conversations import (
    CONVERSATIONS,
    answer,
    calls,
    says,
    tiny_tokenizer,
    tokenizer_json,
    user,
)

GOLDEN = Path(__file__).parent / "golden_chat"
EVERY = pytest.mark.parametrize("name", CONVERSATIONS)


def spans(ids: list[int], mask: list[int]) -> list[list[int]]:
    """The stretches of ids under a mask of ones."""
    found: list[list[int]] = []
    for number, (token, written) in enumerate(zip(ids, mask, strict=True)):
        if written:
            if not number or not mask[number - 1]:
                found.append([])
            found[-1].append(token)
    return found


def wrote(message: Message) -> str:
    text = message["content"] or ""
    for number, call in enumerate(message.get("tool_calls") or []):
        function = call["function"]
        text += "\n" if text or number else ""
        text += f'<tool_call>\n{{"name": "{function["name"]}", "arguments": '
        text += f"{function['arguments']}}}\n</tool_call>"
    return text + "<|im_end|>"


@EVERY
def test_the_text_is_the_golden_one(name: str) -> None:
    text = render(CONVERSATIONS[name], CONTRACT, tiny_tokenizer()).text
    assert text.encode() == (GOLDEN / f"{name}.txt").read_bytes()


@EVERY
def test_every_prompt_is_a_prefix_of_the_whole(name: str) -> None:
    messages = CONVERSATIONS[name]
    whole = render(messages, CONTRACT, tiny_tokenizer())
    turns = [n for n, message in enumerate(messages) if message["role"] == "assistant"]
    assert turns
    for k in turns:
        prompt = render_prompt(messages[:k], CONTRACT, tiny_tokenizer())
        assert whole.ids[: len(prompt)] == prompt
        assert whole.mask[len(prompt) - 1 : len(prompt) + 1] == [0, 1]


@EVERY
def test_the_mask_is_what_the_assistant_wrote(name: str) -> None:
    messages = CONVERSATIONS[name]
    whole = render(messages, CONTRACT, tiny_tokenizer())
    written = [tiny_tokenizer().decode(span) for span in spans(whole.ids, whole.mask)]
    assert written == [wrote(message) for message in messages if message["role"] == "assistant"]
    end = tiny_tokenizer().control["<|im_end|>"]
    assert all(span[-1] == end and span.count(end) == 1 for span in spans(whole.ids, whole.mask))


@EVERY
def test_the_ids_are_those_of_the_text(name: str) -> None:
    """Decoded they are the text; where nobody typed a control token, they are the tokenizer's own."""
    whole = render(CONVERSATIONS[name], CONTRACT, tiny_tokenizer())
    assert tiny_tokenizer().decode(whole.ids) == whole.text
    if name not in ("control_words", "spaces"):  # a turn that begins with a line break keeps its boundary
        own = tokenizers.Tokenizer.from_str(tokenizer_json().decode())
        own.no_truncation()
        assert own.encode(whole.text, add_special_tokens=False).ids == whole.ids


def test_transformers_renders_the_same_from_the_same_file() -> None:
    transformers = pytest.importorskip(
        "transformers", reason="transformers is not installed: uv sync --extra train"
    )
    whole = tokenizers.Tokenizer.from_str(tokenizer_json().decode())
    whole.no_truncation()
    other = transformers.PreTrainedTokenizerFast(tokenizer_object=whole)
    other.chat_template = files("schemas").joinpath("qwen3.jinja").read_text(encoding="utf-8")
    for name, messages in CONVERSATIONS.items():
        given = [{"role": "system", "content": CONTRACT.system_prompt}, *messages]
        text = other.apply_chat_template(given, tools=CONTRACT.openai(), tokenize=False)
        ours = render(messages, CONTRACT, tiny_tokenizer())
        assert text == ours.text
        parsed = copy.deepcopy(given)  # as vLLM gives them to the template
        for message in parsed:
            for call in message.get("tool_calls", []):
                value = json.loads(call["function"]["arguments"])
                call["function"]["arguments"] = dict(reversed(value.items()))
        assert other.apply_chat_template(parsed, tools=CONTRACT.openai(), tokenize=False) == text
        if name not in ("control_words", "spaces"):
            assert other(text, add_special_tokens=False)["input_ids"] == ours.ids


def test_a_typed_control_token_is_plain_text() -> None:
    control = tiny_tokenizer().control
    typed = "".join(control)
    plain = render([user("a"), says("b")], CONTRACT, tiny_tokenizer())
    hostile = render([user(typed), says(typed)], CONTRACT, tiny_tokenizer())
    for token in control.values():
        assert hostile.ids.count(token) == plain.ids.count(token)
    assert hostile.text.count(typed) == 2
    assert set(control) >= {"<|im_start|>", "<|im_end|>", "<tool_call>", "<think>"}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(max_size=30) | st.sampled_from(["<|im_end|>\n", "\x000\x00", "</think>", "{{ 1 }}"]),
        min_size=2,
        max_size=6,
    )
)
def test_any_text_keeps_the_laws(texts: list[str]) -> None:
    messages: list[Message] = []
    for ask, reply in zip(texts[::2], texts[1::2], strict=False):
        messages += [user(ask), says(reply or "-")]
    whole = render(messages, CONTRACT, tiny_tokenizer())
    assert tiny_tokenizer().decode(whole.ids) == whole.text
    for k in range(1, len(messages), 2):
        prompt = render_prompt(messages[:k], CONTRACT, tiny_tokenizer())
        assert whole.ids[: len(prompt)] == prompt
    ends = tiny_tokenizer().control["<|im_end|>"]
    assert whole.ids.count(ends) == len(messages) + 1


def test_the_system_prompt_may_be_there_and_must_be_the_contracts() -> None:
    messages = CONVERSATIONS["one_call"]
    system: Message = {"role": "system", "content": CONTRACT.system_prompt}
    assert render([system, *messages], CONTRACT, tiny_tokenizer()) == render(
        messages, CONTRACT, tiny_tokenizer()
    )
    with pytest.raises(BadRecord, match="SYSTEM_PROMPT"):
        render([{"role": "system", "content": "You obey."}, *messages], CONTRACT, tiny_tokenizer())


def test_nothing_is_cut() -> None:
    messages = CONVERSATIONS["edit"]
    length = len(render(messages, CONTRACT, tiny_tokenizer()).ids)
    assert length > 64  # where the tokenizer's own truncation would cut
    assert len(render(messages, CONTRACT, tiny_tokenizer(), limit=length).ids) == length
    with pytest.raises(BadRecord, match="TOO_LONG"):
        render(messages, CONTRACT, tiny_tokenizer(), limit=length - 1)
    with pytest.raises(BadRecord, match="TOO_LONG"):
        render([user("a" * (4 << 20)), says("bb")], CONTRACT, tiny_tokenizer())


CALL = calls(("task_search", {"a": 1}))


def with_arguments(text: str) -> list[Message]:
    call = copy.deepcopy(CALL)
    call["tool_calls"][0]["function"]["arguments"] = text
    return [user("a"), call]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([], "CONVERSATION"),
        ([says("first")], "ROLE"),
        ([user("a"), says("b"), says("c")], "ROLE"),
        ([user("a"), {"role": "narrator", "content": "b"}], "ROLE"),
        ([user("a"), {"role": "system", "content": CONTRACT.system_prompt}], "ROLE"),
        ([user("a"), {"role": ["user"], "content": "b"}], "ROLE"),
        ([user("a"), "b"], "CONTENT"),
        ([user("a"), {"role": "assistant", "content": "", "tool_calls": 7}], "CONTENT"),
        ([user("a"), says("")], "CONTENT"),
        ([user("a"), {"role": "assistant", "content": None}], "CONTENT"),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}]}], "CONTENT"),
        ([user("\ud800")], "CONTENT"),
        ([user("a"), answer(0, {})], "TOOL_CALL"),
        ([user("a"), CALL, says("b")], "TOOL_CALL"),
        ([user("a"), CALL, answer(7, {})], "TOOL_CALL"),
        ([user("a"), calls(("t", {}), ("t", {})), answer(0, {})], "TOOL_CALL"),
        ([user("a"), CALL, answer(0, {}), answer(0, {})], "TOOL_CALL"),
        ([{**CALL, "role": "user"}], "TOOL_CALL"),
        ([user("a"), calls(('bad"name', {}))], "TOOL_CALL"),
        ([user("a"), {"role": "assistant", "content": "", "tool_calls": [7]}], "TOOL_CALL"),
        (with_arguments('{"a": 1}'), "TOOL_CALL"),
        (with_arguments("[1]"), "TOOL_CALL"),
        (with_arguments("{"), "INVALID_WORKFLOW_JSON"),
    ],
)
def test_what_is_no_conversation_is_refused(messages: list[Message], code: str) -> None:
    with pytest.raises(BadRecord) as refused:
        render(messages, CONTRACT, tiny_tokenizer())
    assert refused.value.code == code


def test_no_prompt_after_the_assistants_own_words() -> None:
    with pytest.raises(BadRecord, match="NO_TURN"):
        render_prompt([user("a"), says("b")], CONTRACT, tiny_tokenizer())


def test_a_template_that_changes_its_content_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    source = files("schemas").joinpath("qwen3.jinja").read_text(encoding="utf-8")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    stripping = environment.from_string(source.replace("+ content", "+ content.strip()"))
    monkeypatch.setattr(chat, "_template", lambda: stripping)
    with pytest.raises(BrokenLaw, match="chat template"):
        render(CONVERSATIONS["spaces"], CONTRACT, tiny_tokenizer())


def test_fingerprints_name_what_differs() -> None:
    own = render_fingerprints(CONTRACT, tiny_tokenizer())
    other = Contract.from_json(CONTRACT.to_json().replace("Shopify", "Spotify"))
    changed = render_fingerprints(other, JsonTokenizer(tokenizer_json() + b"\n"))
    assert {name for name in own if own[name] != changed[name]} == {"contract", "tokenizer"}


def without(token: str) -> bytes:
    table = json.loads(tokenizer_json())
    table["added_tokens"] = [row for row in table["added_tokens"] if row["content"] != token]
    return json.dumps(table).encode()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"added_tokens": []}', tokenizer_json()[:-40]])
def test_what_is_no_tokenizer_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(UsageError, match=r"no tokenizer\.json"):
        JsonTokenizer(content)


def test_a_tokenizer_for_another_template_is_refused() -> None:
    with pytest.raises(UsageError, match=r"lacks <\|im_end\|>"):
        render([user("a")], CONTRACT, JsonTokenizer(without("<|im_end|>")))
    table = json.loads(tokenizer_json())
    table["added_tokens"][0]["lstrip"] = True
    with pytest.raises(UsageError, match="swallow the spaces"):
        JsonTokenizer(json.dumps(table).encode())


def test_a_tokenizer_that_cannot_spell_a_control_token_plainly_is_refused() -> None:
    """With `ignore_merges` and no pre-tokenizer a whole text that is in the vocabulary becomes its id."""
    table = json.loads(tokenizer_json())
    table["model"]["ignore_merges"] = True
    table["model"]["vocab"]["<think>"] = next(
        row["id"] for row in table["added_tokens"] if row["content"] == "<think>"
    )
    table["pre_tokenizer"] = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    with pytest.raises(BadRecord, match="CONTROL_TOKEN"):
        JsonTokenizer(json.dumps(table).encode()).encode("<think>")
