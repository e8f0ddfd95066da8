"""The server: OpenAI's chat completions and models for one checkpoint, and the agent with its recorder.

    app = create_app(LocalModel(checkpoint), Recorder(folder, model=checkpoint.name))

| route | answers |
|---|---|
| `POST /v1/chat/completions` | the next assistant message; nothing is recorded |
| `GET /v1/models`, `GET /health` | what is served |
| `POST /agent` | for `{request, shop_id}`: the answer, the workflow and the reason of the end; recorded |
| the same with `conversation_id` | the same, with that conversation going on |
| `POST /conversations/{id}/events` | for `{kind, ...}`: what the merchant did with it afterwards; recorded |

Errors have the shape of OpenAI's. Nobody is asked who they are: it is made for a loopback address, where
whoever reaches it and knows a conversation's id may speak for its shop. Not here yet: streams (`stream=true`
is answered by 400 and a sentence), keys of callers, a limit on waiting requests. Unless `shops` says
otherwise, what the agent saves lives in memory, as long as its conversation is remembered.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from schemas.errors import BadRecord, Transient
from serving.agent import Budget, Outcome
from serving.chat_requests import MAX_BODY_BYTES, read_agent_request, read_chat_request
from serving.generation import Engine, Generation
from serving.merchant_events import read_merchant_event
from serving.open_conversations import BUSY, NOT_FOUND, OpenConversation, OpenConversations
from serving.recorded_agent import converse_recorded
from serving.recorder import Recorder
from serving.shop import InMemoryShop, ShopBackend

__all__ = ["create_app"]

_STATUS: Final = {
    "MODEL_NOT_FOUND": 404,
    NOT_FOUND: 404,
    BUSY: 409,
    "BODY_TOO_LARGE": 413,
    "NOT_JSON_TYPE": 415,
}
_CODES: Final = {"TOO_LONG": "context_length_exceeded"}
"""Codes that OpenAI's clients know by another name."""


def create_app(
    model: Engine,
    recorder: Recorder,
    *,
    shops: Callable[[str], ShopBackend] = lambda shop_id: InMemoryShop(),
    budget: Budget = Budget(),
    num_remembered: int = 1024,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> FastAPI:
    """The application over one model.

    `budget` is what one request to `/agent` may cost; `num_remembered` conversations can be gone on with.
    """
    app = FastAPI(title="sidewheel", docs_url=None, redoc_url=None, openapi_url=None)
    started = int(now())
    fingerprint = model.contract.fingerprint()
    known = OpenConversations(num_remembered)

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> JSONResponse:
        body = await _body(request)

        def work() -> dict[str, Any]:
            messages, sampling = read_chat_request(body, model.name, model.contract)
            made = model.generate(messages, sampling)
            return _completion(made, model.name, int(now()), fingerprint)

        return JSONResponse(await run_in_threadpool(work))

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        served = {"id": model.name, "object": "model", "created": started, "owned_by": "sidewheel"}
        return {"object": "list", "data": [served]}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "model": model.name, "contract": fingerprint}

    @app.post("/agent")
    async def agent(request: Request) -> JSONResponse:
        body = await _body(request)

        def work() -> dict[str, Any]:
            asked = read_agent_request(body)
            if asked.conversation_id is None:
                conversation = OpenConversation(recorder.begin(asked.shop_id), shops(asked.shop_id))
            else:
                conversation = known.find(asked.conversation_id, asked.shop_id)
            with conversation.turn():
                history = conversation.history()
                try:
                    outcome = converse_recorded(
                        asked.request,
                        model,
                        conversation.shop,
                        model.contract,
                        budget,
                        conversation.recording,
                        history=history,
                        clock=clock,
                    )
                except Exception:
                    conversation.end("was cut off by an error")
                    raise
                conversation.take(outcome)
            if asked.conversation_id is None:
                known.add(conversation)
            return _agent_answer(conversation.recording.conversation_id, outcome)

        return JSONResponse(await run_in_threadpool(work))

    @app.post("/conversations/{conversation_id}/events")
    async def take_event(conversation_id: str, request: Request) -> JSONResponse:
        body = await _body(request)

        def work() -> dict[str, Any]:
            with known.find(conversation_id).turn() as conversation:
                kind, payload = read_merchant_event(body, conversation.recording.proposed)
                event = conversation.recording.append(kind, payload)
            return {
                "conversation_id": conversation_id,
                "event_id": event.event_id,
                "sequence": event.sequence,
            }

        return JSONResponse(await run_in_threadpool(work))

    for kind in (BadRecord, Transient, HTTPException, Exception):
        app.add_exception_handler(kind, _answer)
    return app


async def _body(request: Request) -> bytes:
    """The body, read no further than its cap.

    Raises:
        BadRecord: for one that is too large, or that is not sent as JSON, as a foreign web page would.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRecord("NOT_JSON_TYPE", "send the body as application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BadRecord("BODY_TOO_LARGE", f"the body has more than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _agent_answer(conversation_id: str, outcome: Outcome) -> dict[str, Any]:
    saved = outcome.saved
    return {
        "conversation_id": conversation_id,
        "answer": outcome.messages[-1]["content"] if outcome.reason == "answered" else None,
        "workflow_id": saved.workflow_id if saved else None,
        "workflow_version": saved.workflow_version if saved else None,
        "workflow_python": outcome.python,
        "workflow_json": outcome.agent_json,
        "reason": outcome.reason,
    }


def _completion(made: Generation, model: str, created: int, fingerprint: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "system_fingerprint": fingerprint,
        "choices": [
            {"index": 0, "message": made.message, "finish_reason": made.finish_reason, "logprobs": None}
        ],
        "usage": {
            "prompt_tokens": made.num_prompt_tokens,
            "completion_tokens": made.num_tokens,
            "total_tokens": made.num_prompt_tokens + made.num_tokens,
        },
    }


async def _answer(request: Request, error: Exception) -> JSONResponse:
    """An error in the shape of OpenAI's; what went wrong inside stays inside."""
    if isinstance(error, BadRecord):
        code = _CODES.get(error.code, error.code.lower())
        param = error.path.removeprefix("/payload/") or None
        return _error(_STATUS.get(error.code, 400), error.message, code, param)
    if isinstance(error, Transient):
        return _error(503, str(error), "unavailable", None)
    if isinstance(error, HTTPException):
        said = f"{request.method} {request.url.path}: {error.detail}"
        return _error(error.status_code, said, "not_served", None)
    return _error(500, "the server made a mistake; its log says which", "internal_error", None)


def _error(status: int, message: str, code: str, param: str | None) -> JSONResponse:
    kind = "invalid_request_error" if status < 500 else "server_error"
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return JSONResponse(body, status, headers={"Retry-After": "1"} if status == 503 else None)
