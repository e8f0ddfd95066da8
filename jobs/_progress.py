"""A progress bar on a terminal; silence in a pipe, in a log and where rich is not installed.

```python
with progress("Rendering shards", total=len(shards)) as advance:
    for shard in shards:
        write(shard)
        advance()
```

Every job has one around it already (see `jobs._main`), which also counts the tasks of what Spark is doing
now; one inside another is a second line below it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Advance", "progress"]


class Advance(Protocol):
    """Says that `steps` more are done."""

    def __call__(self, steps: int = 1) -> None: ...


_shown: Progress | None = None


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """Show `description` on standard error while the block runs; without `total` the bar just moves."""
    global _shown
    if _shown is not None:
        with _line(_shown, description, total) as advance:
            yield advance
        return
    bar = _bar() if sys.stderr.isatty() else None
    if bar is None:
        yield _nothing
        return
    _shown = bar
    try:
        with bar, _line(bar, description, total) as advance:
            yield advance
    finally:
        _shown = None


@contextmanager
def _line(bar: Progress, description: str, total: int | None) -> Iterator[Advance]:
    task = bar.add_task(description, total=total)

    def advance(steps: int = 1) -> None:
        bar.advance(task, steps)

    try:
        yield advance
    finally:
        bar.remove_task(task)


def _bar() -> Progress | None:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
        from rich.text import Text
    except ImportError:  # a cluster's driver needs no rich
        return None

    class Steps(ProgressColumn):
        """`3/8` where the number of steps is known, Spark's own tasks where it is not."""

        max_refresh = 0.5

        def render(self, task: Task) -> Text:
            if task.total is not None:
                return Text(f"{task.completed:,.0f}/{task.total:,.0f}")
            return Text(_spark_tasks())

    columns = (SpinnerColumn(), "{task.description}", BarColumn(), Steps(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _spark_tasks() -> str:
    """How far the stages are that run now; empty where there is no Spark or it just stops."""
    if "pyspark" not in sys.modules:
        return ""
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return ""
    try:
        tracker = context.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    except (Py4JError, OSError, AttributeError):
        return ""
    running = [stage for stage in stages if stage is not None]
    num_done = sum(stage.numCompletedTasks for stage in running)
    num_tasks = sum(stage.numTasks for stage in running)
    return f"{num_done}/{num_tasks} Spark tasks" if num_tasks else ""


def _nothing(steps: int = 1) -> None:
    pass
