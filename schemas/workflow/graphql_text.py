"""The words of a GraphQL text: a Run code step holds one for its input and one for its output.

Follows the lexical grammar of the GraphQL specification (October 2021), except that the escapes inside a
string are not looked at. Bounded, iterative and without look-behind, so that a hostile text costs no more
than its length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from schemas.errors import WorkflowRefused

__all__ = ["MAX_CHARACTERS", "Token", "refused", "tokens"]

MAX_CHARACTERS: Final = 65_536
"""A text beyond this is refused unread; the examples that Shopify publishes have a few hundred characters."""

Kind = Literal["name", "number", "string", "sign", "end"]

_TOKEN: Final = re.compile(
    r'(?P<string>"""(?:[^"\\]|\\(?:""")?|"(?!""))*"""|"(?!"")(?:[^"\\\n\r]|\\.)*"|""(?!"))'
    r"|(?P<name>[_A-Za-z][_0-9A-Za-z]*)"
    r"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.]))"
    r"|(?P<sign>\.\.\.|[!$&()\[\]{}:=@|])"
    r"|(?P<ignored>(?:[ \t\n\r,\ufeff]|#[^\n\r]*)+)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, with the place of its first character."""

    kind: Kind
    text: str
    at: int


def tokens(text: str, code: str) -> list[Token]:
    """Split a text into words; the last one has the kind `end`.

    Raises:
        WorkflowRefused: with `code` and the place, for a text that is too long or holds what no word begins
            with.
    """
    if len(text) > MAX_CHARACTERS:
        raise WorkflowRefused(code, f"{len(text)} characters, the limit is {MAX_CHARACTERS}", path="1:1")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            said = "a string that never ends" if text[at] == '"' else f"unexpected character {text[at]!r}"
            raise refused(text, at, said, code)
        match match.lastgroup:
            case "name" | "number" | "string" | "sign" as kind:
                found.append(Token(kind, match[0], at))
        at = match.end()
    return [*found, Token("end", "", at)]


def refused(text: str, at: int, message: str, code: str) -> WorkflowRefused:
    """The refusal of what stands at a place: its path is `line:column`, both from 1."""
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return WorkflowRefused(code, f"{message} at line {line}, column {column}", path=f"{line}:{column}")
