"""Round-trip workflow files through Python, and say what Flow would object to in them."""

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

HEADERS = ("path", "spelling", "exact", "semantic", "errors", "warnings")
MOST_LINES = 50
"""Problems of one file that are printed; `--json` has all."""


@dataclass(frozen=True, kw_only=True)
class CheckedFile:
    """What the round trip of one file gave, and what is wrong with it."""

    path: str
    spelling: str
    exact: bool
    semantic: bool
    problems: tuple[Problem, ...]

    @property
    def lossless(self) -> bool:
        return self.exact and self.semantic

    @property
    def num_errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)


def check(paths: Sequence[str], *, as_json: bool) -> int:
    """Print a line a file, the problems of each and a summary; 0 if every file is lossless and sound, else 1.

    Raises UsageError when there is nothing to check.
    """
    files, num_skipped = find_workflow_files(paths)
    with progress("Checking", total=len(files)) as advance:
        checked = []
        for path in files:
            checked.append(check_file(path))
            advance()
    if as_json:
        write(_json(checked) + "\n")
    else:
        _print(checked, num_skipped)
    if not checked:
        raise UsageError(
            f"no workflow in {', '.join(paths)}: give .flow, .json or .py files, or folders of them."
        )
    return 0 if all(file.lossless and not file.num_errors for file in checked) else 1


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
        problems=(*found.problems, *found.findings),
    )


def _json(checked: Sequence[CheckedFile]) -> str:
    num_lossless = sum(file.lossless for file in checked)
    report = {
        "num_files": len(checked),
        "num_lossless": num_lossless,
        "num_refused": len(checked) - num_lossless,
        "num_with_errors": sum(file.num_errors > 0 for file in checked),
        "files": [asdict(file) | {"path": show_path(file.path)} for file in checked],
    }
    return json.dumps(report, ensure_ascii=False, indent=2)


def _print(checked: Sequence[CheckedFile], num_skipped: int) -> None:
    if checked:
        rows = [
            (
                file.path,
                file.spelling or "?",
                "yes" if file.exact else "no",
                "yes" if file.semantic else "no",
                str(file.num_errors),
                str(len(file.problems) - file.num_errors),
            )
            for file in checked
        ]
        styles = ["" if file.lossless and not file.num_errors else "red" for file in checked]
        print_table(HEADERS, rows, styles=styles)
    for file in checked:
        _print_problems(file)
    num_lossless = sum(file.lossless for file in checked)
    num_wrong = sum(file.num_errors > 0 for file in checked)
    wrong = f", {num_wrong} with errors" if num_wrong else ""
    skipped = f", {num_skipped} other files skipped" if num_skipped else ""
    write(f"{num_lossless} of {len(checked)} files lossless{wrong}{skipped}\n")


def _print_problems(file: CheckedFile) -> None:
    worst_first = sorted(file.problems, key=lambda problem: problem.severity != "error")
    if not worst_first:
        return
    write(f"\n{printable(file.path)}\n")
    for problem in worst_first[:MOST_LINES]:
        write(f"  {_line(problem)}\n")
    if len(worst_first) > MOST_LINES:
        write(f"  and {len(worst_first) - MOST_LINES} more, which --json lists\n")
    write("\n")


def _line(problem: Problem) -> str:
    """Severity and code, the place, and what to do; for a refusal the place in the file."""
    places = (
        f"step {problem.step}" if problem.step else "",
        problem.field or problem.path,
    )
    where = ", ".join(place for place in places if place)
    return printable(f"{problem.severity} {problem.code}{' at ' if where else ''}{where}: {problem.message}")
