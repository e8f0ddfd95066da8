"""The job that makes a shop's own catalogue: what it writes, counts and names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs._catalogue import load_catalogue
from jobs.import_catalog import main
from schemas.catalog.tasks import SHIPPED
from schemas.errors import UsageError
from serving.shop import InMemoryShop
from serving.task_answers import configuration
from serving.task_search import search
from serving.tools import Tools

PAID = "shopify::admin::order_paid"
SUMMARY = {
    "id": PAID,
    "version": "0.3",
    "label": "Order paid",
    "task_type": "TRIGGER",
    "publisher": "shopify",
}
FOUND = {"ok": True, "tool": "task_search", "data": {"tasks": {"paid": [SUMMARY]}}}


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_a_shop_gets_its_own_catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "answers/a/found.json", FOUND)
    write(tmp_path / "answers/b.json", {"ok": True, "tool": "task_search", "data": {"tasks": {"q": [{}]}}})
    (tmp_path / "answers/broken.json").write_bytes(b"\xff")
    (tmp_path / "answers/notes.txt").write_text("no answer")
    assert run("--answers", tmp_path / "answers", "--output", tmp_path / "own.json") == 0
    shown = capsys.readouterr()
    assert "import_catalog files=3 malformed=2 unknown=0 confirmed=1 contradicted=0 updated=0" in shown.out
    own = load_catalogue(tmp_path / "own.json")
    assert own.tasks[PAID].known
    assert not SHIPPED.tasks[PAID].known
    assert f"guessed={136} fingerprint={own.fingerprint()[:12]}" in shown.out
    assert own.tasks[PAID].versions == ("0.3",)


def test_what_cannot_be_read_is_named_by_its_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = write(tmp_path / "found.json", {**FOUND, "flavour": 1})
    broken = write(tmp_path / "broken.json", [7])
    assert run("--answers", broken, found, "--output", tmp_path / "own.json") == 0
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if str(broken) in line and "must be an object" in line]
    assert [line for line in said if str(found) in line and "flavour" in line]


def test_the_same_answers_give_the_same_bytes(tmp_path: Path) -> None:
    found = write(tmp_path / "found.json", FOUND)
    for name in ("one.json", "two.json"):
        assert run("--answers", found, "--output", tmp_path / name) == 0
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_without_an_answer_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = write(tmp_path / "empty.json", [])
    assert run("--answers", empty, "--output", tmp_path / "own.json") == 2
    assert run("--answers", tmp_path / "nowhere", "--output", tmp_path / "own.json") == 2
    assert "no such file or folder" in capsys.readouterr().err
    assert not (tmp_path / "own.json").exists()


def test_the_agent_is_told_what_the_shops_own_catalogue_says(tmp_path: Path) -> None:
    found = write(tmp_path / "found.json", FOUND)
    assert run("--answers", found, "--output", tmp_path / "own.json") == 0
    own = load_catalogue(tmp_path / "own.json")
    shop = InMemoryShop()
    guess, real = search("order paid", shop), search("order paid", shop, own)
    assert [task["installed"] for task in guess if task["id"] == PAID] == [False]
    assert (real[0]["id"], real[0]["installed"], real[0]["version"]) == (PAID, True, "0.3")
    assert configuration(PAID, "0.3")["error"]["code"] == "TASK_NOT_AVAILABLE"
    assert configuration(PAID, "0.3", own)["error"] is None
    asked = json.dumps({"tasks": [{"id": PAID, "version": "0.3"}]})
    assert '"error":null' in Tools(shop, catalogue=own).call("task_configuration", asked).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no catalogue: no JSON"),
        ('{"version": "catalogue_v1", "tasks": [{}]}', r"is no catalogue at tasks\[0\]: lacks 'id'"),
    ],
)
def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.json").write_text(text)
    with pytest.raises(UsageError, match=said):
        load_catalogue(tmp_path / "own.json")
    with pytest.raises(UsageError, match="cannot read"):
        load_catalogue(tmp_path / "gone.json")
