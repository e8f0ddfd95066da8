"""The conversations that one server can go on with: what was said, the shop as it is now, what was proposed.

    known = OpenConversations(limit=1024)
    known.add(OpenConversation(recorder.begin("shop-7"), InMemoryShop()))
    with known.find(conversation_id).turn() as conversation: ...

They live in this process and their number is bounded: the one that was used longest ago is forgotten first.
Not here yet: conversations that another process began, and changes that a merchant makes in the shop itself.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from schemas.chat import Message
from schemas.errors import BadRecord
from serving.agent import Outcome
from serving.recorder import Recording
from serving.shop import ShopBackend

__all__ = ["BUSY", "ENDED", "NOT_FOUND", "OpenConversation", "OpenConversations"]

NOT_FOUND: Final = "CONVERSATION_NOT_FOUND"
BUSY: Final = "CONVERSATION_BUSY"
ENDED: Final = "CONVERSATION_ENDED"

MAX_CHARACTERS: Final = 256 << 10
"""A longer history is not kept: its conversation takes events, and no further request."""


@dataclass
class OpenConversation:
    """One conversation; whoever changes it holds its turn, so its events stand in the order they happened."""

    recording: Recording
    shop: ShopBackend
    messages: tuple[Message, ...] = ()
    """The whole conversation so far, empty once it has ended."""
    ended: str = ""
    """Why nothing more can be asked in it."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextlib.contextmanager
    def turn(self) -> Iterator[OpenConversation]:
        """Have it for oneself.

        Raises:
            BadRecord: BUSY while somebody else has it.
        """
        if not self._lock.acquire(blocking=False):
            raise BadRecord(BUSY, "this conversation is being answered; wait for the answer")
        try:
            yield self
        finally:
            self._lock.release()

    def history(self) -> tuple[Message, ...]:
        """What was said before the next request.

        Raises:
            BadRecord: ENDED where the conversation cannot go on.
        """
        if self.ended:
            said = f"this conversation {self.ended}; begin a new one by leaving conversation_id out"
            raise BadRecord(ENDED, said, path="conversation_id")
        return self.messages

    def take(self, outcome: Outcome) -> None:
        """Remember what was said, where it can be gone on from: after an answer."""
        size = sum(map(_size, outcome.messages))
        if outcome.reason != "answered":
            self.end(f"ended without an answer ({outcome.reason})")
        elif size > MAX_CHARACTERS:
            self.end(f"has {size} characters, {MAX_CHARACTERS} are kept")
        else:
            self.messages = outcome.messages

    def end(self, why: str) -> None:
        """Let go of what was said: nothing more can be asked."""
        self.messages, self.ended = (), why


class OpenConversations:
    """The newest `limit` conversations by their id. Safe for threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._found: OrderedDict[str, OpenConversation] = OrderedDict()

    def add(self, conversation: OpenConversation) -> None:
        with self._lock:
            self._found[conversation.recording.conversation_id] = conversation
            while len(self._found) > self._limit:
                self._found.popitem(last=False)

    def find(self, conversation_id: str, shop_id: str | None = None) -> OpenConversation:
        """The conversation of that id, and of that shop where one is given.

        Raises:
            BadRecord: NOT_FOUND for one that was never here or is forgotten, or that another shop has.
        """
        with self._lock:
            found = self._found.get(conversation_id)
            if found is None or shop_id not in (None, found.recording.shop_id):
                said = f"no such conversation here: this server knows the last {self._limit} that it answered"
                raise BadRecord(NOT_FOUND, said, path="conversation_id")
            self._found.move_to_end(conversation_id)
            return found


def _size(message: Message) -> int:
    """About how many characters a message has."""
    calls = message.get("tool_calls", [])
    return len(message["content"] or "") + sum(len(call["function"]["arguments"]) for call in calls)
