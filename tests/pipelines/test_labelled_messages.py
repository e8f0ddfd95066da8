"""Floors of recall and precision on labelled messages, and what the set itself promises."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from pipelines.identifier_arrays import find_in_array, kind_of
from pipelines.identifiers import find_identifiers, is_surrogate
from pipelines.labelled_messages import KINDS, Half, Label, LabelledMessage, labelled_messages
from pipelines.labelled_messages.scoring import Score, scores
from pipelines.redact import Redactor
from pipelines.remainders import find_remainders

HALVES: tuple[Half, ...] = ("tuned", "held_out")
STRUCTURED = set(KINDS) - {"name", "address"}
NUM = 1500


def found_in(messages: list[LabelledMessage]) -> list[list[Label]]:
    finds: list[list[Label]] = [[] for _ in messages]
    for place, found in find_in_array(pa.array([message.text for message in messages])):
        finds[place] = [Label(one.start, one.end, kind_of(one)) for one in found]
    return finds


@pytest.fixture(scope="module", params=HALVES)
def scored(request: pytest.FixtureRequest) -> dict[str, Score]:
    messages = labelled_messages(NUM, request.param)
    return scores(messages, found_in(messages), KINDS)


def test_structured_kinds_are_found_and_little_else_is(scored: dict[str, Score]) -> None:
    assert min(scored[kind].num_labels for kind in KINDS) >= 20
    missed = {kind: scored[kind].recall for kind in STRUCTURED if scored[kind].recall < 0.97}
    wrong = {kind: scored[kind].precision for kind in KINDS if scored[kind].precision < 0.95}
    assert (missed, wrong) == ({}, {})
    num_found = sum(scored[kind].num_found for kind in STRUCTURED)
    assert num_found >= 0.99 * sum(scored[kind].num_labels for kind in STRUCTURED)
    assert scored["name"].recall > 0.8
    assert scored["address"].num_met > 0.8 * scored["address"].num_labels


def test_a_pattern_that_is_gone_is_missed() -> None:
    messages = labelled_messages(300, "tuned")
    finds = [[one for one in found if one.kind != "iban"] for found in found_in(messages)]
    assert scores(messages, finds, KINDS)["iban"].recall == 0
    assert scores(messages, finds, KINDS)["email"].recall == 1


@pytest.mark.parametrize("half", HALVES)
def test_the_set_is_seeded_and_says_what_it_holds(half: Half) -> None:
    messages = labelled_messages(NUM, half)
    assert messages[:100] == labelled_messages(100, half)
    assert messages != labelled_messages(NUM, half, seed=1)
    kinds = Counter(label.kind for message in messages for label in message.labels)
    assert set(kinds) == set(KINDS)
    assert sum(not message.labels for message in messages) >= NUM // 3
    for message in messages:
        ends = [0, *(label.end for label in message.labels)]
        assert all(end <= label.start < label.end for end, label in zip(ends, message.labels, strict=False))
        assert ends[-1] <= len(message.text)
        assert message.text.isprintable() or set("\n\t\u00a0") & set(message.text)


@pytest.mark.parametrize("half", HALVES)
def test_an_array_holds_what_its_texts_hold(half: Half) -> None:
    texts = [message.text for message in labelled_messages(NUM, half)]
    texts += [f"{one}\n{other}" for one, other in zip(texts[::3], texts[1::3], strict=False)]
    texts += [
        "his ref is 5551 234 567 89",
        "ask nobody@localhost",
        "٠١٢٣٤٥٦٧٨٩ 5551",
        "06\u00a012\u00a034\u00a056\u00a078",
    ]
    found = dict(find_in_array(pa.array([*texts, None])))
    for place, text in enumerate(texts):
        alone = find_identifiers(text)
        alone = tuple(sorted((*alone, *find_remainders(text, alone)), key=lambda one: one.start))
        assert found.get(place, ()) == alone, text


def test_what_was_redacted_holds_nothing_and_stays_so() -> None:
    for message in labelled_messages(400, "tuned"):
        once = Redactor().text(message.text)
        left = [one for one in find_identifiers(once) if not is_surrogate(one)]
        assert (left, find_remainders(once, find_identifiers(once))) == ([], ()), once
        assert Redactor().text(once) == once
        for label in message.labels:
            assert message.text[label.start : label.end] not in once
