"""Serve a checkpoint over HTTP until somebody stops it, and record what the agent does."""

from __future__ import annotations

import contextlib
import errno
import socket
from pathlib import Path

from jobs._console import write
from schemas.errors import UsageError
from serving.checkpoint import open_checkpoint
from serving.kafka_sink import KafkaSink, kafka_target
from serving.recorder import Recorder

__all__ = ["serve"]


def serve(
    checkpoint: str,
    *,
    host: str,
    port: int,
    record: str,
    durable: bool = False,
    record_kafka: str | None = None,
) -> int:
    """Serve the checkpoint's model at `host` and `port` (0 takes a free one); say where once it is ready.

    Events go to the folder `record`, or to `record_kafka` (`HOST:PORT/TOPIC`), each awaited.

    Raises:
        UsageError: where a package is missing, the port is taken, or the checkpoint or a folder is unfit.
    """
    sink = KafkaSink(*kafka_target(record_kafka)) if record_kafka else Path(record)
    opened = open_checkpoint(Path(checkpoint))
    recorder = Recorder(sink, model=opened.name, durable=durable)
    with _listening(host, port) as listener:
        try:
            import uvicorn

            from serving.app import create_app
            from serving.local_model import LocalModel
        except ImportError as error:
            said = f"serving needs {error.name}: pip install 'sidewheel[serve,train]'."
            raise UsageError(said) from None
        app = create_app(LocalModel(opened), recorder)
        taken = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        write(f"serve model={opened.name} url=http://{shown}:{taken} record={record_kafka or record}\n")
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        with contextlib.suppress(KeyboardInterrupt):  # how a server is meant to end
            server.run(sockets=[listener])
    recorder.close()
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens at once: two servers cannot both believe that a port is theirs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} of {host} is taken: stop what serves there, or choose another --port."
            ) from None
        raise UsageError(
            f"cannot listen at {host}:{port}: {(error.strerror or str(error)).lower()}."
        ) from None
