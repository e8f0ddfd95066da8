"""What one conversation shows of each difference: where, when, in a few words without identifiers.

Events are looked at for their form, stored rows also for what today's tools say to the same calls. A contract
that differs is a difference of every conversation that was had under it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.mirror.answers import Told
from pipelines.mirror.differences import Difference, contract_differences, unknown_contract
from pipelines.mirror.exchanges import exchanges_of, form_differences
from pipelines.mirror.migration import differences_in
from pipelines.pool import messages_in
from pipelines.redact import Redactor
from schemas.conversation import Event
from schemas.errors import BadRecord
from schemas.tools import CONTRACT, Contract

__all__ = ["Finding", "findings_in_events", "findings_in_row"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference in one place of one conversation."""

    difference: Difference
    conversation: str
    place: str
    """`event 4` of what was recorded, `message 4` of a stored row, `contract` of what was told."""
    excerpt: str
    at: datetime | None
    num_events: int
    """Events that show it here; none of a stored row, whose events are told of by themselves."""
    trains: bool


def findings_in_events(events: Sequence[Event], texts: Mapping[str, str]) -> Iterator[Finding]:
    """What the events of one conversation show; `texts` are the contracts that are known, by fingerprint."""
    first = events[0]
    recorded, otherwise = _contract(first.contract, texts)
    times = {event.sequence: event.time for event in events}

    def found(told: Told, place: str, at: datetime, num_events: int) -> Finding:
        difference, excerpt = _without_identifiers(told)
        return Finding(
            difference=difference,
            conversation=first.conversation_id,
            place=place,
            excerpt=excerpt,
            at=at,
            num_events=num_events,
            trains=False,
        )

    for difference in otherwise:
        yield found((difference, ""), "contract", first.time, len(events))
    for exchange in exchanges_of(events):
        shown = {each[0]: each for each in form_differences(exchange, CONTRACT, recorded)}
        for each in shown.values():
            yield found(each, f"event {exchange.place}", times[exchange.place], 1)


def findings_in_row(row: Mapping[str, Any], texts: Mapping[str, str]) -> Iterator[Finding]:
    """What a stored conversation shows: `conversation`, `messages`, `contract`, `at` and `trains`.

    A row whose messages cannot be read shows just that.
    """
    recorded, otherwise = _contract(row["contract"], texts)

    def found(told: Told, place: str) -> Finding:
        difference, excerpt = _without_identifiers(told)
        return Finding(
            difference=difference,
            conversation=row["conversation"],
            place=place,
            excerpt=excerpt,
            at=row["at"],
            num_events=0,
            trains=row["trains"],
        )

    for difference in otherwise:
        yield found((difference, ""), "contract")
    try:
        there = differences_in(messages_in(row["messages"]), CONTRACT, recorded)
        shown = {(place, told[0]): told for place, told in there}
        for (place, _), each in shown.items():
            yield found(each, f"message {place}")
    except BadRecord as refused:
        yield found((Difference("messages", "cannot be read", refused.code), ""), "row")


def _contract(
    fingerprint: str | None, texts: Mapping[str, str]
) -> tuple[Contract | None, Sequence[Difference]]:
    """The contract, and how it differs from today's."""
    if fingerprint == CONTRACT.fingerprint():
        return CONTRACT, ()
    if fingerprint is None or fingerprint not in texts:
        return None, (unknown_contract(str(fingerprint)),)
    return _compared(texts[fingerprint])


@functools.lru_cache(maxsize=64)
def _compared(text: str) -> tuple[Contract, tuple[Difference, ...]]:
    contract = Contract.from_json(text)
    return contract, tuple(contract_differences(contract, CONTRACT))


def _without_identifiers(told: Told) -> Told:
    """Names of keys and tools come from others: they may be a person's."""
    difference, excerpt = told
    if difference.kind != "unknown":
        difference = replace(difference, detail=Redactor().text(difference.detail))
    return difference, Redactor().text(excerpt)
