"""Round-trip workflow files through Python and say which ones come back without loss."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from jobs._console import print_table, printable, show_path, write
from jobs._files import find_workflow_files, read_text
from jobs._progress import progress
from schemas.errors import UsageError, WorkflowRefused
from schemas.workflow import Problem, inspect

__all__ = ["CheckedFile", "check", "check_file"]

HEADERS = ("path", "spelling", "exact", "semantic", "problem")


@dataclass(frozen=True, kw_only=True)
class CheckedFile:
    """What the round trip of one file gave."""

    path: str
    spelling: str
    exact: bool
    semantic: bool
    problems: tuple[Problem, ...]

    @property
    def lossless(self) -> bool:
        return self.exact and self.semantic


def check(paths: Sequence[str], *, as_json: bool) -> int:
    """Print a line a file and a summary; 0 if every file is lossless, else 1.

    Raises UsageError when there is nothing to check.
    """
    files, num_skipped = find_workflow_files(paths)
    with progress("Checking", total=len(files)) as advance:
        checked = []
        for path in files:
            checked.append(check_file(path))
            advance()
    num_lossless = sum(file.lossless for file in checked)
    if as_json:
        write(_json(checked, num_lossless) + "\n")
    else:
        _print(checked, num_lossless, num_skipped)
    if not checked:
        raise UsageError(
            f"no workflow in {', '.join(paths)}: give .flow, .json or .py files, or folders of them."
        )
    return 0 if num_lossless == len(checked) else 1


def check_file(path: str) -> CheckedFile:
    """Inspect one file. A file that is no text is refused like one that is no workflow."""
    try:
        found = inspect(read_text(path))
    except WorkflowRefused as refused:
        problem = Problem(refused.code, "error", refused.step, refused.path, refused.message)
        return CheckedFile(path=path, spelling="", exact=False, semantic=False, problems=(problem,))
    return CheckedFile(
        path=path,
        spelling=found.spelling,
        exact=found.exact,
        semantic=found.semantic,
        problems=found.problems,
    )


def _json(checked: Sequence[CheckedFile], num_lossless: int) -> str:
    report = {
        "num_files": len(checked),
        "num_lossless": num_lossless,
        "num_refused": len(checked) - num_lossless,
        "files": [asdict(file) | {"path": show_path(file.path)} for file in checked],
    }
    return json.dumps(report, ensure_ascii=False, indent=2)


def _print(checked: Sequence[CheckedFile], num_lossless: int, num_skipped: int) -> None:
    if checked:
        rows = [
            (file.path, file.spelling or "?", _yes(file.exact), _yes(file.semantic), _first_problem(file))
            for file in checked
        ]
        print_table(HEADERS, rows, styles=["" if file.lossless else "red" for file in checked])
    skipped = f", {num_skipped} other files skipped" if num_skipped else ""
    write(f"{num_lossless} of {len(checked)} files lossless{skipped}\n")


def _first_problem(file: CheckedFile) -> str:
    worst_first = sorted(file.problems, key=lambda problem: problem.severity != "error")
    if not worst_first:
        return ""
    problem = worst_first[0]
    more = f" (and {len(worst_first) - 1} more)" if len(worst_first) > 1 else ""
    where = f" at {problem.path}" if problem.path else ""
    return printable(f"{problem.severity} {problem.code}{where}: {problem.message}{more}")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
