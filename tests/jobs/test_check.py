"""`sidewheel check`: which files are workflows, and which of them come back without loss."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from jobs.cli import main
from schemas.workflow import from_python, write

PYTHON = """\
@order_created
def welcome_back_a_regular(order):
    if order.customer.number_of_orders >= 5:
        add_customer_tags(customer_id=order.customer.id, tags=["regular"])
"""
FLOW = "ab" * 32 + ":" + write(from_python(PYTHON), spelling="flow")
AGENT = write(from_python(PYTHON), spelling="agent")


def checked(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, dict[str, object]]:
    code = main(["check", "--json", *map(str, paths)])
    return code, json.loads(capsys.readouterr().out)


def test_the_real_files_are_all_lossless(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(shared_data)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("15 of 15 files lossless, ")
    code, report = checked(capsys, shared_data)
    assert (code, report["num_files"], report["num_lossless"], report["num_refused"]) == (0, 15, 15, 0)


def test_a_file_named_explicitly_is_always_checked(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = checked(capsys, shared_data / "flow_official_examples.json")
    assert (code, report["num_files"], report["num_refused"]) == (1, 1, 1)


def test_the_json_report_has_exactly_these_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.flow").write_text(FLOW)
    (tmp_path / "bad.flow").write_text(FLOW.replace('"task_version"', '"task_edition"'))
    code, report = checked(capsys, tmp_path)
    assert code == 1
    bad, good = report.pop("files")
    assert report == {"num_files": 2, "num_lossless": 1, "num_refused": 1, "num_with_errors": 1}
    assert good == {
        "path": str(tmp_path / "good.flow"),
        "spelling": "flow",
        "exact": True,
        "semantic": True,
        "problems": [],
    }
    assert list(bad) == list(good)
    assert (bad["exact"], bad["semantic"]) == (False, False)
    (problem,) = bad["problems"]
    assert list(problem) == ["code", "severity", "step", "path", "message", "field"]
    assert (problem["severity"], problem["path"]) == ("error", "/root/steps/0/task_edition")


def test_a_folder_is_searched_for_workflows_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "deep" / "er" / "a.flow").write_text(FLOW)
    (tmp_path / "b.json").write_text(AGENT)
    (tmp_path / "c.py").write_text(PYTHON)
    (tmp_path / "signed.json").write_text(FLOW)
    (tmp_path / ".hidden" / "d.flow").write_text(FLOW)
    (tmp_path / "package.json").write_text('{"name": "x", "steps": []}')
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "torn.json").write_bytes(b'{"root": "\xff')
    (tmp_path / "setup.py").write_text("import os\n")
    (tmp_path / "notes.txt").write_text("hello")
    code, report = checked(capsys, tmp_path)
    found = [Path(file["path"]).name for file in report["files"]]
    assert (code, found) == (0, ["b.json", "c.py", "signed.json", "a.flow"])
    main(["check", str(tmp_path)])
    assert capsys.readouterr().out.splitlines()[-1] == "4 of 4 files lossless, 5 other files skipped"


@pytest.mark.parametrize("digit", "0123456789abcdef")
def test_a_signature_may_start_with_any_digit(
    digit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.flow").write_text(digit + FLOW[1:])
    code, report = checked(capsys, tmp_path)
    assert (code, report["files"][0]["spelling"]) == (0, "flow")


def test_a_file_given_twice_counts_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.flow").write_text(FLOW)
    _, report = checked(capsys, tmp_path, tmp_path / "a.flow")
    assert report["num_files"] == 1


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "INVALID_WORKFLOW_JSON"),
        (b"\xff\xfe", "INVALID_ENCODING"),
        (b"\xef\xbb\xbf" + AGENT.encode(), "INVALID_WORKFLOW_JSON"),
        (AGENT.encode()[:-9], "INVALID_WORKFLOW_JSON"),
        (b"[" * 10_000, "INVALID_WORKFLOW_JSON"),
        (b" " * (4 << 20) + b"{}", "WORKFLOW_TOO_LARGE"),
        (b"@order_created\ndef f(order):\n    import os\n", "PYTHON_CONSTRUCT"),
    ],
    ids=["empty", "not-utf8", "bom", "truncated", "deep", "large", "import"],
)
def test_a_damaged_file_is_refused_with_its_reason(
    raw: bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.flow"
    path.write_bytes(raw)
    exit_code, report = checked(capsys, path)
    assert exit_code == 1
    assert report["files"][0]["problems"][0]["code"] == code
    assert main(["check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(str(path))
    assert lines[3] == str(path)
    assert lines[4].startswith(f"  error {code}")


def test_a_plain_line_says_path_spelling_and_both_round_trips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.flow").write_text(FLOW)
    assert main(["check", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["path", "spelling", "exact", "semantic", "errors", "warnings"],
        [str(tmp_path / "a.flow"), "flow", "yes", "yes", "0", "0"],
        ["1", "of", "1", "files", "lossless"],
    ]


WRONG = """\
@order_created
def f(order):
    if order.totl_price > 100:
        add_order_tags(order_id=order.customer.id, tags=["{{ order.customer | json }}", "{{ ordre.name }}"])
"""


def test_a_file_that_flow_would_object_to_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.flow").write_text(write(from_python(WRONG), spelling="flow"))
    assert main(["check", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[1:] == ["agent", "yes", "yes", "3", "1"]
    (told,) = [line for line in lines if line.startswith("  error CONDITION_RESOURCE_NOT_FOUND at step ")]
    assert ", condition: order (Order) has no field 'totlPrice'; did you mean 'totalPrice'" in told
    assert lines[7].startswith("  warning CONFIG_FIELD_NAME_RESOLUTION_ERROR at step ")
    assert lines[-1] == "1 of 1 files lossless, 1 with errors"


def test_the_report_points_into_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = write(from_python(WRONG), spelling="agent")
    (tmp_path / "a.json").write_text(text)
    code, report = checked(capsys, tmp_path)
    assert (code, report["num_lossless"], report["num_with_errors"]) == (1, 1, 1)
    problems = report["files"][0]["problems"]
    assert len(problems) == 4
    for problem in problems:
        value = json.loads(text)
        for key in problem["path"].split("/")[1:]:
            value = value[int(key)] if isinstance(value, list) else value[key]
        assert isinstance(value, str)
        assert problem["field"] in ("condition", "order_id", "tags")


def test_many_problems_are_cut_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "".join(
        f"    send_email(address='a', subject='s', message='{{{{ x{n} }}}}')\n" for n in range(60)
    )
    (tmp_path / "a.py").write_text(f"@order_created\ndef f(order):\n{lines}")
    main(["check", str(tmp_path)])
    assert "  and 11 more, which --json lists" in capsys.readouterr().out.splitlines()


def test_nothing_to_check_is_not_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--json", str(tmp_path)])
    out, err = capsys.readouterr()
    assert code == 2
    assert json.loads(out) == {
        "num_files": 0,
        "num_lossless": 0,
        "num_refused": 0,
        "num_with_errors": 0,
        "files": [],
    }
    assert err.startswith("sidewheel: no workflow in ")


def test_a_missing_path_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "gone")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"sidewheel: no such file or folder: {tmp_path / 'gone'}.\n")


def test_a_file_name_that_is_no_text_does_not_stop_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.flow")).write_text(FLOW)
    code, report = checked(capsys, tmp_path)
    assert code == 0
    assert report["files"][0]["path"].endswith("caf\\udce9.flow")
