"""A conversation in print: what a model wrote is shown whatever it is, and drives no terminal."""

from __future__ import annotations

from typing import Any

import pytest

from jobs._conversation import message_lines


def lines(arguments: str) -> str:
    call: dict[str, Any] = {"id": "x", "function": {"name": "task_search", "arguments": arguments}}
    return "\n".join(message_lines([{"role": "assistant", "content": None, "tool_calls": [call]}]))


@pytest.mark.parametrize("arguments", ["{", "[]", "7", "[" * 5000, '{"workflow_python": 7}', "\x1b[2J" * 99])
def test_arguments_that_are_none_are_shown_as_they_came(arguments: str) -> None:
    shown = lines(arguments)
    assert shown.startswith("calls      task_search")
    assert "\x1b" not in shown
    assert len(shown) < 500


def test_python_among_the_arguments_is_counted_and_not_shown_twice() -> None:
    assert lines('{"workflow_python":"a\\nb\\n"}') == (
        'calls      task_search {"workflow_python": "(2 lines of Python)"}'
    )
