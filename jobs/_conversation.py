"""A conversation and a workflow as lines for a terminal: who said what, calls and answers cut short."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from jobs._console import printable

__all__ = ["json_lines", "message_lines", "said"]

_MAX_ANSWER: Final = 160
"""Characters of a tool's answer, and of arguments that are no JSON, where not all is asked for."""
_WIDTH: Final = 100


def message_lines(messages: Sequence[Mapping[str, Any]], *, full: bool = False) -> Iterator[str]:
    """The messages in turn; `full` prints the tools' answers uncut."""
    for message in messages:
        content = message["content"] or ""
        if message["role"] == "tool":
            yield from said("tool", content if full else _cut(content))
        elif content:
            yield from said("merchant" if message["role"] == "user" else "assistant", content)
        for call in message.get("tool_calls", []):
            yield from said("calls", f"{call['function']['name']} {_arguments(call['function'])}")


def said(who: str, text: str) -> Iterator[str]:
    """What somebody said, wrapped, with who it was in the margin."""
    lines = [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(printable(line), _WIDTH, drop_whitespace=False) or [""]
    ]
    for number, line in enumerate(lines):
        yield f"{who if number == 0 else '':<10} {line}".rstrip()


def json_lines(text: str) -> Iterator[str]:
    """A JSON text, indented by one."""
    yield from (
        printable(line) for line in json.dumps(json.loads(text), ensure_ascii=False, indent=1).splitlines()
    )


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_ANSWER else f"{text[:_MAX_ANSWER]}... ({len(text)} characters)"


def _arguments(function: Mapping[str, str]) -> str:
    """The arguments as they are; the Python among them is printed below, and no JSON is shown as it came."""
    try:
        arguments = json.loads(function["arguments"])
        if "workflow_python" in arguments:
            lines = len(arguments["workflow_python"].splitlines())
            arguments["workflow_python"] = f"({lines} {'line' if lines == 1 else 'lines'} of Python)"
    except (ValueError, TypeError, AttributeError, RecursionError):
        return _cut(function["arguments"])
    return json.dumps(arguments, ensure_ascii=False)
