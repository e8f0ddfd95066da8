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

__all__ = ["MAX_CHARACTERS", "Cursor", "Token", "refused", "tokens"]

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


class Cursor:
    """A place among the words of a text, for a reader to move on."""

    def __init__(self, text: str, code: str) -> None:
        self.text = text
        self.code = code
        self.tokens = tokens(text, code)
        self.number = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.number]

    def refuse(self, message: str, token: Token | None = None) -> WorkflowRefused:
        """The refusal of a word, of the one that stands here without one."""
        return refused(self.text, (token or self.here).at, message, self.code)

    def skips(self, sign: str) -> bool:
        """Whether this sign stood here; if so it is behind us."""
        found = self.here.kind == "sign" and self.here.text == sign
        self.number += found
        return found

    def skips_group(self, opening: str, closing: str, unclosed: str) -> bool:
        """`skips` for a bracket with all that is in it; refused with `unclosed` where it has no end."""
        if not self.skips(opening):
            return False
        depth = 1
        while depth:
            if self.here.kind == "end":
                raise self.refuse(unclosed)
            if self.here.kind == "sign":
                depth += (self.here.text == opening) - (self.here.text == closing)
            self.number += 1
        return True


def refused(text: str, at: int, message: str, code: str) -> WorkflowRefused:
    """The refusal of what stands at a place: its path is `line:column`, both from 1."""
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return WorkflowRefused(code, f"{message} at line {line}, column {column}", path=f"{line}:{column}")
