"""What production told its model lies beside what it recorded, whole and once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import UsageError
from schemas.tools import CONTRACT, Contract, diff
from serving.contract_files import CONTRACT_SUFFIX, keep_contract
from serving.recorder import Recorder


def test_a_recorder_leaves_the_contract_that_it_records_under(tmp_path: Path) -> None:
    other = replace(CONTRACT, system_prompt="Answer in one word.")
    recorder = Recorder(tmp_path, model="m", contract=other)
    event = recorder.begin("shop-1").append("message", {"role": "user", "content": "Hello"})
    recorder.close()
    (kept,) = tmp_path.glob(f"*{CONTRACT_SUFFIX}")
    assert kept.name == f"{event.contract}{CONTRACT_SUFFIX}"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == event.contract
    assert diff(Contract.from_json(kept.read_text()), CONTRACT) == ["system_prompt"]


def test_a_contract_that_is_there_is_left_alone(tmp_path: Path) -> None:
    kept = keep_contract(tmp_path, CONTRACT)
    before = kept.stat()
    assert keep_contract(tmp_path, CONTRACT) == kept
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


def test_two_contracts_are_two_files(tmp_path: Path) -> None:
    for contract in (CONTRACT, replace(CONTRACT, version="contract_v0")):
        Recorder(tmp_path, model="m", contract=contract).close()
    assert len(list(tmp_path.glob(f"*{CONTRACT_SUFFIX}"))) == 2


def test_a_write_that_fails_leaves_no_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match=r"cannot record in .*: no space left on device"):
        keep_contract(tmp_path, CONTRACT)
    assert list(tmp_path.iterdir()) == []
