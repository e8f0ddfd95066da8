"""The types that a Run code step says it gives back."""

from __future__ import annotations

import random
import string

import pytest

from schemas.errors import WorkflowRefused
from schemas.workflow.graphql_text import MAX_CHARACTERS, refused, tokens
from schemas.workflow.output_schema import OutputSchema, read_output_schema

WHOLE = '''
# a comment
"The output" type Output implements A & B @tagged(by: "me", list: [1, {a: $b}]) {
  """
  A block with "quotes" and \\""" inside
  """
  total(of: Int = 3, by: [ID!]! = ["a"]): Int!, lines: [[Line!]!]!
  "What happened" state: State @deprecated
  either: Either
  when: DateTime
  gone: Nowhere
}
type Line { sku: String }
interface A { id: ID }
enum State { "good" OPEN @x CLOSED }
union Either = | Line | Output
scalar Weight @specifiedBy(url: "https://example.com")
input In { a: Int = -1.5e3 b: [Int] = [1, 2] c: In = {a: 1} d: State = OPEN }
'''


def test_every_definition_is_read() -> None:
    assert read_output_schema(WHOLE) == OutputSchema(
        {
            "Output": {
                "total": "Int",
                "lines": "[Line]",
                "state": "State",
                "either": "",
                "when": "DateTime",
                "gone": "",
            },
            "Line": {"sku": "String"},
        },
        {"State": ("OPEN", "CLOSED")},
        ("Nowhere",),
    )


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        ("", "1:1", "no type Output"),
        ("type Other { a: Int }", "1:22", "no type Output"),
        ("type Output {}", "1:14", "the name of a field"),
        ("type Output { a }", "1:17", "':'"),
        ("type Output { a: }", "1:18", "the name of a type"),
        ("type Output { a: [Int }", "1:23", "']'"),
        ("type Output { a: Int", "1:21", "the end"),
        ("type Output { a: Int a: Int }", "1:22", "twice"),
        ("type Output { a: Int }\ntype Output { a: Int }", "2:6", "twice"),
        ("type Output { a(b: Int: Int }", "1:30", "never closed"),
        ("type Output { a: Int } query { a }", "1:24", "'query'"),
        ("extend type Output { a: Int }", "1:1", "'extend'"),
        ("{ a: Int }", "1:1", "a definition"),
        ("type Output { a: Int; }", "1:21", "';'"),
        ('type Output { "never a: Int }', "1:15", "never ends"),
        ('type Output { """never a: Int }', "1:15", "never ends"),
        ("enum E { A A } type Output { a: E }", "1:12", "twice"),
        ("enum E {} type Output { a: E }", "1:9", "a constant"),
        ("type Output { a: [[[[[[[[[Int]]]]]]]]] }", "1:27", "lists"),
        ("type Output { a: Int } input I { b: Int = }", "1:43", "a default"),
        ("type Output { a: Int } input I { b: Int = 1.5x }", "1:43", "'1'"),
        ("type Output = Int", "1:13", "'{'"),
        ("type Output { a: Int } \x00", "1:24", "'\\x00'"),
    ],
)
def test_a_refusal_says_where_and_what(text: str, place: str, word: str) -> None:
    with pytest.raises(WorkflowRefused) as refusal:
        read_output_schema(text)
    assert (refusal.value.code, refusal.value.path) == ("CONFIG_FIELD_GRAPHQL_SCHEMA_ERROR", place)
    assert word in refusal.value.message


@pytest.mark.parametrize(
    "text",
    [
        "type Output { a" + "(" * 60_000,
        "type Output { a: " + "[" * 60_000,
        '"' * 60_001,
        '"""' + "\\" * 60_000,
        "@" * 60_000,
        "type Output { a: Int @a" + "(b)" * 20_000,
        "enum E {" + "a " * 30_000,
        "x" * (MAX_CHARACTERS + 1),
    ],
    ids=len,
)
def test_a_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(WorkflowRefused):
        read_output_schema(text)


def test_damage_is_read_or_refused_and_nothing_else() -> None:
    rng = random.Random(11)
    refusals = 0
    for _ in range(3000):
        letters = list(WHOLE)
        for _ in range(rng.randrange(1, 4)):
            letters[rng.randrange(len(letters))] = rng.choice(string.printable)
        try:
            read_output_schema("".join(letters))
        except WorkflowRefused:
            refusals += 1
    assert 500 < refusals < 3000


def test_words_have_their_kind_and_place() -> None:
    found = tokens('query($a: Int = -1.5) { ...on X { b } } # "not a string"\n"é"', "X")
    assert [token.text for token in found if token.kind == "number"] == ["-1.5"]
    assert [(token.text, token.at) for token in found if token.kind == "string"] == [('"é"', 57)]
    assert [token.text for token in found][-2:] == ['"é"', ""]
    refusal = refused("a\nbc", 3, "no", "X")
    assert (refusal.code, refusal.path, refusal.message) == ("X", "2:2", "no at line 2, column 2")
