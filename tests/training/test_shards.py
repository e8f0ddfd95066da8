"""Reading shards: every byte, count and fingerprint is looked at before a token is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import UsageError
from tests.schemas.conversations import CONVERSATIONS
from tests.training.shard_sets import SCHEMA, rows, short, view_of, write_set


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "shards", rows(short()))


def test_a_view_holds_the_rows_of_the_shards_in_their_order(folder: Path) -> None:
    view = view_of(folder)
    made = rows(short())
    in_order = made[0::2] + made[1::2]
    assert len(view) == len(made)
    for number, row in enumerate(in_order):
        ids, mask = view.row(number)
        assert ids.tolist() == row["ids"]
        assert mask.tolist() == row["mask"]
        assert view.num_supervised[number] == sum(row["mask"])
    assert view.seed == 3
    assert view.too_long == ()


def test_a_view_is_built_once_and_mended_where_it_was_damaged(folder: Path) -> None:
    first = view_of(folder)
    (built,) = folder.glob(".view-*")
    stamp = (built / "ids.bin").stat().st_ino
    assert view_of(folder).content_sha256 == first.content_sha256
    assert (built / "ids.bin").stat().st_ino == stamp
    content = first.ids.tobytes()
    (built / "ids.bin").write_bytes(b"\0" + content[1:])
    assert view_of(folder).ids.tobytes() == content
    (built / "view.json").unlink()
    assert view_of(folder).ids.tobytes() == content
    assert [path.name for path in folder.glob(".view-*")] == [built.name]


def test_the_view_depends_on_the_bytes_and_the_length(folder: Path, tmp_path: Path) -> None:
    other = write_set(tmp_path / "other", rows(list(CONVERSATIONS.values())))
    assert view_of(folder).content_sha256 != view_of(other).content_sha256
    view_of(folder, length=5000)
    assert len(list(folder.glob(".view-*"))) == 2


def test_a_row_that_is_too_long_is_named_and_never_cut(tmp_path: Path) -> None:
    made = rows(short(), hollow=True)
    lengths = sorted(len(row["ids"]) for row in made)
    view = view_of(write_set(tmp_path / "s", made), length=lengths[6])
    kept = [row for row in made if len(row["ids"]) <= lengths[6]]
    assert sorted(view.too_long) == sorted(row["record_id"] for row in made if row not in kept)
    assert view.too_long
    assert len(view) == len(kept)
    assert len(view.ids) == sum(len(row["ids"]) for row in kept)
    with pytest.raises(UsageError, match=r"No row .* longer than 3 tokens"):
        view_of(tmp_path / "s", length=3)


def test_a_changed_byte_is_refused_with_the_name_of_the_file(folder: Path) -> None:
    view_of(folder)
    path = folder / "data/train-00001-of-00002.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(UsageError, match=r"train-00001-of-00002\.parquet is not the file"):
        view_of(folder)
    path.unlink()
    with pytest.raises(UsageError, match=r"train-00001-of-00002\.parquet is missing"):
        view_of(folder)


@pytest.mark.parametrize("name", ["contract", "chat_template", "tokenizer"])
def test_a_foreign_fingerprint_is_refused_by_name(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match=rf": {name} is [0-9a-f]{{12}} there and cafe here\. ") as refused:
        view_of(folder, **{name: "cafe"})
    assert str(refused.value).count(" is ") == 1


def test_a_fingerprint_that_the_shards_lack_is_refused_too(folder: Path) -> None:
    with pytest.raises(UsageError, match="kernel is None there"):
        view_of(folder, kernel="cafe")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_rows": 11}, "do not agree"),
        ({"shards": [{"path": "../../secret", "sha256": "a", "num_rows": 10}]}, "do not agree"),
        ({"shards": 7}, "no manifest of shards"),
        ({"fingerprints": None}, "no manifest of shards"),
        ({"fingerprints": {"contract": 7}}, "do not agree"),
        ({"seed": "x"}, "do not agree"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    folder = write_set(tmp_path / "s", rows(short()), **changes)
    with pytest.raises(UsageError, match=said):
        view_of(folder)


def test_a_set_that_was_not_finished_is_refused(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text[:-9])
    with pytest.raises(UsageError, match="no manifest of shards"):
        view_of(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(UsageError, match=r"has no manifest\.json"):
        view_of(folder)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"ids": [1, 2], "mask": [1]}, "do not fit each other"),
        ({"ids": None, "mask": [1]}, "do not fit each other"),
        ({"ids": [1, None], "mask": [0, 1]}, "do not fit each other"),
        ({"ids": [1, 700], "mask": [0, 1]}, "lacks"),
        ({"ids": [-1, 7], "mask": [0, 1]}, "lacks"),
        ({"ids": [1, 2], "mask": [0, 2]}, "more than zeros and ones"),
        ({"ids": [1, 2], "mask": [1, 0]}, "nothing that the assistant wrote"),
        ({"ids": [], "mask": []}, "nothing that the assistant wrote"),
    ],
)
def test_a_row_that_is_none_is_refused_by_its_name(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    made = [*rows(short()), {"record_id": "the bad one", **row}]
    with pytest.raises(UsageError, match=f"record the bad one has .*{said}"):
        view_of(write_set(tmp_path / "s", made))


def test_shards_of_another_format_are_refused_by_its_name(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", rows(short()), format="workflow_shards_v1")
    with pytest.raises(UsageError, match="holds workflow_shards_v1, and only conversation_shards_v1 can be"):
        view_of(folder)


def test_a_file_without_tokens_holds_no_conversations(tmp_path: Path) -> None:
    schema = pa.schema([("record_id", pa.string()), ("python", pa.string())])
    folder = write_set(tmp_path / "s", [{"record_id": "a", "python": "x"}], files=1, schema=schema)
    with pytest.raises(UsageError, match="holds no conversations"):
        view_of(folder)


def test_a_count_that_is_wrong_in_one_file_is_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "s", rows(short()))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0]["num_rows"] -= 1
    manifest["shards"][1]["num_rows"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="has 5 rows, the manifest says 4"):
        view_of(folder)


def test_fractions_are_no_tokens(tmp_path: Path) -> None:
    schema = SCHEMA.set(1, pa.field("ids", pa.list_(pa.float64())))
    row = {"record_id": "a", "ids": [1.5, 2.0], "mask": [0, 1]}
    with pytest.raises(UsageError, match="holds no conversations"):
        view_of(write_set(tmp_path / "s", [row], files=1, schema=schema))
