from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.jars import find_jars, remembered_jars
from schemas.errors import UsageError

COORDINATES = ("org.example:delta:1.0", "org.example:kafka:2.0")


class Maven:
    """Stands for Ivy: makes the files, and counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        self.files = [folder / "delta-1.0.jar", folder / "kafka 2.0.jar"]
        self.asked: list[Sequence[str]] = []

    def __call__(self, coordinates: Sequence[str]) -> list[Path]:
        self.asked.append(tuple(coordinates))
        for file in self.files:
            file.write_bytes(b"jar of " + file.name.encode())
        return self.files


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maven:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Maven(tmp_path)


def test_ivy_is_asked_once_and_the_answer_is_remembered(maven: Maven) -> None:
    assert remembered_jars(COORDINATES) is None
    for _ in range(3):
        assert find_jars(COORDINATES, ask=maven) == maven.files
    assert remembered_jars(COORDINATES) == maven.files
    assert maven.asked == [COORDINATES]


def test_only_one_asks_at_a_time(maven: Maven) -> None:
    asking = threading.Lock()

    def ask(coordinates: Sequence[str]) -> list[Path]:
        assert asking.acquire(blocking=False)
        time.sleep(0.2)
        asking.release()
        return maven(coordinates)

    wanted = [COORDINATES, COORDINATES[:1], COORDINATES, COORDINATES[1:]]
    with ThreadPoolExecutor(len(wanted)) as pool:
        found = list(pool.map(lambda coordinates: find_jars(coordinates, ask=ask), wanted))
    assert found == [maven.files] * len(wanted)
    assert Counter(maven.asked) == dict.fromkeys(wanted, 1)


def test_other_coordinates_are_another_question(maven: Maven) -> None:
    find_jars(COORDINATES, ask=maven)
    assert remembered_jars(COORDINATES[:1]) is None
    find_jars(COORDINATES[:1], ask=maven)
    assert maven.asked == [COORDINATES, COORDINATES[:1]]


def test_ivy_is_asked_again_when_a_file_changed_its_size_or_is_gone(maven: Maven) -> None:
    find_jars(COORDINATES, ask=maven)
    with maven.files[1].open("ab") as half_written:
        half_written.write(b"!")
    assert remembered_jars(COORDINATES) is None
    find_jars(COORDINATES, ask=maven)
    maven.files[0].unlink()
    assert find_jars(COORDINATES, ask=maven) == maven.files
    assert len(maven.asked) == 3
    assert maven.files[0].exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"files": []}', '{"files": [{"path": 3}]}'])
def test_a_note_that_cannot_be_read_is_no_memory(maven: Maven, tmp_path: Path, text: str) -> None:
    find_jars(COORDINATES, ask=maven)
    [note] = (tmp_path / "cache" / "sidewheel").glob("*.json")
    assert json.loads(note.read_text())["coordinates"] == list(COORDINATES)
    note.write_text(text)
    assert remembered_jars(COORDINATES) is None
    assert find_jars(COORDINATES, ask=maven) == maven.files
    assert remembered_jars(COORDINATES) == maven.files


def test_a_cache_that_cannot_be_written_costs_a_warning_and_nothing_else(
    maven: Maven, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert find_jars(COORDINATES, ask=maven) == maven.files
        assert find_jars(COORDINATES, ask=maven) == maven.files
    assert len(maven.asked) == 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "every session will ask Ivy" in caplog.text


def test_what_ivy_cannot_find_is_remembered_by_nobody(maven: Maven, tmp_path: Path) -> None:
    def offline(_: Sequence[str]) -> list[Path]:
        raise UsageError("connect to Maven Central once")

    with pytest.raises(UsageError, match="connect to Maven Central once"):
        find_jars(COORDINATES, ask=offline)
    with pytest.raises(UsageError, match="Maven Central gave no file"):
        find_jars(COORDINATES, ask=lambda _: [])
    assert not list((tmp_path / "cache").rglob("*.json"))
