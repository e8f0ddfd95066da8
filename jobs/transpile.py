"""Translate one workflow between its spellings, without loss or not at all."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

from jobs._console import printable, write
from jobs._files import read_text
from schemas.errors import UsageError, WorkflowRefused
from schemas.workflow import Layout, from_python, inspect, read, to_python
from schemas.workflow import write as spell

__all__ = ["Spelling", "transpile"]

_PLACE = re.compile(r"(\d+):(\d+)")
_MARGIN = 60
"""Characters to show on either side of a place."""

Spelling = Literal["python", "flow", "agent", "cli"]


def transpile(file: str, *, to: Spelling, layout_path: str | None) -> int:
    """Write `file` to standard output as `to`; 1 when the workflow is refused.

    `layout_path` is written when the source is JSON and read when it is Python. Raises UsageError when a
    file cannot be read or written.
    """
    source = ""
    try:
        source = read_text(file)
        found = inspect(source)
        if found.spelling == "python":
            result = _from_python(source, to, layout_path)
        else:
            refusals = [problem for problem in found.problems if problem.severity == "error"]
            if not (found.exact and found.semantic):
                first = refusals[0]
                raise WorkflowRefused(first.code, first.message, path=first.path, step=first.step)
            document = read(source)
            result = found.python if to == "python" else spell(document.workflow, document.layout, to)
            if layout_path:
                _write_layout(layout_path, found.layout)
    except WorkflowRefused as refused:
        sys.stderr.write(f"sidewheel: {printable(f'{file}: {refused}')}\n{_shown(source, refused.path)}")
        return 1
    write(result)
    return 0


def _shown(source: str, place: str) -> str:
    """The line of Python that a refusal speaks of, with a caret below; nothing for any other place."""
    found = _PLACE.fullmatch(place)
    lines = source.splitlines() if found else []
    if not found or int(found[1]) > len(lines):
        return ""
    line, column = lines[int(found[1]) - 1], int(found[2]) - 1
    start = max(0, column - _MARGIN)
    before, after = printable(line[start:column]), printable(line[column : column + _MARGIN])
    return f"    {before}{after}\n    {' ' * len(before)}^\n"


def _from_python(source: str, to: Spelling, layout_path: str | None) -> str:
    workflow = from_python(source)
    if to == "python":
        return to_python(workflow)
    layout = Layout.from_json(read_text(layout_path)) if layout_path else None
    return spell(workflow, layout, to)


def _write_layout(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {(error.strerror or str(error)).lower()}.") from error
