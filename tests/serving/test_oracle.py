"""The oracle's words and look-ups; the loop around it is tested with the agent."""

from __future__ import annotations

import json

from schemas.chat import Message
from schemas.tools import CONFIGURE, SAVE, SEARCH
from serving.agent import Budget, Outcome, converse
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from serving.tools import Tools

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["a"])\n'
UNKNOWN = "4d2c9a6e-1f0b-4c5e-9a77-2b8f3c1d0e01"


def run(oracle: ScriptedOracle, shop: InMemoryShop, *history: Message) -> Outcome:
    return converse("Do it", oracle, Tools(shop), Budget(), clock=lambda: 0.0, history=history)


def calls(outcome: Outcome, start: int = 0) -> list[tuple[str, dict[str, object]]]:
    made = [call for message in outcome.messages[start:] for call in message.get("tool_calls", [])]
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in made]


def test_an_edit_looks_up_only_what_the_conversation_has_not_read() -> None:
    shop = InMemoryShop()
    first = run(ScriptedOracle(TAG), shop)
    edited = TAG.replace('"a"', '"b"')
    second = run(ScriptedOracle(edited, "", "workflow-1", 1), shop, *first.messages)
    assert [name for name, _ in calls(second, len(first.messages))] == [SAVE]
    longer = edited + "    capture_payment(order_id=order.id)\n"
    third = run(ScriptedOracle(longer, "", "workflow-1", 2), shop, *second.messages)
    assert calls(third, len(second.messages))[:2] == [
        (SEARCH, {"search_queries": ["capture payment"]}),
        (CONFIGURE, {"tasks": [{"id": "shopify::admin::capture_payment", "version": "0.1"}]}),
    ]
    assert third.python == longer


def test_a_task_that_no_catalogue_knows_is_used_as_it_was_asked_for() -> None:
    python = TAG + f'    task("{UNKNOWN}", "0.1", channel="#a")\n'
    outcome = run(ScriptedOracle(python), InMemoryShop(frozenset({UNKNOWN})))
    asked = dict(calls(outcome))[CONFIGURE]["tasks"]
    assert UNKNOWN not in json.dumps(asked)
    assert outcome.python == python
    assert UNKNOWN in (outcome.messages[-1]["content"] or "") or "switched off" in str(outcome.messages[-1])


def test_a_question_is_looked_up_before_it_is_answered() -> None:
    oracle = ScriptedOracle(None, "It tags.", look_up="Add order tags")
    outcome = run(oracle, InMemoryShop())
    assert calls(outcome) == [(SEARCH, {"search_queries": ["add order tags"]})]
    assert outcome.messages[-1] == {"role": "assistant", "content": "It tags."}
    assert outcome.python is None


def test_the_closing_words_vary_with_the_workflow_and_tell_what_it_does_and_what_is_next() -> None:
    closings = []
    for tag in "abcdefghijklmnop":
        outcome = run(ScriptedOracle(TAG.replace('"a"', f'"{tag}"')), InMemoryShop())
        closings.append(outcome.messages[-1]["content"] or "")
        assert run(ScriptedOracle(outcome.python), InMemoryShop()).messages[-1]["content"] == closings[-1]
    assert len(set(closings)) == 4
    assert all('"Tag"' in closing and "Next steps" in closing for closing in closings)
    assert sum("Order created" in closing and "Add order tags" in closing for closing in closings) >= 8


def test_a_workflow_without_steps_is_not_said_to_do_anything() -> None:
    said = {
        run(ScriptedOracle(f"@order_created\ndef f{n}(order):\n    pass\n"), InMemoryShop()).messages[-1][
            "content"
        ]
        for n in range(16)
    }
    assert any("does nothing yet" in (closing or "") for closing in said)
    assert not any("uses" in (closing or "") for closing in said)
