"""A trained model as a Hugging Face folder with a manifest; it is whole under its name or not there.

`from_pretrained` loads it. `manifest.json` says what it was made from and what every file holds,
`contract.json` is the tool contract, `steps.jsonl` the run. All is written under a temporary name, the
manifest last.
Not here yet: shards of weights gathered one at a time, as a model needs that fills a machine's memory.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypedDict, cast

import torch
import transformers

from schemas.errors import BadRecord, UsageError
from schemas.shards import MANIFEST
from schemas.tools import Contract
from schemas.workflow.jsontext import read_json
from training.loop import Trained
from training.recipes import Recipe
from training.shards import TokenView
from training.tokenizer import END, PAD

__all__ = [
    "CheckpointManifest",
    "find_checkpoint",
    "made_from",
    "read_checkpoint_manifest",
    "tokenizer_config",
    "write_checkpoint",
]

FORMAT: Final = "checkpoint_v1"
MAX_MANIFEST: Final = 64 << 20

_logging: Any = transformers.utils.logging


class CheckpointFile(TypedDict):
    """One file of a checkpoint."""

    path: str
    sha256: str
    num_bytes: int


class CheckpointManifest(TypedDict):
    """What a checkpoint is and what it was made from."""

    made_from: dict[str, Any]
    """Format, fingerprints, shards, their order and the recipe: the same again is the same checkpoint."""
    fingerprints: dict[str, str]
    shards: dict[str, Any]
    recipe: dict[str, Any]
    num_steps: int
    num_ranks: int
    num_weights: int
    final_loss: float
    cursor: dict[str, int]
    versions: dict[str, str]
    files: list[CheckpointFile]


def made_from(recipe: Recipe, view: TokenView, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    """Everything that a checkpoint depends on, besides the machine."""
    return {
        "format": FORMAT,
        "fingerprints": dict(fingerprints),
        "shards": view.content_sha256,
        "recipe": asdict(recipe),
    }


def find_checkpoint(folder: Path, wanted: Mapping[str, Any]) -> CheckpointManifest | None:
    """The manifest of a whole checkpoint made from `wanted`; None where `folder` is free.

    Raises:
        UsageError: where something else is there.
    """
    if not folder.exists():
        return None
    manifest = read_checkpoint_manifest(folder)
    if manifest["made_from"] != wanted:
        differing = sorted(key for key in wanted if manifest["made_from"].get(key) != wanted[key])
        raise UsageError(
            f"{folder} holds a checkpoint of another {', '.join(differing)}; give another folder."
        )
    return manifest


def write_checkpoint(
    folder: Path,
    trained: Trained,
    recipe: Recipe,
    view: TokenView,
    *,
    contract: Contract,
    tokenizer_json: bytes,
    fingerprints: Mapping[str, str],
) -> CheckpointManifest:
    """Write the checkpoint. Only the main rank calls this."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _logging.disable_progress_bar()  # a run has one of its own
    trained.model.to(getattr(torch, recipe.dtype)).save_pretrained(part)
    (part / "tokenizer.json").write_bytes(tokenizer_json)
    (part / "contract.json").write_text(contract.to_json(), encoding="utf-8")
    steps = "".join(json.dumps(asdict(step)) + "\n" for step in trained.steps)
    (part / "steps.jsonl").write_text(steps, encoding="utf-8")
    _write_json(part / "tokenizer_config.json", tokenizer_config(recipe.length))
    paths = sorted(part.iterdir())
    for path in paths:
        path.chmod(0o644)  # safetensors makes files that nobody else can read, such as a server
    manifest = CheckpointManifest(
        made_from=made_from(recipe, view, fingerprints),
        fingerprints=dict(fingerprints),
        shards={
            "content_sha256": view.content_sha256,
            "seed": view.seed,
            "num_rows": len(view),
            "num_too_long": len(view.too_long),
            "too_long": list(view.too_long[:20]),
        },
        recipe=asdict(recipe),
        num_steps=len(trained.steps),
        num_ranks=trained.num_ranks,
        num_weights=sum(weight.numel() for weight in trained.model.parameters()),
        final_loss=trained.steps[-1].loss,
        cursor=asdict(trained.cursor),
        versions={name: version(name) for name in ("torch", "transformers", "accelerate")},
        files=[
            CheckpointFile(path=path.name, sha256=_sha256(path), num_bytes=path.stat().st_size)
            for path in paths
        ],
    )
    _write_json(part / MANIFEST, manifest)
    part.rename(folder)
    return manifest


def read_checkpoint_manifest(folder: Path) -> CheckpointManifest:
    """The manifest of a whole checkpoint, every file of it looked at.

    Raises:
        UsageError: where there is none, or a file is not what the manifest says.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UsageError(f"{folder} is no finished checkpoint: it has no {MANIFEST}. Train it again.")
    try:
        manifest = cast("CheckpointManifest", read_json(path.read_text("utf-8"), limit=MAX_MANIFEST))
        missing = CheckpointManifest.__required_keys__ - manifest.keys()
        listed = {Path(file["path"]).name: file["sha256"] for file in manifest["files"]}
    except (BadRecord, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is no manifest of a checkpoint: {str(error)[:200]}.") from None
    if missing or not any(name.endswith(".safetensors") for name in listed):
        raise UsageError(f"{path} is no manifest of a checkpoint: it lacks {sorted(missing) or 'weights'}.")
    for name, sha256 in listed.items():
        if not (folder / name).is_file() or _sha256(folder / name) != sha256:
            raise UsageError(f"{folder / name} is not the file that the manifest names; train again.")
    return manifest


def tokenizer_config(length: int) -> dict[str, Any]:
    """What `AutoTokenizer` needs beside `tokenizer.json`, whose bytes stay those of the shards."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": PAD,
        "model_max_length": length,
        "clean_up_tokenization_spaces": False,
        "chat_template": files("schemas").joinpath("qwen3.jinja").read_text(encoding="utf-8"),
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
