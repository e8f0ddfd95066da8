"""`sidewheel serve` as a process: says where it is, answers, records, ends; what stops it is one sentence."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from jobs.cli import main
from schemas.conversation import read_event
from tests.serving.tiny import write_checkpoint, write_manifest

ROOT = Path(__file__).parents[2]
SECONDS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("served"))


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["serve", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("sidewheel: ")
    assert shown.err.count("\n") == 1
    return shown.err


def agent_request(port: int) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    body = json.dumps({"request": "hi", "shop_id": "s"})
    connection.request("POST", "/agent", body, {"Content-Type": "application/json"})
    try:
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def test_it_serves_until_it_is_stopped(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "jobs.cli", "serve", "--checkpoint", str(folder), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--record", str(tmp_path / "events")],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = threading.Timer(SECONDS, process.kill)
    watch.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        said = re.fullmatch(
            r"serve model=(sidewheel-\w{12}) url=http://127\.0\.0\.1:(\d+) record=\S+\n", line
        )
        assert said is not None, process.communicate()
        port = int(said[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        connection.request("GET", "/health")
        assert json.loads(connection.getresponse().read())["model"] == said[1]
        asked = json.dumps(
            {"model": said[1], "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
        )
        connection.request("POST", "/v1/chat/completions", asked, {"Content-Type": "application/json"})
        assert json.loads(connection.getresponse().read())["usage"]["completion_tokens"] == 2
        connection.close()
        conversation_id = agent_request(port)["conversation_id"]
        taken = ["--checkpoint", str(folder), "--port", str(port), "--record", str(tmp_path / "others")]
        assert f"port {port} of 127.0.0.1 is taken" in refusal(taken, capsys)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
    finally:
        watch.cancel()
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (0, "", "")
    (path,) = (tmp_path / "events").glob("*.jsonl")
    events = [read_event(line) for line in path.read_bytes().splitlines()]
    assert {(event.conversation_id, event.model) for event in events} == {(conversation_id, said[1])}


def test_a_port_that_is_taken(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = refusal(
            ["--checkpoint", str(folder), "--port", port, "--record", str(tmp_path / "events")], capsys
        )
    assert f"port {port} of 127.0.0.1 is taken" in said


def test_an_address_that_is_not_here(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--checkpoint", str(folder), "--host", "192.0.2.1", "--record", str(tmp_path / "events")]
    assert "cannot listen at 192.0.2.1:8089: " in refusal(arguments, capsys)


@pytest.mark.parametrize("damage", ["nothing", "half written", "foreign", "weights"])
def test_a_checkpoint_that_does_not_fit(
    damage: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    expected = {
        "nothing": "is no folder",
        "half written": "has no manifest.json",
        "foreign": "trained for another contract: ffffffffffff in its manifest",
        "weights": "cannot be loaded",
    }
    if damage == "nothing":
        shutil.rmtree(copy)
    elif damage == "half written":
        (copy / "manifest.json").unlink()
    elif damage == "foreign":
        write_manifest(copy, contract="f" * 64)
    else:
        (copy / "model.safetensors").write_bytes(b"junk")
        write_manifest(copy)
    arguments = ["--checkpoint", str(copy), "--port", "0", "--record", str(tmp_path / "events")]
    assert expected[damage] in refusal(arguments, capsys)


def test_a_folder_that_cannot_be_recorded_in(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    arguments = ["--checkpoint", str(folder), "--port", "0", "--record", str(tmp_path / "file")]
    assert "cannot record in" in refusal(arguments, capsys)


def test_a_package_that_is_not_installed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    arguments = ["--checkpoint", str(folder), "--port", "0", "--record", str(tmp_path / "events")]
    assert "pip install 'sidewheel[serve,train]'" in refusal(arguments, capsys)


def test_a_topic_that_is_none_is_a_sentence_before_anything_is_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = refusal(["--checkpoint", "nowhere", "--record-kafka", "kafka:9092"], capsys)
    assert "--record-kafka is HOST:PORT/TOPIC" in said
