"""A progress bar on a terminal; silence in a pipe, in a log and where rich is not installed.

```python
with progress("Rendering shards", total=len(shards)) as advance:
    for shard in shards:
        write(shard)
        advance()
```
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Advance", "progress"]


class Advance(Protocol):
    """Says that `steps` more are done."""

    def __call__(self, steps: int = 1) -> None: ...


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Advance]:
    """Show `description` on standard error while the block runs; without `total` the bar just moves."""
    if not sys.stderr.isatty():
        yield _nothing
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn
    except ImportError:  # a cluster's driver needs no rich
        yield _nothing
        return
    counted = () if total is None else (MofNCompleteColumn(),)
    columns = (SpinnerColumn(), "{task.description}", BarColumn(), *counted, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)

        def advance(steps: int = 1) -> None:
            bar.advance(task, steps)

        yield advance


def _nothing(steps: int = 1) -> None:
    pass
