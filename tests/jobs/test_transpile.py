"""`sidewheel transpile`: from any spelling to any other, bytes on standard output, nothing on a refusal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs import _files
from jobs.cli import main
from schemas.workflow import from_python, write

PYTHON = """\
@order_created
def welcome_back_a_regular(order):
    if order.customer.number_of_orders >= 5:
        add_customer_tags(customer_id=order.customer.id, tags=["regular"])
"""


def translated(capsysbinary: pytest.CaptureFixture[bytes], *argv: object) -> str:
    code = main(["transpile", *map(str, argv)])
    out, err = capsysbinary.readouterr()
    assert (code, err) == (0, b"")
    return out.decode()


def test_an_export_comes_back_from_python_and_layout_byte_for_byte(
    shared_data: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    source, layout = tmp_path / "w.py", tmp_path / "layout.json"
    for export in sorted(shared_data.glob("flow_*/*.flow")):
        source.write_text(translated(capsysbinary, export, "--to", "python", "--layout", layout))
        spelling = json.loads(layout.read_text())["spelling"]
        again = translated(capsysbinary, source, "--to", spelling, "--layout", layout)
        assert again.encode() == export.read_bytes()


@pytest.mark.parametrize("spelling", ["flow", "agent", "cli", "python"])
def test_python_is_written_in_every_spelling(
    spelling: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = tmp_path / "w.py"
    source.write_text(PYTHON + "\n\n")
    workflow = from_python(PYTHON)
    expected = PYTHON if spelling == "python" else write(workflow, None, spelling)
    assert translated(capsysbinary, source, "--to", spelling) == expected


@pytest.mark.parametrize("spelling", ["flow", "agent", "cli"])
def test_every_spelling_is_read_from_standard_input(
    spelling: str, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    raw = write(from_python(PYTHON), None, spelling).encode()
    monkeypatch.setattr(_files.sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    assert translated(capsysbinary, "-", "--to", "python") == PYTHON


def test_an_edit_keeps_the_ids_of_the_steps_that_stay(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    agent, source, layout = tmp_path / "w.json", tmp_path / "w.py", tmp_path / "layout.json"
    agent.write_text(write(from_python(PYTHON), None, "agent").replace('"step_id": 3', '"step_id": "tag-it"'))
    agent.write_text(agent.read_text().replace('"to_step_id": 3', '"to_step_id": "tag-it"'))
    source.write_text(translated(capsysbinary, agent, "--to", "python", "--layout", layout))
    source.write_text(source.read_text().replace('regular"]', 'friend"]'))
    edited = json.loads(translated(capsysbinary, source, "--to", "agent", "--layout", layout))
    (step,) = [step for step in edited["root"]["steps"] if step["step_id"] == "tag-it"]
    assert "friend" in step["config_field_values"][1]["value"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"root": ', "INVALID_WORKFLOW_JSON"),
        ('{"steps": [], "links": [], "colour": 1}', "/colour"),
        ("@order_created\ndef f(order):\n    import os\n", "at 3:5"),
        ("hello", "INVALID_WORKFLOW_JSON"),
    ],
)
def test_a_refusal_is_one_sentence_and_no_output(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, layout = tmp_path / "w", tmp_path / "layout.json"
    path.write_text(text)
    assert main(["transpile", str(path), "--to", "flow", "--layout", str(layout)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"sidewheel: {path}: ")
    assert said in err
    assert err.count("\n") == (3 if text.startswith("@") else 1)
    assert not layout.exists()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "    send_email(subject=5 + 5)",
            "        send_email(subject=5 + 5)\n                           ^\n",
        ),
        ("    send_email(note='\u00e9', subject=-x)", None),
        (f"    send_email(note='{'x' * 200}', subject=-x)", None),
    ],
)
def test_a_refusal_of_python_shows_the_line_with_a_caret(
    line: str, shown: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.py"
    path.write_text(f"@order_created\ndef f(order):\n{line}\n", encoding="utf-8")
    assert main(["transpile", str(path), "--to", "flow"]) == 1
    told, _, below = capsys.readouterr().err.partition("\n")
    source, caret, end = below.split("\n")
    assert (end, caret.strip()) == ("", "^")
    assert source[caret.index("^") :].startswith(("5 + 5", "-x"))
    assert len(source) < 130
    assert shown in (None, below)
    assert "at 3:" in told


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["gone.flow", "--to", "python"], "cannot read gone.flow: no such file or directory."),
        (["{python}", "--to", "flow", "--layout", "gone.json"], "cannot read gone.json"),
        (["{python}", "--to", "flow", "--layout", "{python}"], "The layout is not JSON"),
        (["{agent}", "--to", "python", "--layout", "gone/layout.json"], "cannot write gone/layout.json"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_exit_2(
    argv: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.py").write_text(PYTHON)
    Path("w.json").write_text(write(from_python(PYTHON), None, "agent"))
    filled = [word.format(python="w.py", agent="w.json") for word in argv]
    assert main(["transpile", *filled]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
