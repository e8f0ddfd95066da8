"""What is expected follows from the contract and the weeks before, and Great Expectations judges it.

No Spark: the measures are made here, as `pipelines.quality.measures` makes them.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from pipelines.quality.expectations import QualityPolicy, expectations, named
from pipelines.quality.measures import ALL, Measured
from pipelines.quality.plans import PLANS
from pipelines.quality.validation import Verdict, validate
from pipelines.routing import ROUTED
from schemas.conversation import Kind
from schemas.row_rules import row_rules
from schemas.tables import FATES, GOLD_FATES, SILVER_CONVERSATIONS, TABLES, Table
from schemas.tables.bronze import EVENT_KINDS

WEEK = "2026-W47"
BEFORE = ("2026-W43", "2026-W44", "2026-W45", "2026-W46")
SOUND = {"rows": 100.0, "shops": 10.0, "training": 0.8, "refused": 0.1, "shop_id.null_rate": 0.0}


def measured(table: Table = GOLD_FATES, **changed: float) -> list[Measured]:
    """All rows, and a week of them that is as those before but for what is `changed`."""
    rules = {rule.measure: 0.0 for rule in row_rules(table)} | {"repeated": 0.0}
    values = {name: value for name, value in {**rules, **SOUND, **changed}.items() if value is not None}
    sizes = dict.fromkeys(("training", "refused", "shop_id.null_rate"), int(values["rows"]))
    return [Measured(week=week, values=values, sizes=sizes) for week in (ALL, WEEK)]


def judged(
    table: Table = GOLD_FATES,
    *,
    num_weeks: int = 4,
    policy: QualityPolicy | None = None,
    docs: Path | None = None,
    **changed: float,
) -> list[Verdict]:
    history = dict.fromkeys(BEFORE[:num_weeks], SOUND)
    batches = measured(table, **changed)
    wanted = expectations(table, PLANS[table.name], batches, history, policy or QualityPolicy())
    values = {named(batch.week, name): value for batch in batches for name, value in batch.values.items()}
    return validate(table.name, wanted, values, docs=docs)


def failed(verdicts: list[Verdict]) -> set[tuple[str, str]]:
    return {
        (verdict.expectation.severity, verdict.expectation.name) for verdict in verdicts if not verdict.passed
    }


def test_what_is_as_before_passes_and_each_verdict_is_of_its_own_expectation() -> None:
    verdicts = judged()
    assert failed(verdicts) == set()
    assert {verdict.expectation.measure for verdict in verdicts} >= {*SOUND, "fate.unknown", "repeated"}
    assert {verdict.value for verdict in verdicts if verdict.expectation.measure == "rows"} == {100}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"record_id.null": 1.0}, {("critical", "record_id.null")}),
        ({"repeated": 1.0}, {("critical", "repeated")}),
        ({"fate.unknown": 2.0}, {("critical", "fate.unknown")}),
        ({"week.no_week": 1.0}, {("critical", "week.no_week")}),
        ({"num_runs_7d.negative": 1.0}, {("critical", "num_runs_7d.negative")}),
        ({"rows": 1000.0}, {("critical", f"{WEEK} rows")}),
        ({"rows": 400.0}, set()),
        ({"rows": 24.0}, {("critical", f"{WEEK} rows")}),
        ({"shops": 100.0}, {("warning", f"{WEEK} shops")}),
        ({"shop_id.null_rate": 0.4}, {("warning", f"{WEEK} shop_id.null_rate")}),
        ({"shop_id.null_rate": 0.25}, set()),
        (
            {"shop_id.null_rate": 1.0},
            {("warning", f"{WEEK} shop_id.null_rate"), ("critical", f"{WEEK} shop_id.null_rate")},
        ),
        ({"training": 0.0}, {("warning", f"{WEEK} training"), ("critical", f"{WEEK} training")}),
    ],
)
def test_what_is_wrong_is_named_with_its_severity(
    changed: dict[str, float], expected: set[tuple[str, str]]
) -> None:
    assert failed(judged(**changed)) == expected


def test_with_less_than_three_weeks_before_volume_is_a_warning_that_says_so() -> None:
    (verdict,) = (verdict for verdict in judged(num_weeks=2, rows=1000.0) if not verdict.passed)
    assert verdict.expectation.severity == "warning"
    assert str(verdict) == (
        f"{WEEK} rows is 1000, expected at least 25 and at most 400 (2 weeks before (too few to stop for) "
        "had 100 in the middle and 100 in the last; --volume-factor is 4)"
    )
    assert failed(judged(num_weeks=0, rows=1000.0)) == set()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ((0.0, 0.0, 0.0, 0.0), set()),
        ((0.0, 0.0, 0.0, 20.0), {("warning", f"{WEEK} rows")}),
        ((20.0, 0.0, 0.0, 0.0), {("critical", f"{WEEK} rows")}),
    ],
)
def test_what_begins_is_not_held_to_the_empty_weeks_before_it_and_what_comes_back_is(
    before: tuple[float, ...], expected: set[tuple[str, str]]
) -> None:
    history = {week: {"rows": rows} for week, rows in zip(BEFORE, before, strict=True)}
    wanted = expectations(GOLD_FATES, PLANS[GOLD_FATES.name], measured(), history, QualityPolicy())
    volume = [each for each in wanted if each.name == f"{WEEK} rows"]
    assert failed(validate(GOLD_FATES.name, volume, {f"{WEEK} rows": 100.0}, docs=None)) == expected


def test_a_person_may_let_any_volume_pass() -> None:
    assert failed(judged(policy=QualityPolicy(volume_factor=0), rows=100_000.0)) == set()


def test_few_rows_of_a_week_that_may_be_under_way_mean_nothing_and_many_do() -> None:
    assert PLANS[SILVER_CONVERSATIONS.name].growing
    few = failed(judged(SILVER_CONVERSATIONS, rows=1.0, shops=1.0))
    assert ("critical", f"{WEEK} rows") not in few
    assert ("critical", f"{WEEK} rows") in failed(judged(SILVER_CONVERSATIONS, rows=1000.0))


def test_a_week_that_had_rows_must_have_some() -> None:
    batch = Measured(week=WEEK, values={"rows": 0.0}, sizes={})
    every = Measured(week=ALL, values={**batch.values, "repeated": 0.0}, sizes={})
    wanted = expectations(
        GOLD_FATES, PLANS[GOLD_FATES.name], [every, batch], {WEEK: {"rows": 7.0}}, QualityPolicy()
    )
    least = [each for each in wanted if each.measure == "rows"]
    assert [(each.name, each.least, each.severity) for each in least] == [(f"{WEEK} rows", 1, "critical")]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"volume_factor": 0.5}, "--volume-factor must be 1 or more"),
        ({"history_weeks": 2}, "--history-weeks must be at least 3"),
        ({"drift": 0.6}, "--drift not the greater"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        QualityPolicy(**wrong)


@pytest.mark.parametrize("table", [TABLES[name] for name in PLANS], ids=str)
def test_every_table_with_a_plan_has_rules_and_its_plan_names_columns_that_are_there(table: Table) -> None:
    rules = row_rules(table)
    assert {rule.column for rule in rules if rule.name == "null"} >= {*table.key}
    assert {*PLANS[table.name].settles} <= {*table.schema.names}


def test_the_words_of_a_contract_are_those_of_the_code() -> None:
    assert GOLD_FATES.words("fate") == FATES
    assert get_args(Kind) == EVENT_KINDS
    assert f"kind={','.join(ROUTED)}" in PLANS[GOLD_FATES.name].parts


def test_every_table_of_what_people_do_is_checked() -> None:
    assert {name for name in TABLES if not name.startswith("ops.")} == {*PLANS}


class _Reached(Exception):
    pass


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*where: object) -> None:
        raise _Reached(where)

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, reached)
    monkeypatch.setattr(socket, "getaddrinfo", reached)


@pytest.mark.usefixtures("no_network")
def test_data_docs_tell_counts_and_nothing_goes_to_the_network(tmp_path: Path) -> None:
    judged(docs=tmp_path, rows=1000.0)
    pages = (tmp_path / "validations").rglob("*.html")
    assert any("1000" in page.read_text(encoding="utf-8") for page in pages)
    assert (tmp_path / "index.html").exists()


_ALONE = """
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError((event, arguments))
sys.addaudithook(hook)
from pipelines.quality.expectations import Expectation
from pipelines.quality.validation import validate
(verdict,) = validate("gold.fates", [Expectation(measure="rows", least=1, says="some")], {"rows": 2})
print(verdict.passed)
"""


@pytest.mark.faults
def test_the_import_ends_no_process_and_reaches_for_no_network() -> None:
    """`python -c`, where the import of Spark Connect would leave with 0 and say nothing."""
    root = Path(__file__).parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", _ALONE], cwd=root, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "True\n"), ran.stderr
