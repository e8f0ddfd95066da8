"""How conversations are put together; each field is a flag of the jobs that do it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from pipelines.recognizers import recognizer_version
from pipelines.redact import REDACTOR_VERSION

__all__ = ["ConversationPolicy"]

_MOST_DAYS: Final = 3650


@dataclass(frozen=True, kw_only=True)
class ConversationPolicy:
    """How conversations are put together."""

    window_days: Annotated[int, "What the merchant does in this many days after the proposal counts."] = 7
    inactivity_minutes: Annotated[
        int, "A conversation that says no end is closed after so many minutes without a word."
    ] = 60
    max_skew_hours: Annotated[
        int, "After a pause of more hours than these, time goes on once three shops say so."
    ] = 24
    recognizer: Annotated[
        str, "A model of names beside the patterns: `presidio`, or a folder of a token-classification model."
    ] = ""
    max_bytes: Annotated[int, "A conversation whose events have more bytes is refused."] = 16 << 20

    def __post_init__(self) -> None:
        for name, most in (
            ("window_days", _MOST_DAYS),
            ("inactivity_minutes", _MOST_DAYS * 24 * 60),
            ("max_skew_hours", _MOST_DAYS * 24),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"--{name.replace('_', '-')} must be from 1 to {most}.")
        if self.max_bytes < 1:
            raise ValueError("--max-bytes must be at least 1.")
        recognizer_version(self.recognizer)  # a folder without a model stops here, not in an executor

    @property
    def redactor_version(self) -> str:
        """What redacts, rules and model: rows of another one are made anew."""
        return "+".join(filter(None, (REDACTOR_VERSION, recognizer_version(self.recognizer))))

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.window_days)

    @property
    def inactivity(self) -> timedelta:
        return timedelta(minutes=self.inactivity_minutes)

    @property
    def max_skew(self) -> timedelta:
        return timedelta(hours=self.max_skew_hours)
