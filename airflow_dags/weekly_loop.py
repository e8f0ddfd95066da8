"""The loop, once a week: every step of `sidewheel turn` as a task of its own.

A run takes the week that its data interval begins in; a manual run takes the last whole week, or the
parameter `week`. Running a week again changes nothing, and a step that was killed finishes when run again.

| environment of the workers | what it says | without it |
|---|---|---|
| `SIDEWHEEL_HOME` | folder with `jobs/` and `dist/sidewheel.zip`; steps run there | where the worker runs |
| `SIDEWHEEL_SPARK_SUBMIT` | how to submit: master, settings | `spark-submit` with Delta's package |
| `SIDEWHEEL_COMMAND` | how to run what needs no cluster | `sidewheel` |
| `SIDEWHEEL_LAKE`, `_INPUTS`, `_EVENTS`, `_CHECKPOINTS` | a run's parameters | folders in the home |

Credentials are Spark's and the file systems' own: no parameter, command line or XCom holds one. A task's XCom
is what its closing line counts. Only exit 75 (the world is busy) and a death by a signal are tried again: a
wrong argument (2), a broken law (70) and a bug (1) are the same the next time. spark-submit passes exit codes
and the closing line on in client mode, so that is the mode to submit in.

Not here yet: promotion, and shards or checkpoints elsewhere than in folders that every worker sees.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from airflow.sdk import DAG, BaseOperator, Context, CronDataIntervalTimetable, Param, chain
from airflow.sdk.exceptions import AirflowException, AirflowFailException

EXIT_TRANSIENT = 75
DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"

# In the order of the turn; the test of this file holds it against `sidewheel turn --plan`.
LAKE = "--lake {{ params.lake | quoted }}"
WEEK = "--week {{ params.week or week_of(dag_run) }}"
TOKENIZER = "{{ params.checkpoints | within('tokenizer.json') | quoted }}"
SHARDS = "{{ ti.xcom_pull(task_ids='write_shards')['path'] | quoted }}"
CHECKPOINT = (
    "{{ params.checkpoints | within(ti.xcom_pull(task_ids='write_shards')['path'] | name) | quoted }}"
)
SPARK_STEPS = {
    "ingest_workflows": f"--inputs {{{{ params.inputs | quoted }}}} {LAKE}",
    "curate_workflows": f"{LAKE} {WEEK}",
    "synthesize_conversations": f"{LAKE} {WEEK} --wordings {{{{ params.wordings }}}}",
    "ingest_conversations": f"--inputs {{{{ params.events | quoted }}}} {LAKE}",
    "build_conversations": LAKE,
    "check_mirror": f"{LAKE} {WEEK} --migrate",
    "judge_conversations": LAKE,
    "route_conversations": f"{LAKE} {WEEK}",
    "train_tokenizer": f"{LAKE} {WEEK} --output {TOKENIZER}",
    "write_shards": f"{LAKE} {WEEK} --tokenizer {TOKENIZER}",
}
MODEL_STEPS = {
    "train_model": (
        f"--shards {SHARDS} --tokenizer {TOKENIZER} --output {CHECKPOINT} --recipe {{{{ params.recipe }}}}"
        "{% if params.steps %} --steps {{ params.steps }}{% endif %}"
    ),
    "evaluate_model": (
        f"{LAKE} {WEEK} --shards {SHARDS} --checkpoint {CHECKPOINT}"
        "{% if params.num_evaluated %} --num {{ params.num_evaluated }}{% endif %}"
    ),
}
HOURS_AT_MOST = 6
HOURS_OF_TRAINING_AT_MOST = 48


def week_of(dag_run: Any) -> str:
    """The ISO week (UTC) that the run's interval begins in; without interval, the last that was whole."""
    moment: datetime = dag_run.data_interval_start or dag_run.run_after - timedelta(days=7)
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year:04d}-W{week:02d}"


def quoted(value: str | Sequence[str]) -> str:
    """One argument, or several, spelled so that `shlex.split` gives them back."""
    return shlex.join([value] if isinstance(value, str) else value)


def closing_line(name: str, line: str) -> dict[str, str] | None:
    """The values of `name key=value ... seconds=4.2` as texts, None where the line is another."""
    if not re.fullmatch(rf"{name} (.* )?seconds=[0-9.]+\s*", line):
        return None
    pairs = re.findall(r'([^\s"=]+)=("(?:[^"\\]|\\.)*"|\S*)', line)
    return {key: json.loads(text) if text.startswith('"') else text for key, text in pairs}


class Step(BaseOperator):
    """Runs one job as a process of its own, without a shell, and returns what its closing line counts."""

    template_fields: Sequence[str] = ("arguments",)

    def __init__(self, *, arguments: str, program: Callable[[str], list[str]], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.arguments = arguments
        self.program = program
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> dict[str, str]:
        """Run it. Raises AirflowFailException where the same command would fail the same way again."""
        command = [*self.program(self.task_id), *shlex.split(self.arguments)]
        self.log.info("running %s", shlex.join(command))
        counted = None
        self._process = subprocess.Popen(  # noqa: S603
            command,
            cwd=os.environ.get("SIDEWHEEL_HOME"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            start_new_session=True,  # so that on_kill reaches the JVM too
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.log.info("%s", line.rstrip())
            # Spark still says goodbye after the closing line, so the last line would not do.
            counted = closing_line(self.task_id, line) or counted
        code = self._process.wait()
        self._process.stdout.close()
        if code == EXIT_TRANSIENT or code < 0 or code > 128:
            raise AirflowException(f"{self.task_id} ended by exit {code}: worth another try.")
        if code or counted is None:
            raise AirflowFailException(f"{self.task_id} ended by exit {code}: its log says why.")
        return counted

    def on_kill(self) -> None:
        """End the process and all that it started."""
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)


def spark_submit(name: str) -> list[str]:
    """The words before a Spark job's own flags."""
    given = os.environ.get(
        "SIDEWHEEL_SPARK_SUBMIT", f"spark-submit --conf spark.log.level=WARN --packages {DELTA}"
    )
    return [*shlex.split(given), "--py-files", "dist/sidewheel.zip", f"jobs/{name}.py"]


def sidewheel(name: str) -> list[str]:
    """The words before the flags of a job that starts no Spark cluster."""
    return [*shlex.split(os.environ.get("SIDEWHEEL_COMMAND", "sidewheel")), name]


def _param(default: str, about: str) -> Param:
    return Param(os.environ.get(f"SIDEWHEEL_{default.upper()}", default), about, type="string", minLength=1)


with DAG(
    dag_id="sidewheel_weekly_loop",
    description="Workflows and conversations in; a trained, evaluated checkpoint out.",
    doc_md=__doc__,
    schedule=CronDataIntervalTimetable("0 3 * * 1", timezone="UTC"),
    start_date=datetime(2026, 1, 5, 3, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["sidewheel"],
    default_args={
        "owner": "sidewheel",
        "retries": 3,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=1),
        "execution_timeout": timedelta(hours=HOURS_AT_MOST),
    },
    params={
        "week": Param(
            None,
            "ISO week such as 2026-W47, where not the interval's.",
            type=["null", "string"],
            pattern="^[0-9]{4}-W[0-9]{2}$",
        ),
        "lake": _param("lake", "Folder or URI of the lake."),
        "inputs": Param(
            shlex.split(os.environ.get("SIDEWHEEL_INPUTS", "exports")),
            "Files, folders, globs or URIs of workflows.",
            type="array",
            items={"type": "string"},
            minItems=1,
        ),
        "events": _param("events", "Folder or URI of recorded conversations."),
        "checkpoints": _param("checkpoints", "Folder of the tokenizer and the checkpoints."),
        "recipe": Param("tiny_cpu", "Name of the recipe.", type="string", pattern="^[a-z0-9_]+$"),
        "steps": Param(None, "Training steps, where not the recipe's.", type=["null", "integer"], minimum=1),
        "wordings": Param(2, "Requests to write per workflow.", type="integer", minimum=1),
        "num_evaluated": Param(
            None, "Held-out requests to evaluate, where not all.", type=["null", "integer"], minimum=1
        ),
    },
    user_defined_macros={"week_of": week_of},
    user_defined_filters={
        "quoted": quoted,
        "name": lambda path: PurePosixPath(path).name,
        "within": lambda folder, name: str(PurePosixPath(folder, name)),
    },
) as loop:
    chain(
        *(Step(task_id=name, arguments=text, program=spark_submit) for name, text in SPARK_STEPS.items()),
        *(
            Step(
                task_id=name,
                arguments=text,
                program=sidewheel,
                execution_timeout=timedelta(hours=HOURS_OF_TRAINING_AT_MOST),
            )
            for name, text in MODEL_STEPS.items()
        ),
    )
