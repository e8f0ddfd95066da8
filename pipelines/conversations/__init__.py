"""Events of bronze to conversations of silver: ordered, without repetition, redacted, with what came of them.

| module | subject |
|---|---|
| `policy` | how conversations are put together, as flags |
| `rows` | the events of one conversation to its row, whatever order they came in: a pure function |
| `settling` | what only time tells: what time it is, who has stopped talking, whose window is over |
| `builds` | rows of all conversations, of those with new events, and of those that time changed |

A row's facts come from its events alone, and what time tells from those facts and the newest believed time
of the lake, never from a clock. So a lake that was built piece by piece holds what one build of everything
gives.
"""

from __future__ import annotations

from pipelines.conversations.builds import build, build_changed, count_conversations, settle
from pipelines.conversations.policy import ConversationPolicy
from pipelines.conversations.rows import Unread, conversation_row
from pipelines.conversations.settling import settled, time_of

__all__ = [
    "ConversationPolicy",
    "Unread",
    "build",
    "build_changed",
    "conversation_row",
    "count_conversations",
    "settle",
    "settled",
    "time_of",
]
