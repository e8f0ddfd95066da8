"""Say whether two workflows do the same, by running both on events that take their branches."""

from __future__ import annotations

import json

from jobs._console import printable, show_path, write
from jobs._files import only_one_stdin, read_workflow
from serving.equivalence import equivalent as compared

__all__ = ["equivalent"]


def equivalent(before: str, after: str, *, seed: int, as_json: bool) -> int:
    """Print the verdict on two files; 0 if no event showed a difference, else 1.

    Raises UsageError when a file cannot be read, or is no workflow.
    """
    only_one_stdin(before, after)
    verdict = compared(read_workflow(before), read_workflow(after), seed=seed)
    if as_json:
        names = {"before": show_path(before), "after": show_path(after)}
        write(json.dumps(names | verdict.to_json(), ensure_ascii=False, indent=2) + "\n")
    else:
        write("".join(f"{printable(line)}\n" for line in str(verdict).splitlines()))
    return 0 if verdict.equal else 1
