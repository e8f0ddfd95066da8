"""Replay: what was answered is answered again, byte for byte, or the conversation is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from schemas.chat import Message
from schemas.errors import BadRecord
from serving.agent import Budget, converse
from serving.oracle import ScriptedOracle
from serving.replay import app_tasks, replay, shop_of
from serving.shop import InMemoryShop, Saved
from serving.tools import Tools

TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["東京"])\n'
SHEETS = "b99ddae5-9dbe-4829-bbce-5d6200aa1216"
UNKNOWN = "4d2c9a6e-1f0b-4c5e-9a77-2b8f3c1d0e01"
APPS = (
    "@order_created\ndef tell(order):\n"
    f'    task("{SHEETS}", "0.1", spreadsheet="s", worksheet="w", row="r")\n'
    f'    task("{UNKNOWN}", "0.1", channel="#a")\n'
)


def had(*pythons: str, shop: InMemoryShop | None = None) -> list[Message]:
    """A conversation with one request for each workflow, each in the place of the one before."""
    shop = shop or InMemoryShop()
    messages: tuple[Message, ...] = ()
    for number, python in enumerate(pythons):
        same = ("workflow-1", number) if number else (None, None)
        oracle = ScriptedOracle(python, "", *same)
        messages = converse("Do", oracle, Tools(shop), Budget(), clock=lambda: 0.0, history=messages).messages
    return list(messages)


def test_a_replay_brings_the_shop_to_where_it_was() -> None:
    messages = had(TAG, TAG.replace("東京", "大阪"))
    shop = InMemoryShop()
    replay(messages, Tools(shop))
    saved = shop.newest("workflow-1")
    assert saved
    assert (saved.workflow_version, saved.python) == (2, TAG.replace("東京", "大阪"))


def test_a_replay_of_the_first_part_leaves_the_shop_before_the_edit() -> None:
    messages = had(TAG, TAG.replace("東京", "大阪"))
    shop = InMemoryShop()
    replay(messages[: max(n for n, message in enumerate(messages) if message["role"] == "user")], Tools(shop))
    assert {name: saved.python for name, saved in shop.workflows.items()} == {"workflow-1": TAG}


def test_a_conversation_without_calls_replays() -> None:
    replay([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], Tools(InMemoryShop()))


def test_another_shop_is_noticed() -> None:
    shop = InMemoryShop()
    shop.create(TAG)
    with pytest.raises(BadRecord) as refused:
        replay(had(TAG), Tools(shop))
    assert (refused.value.code, refused.value.path) == ("REPLAY", "/6")
    assert refused.value.message.startswith("create_or_update_workflow answers otherwise from character ")


Damage = Callable[[list[Any]], None]


def other_answer(messages: list[Any]) -> None:
    messages[4]["content"] = messages[4]["content"].replace("Order", "Oder")


def longer_answer(messages: list[Any]) -> None:
    messages[6]["content"] += " "


def other_arguments(messages: list[Any]) -> None:
    call = messages[1]["tool_calls"][0]["function"]
    call["arguments"] = call["arguments"].replace("order created", "order paid")


def no_answer(messages: list[Any]) -> None:
    del messages[2]


def no_last_answer(messages: list[Any]) -> None:
    del messages[6:]


def answer_without_call(messages: list[Any]) -> None:
    messages.insert(1, messages[2])


def other_id(messages: list[Any]) -> None:
    messages[2]["tool_call_id"] = "call_9"


@pytest.mark.parametrize(
    ("damage", "path"),
    [
        (other_answer, "/4"),
        (longer_answer, "/6"),
        (other_arguments, "/2"),
        (no_answer, ""),
        (no_last_answer, ""),
        (answer_without_call, "/1"),
        (other_id, "/2"),
    ],
)
def test_what_does_not_come_back_is_refused_with_its_place(damage: Damage, path: str) -> None:
    messages = copy.deepcopy(had(TAG))
    replay(messages, Tools(InMemoryShop()))
    damage(messages)
    with pytest.raises(BadRecord) as refused:
        replay(messages, Tools(InMemoryShop()))
    assert (refused.value.code, refused.value.path) == ("REPLAY", path)


def test_refused_calls_replay_as_refused() -> None:
    messages = had(TAG)
    messages[1]["tool_calls"][0]["function"]["arguments"] = "{"
    answer = Tools(InMemoryShop()).call("task_search", "{").text
    messages[2]["content"] = answer
    assert json.loads(answer)["ok"] is False
    replay(messages, Tools(InMemoryShop()))


# -- the shop that it happened in -----------------------------------------------------------------------


@pytest.mark.parametrize("apps", [(), (SHEETS,), (UNKNOWN,), (SHEETS, UNKNOWN)])
def test_the_apps_of_a_shop_show_in_what_it_answered(apps: Sequence[str]) -> None:
    messages = had(APPS, shop=InMemoryShop(frozenset(apps)))
    assert shop_of(messages) == InMemoryShop(frozenset(apps))
    replay(messages, Tools(shop_of(messages)))


def test_a_refused_save_shows_no_app() -> None:
    messages = had(APPS, shop=InMemoryShop(frozenset({UNKNOWN})))
    messages[-2]["content"] = json.dumps({"ok": False, "tool": "create_or_update_workflow", "data": {}})
    assert shop_of(messages) == InMemoryShop()


def test_the_workflows_that_were_read_were_there_before() -> None:
    shop = InMemoryShop()
    shop.create(TAG)
    other = TAG.replace("東京", "大阪")
    shop.update("workflow-1", 1, other)
    wanted = TAG.replace("東京", "京都")
    oracle = ScriptedOracle(wanted, workflow_id="workflow-1", workflow_version=2)
    messages = converse("Edit", oracle, Tools(shop), Budget(), clock=lambda: 0.0).messages
    assert messages[1]["tool_calls"][0]["function"]["name"] == "workflow_lookup"
    before = shop_of(messages)
    assert before == InMemoryShop(workflows={"workflow-1": Saved("workflow-1", 2, other)})
    replay(messages, Tools(before))
    assert before.newest("workflow-1") == Saved("workflow-1", 3, wanted)


def test_a_workflow_that_the_conversation_made_was_not_there_before() -> None:
    shop = InMemoryShop()
    messages = had(TAG, shop=shop)
    arguments = '{"workflow_id":"workflow-1"}'
    function: Any = {"name": "workflow_lookup", "arguments": arguments}
    made: Any = [{"id": "again", "type": "function", "function": function}]
    said = Tools(shop).call("workflow_lookup", arguments).text
    messages += [
        {"role": "assistant", "content": None, "tool_calls": made},
        {"role": "tool", "content": said, "tool_call_id": "again"},
    ]
    assert shop_of(messages) == InMemoryShop()
    replay(messages, Tools(shop_of(messages)))


def test_an_old_version_that_was_read_is_old_in_the_shop() -> None:
    shop = InMemoryShop()
    shop.create(TAG)
    shop.update("workflow-1", 1, TAG.replace("東京", "大阪"))
    messages: list[Message] = [{"role": "user", "content": "Compare"}]
    for number, arguments in enumerate(
        ('{"workflow_id":"workflow-1"}', '{"version":1,"workflow_id":"workflow-1"}')
    ):
        call: Any = {"name": "workflow_lookup", "arguments": arguments}
        made: Any = [{"id": f"c{number}", "type": "function", "function": call}]
        said = Tools(shop).call("workflow_lookup", arguments).text
        messages += [
            {"role": "assistant", "content": None, "tool_calls": made},
            {"role": "tool", "content": said, "tool_call_id": f"c{number}"},
        ]
    assert shop_of(messages) == shop
    replay(messages, Tools(shop_of(messages)))


def test_an_error_of_the_whole_workflow_disputes_no_app() -> None:
    messages = had(APPS, shop=InMemoryShop(frozenset({SHEETS, UNKNOWN})))
    said = json.loads(messages[-2]["content"] or "")
    error = {"code": "WORKFLOW_NAME_REQUIRED", "message": "x", "stepId": None, "configFieldId": None}
    said["data"]["validation_errors"]["taskErrors"] = [error]
    messages[-2]["content"] = json.dumps(said)
    assert shop_of(messages) == InMemoryShop(frozenset({SHEETS, UNKNOWN}))


def test_app_tasks_are_those_of_no_shopify_name() -> None:
    assert app_tasks(APPS) == {SHEETS, UNKNOWN}
    assert app_tasks(TAG) == frozenset()
