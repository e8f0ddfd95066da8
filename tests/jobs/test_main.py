"""The job contract: flags from a dataclass, errors to exit codes, one closing line."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from jobs import _main
from jobs._main import closing_line, job
from jobs._progress import progress
from schemas.errors import BadRecord, BrokenLaw, Transient, UsageError

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Config:
    lake: Annotated[str, "Where 100% of the tables live."]
    num_shards: Annotated[int, "How many shards."] = 8
    inputs: Annotated[tuple[str, ...], "Files to read."] = ()
    force: Annotated[bool, "Do it again."] = False
    order: Annotated[Literal["hash", "time"], "How rows are ordered."] = "hash"
    week: Annotated[str | None, "ISO week."] = None
    layout: Annotated[Path | None, "Where the layout goes."] = None
    threshold: Annotated[float, "Share of duplicates."] = 0.5

    def __post_init__(self) -> None:
        if self.num_shards < 1:
            raise ValueError("--num-shards must be at least 1.")


def asked(argv: list[str]) -> Config:
    seen: list[Config] = []

    def run(config: Config) -> dict[str, int]:
        seen.append(config)
        return {}

    assert job(Config, run)(argv) == 0
    return seen[0]


def raising(error: BaseException) -> _main.Job[Config]:
    def run(_: Config) -> dict[str, int]:
        raise error

    return job(Config, run)


def test_defaults_live_in_the_dataclass_alone() -> None:
    assert asked(["--lake", "x"]) == Config(lake="x")


def test_every_field_type_is_read_as_its_own_type() -> None:
    argv = "--lake x --num-shards 3 --inputs a b --inputs c --force --order time --week 2026-W47"
    assert asked([*argv.split(), "--layout", "l", "--threshold", "1"]) == Config(
        lake="x",
        num_shards=3,
        inputs=("a", "b", "c"),
        force=True,
        order="time",
        week="2026-W47",
        layout=Path("l"),
        threshold=1.0,
    )


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ([], "the following arguments are required: --lake"),
        (["--lake", "x", "--num-shards", "many"], "invalid int value: 'many'"),
        (["--lake", "x", "--num-shards", "0"], "--num-shards must be at least 1."),
        (["--lake", "x", "--order", "size"], "invalid choice: 'size'"),
        (["--lake", "x", "--num", "1"], "unrecognized arguments: --num 1"),
    ],
)
def test_a_wrong_flag_is_one_sentence_and_exit_2(
    argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert job(Config, lambda config: {})(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.startswith("test_main: ")
    assert err.count("\n") == 1


def test_help_says_every_sentence_and_every_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        job(Config, lambda config: {})(["--help"])
    assert stopped.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "The job contract: flags from a dataclass" in shown
    assert "Where 100% of the tables live. (required)" in shown
    assert "How many shards. (default: 8)" in shown
    assert "--force, --no-force Do it again. --order" in shown


def test_a_field_without_a_sentence_is_refused_when_the_job_is_defined() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Undocumented:
        lake: str

    with pytest.raises(TypeError, match="lake: write its sentence"):
        job(Undocumented, lambda config: {})


def test_a_field_that_no_flag_can_carry_is_refused_when_the_job_is_defined() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Nested:
        lake: Annotated[dict[str, int], "Counts."]

    with pytest.raises(TypeError, match="lake: a flag cannot carry"):
        job(Nested, lambda config: {})


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("no such\nfolder."), 2), (BrokenLaw("7 != 8 rows"), 70), (KeyboardInterrupt(), 130)],
)
def test_an_error_for_people_is_one_line_without_traceback(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error)(["--lake", "x"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert " ".join(str(error).split()) in err


@pytest.mark.parametrize(("name", "code"), [("UsageError", 2), ("BrokenLaw", 70)])
def test_an_error_of_ours_that_an_executor_raised_is_told_as_if_it_were_raised_here(
    name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    carried = RuntimeError(f"Job aborted\n  at x\nschemas.errors.{name}: a.jsonl changed\n  at y")
    assert raising(carried)(["--lake", "x"]) == code
    assert capsys.readouterr().err.startswith("test_main: a.jsonl changed")


def test_another_error_stays_a_traceback() -> None:
    with pytest.raises(RuntimeError, match="schemas"):
        raising(RuntimeError("schemas.errors.Nothing: odd"))(["--lake", "x"])


def test_a_bad_record_that_escapes_is_a_bug_not_an_exit_code() -> None:
    with pytest.raises(BadRecord):
        raising(BadRecord("not_json", "line 3"))(["--lake", "x"])


def test_a_busy_world_is_tried_again_with_growing_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_main.time, "sleep", waits.append)

    def run(_: Config) -> dict[str, int]:
        if len(waits) < 2:
            raise Transient("commit conflict")
        return {"written": 1}

    assert job(Config, run)(["--lake", "x"]) == 0
    assert re.fullmatch(r"test_main written=1 seconds=\d+\.\d\n", capsys.readouterr().out)
    assert len(waits) == 2
    assert 1 <= waits[0] <= 2 <= waits[1] <= 4


def test_a_world_that_stays_busy_is_exit_75(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_main.time, "sleep", waits.append)
    assert raising(Transient("commit conflict"))(["--lake", "x"]) == 75
    assert len(waits) == _main.ATTEMPTS - 1
    assert "commit conflict" in capsys.readouterr().err


def test_the_closing_line_is_one_line_whatever_the_values_are() -> None:
    summary = {"week": "2026-W47", "read": 812, "share": 0.25, "done": True, "path": 'a "b"\nc', "none": ""}
    assert closing_line("x", summary, 4.21) == (
        'x week=2026-W47 read=812 share=0.25 done=true path="a \\"b\\"\\nc" none="" seconds=4.2'
    )


def test_progress_says_nothing_when_standard_error_is_not_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress("Working", total=2) as advance:
        advance()
        advance(1)
    assert capsys.readouterr() == ("", "")


JOB_FILE = '''"""Count to three."""
import sys
from dataclasses import dataclass
from typing import Annotated
from jobs._main import job

@dataclass(frozen=True, kw_only=True)
class Config:
    """Options."""
    top: Annotated[int, "Where to stop."] = 3

def run(config):
    return {"counted": config.top, "zipped": ".zip" in sys.modules["jobs._main"].__file__}

main = job(Config, run)
if __name__ == "__main__":
    sys.exit(main())
'''


def test_a_job_file_runs_as_a_script_with_its_packages_in_a_zip(tmp_path: Path) -> None:
    """As `spark-submit jobs/x.py --py-files sidewheel.zip` starts it: jobs/ first on the path, zip behind."""
    package = tmp_path / "sidewheel.zip"
    with zipfile.ZipFile(package, "w") as archive:
        needed = ("schemas/__init__.py", "schemas/errors.py", "pipelines/__init__.py", "pipelines/retries.py")
        for path in [*ROOT.glob("jobs/_*.py"), *(ROOT / name for name in needed)]:
            archive.write(path, path.relative_to(ROOT))
    script = tmp_path / "jobs" / "count_up.py"
    script.parent.mkdir()
    script.write_text(JOB_FILE)

    def ran(*argv: str) -> tuple[int, str, str]:
        command = [sys.executable, "-S", str(script), *argv]
        done = subprocess.run(
            command, env={"PYTHONPATH": str(package)}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    code, out, err = ran("--top", "5")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"count_up counted=5 zipped=true seconds=\d+\.\d\n", out)
    sentence = "count_up: unrecognized arguments: --bottom 5 (see count_up --help)\n"
    assert ran("--bottom", "5") == (2, "", sentence)
