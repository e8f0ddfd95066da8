"""What is refused before Python's own parser sees it: texts that would cost it memory, time or its stack.

The parser recurses in C, so a chain of signs or of `if ... else` can end the process of a thread with a
small stack, and a megabyte of small tokens becomes a gigabyte of nodes. The door reads tokens once, keeps
nothing, and stops at the first limit.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

from schemas.errors import WorkflowRefused
from schemas.workflow.python_writer import MAX_SOURCE

MAX_TOKENS: Final = 100_000
"""About a kilobyte of memory each, once parsed."""
MAX_CHAIN: Final = 1_000
"""Operators, dots and brackets that are open at one place of the text."""
_HARMLESS: Final = 4_096
"""Characters below which no text reaches a limit that matters."""

_TOKEN: Final = re.compile(
    r"""
      (?P<text>(?P<prefix>\b(?i:rb|br|rf|fr|[rbfu]))?
          (?:\"\"\"(?:[^\\"]++|\\.|"(?!""))*+(?:\"\"\")? | '''(?:[^\\']++|\\.|'(?!''))*+(?:''')?
            | "(?:[^\\"\r\n]++|\\.)*+"? | '(?:[^\\'\r\n]++|\\.)*+'?))
    | (?P<line>[\r\n])
    | (?P<ends>[;,])
    | (?P<joins>\b(?:and|or)\b)
    | (?P<opens>[(\[{])
    | (?P<closes>[)\]}])
    | (?P<plain>\#[^\r\n]*|\\(?:\r\n?|\n)|[:=](?!=)|\d[\w.]*)
    | (?P<lambda>\blambda\b)
    | (?P<otherwise>\belse\b)
    | (?P<chains>\b(?:not|if|await|in|is|for)\b|[^\w\s])
    | (?P<name>\w+)
    """,
    re.VERBOSE | re.DOTALL,
)
_LINE_END: Final = re.compile(r"\r\n|[\r\n]")
_FIXES: Final = (
    ("too many levels of indentation", "nest at most 90 conditions and loops"),
    ("too many nested parentheses", "nest fewer brackets"),
    ("unterminated triple-quoted", "end the text with three quotes"),
    (
        "unterminated string",
        "close the quotes on the same line; a text of several lines stands in three quotes",
    ),
    ("was never closed", "close it"),
    ("tabs and spaces", "indent by four spaces everywhere"),
    ("expected an indented block", "indent it by four spaces; an empty block is 'pass'"),
    ("indent", "indent by four spaces, and each block alike"),
    ("unicode error", "write the character itself, or a backslash twice"),
    ("Exceeds the limit", "a number has at most 4300 digits; longer ones are text in quotes"),
    ("f-string", 'write plain text with Liquid in it: "{{ order.name }}"'),
    ("keyword argument repeated", "give each field once"),
    ("positional argument follows", "give every field by name: field=value"),
    (
        "invalid syntax",
        "a workflow is one decorated function of calls, if/elif/else, for loops and assignments",
    ),
)


def parse(source: str) -> ast.Module:
    """The syntax tree of a text that is safe to parse.

    Raises:
        WorkflowRefused: PYTHON_SYNTAX, PYTHON_TOO_LARGE, PYTHON_NESTING_LIMIT or, for an f-string,
            PYTHON_CONSTRUCT, with `line:column` as the path.
    """
    if len(source) > MAX_SOURCE:
        raise WorkflowRefused("PYTHON_TOO_LARGE", f"{len(source)} characters, the limit is {MAX_SOURCE}")
    if source.startswith("\ufeff"):
        raise WorkflowRefused(
            "PYTHON_SYNTAX", "starts with a byte order mark; save it without one", path="1:1"
        )
    if "\0" in source:
        raise _refused(source, source.index("\0"), "PYTHON_SYNTAX", "a null byte; remove it")
    if len(source) > _HARMLESS:
        _walk(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        where = f"{error.lineno or 1}:{error.offset or 1}"
        code = "PYTHON_NESTING_LIMIT" if error.msg.startswith("too many ") else "PYTHON_SYNTAX"
        raise WorkflowRefused(code, _told(error.msg), path=where) from None
    except (RecursionError, MemoryError):  # the parser's own limits
        raise WorkflowRefused(
            "PYTHON_NESTING_LIMIT", "nested deeper than Python reads; nest less", path="1:1"
        ) from None
    except UnicodeEncodeError as error:
        told = "a lone surrogate, which is not valid Unicode; write the character itself"
        raise _refused(source, error.start, "PYTHON_SYNTAX", told, column=False) from None
    except (ValueError, OverflowError) as error:
        raise WorkflowRefused("PYTHON_SYNTAX", f"cannot be parsed: {error}", path="1:1") from None


def _told(message: str) -> str:
    """Python's own words without its advice for Python's own settings, and what to write instead."""
    said = message.partition("; use sys.")[0].partition(" - Consider")[0]
    fix = next((fix for words, fix in _FIXES if words in said), "")
    return f"{said}; {fix}" if fix else said


def _refused(source: str, at: int, code: str, message: str, *, column: bool = True) -> WorkflowRefused:
    """A refusal at a character of the text."""
    before = _LINE_END.split(source[:at])
    return WorkflowRefused(code, message, path=f"{len(before)}:{len(before[-1]) + 1 if column else 1}")


def _walk(source: str) -> None:
    """Hold a text to the limits of tokens and chains."""
    chain = floor = 0
    outer: list[tuple[int, int]] = []
    for count, token in enumerate(_TOKEN.finditer(source)):
        if count >= MAX_TOKENS:
            told = f"more than {MAX_TOKENS} words and signs; split the workflow"
            raise _refused(source, token.start(), "PYTHON_TOO_LARGE", told)
        match token.lastgroup:
            case "chains":
                chain += 1
            case "otherwise":  # what follows `else` is inside of it, whatever joins it
                chain, floor = chain + 1, floor + 1
            case "opens":
                outer.append((chain, floor))
                chain = floor = chain + 1
            case "closes" if outer:
                chain, floor = outer.pop()
                chain += 1
            case "joins":
                chain = floor
            case "ends":
                chain = floor = outer[-1][0] + 1 if outer else 0
            case "line" if not outer:
                chain = floor = 0
            case "lambda":
                told = "a lambda has no place in a workflow; write the value itself"
                raise _refused(source, token.start(), "PYTHON_CONSTRUCT", told)
            case "text" if "f" in (token["prefix"] or "").lower():
                told = (
                    'an f-string has no place in a workflow; write plain text with Liquid: "{{ order.name }}"'
                )
                raise _refused(source, token.start(), "PYTHON_CONSTRUCT", told)
        if chain > MAX_CHAIN:
            told = f"more than {MAX_CHAIN} operators and brackets in one expression; split it"
            raise _refused(source, token.start(), "PYTHON_NESTING_LIMIT", told)
