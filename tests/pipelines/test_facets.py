"""The known-good conversation scores 1 on every facet, and each planted defect moves its own facet alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.facets import FACETS, Conversation, Verdict
from pipelines.trajectory import turns_of
from pipelines.wording import NUM_WORDINGS, create_request
from schemas.errors import BadRecord
from schemas.tools import CONFIGURE, SAVE, SEARCH, canonical_json
from schemas.workflow import from_python, to_python
from serving.oracle import ScriptedOracle
from serving.shop import InMemoryShop
from tests.pipelines.conversation_rows import (
    ANSWER,
    EDITED,
    PYTHON,
    QUESTION,
    REQUEST,
    Messages,
    asked,
    changed,
    created,
    edited,
    talk,
)

GOOD = {"syntax": 1.0, "components": 1.0, "appropriateness": 1.0, "next_steps": 1.0}
ASKED = {**GOOD, "syntax": None, "components": None}


def verdicts(messages: Messages, python: str = PYTHON) -> dict[str, Verdict]:
    conversation = Conversation(turns_of(canonical_json(messages)), python)
    return {facet: judged(conversation) for facet, judged in FACETS.items()}


def scores(messages: Messages, python: str = PYTHON) -> dict[str, float | None]:
    return {facet: verdict.score for facet, verdict in verdicts(messages, python).items()}


def closing(text: str) -> Callable[[Messages], object]:
    return lambda messages: messages[-1].update(content=text)


def place_of(messages: Messages, tool: str) -> int:
    """The last message that calls the tool; its answer comes next."""
    calls = [n for n, each in enumerate(messages) if tool in canonical_json(each.get("tool_calls", []))]
    return calls[-1]


def written(text: str) -> Callable[[Messages], object]:
    """Another Python in the call, which the shop takes all the same."""

    def change(messages: Messages) -> None:
        call = messages[place_of(messages, SAVE)]["tool_calls"][0]["function"]
        call["arguments"] = canonical_json({**json.loads(call["arguments"]), "workflow_python": text})

    return change


def answered(**data: Any) -> Callable[[Messages], object]:
    """Other data in the save's answer."""

    def change(messages: Messages) -> None:
        answer = messages[place_of(messages, SAVE) + 1]
        known = json.loads(answer["content"] or "")
        answer["content"] = canonical_json({**known, "data": {**known["data"], **data}})

    return change


def refused(messages: Messages) -> None:
    """The save is refused, and the answer owns it."""
    answer = messages[place_of(messages, SAVE) + 1]
    data = {"code": "OUTDATED_WORKFLOW", "message": "the newest version is 2", "position": ""}
    answer["content"] = canonical_json({"ok": False, "tool": SAVE, "data": data})
    closing("I could not save it: the newest version is 2. Tell me whether to try again.")(messages)


def saved_twice(messages: Messages) -> None:
    """The same Python is saved once more before the answer, as another workflow."""
    again = changed(messages[place_of(messages, SAVE) :][:2], answered(workflow_id="workflow-2"))
    again[0]["tool_calls"][0]["id"] = again[1]["tool_call_id"] = "again"
    messages[-1:-1] = again


def without_lookups(messages: Messages) -> None:
    for tool in (SEARCH, CONFIGURE):
        del messages[place_of(messages, tool) :][:2]
    places = [n for n, each in enumerate(messages) if each["role"] == "tool" or each.get("tool_calls")]
    kept = place_of(messages, SAVE)
    for place in reversed(places):
        if place not in (kept, kept + 1):
            del messages[place]


@pytest.mark.parametrize(
    ("messages", "python", "expected"),
    [(created(), PYTHON, GOOD), (edited(), EDITED, GOOD), (asked(), "", ASKED)],
    ids=["create", "edit", "question"],
)
def test_the_known_good_conversation_scores_1_wherever_there_is_something_to_judge(
    messages: Messages, python: str, expected: dict[str, float | None]
) -> None:
    assert scores(messages, python) == expected


@pytest.mark.parametrize("wording", range(NUM_WORDINGS))
def test_every_wording_of_the_workflow_is_a_request_for_it(wording: int) -> None:
    request = create_request(from_python(PYTHON), wording)
    assert scores(talk((request, ScriptedOracle(PYTHON)))) == GOOD


APP = to_python(from_python(PYTHON.replace("add_order_tags(", 'task("app-1", "0.1", ')))
LOOPED = PYTHON.replace('["vip"]', '["vip", "{{order.fulfillmentsForeachitem.id}}"]')
MAILED = PYTHON + '    send_email(address="a@b.example", subject="s", message="m")\n'
CANCELLED = PYTHON.replace(
    'add_order_tags(order_id=order.id, tags=["vip"])', "archive_order(order_id=order.id)"
)

DEFECTS: dict[str, tuple[Messages, str, dict[str, float | None]]] = {
    "it does not parse": (
        changed(created(), written("def (:")),
        PYTHON,
        {"syntax": 0.0, "components": None},
    ),
    "the language refuses it": (
        changed(created(), written("import os\n")),
        PYTHON,
        {"syntax": 0.0, "components": None},
    ),
    "the call holds no Python": (
        changed(
            created(), lambda m: m[place_of(m, SAVE)]["tool_calls"][0]["function"].update(arguments="{}")
        ),
        PYTHON,
        {"syntax": 0.0, "components": None},
    ),
    "the shop holds another workflow": (created(), EDITED, {"syntax": 0.0}),
    "Flow objects to a loop's item": (
        talk(('When an order is created over 500, tag it "vip".', ScriptedOracle(LOOPED))),
        LOOPED,
        {"syntax": 0.5},
    ),
    "nothing was looked up": (changed(created(), without_lookups), PYTHON, {"components": 0.0}),
    "a number of the request is another": (
        talk((REQUEST, ScriptedOracle(EDITED))),
        EDITED,
        {"components": 0.5},
    ),
    "a text of the request is another": (
        talk((REQUEST, ScriptedOracle(PYTHON.replace("vip", "gold")))),
        PYTHON.replace("vip", "gold"),
        {"components": 0.5},
    ),
    "an action that nobody asked for": (
        talk((REQUEST, ScriptedOracle(MAILED))),
        MAILED,
        {"components": 0.5},
    ),
    "the action is another": (
        talk(("Tag an order that is created over 500.", ScriptedOracle(CANCELLED))),
        CANCELLED,
        {"components": 0.0},
    ),
    "the edit changes nothing": (edited(PYTHON), PYTHON, {"components": 0.0}),
    "the edit takes another value": (
        edited(request="Change 500 to 800."),
        EDITED,
        {"components": 0.5},
    ),
    "a question gets a workflow": (
        talk((f'{QUESTION[:-1]} with "vip" tags over 500?', ScriptedOracle(PYTHON))),
        PYTHON,
        {"appropriateness": 0.0},
    ),
    "a wish gets words": (
        talk((REQUEST, ScriptedOracle(None, "You need no workflow to tag orders."))),
        "",
        {"syntax": None, "components": None, "appropriateness": 0.0, "next_steps": None},
    ),
    "an edit gets words": (
        talk((REQUEST, ScriptedOracle(PYTHON)), ("Make it 900.", ScriptedOracle(None, "As you like."))),
        PYTHON,
        {"appropriateness": 0.0, "next_steps": None},
    ),
    "an edit makes a second workflow": (
        talk((REQUEST, ScriptedOracle(PYTHON)), ("Change 500 to 900.", ScriptedOracle(EDITED))),
        EDITED,
        {"appropriateness": 0.0},
    ),
    "one request leaves two workflows": (
        changed(created(), saved_twice),
        PYTHON,
        {"appropriateness": 0.0},
    ),
    "the save was refused, which the answer owns": (
        changed(created(), refused),
        "",
        {"appropriateness": 0.0},
    ),
    "the save was refused, and the answer claims success": (
        changed(changed(created(), refused), closing("The workflow is saved. Review it, then turn it on.")),
        "",
        {"appropriateness": 0.0, "next_steps": 0.0},
    ),
    "the answer names no next step": (
        changed(created(), closing("The workflow is saved and switched off.")),
        PYTHON,
        {"next_steps": 0.5},
    ),
    "the answer says that it runs": (
        changed(created(), closing("I turned it on. Review it when you like.")),
        PYTHON,
        {"next_steps": 0.0},
    ),
    "the answer says that nothing was saved": (
        changed(created(), closing("I could not save the workflow. Try it again.")),
        PYTHON,
        {"next_steps": 0.0},
    ),
    "the answer is silent about what must be mended": (
        changed(
            changed(created(), answered(validation_errors={"taskErrors": [{"stepId": "2"}]})),
            closing("The workflow is saved. Next, turn it on."),
        ),
        PYTHON,
        {"next_steps": 0.0},
    ),
    "there is no answer": (changed(created(), lambda m: m.pop()), PYTHON, {"next_steps": None}),
    "the answer to a question is about nothing": (asked("It is raining."), "", {**ASKED, "next_steps": 0.0}),
    "the answer to a question claims a workflow": (
        asked("I created a workflow that can send internal email."),
        "",
        {**ASKED, "next_steps": 0.0},
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_planted_defect_moves_its_facet_and_no_other(name: str) -> None:
    messages, python, moved = DEFECTS[name]
    assert scores(messages, python) == {**GOOD, **moved}


def test_every_facet_is_moved_by_some_defect() -> None:
    sound = {facet for *_, moved in DEFECTS.values() for facet, score in moved.items() if score in (0.0, 0.5)}
    assert sound == set(GOOD)


def test_a_verdict_says_what_is_wrong() -> None:
    found = verdicts(talk((REQUEST, ScriptedOracle(MAILED))), MAILED)
    assert found["components"].detail == "not asked for: send_email"
    assert verdicts(created(), EDITED)["syntax"].detail.startswith("the workflow that was recorded is not")
    found = verdicts(changed(created(), written("import os\n")))
    assert found["syntax"].detail.startswith("it cannot be read: ")


def test_a_task_of_which_the_tool_said_that_it_cannot_be_read_was_not_looked_up() -> None:
    def configured(error: object) -> Callable[[Messages], object]:
        def change(messages: Messages) -> None:
            answer = messages[place_of(messages, CONFIGURE) + 1]
            known = json.loads(answer["content"] or "")
            known["data"]["tasks"].append({"id": "app-1", "error": error})
            answer["content"] = canonical_json(known)

        return change

    messages = talk((REQUEST, ScriptedOracle(APP)), shop=InMemoryShop(frozenset({"app-1"})))
    unknown = {"code": "TASK_NOT_FOUND", "message": "no task has this id"}
    found = verdicts(changed(messages, configured(unknown)), APP)["components"]
    assert found == Verdict(0.5, "not looked up: app-1")
    assert scores(changed(messages, configured(None)), APP)["components"] == 1.0


def test_an_app_that_the_search_called_installed_is_no_error_and_any_other_is() -> None:
    messages = talk((REQUEST, ScriptedOracle(APP)), shop=InMemoryShop(frozenset({"app-1"})))
    assert scores(messages, APP)["syntax"] == 0.5

    def installed(messages: Messages) -> None:
        answer = messages[place_of(messages, SEARCH) + 1]
        known = json.loads(answer["content"] or "")
        known["data"]["tasks"]["app"] = [{"id": "app-1", "installed": True}]
        answer["content"] = canonical_json(known)

    assert scores(changed(messages, installed), APP)["syntax"] == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "nonsense",
        '["user"]',
        '[{"role":"assistant","content":"Hello."}]',
        '[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{}]}]',
    ],
)
def test_what_are_no_messages_is_refused(text: str) -> None:
    with pytest.raises(BadRecord, match=r"^NOT_MESSAGES: "):
        turns_of(text)


def test_an_answer_that_is_no_json_of_a_tool_is_an_answer_without_anything() -> None:
    for content in ("", "not json", "[]", '{"ok":"yes"}'):
        messages = changed(created(), lambda m, c=content: m[place_of(m, SAVE) + 1].update(content=c))
        found = verdicts(messages)
        assert found["appropriateness"].score == 0.0
        assert found["next_steps"].score == 0.0


def test_answers_find_their_calls_by_id_turn_by_turn() -> None:
    first, second = turns_of(canonical_json(edited()))
    assert (first.request, second.request) == (REQUEST, "Change 500 to 900.")
    assert [call.name for call in first.calls] == [SEARCH, CONFIGURE, SAVE]
    assert [call.data["workflow_version"] for call in (*first.saves, *second.saves)] == [1, 2]
    assert {task["id"] for call in first.calls for task in call.tasks} >= {"shopify::admin::add_order_tags"}
    assert turns_of(canonical_json(asked()))[0].closing == ANSWER
