from __future__ import annotations

import pytest

from pipelines.claims import ADMITS, MEND, NEXT, RUNS, SAVED, TRY, claims, is_among, says, topic, values_of


@pytest.mark.parametrize(
    ("request_text", "values"),
    [
        ("Tag orders over $1,000.50 as “VIP”", ["vip", "1000.5"]),
        ('Tag it "" and "VIP" and "vip"', ["vip"]),
        ("Don't tag it 'big deal', it's for Ann's shop", ["big deal"]),
        ("1. wait 7 days\n2) tag it", ["7"]),
        ("mail a2@b.example about order-7, 10:30 or 2026-01-01", []),
        ('with the JSON \'[["a","{{ b }}"],2]\'', ["2", "{{ b }}", "a"]),
        ('with "{not json"', ["{not json"]),
        ('Mail text 1.\n\nText 1:\n```\nHello 5\n\n"there"\n```\n', ['hello 5 "there"']),
        ("", []),
    ],
)
def test_values_are_what_is_quoted_and_the_numbers_beside(request_text: str, values: list[str]) -> None:
    assert sorted(values_of(request_text)) == sorted(values)


@pytest.mark.parametrize(
    ("value", "texts", "found"),
    [
        ("vip", ["a VIP tag"], True),
        ("vip", ["v ip"], False),
        ("500", ["amount > 500"], True),
        ("500", ["5000", "1500"], False),
        ("150.00", ["150"], True),
        ("a b", ["a\n  b"], True),
        ("a", [], False),
    ],
)
def test_a_number_is_found_as_a_number_and_a_text_whatever_its_capitals(
    value: str, texts: list[str], found: bool
) -> None:
    assert is_among(value, texts) is found


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("The workflow is saved and switched off. Review it, then turn it on.", {"SAVED", "NEXT"}),
        ("It is now active.", {"RUNS"}),
        ("The workflow is live.", {"RUNS"}),
        ("I've turned it on.", {"RUNS"}),
        ("Mend step 2 before it is turned on.", set()),
        ("Once the workflow is saved, it runs when you activate it.", set()),
        ("I could not save the workflow. Try again.", {"NEXT"}),
        ("I couldn't create it.", set()),
        ('The workflow "I turned it on" was created.', {"SAVED"}),
        ("Order created starts a workflow when an order is created.", set()),
        ("", set()),
    ],
)
def test_a_claim_is_what_is_said_outright(text: str, holds: set[str]) -> None:
    patterns = {"SAVED": SAVED, "RUNS": RUNS, "NEXT": NEXT}
    assert {name for name, pattern in patterns.items() if claims(text, pattern)} == holds


@pytest.mark.parametrize("text", ["I couldn’t save it", "It was not saved", "I was unable to create it"])
def test_what_admits_a_failure_claims_no_success(text: str) -> None:
    assert says(text, ADMITS)
    assert not claims(text, SAVED)


def test_what_comes_next_is_named() -> None:
    assert says("Fix step 2.", MEND)
    assert says("Tell me another amount.", TRY)
    assert not says("It is saved.", MEND)
    assert not says('The workflow "Fix it" is saved.', MEND)


def test_the_topic_of_a_question_is_what_is_left_of_it_without_the_asking() -> None:
    assert topic("What does Send internal email do?") == {"send", "internal", "email"}
    assert topic("How can I do that?") == set()
