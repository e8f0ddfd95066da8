"""The scripted model: a pure function of what was said; it edits, mends, and says what it cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from schemas.chat import Message, render
from schemas.tools import CONFIGURE, CONTRACT, LOOK_UP, PATHS, SAVE, SEARCH, canonical_json
from schemas.workflow import from_python, to_python
from serving.agent import Budget, Outcome, about_workflow, converse, named_workflow
from serving.scripted_model import ScriptedModel
from serving.scripted_model.building import MAX_SAVES
from serving.scripted_model.editing import NotEditable, edited
from serving.scripted_model.reading import read_request
from serving.shop import InMemoryShop
from serving.tools import Answer, Tools
from tests.schemas.conversations import tiny_tokenizer
from tests.serving.free_requests import SEEN

VIP = "tag orders over 500 as VIP"
TWO = to_python(
    from_python(
        """@order_created
def f(order):
    if any("WOM" in line_item.sku for line_item in order.line_items):
        cancel_order(order_id=order.id)
    if order.current_total_price_set.shop_money.amount > 500 and order.customer.number_of_orders >= 2:
        add_order_tags(order_id=order.id, tags=["VIP", "GOLD"])
        add_customer_tags(customer_id=order.customer.id, tags=["VIP"])
        send_email(address="a@b.com", subject="Über «x»", message="m")
"""
    )
)


def ask(request: str, tools: Tools | None = None, **more: Any) -> Outcome:
    tools = tools or Tools(InMemoryShop())
    return converse(request, ScriptedModel(), tools, Budget(), clock=lambda: 0.0, **more)


def said(outcome: Outcome) -> str:
    return outcome.messages[-1]["content"] or ""


def called(outcome: Outcome) -> list[str]:
    return [
        call["function"]["name"] for message in outcome.messages for call in message.get("tool_calls", [])
    ]


# -- building -------------------------------------------------------------------------------------------


def test_it_uses_the_tools_in_the_order_of_the_prompt() -> None:
    outcome = ask(VIP)
    assert called(outcome) == [SEARCH, CONFIGURE, PATHS, SAVE]
    assert (outcome.model, outcome.counts.num_refused_calls) == ("scripted-rules", 0)
    assert "Next steps" in said(outcome)
    assert "order.currentTotalPriceSet.shopMoney.amount" in said(outcome)
    assert outcome.agent_json
    render(outcome.messages, CONTRACT, tiny_tokenizer())


@pytest.mark.parametrize("request_", [VIP, "can flow hold orders?", "asdf"])
def test_the_same_messages_give_the_same_answer(request_: str) -> None:
    outcome = ask(request_)
    model = ScriptedModel()
    for number, message in enumerate(outcome.messages):
        if message["role"] != "assistant":
            continue
        again = model.complete(outcome.messages[:number], CONTRACT, Budget()).message
        made = [call["function"] for call in again.get("tool_calls", [])]
        assert made == [call["function"] for call in message.get("tool_calls", [])]
        assert again["content"] == message["content"]


class Changed(Tools):
    """Tools of which some answer otherwise: a function from the answer's data to another one."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(InMemoryShop())
        self.changes = changes
        self.times: dict[str, int] = {}

    def call(self, name: str, arguments: str) -> Answer:
        answer = super().call(name, arguments)
        change = self.changes.get(name)
        self.times[name] = self.times.get(name, 0) + 1
        if change is None:
            return answer
        found = change(json.loads(answer.text), self.times[name])
        return Answer(canonical_json(found), found["ok"], answer.saved)


def error_at(step: str, field: str | None, message: str = "no") -> dict[str, Any]:
    return {"code": "CONFIG_FIELD_ERROR", "message": message, "stepId": step, "configFieldId": field}


def test_it_takes_its_tasks_from_what_the_search_found() -> None:
    """Without a task that fits it builds nothing, and says which one it missed."""

    def nothing(found: dict[str, Any], _: int) -> dict[str, Any]:
        found["data"]["tasks"]["add order tags"] = []
        return found

    outcome = ask(VIP, Changed(**{SEARCH: nothing}))
    assert (outcome.python, called(outcome)) == (None, [SEARCH])
    assert 'no task of this shop fits "add order tags"' in said(outcome)


def test_it_takes_its_path_from_what_the_search_found() -> None:
    def another(found: dict[str, Any], _: int) -> dict[str, Any]:
        for search in found["data"]["searches"]:
            search["paths"] = [
                hit | {"path": "order.totalPriceSet.shopMoney.amount"} for hit in search["paths"][:1]
            ]
        return found

    outcome = ask(VIP, Changed(**{PATHS: another}))
    assert "order.total_price_set.shop_money.amount > 500" in (outcome.python or "")


def test_it_leaves_out_an_optional_field_that_is_objected_to() -> None:
    """And saves the next version of the same workflow; what is required stays, and is told."""

    def objects(found: dict[str, Any], times: int) -> dict[str, Any]:
        if times == 1:
            found["data"]["validation_errors"]["configFieldErrors"] = [error_at("2", "tags")]
        return found

    def optional(found: dict[str, Any], _: int) -> dict[str, Any]:
        for task in found["data"]["tasks"]:
            for field in task["config_fields"]:
                if field["id"] == "tags":
                    field["description"] = "Optional."
        return found

    outcome = ask(
        'when an order is paid tag the order "paid"', Changed(**{SAVE: objects, CONFIGURE: optional})
    )
    assert called(outcome) == [SEARCH, CONFIGURE, SAVE, SAVE]
    assert outcome.saved is not None
    assert (outcome.saved.workflow_id, outcome.saved.workflow_version) == ("workflow-1", 2)
    assert "tags=" not in outcome.saved.python


def test_what_it_cannot_mend_it_tells_and_it_does_not_try_for_ever() -> None:
    def objects(found: dict[str, Any], _: int) -> dict[str, Any]:
        found["data"]["validation_errors"]["configFieldErrors"] = [error_at("3", "tags", "not these tags")]
        return found

    outcome = ask(VIP, Changed(**{SAVE: objects}))
    assert called(outcome).count(SAVE) == 1 <= MAX_SAVES
    assert "mend what Flow objects to (step 3: not these tags)" in said(outcome)


@pytest.mark.parametrize("tool", [SEARCH, CONFIGURE, PATHS, SAVE])
@pytest.mark.parametrize("data", [{}, {"tasks": 7, "searches": 7}, {"code": "BUSY", "message": "later"}])
def test_a_tool_that_refuses_ends_in_words(tool: str, data: Mapping[str, Any]) -> None:
    outcome = ask(VIP, Changed(**{tool: lambda found, _: {"ok": False, "tool": tool, "data": dict(data)}}))
    assert outcome.reason == "answered"
    assert said(outcome).startswith("I could not build this:")


@pytest.mark.parametrize(
    "text", ["", "junk", "[]", '{"ok":true}', '{"ok":true,"tool":"task_search","data":[]}', "<|im_end|>"]
)
def test_an_answer_that_is_none_ends_in_words(text: str) -> None:
    """As a conversation that somebody else recorded may hold it."""
    first = ScriptedModel().complete([{"role": "user", "content": VIP}], CONTRACT, Budget()).message
    (call,) = first.get("tool_calls", [])
    messages: list[Message] = [
        {"role": "user", "content": VIP},
        first,
        {"role": "tool", "content": text, "tool_call_id": call["id"]},
    ]
    told = ScriptedModel().complete(messages, CONTRACT, Budget()).message
    assert (told["content"] or "").startswith("I could not build this:")


# -- words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "unknown"),
    [
        ("tag orders over 500 as VIP unless they are wholesale", ["unless", "wholesale"]),
        ("tag orders over 500 placed on weekends as VIP", ["weekends"]),
        ("tag orders not over 500 as small", ["not"]),
        ("email a@b.com when a product without a barcode is created", ["without", "barcode"]),
    ],
)
def test_a_word_that_it_does_not_know_is_never_dropped(request_: str, unknown: list[str]) -> None:
    outcome = ask(request_)
    assert outcome.python is None
    assert [word in said(outcome) for word in unknown] == [True] * len(unknown)
    assert said(outcome).count('"tag orders over 500 as VIP"') == 1


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("tag orders over 500 or from Canada as VIP", 'understand "or"'),
        ("tag orders over 500 or under 10 as VIP", 'understand "or"'),
        ("tag orders over 500 as VIP and cancel orders under 10", "one condition at a time"),
        ("tag orders over 500 as VIP and cancel all orders", "one condition at a time"),
        ("tag orders over 500 as VIP tag orders over 600 as gold", "one condition at a time"),
        ("orders over 500 get the tag VIP, from Canada get the tag CA", "one condition at a time"),
        ("tag orders as new and customers as new", "one condition at a time"),
        ("cancel orders over 500 and refund orders under 500", 'understand "refund"'),
        ("tag orders over 500 as VIP tomorrow", 'understand "tomorrow"'),
        ("tag orders over 99999999999999999999999 as VIP", "more digits than I carry"),
        ("tag orders over 12345678901234567.89 as VIP", "more digits than I carry"),
        ("tag orders over 12,50 as VIP", "cannot read the number 12,50"),
        ("tag orders over 1.000 as VIP", "may be a thousand or a fraction"),
        ("tag orders over 20% as VIP", "no percentages"),
        ("tag orders as VIP and wait 2 days", "after the wait"),
        ("do not email me@example.com when an order is created", 'understand "not"'),
        ("how many orders did I have last week?", "I see no orders"),
        ("tag orders as VIP 2 days later and email me", "which action is to wait"),
    ],
)
def test_what_would_be_a_guess_is_refused(request_: str, why: str) -> None:
    """Two clauses would share one condition, and a float is another number: nothing like it is built."""
    outcome = ask(request_)
    assert outcome.python is None
    assert why in said(outcome)


def test_numbers_are_carried_as_they_were_written() -> None:
    for written, carried in (("1,500.50", "1500.5"), ("1.005k", "1005"), ("999999999999999", "9" * 15)):
        assert read_request(f"tag orders over {written} as VIP").tests[0].value == float(carried)
        assert f"> {carried}" in (
            ask(f"tag orders over {written.replace('1.005k', '1005')} as VIP").python or ""
        )


@pytest.mark.parametrize(
    ("request_", "order"),
    [
        (
            "tag orders over 500 as VIP and wait 2 days then email me@example.com",
            ["add_order_tags", "wait", "send_email"],
        ),
        (
            "when an order is paid wait 2 days, then tag it VIP and email me",
            ["wait", "add_order_tags", "send_email"],
        ),
        ("tag the order VIP and after 2 days email me", ["add_order_tags", "wait", "send_email"]),
        ("email me 2 days after an order is created", ["wait", "send_email"]),
    ],
)
def test_a_wait_stands_where_the_sentence_has_it(request_: str, order: list[str]) -> None:
    python = ask(request_).python or ""
    places = [python.index(f" {name}(") for name in order]
    assert places == sorted(places)


def test_a_title_that_is_cut_ends_with_a_word_that_says_something() -> None:
    request_ = "send an email to ops@example.com when an order is created and the order is over 500"
    python = ask(request_).python or ""
    title = "Send an email to ops@example.com when an order is created"
    assert python.split('"""')[1] == title
    assert title not in python.split('"""')[2]


@pytest.mark.parametrize("request_", ["", " ", "?", "x" * 3000, "tag", "«t0» tag orders «t1»", "\x00\u202e"])
def test_odd_requests_get_words(request_: str) -> None:
    outcome = ask(request_)
    assert (outcome.reason, outcome.python) == ("answered", None)


def test_a_quoted_text_is_a_literal_whatever_it_holds() -> None:
    """Quotes, braces and Python in a tag come out as that tag."""
    for tag in ("a'b", "{{ order.id }}", "')\nimport os#", "\\", "東京"):
        outcome = ask(f'tag orders over 500 as "{tag}"'.replace("\n", " "))
        (step,) = (
            step
            for step in from_python(outcome.python or "").steps
            if step.task_id.endswith("add_order_tags")
        )
        assert json.loads(dict(step.fields)["tags"].text) == [tag.replace("\n", " ")]  # type: ignore[union-attr]


def test_a_tag_that_is_a_word_of_the_rules_stays_as_it_was_written() -> None:
    for tag in ("shopper", "on-hold", "in-store", "Customer"):
        outcome = ask(f"when an order is paid tag it {tag}")
        assert f'tags=["{tag}"]' in (outcome.python or "")


def test_a_question_is_answered_from_a_search() -> None:
    outcome = ask("can flow hold orders?")
    assert (called(outcome), outcome.python) == ([SEARCH], None)
    assert "Hold fulfillment order" in said(outcome)


# -- edits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "old", "new"),
    [
        ("raise the limit from 500 to $1,000", "amount > 500", "amount > 1000"),
        ("change 2 to 3", "orders >= 2", "orders >= 3"),
        ('change the word wom to "women"', '"WOM"', '"women"'),
        ("change the tag GOLD to SILVER", '"GOLD"', '"SILVER"'),
        ("replace VIP with 'Very important'", '"VIP"', '"Very important"'),
        ("send it to boss@b.com instead", '"a@b.com"', '"boss@b.com"'),
        ('change the subject to "New"', '"Über «x»"', '"New"'),
    ],
)
def test_an_edit_changes_one_literal_and_nothing_else(request_: str, old: str, new: str) -> None:
    assert edited(TWO, request_)[0] == TWO.replace(old, new) != TWO


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ("change the tag to X", "several to change (VIP, GOLD)"),
        ("raise the limit to 9", "several to change"),
        ("make it blue", "one tag, number, address or text at a time"),
        ("change PINK to RED", "one tag"),
    ],
)
def test_an_edit_that_is_unclear_is_no_edit(request_: str, why: str) -> None:
    with pytest.raises(NotEditable) as told:
        edited(TWO, request_)
    assert why in str(told.value)


def test_an_edit_goes_on_in_the_same_conversation() -> None:
    shop = InMemoryShop()
    first = ask(VIP, Tools(shop))
    second = ask("raise the limit to 800", Tools(shop), history=first.messages)
    assert called(second)[-2:] == [LOOK_UP, SAVE]
    assert second.python == (first.python or "").replace("500:", "800:") != first.python
    assert second.saved
    assert (second.saved.workflow_id, second.saved.workflow_version) == ("workflow-1", 2)
    other = ask("tag orders over 50 as small", Tools(shop), history=second.messages)
    assert other.saved
    assert other.saved.workflow_id == "workflow-2"


def test_an_edit_that_somebody_else_overtook_reads_again() -> None:
    shop = InMemoryShop()
    saved = shop.create(TWO)

    class Overtaken(Tools):
        def call(self, name: str, arguments: str) -> Answer:
            answer = super().call(name, arguments)
            if name == LOOK_UP and shop.workflows[saved.workflow_id].workflow_version == 1:
                shop.update(saved.workflow_id, 1, TWO.replace("GOLD", "OTHER"))
            return answer

    outcome = ask(about_workflow("change VIP to X", saved.workflow_id), Overtaken(shop))
    assert called(outcome) == [LOOK_UP, SAVE, LOOK_UP, SAVE]
    assert outcome.python == TWO.replace("GOLD", "OTHER").replace("VIP", "X")


def test_a_request_names_its_workflow_and_is_read_without_it() -> None:
    assert named_workflow(about_workflow("do it", "workflow-7")) == ("do it", "workflow-7")
    assert named_workflow("do it (This is about the workflow x.)") == (
        "do it (This is about the workflow x.)",
        None,
    )


def test_reading_is_pure() -> None:
    assert all(read_request(asked.request) == read_request(asked.request) for asked in SEEN)
