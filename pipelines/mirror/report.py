"""The differences that a gate found, most frequent first: as text for a person, as JSON for a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from pipelines.mirror.differences import Difference
from pipelines.mirror.findings import Finding
from schemas.errors import BrokenLaw
from schemas.tools import CONTRACT, canonical_json

__all__ = ["MOST_DIFFERENCES", "Counts", "Example", "Ran", "Report", "Seen", "gathered"]

MOST_DIFFERENCES: Final = 1_000
"""More are counted and not told one by one: then something else is wrong."""
_EXAMPLES: Final = 3

Counts = dict[str, str | int | float]
"""What was looked at, for the closing line."""


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """Where a difference can be seen."""

    conversation: str
    place: str
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One difference and how often it was there."""

    difference: Difference
    num_conversations: int
    num_events: int
    num_training: int
    """Conversations that show it and would train."""
    first: datetime | None
    last: datetime | None
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A contract that production ran."""

    contract: str
    version: str
    """Empty where nobody has the text."""
    num_conversations: int
    num_events: int


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was looked at, what differs, and why a build would be out of line, if it would."""

    ran: Sequence[Ran]
    seen: Sequence[Seen]
    num_rows: int = 0
    num_training: int = 0
    """Rows that would train."""
    failures: Sequence[str] = field(default_factory=list)

    def require_in_line(self) -> None:
        """Raise BrokenLaw, which says why, where a build would be out of line."""
        if self.failures:
            raise BrokenLaw(f"mirror: {'; '.join(self.failures)}")

    def text(self) -> str:
        """For a person: each contract, then each difference with its examples."""
        return "".join(f"{line}\n" for line in self._lines())

    def json(self) -> str:
        """For a program, as canonical JSON; times are ISO 8601."""
        return canonical_json(
            {
                "contract": CONTRACT.fingerprint(),
                "version": CONTRACT.version,
                "ran": [asdict(ran) for ran in self.ran],
                "rows": self.num_rows,
                "training": self.num_training,
                "differences": [_plain(seen) for seen in self.seen],
                "failures": list(self.failures),
            }
        )

    def _lines(self) -> Iterator[str]:
        yield f"training has {CONTRACT.fingerprint()[:12]} ({CONTRACT.version})"
        for ran in self.ran:
            told = ran.version or "nobody has its text"
            yield (
                f"production ran {ran.contract[:12]} ({told}): "
                f"{ran.num_conversations} conversations, {ran.num_events} events"
            )
        if not self.seen:
            yield "no difference"
        for seen in self.seen:
            when = f", {_when(seen.first)} to {_when(seen.last)}" if seen.first else ""
            yield (
                f"\n{seen.difference}\n"
                f"  {seen.num_conversations} conversations, {seen.num_events} events, "
                f"{seen.num_training} that would train{when}"
            )
            for example in seen.examples:
                said = f": {example.excerpt}" if example.excerpt else ""
                yield f"  {example.conversation} {example.place}{said}"


def gathered(findings: Iterable[Finding]) -> list[Seen]:
    """Findings by difference, the most frequent first."""
    by_difference: dict[Difference, list[Finding]] = {}
    for finding in findings:
        by_difference.setdefault(finding.difference, []).append(finding)
    seen = [_seen(difference, found) for difference, found in by_difference.items()]
    return sorted(seen, key=lambda each: (-each.num_conversations, -each.num_events, each.difference))


def _seen(difference: Difference, found: Sequence[Finding]) -> Seen:
    times = [finding.at for finding in found if finding.at is not None]
    examples = {Example(each.conversation, each.place, each.excerpt) for each in found}
    return Seen(
        difference=difference,
        num_conversations=len({finding.conversation for finding in found}),
        num_events=sum(finding.num_events for finding in found),
        num_training=len({finding.conversation for finding in found if finding.trains}),
        first=min(times, default=None),
        last=max(times, default=None),
        examples=tuple(sorted(examples)[:_EXAMPLES]),
    )


def _plain(seen: Seen) -> dict[str, Any]:
    told = asdict(seen)
    difference = told.pop("difference")
    times = {name: value and value.isoformat() for name, value in told.items() if name in ("first", "last")}
    return {**difference, **told, **times}


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
