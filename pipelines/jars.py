"""Find the Delta jars: Ivy is asked once, the answer is remembered in the user's cache folder.

Spark resolves `spark.jars.packages` anew in every session, which costs 5 to 9 seconds even when every file
is already on disk. Passing the same files through `spark.jars` costs nothing. The note that is kept holds
the path and size of every file; when it no longer matches the disk, Ivy is asked again. Only one process asks
at a time: two that fill Ivy's cache take each other's half-written files away, and both fail.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyspark
from pyspark import SparkConf
from pyspark.errors import PySparkRuntimeError
from pyspark.java_gateway import launch_gateway

from schemas.errors import UsageError

DELTA_COORDINATES = "io.delta:delta-spark_4.2_2.13:4.4.0"
"""Maven name of the Delta connector; 4.4.1 has no jars on Maven Central."""

_log = logging.getLogger(__name__)

Resolver = Callable[[Sequence[str]], list[Path]]


def find_jars(
    coordinates: Sequence[str] = (DELTA_COORDINATES,), *, whole: bool = False, ask: Resolver | None = None
) -> list[Path]:
    """Return the files behind `coordinates` and what they need, without those that Spark itself ships.

    `whole` is for a program of its own, such as a broker: Spark's files too, in the versions it asks for.
    `ask` replaces Ivy. Raises UsageError when the files can be found neither on disk nor on Maven Central.
    """
    files = remembered_jars(coordinates)
    if files is not None:
        return files
    with _alone():
        files = remembered_jars(coordinates)  # another process may have asked meanwhile
        if files is None:
            files = (ask or (_ask_ivy if whole else _ask_ivy_for_spark))(coordinates)
            if not files:
                raise UsageError(f"Maven Central gave no file for {', '.join(coordinates)}: try again later")
            _remember(coordinates, files)
    return files


def remembered_jars(coordinates: Sequence[str] = (DELTA_COORDINATES,)) -> list[Path] | None:
    """Return the remembered files, or None when one of them is gone or has another size."""
    try:
        note = json.loads(_note_path(coordinates).read_text(encoding="utf-8"))
        files = {Path(entry["path"]): entry["num_bytes"] for entry in note["files"]}
        intact = bool(files) and all(path.stat().st_size == num_bytes for path, num_bytes in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return list(files) if intact else None


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process asks Ivy; who is killed holds nothing. Without a folder or locks, go on."""
    lock = _cache() / "ivy.lock"
    with ExitStack() as held:
        with suppress(OSError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            fcntl.flock(held.enter_context(lock.open("ab")), fcntl.LOCK_EX)
        yield


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sidewheel"


def _note_path(coordinates: Sequence[str]) -> Path:
    digest = hashlib.blake2b("\n".join(coordinates).encode(), digest_size=8).hexdigest()
    return _cache() / f"jars-spark{pyspark.__version__}-{digest}.json"


def _remember(coordinates: Sequence[str], files: Sequence[Path]) -> None:
    target = _note_path(coordinates)
    note = {
        "coordinates": list(coordinates),
        "files": [{"path": str(path), "num_bytes": path.stat().st_size} for path in files],
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=target.name)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(note, out, indent=1)
        Path(draft).replace(target)
    except OSError as error:
        _log.warning("cannot remember the Delta jars in %s (%s): every session will ask Ivy", target, error)


def _ask_ivy_for_spark(coordinates: Sequence[str]) -> list[Path]:
    return _missing_from_spark(_ask_ivy(coordinates))


def _ask_ivy(coordinates: Sequence[str]) -> list[Path]:
    """Let Spark's own resolution fetch the files, in a JVM that does nothing else."""
    _log.info("fetching %s from Maven Central, once", ", ".join(coordinates))
    conf = SparkConf(loadDefaults=False).set("spark.jars.packages", ",".join(coordinates))
    with tempfile.TemporaryFile() as output:
        try:
            gateway = launch_gateway(conf, {"stdout": output, "stderr": output})  # type: ignore[no-untyped-call]
        except PySparkRuntimeError:
            output.seek(0)
            said = output.read().decode(errors="replace")
            _log.error("Ivy said:\n%s", "\n".join(said.splitlines()[-40:]))
            raise UsageError(
                f"Spark could not fetch {', '.join(coordinates)}: connect to Maven Central once, "
                "or start by spark-submit with --jars"
            ) from None
    return _stop(gateway)


def _stop(gateway: Any) -> list[Path]:
    listed = str(gateway.jvm.java.lang.System.getProperty("spark.jars") or "")
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    return [Path(unquote(urlparse(uri).path)) for uri in listed.split(",") if uri]


def _missing_from_spark(files: Sequence[Path]) -> list[Path]:
    """Leave out what Spark ships: its own copies come first on the class path, so these are never read."""
    shipped = {_artifact(path.name) for path in (Path(pyspark.__file__).parent / "jars").glob("*.jar")}
    return [path for path in files if _artifact(path.name.partition("_")[2]) not in shipped]


def _artifact(name: str) -> str:
    match = re.match(r"(.+?)-\d", name)
    return match[1] if match else name
