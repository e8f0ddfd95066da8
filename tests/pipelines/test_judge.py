"""Judgments beside the data: made once, made again when what was said is another, null where a bug trips."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

from pipelines import judge as subject  # noqa: E402
from pipelines.contracts import spark_schema  # noqa: E402
from pipelines.facets import FACETS  # noqa: E402
from pipelines.judge import JUDGE_VERSION  # noqa: E402
from pipelines.lake import Lake  # noqa: E402
from schemas.conversation import conversation_record_id  # noqa: E402
from schemas.tables import SILVER_CONVERSATIONS, SILVER_JUDGMENTS  # noqa: E402
from tests.pipelines.conversation_rows import EDITED, Row, asked, edited, row  # noqa: E402


def put(lake: Lake, rows: Iterable[Row]) -> None:
    lake.replace(
        lake.spark.createDataFrame(list(rows), spark_schema(SILVER_CONVERSATIONS)), SILVER_CONVERSATIONS
    )


def run(lake: Lake, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    from jobs.judge_conversations import main

    assert main(["--lake", lake.root]) == 0
    words = capsys.readouterr().out.strip().splitlines()[-1].split()[1:-1]
    return {name: int(value) for name, value in (word.split("=") for word in words)}


def scores(lake: Lake) -> dict[tuple[str, str], float | None]:
    return {
        (each["record_id"], each["facet"]): each["score"]
        for each in lake.read(SILVER_JUDGMENTS).collect()
        if each["judge_version"] == JUDGE_VERSION
    }


def test_each_sound_conversation_has_four_judgments_and_a_second_run_commits_nothing(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [row("created"), row("asked", asked(), None), row("broken", problem_code="GAP", messages="")]
    put(lake, rows)
    counted = run(lake, capsys)
    assert counted == {
        "conversations": 3, "judged": 2, "unchanged": 0, "refused": 1, "scores": 6, "unscored": 2,
        "warnings": 0,
    }  # fmt: skip
    names = {name: conversation_record_id(name) for name in ("created", "asked")}
    assert scores(lake) == {
        **{(names["created"], facet): 1.0 for facet in FACETS},
        **{(names["asked"], facet): None for facet in ("syntax", "components")},
        **{(names["asked"], facet): 1.0 for facet in ("appropriateness", "next_steps")},
    }
    version = lake.version(SILVER_JUDGMENTS)
    again = run(lake, capsys)
    assert again == {
        "conversations": 3, "judged": 0, "unchanged": 2, "refused": 1, "scores": 0, "unscored": 0,
        "warnings": 0,
    }  # fmt: skip
    assert lake.version(SILVER_JUDGMENTS) == version


def test_what_was_said_is_judged_again_when_it_changes_or_the_rules_do_and_what_a_merchant_did_is_not(
    lake: Lake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lake, [row("late", activated=None), row("grown")])
    run(lake, capsys)
    before = scores(lake)
    put(lake, [row("late", activated=True, rating="up"), row("grown", edited(EDITED), None)])
    counted = run(lake, capsys)
    assert (counted["judged"], counted["unchanged"]) == (1, 1)
    after = scores(lake)
    grown = conversation_record_id("grown")
    assert after.keys() == before.keys()
    assert {key for key in after if after[key] != before[key]} == {(grown, "syntax")}
    monkeypatch.setattr(subject, "JUDGE_VERSION", "program_judge_v0 000000000000")
    assert run(lake, capsys)["judged"] == 2
    assert lake.read(SILVER_JUDGMENTS).count() == 4 * len(FACETS)
    assert scores(lake) == after


def rows_of(**columns: Any) -> dict[str, dict[str, Any]]:
    whole = row("x") | {"judge_version": "v", "conversation_digest": "d"} | columns
    return {each["facet"]: each for each in subject._rows(whole)}


@pytest.mark.parametrize(
    "messages",
    ["", None, "not json", '[{"role":"user"}]', '[{"role":"user","content":"\\ud800"}]', "[" * 500],
)
def test_messages_that_nobody_can_read_have_no_score(messages: str | None) -> None:
    found = rows_of(messages=messages)
    assert {facet: each["score"] for facet, each in found.items()} == dict.fromkeys(FACETS)
    assert all(each["detail"] for each in found.values())


def test_a_bug_in_one_facet_is_a_null_with_a_reason_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trips(conversation: object) -> Any:
        raise RuntimeError("secret")

    monkeypatch.setitem(FACETS, "components", trips)  # type: ignore[arg-type]
    found = rows_of()
    assert found["components"]["score"] is None
    assert found["components"]["detail"] == "RuntimeError, which is a bug in the judge"
    assert {found[facet]["score"] for facet in FACETS if facet != "components"} == {1.0}


def test_the_version_names_the_rules_and_what_they_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert subject._version() == JUDGE_VERSION
    assert JUDGE_VERSION.startswith("program_judge_v1 ")
    monkeypatch.setattr(subject, "LANGUAGE_VERSION", "flow_python_v2")
    assert subject._version() != JUDGE_VERSION


def test_without_conversations_it_says_what_to_do(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from jobs.judge_conversations import main

    assert main(["--lake", str(tmp_path / "none")]) == 2
    assert "run build_conversations first." in capsys.readouterr().err
