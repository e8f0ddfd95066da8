"""Say how two workflows differ in meaning, in any spelling."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator

from jobs._console import WIDTH, fitted, printable, show_path, write
from jobs._files import only_one_stdin, read_workflow
from schemas.workflow.difference import Change, FieldChange, difference

__all__ = ["diff"]

MARKS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}


def diff(before: str, after: str, *, as_json: bool) -> int:
    """Print the difference of two files; 0 if they mean the same, else 1.

    Raises UsageError when a file cannot be read, or is no workflow.
    """
    only_one_stdin(before, after)
    found = difference(read_workflow(before), read_workflow(after))
    if as_json:
        report = {
            "before": show_path(before),
            "after": show_path(after),
            "changes": [change.to_dict() for change in found],
        }
        write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    else:
        write("".join(f"{line}\n" for change in found for line in _told(change)))
    return 1 if found else 0


def _told(change: Change) -> Iterator[str]:
    yield f"{MARKS[change.kind]} {_short(change.what)}"
    if change.kind == "moved":
        yield f"    was {_short(change.was)}"
        yield f"    now {_short(change.place)}"
    elif change.place and change.kind != "changed":
        yield f"    {_short(change.place)}"
    for field in change.fields:
        if change.kind in ("added", "removed"):
            yield f"    {_short(f'{field.field}: {field.after or field.before}')}"
        else:
            yield from _field(field)


def _field(change: FieldChange) -> Iterator[str]:
    """One line where it fits, else the two texts below each other; of texts of several lines what differs."""
    before, after = change.before, change.after
    texts = [text for text in (before, after) if text is not None]
    line = f"    {change.field}: {printable(before or 'none')} -> {printable(after or 'none')}"
    if not any("\n" in text for text in texts) and len(line) <= WIDTH:
        yield line
        return
    yield f"    {change.field}:"
    if before is not None and after is not None and "\n" in before and "\n" in after:
        lines = difflib.ndiff(before.splitlines(), after.splitlines())
        yield from (f"      {printable(each)}" for each in lines if each[0] in "-+")
        return
    for sign, text in (("-", before), ("+", after)):
        if text is not None:
            yield from (f"      {sign} {printable(each)}" for each in text.splitlines() or [""])


def _short(text: str) -> str:
    """One line: a step is shown to be recognised, its values are in full where they changed."""
    return fitted(printable(" ".join(text.split())))
