"""What kind of request a person makes, by its words alone: to create a workflow, to edit one, or to know.

Not here yet: languages other than English, and requests that mix kinds.
"""

from __future__ import annotations

import re
from typing import Final, Literal

__all__ = ["REQUEST_KINDS", "RequestKind", "request_kind_of"]

RequestKind = Literal["create", "edit", "question"]
REQUEST_KINDS: Final[tuple[RequestKind, ...]] = ("create", "edit", "question")

_ASKS: Final = re.compile(
    r"(?:what|which|when|where|why|who|how|is|are|does|do|did|can flow|could flow|explain|tell me)\b",
    re.IGNORECASE,
)
_WISHES: Final = re.compile(r"(?:can|could|would|will) you\b", re.IGNORECASE)


def request_kind_of(request: str, *, follows_workflow: bool) -> RequestKind:
    """Its kind; `follows_workflow` says whether a workflow was proposed earlier in the conversation.

    A sentence that asks ("What does ...?", "How can I ...?") is a question, a polite wish ("Could you ...?")
    is not. Every other request after a workflow is about that workflow.
    """
    text = request.strip()
    if _ASKS.match(text) and text.endswith("?") and not _WISHES.match(text):
        return "question"
    return "edit" if follows_workflow else "create"
