"""Token ids for the renderer: plain text never becomes a control token, whatever a person types into it.

A `Tokenizer` is what `schemas/chat.py` needs; `JsonTokenizer` is one over the `tokenizers` package. Not here
yet: tokenizers whose control tokens swallow the spaces around them, which are refused.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import tokenizers

from schemas.errors import BadRecord, UsageError
from schemas.workflow.jsontext import compact, read_json

__all__ = ["JsonTokenizer", "Tokenizer"]

MAX_BYTES = 64 << 20
_REMEMBERED = 4096
_LONGEST = 16_384
"""Characters of the longest text that is remembered: every conversation has the same system prompt, and many
the same answers of tools."""


class Tokenizer(Protocol):
    """Text to ids, without any handling of control tokens, and the ids of those beside it."""

    @property
    def control(self) -> Mapping[str, int]:
        """Control token -> id: `<|im_end|>`, `<tool_call>` and the others never made from plain text."""

    @property
    def fingerprint(self) -> str:
        """Names the tokenizer in manifests."""

    def encode(self, text: str) -> list[int]:
        """The ids of plain text; a control token spelled in it is plain text too."""


class JsonTokenizer:
    """A `tokenizer.json` without its truncation, padding and post-processing: nothing is cut or added."""

    def __init__(self, content: bytes) -> None:
        """Raises UsageError where `content` is no tokenizer that can be used here."""
        try:
            table: dict[str, Any] = read_json(content.decode(), limit=MAX_BYTES)
            added: list[dict[str, Any]] = table["added_tokens"]
            self.control: Mapping[str, int] = {token["content"]: token["id"] for token in added}
            odd = [
                token["content"]
                for token in added
                if token["lstrip"] or token["rstrip"] or token["single_word"]
            ]
            plain = table | {"added_tokens": [], "truncation": None, "padding": None, "post_processor": None}
            self._plain = tokenizers.Tokenizer.from_str(compact(plain))
            whole = table | {"truncation": None, "padding": None}
            self._whole = tokenizers.Tokenizer.from_str(compact(whole))
        except Exception as error:  # noqa: BLE001  # the package raises bare Exception for a bad file
            raise UsageError(f"this is no tokenizer.json: {str(error)[:200]}.") from None
        if odd:
            raise UsageError(
                f"the control tokens {odd[:5]} of this tokenizer swallow the spaces around them."
            )
        self.fingerprint = hashlib.sha256(content).hexdigest()
        self._ids = frozenset(self.control.values())
        self._known = functools.lru_cache(maxsize=_REMEMBERED)(self._encoded)

    def encode(self, text: str) -> list[int]:
        """Raises BadRecord where a control token would come out all the same."""
        return self._known(text).copy() if len(text) <= _LONGEST else self._encoded(text)

    def _encoded(self, text: str) -> list[int]:
        ids: list[int] = self._plain.encode(text, add_special_tokens=False).ids
        if not self._ids.isdisjoint(ids):
            raise BadRecord("CONTROL_TOKEN", "plain text became a control token of this tokenizer")
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, control tokens included."""
        text: str = self._whole.decode(list(ids), skip_special_tokens=False)
        return text

    @property
    def num_tokens(self) -> int:
        """How many ids there are, control tokens included."""
        return int(self._whole.get_vocab_size(with_added_tokens=True))
