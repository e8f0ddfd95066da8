"""Look at this machine and say what would stop a job, each with its fix.

Starts no JVM beyond `java -version`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from jobs._console import print_table, write
from schemas.errors import UsageError

__all__ = ["Finding", "doctor"]

MIN_PYTHON = (3, 11)
FREE_DISK_GIB = (1, 5)
MEMORY_GIB = (2, 4)
STYLES = {"ok": "", "warn": "yellow", "fail": "red"}
GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at; `fix` is one sentence, empty when there is nothing to do."""

    name: str
    status: Literal["ok", "warn", "fail"]
    found: str
    fix: str = ""


def doctor(*, as_json: bool) -> int:
    """Print every finding; 1 if one of them fails."""
    findings = [finding for look in LOOKS for finding in look()]
    healthy = all(finding.status != "fail" for finding in findings)
    if as_json:
        report = {"healthy": healthy, "findings": [asdict(finding) for finding in findings]}
        write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    else:
        rows = [(finding.status, finding.name, finding.found, finding.fix) for finding in findings]
        print_table(("", "what", "found", "fix"), rows, styles=[STYLES[f.status] for f in findings])
    return 0 if healthy else 1


def look_at_python() -> list[Finding]:
    """The interpreter, and every package that the base install names."""
    version = platform.python_version()
    if sys.version_info < MIN_PYTHON:
        return [Finding(name="python", status="fail", found=version, fix="Install Python 3.11 or later.")]
    return [Finding(name="python", status="ok", found=version), *map(_package, _requirements())]


def _requirements() -> list[str]:
    return [line for line in importlib.metadata.requires("sidewheel") or [] if "extra ==" not in line]


def _package(requirement: str) -> Finding:
    name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
    fix = f"Run `uv sync`, or `pip install '{requirement}'`."
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name=name, status="fail", found="not installed", fix=fix)
    pinned = re.search(r"==(\S+)", requirement)
    if pinned and pinned[1] != version:
        return Finding(name=name, status="fail", found=f"{version}, needs {pinned[1]}", fix=fix)
    return Finding(name=name, status="ok", found=version)


def look_at_java() -> list[Finding]:
    """The Java that Spark starts."""
    from pipelines.session import check_java

    try:
        return [Finding(name="java", status="ok", found=check_java())]
    except UsageError as error:
        problem, _, fix = str(error).partition(": ")
        return [Finding(name="java", status="fail", found=problem, fix=fix)]


def look_at_jars() -> list[Finding]:
    """Whether Delta's jars are on this machine."""
    from pipelines.jars import DELTA_COORDINATES, remembered_jars

    files = remembered_jars()
    if files is None:
        fix = "The first job fetches them from Maven Central: run `make demo` once while online."
        return [Finding(name="delta jars", status="warn", found=f"{DELTA_COORDINATES} not here yet", fix=fix)]
    folder = os.path.commonpath([file.parent for file in files])
    return [Finding(name="delta jars", status="ok", found=f"{len(files)} in {folder}")]


def look_at_disk() -> list[Finding]:
    """Free space where lakes are written by default, and where Spark spills."""
    findings = []
    for name, folder in (("disk here", Path.cwd()), ("disk for spills", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free / GIB
        fix = f"Free some space on the disk that holds {folder}."
        findings.append(_enough(name, free, FREE_DISK_GIB, f"{free:.1f} GiB free in {folder}", fix))
    return findings


def look_at_memory() -> list[Finding]:
    """What this process may use: the machine's memory, or its container's limit."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        memory = min(memory, int(text) / GIB)
    fix = "Use a machine or a container with at least 4 GiB of memory."
    return [_enough("memory", memory, MEMORY_GIB, f"{memory:.1f} GiB, {os.cpu_count()} cores", fix)]


def _enough(name: str, amount: float, bounds: tuple[float, float], found: str, fix: str) -> Finding:
    lowest, comfortable = bounds
    if amount >= comfortable:
        return Finding(name=name, status="ok", found=found)
    return Finding(name=name, status="warn" if amount >= lowest else "fail", found=found, fix=fix)


def look_at_loopback() -> list[Finding]:
    """Whether the driver, the JVM and the Python workers can talk to each other."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
            client.settimeout(2)
            client.connect(server.getsockname())
    except OSError as error:
        fix = "Allow connections to 127.0.0.1: Spark and its Python workers talk over it."
        return [Finding(name="loopback", status="fail", found=str(error), fix=fix)]
    return [Finding(name="loopback", status="ok", found="127.0.0.1 answers")]


LOOKS: tuple[Callable[[], list[Finding]], ...] = (
    look_at_python,
    look_at_java,
    look_at_jars,
    look_at_disk,
    look_at_memory,
    look_at_loopback,
)
