"""The command as a person meets it: quick help, one sentence for a wrong argument, jobs passed through."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobs import cli, distil_environment
from jobs._console import print_table, printable, write

ROOT = Path(__file__).parents[2]
COMMANDS = ("demo", "doctor", "transpile", "check", "query")


def sidewheel(*argv: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from jobs.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *argv], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_help_imports_no_engine() -> None:
    code = (
        "import sys; from jobs.cli import main; main(['--help']); main(['check', '--help'])\n"
        "heavy = {'pyspark', 'duckdb', 'torch', 'pyarrow', 'pandas', 'rich', 'delta', 'transformers'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "loaded: []"
    assert "Round-trip workflow files" in ran.stdout


def test_help_shows_every_command_and_every_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    for name in (*COMMANDS, *cli.job_names()):
        assert re.search(rf"^  {name}\s+\w", shown, re.MULTILINE), name
    assert "distil_environment" in cli.job_names()
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["frob"], "No such command 'frob'"),
        (["chekc"], "Did you mean 'check'?"),
        (["check"], "Missing argument 'PATH'"),
        (["doctor", "--jso"], "No such option: --jso"),
        (["query", "--format", "xml", "q"], "'xml' is not one of 'table', 'csv', 'json', 'parquet'"),
        (["transpile", "x"], "Missing option '--to'"),
        (["demo", "--num", "0"], "Invalid value for '--num'"),
        (["distil_environment"], "required: --introspection"),
        (["distil_environment", "--introspection", "gone.gz"], "gone.gz"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_2(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["distil_environment", "distil-environment"])
def test_a_job_gets_its_arguments_as_they_were_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(distil_environment, "main", lambda argv: seen.append(argv) or 75)
    argv = ["--introspection", "a b", "-xy", "--help"]
    assert cli.main([name, *argv]) == 75
    assert seen == [argv]


def test_the_flags_of_a_job_are_shown_by_the_job() -> None:
    ran = sidewheel("distil_environment", "--help")
    assert ran.returncode == 0
    assert "--introspection PATH" in ran.stdout


def test_the_version_is_that_of_the_package() -> None:
    ran = sidewheel("--version")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(r"sidewheel \d+\.\d+\.\d+\n", ran.stdout)


def test_a_reader_that_leaves_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys; from jobs.cli import main; sys.exit(main(['--help']))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_foreign_name_cannot_drive_the_terminal() -> None:
    assert printable("a\x1b[2J\nb\udce9é") == "a\\x1b[2J\\nb\\udce9é"


def test_a_table_in_a_pipe_is_aligned_plain_text(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    print_table(("path", "n"), [("a.flow", "1"), ("longer.flow", "")])
    assert capsysbinary.readouterr().out == b"path         n\na.flow       1\nlonger.flow\n"


def test_what_is_written_is_written_byte_for_byte(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    write("é\r\n")
    write("x")
    assert capsysbinary.readouterr().out == b"\xc3\xa9\r\nx"
