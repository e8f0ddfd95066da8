"""Train a byte-level BPE with Qwen3's control tokens: the same texts give the same bytes, in any order.

Not here yet: anything but Qwen3's pre-tokenizer, and a normalizer, which would change what a person typed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers

from schemas.errors import UsageError
from schemas.tokens import JsonTokenizer

__all__ = [
    "CONTROL_TOKENS",
    "END",
    "PAD",
    "end_and_pad",
    "read_tokenizer",
    "train_tokenizer",
    "write_tokenizer",
]

PAD: Final = "<|endoftext|>"
END: Final = "<|im_end|>"
CONTROL_TOKENS: Final = (
    *(PAD, "<|im_start|>", END),
    *("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"),
)
"""Padding, then what the chat template writes. Padding is no end of turn: the latter is learned."""

_SPECIAL: Final = CONTROL_TOKENS[:3]
_BYTES: Final = pre_tokenizers.ByteLevel.alphabet()
_CONTROL: Final = re.compile("|".join(re.escape(token) for token in CONTROL_TOKENS))
_WORDS: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def train_tokenizer(texts: Iterable[str], *, num_tokens: int = 4096) -> bytes:
    """A `tokenizer.json` of at most `num_tokens` ids, learned from rendered conversations.

    Raises:
        UsageError: where there is no text, or no room for every byte and every control token.
    """
    room = num_tokens - len(CONTROL_TOKENS)
    if room < len(_BYTES):
        raise UsageError(
            f"{num_tokens} tokens are too few; give at least {len(_BYTES) + len(CONTROL_TOKENS)}."
        )
    tokenizer = tokenizers.Tokenizer(models.BPE())
    words = pre_tokenizers.Split(Regex(_WORDS), "isolated")
    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, in_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=room, min_frequency=2, initial_alphabet=sorted(_BYTES), show_progress=False
    )
    stretches = _Plain(texts)
    tokenizer.train_from_iterator(iter(stretches), trainer)
    if not stretches.num_texts:
        raise UsageError("There is no text to learn a tokenizer from; render some conversations first.")
    for token in CONTROL_TOKENS:
        tokenizer.add_tokens([AddedToken(token, normalized=False, special=token in _SPECIAL)])
    return tokenizer.to_str().encode() + b"\n"


def read_tokenizer(path: Path) -> bytes:
    """The bytes of a `tokenizer.json`. Raises UsageError where there is none."""
    if not path.is_file():
        raise UsageError(f"There is no tokenizer {path}; run train_tokenizer --output {path} first.")
    return path.read_bytes()


def write_tokenizer(path: Path, content: bytes) -> None:
    """Write the file at once: it is whole or not there. Raises UsageError where it cannot be written."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise UsageError(f"The tokenizer {path} cannot be written: {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def end_and_pad(tokenizer: JsonTokenizer) -> tuple[int, int]:
    """The id that ends a turn and the id of padding.

    Raises:
        UsageError: where the tokenizer lacks one of them, or they are one.
    """
    found = [tokenizer.control.get(token) for token in (END, PAD)]
    if None in found or found[0] == found[1]:
        raise UsageError(f"The tokenizer needs {END} and {PAD} as two tokens; take one of Qwen3's form.")
    return tokenizer.control[END], tokenizer.control[PAD]


class _Plain:
    """The texts without their control tokens, which would only teach merges that nothing uses."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self.num_texts = 0

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            self.num_texts += 1
            yield from filter(None, _CONTROL.split(text))
