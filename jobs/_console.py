"""Tables for people: drawn by rich on a terminal, aligned plain lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

__all__ = ["WIDTH", "fitted", "print_table", "printable", "show_path", "write"]

WIDTH: Final = 100
"""Columns of the longest line that is printed whole."""


def write(text: str) -> None:
    """Put `text` on standard output, byte for byte; only a terminal gets a newline that is not there."""
    if sys.stdout.isatty() and not text.endswith("\n"):
        text += "\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def printable(text: str) -> str:
    """`text` on one line, without the control characters by which a foreign file could drive the terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in show_path(text)
    )


def fitted(line: str) -> str:
    """The line, cut where it is longer than `WIDTH`."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def show_path(path: str) -> str:
    """A file name that is not UTF-8, spelled so that it can be printed."""
    return path.encode("utf-8", "backslashreplace").decode()


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, styles: Sequence[str] = ()) -> None:
    """Print `rows`; `styles` colours whole rows on a terminal."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
        for row in (headers, *cells):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            write(line.rstrip() + "\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for header in headers:
        table.add_column(Text(header))
    for number, row in enumerate(cells):
        table.add_row(*(Text(cell) for cell in row), style=styles[number] if styles else None)
    Console().print(table)
