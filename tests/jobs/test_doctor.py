"""The doctor names what is wrong with a machine and how to fix it."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs import doctor
from jobs.cli import main


def report(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    main(["doctor", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"healthy", "findings"}
    return {finding["name"]: finding for finding in printed["findings"]}


def test_every_look_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    found = report(capsys)
    looked = {"python", "pyspark", "delta-spark", "duckdb", "java", "delta jars", "memory", "loopback"}
    assert looked <= set(found)
    assert "torch" not in found
    assert found["python"]["status"] == found["loopback"]["status"] == "ok"


def test_a_machine_without_java_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert main(["doctor"]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.split()[1] == "java"]
    assert line.startswith("fail")
    assert "install Java 17 or later" in line


def test_jars_that_are_not_here_yet_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = report(capsys)["delta jars"]
    assert (found["status"], found["found"].startswith("io.delta:")) == ("warn", True)
    assert "make demo" in found["fix"]


def test_a_missing_and_a_wrong_package_fail_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def version(name: str) -> str:
        if name == "orjson":
            raise PackageNotFoundError(name)
        return "0.1"

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    found = {finding.name: finding for finding in doctor.look_at_python()}
    assert (found["orjson"].status, found["orjson"].found) == ("fail", "not installed")
    assert found["pyspark"].status == "fail"
    assert found["pyspark"].found.startswith("0.1, needs 4.")
    assert "uv sync" in found["pyspark"].fix
    assert found["rich"].status == "ok"


@pytest.mark.parametrize(("free", "status"), [(0.5, "fail"), (2, "warn"), (50, "ok")])
def test_disk_is_judged_by_what_is_free(free: float, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=free * doctor.GIB)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
    found = doctor.look_at_disk()
    assert {finding.status for finding in found} == {status}
    assert all(bool(finding.fix) == (status != "ok") for finding in found)
