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
    r"(?:please )?(?:what|which|when|where|why|who|how|is|are|does|do|did|can i|can flow|could flow"
    r"|should|explain|tell me (?:what|which|where|why|who|how|about))\b",
    re.IGNORECASE,
)
_ASKS_OUTRIGHT: Final = re.compile(
    r"(?:what|which|where|why|who|how) (?:is|are|was|does|do|did|can|could)\b"
    r"|(?:please )?(?:explain|tell me (?:what|which|where|why|who|how|about))\b",
    re.IGNORECASE,
)
"""A question without its mark too."""
_WISHES: Final = re.compile(r"(?:^|, )(?:please )?(?:can|could|would|will) you\b", re.IGNORECASE)


def request_kind_of(request: str, *, follows_workflow: bool) -> RequestKind:
    """Its kind; `follows_workflow` says whether a workflow was proposed earlier in the conversation.

    A sentence that asks ("What does ...?", "How can I ...?") is a question, a polite wish ("Could you ...?",
    "When an order is paid, can you ...?") is not. Any other request after a workflow is about that workflow.
    """
    text = request.strip()
    asks = _ASKS_OUTRIGHT.match(text) or (_ASKS.match(text) and text.endswith("?"))
    if asks and not _WISHES.search(text):
        return "question"
    return "edit" if follows_workflow else "create"
