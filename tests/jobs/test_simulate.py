"""`sidewheel simulate`: what a workflow would do, for a person and as JSON; exit 0 and 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs._effects import MOST_TURNS
from jobs.cli import main
from pipelines.generator.language import language_workflow
from schemas.workflow import from_python, write
from tests.serving.simulator.everything import EVERYTHING, ORDER

VIP = """\
@order_created
def tag_big_orders(order):
    if order.total_price > 500:
        add_order_tags(order_id=order.id, tags=["VIP"])
        for line_item in order.line_items:
            if "lamp" in line_item.title:
                log_output(output="{{ lineItemsForeachitem.title }}")
        wait(duration="PT36H")
        send_email(address="a@b.c", subject="Big order", message="{{ order.name }}\\n\\nbye")
    else:
        capture_payment(order_id=order.id)
    with unconnected():
        log_output(output="never")
"""
ROOTS: Any = {
    "order": {
        "id": "gid://shopify/Order/1",
        "name": "#1",
        "totalPrice": "613.20",
        "lineItems": [{"title": "Soft lamp"}, {"title": "Sofa"}],
    }
}


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    path = tmp_path / "vip.py"
    path.write_text(VIP)
    return path


@pytest.fixture
def event(tmp_path: Path) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"roots": ROOTS, "time": "2026-11-02T08:00:00Z"}))
    return path


def shown(capsysbinary: pytest.CaptureFixture[bytes], *arguments: object) -> str:
    assert main(["simulate", *map(str, arguments)]) == 0
    return capsysbinary.readouterr().out.decode()


def test_a_run_is_told_line_by_line(
    workflow: Path, event: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert shown(capsysbinary, workflow, "--event", event) == (
        "Tag big orders: Order created, 2026-11-02 08:00 UTC\n"
        "  order.id: gid://shopify/Order/1\n"
        "  order.name: #1\n"
        "  order.totalPrice: 613.20\n"
        "  order.lineItems 1.title: Soft lamp\n"
        "  order.lineItems 2.title: Sofa\n"
        "\n"
        "If (order.totalPrice > 500): yes\n"
        "    order.totalPrice is 613.20\n"
        "  Add order tags: order_id gid://shopify/Order/1, tags VIP\n"
        "  For each of 2 in order.lineItems:\n"
        "    Item 1 of 2: Soft lamp\n"
        "      If (lineItemsForeachitem.title include? 'lamp'): yes\n"
        "          lineItemsForeachitem.title is Soft lamp\n"
        "        Log output: output Soft lamp\n"
        "    Item 2 of 2: Sofa\n"
        "      If (lineItemsForeachitem.title include? 'lamp'): no\n"
        "          lineItemsForeachitem.title is Sofa\n"
        "  Wait PT36H, until 2026-11-03 20:00 UTC\n"
        "  Send internal email\n"
        "    address: a@b.c\n"
        "    subject: Big order\n"
        "    message:\n"
        "    | #1\n"
        "    |\n"
        "    | bye\n"
        "\n"
        "Not reached: Capture payment, Log output\n"
        "\n"
        "1 action, 1 log line, 1 wait, 1 mail. This was a simulation: nothing was sent or changed.\n"
    )


def test_what_the_event_lacks_and_what_goes_wrong_is_told(
    workflow: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    empty = tmp_path / "empty.json"
    empty.write_text('{"roots": {}, "time": "2026-11-02T08:00:00+02:00"}')
    out = shown(capsysbinary, workflow, "--event", empty)
    head = "Tag big orders: Order created, 2026-11-02 06:00 UTC\n  no order, which the workflow reads\n"
    assert out.startswith(head)
    assert "If (order.totalPrice > 500): no\n    order.totalPrice is nothing\n" in out
    assert (
        "  Error in Capture payment: order.id does not exist here, so there is nothing to work on\n"
        "      (REQUIRED_VALUE_MISSING)\n"
        "    nothing after it runs on this path\n"
    ) in out
    assert out.endswith("1 error. This was a simulation: nothing was sent or changed.\n")


def test_line_ends_around_a_value_are_told_and_not_shown(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "w.py"
    file.write_text("@order_created\ndef w(order):\n    log_output(output='\\n\\n  {{ 5 }}\\n')\n")
    assert "Log output\n  output: 5 (with line ends around it)\n" in shown(capsysbinary, file)


def test_branches_of_one_port_are_told_beside_each_other(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "beside.py"
    first, second, third = (f'    log_output(output="{word}")\n' for word in "abc")
    branch = f"    with branch():\n    {first}    {second}"
    file.write_text(f"@order_created\ndef beside(order):\n{branch}{third}")
    _, _, told = shown(capsysbinary, file).partition("\n\n")
    assert told.startswith(
        "Log output: output a\nLog output: output b\nand beside it, in no set order:\nLog output: output c\n"
    )


def test_of_a_long_loop_the_first_items_are_told(
    workflow: Path, event: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    many = {**ROOTS["order"], "lineItems": [{"title": f"lamp {number}"} for number in range(30)]}
    event.write_text(json.dumps({"roots": {"order": many}, "time": "2026-11-02T08:00:00Z"}))
    out = shown(capsysbinary, workflow, "--event", event)
    assert out.count("Item ") == MOST_TURNS == 10
    assert "\n    and 20 more: 20 log lines; --json has all\n  Wait " in out
    assert "30 log lines" in out
    assert "and 3 more, which --json has\n" in out  # of 33 values of the event


def test_json_holds_the_whole_run(
    workflow: Path, event: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    found = json.loads(shown(capsysbinary, workflow, "--event", event, "--json"))
    assert found["workflow"] == "Tag big orders"
    assert found["event"] == {"roots": ROOTS, "time": "2026-11-02T08:00:00Z"}
    first, second, *_ = found["effects"]
    assert first["kind"] == "branch"
    assert second == {
        "kind": "action",
        "leaves": True,
        "step": 2,
        "label": "Add order tags",
        "task_id": "shopify::admin::add_order_tags",
        "values": {"order_id": "gid://shopify/Order/1", "tags": ["VIP"]},
        "after": [0],
    }


def test_what_no_type_has_is_told(
    tmp_path: Path, workflow: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    order = {**ROOTS["order"], "custommer": {}, "customer": {"number_of_orders": 3}, "shippingAddress": "x"}
    order["lineItems"] = [{"title": "Soft lamp", "titel": "x"}] * 2
    path = tmp_path / "odd.json"
    for roots, expected in (
        (
            {"order": order, "ordr": {}},
            [
                "LineItem has no field titel; did you mean title?",
                "Order has no field custommer; did you mean customer?",
                "Customer has no field number_of_orders; did you mean numberOfOrders?",
                "order.shippingAddress is an object (MailingAddress), and the event has a text there",
                "nothing in this workflow reads a root ordr; did you mean order?",
            ],
        ),
        ({"order": "#1"}, ["order is an object (Order), and the event has a text there"]),
        (ROOTS, []),
    ):
        path.write_text(json.dumps({"roots": roots, "time": "2026-11-02T08:00:00Z"}))
        text = shown(capsysbinary, workflow, "--event", path)
        assert [line for line in expected if f"  {line}\n" not in text] == []
        assert json.loads(shown(capsysbinary, workflow, "--event", path, "--json"))["warnings"] == expected


def test_without_an_event_one_is_made_of_the_seed(
    workflow: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    runs = [json.loads(shown(capsysbinary, workflow, "--seed", seed, "--json")) for seed in (0, 0, 1, 2, 3)]
    assert runs[0] == runs[1]
    assert len({json.dumps(run["event"]) for run in runs}) == 4
    for run in runs:
        assert set(run["event"]["roots"]) == {"order"}
        assert set(run["event"]["roots"]["order"]) == {"id", "name", "totalPrice", "lineItems"}


def test_every_kind_of_step_is_told(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    file, event = tmp_path / "w.py", tmp_path / "event.json"
    file.write_text(EVERYTHING)
    event.write_text(json.dumps({"roots": {"order": ORDER}, "time": "2026-11-02T08:00:00Z"}))
    out = shown(capsysbinary, file, "--event", event)
    for line in (
        "  query: status:open\n",
        "Count of getOrderData: ",
        "Sum of order.lineItems.quantity: 3\n",
        "    order.lineItems has 2 items\n",
        'Run code\n  given: {"order": {"name": "#1"}}\n  gives: {"x": "#1"}\n',
        "Send HTTP request: method POST, url https://example.com/#1, body #1\n",
        "Send Admin API request: orderUpdate\n  arguments: {",
        "1 action, 2 mails, 1 wait, 1 web request, 1 Admin API request, 1 log line.",
    ):
        assert line in out


def test_the_same_workflow_in_any_spelling_does_the_same(
    tmp_path: Path, event: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    told = set()
    for spelling in ("flow", "agent", "cli"):
        file = tmp_path / f"{spelling}.json"
        file.write_text(write(from_python(VIP), None, spelling))
        told.add(shown(capsysbinary, file, "--event", event))
    assert len(told) == 1


def test_real_and_hostile_files_are_told_in_printable_lines(
    tmp_path: Path, shared_data: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    files = sorted(shared_data.glob("flow_*/*.flow"))
    for seed in range(25):
        files.append(tmp_path / f"{seed}.flow")
        files[-1].write_text(write(language_workflow(seed, valid=False), None, "flow"), encoding="utf-8")
    for file in files:
        out = shown(capsysbinary, file)
        assert out.endswith("This was a simulation: nothing was sent or changed.\n")
        assert all(line.isprintable() for line in out.split("\n"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("hello", "event.json is no event: "),
        ("[]", 'event.json is no event: an event is {"roots": {...}'),
        ('{"roots": {}}', "event.json is no event: time is missing; an event is "),
        ('{"time": "2026-11-02T08:00:00Z"}', "event.json is no event: roots is missing; an event is "),
        ('{"roots": {}, "time": "soon"}', "event.json is no event: time is no date; an event is "),
        ('{"roots": {}, "time": 5}', "event.json is no event: time is no date; an event is "),
        (
            '{"roots": {}, "time": "2026-11-02"}',
            "event.json is no event: roots is an object and time has",
        ),
        ('{"roots": {}, "time": "0001-01-01T00:00:00Z"}', "event.json is no event: time lies in the years"),
        ('{"roots": [], "time": "2026-11-02T08:00:00Z"}', "event.json is no event: roots is an object"),
    ],
)
def test_what_is_no_event_is_one_sentence_and_exit_2(
    text: str, wrong: str, workflow: Path, event: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event.write_text(text)
    assert main(["simulate", str(workflow), "--event", str(event)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert wrong in err


def test_what_cannot_be_read_is_one_sentence_and_exit_2(
    workflow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.write_text("import os\n")
    assert main(["simulate", str(other)]) == 2
    assert main(["simulate", str(tmp_path / "gone")]) == 2
    assert main(["simulate", str(workflow), "--event", str(tmp_path / "gone")]) == 2
    assert main(["simulate", str(workflow), "--seed", "-1"]) == 2
    assert main(["simulate"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 5)
    assert "other is no workflow: " in err
