"""Tool calls as a script makes them, and answers as it reads them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from schemas.chat import ToolCall
from schemas.errors import BadRecord
from schemas.tools import canonical_json
from schemas.workflow.jsontext import read_json

__all__ = ["Answered", "Dialogue", "Script", "answered", "calls"]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a tool said; of an answer that is none of ours, `ok` is false and `data` says so."""

    ok: bool
    data: Mapping[str, Any]

    @property
    def refusal(self) -> str:
        """What was wrong, for a person."""
        return f"{self.data.get('code', '')}: {self.data.get('message', 'the tool gave no reason')}"


T = TypeVar("T")
Dialogue: TypeAlias = Generator[list[ToolCall], list[Answered], T]
"""Yields the calls of one message, is sent their answers, and returns what it came to."""
Script: TypeAlias = Dialogue[str]
"""A whole dialogue: it returns what is said at the end."""


def calls(name: str, *each: Mapping[str, Any]) -> list[ToolCall]:
    return [
        {
            "id": f"{name}_{number}",
            "type": "function",
            "function": {"name": name, "arguments": canonical_json(dict(arguments))},
        }
        for number, arguments in enumerate(each)
    ]


def answered(texts: Sequence[str]) -> list[Answered]:
    return [_answered(text) for text in texts]


def _answered(text: str) -> Answered:
    try:
        found = read_json(text)
        return Answered(found["ok"] is True, dict(found["data"]))
    except (BadRecord, KeyError, TypeError, ValueError):
        return Answered(False, {"message": "the answer cannot be read"})
