"""The DAG as Airflow sees it: it loads, it is the turn, it tries again what is worth it, and it runs."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException

ROOT = Path(__file__).parents[2]
MAIN = ROOT / ".venv" / "bin"
WEEK = "2026-W47"
MONDAY_AFTER = datetime(2026, 11, 23, 3, tzinfo=UTC)


def ran(*command: str | Path) -> str:
    """What a command of the main environment prints."""
    told = subprocess.run(
        [*map(str, command)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


@pytest.fixture(scope="module")
def loop() -> DAG:
    bag = DagBag(ROOT / "airflow_dags")
    assert bag.import_errors == {}
    assert list(bag.dags) == ["sidewheel_weekly_loop"]
    return bag.dags["sidewheel_weekly_loop"]


@pytest.fixture(scope="module")
def dag_file(loop: DAG) -> Any:
    """The module that the bag loaded."""
    return sys.modules[type(loop.task_dict["write_shards"]).__module__]


def rendered(loop: DAG, name: str, **params: Any) -> list[str]:
    """The words that a task gives to its job in the run of `WEEK`."""
    interval = {"data_interval_start": MONDAY_AFTER - timedelta(days=7), "run_after": MONDAY_AFTER}
    context = {
        "params": {key: param.value for key, param in loop.params.items()} | params,
        "dag_run": SimpleNamespace(**interval),
        "ti": SimpleNamespace(xcom_pull=lambda task_ids: {"path": f"a lake/shards/{WEEK}-0f0f"}),
        **loop.user_defined_macros,
    }
    environment = loop.get_template_env()
    return shlex.split(environment.from_string(loop.task_dict[name].arguments).render(context))


def test_the_tasks_are_the_steps_of_the_turn_with_the_same_arguments(loop: DAG) -> None:
    given = {
        "lake": "a lake", "inputs": ["one; two", "three"], "events": "what happened", "checkpoints": "it's",
        "recipe": "tiny_cpu", "steps": 2, "wordings": 3, "num_evaluated": 4,
    }  # fmt: skip
    plan = ran(
        *(MAIN / "sidewheel", "turn", "--plan", "--week", WEEK, "--lake", "a lake"),
        *("--inputs", "one; two", "--inputs", "three", "--events", "what happened", "--checkpoints", "it's"),
        *("--steps", "2", "--wordings", "3", "--num-evaluated", "4"),
    )
    known = {"<shards>": f"a lake/shards/{WEEK}-0f0f", "<checkpoint>": f"it's/{WEEK}-0f0f"}
    steps = [[known.get(word, word) for word in shlex.split(line)[1:]] for line in plan.splitlines()]
    assert [[name, *rendered(loop, name, **given)] for name in loop.task_dict] == steps
    assert [set(loop.task_dict[after].upstream_task_ids) for after, *_ in steps] == [
        set(),
        *({before} for before, *_ in steps[:-1]),
    ]


@pytest.mark.parametrize(
    ("start", "after", "week"),
    [
        (datetime(2026, 11, 16, 3, tzinfo=UTC), None, "2026-W47"),
        (datetime(2026, 12, 28, 3, tzinfo=UTC), None, "2026-W53"),
        (None, datetime(2027, 1, 4, 12, tzinfo=UTC), "2026-W53"),
        (datetime.fromisoformat("2026-11-23T01:00+02:00"), None, "2026-W47"),
    ],
)
def test_a_run_takes_the_week_that_was_whole(
    dag_file: Any, start: datetime | None, after: datetime | None, week: str
) -> None:
    assert dag_file.week_of(SimpleNamespace(data_interval_start=start, run_after=after)) == week


def test_the_week_of_a_run_can_be_given(loop: DAG) -> None:
    assert rendered(loop, "curate_workflows", week="2025-W01")[-1] == "2025-W01"


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        ("a_job rows=3 path=lake/x seconds=0.1\n", {"rows": "3", "path": "lake/x", "seconds": "0.1"}),
        (r'a_job path="my lake\"=/x" seconds=12.0', {"path": 'my lake"=/x', "seconds": "12.0"}),
        ("a_job seconds=0.1", {"seconds": "0.1"}),
        ("a_job rows=3", None),
        ("another_job rows=3 seconds=0.1", None),
        ("INFO a_job rows=3 seconds=0.1", None),
        ("", None),
    ],
)
def test_a_closing_line_is_read_and_nothing_else(
    dag_file: Any, line: str, counted: dict[str, str] | None
) -> None:
    assert dag_file.closing_line("a_job", line) == counted


def step(dag_file: Any, script: str) -> Any:
    return dag_file.Step(task_id="a_job", arguments=shlex.quote(script), program=lambda name: ["bash", "-c"])


def test_a_step_returns_what_its_closing_line_counts(dag_file: Any) -> None:
    script = "echo before; echo 'a_job rows=3 seconds=0.1'; echo goodbye >&2"
    assert step(dag_file, script).execute({}) == {"rows": "3", "seconds": "0.1"}


@pytest.mark.parametrize(
    ("script", "again"),
    [
        ("exit 75", True),
        ("kill -KILL $$", True),
        ("exit 137", True),
        ("exit 1", False),
        ("exit 2", False),
        ("exit 70", False),
        ("echo no closing line", False),
    ],
)
def test_only_a_busy_world_and_a_killed_process_are_tried_again(
    dag_file: Any, script: str, again: bool
) -> None:
    with pytest.raises(AirflowException, match="a_job ended by exit") as raised:
        step(dag_file, script).execute({})
    assert isinstance(raised.value, AirflowFailException) is not again


def test_a_task_that_is_killed_takes_its_children_along(dag_file: Any, tmp_path: Path) -> None:
    told = tmp_path / "child"
    running = step(dag_file, f"sleep 60 & echo $! > {told}; wait")
    ended: list[str] = []

    def run() -> None:
        try:
            running.execute({})
        except AirflowException as error:
            ended.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    while not told.exists() or not told.read_text().endswith("\n"):
        time.sleep(0.01)
    running.on_kill()
    thread.join(timeout=10)
    # It reads until nobody holds the pipe: the sleeper held it too.
    assert ended == ["a_job ended by exit -15: worth another try."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A dump and conversations, and the environment of a worker that reads them."""
    folder = tmp_path_factory.mktemp("loop")
    ran(
        *(MAIN / "sidewheel", "generate_workflows", "--output", folder / "exports"),
        *("--num", "150", "--week", WEEK),
    )
    script = ROOT / "tests" / "recorded_conversations.py"
    ran(MAIN / "python", script, folder / "exports", folder / "events", "6")
    jars = ran(MAIN / "python", "-c", "from pipelines.jars import find_jars; print(*find_jars(), sep=',')")
    log = f"-Dlog4j2.configurationFile={(ROOT / 'pipelines/log4j2.properties').as_uri()}"
    submit = [
        *(str(MAIN / "spark-submit"), "--master", "local[2]", "--jars", jars.strip()),
        *("--driver-java-options", f"{log} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"),
    ]
    settings = {
        "PATH": f"{MAIN}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "PYSPARK_PYTHON": str(MAIN / "python"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SIDEWHEEL_HOME": str(ROOT),
        "SIDEWHEEL_SPARK_SUBMIT": shlex.join(submit),
        "SIDEWHEEL_COMMAND": str(MAIN / "sidewheel"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield folder


def options(folder: Path) -> dict[str, Any]:
    return {
        "lake": str(folder / "lake"),
        "inputs": [str(folder / "exports")],
        "events": str(folder / "events"),
        "checkpoints": str(folder / "checkpoints"),
        "steps": 1,
        "num_evaluated": 1,
    }


def contents(folder: Path) -> dict[str, str]:
    """A digest of every commit, shard and file of a checkpoint, but not of what is noted of each look.

    MLflow notes some, and `ops.measures` follows what was migrated since it was taken.
    """
    kept = ("lake/[!o]*/*/_delta_log/*.json", "lake/gold/shards/**/*", "checkpoints/**/*")
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in kept
        for path in folder.glob(pattern)
        if path.is_file() and path.name != "mlflow.db"
    }


def test_a_run_leaves_fates_shards_a_checkpoint_and_evaluations(loop: DAG, folder: Path) -> None:
    run = loop.test(logical_date=MONDAY_AFTER, run_conf=options(folder))
    assert {ti.task_id: str(ti.state) for ti in run.get_task_instances()} == dict.fromkeys(
        loop.task_dict, "success"
    )
    (checkpoint,) = (path for path in (folder / "checkpoints").iterdir() if path.is_dir())
    assert (folder / "lake/gold/shards" / checkpoint.name).is_dir()
    assert (checkpoint / "model.safetensors").is_file()
    sql = (
        "SELECT (SELECT count(*) FROM gold.evaluations) > 0 AS evaluated, week, kind, count(*) > 5 AS some "
        "FROM gold.fates GROUP BY ALL ORDER BY kind"
    )
    told = ran(MAIN / "sidewheel", "query", sql, "--lake", folder / "lake", "--format", "csv")
    assert told.splitlines()[1:] == [f"true,{WEEK},conversation,true", f"true,{WEEK},workflow,true"]


def test_a_turn_after_the_run_finds_nothing_to_do(folder: Path) -> None:
    """They are the same steps, and one that is done again commits nothing and writes nothing."""
    before = contents(folder)
    assert len(before) > 20
    given = options(folder) | {"inputs": str(folder / "exports")}
    flags = [(f"--{key.replace('_', '-')}", str(value)) for key, value in given.items()]
    told = ran(MAIN / "sidewheel", "turn", "--week", WEEK, *(word for flag in flags for word in flag))
    assert "\nevaluated:" in told
    after = contents(folder)
    assert sorted(after.keys() ^ before.keys()) == []
    assert after == before
