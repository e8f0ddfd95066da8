from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipelines.lake import Lake
    from tests.kafka_broker import Broker

SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

LONGEST = ("test_mirror_gate.py", "test_build_conversations.py", "test_end_to_end.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that of two workers none waits for the other at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One JVM a run. Imported late, so that tests without Spark do not wait for it."""
    from pipelines.session import spark_session
    from pipelines.streaming.kafka import KAFKA_COORDINATES

    packages = (KAFKA_COORDINATES,)
    session = spark_session("tests", master="local[2]", driver_memory="2g", packages=packages)
    yield session
    session.stop()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """An empty lake."""
    from pipelines.lake import Lake

    return Lake(spark, tmp_path / "lake")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files of other people, read in place."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real files are not here: {SHARED_DATA} is no folder")
    return SHARED_DATA


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for the session. Imported late: its jars are found by pyspark."""
    from tests.kafka_broker import running_broker

    with running_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker
