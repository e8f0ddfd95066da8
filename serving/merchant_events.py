"""What a merchant did after the answer, as the server is told it: one event, read strictly.

    {"kind": "activated", "workflow_id": "workflow-1", "workflow_version": 1}
    {"kind": "feedback", "rating": "up", "text": ""}

The keys beside `kind` are those of `schemas.conversation.PAYLOADS`, which the recorder holds every event to.
Not here yet: several events at once, and events that say themselves when they happened.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, cast

from schemas.conversation import PAYLOADS, Kind
from schemas.errors import BadRecord
from schemas.workflow import from_python, to_python
from serving.chat_requests import read_object

__all__ = ["read_merchant_event"]

_KINDS: Final = ("activated", "deactivated", "edited", "feedback")


def read_merchant_event(body: bytes, proposed: Collection[tuple[str, int]]) -> tuple[Kind, dict[str, Any]]:
    """Kind and payload of what happened to one of the `proposed` (workflow id, version).

    Raises:
        BadRecord: with the path of what is wrong; a WorkflowRefused where an edit is no workflow.
    """
    payload = read_object(body)
    kind = payload.pop("kind", None)
    if kind not in _KINDS:
        raise BadRecord("INVALID_VALUE", f"kind must be one of {', '.join(_KINDS)}", path="kind")
    for key, holds in PAYLOADS[kind].items():
        if key not in payload:
            raise BadRecord("INVALID_VALUE", f"a {kind} needs {key}, which is a {holds}", path=key)
    if "workflow_id" in PAYLOADS[kind]:
        named = payload["workflow_id"], payload["workflow_version"]
        if list(named) not in [list(each) for each in proposed]:
            said = "this conversation proposed no workflow of that id and version"
            raise BadRecord("WORKFLOW_NOT_PROPOSED", said, path="workflow_id")
    if kind == "edited" and isinstance(payload["python"], str):
        payload["python"] = to_python(from_python(payload["python"]))
    return cast("Kind", kind), payload
