"""What the server asks of an engine and what it gets: more than the agent needs, from the same model.

Not here yet: several choices, log probabilities, a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from schemas.chat import Message
from schemas.tools import Contract
from serving.agent import Model

__all__ = ["Engine", "Generation", "Sampling"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose tokens. Temperature 0 is greedy; above it, the same seed gives the same tokens."""

    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    seconds: float = 120.0
    """How long it may take, waiting for its turn included."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One assistant message and how it ended: `length` where a limit of tokens or seconds cut it."""

    message: Message
    finish_reason: Literal["stop", "length", "tool_calls"]
    num_prompt_tokens: int
    num_tokens: int


class Engine(Model, Protocol):
    """A model that runs here, under the one contract that it was trained for."""

    @property
    def contract(self) -> Contract:
        """What its prompts are rendered with."""

    def generate(self, messages: Sequence[Message], sampling: Sampling) -> Generation:
        """The next assistant message.

        Raises:
            BadRecord: where `messages` is no conversation, or too long for the model.
            Transient: where other requests took all the time.
        """
