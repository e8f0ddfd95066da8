"""The server: OpenAI's chat completions and models for one checkpoint, and the agent in one request.

    app = create_app(LocalModel(checkpoint), Recorder(folder, model=checkpoint.name))

| route | answers |
|---|---|
| `POST /v1/chat/completions` | the next assistant message; nothing is recorded |
| `GET /v1/models`, `GET /health` | what is served |
| `POST /agent` | for `{request, shop_id}`: the answer, the workflow and the reason of the end; recorded |

Errors have the shape of OpenAI's. Not here yet: streams (`stream=true` is answered by 400 and a sentence),
keys of callers, a limit on waiting requests, a conversation that goes on. Unless `shops` says otherwise, what
the agent saves lives in memory for the length of one conversation.
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
from serving.agent import Budget
from serving.chat_requests import MAX_BODY_BYTES, read_agent_request, read_chat_request
from serving.generation import Engine, Generation
from serving.recorded_agent import converse_recorded
from serving.recorder import Recorder
from serving.shop import InMemoryShop, ShopBackend

__all__ = ["create_app"]

_STATUS: Final = {"MODEL_NOT_FOUND": 404, "BODY_TOO_LARGE": 413, "NOT_JSON_TYPE": 415}
_CODES: Final = {"TOO_LONG": "context_length_exceeded"}
"""Codes that OpenAI's clients know by another name."""


def create_app(
    model: Engine,
    recorder: Recorder,
    *,
    shops: Callable[[str], ShopBackend] = lambda shop_id: InMemoryShop(),
    budget: Budget = Budget(),
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> FastAPI:
    """The application over one model; `budget` is what one `/agent` conversation may cost."""
    app = FastAPI(title="sidewheel", docs_url=None, redoc_url=None, openapi_url=None)
    started = int(now())
    fingerprint = model.contract.fingerprint()

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
            recording = recorder.begin(asked.shop_id)
            shop = shops(asked.shop_id)
            outcome = converse_recorded(
                asked.request, model, shop, model.contract, budget, recording, clock=clock
            )
            return {
                "conversation_id": recording.conversation_id,
                "answer": outcome.messages[-1]["content"] if outcome.reason == "answered" else None,
                "workflow_python": outcome.python,
                "workflow_json": outcome.agent_json,
                "reason": outcome.reason,
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
        return _error(_STATUS.get(error.code, 400), error.message, code, error.path or None)
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
