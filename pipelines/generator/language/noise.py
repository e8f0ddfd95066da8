"""JSON as people, scripts and editors write it: one value, many texts."""

from __future__ import annotations

import json
from typing import Any, Final

from pipelines.generator.draw import Draw

__all__ = ["compact_json", "noisy_json", "shuffled"]

_SPACES: Final = ("", "", "", " ", "\n", "\t", "  ", "\r\n")
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact_json(value: Any) -> str:
    """As Shopify's exporter writes: no spaces, raw UTF-8."""
    return _COMPACT(value)


def noisy_json(draw: Draw, value: Any) -> str:
    """In any style: with spaces, indents, escapes, or all of them at random."""
    match draw.between(0, 5):
        case 0:
            return json.dumps(value, ensure_ascii=False)
        case 1:
            indent = "\t" if draw.chance(0.2) else " " * draw.between(0, 4)
            return json.dumps(value, ensure_ascii=False, indent=indent)
        case 2:
            return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
        case 3:
            return json.dumps(value, ensure_ascii=True, indent=2)
        case 4:
            return _ragged(draw, value)
        case _:
            return compact_json(value)


def shuffled(draw: Draw, value: dict[str, Any]) -> dict[str, Any]:
    """The same keys in another order."""
    return dict(draw.mixed(tuple(value.items())))


def _ragged(draw: Draw, value: Any) -> str:
    space = draw.pick(_SPACES)
    match value:
        case dict():
            parts = [f"{_text(draw, key)}{space}:{_ragged(draw, part)}{space}" for key, part in value.items()]
            return f"{space}{{{space}{','.join(parts)}}}"
        case list():
            return f"[{space}{','.join(_ragged(draw, part) for part in value)}{space}]"
        case str():
            return space + _text(draw, value)
        case float() if draw.chance(0.5):
            return f"{space}{value:.17e}"
        case _:
            return space + compact_json(value)


def _text(draw: Draw, text: str) -> str:
    """A string, some characters escaped that need no escape."""
    if len(text) > 200 or draw.chance(0.5):
        return compact_json(text)
    return '"' + "".join(_character(draw, character) for character in text) + '"'


def _character(draw: Draw, character: str) -> str:
    if character == "/" and draw.chance(0.5):
        return "\\/"
    if draw.chance(0.8):
        return compact_json(character)[1:-1]
    units = character.encode("utf-16-be")
    written = "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
    return written.replace("d", "D") if draw.chance(0.3) else written
