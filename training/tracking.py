"""Runs in MLflow, in a SQLite file on this machine; nothing is sent anywhere.

with tracking(Path("mlflow.db"), "tiny_cpu", parameters, enabled=True) as log:
    log(1, {"loss": 6.3})
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import UsageError

__all__ = ["Log", "tracking"]

Log = Callable[[int, Mapping[str, float]], None]
"""Takes a step and its numbers."""


@contextmanager
def tracking(store: Path, name: str, parameters: Mapping[str, object], *, enabled: bool) -> Iterator[Log]:
    """A run under the experiment `sidewheel`; where not `enabled`, a log that does nothing.

    Raises:
        UsageError: where MLflow is not installed.
    """
    if not enabled:
        yield lambda step, numbers: None
        return
    # Read at import: MLflow would otherwise report its use to its makers.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    try:
        import mlflow
    except ImportError:
        raise UsageError(
            "Tracking needs mlflow: install the extra `train`, or run again with --no-track."
        ) from None
    store.parent.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{store.absolute()}")
    mlflow.set_experiment("sidewheel")
    with mlflow.start_run(run_name=name):
        mlflow.log_params(dict(parameters))

        def log(step: int, numbers: Mapping[str, float]) -> None:
            mlflow.log_metrics(dict(numbers), step=step)

        yield log
