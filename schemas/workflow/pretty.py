"""A small printer for Python expressions: one line where it fits, else one part a line.

Writers build trees of these nodes; no text is glued together outside this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

WIDTH: Final = 100
INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class Brackets:
    """`head(a, b)`, `[a, b]` or `{"k": v}`: each part is (prefix, expression)."""

    head: str
    opening: str
    parts: Sequence[tuple[str, Expression]]
    closing: str


@dataclass(frozen=True, slots=True)
class Prefixed:
    """`not x`, `name in x`: a prefix that stays on the line of its expression."""

    prefix: str
    inner: Expression


@dataclass(frozen=True, slots=True)
class Terms:
    """`a and b and c`, in round brackets where `grouped`."""

    operator: str
    terms: Sequence[Expression]
    grouped: bool


@dataclass(frozen=True, slots=True)
class Generator:
    """`any(body for name in source)`."""

    head: str
    body: Expression
    tail: str


Expression: TypeAlias = str | Brackets | Prefixed | Terms | Generator


def call(head: str, parts: Sequence[tuple[str, Expression]]) -> Brackets:
    return Brackets(head, "(", parts, ")")


def flat(node: Expression) -> str:
    """The expression on one line (a multi-line string still holds its newlines)."""
    match node:
        case str():
            return node
        case Brackets(head, opening, parts, closing):
            inside = ", ".join([prefix + flat(part) for prefix, part in parts])
            return f"{head}{opening}{inside}{closing}"
        case Prefixed(prefix, inner):
            return prefix + flat(inner)
        case Terms(operator, terms, grouped):
            joined = f" {operator} ".join([flat(term) for term in terms])
            return f"({joined})" if grouped else joined
        case Generator(head, body, tail):
            return f"{head}({flat(body)} {tail})"


def show(node: Expression, indent: str, used: int, after: int = 0) -> str:
    """The expression after `used` characters on its line, with `after` more to follow on its last line."""
    line = flat(node)
    if used + len(line) + after <= WIDTH and "\n" not in line:
        return line
    inner = indent + INDENT
    match node:
        case str():
            return node
        case Prefixed(prefix, part):
            return prefix + show(part, indent, used + len(prefix), after)
        case Brackets(head, opening, parts, closing):
            if not parts:
                return line
            rows = [
                f"{inner}{prefix}{show(part, inner, len(inner) + len(prefix), 1)},\n"
                for prefix, part in parts
            ]
            return f"{head}{opening}\n{''.join(rows)}{indent}{closing}"
        case Terms(operator, terms, grouped):
            rows = [
                show(term, inner if grouped else indent, len(inner) + len(operator) + 1) for term in terms
            ]
            start = inner if grouped else indent
            joined = f"\n{start}{operator} ".join(rows)
            return f"(\n{inner}{joined}\n{indent})" if grouped else joined
        case Generator(head, body, tail):
            return f"{head}(\n{inner}{show(body, inner, len(inner))}\n{inner}{tail}\n{indent})"


_ESCAPES: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(character: str) -> str:
    """An escape for what cannot be seen, or would change how the line is read."""
    known = _ESCAPES.get(character)
    if known is not None:
        return known
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote(text: str) -> str:
    """A string literal: double quotes unless single ones need fewer escapes, triple for several lines."""
    if "\n" in text and "\r" not in text:
        return _triple(text)
    mark = "'" if '"' in text and text.count('"') > text.count("'") else '"'
    if text.isprintable() and "\\" not in text and mark not in text:
        return f"{mark}{text}{mark}"
    body = "".join(
        "\\" + character
        if character == mark
        else _escaped(character)
        if _must_escape(character)
        else character
        for character in text
    )
    return f"{mark}{body}{mark}"


def _must_escape(character: str) -> bool:
    return character == "\\" or not character.isprintable()


def _triple(text: str) -> str:
    """Several lines as they are: raw if there are backslashes, `'''` if double quotes touch the ends."""
    mark = "'''" if text.startswith('"') or text.endswith('"') else '"""'
    if mark in text or text.endswith(mark[0]):
        mark = '"""' if mark == "'''" else "'''"
    plain = text.replace("\n", "").replace("\t", "").isprintable()
    fits = mark not in text and not text.endswith(mark[0])
    if plain and fits and "\\" in text and not text.endswith("\\"):
        return f"r{mark}{text}{mark}"
    body = (
        text
        if plain and "\\" not in text
        else "".join(
            _escaped(character) if character not in "\n\t" and _must_escape(character) else character
            for character in text
        )
    )
    if not fits:
        body = body.replace(mark[0], "\\" + mark[0])
    return f"{mark}{body}{mark}"


def docstring(text: str) -> str:
    """A one-line docstring."""
    body = text
    if not text.isprintable() or "\\" in text:
        body = "".join(_escaped(character) if _must_escape(character) else character for character in text)
    if '"""' in body or body.endswith('"'):
        body = body.replace('"', '\\"')
    return f'"""{body}"""'
