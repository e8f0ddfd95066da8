from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.records import SUFFIXES
from pipelines.storage import Inputs, bytes_below, find_inputs, open_file
from schemas.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "a.flow",
        "b.json",
        "deep/er/c.jsonl",
        "deep/d.jsonl.gz",
        "deep/notes.md",
        ".hidden/e.flow",
        "_truth.json",
        "deep/_parts/f.jsonl",
        "g [1].flow",
    ):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "in"


def names(found: Inputs, folder: Path) -> list[str]:
    return [file.uri.removeprefix(f"{folder}/") for file in found.files]


def test_a_folder_gives_its_files_at_any_depth_and_counts_the_others(folder: Path) -> None:
    found = find_inputs([str(folder)], SUFFIXES)
    assert names(found, folder) == ["a.flow", "b.json", "deep/d.jsonl.gz", "deep/er/c.jsonl", "g [1].flow"]
    assert found.num_skipped == 4
    assert found.num_bytes == sum(len(name) for name in names(found, folder))


def test_a_file_that_is_named_twice_is_there_once_in_any_order(folder: Path) -> None:
    both = [str(folder / "b.json"), str(folder), str(folder / "a.flow")]
    assert (
        find_inputs(both, SUFFIXES)
        == find_inputs(both[::-1], SUFFIXES)
        == find_inputs([str(folder)], SUFFIXES)
    )


def test_a_hidden_file_that_is_named_is_read(folder: Path) -> None:
    assert names(find_inputs([str(folder / "_truth.json")], SUFFIXES), folder) == ["_truth.json"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.flow", ["a.flow", "g [1].flow"]),
        ("?.*", ["a.flow", "b.json"]),
        ("[!a].json", ["b.json"]),
        ("**/*.jsonl*", ["deep/d.jsonl.gz", "deep/er/c.jsonl"]),
        ("de*", ["deep/d.jsonl.gz", "deep/er/c.jsonl"]),
        ("*/er/*.jsonl", ["deep/er/c.jsonl"]),
        ("g [1].flow", ["g [1].flow"]),
    ],
)
def test_a_glob_gives_what_it_matches(folder: Path, pattern: str, expected: list[str]) -> None:
    assert names(find_inputs([f"{folder}/{pattern}"], SUFFIXES), folder) == expected


def test_a_uri_names_the_same_files_and_they_open(folder: Path) -> None:
    found = find_inputs([f"file://{folder}/deep", f"file://{folder}/*.flow"], SUFFIXES)
    assert all(file.uri.startswith("file:///") for file in found.files)
    assert len(found.files) == 4
    for file in found.files:
        with open_file(file.uri) as stream:
            assert len(stream.read()) == file.num_bytes


def test_a_relative_path_becomes_an_absolute_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert find_inputs(["a.flow"], SUFFIXES) == find_inputs([str(folder / "a.flow")], SUFFIXES)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("gone.flow", "no such file or folder: {0}/gone.flow."),
        ("gone/*.flow", "no such file or folder: {0}/gone/*.flow."),
        ("*.nothing", "no file matches {0}/*.nothing."),
        ("deep/notes.md", "{0}/deep/notes.md does not end in .flow, .json, .jsonl, .jsonl.gz or .jsonl.zst."),
        (
            ".hidden",
            "no file to read in {0}/.hidden: give files that end in"
            " .flow, .json, .jsonl, .jsonl.gz or .jsonl.zst.",
        ),
    ],
)
def test_what_is_not_there_is_one_sentence(folder: Path, given: str, sentence: str) -> None:
    (folder / ".hidden/e.flow").unlink()
    with pytest.raises(UsageError) as caught:
        find_inputs([f"{folder}/{given}"], SUFFIXES)
    assert str(caught.value) == sentence.format(folder)


def test_a_kind_of_uri_that_nothing_reads_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"^cannot read gopher://host/x: .*[^.]\.$"):
        find_inputs(["gopher://host/x"], SUFFIXES)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads everything")
def test_a_file_without_permission_is_one_sentence(folder: Path) -> None:
    (folder / "deep").chmod(0)
    try:
        with pytest.raises(UsageError, match="cannot read"):
            find_inputs([str(folder)], SUFFIXES)
    finally:
        (folder / "deep").chmod(0o755)


def test_the_size_of_a_folder_is_the_sum_of_its_files(folder: Path) -> None:
    everything = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert bytes_below(str(folder)) == bytes_below(f"file://{folder}") == everything > 0
    assert bytes_below(str(folder / "gone")) == 0
