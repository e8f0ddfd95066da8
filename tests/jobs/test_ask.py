"""`sidewheel ask`: what a stranger sees, what a program reads, one sentence for what is wrong."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs._conversation import message_lines
from jobs._runs import run_lines, runs
from jobs.cli import main
from schemas.conversation import messages_of, read_event
from schemas.workflow import from_python, read, to_python
from serving.shop import InMemoryShop
from tests.serving.model_server import said, served

ROOT = Path(__file__).parents[2]
VIP = "tag orders over 500 as VIP"
FLOW = InMemoryShop().create(
    '@order_created\ndef f(order):\n    add_order_tags(order_id=order.id, tags=["VIP", "東京"])\n'
)
needs_openai = pytest.mark.skipif(
    importlib.util.find_spec("openai") is None, reason="openai is not installed: uv sync --extra serve"
)


def test_a_stranger_sees_the_conversation_the_workflow_and_what_it_does(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["ask", VIP, "--model", "scripted"]) == 0
    shown = capfdbinary.readouterr().out.decode()
    places = [
        shown.index(part)
        for part in (
            "answered by scripted-rules, which is a set of rules and no model",
            f"merchant   {VIP}",
            "calls      task_search",
            "assistant  ",
            "Next",
            "@order_created\ndef tag_orders_over_500_as_vip(order):",
            '"task_id": "shopify::admin::order_created"',
            "An event on which it acts, simulated (nothing is sent or changed):",
            "Add order tags: order_id gid://shopify/Order/",
            "An event on which it does nothing, simulated",
        )
    ]
    assert places == sorted(places)


def test_a_program_reads_one_object(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["ask", VIP, "--json"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert (found["model"], found["reason"], found["workflow_id"]) == (
        "scripted-rules",
        "answered",
        "workflow-1",
    )
    assert from_python(found["workflow_python"]) == read(found["workflow_json"]).workflow
    assert [run["acts"] for run in found["simulated"]] == [True, False]
    (effect,) = found["simulated"][0]["effects"]
    assert effect["values"]["tags"] == ["VIP"]
    assert [message["role"] for message in found["messages"]][::9] == ["user", "assistant"]
    assert found["counts"]["num_tool_calls"] == 4


@pytest.mark.parametrize("spelling", ["python", "agent", "flow"])
def test_a_file_is_edited_and_only_what_was_asked_changes(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], spelling: str
) -> None:
    from schemas.workflow import write

    workflow = from_python(FLOW.python)
    text = to_python(workflow) if spelling == "python" else write(workflow, None, spelling)  # type: ignore[arg-type]
    path = tmp_path / "workflow.txt"
    path.write_text(text, encoding="utf-8")
    request = "change the tag VIP to GOLD"
    assert main(["ask", request, "--workflow", str(path), "--json"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert found["workflow_python"] == to_python(workflow).replace("VIP", "GOLD")
    if spelling != "python":
        assert found["workflow_json"] == text.replace("VIP", "GOLD")
    assert main(["ask", request, "--workflow", str(path)]) == 0
    shown = capfdbinary.readouterr().out.decode()
    changed = shown.partition("What changed in it:\n\n")[2].partition("\n\n")[0].splitlines()
    assert [line[0] for line in changed] == ["-", "+"]


def test_what_happened_is_recorded(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["ask", VIP, "--record", str(tmp_path), "--json"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    (path,) = tmp_path.glob("*.jsonl")
    events = [read_event(line) for line in path.read_bytes().splitlines()]
    assert messages_of(events) == found["messages"]
    assert (events[-1].kind, events[-1].value["reason"], events[-1].model) == (
        *("ended", "answered", "scripted-rules"),
    )


def test_an_answer_without_a_workflow_is_an_answer(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["ask", "what is Flow?"]) == 0
    shown = capfdbinary.readouterr().out.decode()
    assert "Flow is Shopify's automation" in shown
    assert "Python" not in shown
    assert shown.endswith("\n\nNo workflow was saved in this conversation.\n")


def test_a_workflow_that_never_acts_is_told_to(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["ask", "tag orders under 100 and over 500 as VIP"]) == 0
    shown = capfdbinary.readouterr().out.decode()
    assert "No event was found on which it acts: its conditions may contradict each other" in shown


def test_a_run_in_which_a_step_fails_is_titled_so() -> None:
    message = "{% if order.totalPriceSet.shopMoney.amount > 1.0 %}x{% endif %}"
    failing = f"""@order_created
def f(order):
    send_email(address="a@b.com", subject="s", message="{message}")
"""
    lines = [line for line in run_lines(from_python(failing)) if line.startswith("An event")]
    assert [line.partition(",")[0] for line in lines] == ["An event on which a step fails"]
    assert [run["fails"] for run in runs(from_python(failing))] == [True]


def test_a_long_request_is_not_shown_whole(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["ask", "tag " * 25_000]) == 0
    shown = capfdbinary.readouterr().out.decode()
    assert "(100000 characters)" in shown
    assert len(shown) < 5_000


def test_lines_of_python_are_counted_without_the_last_line_end() -> None:
    for python, told in (("import os", "(1 line of Python)"), ("a\nb\n", "(2 lines of Python)")):
        call = {"function": {"name": "save", "arguments": json.dumps({"workflow_python": python})}}
        assert told in "".join(message_lines([{"role": "assistant", "content": "", "tool_calls": [call]}]))


def test_what_a_merchant_or_a_file_says_does_not_drive_the_terminal(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    assert main(["ask", 'tag orders over 500 as "\x1b[2J\x07"']) == 0
    shown = capfdbinary.readouterr().out
    assert b"\x1b" not in shown
    assert b"\x07" not in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["  "], "say what should happen"),
        ([VIP, "--model", "gpt"], "--model is scripted, or the base URL"),
        ([VIP, "--model", "http://user:secret@h/v1", "--name", "m"], "--model is scripted, or the base URL"),
        ([VIP, "--model", "http://127.0.0.1:9/v1"], "with --name"),
        ([VIP, "--workflow", "nowhere.flow"], "cannot read nowhere.flow"),
        ([VIP, "--workflow", "README.md"], "README.md is no workflow that can be edited"),
        ([VIP, "--record", "README.md"], "cannot record in README.md"),
        ([VIP, "--checkpoint", "nowhere"], "nowhere"),
        ([VIP, "--seconds", "0"], "--seconds"),
        ([VIP, "--record", ""], "--record is empty"),
        ([VIP, "--workflow", ""], "--workflow is empty"),
        ([VIP, "--name", "m"], "--name is for a server"),
        ([VIP, "--stream"], "--stream is for a server"),
        ([VIP, "--model", "scripted", "--checkpoint", "a"], "not both"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: list[str], sentence: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["ask", *arguments]) == 2
    out, err = capfd.readouterr()
    assert sentence in err
    assert (out, err.count("\n"), "secret" in err) == ("", 1, False)


KEY = "sk-5ecre7"


@needs_openai
@pytest.mark.parametrize("as_json", [True, False])
def test_a_servers_model_answers_and_its_key_is_shown_nowhere(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, as_json: bool
) -> None:
    monkeypatch.setenv("SIDEWHEEL_API_KEY", KEY)
    more = ["--record", str(tmp_path), *(["--json"] if as_json else [])]
    with served(said({"role": "assistant", "content": f"Your key is {KEY}."})) as server:
        assert main(["ask", VIP, "--model", server.url, "--name", "theirs", *more]) == 0
    out, err = capfd.readouterr()
    events = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert "Your key is [key]." in out
    assert KEY not in out + err
    assert KEY.encode() not in events


@needs_openai
def test_an_answer_that_claims_a_workflow_is_marked(capfd: pytest.CaptureFixture[str]) -> None:
    claim = "I created the workflow and activated it for you!"
    with served(said({"role": "assistant", "content": claim})) as server:
        assert main(["ask", VIP, "--model", server.url, "--name", "m"]) == 0
    out = capfd.readouterr().out
    assert out.index(claim) < out.index("No workflow was saved in this conversation.")


@needs_openai
@pytest.mark.parametrize(
    ("status", "reason", "code"), [(503, "model_unavailable", 75), (401, "model_refused", 1)]
)
def test_a_model_that_gives_no_answer_is_a_sentence_and_recorded(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, status: int, reason: str, code: int
) -> None:
    with served((status, {"error": {"message": "no"}})) as server:
        assert main(["ask", VIP, "--model", server.url, "--name", "m", "--record", str(tmp_path)]) == code
    err = capfd.readouterr().err
    assert err.startswith(f"sidewheel: m ended without an answer ({reason})")
    assert server.url in err
    assert ".." not in err
    assert ("SIDEWHEEL_API_KEY" in err) == (reason == "model_refused")
    (path,) = tmp_path.glob("*.jsonl")
    *_, last = map(read_event, path.read_bytes().splitlines())
    assert (last.kind, last.value["reason"]) == ("ended", reason)


def test_the_scripted_model_needs_no_extra() -> None:
    """In a process that cannot import what the extras bring."""
    code = """
import sys
for name in ("openai", "httpx2", "fastapi", "uvicorn", "torch", "transformers", "confluent_kafka"):
    sys.modules[name] = None
from jobs.cli import main
sys.exit(main(["ask", "tag orders over 500 as VIP"]))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "simulated" in ran.stdout
