"""Calls of a model that each repeat their history, as conversations in which each thing is said once.

A call goes on from the conversation whose end its history is. Where the log names conversations, or the call
before, that decides, and what it repeats is still taken off: a call may send all of its history, the last
part of it, or what is new alone. A call that leaves the known path (an answer made anew, an edited question)
begins a conversation of its own, with its whole history. Calls are taken in the order of their times, of one
moment the shorter first, then as they lie in the log.

Ids come from the log, else from a digest of where a conversation began: a log that has grown gives what it
gave and more. Not here yet: a later part of a log, read without the earlier one, gives the same ids to
messages with later times.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from pipelines.importers.exchanges import Exchange, is_name
from schemas.chat import Message
from schemas.errors import BadRecord
from schemas.tools import canonical_json
from schemas.workflow.jsontext import read_json

__all__ = ["NO_HISTORY", "Said", "Thread", "Threads", "unanswered", "with_models"]

NO_HISTORY: Final = "NO_HISTORY"
_LONGEST_ID: Final = 160
"""An event's id is its conversation's and a number; both must stay names."""

_Key: TypeAlias = tuple[str, str, str]
"""What tells one call from others: its id, the call before, and all that was said."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message in its conversation."""

    message: Message
    at: datetime
    exchange: Exchange


@dataclass(slots=True, eq=False)
class Thread:
    """One conversation; `digests` has one of each message and all before it."""

    conversation_id: str
    said: list[Said] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    seed: str = ""

    def end(self) -> str:
        return self.digests[-1] if self.digests else self.seed


@dataclass(slots=True)
class Threads:
    """Conversations as they are put together; counts say what was not new."""

    threads: list[Thread] = field(default_factory=list)
    num_taken: int = 0
    """Calls that said something new."""
    num_repeated: int = 0
    """Calls that were there already."""
    num_forked: int = 0
    """Calls that left a known path."""
    refused: list[tuple[str, BadRecord]] = field(default_factory=list)
    _seen: set[_Key] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)
    _ends: dict[str, list[Thread]] = field(default_factory=dict)
    """By the digest of all that was said; several of one end opened alike."""
    _prefixes: set[str] = field(default_factory=set)
    _named: dict[str, list[Thread]] = field(default_factory=dict)
    _calls: dict[str, tuple[Thread, int]] = field(default_factory=dict)
    """By the id of a call: its thread and how long that was after its answer."""

    @classmethod
    def of(cls, exchanges: Iterable[Exchange]) -> Threads:
        """Put all calls to conversations; a call without its history is refused."""
        found = cls()
        waiting = sorted(exchanges, key=lambda each: (each.asked_at, len(each.asked)))
        while waiting:
            refused: list[tuple[Exchange, BadRecord]] = []
            for exchange in waiting:
                try:
                    found._add(exchange)
                except BadRecord as reason:
                    refused.append((exchange, reason))
            if len(refused) == len(waiting):  # else one of them may have been another's history
                found.refused = [(exchange.place, reason) for exchange, reason in refused]
                break
            waiting = [exchange for exchange, _ in refused]
        return found

    def _add(self, exchange: Exchange) -> None:
        seed = canonical_json([exchange.shop_id, exchange.conversation])
        whole = [*exchange.asked, *exchange.answered]
        digests = list(_rolling(seed, whole))
        key = (exchange.source_id, exchange.continues, digests[-1])
        contained = not exchange.named and not exchange.only_new and digests[-1] in self._prefixes
        if key in self._seen or contained:
            self.num_repeated += 1
            return
        if exchange.continues:
            thread, known = self._after_call(exchange, key), 0
        elif exchange.conversation:
            thread, known = self._in_conversation(exchange, seed, digests, key)
        else:
            thread, known = self._by_history(exchange, seed, digests, key)
        self._seen.add(key)  # not before: what was refused may come again, with its history
        self._append(thread, exchange, known)

    def _after_call(self, exchange: Exchange, key: _Key) -> Thread:
        """The thread that ends with the call before; a copy up to there where it went on otherwise."""
        if exchange.continues not in self._calls:
            raise BadRecord(NO_HISTORY, f"the call before it, {exchange.continues[:60]}, is not in the log")
        thread, length = self._calls[exchange.continues]
        if length == len(thread.said):
            return thread
        self.num_forked += 1
        fork = self._new(thread.conversation_id, thread.seed, key)
        fork.said, fork.digests = thread.said[:length], thread.digests[:length]
        return fork

    def _in_conversation(
        self, exchange: Exchange, seed: str, digests: Sequence[str], key: _Key
    ) -> tuple[Thread, int]:
        """The thread of that name that it goes on with, and how many of its messages are known there."""
        threads = self._named.setdefault(seed, [])
        asked = len(exchange.asked)
        whole = {} if exchange.only_new else dict(zip(digests[:asked], range(1, asked + 1), strict=True))
        for thread in reversed(threads):
            if known := whole.get(thread.end()):
                return thread, known
        alike = [thread for thread in threads if thread.said[-1].exchange.told == exchange.told]
        begun = any(thread.digests[0] in whole for thread in threads)
        if alike and not begun:
            return alike[-1], 0 if exchange.only_new else _overlap(alike[-1], exchange.asked)
        if threads:
            self.num_forked += 1
        thread = self._new(exchange.conversation, seed, key)
        threads.append(thread)
        return thread, 0

    def _by_history(
        self, exchange: Exchange, seed: str, digests: Sequence[str], key: _Key
    ) -> tuple[Thread, int]:
        """The thread whose end is the longest part of the history, from its beginning."""
        asked = len(exchange.asked)
        for known in range(asked, 0, -1):
            if threads := self._ends.get(digests[known - 1]):
                return threads[-1], known
        answers = [n for n, message in enumerate(exchange.asked) if message["role"] == "assistant"]
        if answers and digests[answers[0]] in self._prefixes:
            self.num_forked += 1
        return self._new(f"imported-{_short(canonical_json(key), 16)}", seed, key), 0

    def _new(self, name: str, seed: str, key: _Key) -> Thread:
        """An empty thread; where its name is taken, it gets another, told by the call that begins it."""
        fits = is_name(name) and len(name) <= _LONGEST_ID
        name = name if fits else f"imported-{_short(name, 16)}"
        while name in self._names:
            name = f"{name[:_LONGEST_ID]}~{_short(canonical_json([name, *key]), 8)}"
        self._names.add(name)
        thread = Thread(name, seed=seed)
        self.threads.append(thread)
        return thread

    def _append(self, thread: Thread, exchange: Exchange, known: int) -> None:
        if thread in (alike := self._ends.get(thread.end(), [])):
            alike.remove(thread)
        new = [
            *(Said(message, exchange.asked_at, exchange) for message in exchange.asked[known:]),
            *(Said(message, exchange.answered_at, exchange) for message in exchange.answered),
        ]
        thread.digests += _rolling(thread.end(), [said.message for said in new])
        thread.said += new
        if new:
            self._prefixes.update(thread.digests[-len(new) :])
            self.num_taken += 1
        else:
            self.num_repeated += 1
        self._ends.setdefault(thread.end(), []).append(thread)
        self._calls[exchange.source_id] = thread, len(thread.said)


def with_models(thread: Thread, default: str) -> Iterator[tuple[Said, str]]:
    """What was said with the model it belongs to: of a call without an answer, the one that answered next."""
    model, later = "", []
    for said in reversed(thread.said):
        model = said.exchange.answered_model or model
        later.append(model)
    model = ""
    for said, next_model in zip(thread.said, reversed(later), strict=True):
        model = said.exchange.answered_model or model
        yield said, next_model or model or said.exchange.asked_model or default


def _overlap(thread: Thread, asked: Sequence[Message]) -> int:
    """How many of the first messages are the last of the thread: a window on the history."""
    last, first = [_form(said.message) for said in thread.said], [_form(message) for message in asked]
    for length in range(min(len(last), len(first)), 0, -1):
        if last[-length:] == first[:length]:
            return length
    return 0


def _rolling(seed: str, messages: Iterable[Message]) -> Iterator[str]:
    digest = seed
    for message in messages:
        digest = _short(f"{digest}{_form(message)}", 16)
        yield digest


def _form(message: Message) -> str:
    """One text of what is the same message: arguments and empty contents are written in many ways."""
    said = [message["role"], message["content"] or "", message.get("tool_call_id", "")]
    for call in message.get("tool_calls", ()):
        said += [call["id"], call["function"]["name"], _arguments(call["function"]["arguments"])]
    return "".join(f"{len(text)}:{text}" for text in said)


@functools.lru_cache(maxsize=256)
def _arguments(text: str) -> str:
    try:
        return canonical_json(read_json(text, limit=len(text)))
    except BadRecord:
        return text


def _short(text: str, num_bytes: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=num_bytes).hexdigest()


def unanswered(said: Sequence[Said]) -> dict[int, list[tuple[Said, str]]]:
    """Calls of tools without an answer, each by the place after which it belongs, with who made it."""
    missing: dict[int, list[tuple[Said, str]]] = {}
    for number, each in enumerate(said):
        calls = [call["id"] for call in each.message.get("tool_calls", ())]
        last = number
        while calls and last + 1 < len(said) and said[last + 1].message["role"] == "tool":
            last += 1
            identity = said[last].message["tool_call_id"]
            if identity in calls:
                calls.remove(identity)
        if calls:
            missing[last] = [(each, identity) for identity in calls]
    return missing
