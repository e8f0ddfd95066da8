"""An S3-compatible server on loopback, in this process: moto's, which answers the real API over HTTP."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import pyarrow.fs as pafs
import pytest

BUCKET = "sidewheel"


@contextlib.contextmanager
def running_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start a server with one empty bucket and point this process and its children to it; gives its URL."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        for name, value in {
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_S3": url,
        }.items():
            monkeypatch.setenv(name, value)
        pafs.S3FileSystem(endpoint_override=url, allow_bucket_creation=True).create_dir(BUCKET)
        yield url
    finally:
        server.stop()


def put(key: str, content: bytes) -> str:
    """Store an object; gives its URI."""
    filesystem, root = pafs.FileSystem.from_uri(f"s3://{BUCKET}/")
    with filesystem.open_output_stream(f"{root}/{key}", compression=None) as stream:
        stream.write(content)
    return f"s3://{BUCKET}/{key}"
