"""A folder is served only where everything that its model learned under is what is here."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from schemas.chat import render_fingerprints
from schemas.errors import UsageError
from schemas.tools import CONTRACT
from serving.checkpoint import open_checkpoint
from tests.schemas.conversations import tiny_tokenizer, tokenizer_json
from tests.serving.tiny import write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All that is read before the weights."""
    (tmp_path / "tokenizer.json").write_bytes(tokenizer_json())
    (tmp_path / "contract.json").write_text(CONTRACT.to_json(), encoding="utf-8")
    (tmp_path / "weights").write_bytes(b"0123")
    write_manifest(tmp_path)
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        open_checkpoint(folder)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def test_a_checkpoint_of_this_house_is_opened(folder: Path) -> None:
    opened = open_checkpoint(folder)
    assert opened.tokenizer.fingerprint == tiny_tokenizer().fingerprint
    assert opened.folder == folder


def test_the_name_is_that_of_the_manifest(folder: Path) -> None:
    name = open_checkpoint(folder).name
    (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes() + b"\n")
    assert open_checkpoint(folder).name != name


@pytest.mark.parametrize("field", render_fingerprints(CONTRACT, tiny_tokenizer()))
def test_a_foreign_fingerprint_is_refused_by_its_name(folder: Path, field: str) -> None:
    write_manifest(folder, **{field: "f" * 64})
    assert f"was trained for another {field}: ffffffffffff in its manifest, " in refusal(folder)


def test_a_contract_that_changed_here_is_refused_by_the_part_that_changed(folder: Path) -> None:
    other = dataclasses.replace(CONTRACT, system_prompt="Be brief.", tools=CONTRACT.tools[::-1])
    with pytest.raises(UsageError, match=r"another contract \(system_prompt, tools.order\): "):
        open_checkpoint(folder, other)
    (folder / "contract.json").unlink()
    with pytest.raises(UsageError, match="another contract: "):
        open_checkpoint(folder, other)


def test_a_changed_byte_and_a_missing_file_are_refused_by_name(folder: Path) -> None:
    (folder / "weights").write_bytes(b"0124")
    assert "weights is not the file that the manifest names" in refusal(folder)
    (folder / "weights").unlink()
    assert "weights is not the file that the manifest names" in refusal(folder)


def test_a_tokenizer_that_changed_after_training_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(tokenizer_json() + b"\n")
    assert "was trained for another tokenizer: " in refusal(folder)


@pytest.mark.parametrize("field", render_fingerprints(CONTRACT, tiny_tokenizer()))
def test_a_fingerprint_that_is_not_there_is_no_consent(folder: Path, field: str) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace(f'"{field}"', '"other"'))
    assert f"another {field}: missing in its manifest" in refusal(folder)


def test_a_folder_without_a_manifest_is_half_written(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    assert "has no manifest.json (missing): it was not written to its end." in refusal(folder)


def test_a_folder_without_a_tokenizer_is_no_checkpoint(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer.json (missing)" in refusal(folder)


def test_no_folder_is_no_checkpoint(tmp_path: Path) -> None:
    assert "there is no checkpoint: " in refusal(tmp_path / "nothing")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"fingerprints": 7}',
        b'{"fingerprints": ["contract"]}',
        b"\xff",
        b'{"fingerprints": {}}',
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    assert f"the manifest of {folder} cannot be read: " in refusal(folder)
