"""The job over a lake and a real checkpoint: who wishes for what, the closing line, and what stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pyspark.sql import SparkSession  # noqa: E402

from jobs.simulate_merchants import main  # noqa: E402
from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.merchants import Plan  # noqa: E402
from pipelines.simulation import MAX_PYTHON, wishes  # noqa: E402
from schemas.conversation import read_event  # noqa: E402
from schemas.errors import UsageError  # noqa: E402
from schemas.tables import GOLD_FATES, SILVER_WORKFLOWS  # noqa: E402
from schemas.weeks import Week  # noqa: E402
from schemas.workflow import from_python, to_python  # noqa: E402
from tests.serving.tiny import write_checkpoint  # noqa: E402

WEEK = Week.parse("2026-W47")


def tagging(tag: str) -> str:
    source = f'@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["{tag}"])\n'
    return to_python(from_python(source))


FOREIGN = to_python(
    from_python('@order_created\ndef x(order):\n    task("no-app", "1.0", order_id=order.id)\n')
)
ROWS: list[tuple[str, str, str, dict[str, Any]]] = [
    *((f"taken-{n}", "rejected", tagging(f"taken-{n}"), {}) for n in range(5)),
    ("quarantined", "quarantine", tagging("quarantined"), {}),
    ("trained", "training", tagging("trained"), {}),
    ("foreign", "rejected", FOREIGN, {}),
    ("long", "rejected", tagging("x" * MAX_PYTHON), {}),
    ("refused", "rejected", tagging("refused"), {"problem_code": "INVALID_LINK"}),
    ("a conversation", "rejected", tagging("conversation"), {"kind": "conversation"}),
    ("of another week", "rejected", tagging("week"), {"week": "2026-W46"}),
    ("only training", "training", tagging("other"), {"week": "2026-W45"}),
]


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    lake = Lake(spark, tmp_path_factory.mktemp("lakes") / "lake")
    for table in (GOLD_FATES, SILVER_WORKFLOWS):
        rows = [
            {name: row.get(name) for name in table.schema.names}
            for record_id, fate, python, more in ROWS
            for row in [
                {
                    "record_id": record_id,
                    "fate": fate,
                    "python": python,
                    "week": str(WEEK),
                    "kind": "workflow",
                }
                | more
            ]
        ]
        lake.merge(spark.createDataFrame(rows, spark_schema(table)), table)
    return lake.root


def test_merchants_wish_for_what_training_does_not_hold(root: str) -> None:
    found = wishes(root, WEEK, Plan(num=36))
    assert sorted(found) == sorted([tagging(f"taken-{n}") for n in range(5)] + [tagging("quarantined")])
    assert found == wishes(root, WEEK, Plan(num=36))
    assert found != wishes(root, WEEK, Plan(num=36, seed=1))
    assert wishes(root, WEEK, Plan(num=2)) == found[:2]


def test_what_is_no_lake_or_no_week_or_all_trained_is_a_sentence(root: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no lake"):
        wishes(str(tmp_path), WEEK, Plan())
    with pytest.raises(UsageError, match="run curate_workflows --week 2026-W40 first"):
        wishes(root, Week.parse("2026-W40"), Plan())
    with pytest.raises(UsageError, match="nothing is left to wish for"):
        wishes(root, Week.parse("2026-W45"), Plan())


def test_the_job_records_a_week_once(root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        *(
            "--lake",
            root,
            "--week",
            str(WEEK),
            "--checkpoint",
            str(write_checkpoint(tmp_path / "checkpoint")),
        ),
        *("--record", str(tmp_path / "events"), "--num", "6", "--tokens", "20", "--num-damaged", "3"),
    ]
    assert main(arguments) == 0
    first = capsys.readouterr().out.strip()
    files = sorted((tmp_path / "events").rglob("*.jsonl"))
    events = [
        read_event(line)
        for path in files
        if path.name != "damaged.jsonl"
        for line in path.read_bytes().splitlines()
    ]
    assert first.startswith("simulate_merchants week=2026-W47 merchants=6 ")
    assert f" events={len(events)} " in first
    assert " damaged=3 simulated=true path=" in first
    assert {event.arm: event.model[:9] for event in events} == {
        "champion": "scripted-",
        "challenger": "sidewheel",
    }
    assert main(arguments) == 0
    assert capsys.readouterr().out.split(" seconds=")[0] == first.split(" seconds=")[0]
    assert main([*arguments, "--seed", "1"]) == 2
    assert "simulated with another seed" in capsys.readouterr().err


def test_what_cannot_be_is_one_sentence(
    root: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--lake", root, "--week", str(WEEK), "--record", str(tmp_path / "events")]
    for more, said in [
        (["--checkpoint", str(tmp_path / "none")], "there is no checkpoint"),
        (["--checkpoint", "x", "--num", "0"], "--num must be"),
        (["--checkpoint", "x", "--week", "W47"], "is not an ISO week"),
    ]:
        assert main([*arguments, *more]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "events").exists()
