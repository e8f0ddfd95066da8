"""What a workflow reads of its environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pipelines.generator.language import language_workflow
from schemas.catalog.environment import follow
from schemas.workflow import Workflow, from_python, read
from serving.simulator.reads import Reading, Tree, reads


def tree(*lines: str) -> Mapping[str, Tree]:
    """What an order workflow of these lines reads."""
    return reads(from_python("@order_created\ndef w(order):\n" + "".join(f"    {line}\n" for line in lines)))


def leaves(found: Tree, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not found:
        yield above
    for field, below in found.items():
        yield from leaves(below, (*above, field))


def kinds(workflow: Workflow, found: Mapping[str, Tree]) -> Iterator[tuple[str, str]]:
    environment = Reading(workflow).environment
    for root, fields in found.items():
        types = (environment.root(step, root) for step in range(len(workflow.steps)))
        notation = next((kind for kind in types if kind), "")
        for leaf in leaves(fields, (root,)):
            path = ".".join(leaf)
            yield path, follow(path, notation, environment.local).kind if notation else "untyped"


def test_conditions_loops_and_references_are_read_at_their_lists() -> None:
    assert tree(
        "if any(any(tag == 'WOM' for tag in line.product.tags) for line in order.line_items):",
        "    for line_item in order.line_items:",
        "        for variant in line_item.product.variants:",
        "            log_output(output='{{ variantsForeachitem.sku }} of {{ lineItemsForeachitem.title }}')",
        "if order.customer is not None:",
        "    add_order_tags(order_id=order.id, tags=['{{ order.customer.email }}'])",
    ) == {
        "order": {
            "lineItems": {"title": {}, "product": {"tags": {}, "variants": {"sku": {}}}},
            "customer": {"email": {}},
            "id": {},
        }
    }


LIQUID = [
    (
        "{% for x in order.lineItems %}{{ x.name }}{% endfor %}{{ x.sku }}",
        {"order": {"lineItems": {"name": {}}}},
    ),
    ("{% assign p = order.customer %}{{ p.email }}", {"order": {"customer": {"email": {}}}}),
    ('{{ order.lineItems | map: "title" | join: "," }}', {"order": {"lineItems": {"title": {}}}}),
    (
        '{% assign big = order.lineItems | where: "sku", "A" %}{% for x in big %}{{ x.name }}{% endfor %}',
        {"order": {"lineItems": {"sku": {}, "name": {}}}},
    ),
    ("{{ order.lineItems[0].sku }}", {"order": {"lineItems": {"sku": {}}}}),
    (
        "{{ order.lineItems.first.sku }}{{ order.tags.size }}",
        {"order": {"lineItems": {"sku": {}}, "tags": {}}},
    ),
    ("{{ 5 | plus: order.number }}", {"order": {"number": {}}}),
    ("{% if shop.name contains order.name %}yes{% endif %}", {"shop": {"name": {}}, "order": {"name": {}}}),
    ("{{ order.totlPrice }}{{ secrets.key }}{{ 'now' | date: '%Y' }}", {}),
]


@pytest.mark.parametrize(("text", "expected"), LIQUID)
def test_liquid_is_read(text: str, expected: Mapping[str, Tree]) -> None:
    found = tree(f"log_output(output={text!r})")
    assert found == expected


def test_queries_of_code_and_outputs_of_steps_are_read() -> None:
    assert tree(
        "orders = get_orders(query='tag:{{ order.name }}', sort_by={}, max_root_records=5)",
        "num_orders = count(orders)",
        "total = sum_of(o.total_price for o in orders)",
        "if num_orders > 1:",
        "    log_output(output='{{ sum }}')",
    ) == {"order": {"name": {}}, "getOrderData": {"totalPrice": {}}, "count": {}, "sum": {}}


@pytest.mark.parametrize("folder", ["flow_exports", "flow_format_thirdparty"])
def test_every_leaf_of_the_real_files_is_there(shared_data: Path, folder: str) -> None:
    files = sorted((shared_data / folder).glob("*.flow"))
    assert files
    for file in files:
        workflow = read(file.read_text(encoding="utf-8")).workflow
        found = reads(workflow)
        assert [path for path, kind in kinds(workflow, found) if kind == "object"] == []


def test_every_leaf_of_generated_workflows_is_there() -> None:
    found: Counter[str] = Counter()
    for seed in range(300):
        workflow = language_workflow(seed)
        for _, kind in kinds(workflow, reads(workflow)):
            found[kind] += 1
    assert set(found) <= {"scalar", "scalar in list", "list", "object"}
    assert found["object"] <= 1  # a union has no field of its own
    assert found["scalar"] > 500


def test_hostile_workflows_are_read_too() -> None:
    assert sum(bool(reads(language_workflow(seed, valid=False))) for seed in range(200)) > 50
