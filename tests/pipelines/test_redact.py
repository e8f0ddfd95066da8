"""Redaction: one surrogate for one identifier, in every place, and everything else to the byte."""

from __future__ import annotations

import json

import pytest

from pipelines.redact import Redactor
from schemas.chat import Message, render_text
from schemas.errors import BadRecord
from schemas.tools import CONTRACT, canonical_json
from schemas.workflow import from_python, to_python
from tests.pipelines.recordings import canonical
from tests.schemas.conversations import CONVERSATIONS, answer, calls, says, user

PERSONAL = canonical(
    """@order_created
def tell_ann(order):
    if "ann@corp.com" in order.email and order.customer.phone == "+1 415 555 0100":
        add_order_tags(order_id=order.id, tags=["vip", "gid://shopify/Order/4321"])
        send_email(
            address="ann@corp.com",
            subject="{{ order.name }}",
            message="Card 4111 1111 1111 1111\\nhttps://my-store.myshopify.com\\n{{ order.email }}",
        )
"""
)
TALK: list[Message] = [
    user("Mail Ann@Corp.com or bob@corp.com about my-store.myshopify.com, +1 (415) 555-0100"),
    calls(("task_search", {"search_queries": ["mail bob@corp.com", "order created"]})),
    answer(0, {"tasks": {"mail bob@corp.com": [], "order created": []}}),
    calls(("create_or_update_workflow", {"workflow_python": PERSONAL})),
    answer(0, {"workflow_id": "gid://shopify/Flow/77", "message": "Saved for ann@corp.com"}),
    says("Saved. ann@corp.com gets a mail."),
]
SECRETS = ("corp.com", "415", "0100", "4111", "my-store", "4321", "Order/4")


def arguments_of(message: Message) -> dict[str, object]:
    found: dict[str, object] = json.loads(message["tool_calls"][0]["function"]["arguments"])
    return found


def test_one_surrogate_in_every_place() -> None:
    redacted = Redactor({"gid://shopify/Flow/77"}).messages(TALK)
    assert redacted[0]["content"] == (
        "Mail email_1@redacted.invalid or email_2@redacted.invalid "
        "about shop-1.redacted.invalid, +0-000-000-0001"
    )
    assert arguments_of(redacted[1]) == {"search_queries": ["mail email_2@redacted.invalid", "order created"]}
    assert json.loads(redacted[2]["content"] or "")["data"]["tasks"] == {
        "mail email_2@redacted.invalid": [],
        "order created": [],
    }
    python = str(arguments_of(redacted[3])["workflow_python"])
    assert python.count("email_1@redacted.invalid") == 2
    assert "+0-000-000-0001" in python
    assert "gid://shopify/Order/1" in python
    assert "shop-1.redacted.invalid" in python
    assert "0000-0000-0000-0001" in python
    assert json.loads(redacted[4]["content"] or "")["data"] == {
        "workflow_id": "gid://shopify/Flow/77",
        "message": "Saved for email_1@redacted.invalid",
    }
    whole = canonical_json(redacted)
    assert [secret for secret in SECRETS if secret in whole] == []


def test_a_redacted_conversation_renders_and_keeps_its_form() -> None:
    redacted = Redactor().messages(TALK)
    assert "email_1@redacted.invalid" in render_text(redacted, CONTRACT)
    for before, after in zip(TALK, redacted, strict=True):
        assert before.keys() == after.keys()
        for one, other in zip(before.get("tool_calls", []), after.get("tool_calls", []), strict=True):
            assert (one["id"], one["function"]["name"]) == (other["id"], other["function"]["name"])


def test_redacted_python_is_canonical_and_means_the_same_otherwise() -> None:
    redacted = Redactor().python(PERSONAL)
    assert to_python(from_python(redacted)) == redacted
    before, after = from_python(PERSONAL), from_python(redacted)
    assert (before.links, before.name) == (after.links, after.name)
    assert [step.task_id for step in before.steps] == [step.task_id for step in after.steps]
    assert "{{ order.name }}" in redacted
    assert "{{ order.email }}" in redacted
    assert "order.customer.phone ==" in redacted


def test_python_is_read_before_it_is_redacted() -> None:
    source = (
        "@order_created\n"
        "def tell(order):  # ask ann@corp.com, 'é'\n"
        "    if order.note == 'é':\n"
        "        send_email(address='ann\\x40corp.com', subject=\"a\\nann@corp.com\", message=(\n"
        '            "for ann@" # bob@corp.com\n'
        '            "corp.com \\"q\\""))\n'
    )
    redacted = Redactor().python(source)
    assert "corp" not in redacted
    assert "# ask email_1@redacted.invalid, 'é'\n" in redacted
    fields = dict(from_python(redacted).steps[-1].fields)
    assert [getattr(value, "text", None) for value in fields.values() if "redacted" in repr(value)] == [
        "email_1@redacted.invalid",
        "a\nemail_1@redacted.invalid",
        'for email_1@redacted.invalid "q"',
    ]


@pytest.mark.parametrize("length", range(20, 50))
def test_lines_break_where_a_canonical_text_breaks_them(length: int) -> None:
    call = f'add_order_tags(order_id=order.id, tags=["a@b.co", "{"x" * length}"])'
    source = canonical(f"@order_created\ndef f(order):\n    {call}\n")
    redacted = Redactor().python(source)
    assert "email_1@" in redacted
    assert to_python(from_python(redacted)) == redacted


def test_a_comment_between_the_parts_of_a_literal_goes() -> None:
    assert Redactor().python('x = ("a" # bob@corp.com\n  "b")') == 'x = ("ab")'
    assert Redactor().python('x = ("a" # bob\n  "b")') == 'x = ("a" # bob\n  "b")'


@pytest.mark.parametrize(
    "source", ["def (ann@corp.com", "x = f'{a} ann@corp.com'", "\x00ann@corp.com", "((" * 500]
)
def test_what_is_no_workflow_is_plain_text(source: str) -> None:
    assert Redactor().python(source) == source.replace("ann@corp.com", "email_1@redacted.invalid")


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_conversation_without_identifiers_stays_to_the_byte(name: str) -> None:
    redactor = Redactor()
    assert canonical_json(redactor.messages(CONVERSATIONS[name])) == canonical_json(CONVERSATIONS[name])
    assert redactor.num_replaced == 0


def test_doing_it_again_changes_nothing() -> None:
    once = Redactor().messages(TALK)
    assert Redactor().messages(once) == once


def test_what_is_replaced_is_counted() -> None:
    redactor = Redactor()
    assert redactor.text("a@b.co, A@b.co, c@d.co") == (
        "email_1@redacted.invalid, email_1@redacted.invalid, email_2@redacted.invalid"
    )
    assert redactor.num_replaced == 3


def test_a_tool_that_does_not_answer_in_json_is_plain_text() -> None:
    assert Redactor().json('{"a":1} ann@corp.com') == '{"a":1} email_1@redacted.invalid'
    assert Redactor().json('{ "a" : 1 }') == '{ "a" : 1 }'


def test_two_keys_that_would_become_one_are_refused() -> None:
    with pytest.raises(BadRecord, match="two keys of one object"):
        Redactor().json('{"A@b.co":1,"a@b.co":2}')


def test_surrogates_of_many_stay_apart_and_well_formed() -> None:
    addresses = [f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(70_000)]
    redacted = Redactor().text(" ".join(addresses)).split(" ")
    assert len(set(redacted)) == 70_000
    assert (redacted[0], redacted[-1]) == ("198.18.0.1", "198.19.17.112")


def test_an_identifier_that_stands_where_nobody_looks_is_told() -> None:
    redactor = Redactor()
    redactor.text("phone: 5551234567, https://h.com/?token=customers")
    assert redactor.leaks("x5551234567y")
    assert not redactor.leaks("all customers +0-000-000-0001")
