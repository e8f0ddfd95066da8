"""A chat-completions server on loopback that a test scripts: it answers as told, or by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from schemas.tools import canonical_json

__all__ = ["Server", "a_call", "call", "called", "chunk", "headers", "said", "served", "stream"]


class Server:
    """What it heard, and what it sends: (status, body) in turn, or a callable that writes by hand."""

    def __init__(self, *sends: Any) -> None:
        self.sends = sends
        self.heard: list[dict[str, Any]] = []
        self.stop = threading.Event()
        self.url = ""


@contextmanager
def served(*sends: Any) -> Iterator[Server]:
    server = Server(*sends)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.heard.append(json.loads(body))
            send = server.sends[min(len(server.heard), len(server.sends)) - 1]
            try:
                if callable(send):
                    send(self)
                    return
                status, answer = send
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("retry-after-ms", "1")
                self.send_header("Location", f"{server.url}/elsewhere")
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # the client hung up, as it should

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.stop.set()
        http.shutdown()
        thread.join()
        http.server_close()


def call(name: str, arguments: Any) -> dict[str, Any]:
    """A message with one call; arguments that are text stay as they are, JSON or not."""
    text = arguments if isinstance(arguments, str) else canonical_json(arguments)
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": name, "arguments": text}}],
    }


def said(message: dict[str, Any], tokens: int = 7, finish: str = "stop") -> tuple[int, dict[str, Any]]:
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
    choice = {"index": 0, "finish_reason": finish, "message": message}
    return 200, {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def called(name: str, arguments: object) -> tuple[int, dict[str, Any]]:
    message = call(name, arguments)
    message["tool_calls"] = [{"id": "x", "type": "function", **made} for made in message["tool_calls"]]
    return said(message)


def headers(handler: BaseHTTPRequestHandler, kind: str, length: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    table = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(table | more)}\n\n".encode()


def stream(*parts: bytes, done: bool = True) -> Callable[[BaseHTTPRequestHandler], None]:
    def send(handler: BaseHTTPRequestHandler) -> None:
        headers(handler, "text/event-stream")
        for part in [*parts, *([b"data: [DONE]\n\n"] if done else [])]:
            handler.wfile.write(part)

    return send


def a_call(name: str, arguments: str) -> list[bytes]:
    """A call in pieces, as servers stream it."""
    deltas: list[dict[str, Any]] = [
        {"index": 0, "id": "x", "type": "function", "function": {"name": name, "arguments": ""}},
        *({"index": 0, "function": {"arguments": part}} for part in (arguments[:9], arguments[9:])),
    ]
    first = chunk({"role": "assistant", "content": None})
    return [first, *(chunk({"tool_calls": [delta]}) for delta in deltas), chunk({}, "tool_calls")]
