"""The documents say what is so: their examples run, their commands exist, their files are there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cli import job_names, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
AGENTS = (ROOT / "AGENTS.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMMANDS = (
    "demo",
    "turn",
    "ask",
    "doctor",
    "transpile",
    "check",
    "diff",
    "equivalent",
    "simulate",
    "query",
    "show",
    "lake",
    "serve",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README shows."""
    folder = tmp_path_factory.mktemp("readme")
    shown = re.findall(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for name, text in shown:
        (folder / name).write_text(text, encoding="utf-8")
    assert shown
    return folder


def run(command: str, folder: Path) -> str:
    """What a person sees who types `command` in `folder`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ran.stdout


def test_the_sessions_of_the_readme_print_what_it_shows(examples: Path) -> None:
    sessions = [
        exchange.partition("\n")
        for block in blocks("console")
        for exchange in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]
    assert sessions
    for command, _, shown in sessions:
        assert run(command, examples) == shown, command


def test_the_python_of_the_readme_runs(examples: Path) -> None:
    assert blocks("python")
    for block in blocks("python"):
        (examples / "example.txt").write_text(block, encoding="utf-8")
        assert run("python example.txt", examples) == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.search(rf"^\| `sidewheel {name}\b[^|]*(\\\|[^|]*)*\| \w", README, re.MULTILINE)
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: sidewheel {name}")
    for option, sentence in re.findall(r"^  (--[a-z-]+)(?: <[^>]*>)?\s+(\S+)", shown, re.MULTILINE):
        assert sentence[0].isupper(), f"{name} {option} has no sentence"


def test_every_job_is_documented_and_nothing_else_is() -> None:
    listed = re.findall(r"^\| `([a-z]+_[a-z_]+)` \| \w", README, re.MULTILINE)
    assert sorted(listed) == sorted(job_names())
    assert all(sentence.endswith(".") and len(sentence) > 20 for sentence in job_names().values())


@pytest.mark.parametrize("text", [README, AGENTS], ids=["README", "AGENTS"])
def test_every_file_that_is_named_is_there(text: str) -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[\w.]+\.py)?|[A-Z]+)`", text)) - {"LAKE", "JOB", "WAIT"}
    planned = {"serving/local_model.py"}
    assert named
    assert [name for name in sorted(named - planned) if not (ROOT / name).exists()] == []


def test_every_make_target_that_is_named_exists_and_says_what_it_does() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    told = set(re.findall(r"@echo 'make (\w+) ", MAKEFILE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", README + "".join(re.findall(r"`make \w+`|^make.*", AGENTS))))
    assert named <= targets
    assert told == targets - {"help", "lint", "java"}


def test_the_errors_of_the_readme_are_those_of_the_code() -> None:
    from schemas import errors

    assert f"exits 0; {errors.EXIT_USAGE} when the caller is wrong" in README
    assert f"{errors.EXIT_BROKEN_LAW} when a law is broken" in README
    assert f"{errors.EXIT_TRANSIENT} when the world stays busy" in README
