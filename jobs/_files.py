"""Workflow files as text, and which files of a folder are workflows."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from jobs._console import printable
from schemas.errors import UsageError, WorkflowRefused
from schemas.workflow import Workflow, from_python, read
from schemas.workflow.inspection import is_python
from schemas.workflow.jsontext import MAX_BYTES, read_json

__all__ = [
    "MAX_BYTES_PER_CHARACTER",
    "find_workflow_files",
    "only_one_stdin",
    "read_bytes",
    "read_text",
    "read_workflow",
]

MAX_BYTES_PER_CHARACTER = 4
SIGNATURE = re.compile(r"\A[0-9a-f]{64}:")


def read_bytes(path: str | Path, limit: int) -> bytes:
    """The bytes of a file, `limit` and one at most; the text `-`, not a path of that name, is standard input.

    Raises UsageError when there is no such file or it cannot be opened.
    """
    try:
        if path == "-":
            return sys.stdin.buffer.read(limit + 1)
        with Path(path).open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {(error.strerror or str(error)).lower()}.") from error


def only_one_stdin(*paths: str | None) -> None:
    """Raises UsageError where two of the paths are standard input: the second would read nothing."""
    if paths.count("-") > 1:
        raise UsageError("only one of the files can be standard input (-).")


def read_text(path: str) -> str:
    """The text of a file; `-` is standard input.

    Raises UsageError when there is no such file, WorkflowRefused when it is no UTF-8 or too large to be read.
    """
    limit = MAX_BYTES * MAX_BYTES_PER_CHARACTER
    raw = read_bytes(path, limit)
    if len(raw) > limit:
        raise WorkflowRefused(
            "WORKFLOW_TOO_LARGE", f"more than {limit} bytes, the limit is {MAX_BYTES} characters"
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise WorkflowRefused("INVALID_ENCODING", f"byte {error.start} is not UTF-8") from error


def read_workflow(path: str) -> Workflow:
    """The workflow of a file in any spelling, Python included; `-` is standard input.

    Raises UsageError when there is no such file, or it holds no workflow.
    """
    try:
        text = read_text(path)
        return from_python(text) if is_python(text) else read(text).workflow
    except WorkflowRefused as refused:
        raise UsageError(printable(f"{path} is no workflow: {refused}.")) from refused


def find_workflow_files(paths: Sequence[str]) -> tuple[list[str], int]:
    """The files to look at, and how many others the folders hold.

    A file is taken at its word. In a folder (recursive, hidden folders left out) every `.flow` file counts,
    and every `.json` and `.py` file that looks like a workflow. Raises UsageError for a missing path.
    """
    found: dict[str, None] = {}
    num_skipped = 0
    for path in paths:
        if not Path(path).is_dir():
            if not Path(path).exists():
                raise UsageError(f"no such file or folder: {path}.")
            found[path] = None
            continue
        for file in _files_under(path):
            if _looks_like_workflow(Path(file)):
                found[file] = None
            else:
                num_skipped += 1
    return list(found), num_skipped


def _files_under(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(parent, name) for name in sorted(files))  # noqa: PTH118


def _looks_like_workflow(path: Path) -> bool:
    if path.suffix not in (".json", ".py"):
        return path.suffix == ".flow"
    try:
        if path.stat().st_size > MAX_BYTES * MAX_BYTES_PER_CHARACTER:
            return False
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            return text.lstrip().startswith("@")  # other modules open with a docstring or an import
        document = read_json(SIGNATURE.sub("", text))
    except (OSError, UnicodeDecodeError, WorkflowRefused):
        return False
    root = document.get("root", document) if isinstance(document, dict) else None
    return isinstance(root, dict) and {"steps", "links"} <= root.keys()
