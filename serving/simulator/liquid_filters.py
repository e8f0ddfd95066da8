"""The filters that Flow's Liquid has beside the standard ones, and those that must be bounded or made exact.

A filter takes plain values; what a template does not find is None.

Sources: Flow format section 11 for what Flow adds; Shopify's Liquid reference for the rest.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from blake3 import blake3

from schemas.tools import canonical_json
from serving.simulator import dates

__all__ = ["DATE_FILTERS", "FILTERS", "TEXT_FILTERS", "text_of"]

TEXT_FILTERS: Final = frozenset(
    {"append", "prepend", "replace", "replace_first", "replace_last", "remove", "remove_first", "remove_last"}
    | {"capitalize", "downcase", "upcase", "escape", "escape_once", "escapejs", "lstrip", "rstrip", "strip"}
    | {"newline_to_br", "split", "strip_html", "strip_newlines", "squish", "truncate", "truncatewords"}
    | {"url_encode", "url_decode", "base64_encode", "base64_decode", "base64_url_safe_encode"}
    | {"base64_url_safe_decode", "md5", "sha1", "sha256", "blake3", "hmac_sha1", "hmac_sha256"}
)
"""Filters that make a text of what they are given, which python-liquid does in Python's spelling."""
_HIDDEN: Final = (("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"))


def text_of(value: object) -> str:
    """A value as Liquid prints it; the items of a list one after the other, an object as its JSON."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return "".join(map(text_of, value))
        case dict():
            return canonical_json(value)
        case range():
            return f"{value.start}..{value.stop - 1}"
        case _:
            return str(value)


def _date(value: object, form: object = None, *, now: datetime) -> object:
    """What is no date stays as it is, as in Liquid."""
    moment = dates.read_moment(value, now)
    return value if moment is None or form in (None, "") else dates.printed(moment, text_of(form))


def _moved(sign: int) -> Callable[..., str]:
    def move(value: object, duration: object, *, now: datetime) -> str:
        if value is None:
            return ""
        moment = dates.read_moment(value, now)
        if moment is None:
            raise ValueError(f"{text_of(value)[:40]!r} is no date")
        return dates.iso(dates.moved(moment, text_of(duration), sign))

    return move


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()


def _hmac(name: str) -> Callable[[str, object], str]:
    return lambda text, key: hmac.new(text_of(key).encode(), text.encode(), name).hexdigest()


def _uniq(value: object, key: object = None) -> list[object]:
    """The items that differ in JSON; python-liquid's own compares every item with every other."""
    found: dict[str, object] = {}
    for item in _items(value):
        found.setdefault(canonical_json(_keyed(item, key)), item)
    return list(found.values())


def _keyed(item: object, key: object) -> Any:
    return item.get(text_of(key)) if key is not None and isinstance(item, dict) else item


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple, range)) else [] if value is None else [value]


def _join(value: object, glue: object = " ") -> str:
    return text_of(glue).join(map(text_of, _items(value)))


def _sort(value: object, key: object = None) -> list[object]:
    """In rising order, what is not there at the end."""
    found = [(_keyed(item, key), item) for item in _items(value)]
    there = sorted((pair for pair in found if pair[0] is not None), key=lambda pair: pair[0])
    return [item for _, item in there] + [item for said, item in found if said is None]


def _strip_html(text: str) -> str:
    """Liquid's: scripts, styles and comments with what is in them, then every tag; in one pass."""
    kept: list[str] = []
    lowered = text.lower() if text.isascii() else text
    missing: set[str] = set()
    at = 0
    while (start := text.find("<", at)) >= 0:
        kept.append(text[at:start])
        end = 0
        for opening, closing in _HIDDEN:
            if closing not in missing and lowered.startswith(opening, start):
                closed = lowered.find(closing, start)
                if closed < 0:
                    missing.add(closing)
                else:
                    end = closed + len(closing)
        end = end or text.find(">", start) + 1
        at = end or start
        if not end:
            break
    kept.append(text[at:])
    return "".join(kept)


DATE_FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    "date": _date,
    "date_minus": _moved(-1),
    "date_plus": _moved(1),
}
"""Filters that take the run's moment as `now`."""
FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    **DATE_FILTERS,
    "md5": _digest("md5"),
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "blake3": lambda text: blake3(text.encode()).hexdigest(),
    "hmac_sha1": _hmac("sha1"),
    "hmac_sha256": _hmac("sha256"),
    "join": _join,
    "json": lambda value: canonical_json(value),
    "sort": _sort,
    "uniq": _uniq,
    "strip_html": _strip_html,
}
