"""The array's short ways and the whole table find the same: on labelled texts and on odd ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identifier_arrays import find_in_array
from pipelines.identifier_rules import Rule
from pipelines.identifiers import ALL_RULES, Identifier, find_by
from pipelines.labelled_messages import labelled_messages
from pipelines.remainders import find_remainders

MESSAGES = [message.text for message in labelled_messages(900, "tuned")]
WORDS = sorted({word for text in MESSAGES for word in text.split(" ") if word})
MARKS = [
    "",
    " ",
    "\n",
    "\\n",
    "@",
    "://",
    "/",
    ".",
    "-",
    ":",
    "=",
    "<",
    ">",
    "(",
    "\u00a0",
    "\u2011",
    "{{",
    "}}",
    "#",
    "1",
    "é",
    "٣",
]
PARTS = st.sampled_from(WORDS) | st.sampled_from(MARKS) | st.text(max_size=4)
TEXTS = st.lists(PARTS, max_size=9).map("".join)


def one_by_one(text: str) -> Sequence[Identifier]:
    """By every pattern over the whole text, without any gate or short way."""
    plain = [Rule(rule.kind, (), rule.pattern, rule.valid, _search) for rule in ALL_RULES]
    found = find_by(text, plain)
    return tuple(sorted((*found, *find_remainders(text, found)), key=lambda one: one.start))


def _search(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str] | None:
    return pattern.search(text, position)


def in_array(texts: list[str]) -> list[Sequence[Identifier]]:
    found = dict(find_in_array(pa.array(texts, pa.string())))
    return [found.get(place, ()) for place in range(len(texts))]


def test_labelled_messages_are_found_alike() -> None:
    assert in_array(MESSAGES) == [one_by_one(text) for text in MESSAGES]


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_any_texts_are_found_alike(texts: list[str]) -> None:
    assert in_array(texts) == [one_by_one(text) for text in texts]
