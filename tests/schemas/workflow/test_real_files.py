"""Real exports and files of the same format by others, read in place: all of them come back without loss."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from schemas.workflow import SPELLINGS, Layout, canonical, from_python, inspect, read, to_python, write

GOLDEN = Path(__file__).parent / "golden"
CATFACE = "flow_exports/Cody-traded-clothes__cat-face-trade__"
FILES = [
    f"{CATFACE}Capture_payment_if_order_is_not_high_fraud_risk.flow",
    f"{CATFACE}Get_notified_when_new_draft_order_created.flow",
    f"{CATFACE}New_Workflow.flow",
    f"{CATFACE}Segment_customers_by_purchase_behavior.flow",
    f"{CATFACE}Send_email_summary_with_all_unfulfilled_orders_older_than_2_days.flow",
    "flow_exports/Subhan-Tariq__-Shopify-Flow-Inventory-Sync__Inventory_Adjustment_workflow.flow",
    "flow_exports/aghorilabs__shopify-order-payment-gateway-tagger__Tag_orders_by_payment_gateway.flow",
    "flow_exports/birdchime-help__unnamed-repository__attach-delivery-date-in-order-metafield.flow",
    "flow_exports/marioloncarek__melli-aromatica-cjenik__anchor-price-backfill.flow",
    "flow_exports/marioloncarek__melli-aromatica-cjenik__anchor-price-reset-on-new-variant.flow",
    "flow_format_thirdparty/Spinaxx__kori-collectibles__4bfaa0b__Redeem_loyalty_points.flow",
    "flow_format_thirdparty/Spinaxx__kori-collectibles__5483439__Redeem_loyalty_points.flow",
    "flow_format_thirdparty/Spinaxx__kori-collectibles__d8f4ae9__Deduct_loyalty_points_on_order_cancelled.flow",
    "flow_format_thirdparty/larrycwilliams__pod2twc__hoh.flow",
    "flow_format_thirdparty/public-notes__unnamed-repository__auto-redirect-archived-products-to-category.flow",
]
GOLDEN_PAIRS = {
    "capture_payment": FILES[0],
    "segment_customers": FILES[3],
    "send_email_summary": FILES[4],
}


@pytest.fixture(params=FILES, ids=lambda name: Path(name).stem)
def text(request: pytest.FixtureRequest, shared_data: Path) -> str:
    return (shared_data / request.param).read_bytes().decode()


def body_of(text: str) -> str:
    return text[65:] if text[64:66] == ":{" else text


def test_the_list_names_every_real_file(shared_data: Path) -> None:
    folders = ("flow_exports", "flow_format_thirdparty")
    found = {f"{folder}/{path.name}" for folder in folders for path in (shared_data / folder).glob("*.flow")}
    assert found == set(FILES)


def test_a_real_file_comes_back_byte_for_byte_and_means_the_same(text: str) -> None:
    found = inspect(text)
    spelling = "flow" if text[64] == ":" else "agent"  # one file has lost its signature
    assert (found.spelling, found.exact, found.semantic) == (spelling, True, True)
    assert [problem for problem in found.problems if problem.severity == "error"] == []
    document = read(text)
    again = from_python(found.python)
    assert canonical(again) == canonical(document.workflow)
    assert write(again, Layout.from_json(found.layout)) == text


def test_its_python_is_the_one_canonical_text(text: str) -> None:
    python = to_python(read(text).workflow)
    ast.parse(python)
    assert to_python(from_python(python)) == python
    found = inspect(python)
    assert (found.spelling, found.exact, found.semantic) == ("python", True, True)


def test_ids_positions_and_signature_are_not_in_its_python(text: str) -> None:
    document = read(text)
    python = to_python(document.workflow)
    for step in document.layout.steps:
        assert str(step.id) not in python
    assert document.layout.signature is None or document.layout.signature not in python


def test_one_edited_literal_changes_the_bytes_of_that_value_alone(text: str) -> None:
    document = read(text)
    body, python = body_of(text), to_python(document.workflow)
    words = {
        node.value
        for node in ast.walk(ast.parse(python))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r'[^"\\\n{}]{3,}', node.value)
    }
    once = sorted(word for word in words if python.count(word) == 1 and body.count(word) == 1)
    assert once or "{% for" in python  # one file holds a Liquid loop and no other literal
    for word in once:
        edited = write(from_python(python.replace(word, "Edited here")), document.layout)
        assert edited == body.replace(word, "Edited here")


def test_the_signature_is_dropped_as_soon_as_the_body_changes(text: str) -> None:
    document = read(text)
    signed = text[:65] if text[64] == ":" else "{"
    assert write(document.workflow, document.layout).startswith(signed)
    python = to_python(document.workflow)
    renamed = python.replace("\ndef ", "\ndef other_", 1)
    renamed = renamed.replace('    """', '    """Other ', 1) if '):\n    """' in renamed else renamed
    edited = write(from_python(renamed), document.layout)
    assert edited != body_of(text)
    assert edited.startswith("{")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_reads_back_to_the_same_workflow(text: str, spelling: str) -> None:
    document = read(text)
    with_layout = read(write(document.workflow, document.layout, spelling))
    assert canonical(with_layout.workflow) == canonical(document.workflow)
    alone = read(write(document.workflow, None, spelling))
    assert canonical(alone.workflow) == canonical(document.workflow)
    assert alone.layout.spelling == spelling or spelling == "flow"  # nobody but Shopify can sign


@pytest.mark.parametrize("name", GOLDEN_PAIRS)
def test_the_golden_python_is_what_the_real_file_reads_as(name: str, shared_data: Path) -> None:
    text = (shared_data / GOLDEN_PAIRS[name]).read_bytes().decode()
    golden = (GOLDEN / f"{name}.py.txt").read_text(encoding="utf-8")
    document = read(text)
    assert to_python(document.workflow) == golden
    assert write(from_python(golden), document.layout) == text
