"""JSON objects of a known shape: what each key may hold, and the sentence for one that holds something else.

A catalogue refuses an unknown key; of the answers of foreign tools it is noted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.errors import BadRecord

__all__ = [
    "FLAG",
    "LIST",
    "NAME",
    "NUMBER",
    "TEXT",
    "TEXTS",
    "Check",
    "Shape",
    "checked",
    "one_of",
    "parse_json",
    "refused",
]

_MAX_TEXT: Final = 10_000

Check = tuple[Callable[[Any], bool], str]
"""Whether a value fits, and what it must be."""
Shape = Mapping[str, Check]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT


def one_of(allowed: tuple[str, ...]) -> Check:
    """One of some constants."""
    known = frozenset(allowed)
    return lambda value: isinstance(value, str) and value in known, " or ".join(sorted(known))


TEXT: Final[Check] = (_is_text, f"a text of at most {_MAX_TEXT} characters")
NAME: Final[Check] = (
    lambda value: isinstance(value, str) and 0 < len(value) <= 200,
    "a text of 1 to 200 characters",
)
TEXTS: Final[Check] = (
    lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "a list of texts",
)
FLAG: Final[Check] = (lambda value: isinstance(value, bool), "true or false")
NUMBER: Final[Check] = (lambda value: type(value) is int, "a whole number")
LIST: Final[Check] = (lambda value: isinstance(value, list), "a list")


def parse_json(text: str, limit: int) -> object:
    """What a JSON text of at most `limit` characters holds.

    Raises:
        BadRecord: for what is longer, no JSON, or no Unicode, and for a key that is there twice.
    """
    if len(text) > limit:
        raise refused(f"{len(text)} characters, the limit is {limit}")
    try:
        found: object = json.loads(text, object_pairs_hook=_unique)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()  # half a character can only come from an escape
    except UnicodeEncodeError:
        raise refused("a lone surrogate, which is not valid Unicode") from None
    except (ValueError, RecursionError) as error:
        raise refused(f"no JSON: {error}") from None
    return found


def checked(
    found: object,
    shape: Shape,
    required: tuple[str, ...],
    where: str,
    unknown: list[str] | None = None,
) -> dict[str, Any]:
    """The object, with tuples for its lists of texts.

    Keys that the shape lacks are added to `unknown` and left out; without that list they are refused.

    Raises:
        BadRecord: with the place in the JSON and what must be there.
    """
    if not isinstance(found, dict):
        raise refused("must be an object", where)
    for key in required:
        if key not in found:
            raise refused(f"lacks {key!r}", where)
    kept: dict[str, Any] = {}
    for key, value in found.items():
        at = f"{where}.{key}".removeprefix(".")
        if key in shape:
            fits, said = shape[key]
            if not fits(value):
                raise refused(f"must be {said}", at)
            kept[key] = tuple(value) if shape[key] is TEXTS else value
        elif unknown is None:
            raise refused(f"there is no such key; there are {', '.join(shape)}", at)
        else:
            unknown.append(at)
    return kept


def refused(message: str, path: str = "") -> BadRecord:
    """The error that names a place in a catalogue or an answer."""
    return BadRecord("INVALID_CATALOGUE", message, path=path)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice in one object")
    return found
