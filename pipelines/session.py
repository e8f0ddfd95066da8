"""The one place that builds a Spark session: UTC, Delta, quiet, and few tasks for small tables."""

from __future__ import annotations

import importlib.resources
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from pipelines.jars import DELTA_COORDINATES, find_jars
from schemas.errors import UsageError

MIN_JAVA = 17
"""The oldest Java that Spark 4.2 runs on."""

_DELTA_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"

# What a table's content depends on: set in every session, whoever configured it.
_LAWS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.databricks.delta.properties.defaults.columnMapping.mode": "none",
}

# What only its speed depends on: the caller's own setting stays.
_TASTES = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Else each call on a column asks the JVM five times where in Python it stands: three times the work.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "2",
    # Nothing of ours is in a warehouse, and Spark makes the folder all the same: not where the user stands.
    "spark.sql.warehouse.dir": Path(tempfile.gettempdir(), "sidewheel-warehouse").as_uri(),
}

SMALL_BYTES = 1 << 30
"""What a job may read and still be small, in bytes."""

TINY_BYTES = 64 << 20
"""What a job may read and still spend more on plans than on rows, in bytes."""

INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
"""Plans are run as they stand: Java of its own for each costs more to compile than few rows to read.

Halves the processor time of a small merge.
"""

# On one machine; a cluster's own settings stay.
_SMALL = {"spark.sql.shuffle.partitions": "2", "spark.default.parallelism": "2"}
_LARGE = {"spark.sql.shuffle.partitions": "32", "spark.sql.files.maxPartitionBytes": "64m"}

# Fast to start, slow to run long: the quick compiler alone, and a collector without threads.
_SMALL_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_LARGE_JVM = "-XX:+UseParallelGC"

_CHATTER = re.compile(
    rb"WARNING: Using incubator modules|Setting default log level|To adjust logging|Using Spark's default"
)

# Each prints an error that is raised as well, the whole stack of the JVM on one line of JSON.
_ECHOES = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")


def spark_session(
    app_name: str,
    *,
    master: str | None = None,
    num_bytes: int = 0,
    driver_memory: str | None = None,
    packages: Sequence[str] = (),
    conf: Mapping[str, str] | None = None,
) -> SparkSession:
    """Return the session of this process: the active one, spark-submit's, or a new one on this machine.

    `master` is Spark's own spelling (`local[2]`, `spark://host:7077`); without one it is spark-submit's,
    else `local[*]`. `num_bytes` is about what the job reads: below `SMALL_BYTES`, and again
    below `TINY_BYTES`, it runs in half the time by settings that slow down a longer one.
    `driver_memory` (`4g`) is by default half of the machine's memory, at most 6 GiB. `packages` are further
    Maven coordinates. `conf` wins over everything else here. Raises UsageError when Java or Delta is missing.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        active.conf.set("spark.sql.session.timeZone", "UTC")
        return active
    if SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ:
        return _join_jvm(app_name, master, num_bytes, conf or {})
    return _start_jvm(app_name, master or "local[*]", num_bytes, driver_memory, packages, conf or {})


def _join_jvm(app_name: str, master: str | None, num_bytes: int, conf: Mapping[str, str]) -> SparkSession:
    """Make a session in a JVM that runs already: spark-submit's, or one whose session was stopped."""
    SparkContext._ensure_initialized()
    jvm: Any = SparkContext._jvm
    if not jvm.org.apache.spark.util.Utils.classIsLoadable(_DELTA_EXTENSION):
        raise UsageError(
            f"Spark was started without Delta: add --packages {DELTA_COORDINATES} to spark-submit"
        )
    given = SparkConf(_jvm=jvm)
    where = master or given.get("spark.master") or "local[*]"
    settings = {**_TASTES, **_sized(where, num_bytes)}
    merged = {key: value for key, value in settings.items() if not given.contains(key)}
    merged |= {**_LAWS, "spark.sql.extensions": _with_delta(given.get("spark.sql.extensions", "")), **conf}
    _settle_workers(where)
    return _named(app_name, where, merged)


def _start_jvm(
    app_name: str,
    master: str,
    num_bytes: int,
    driver_memory: str | None,
    packages: Sequence[str],
    conf: Mapping[str, str],
) -> SparkSession:
    check_java()
    jvm = _SMALL_JVM if num_bytes < SMALL_BYTES else _LARGE_JVM
    settings = {
        **_TASTES,
        **_sized(master, num_bytes),
        **_LAWS,
        "spark.sql.extensions": _with_delta(""),
        "spark.driver.memory": driver_memory or _half_of_memory(),
        "spark.driver.extraJavaOptions": f"{_log_option()} {jvm}",
    }
    if not re.search(r"--(packages|jars)\b", os.environ.get("PYSPARK_SUBMIT_ARGS", "")):
        settings["spark.jars"] = ",".join(path.as_uri() for path in find_jars((DELTA_COORDINATES, *packages)))
    settings |= conf
    _settle_workers(master)
    launched = SparkConf(loadDefaults=False).setAll(list(settings.items())).setMaster(master)
    gateway = launch_gateway(launched, {"stderr": subprocess.PIPE})  # type: ignore[no-untyped-call]
    _forward(gateway)
    SparkContext._ensure_initialized(gateway=gateway)
    return _named(app_name, master, settings)


def _named(app_name: str, master: str, settings: Mapping[str, str]) -> SparkSession:
    for name in _ECHOES:
        PySparkLogger.getLogger(name).disabled = True
    builder = SparkSession.builder.appName(app_name).master(master)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def check_java() -> str:
    """Return the version of the Java that Spark starts. Raises UsageError when it is missing or too old."""
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else shutil.which("java")
    need = f"install Java {MIN_JAVA} or later, for example `apt-get install openjdk-{MIN_JAVA}-jre-headless`"
    if java is None:
        raise UsageError(f"Spark needs Java and there is none on PATH: {need}")
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        raise UsageError(f"Spark needs Java and {java} does not start: {need}, and check JAVA_HOME") from None
    version = re.search(r'version "(?P<text>(?:1\.)?(?P<major>\d+)[^"]*)"', said)
    if version is None or int(version["major"]) < MIN_JAVA:
        found = version["text"] if version else "an unknown version"
        raise UsageError(
            f"Spark needs Java {MIN_JAVA} or later and {java} is {found}: {need}, and check JAVA_HOME"
        )
    return version["text"]


def _sized(master: str, num_bytes: int) -> dict[str, str]:
    if not master.startswith("local"):
        return {}
    if num_bytes < TINY_BYTES:
        return {**_SMALL, **INTERPRETED}
    return _SMALL if num_bytes < SMALL_BYTES else _LARGE


def _settle_workers(master: str) -> None:
    """On one machine: Python workers run this interpreter, and nothing listens beyond loopback."""
    if master.startswith("local"):
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


def _with_delta(extensions: str) -> str:
    names = [name for name in extensions.split(",") if name]
    return ",".join(names if _DELTA_EXTENSION in names else [*names, _DELTA_EXTENSION])


def _half_of_memory() -> str:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{max(1, min(6, int(gibibytes / 2)))}g"


def _log_option() -> str:
    settings = importlib.resources.files("pipelines") / "log4j2.properties"
    if "SPARK_CONF_DIR" in os.environ or not isinstance(settings, Path):
        return ""
    return f'"-Dlog4j2.configurationFile={settings.as_uri()}"'


def _forward(gateway: Any) -> None:
    """Pass on what the JVM says on standard error, without the lines that no setting turns off."""

    def pump() -> None:
        for line in gateway.proc.stderr:
            if not _CHATTER.match(line):
                os.write(2, line)

    threading.Thread(target=pump, name="spark-stderr", daemon=True).start()
