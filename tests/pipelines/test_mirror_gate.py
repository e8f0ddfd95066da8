"""The gate over a lake: exit 70 while what would train drifted, and 0 once it was migrated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from jobs import build_conversations, check_mirror, ingest_conversations  # noqa: E402
from jobs.judge_conversations import main as judge_conversations  # noqa: E402
from jobs.route_conversations import main as route_conversations  # noqa: E402
from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from pipelines.mirror import gate  # noqa: E402
from pipelines.mirror.stored import keep_migrated  # noqa: E402
from pipelines.redact import REDACTOR_VERSION  # noqa: E402
from schemas.errors import EXIT_BROKEN_LAW  # noqa: E402
from schemas.tables import (  # noqa: E402
    BRONZE_CONTRACTS,
    GOLD_FATES,
    SILVER_CONVERSATIONS,
)
from schemas.tools import CONTRACT, Contract  # noqa: E402
from serving.contract_files import CONTRACT_SUFFIX  # noqa: E402
from tests.pipelines import production as drift  # noqa: E402
from tests.pipelines.production import PREFIXED, REORDERED, STALE, Production  # noqa: E402
from tests.pipelines.test_conversations import PERSONAL  # noqa: E402

WEEK = "2026-W47"


class Loop:
    """One lake and the steps of a turn around the gate."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.lake, self.folder = lake, folder
        self.here = ["--lake", lake.root]
        self.week = [*self.here, "--week", WEEK]

    def take(self) -> None:
        ingest_conversations.main.summarise([*self.here, "--inputs", str(self.folder)])
        self.build()

    def build(self) -> Mapping[str, Any]:
        return build_conversations.main.summarise(self.here)

    def route(self) -> None:
        judge_conversations.summarise(self.here)
        route_conversations.summarise(self.week)

    def check(self, *more: str) -> tuple[int, dict[str, Any]]:
        path = self.folder.parent / "report.json"
        code = check_mirror.main([*self.week, "--json", str(path), *more])
        return code, json.loads(path.read_text())

    def rows(self) -> dict[str, dict[str, Any]]:
        found = self.lake.read(SILVER_CONVERSATIONS).toArrow().to_pylist()
        return {row["conversation_id"]: row for row in found}

    def fates(self) -> dict[str, tuple[str, str]]:
        names = {row["record_id"]: name for name, row in self.rows().items()}
        found = self.lake.read(GOLD_FATES).where("kind = 'conversation'").toArrow().to_pylist()
        return {names[row["record_id"]]: (row["fate"], row["reason"]) for row in found}

    def commits(self) -> dict[str, str]:
        """Of all tables but the measures, which follow what was migrated since they were taken."""
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in Path(self.lake.root).glob("*/*/_delta_log/*.json")
            if path.parents[2].name != "ops"
        }


@pytest.fixture
def loop(lake: Lake, tmp_path: Path) -> Loop:
    (tmp_path / "events").mkdir()
    return Loop(lake, tmp_path / "events")


def names(report: dict[str, Any]) -> set[str]:
    return {f"{each['name']}: {each['kind']} {each['detail']}".rstrip() for each in report["differences"]}


def test_the_five_drifts_are_named_stop_the_build_and_are_migrated(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifted: list[tuple[Contract, drift.Write]] = [
        (PREFIXED, drift.canonical_json),
        (REORDERED, drift.canonical_json),
        (CONTRACT, drift.other_key_order),
        (CONTRACT, drift.extra_field),
        (STALE, drift.canonical_json),
        (CONTRACT, drift.stale_answers),
        (CONTRACT, drift.canonical_json),
    ]
    for number, (contract, write) in enumerate(drifted, 1):
        there = Production(loop.folder, contract, write, first=number)
        there.had("Tag big orders as vip")
        there.recorder.close()
    loop.take()
    assert loop.lake.read(BRONZE_CONTRACTS).where("problem_code IS NULL").count() == 4
    loop.route()
    training, other = ("training", "activated"), ("quarantine", "other_contract")
    assert loop.fates() == {
        **dict.fromkeys(("c1", "c2", "c5"), other),
        **dict.fromkeys(("c3", "c4", "c6", "c7"), training),
    }
    before = loop.rows()
    code, report = loop.check()
    assert code == EXIT_BROKEN_LAW
    assert names(report) >= {
        "tools.task_search: prefix flow_app_agent_",
        f"tools.order: other order {', '.join(tool.name for tool in REORDERED.tools)}",
        "tools.task_search.response.task: keys not sorted",
        "tools.task_search.response.task: extra field score",
        "tools.task_search.description: stale description",
        "tools.task_search.response.task.description: stale value",
    }
    score = next(each for each in report["differences"] if each["detail"] == "score")
    assert (score["num_conversations"], score["num_training"]) == (1, 1)
    assert {each["conversation"] for each in score["examples"]} == {"c4"}
    assert "score" in score["examples"][0]["excerpt"]
    assert report["failures"][0].startswith(
        "3 conversations that would train show the model something else ("
    )
    with monkeypatch.context() as patched:
        patched.setattr(gate, "MOST_DIFFERENCES", 1)
        code, short = loop.check()
    assert [each["num_training"] for each in short["differences"]] == [0]
    assert (code, short["failures"]) == (EXIT_BROKEN_LAW, report["failures"])
    code, report = loop.check("--migrate")
    assert (code, report["failures"]) == (0, [])
    rows = loop.rows()
    assert len({row["messages"] for row in rows.values()}) == 1
    assert rows["c7"] == before["c7"]
    changed = ("messages", "contract", "recorded_contract", "recorded_sha256")
    for name, row in rows.items():
        assert {key: row[key] for key in row if key not in changed} == {
            key: before[name][key] for key in row if key not in changed
        }
    assert {name: row["recorded_contract"] for name, row in rows.items()} == {
        **{name: before[name]["contract"] for name in rows},
        "c7": None,
    }
    loop.route()
    assert loop.fates() == dict.fromkeys(rows, training)
    commits = loop.commits()
    loop.take()
    assert loop.check("--migrate")[0] == 0
    loop.route()
    assert loop.commits() == commits


def test_what_another_redactor_left_is_not_kept(lake: Lake) -> None:
    nothing = dict.fromkeys(SILVER_CONVERSATIONS.schema.names)
    built = nothing | {"record_id": "r", "messages": "[]", "python": "", "redactor_version": REDACTOR_VERSION}
    migrated = {
        "messages": "[1]",
        "contract": CONTRACT.fingerprint(),
        "recorded_contract": "0" * 64,
        "recorded_sha256": hashlib.sha256(b"[]\x1f").hexdigest(),
    }

    def kept(version: str) -> dict[str, Any]:
        stored = built | migrated | {"redactor_version": version}
        frames = [
            lake.spark.createDataFrame([tuple(row.values())], spark_schema(SILVER_CONVERSATIONS))
            for row in (built, stored)
        ]
        (found,) = keep_migrated(*frames).toArrow().to_pylist()
        return dict(found)

    assert kept(REDACTOR_VERSION) == built | migrated
    assert kept("redactor_v1") == built


def test_what_does_not_train_stops_nothing_and_what_cannot_be_migrated_stays(loop: Loop) -> None:
    there = Production(loop.folder, write=drift.extra_field)
    there.had("Tag big orders as vip", activate=False)
    there.recorder.close()
    there = Production(loop.folder, first=2)
    there.had("Mail ann@corp.com, +1 415 555 0100, when ANN@corp.com buys", PERSONAL)
    there.recorder.close()
    loop.take()
    loop.route()
    assert loop.fates() == {"c1": ("quarantine", "activation_unknown"), "c2": ("training", "activated")}
    code, report = loop.check()
    assert (code, names(report)) == (0, {"tools.task_search.response.task: extra field score"})
    assert [each["num_training"] for each in report["differences"]] == [0]

    there = Production(loop.folder, write=drift.accepts_anything, first=3)
    there.had("Tag big orders as vip", drift.OBJECTIONABLE)
    there.recorder.close()
    loop.take()
    before = loop.rows()
    assert before["c2"]["num_redacted"] > 0
    assert loop.check()[0] == EXIT_BROKEN_LAW  # nobody has decided yet that it does not train
    assert loop.check("--migrate")[0] == 0
    rows = loop.rows()
    assert rows["c1"]["recorded_contract"] == CONTRACT.fingerprint()
    assert rows["c2"] == before["c2"]
    assert rows["c3"]["messages"] == before["c3"]["messages"]
    assert rows["c3"]["migration_problem"].startswith("OTHER_OUTCOME at /")
    commits = loop.commits()
    loop.build()
    assert loop.check("--migrate")[0] == 0
    assert loop.commits() == commits
    loop.route()
    assert loop.fates()["c3"] == ("quarantine", "other_contract")


def test_a_contract_of_which_nobody_has_the_text_stops_the_build_until_it_is_there(loop: Loop) -> None:
    there = Production(loop.folder, STALE)
    there.had("Tag big orders as vip")
    there.recorder.close()
    kept = loop.folder / f"{STALE.fingerprint()}{CONTRACT_SUFFIX}"
    kept.write_text("{")
    loop.take()
    code, report = loop.check("--migrate")
    assert code == EXIT_BROKEN_LAW
    assert names(report) == {f"contract: unknown {STALE.fingerprint()[:12]}"}
    assert [failure.split(", and ")[1] for failure in report["failures"]] == [
        "nobody has its text: ingest its .contract.json with the events "
        "(contract.json of the checkpoint that answered is the same text)"
    ]
    (row,) = loop.rows().values()
    assert row["migration_problem"].startswith("UNKNOWN_CONTRACT")
    kept.write_text(STALE.to_json())
    loop.take()
    assert loop.check("--migrate")[0] == 0
    (row,) = loop.rows().values()
    assert (row["contract"], row["migration_problem"]) == (CONTRACT.fingerprint(), None)
