"""Errors, named for what the runner does next.

```
SidewheelError
|- UsageError        the caller is wrong: one sentence, exit 2, no traceback
|- BadRecord         this row breaks a contract: it gets a fate with a reason, and the job goes on
|  `- WorkflowRefused    a workflow that the language cannot carry without loss
|- Transient         the world is busy: retried with backoff, then exit 75
`- BrokenLaw         a law of the house is broken: stop at once, exit 70, publish nothing
```
"""

from __future__ import annotations

import re

EXIT_USAGE = 2
EXIT_BROKEN_LAW = 70
EXIT_TRANSIENT = 75


class SidewheelError(Exception):
    """Any error that this project raises on purpose; its text is written for a person."""


class UsageError(SidewheelError):
    """The caller is wrong. The text is one sentence that says what to do."""


class BadRecord(SidewheelError):
    """One record breaks a contract; every other record goes on."""

    def __init__(self, code: str, message: str, *, path: str = "") -> None:
        super().__init__(f"{code} at {path}: {message}" if path else f"{code}: {message}")
        self.code = code
        self.message = message
        self.path = path


class WorkflowRefused(BadRecord):
    """A workflow that cannot be carried without loss, with the place that stopped it.

    `code` is one of Shopify's own error codes where one fits, else one of ours; `step` is the step id
    as the file spells it (empty for the whole workflow); `path` is a JSON pointer into the file, or
    `line:column` for Python.
    """

    def __init__(self, code: str, message: str, *, path: str = "", step: str = "") -> None:
        super().__init__(code, message, path=path)
        self.step = step


class Transient(SidewheelError):
    """The world is busy (a commit conflict, a 429): worth another try."""


class BrokenLaw(SidewheelError):
    """A law of the house is broken. Nothing may be published."""


_CARRIED = re.compile(r"schemas\.errors\.(UsageError|Transient|BrokenLaw): (.+)")


def carried_by(error: BaseException) -> SidewheelError | None:
    """The error of ours that another process raised and that an engine's error holds as text."""
    found = _CARRIED.search(str(error))
    if found is None:
        return None
    kinds = {kind.__name__: kind for kind in (UsageError, Transient, BrokenLaw)}
    return kinds[found[1]](found[2].strip())
