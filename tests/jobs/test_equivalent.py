"""`sidewheel equivalent`: a verdict for a person and as JSON; exit 0, 1 and 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.cli import main
from schemas.workflow import from_python, write

PYTHON = """\
@order_created
def tag_orders(order):
    if order.total_price > 500:
        add_order_tags(order_id=order.id, tags=["VIP"])
"""


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.py"
    path.write_text(PYTHON)
    return path


def test_another_spelling_does_the_same(
    one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.flow"
    other.write_text(write(from_python(PYTHON.replace("500", "500.0")), None, "flow"))
    assert main(["equivalent", str(one), str(other)]) == 0
    assert capsys.readouterr().out == (
        "no difference found (200 events, 4 of 4 branches taken)\n"
        "  add_order_tags failed in both on 2 of 200 events: "
        "what it would have said there was never compared\n"
    )


def test_a_difference_is_shown_on_an_event(
    one: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    other = tmp_path / "other.py"
    other.write_text(PYTHON.replace(">", ">="))
    assert main(["equivalent", str(one), str(other)]) == 1
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert len(lines) <= 20
    assert lines[1:4] == ["on this event:", '  order.totalPrice = "500.00"', lines[3]]
    assert lines[3].startswith('  order.id = "gid://shopify/Order/')
    assert lines[-1] == "Only the second leaves add_order_tags."


def test_json_holds_the_event_and_what_both_leave(
    one: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    other = tmp_path / "other.py"
    other.write_text(PYTHON.replace("VIP", "gold"))
    assert main(["equivalent", str(one), str(other), "--json", "--seed", "3"]) == 1
    report = json.loads(capsysbinary.readouterr().out)
    assert (report["before"], report["after"], report["equal"]) == (str(one), str(other), False)
    found = report["counterexample"]
    assert [found[side][0]["values"]["tags"] for side in ("a", "b")] == [["VIP"], ["gold"]]
    assert float(found["event"]["roots"]["order"]["totalPrice"]) > 500


def test_what_is_no_workflow_is_said(one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["equivalent", str(one), str(tmp_path / "nowhere.py")]) == 2
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["equivalent", "-", "-"], ["diff", "-", "-"], ["simulate", "-", "--event", "-"]]
)
def test_only_one_file_is_standard_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.endswith("only one of the files can be standard input (-).\n")
