"""JSON text, read strictly and written back to the same bytes.

Reading refuses what other readers lose in silence: duplicate keys, NaN, infinities, lone surrogates, a
byte order mark, texts beyond the caps. `Lexis` is what a text has beyond its value (style, escapes,
white space), so that `write_json(read_json(text), lexis_of(text))` is `text` again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import orjson

from schemas.errors import WorkflowRefused

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 128

JsonValue: TypeAlias = Any
Lexis: TypeAlias = dict[str, Any] | None

INVALID: Final = "INVALID_WORKFLOW_JSON"


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_SPACED = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_INDENTED = json.JSONEncoder(ensure_ascii=False, indent=2, allow_nan=False).encode


def compact(value: JsonValue) -> str:
    """The style of Shopify's own exporter: no spaces, raw UTF-8, keys in order."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits
        return _COMPACT(value)


def read_json(text: str, where: str = "", *, limit: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Parse one JSON text of at most `limit` characters and `max_depth` levels.

    Raises:
        WorkflowRefused: INVALID_WORKFLOW_JSON with `where` and what is wrong.
    """
    if len(text) > limit:
        raise WorkflowRefused(
            "WORKFLOW_TOO_LARGE", f"{len(text)} characters, the limit is {limit}", path=where
        )
    if _depth_over(text, max_depth):
        raise WorkflowRefused(INVALID, f"nested deeper than {max_depth} levels", path=where)
    try:
        value = orjson.loads(text)
        if _writes_back(value, text):
            return value
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_exact_float
        )
    except UnicodeEncodeError:
        raise WorkflowRefused(INVALID, "a lone surrogate, which is not valid Unicode", path=where) from None
    except _Duplicate as found:
        raise WorkflowRefused(
            INVALID, f"the key {found.key!r} occurs twice in one object", path=where
        ) from None
    except (ValueError, RecursionError) as reason:
        raise WorkflowRefused(INVALID, _sentence(text, reason), path=where) from None


def _writes_back(value: JsonValue, text: str) -> bool:
    """Whether one of the usual styles gives the same bytes again: then no key was lost."""
    try:
        return _written_alike(value, text)
    except TypeError:  # deeper than orjson writes
        return False


def _written_alike(value: JsonValue, text: str) -> bool:
    second = text[1:2]
    if second == "\n":
        written = orjson.dumps(value, option=orjson.OPT_INDENT_2)
        return written == text.removesuffix("\n").encode()
    encoded = text.encode()
    return orjson.dumps(value) == encoded or (": " in text and _SPACED(value).encode() == encoded)


class _Duplicate(Exception):
    """A signal inside this module, never seen outside."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Duplicate(key)
            seen.add(key)
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _exact_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text} is out of range")
    return number


def _sentence(text: str, reason: BaseException) -> str:
    if not text:
        return "empty text"
    if text.startswith("\ufeff"):
        return "starts with a byte order mark"
    if isinstance(reason, json.JSONDecodeError):
        return f"{reason.msg} at line {reason.lineno} column {reason.colno}"
    return str(reason)


_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def _depth_over(text: str, limit: int) -> bool:
    """Whether brackets outside strings nest deeper than `limit`; linear, and never recursive."""
    if text.count("{") + text.count("[") <= limit:
        return False
    outside = _STRING.sub("", text)
    if outside.count("{") + outside.count("[") <= limit:
        return False
    depth = 0
    for character in _BRACKET.findall(outside):
        depth += 1 if character in "[{" else -1
        if depth > limit:
            return True
    return False


# -- lexis: bytes beyond the value ----------------------------------------------------------------------


def _indented(value: JsonValue) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # an integer beyond 64 bits
        return _INDENTED(value)


STYLES: Final[dict[str, Callable[[JsonValue], str]]] = {
    "compact": compact,
    "spaced": _SPACED,
    "indented": _indented,
    "indented_line": lambda value: _indented(value) + "\n",
}
_OPENING = re.compile(r"[\[{](\n[ \t]+)")


def _regular(value: JsonValue, indent: str, ascii_only: bool) -> str:
    """One line without (`""`) or with (`" "`) spaces after its signs, or many, indented by what is after a
    line break.
    """
    separators = (",", ":") if not indent else None
    lines = indent[1:] if indent.startswith("\n") else None
    return json.dumps(value, ensure_ascii=ascii_only, indent=lines, separators=separators)


_TOKENS = re.compile(r'(\s*)("(?:[^"\\]++|\\.)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]+)', re.DOTALL)


def lexis_of(text: str, value: JsonValue, default: str = "compact") -> Lexis:
    """What `text` has beyond `value`; None when it is written in the `default` style."""
    # Only styles that can be it: writing a whole file is not cheap.
    spaced = ("spaced",) if ": " in text or ", " in text else ()
    indented = ("indented", "indented_line") if "\n" in text else ()
    for style in (default, "compact", *spaced, *indented):
        if STYLES[style](value) == text:
            return None if style == default else {"style": style}
    opening = _OPENING.match(text)
    tail = text[len(text.rstrip()) :]
    for indent in (opening[1],) if opening else ("", " "):
        for ascii_only in (False, True):
            if _regular(value, indent, ascii_only) + tail == text:
                return {"indent": indent, "ascii": ascii_only, "tail": tail}
    written, canonical = _TOKENS.findall(text), _TOKENS.findall(compact(value))
    if len(written) != len(canonical):  # cannot happen for one value with its keys in order
        raise WorkflowRefused(INVALID, "cannot be written back to the same text")
    changed = [
        [number, mine]
        for number, ((_, mine), (_, other)) in enumerate(zip(written, canonical, strict=True))
        if mine != other
    ]
    spaces = [before for before, _ in written]
    return {"tokens": changed, "spaces": runs_of(spaces), "tail": tail}


def write_json(value: JsonValue, lexis: Lexis = None, default: str = "compact") -> str:
    """Write `value` in the style that `lexis` names; a lexis that no longer fits gives the default style."""
    if lexis is None:
        return STYLES[default](value)
    if "style" in lexis:
        return STYLES[lexis["style"]](value)
    if "indent" in lexis:
        return _regular(value, lexis["indent"], lexis["ascii"]) + str(lexis["tail"])
    tokens = tokens_of(value)
    spaces = unrun(lexis["spaces"])
    if len(tokens) != len(spaces):
        return STYLES[default](value)
    for number, token in lexis["tokens"]:
        if _same_value(tokens[number], token):
            tokens[number] = token
    parts = [""] * (2 * len(tokens))
    parts[::2], parts[1::2] = spaces, tokens
    return "".join(parts) + str(lexis["tail"])


def tokens_of(value: JsonValue) -> list[str]:
    """The tokens that a value is written with in any style."""
    return [token for _, token in _TOKENS.findall(compact(value))]


def spaces_between(text: str) -> list[str]:
    """The white space before each token of a JSON text."""
    return [space for space, _ in _TOKENS.findall(text)]


def _same_value(one: str, other: str) -> bool:
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def runs_of(spaces: list[str]) -> list[Any]:
    r"""Run-length pairs: `["", "", "\n"]` is `["", 2, "\\n", 1]`."""
    runs: list[Any] = []
    for space in spaces:
        if runs and runs[-2] == space:
            runs[-1] += 1
        else:
            runs += [space, 1]
    return runs


def unrun(runs: list[Any]) -> list[str]:
    spaces: list[str] = []
    for space, count in zip(runs[::2], runs[1::2], strict=True):
        spaces += [space] * count
    return spaces


# -- overlay: the difference of two values --------------------------------------------------------------


def overlay(plain: JsonValue, actual: JsonValue) -> JsonValue:
    """What turns `plain` into `actual`: None when they are the same text, else a small tree of differences.

    A difference names the value it replaces, so that it is not applied to an edited one.
    """
    if same_text(plain, actual):
        return None
    if isinstance(plain, list) and isinstance(actual, list) and len(plain) == len(actual):
        changed = {
            str(number): difference
            for number, (mine, other) in enumerate(zip(plain, actual, strict=True))
            if (difference := overlay(mine, other)) is not None
        }
        return {"at": changed}
    if isinstance(plain, dict) and isinstance(actual, dict):
        inner = {
            key: difference
            for key, value in actual.items()
            if (difference := overlay(plain[key], value) if key in plain else {"=": value}) is not None
        }
        if list(plain) == list(actual):
            return {"in": inner}
        return {"keys": list(actual), "in": inner}
    return {"was": plain, "=": actual}


def same_text(one: JsonValue, other: JsonValue) -> bool:
    """Whether two values are written the same; `==` would take True for 1 and forget the order of keys."""
    if type(one) is not type(other) or one != other:  # the cheap tests first: most differences end here
        return False
    return isinstance(one, str) or compact(one) == compact(other)


def apply_overlay(plain: JsonValue, difference: JsonValue) -> JsonValue:
    """Undo `overlay`; a part that no longer fits leaves `plain` as it is."""
    if difference is None:
        return plain
    if "=" in difference:
        fits = "was" not in difference or same_text(difference["was"], plain)
        return difference["="] if fits else plain
    if "at" in difference:
        if not isinstance(plain, list):
            return plain
        changed = difference["at"]
        return [apply_overlay(value, changed.get(str(number))) for number, value in enumerate(plain)]
    if not isinstance(plain, dict):
        return plain
    inner = difference["in"]
    keys = difference.get("keys", list(plain))
    # A key that the plain form had not, and has by now, was edited.
    added = {key for key in inner if "=" in inner[key] and "was" not in inner[key] and key in plain}
    return {
        key: plain[key] if key in added else apply_overlay(plain.get(key), inner.get(key))
        for key in keys
        if key in plain or key in inner
    }
