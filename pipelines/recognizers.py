"""Models of names as a further layer of the redactor: Presidio with its language model, or one in a folder.

    recognizer_of("presidio")      # with spaCy's model that is Presidio's default and has to be installed
    recognizer_of("models/names")  # token classification in Hugging Face's form, from the folder alone

Both find what nothing announces: names in running text. They run on the CPU of the executors, slower than all
patterns together by orders of magnitude, and are not asked for structured identifiers, which the patterns
find better. Of a folder only safetensors are read, and no code.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pipelines.identifiers import Identifier
from pipelines.redact import Recognizer
from schemas.errors import UsageError

__all__ = ["PRESIDIO", "recognizer_of", "recognizer_version"]

PRESIDIO: Final = "presidio"
MIN_SCORE: Final = 0.5
_KINDS: Final = {
    **dict.fromkeys(("PERSON", "PER", "GIVENNAME", "SURNAME", "NAME"), "name"),
    **dict.fromkeys(("ADDRESS", "STREET", "STREET_ADDRESS"), "address"),
}
"""Labels of the usual models, without the `B-` and `I-`. What is not here stays: a city is no person."""
_NEEDED: Final = "is not installed on this machine or its executors; run `{}`, or leave --recognizer out."

Found = tuple[int, int, str, float]
"""Start, end, label and score of what a model found."""


@functools.lru_cache(maxsize=2)
def recognizer_of(spec: str) -> Recognizer | None:
    """The model that is meant by `presidio`, by a folder, or none by an empty text; once a process.

    Raises:
        UsageError: where a package is missing, or the folder holds no such model.
    """
    if not spec:
        return None
    return _Recognizer(_presidio() if spec == PRESIDIO else _folder(spec))


@functools.lru_cache(maxsize=2)
def recognizer_version(spec: str) -> str:
    """What tells one model's rows from another's: its name, and the digest of its settings; "" for none.

    Raises:
        UsageError: where the folder holds no model.
    """
    if spec in ("", PRESIDIO):
        return spec
    try:
        settings = Path(spec, "config.json").read_bytes()
    except OSError as error:
        raise UsageError(f"{spec} is no folder of a model: {error}") from error
    sizes = sorted((path.name, path.stat().st_size) for path in Path(spec).iterdir() if path.is_file())
    return f"model-{hashlib.blake2b(settings + repr(sizes).encode(), digest_size=6).hexdigest()}"


class _Recognizer:
    """Finds of a model as identifiers."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def find(self, text: str) -> Sequence[Identifier]:
        return tuple(_identifiers(text, self._model(text)))


def _identifiers(text: str, found: Iterable[Found]) -> Iterator[Identifier]:
    """In order and apart; neighbours of one kind are one, as `Ann` and `Lee` are."""
    last: Identifier | None = None
    for start, end, label, score in sorted(found):
        kind = _KINDS.get(label.upper().removeprefix("B-").removeprefix("I-"))
        if kind is None or score < MIN_SCORE or not text[start:end].strip():
            continue
        if last is not None and start < last.end:
            continue
        if last is not None and last.kind == kind and not text[last.end : start].strip():
            last = _identifier(text, last.start, end, kind)
            continue
        if last is not None:
            yield last
        last = _identifier(text, start, end, kind)
    if last is not None:
        yield last


def _identifier(text: str, start: int, end: int, kind: str) -> Identifier:
    return Identifier(start, end, kind, " ".join(text[start:end].casefold().split()))


def _presidio() -> Any:
    try:
        from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]
    except ImportError:
        raise UsageError(f"Presidio {_NEEDED.format('pip install presidio-analyzer')}") from None
    engine = AnalyzerEngine()

    def find(text: str) -> list[Found]:
        results = engine.analyze(text=text, language="en", entities=["PERSON"])
        return [(one.start, one.end, one.entity_type, one.score) for one in results]

    return find


def _folder(folder: str) -> Any:
    recognizer_version(folder)
    try:
        from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline
    except ImportError:
        raise UsageError(f"transformers {_NEEDED.format('uv sync --extra train')}") from None
    try:
        model, told = AutoModelForTokenClassification.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        if told["missing_keys"]:  # transformers fills them in by chance
            raise ValueError(f"{len(told['missing_keys'])} weights are missing")
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no model of token classification: {error}") from error
    tagged: Any = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")

    def find(text: str) -> list[Found]:
        return [(one["start"], one["end"], one["entity"], float(one["score"])) for one in tagged(text)]

    return find
