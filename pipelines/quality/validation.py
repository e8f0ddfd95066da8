"""The door to Great Expectations: expectations of measures in, verdicts and Data Docs out.

It sees one row of counts and shares, never a row of a table: that is what keeps it fast (it needs seconds
for a suite on Spark, whatever the size) and its Data Docs free of anything that a person wrote.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd  # type: ignore[import-untyped]

from pipelines.quality.expectations import Expectation
from schemas.errors import UsageError

__all__ = ["Verdict", "validate"]

_SOURCE: Final = "measures"
_SITE: Final = "quality"
_NOT_NEEDED: Final = ("sqlalchemy", "pyspark.ml", "pyspark.sql.connect")
"""Engines that it would look for: a quarter of its import. And where grpc is missing and Python runs `-c`,
the import of Spark Connect ends the process, with exit code 0."""

_MISSING: Final = (
    "Great Expectations, which holds tables to what is expected of them, is not installed; "
    "run `uv sync`, or `pip install 'great_expectations>=1.24,<2'`."
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one expectation."""

    expectation: Expectation
    value: float
    passed: bool

    def __str__(self) -> str:
        wanted = self.expectation
        bounds = [
            *([] if wanted.least is None else [f"at least {wanted.least:.6g}"]),
            *([] if wanted.most is None else [f"at most {wanted.most:.6g}"]),
        ]
        return f"{wanted.name} is {self.value:.6g}, expected {' and '.join(bounds)} ({wanted.says})"


def validate(
    name: str, wanted: Sequence[Expectation], values: Mapping[str, float], *, docs: Path | None = None
) -> list[Verdict]:
    """Hold `values` (by `Expectation.name`) against what is `wanted` of the table `name`, in its order.

    With `docs` the folder gets Data Docs of this and of whatever was validated there before.

    Raises:
        UsageError: where Great Expectations is missing.
        RuntimeError: where it could not tell; nothing may pass for that.
    """
    if not wanted:
        return []
    results = _run(name, wanted, values, docs)
    verdicts = []
    for expectation, result in zip(wanted, results, strict=True):
        if result.exception_info["raised_exception"]:
            raise RuntimeError(f"{expectation.name}: {result.exception_info['exception_message']}")
        verdicts.append(
            Verdict(expectation=expectation, value=values[expectation.name], passed=bool(result.success))
        )
    return verdicts


def _run(
    name: str, wanted: Sequence[Expectation], values: Mapping[str, float], docs: Path | None
) -> list[Any]:
    """Great Expectations' results, one for each expectation, in their order."""
    gx, context = _library(), _context()
    expected = [
        gx.expectations.ExpectColumnMaxToBeBetween(
            column=expectation.name,
            min_value=expectation.least,
            max_value=expectation.most,
            severity=expectation.severity,
            notes=expectation.says,
            meta={"number": number},  # the results come in an order of their own
        )
        for number, expectation in enumerate(wanted)
    ]
    _forget(context, name)
    asset = context.data_sources.get(_SOURCE).add_dataframe_asset(name)
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expected))
    batch = asset.add_batch_definition_whole_dataframe("measures")
    definition = gx.ValidationDefinition(name=name, data=batch, suite=suite)
    context.validation_definitions.add(definition)
    # An observed value is a count or a share; of columns of text nothing is here but how many are wrong.
    checkpoint = gx.Checkpoint(name=name, validation_definitions=[definition], result_format="BASIC")
    frame = pd.DataFrame([{wish.name: float(values[wish.name]) for wish in wanted}])
    (ran,) = (
        context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame}).run_results.values()
    )
    if docs is not None:
        _write_docs(context, docs)
    return sorted(ran.results, key=lambda result: result.expectation_config.meta["number"])


def _forget(context: Any, name: str) -> None:
    """Take what the last run of `name` left in the context, which has its history and not its results."""
    if name in {known.name for known in context.checkpoints.all()}:
        context.checkpoints.delete(name)
        context.validation_definitions.delete(name)
        context.suites.delete(name)
        context.data_sources.get(_SOURCE).delete_asset(name)


def _write_docs(context: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    site = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
    }
    change = (
        context.update_data_docs_site if _SITE in context.get_site_names() else context.add_data_docs_site
    )
    change(_SITE, site)
    context.build_data_docs(site_names=[_SITE])


@cache
def _context() -> Any:
    """One context for the process: in memory, silent, without a site of its own in a folder for rubbish."""
    gx = _library()
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        progress_bars=ProgressBarsConfig(globally=False),
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    context.data_sources.add_pandas(_SOURCE)
    return context


@cache
def _library() -> Any:
    """Great Expectations, which takes seconds to import."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    try:
        with _without(*_NOT_NEEDED), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Python, at its own imports
            import great_expectations as gx
            import great_expectations.expectations
    except ModuleNotFoundError as missing:
        if missing.name != "great_expectations":
            raise
        raise UsageError(_MISSING) from None
    return gx


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Hide modules that are not imported yet from what is imported meanwhile."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
