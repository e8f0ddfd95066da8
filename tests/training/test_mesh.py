"""Two ranks by `accelerate launch`: one world that trains as one process does, or no run at all."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate import PartialState

from jobs import train_model
from schemas.errors import BrokenLaw, UsageError
from tests.training.shard_sets import rows, short, small, tokenizer, tokenizer_bytes, view_of, write_set
from training.loop import train
from training.mesh import require_mesh, require_world

ROOT = Path(__file__).parents[2]
CONFIG = str(files("training").joinpath("accelerate_fsdp2_cpu.yaml"))

# Both runs in one launch, which is most of a minute of imports: first as Accelerate is, then as we are.
SCRIPT = """
import sys
from accelerate.state import AcceleratorState
from jobs.train_model import main
import training.loop
from training.mesh import form_cpu_mesh

*flags, output = sys.argv[1:]
training.loop.form_cpu_mesh = lambda: None
print("without:", main([*flags, "--output", f"{output}-without"]), flush=True)
AcceleratorState._reset_state(reset_partial_state=True)
training.loop.form_cpu_mesh = form_cpu_mesh
sys.exit(main([*flags, "--output", output]))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mesh")
    write_set(folder / "shards", rows(short(), hollow=True))
    (folder / "tokenizer.json").write_bytes(tokenizer_bytes())
    return folder


def flags(made: Path) -> list[str]:
    usual = ["--shards", str(made / "shards"), "--tokenizer", str(made / "tokenizer.json")]
    return [*usual, "--steps", "3", "--no-track"]


@pytest.fixture(scope="module")
def launched(made: Path) -> subprocess.CompletedProcess[str]:
    """Two ranks that write `two`, after they tried `two-without`."""
    (made / "script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--config_file", CONFIG]
    return subprocess.run(
        [*command, str(made / "script.py"), *flags(made), str(made / "two")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def logged(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / "steps.jsonl").read_text().splitlines()]


def test_ranks_that_form_no_world_are_stopped(made: Path, launched: subprocess.CompletedProcess[str]) -> None:
    assert launched.stdout.count("without: 70") == 2
    assert launched.stderr.count("2 processes were launched and each sees 1") == 2
    assert not (made / "two-without").exists()


def test_two_ranks_train_as_one_process(made: Path, launched: subprocess.CompletedProcess[str]) -> None:
    assert launched.returncode == 0, launched.stderr
    assert launched.stdout.count("ranks=2") == 2
    assert train_model.main([*flags(made), "--output", str(made / "one")]) == 0
    one, two = logged(made / "one"), logged(made / "two")
    assert len(two) == 3
    assert [step["loss"] for step in two] == pytest.approx([step["loss"] for step in one], abs=1e-5)
    for key in ("grad_norm", "learning_rate", "num_tokens", "num_supervised"):
        assert [step[key] for step in two] == pytest.approx([step[key] for step in one], rel=1e-5), key
    manifests = [json.loads((made / name / "manifest.json").read_text()) for name in ("one", "two")]
    assert manifests[0]["made_from"] == manifests[1]["made_from"]
    assert [manifest["num_ranks"] for manifest in manifests] == [1, 2]


def test_the_private_method_that_is_replaced_is_still_the_one() -> None:
    parameters = inspect.signature(PartialState._prepare_backend).parameters
    assert list(parameters) == ["self", "cpu", "sagemaker_dp", "backend"]
    assert "self._prepare_backend(" in inspect.getsource(PartialState.__init__)


def test_the_proof_needs_fsdp_and_every_weight_on_the_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    model = torch.nn.Linear(2, 2)
    alone = SimpleNamespace(num_processes=1, is_fsdp2=True, distributed_type="FSDP")
    with pytest.raises(BrokenLaw, match="train alone"):
        require_world(alone)
    with pytest.raises(BrokenLaw, match="train alone"):
        require_mesh(alone, model)
    with pytest.raises(BrokenLaw, match="MULTI_CPU, which is not FSDP2"):
        require_mesh(SimpleNamespace(num_processes=2, is_fsdp2=False, distributed_type="MULTI_CPU"), model)
    with pytest.raises(BrokenLaw, match="weight weight is not spread over 2 ranks"):
        require_mesh(SimpleNamespace(num_processes=2, is_fsdp2=True), model)
    monkeypatch.setenv("WORLD_SIZE", "1")
    require_mesh(alone, model)


def test_a_batch_that_cannot_be_shared_is_refused(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = SimpleNamespace(num_processes=3)
    monkeypatch.setattr("training.loop.Accelerator", lambda: world)
    monkeypatch.setattr("training.loop.require_world", lambda accelerator: None)
    with pytest.raises(UsageError, match="batch of 4 cannot be shared among 3 ranks"):
        train(small(), view_of(made / "shards"), tokenizer())
