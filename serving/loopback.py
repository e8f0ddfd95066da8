"""An application served over real HTTP to this process alone: a free port of 127.0.0.1, in a thread.

    with on_loopback(create_app(model, recorder)) as (host, port):
        ...

Not here yet: other addresses (`sidewheel serve` has those).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

__all__ = ["on_loopback"]

_HOST: Final = "127.0.0.1"
_SECONDS_TO_END: Final = 60.0


@contextlib.contextmanager
def on_loopback(app: FastAPI) -> Iterator[tuple[str, int]]:
    """Host and port while the block runs. The socket listens before anybody connects, so nobody waits."""
    with socket.create_server((_HOST, 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="loopback")
        thread.start()
        try:
            yield _HOST, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(_SECONDS_TO_END)
