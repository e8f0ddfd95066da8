"""A checkpoint is whole or not there: transformers loads it, its manifest is true, damage is refused."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from jobs import train_model
from schemas.chat import render, render_fingerprints
from schemas.errors import UsageError
from schemas.shards import content_sha256
from schemas.tools import CONTRACT, Contract
from tests.schemas.conversations import CONVERSATIONS
from tests.training.shard_sets import rows, short, small, tokenizer, tokenizer_bytes, write_set
from training import runs
from training.export import read_checkpoint_manifest
from training.loop import Trained, train
from training.recipes import Recipe


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with shards, a tokenizer and the checkpoint `out`."""
    folder = tmp_path_factory.mktemp("export")
    write_set(folder / "shards", rows(short(), hollow=True))
    (folder / "tokenizer.json").write_bytes(tokenizer_bytes())
    run_small(folder, folder / "out")
    return folder


KEPT: list[Trained] = []


def run_small(folder: Path, output: Path, recipe: Recipe | None = None, *, track: bool = False) -> dict:
    def kept(*given, **named):  # type: ignore[no-untyped-def]
        KEPT.append(train(*given, **named))
        return KEPT[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "train", kept)
        return runs.train_checkpoint(
            recipe or small(steps=2),
            shards=folder / "shards",
            tokenizer=folder / "tokenizer.json",
            output=output,
            track=track,
            advance=lambda: None,
        )


def test_transformers_loads_the_same_model(made: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(made / "out")
    ids = torch.tensor([rows(short())[0]["ids"][-40:]])
    with torch.no_grad():
        assert torch.equal(model(ids).logits, KEPT[0].model(ids).logits)
    assert model.config.eos_token_id == tokenizer().control["<|im_end|>"]
    assert model.generation_config.eos_token_id == tokenizer().control["<|im_end|>"]


def test_transformers_loads_the_same_tokenizer_and_template(made: Path) -> None:
    loaded = AutoTokenizer.from_pretrained(made / "out")
    messages = CONVERSATIONS["whole_trajectory"]
    system = {"role": "system", "content": CONTRACT.system_prompt}
    text = loaded.apply_chat_template([system, *messages], tools=CONTRACT.openai(), tokenize=False)
    whole = render(messages, CONTRACT, tokenizer())
    assert text == whole.text
    assert loaded(text, add_special_tokens=False)["input_ids"] == whole.ids
    assert (loaded.eos_token, loaded.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert (made / "out/tokenizer.json").read_bytes() == tokenizer_bytes()


def test_the_manifest_says_what_the_checkpoint_was_made_from(made: Path) -> None:
    manifest = read_checkpoint_manifest(made / "out")
    shards = json.loads((made / "shards/manifest.json").read_text())["shards"]
    assert manifest["fingerprints"] == render_fingerprints(CONTRACT, tokenizer())
    assert manifest["shards"]["content_sha256"] == content_sha256(shards)
    assert manifest["shards"]["seed"] == 3
    assert manifest["shards"]["num_rows"] == 10
    assert manifest["recipe"] == asdict(small(steps=2))
    assert manifest["num_steps"] == 2
    assert manifest["final_loss"] == KEPT[0].steps[-1].loss
    assert manifest["num_weights"] == sum(weight.numel() for weight in KEPT[0].model.parameters())
    assert manifest["cursor"] == {"seed": 0, "epoch": 0, "position": 8}
    there = {path.name for path in (made / "out").iterdir()}
    assert {file["path"] for file in manifest["files"]} == there - {"manifest.json"}
    assert Contract.from_json((made / "out/contract.json").read_text()) == CONTRACT
    logged = [json.loads(line) for line in (made / "out/steps.jsonl").read_text().splitlines()]
    assert logged == [asdict(step) for step in KEPT[0].steps]
    assert all(path.stat().st_mode & 0o044 for path in (made / "out").iterdir())


def test_half_a_checkpoint_is_refused(made: Path, tmp_path: Path) -> None:
    run_small(made, tmp_path / "out")
    weights = tmp_path / "out/model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    with pytest.raises(UsageError, match=r"model\.safetensors is not the file"):
        read_checkpoint_manifest(tmp_path / "out")
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UsageError, match=r"model\.safetensors is not the file"):
        read_checkpoint_manifest(tmp_path / "out")
    weights.write_bytes(content)
    read_checkpoint_manifest(tmp_path / "out")
    manifest = tmp_path / "out/manifest.json"
    manifest.write_text(manifest.read_text()[:-20])
    with pytest.raises(UsageError, match="no manifest of a checkpoint"):
        read_checkpoint_manifest(tmp_path / "out")
    manifest.write_text('{"files": []}')
    with pytest.raises(UsageError, match="no manifest of a checkpoint: it lacks"):
        read_checkpoint_manifest(tmp_path / "out")
    manifest.unlink()
    with pytest.raises(UsageError, match=r"no finished checkpoint: it has no manifest\.json"):
        read_checkpoint_manifest(tmp_path / "out")


def test_a_run_that_is_there_is_not_made_again_and_another_is_refused(made: Path) -> None:
    runs_before = len(KEPT)
    stamp = (made / "out/manifest.json").stat().st_mtime_ns
    told = run_small(made, made / "out")
    assert (told["steps"], told["loss"]) == (2, KEPT[0].steps[-1].loss)
    assert len(KEPT) == runs_before
    assert (made / "out/manifest.json").stat().st_mtime_ns == stamp
    with pytest.raises(UsageError, match="holds a checkpoint of another recipe"):
        run_small(made, made / "out", small(steps=3))


def test_a_kill_while_writing_leaves_nothing_under_the_name(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, value: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.export._write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        run_small(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    run_small(made, tmp_path / "out")
    assert read_checkpoint_manifest(tmp_path / "out") == read_checkpoint_manifest(made / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mlflow's own use of sqlalchemy
def test_a_run_is_tracked_on_this_machine(made: Path, tmp_path: Path) -> None:
    told = run_small(made, tmp_path / "out", track=True)
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        logged = store.execute("select step, value from metrics where key = 'loss' order by step").fetchall()
        status = store.execute("select status from runs").fetchall()
        recipe = store.execute("select value from params where key = 'name'").fetchall()
    store.close()
    assert logged == [(step.step, step.loss) for step in KEPT[-1].steps]
    assert logged[-1][1] == told["loss"]
    assert (status, recipe) == ([("FINISHED",)], [("tiny_cpu",)])


def test_without_mlflow_a_sentence_says_how_to_go_on(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(UsageError, match="--no-track"):
        run_small(made, tmp_path / "out", track=True)


def test_the_job_trains_and_says_what_it_did(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    flags = ["--shards", str(made / "shards"), "--tokenizer", str(made / "tokenizer.json")]
    assert train_model.main([*flags, "--output", str(output), "--steps", "1", "--no-track"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("train_model recipe=tiny_cpu rows=10 too_long=0 steps=1 loss=6.")
    assert read_checkpoint_manifest(output)["recipe"]["steps"] == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--recipe", "huge"], "no recipe 'huge'"),
        (["--steps", "0"], "--steps must be at least 1"),
        (["--tokenizer", "nowhere.json"], "no tokenizer nowhere.json"),
        (["--shards", "nowhere"], "nowhere has no manifest.json"),
    ],
)
def test_the_job_refuses_in_a_sentence(
    made: Path, tmp_path: Path, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = ["--shards", str(made / "shards"), "--tokenizer", str(made / "tokenizer.json")]
    assert train_model.main([*usual, "--output", str(tmp_path / "out"), "--no-track", *flags]) == 2
    assert said in capsys.readouterr().err
