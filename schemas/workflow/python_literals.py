"""Python literals to values: texts, numbers and JSON, each held to what a file can store."""

from __future__ import annotations

import ast
import re
from math import isfinite
from typing import Any, Final

from schemas.errors import WorkflowRefused

CONSTRUCT: Final = "PYTHON_CONSTRUCT"
MAX_DEPTH: Final = 150
_LONGEST_INTEGER: Final = 1 << 1024


def refuse(node: ast.AST, message: str, code: str = CONSTRUCT) -> WorkflowRefused:
    where = f"{getattr(node, 'lineno', 1)}:{getattr(node, 'col_offset', 0) + 1}"
    return WorkflowRefused(code, message, path=where)


def in_characters(source: str, place: str) -> str:
    """A place as a person counts it: `ast` counts the bytes of a line, not its characters."""
    line, _, column = place.partition(":")
    if source.isascii() or not column:
        return place
    before = re.split(r"\r\n|[\n\r]", source)[int(line) - 1].encode()[: int(column) - 1]
    return f"{line}:{len(before.decode(errors='ignore')) + 1}"


def text_of(node: ast.expr) -> str:
    """The text of a string literal.

    Raises:
        WorkflowRefused: for anything else, and for a lone surrogate, which no file can hold.
    """
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        raise refuse(node, 'expected a text in quotes, such as "VIP"')
    text = node.value
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise refuse(
                node, "a lone surrogate, which is not valid Unicode; write the character itself"
            ) from None
    return text


def number_of(node: ast.expr) -> int | float | None:
    """The number that a literal stands for, None where it is no number.

    Raises:
        WorkflowRefused: for a number out of range (`1e999` is infinity to Python, and no JSON).
    """
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    value = inner.value if isinstance(inner, ast.Constant) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if not (abs(value) < _LONGEST_INTEGER if isinstance(value, int) else isfinite(value)):
        raise refuse(node, "the number is out of range; write it as text in quotes")
    return -value if negative else value


def json_of(node: ast.expr, depth: int = 0) -> Any:
    """A Python literal as a JSON value.

    Raises:
        WorkflowRefused: for anything that is not a literal.
    """
    if depth > MAX_DEPTH:
        raise refuse(node, f"literals nest deeper than {MAX_DEPTH}")
    match node:
        case ast.Constant(value=None | bool() as plain):
            return plain
        case ast.Constant(value=str()):
            return text_of(node)
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [json_of(part, depth + 1) for part in parts]
        case ast.Dict(keys=keys, values=values):
            found: dict[str, Any] = {}
            for key, value in zip(keys, values, strict=True):
                if key is None or text_of(key) in found:
                    raise refuse(node, "a dict has plain keys, each once")
                found[text_of(key)] = json_of(value, depth + 1)
            return found
    number = number_of(node)
    if number is not None:
        return number
    raise refuse(node, "expected a literal: text, number, True, False, None, a list or a dict")


def named_object(node: ast.expr) -> tuple[str, dict[str, Any]]:
    """`name(key=value)` or `["name", {...}]`: a name and a JSON object.

    Raises:
        WorkflowRefused: for anything else.
    """
    match node:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            found: dict[str, Any] = {}
            for keyword in keywords:
                if keyword.arg is None or keyword.arg in found:
                    raise refuse(node, "arguments are given by name, once each")
                found[keyword.arg] = json_of(keyword.value)
            return name, found
        case ast.List(elts=[name_node, ast.Dict() as arguments]):
            return text_of(name_node), json_of(arguments)
    raise refuse(node, "expected a name with arguments, such as metafield(key=..., namespace=...)")
