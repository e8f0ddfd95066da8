"""`sidewheel diff`: what differs, for a person and as JSON; exit 0, 1 and 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.cli import main
from schemas.workflow import from_python, write

PYTHON = """\
@order_created
def tag_orders(order):
    add_order_tags(order_id=order.id, tags=["a"])
    send_email(address="a@b.c", subject="Hi", message="one\\ntwo")
"""


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.py"
    path.write_text(PYTHON)
    return path


def test_the_same_workflow_in_another_spelling_is_no_difference(
    one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for spelling in ("flow", "agent", "cli"):
        other = tmp_path / "other.json"
        other.write_text(write(from_python(PYTHON), None, spelling))
        assert main(["diff", str(one), str(other)]) == 0
    assert capsys.readouterr() == ("", "")


def test_what_differs_is_told_line_by_line(
    one: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    other = tmp_path / "other.py"
    edited = PYTHON.replace('["a"]', '["b"]').replace("two", "2")
    other.write_text(edited + "    capture_payment(order_id=order.id)\n")
    assert main(["diff", str(one), str(other)]) == 1
    assert capsysbinary.readouterr().out.decode() == (
        "~ add_order_tags\n"
        '    tags: ["a"] -> ["b"]\n'
        "~ send_email\n"
        "    message:\n"
        '      - two"""\n'
        '      + 2"""\n'
        "+ capture_payment(order_id=order.id)\n"
        "    after send_email\n"
    )


def test_json_holds_every_change(
    one: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    other = tmp_path / "other.py"
    other.write_text(PYTHON.replace('["a"]', '["b"]'))
    assert main(["diff", str(one), str(other), "--json"]) == 1
    report = json.loads(capsysbinary.readouterr().out)
    assert [change["fields"] for change in report["changes"]] == [
        [{"field": "tags", "before": '["a"]', "after": '["b"]'}]
    ]


@pytest.mark.parametrize("text", ["hello", "import os\n", '{"root": '])
def test_a_file_that_is_no_workflow_is_one_sentence_and_exit_2(
    text: str, one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.write_text(text)
    assert main(["diff", str(one), str(other)]) == 2
    assert main(["diff", str(one), str(tmp_path / "gone")]) == 2
    assert main(["diff", str(one)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 3
    assert "other is no workflow: " in err
