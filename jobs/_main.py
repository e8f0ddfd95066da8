"""What every job shares: flags from a dataclass, logging, errors to exit codes, one closing line.

A job file holds a frozen `Config`, a `run(config)` that returns what to count, and

    main = job(Config, run)

    if __name__ == "__main__":
        sys.exit(main())

Each field of `Config` is a flag (`num_shards` is `--num-shards`), documented by one sentence beside its type:
`num_shards: Annotated[int, "How many shards to write."] = 8`. A field without a default is a required flag.

| what happens | what the caller sees |
|---|---|
| `run` returns | `name key=value ... seconds=4.2` on standard output, exit 0 |
| `UsageError`, a wrong flag, or a `ValueError` from `Config` | one sentence, exit 2 |
| `Transient` | tried again with backoff, then one sentence, exit 75 |
| `BrokenLaw` | one sentence, exit 70 |
| Ctrl-C | one line, exit 130 |
| anything else (a `BadRecord` that escaped too) | a bug: traceback, exit 1 |
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Generic, TypeVar

from jobs._flags import flags_of, parse
from jobs._progress import progress
from pipelines.retries import retried
from schemas.errors import (
    EXIT_BROKEN_LAW,
    EXIT_TRANSIENT,
    EXIT_USAGE,
    BrokenLaw,
    SidewheelError,
    Transient,
    UsageError,
    carried_by,
)

__all__ = ["EXIT_INTERRUPTED", "Job", "Summary", "closing_line", "exit_code", "job"]

EXIT_INTERRUPTED = 130
ATTEMPTS = 4
FIRST_DELAY_SECONDS = 2.0

OUR_PACKAGES = ("schemas", "serving", "pipelines", "training", "jobs")

Summary = Mapping[str, str | int | float]
"""What a job counted: it becomes the closing line, in this order."""

ConfigT = TypeVar("ConfigT")
logger = logging.getLogger(__name__)


class Job(Generic[ConfigT]):
    """A job's entry point: arguments in (`sys.argv` when None), exit code out."""

    def __init__(self, config: type[ConfigT], run: Callable[[ConfigT], Summary]) -> None:
        self.name = PurePath(inspect.getfile(run)).stem
        self._config = config
        self._run = run
        self._flags = flags_of(config)
        self._purpose = (inspect.getdoc(inspect.getmodule(run)) or "").strip()

    def __call__(self, argv: Sequence[str] | None = None) -> int:
        def work() -> None:
            self.summarise(sys.argv[1:] if argv is None else argv)

        return exit_code(self.name, work)

    def check(self, argv: Sequence[str]) -> ConfigT:
        """The config that `argv` asks for, so that a chain can be refused at its start. Raises UsageError."""
        return parse(self._config, self._flags, argv, name=self.name, purpose=self._purpose)

    def summarise(self, argv: Sequence[str]) -> Summary:
        """Do the work, print the closing line, return what was counted. Errors for people are raised."""
        config = self.check(argv)
        started = time.monotonic()
        with progress(self.name):
            summary = retried(
                lambda: _told_by_executors(lambda: self._run(config)),
                attempts=ATTEMPTS,
                first_seconds=FIRST_DELAY_SECONDS,
            )
        print(closing_line(self.name, summary, time.monotonic() - started), flush=True)  # noqa: T201
        return summary


def job(config: type[ConfigT], run: Callable[[ConfigT], Summary]) -> Job[ConfigT]:
    """The entry point of the job file that defines `run`.

    Raises TypeError at once when a field of `config` cannot be a flag.
    """
    return Job(config, run)


def exit_code(name: str, work: Callable[[], int | None]) -> int:
    """Run `work` and turn the errors made for people into one line on standard error and an exit code."""
    _configure_logging()
    try:
        return work() or 0
    except UsageError as error:
        return _say(name, str(error), EXIT_USAGE)
    except Transient as error:
        return _say(name, f"{error} (gave up; run the same command again later)", EXIT_TRANSIENT)
    except BrokenLaw as error:
        return _say(name, f"{error} (stopped; nothing is published)", EXIT_BROKEN_LAW)
    except KeyboardInterrupt:
        return _say(name, "interrupted; run the same command again to finish", EXIT_INTERRUPTED)


def closing_line(name: str, summary: Summary, seconds: float) -> str:
    """`name key=value ... seconds=4.2`, always one line; a value with blanks is a JSON string."""
    counted = "".join(f" {key}={_shown(value)}" for key, value in summary.items())
    return f"{name}{counted} seconds={seconds:.1f}"


def _shown(value: str | int | float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return str(value)
    plain = value.isprintable() and not set(value) & set(' "=')
    return value if value and plain else json.dumps(value, ensure_ascii=False)


def _told_by_executors(run: Callable[[], Summary]) -> Summary:
    """Call `run`; an error of ours that an executor raised is ours here too."""
    try:
        return run()
    except Exception as error:
        ours = None if isinstance(error, SidewheelError) else carried_by(error)
        if ours is None:
            raise
        raise ours from error


def _say(name: str, sentence: str, code: int) -> int:
    print(f"{name}: {' '.join(sentence.split())}", file=sys.stderr, flush=True)  # noqa: T201
    return code


class _CurrentStderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what `sys.stderr` is now, so that lines and a progress bar do not tear each other."""

    @property
    def stream(self) -> object:
        return sys.stderr

    @stream.setter
    def stream(self, _: object) -> None:
        pass


def _configure_logging() -> None:
    """Ids, counts and reasons to standard error; a log line never holds what a row says."""
    handler = _CurrentStderr()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for package in OUR_PACKAGES:
        logging.getLogger(package).setLevel(logging.INFO)
