"""What a conversation says of people in structured places goes from its words, and no path does."""

from __future__ import annotations

import json

import pytest

from pipelines.identifiers import Identifier
from pipelines.known_entities import KnownEntities
from pipelines.redact import Redactor
from schemas.chat import Message
from schemas.tools import canonical_json
from tests.schemas.conversations import answer, calls, says, user

CUSTOMER = {
    "customer": {
        "firstName": "Mark",
        "last_name": "Ostrander",
        "phone": "555 123 4567",
        "defaultAddress": {"name": "Mara Ostrander", "address1": "Hoekweg 12b"},
    },
    "task": {"name": "Order Created"},
}


def shown(known: KnownEntities, text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in known.find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mark ostrander rang", [("name", "mark ostrander")]),
        ("Mark asks to mark it", [("name", "Mark")]),
        ("Ostranders", []),
        ("ring 5551234567 or 555 123 4567", [("phone", "5551234567"), ("phone", "555 123 4567")]),
        ("send it to hoekweg 12B", [("address", "hoekweg 12B")]),
        ("Mara's tag", [("name", "Mara")]),
        ("Order Created", []),
        ("{{ customer.Mark }} {% if Mark %}", []),
        ("", []),
    ],
)
def test_what_is_known_is_found(text: str, found: list[tuple[str, str]]) -> None:
    known = KnownEntities()
    known.learn(CUSTOMER)
    assert shown(known, text) == found


@pytest.mark.parametrize("name", ["{{ order.email }}", "order.totalPrice", "a@b.co", "X", "R2 D2", ""])
def test_what_is_no_name_is_not_learnt(name: str) -> None:
    known = KnownEntities()
    known.learn({"displayName": name})
    assert known.find(f"about {name} here") == ()


TALK: list[Message] = [
    user("Tell Ostrander when order.totalPrice is large, and mark it. His ref is 5551 234 567 89."),
    calls(("task_search", {"search_queries": ["mail Mark"]})),
    answer(0, {"mail Mark": [], **CUSTOMER}),
    says("Mark Ostrander gets a mail from nobody@localhost when {{ order.Mark }} is set."),
]


def test_a_name_goes_from_every_message_and_paths_stay() -> None:
    redacted = Redactor().messages(TALK)
    assert redacted[0]["content"] == (
        "Tell person_1 when order.totalPrice is large, and mark it. His ref is number_1."
    )
    assert redacted[3]["content"] == (
        "person_1 gets a mail from email_1@redacted.invalid when {{ order.Mark }} is set."
    )
    assert "mail person_1" in json.loads(redacted[2]["content"] or "")["data"]
    assert "Ostrander" not in canonical_json(redacted)
    assert "Order Created" in canonical_json(redacted)


class _Cities:
    def find(self, text: str) -> list[Identifier]:
        place = text.find("Utrecht")
        return [] if place < 0 else [Identifier(place, place + 7, "address", "utrecht")]


def test_a_further_layer_is_asked_and_overlaps_nothing() -> None:
    redactor = Redactor(recognizer=_Cities())
    assert redactor.text("to Utrecht") == "to address_1"
    assert redactor.text("mail a@Utrecht.nl") == "mail email_1@redacted.invalid"
    assert Redactor().text("to Utrecht") == "to Utrecht"


@pytest.mark.parametrize(
    "text",
    [
        "order.totalPrice",
        "{{ order.email }} and {% if order.name == 'x' %}",
        "SKU 4006381333931, #5678901234567, 2026-11-22T08:30:00+02:00",
        "$1234567890.00, 1,234,567,890 points, 12.345.678,90 EUR",
        "@order_created\ndef tag(order):\n    tag_order(order_id=order.id)",
        "550e8400-e29b-41d4-a716-446655440000, 1920x1080, 100 - 200 - 300",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    assert Redactor().text(text) == text
