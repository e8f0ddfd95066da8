"""The gate: which spelling a text is, what it answers, and that no text makes it raise."""

from __future__ import annotations

import random

import pytest

from schemas.workflow import Inspection, from_python, inspect, inspection, write
from schemas.workflow.inspection import is_python
from tests.schemas.workflow.small import (
    CREATED,
    SIGNATURE,
    compact,
    document,
    export,
    in_function,
    link,
    step,
)

PYTHON = in_function('add_order_tags(order_id=order.id, tags=["VIP"])')
FLOW = export([step("a", CREATED), step("b", order_id="order.id", tags='["VIP"]')], [link("a", "b")])


@pytest.mark.parametrize("digit", "0123456789abcdef")
def test_a_signature_may_start_with_any_digit(digit: str) -> None:
    found = inspect(digit * 64 + FLOW[64:])
    assert (found.spelling, found.lossless) == ("flow", True)
    assert inspect("def" + digit * 61 + FLOW[64:]).spelling == "flow"


@pytest.mark.parametrize(
    ("text", "python"),
    [
        (PYTHON, True),
        ("\n\n  " + PYTHON, True),
        ("# a comment\n" + PYTHON, True),
        ("\ufeff" + PYTHON, True),
        ("def f():\n    pass", True),
        ("async def f():\n    pass", True),
        ("import os", True),
        ("from os import path", True),
        (FLOW, False),
        (FLOW[65:], False),
        ("", False),
        ("def", True),
        ("d" * 64, False),
        ("definitely not", False),
        ("hello", False),
        ("[]", False),
    ],
)
def test_what_is_read_as_python_is_decided_by_the_start(text: str, python: bool) -> None:
    assert is_python(text) is python
    assert (inspect(text).spelling == "python") is python


def test_everything_about_a_lossless_file_is_told() -> None:
    found = inspect(FLOW)
    assert found.python == PYTHON
    assert found.descriptor == "order_created: add_order_tags"
    assert (found.trigger, found.tasks, found.problems) == ("order_created", ("add_order_tags",), ())
    assert found.workflow == from_python(PYTHON)
    assert "VIP" not in found.layout


def test_nothing_is_told_about_a_refused_one() -> None:
    found = inspect(FLOW[:-10])
    assert found == Inspection("", problems=found.problems)
    assert [problem.severity for problem in found.problems] == ["error"]


def test_a_file_that_would_not_come_back_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate compares for itself: it does not trust the writer and the reader that it stands behind."""
    monkeypatch.setattr(inspection, "write", lambda *_: FLOW[:70] + "X" + FLOW[71:])
    found = inspect(FLOW)
    assert (found.exact, found.semantic, found.lossless) == (False, True, False)
    assert [(problem.code, problem.path) for problem in found.problems] == [
        ("ROUND_TRIP_EXACT", "character 70")
    ]
    monkeypatch.undo()
    other = from_python(PYTHON.replace("VIP", "other"))
    monkeypatch.setattr(inspection, "from_python", lambda _: other)
    for text in (FLOW, PYTHON):
        found = inspect(text)
        assert (found.semantic, found.lossless) == (text == PYTHON, False)
    assert [problem.code for problem in inspect(FLOW).problems] == ["ROUND_TRIP_SEMANTIC", "ROUND_TRIP_EXACT"]


def test_a_huge_key_does_not_make_a_huge_reason() -> None:
    (problem,) = inspect(FLOW.replace('"root"', f'"root":1,"{"x" * 500_000}"')).problems
    assert max(len(problem.message), len(problem.path)) <= 2_000


def test_python_is_exact_only_in_its_canonical_text() -> None:
    assert inspect(PYTHON).exact
    other = inspect(PYTHON.replace('"VIP"', "'VIP'"))
    assert (other.exact, other.semantic, other.python) == (False, True, PYTHON)
    assert [problem.code for problem in other.problems] == ["NOT_CANONICAL"]


def test_python_with_other_line_ends_means_the_same() -> None:
    text = in_function('send_email(\n    message="""one\ntwo""",\n)')
    for line_end in ("\r\n", "\r"):
        found = inspect(text.replace("\n", line_end))
        assert (found.semantic, found.exact, found.python) == (True, False, text)


def test_a_byte_order_mark_is_refused_in_both_forms() -> None:
    for text, code in ((PYTHON, "PYTHON_SYNTAX"), (FLOW, "INVALID_WORKFLOW_JSON")):
        (problem,) = inspect("\ufeff" + text).problems
        assert problem.code == code
        assert problem.message.startswith("starts with a byte order mark")


def test_an_unsigned_export_keeps_its_trees() -> None:
    body = compact(document([step("a", CREATED)]))
    assert inspect(body).spelling == "agent"
    assert inspect(body).lossless
    assert inspect(f"{SIGNATURE}:{body}").spelling == "flow"


def test_no_damage_of_a_good_text_makes_it_raise() -> None:
    draw = random.Random(20261124)
    texts = [FLOW, FLOW[65:], PYTHON, write(from_python(PYTHON), spelling="agent")]
    odd = [
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\0",
        "\ud800",
        "\ufeff",
        "\n",
        "'",
        "(",
        ")",
        "0",
        "1e999",
        "...",
    ]
    for _ in range(1500):
        text = draw.choice(texts)
        for _ in range(draw.randint(1, 4)):
            start = draw.randrange(len(text))
            end = min(len(text), start + draw.choice([0, 1, 1, 2, 9]))
            text = text[:start] + draw.choice([*odd, "", text[end : end + 5]]) + text[end:]
        found = inspect(text)
        assert found.lossless or found.problems
        if not found.lossless and not found.semantic:
            assert any(problem.severity == "error" for problem in found.problems)
