"""The edit lens: Python that was edited, written over the file it came from.

The laws hold for any edit of any file: no edit gives the bytes back; what is written means what the Python
says, and nothing that the edit did not touch changes.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.generator import Plan, draw_block
from schemas.errors import WorkflowRefused
from schemas.workflow import Layout, canonical, from_python, read, to_python, write
from schemas.workflow.model import Workflow
from tests.schemas.workflow.small import compact
from tests.schemas.workflow.strategies import documents

SIGNATURE = "0" * 64
quick = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.reuse, Phase.generate],
    report_multiple_bugs=False,
)


def spelled(document: dict[str, Any], spelling: str) -> str:
    if spelling == "flow":
        return f"{SIGNATURE}:{compact(document)}"
    return json.dumps(document, ensure_ascii=False, indent=None if spelling == "agent" else 2)


OPTIONAL = ("step_position", "config_field_values", "description", "note", "name")


@st.composite
def loose(draw: st.DrawFn) -> dict[str, Any]:
    """A document that leaves optional keys out and has the others in any order."""
    document = draw(documents())
    root = document["root"]
    for part in (*root["steps"], *root["links"]):
        gone = draw(st.sets(st.sampled_from(OPTIONAL)))
        entries = {key: value for key, value in part.items() if key not in gone}
        part.clear()
        part.update((key, entries[key]) for key in draw(st.permutations(sorted(entries))))
    if draw(st.booleans()):
        del root["workflow_name"]
    return document


DOCUMENT = st.one_of(documents(), loose())
SPELLING = st.sampled_from(["flow", "agent", "agent indented"])


def can_be_agent_text(workflow: Workflow) -> bool:
    """Whether condition text has a word for each operator."""
    return "new_one?" not in str(workflow)


@quick
@given(DOCUMENT, DOCUMENT, SPELLING)
def test_whatever_the_edit_the_file_means_what_the_python_says(
    before: dict[str, Any], after: dict[str, Any], spelling: str
) -> None:
    """The hardest edit: another workflow altogether."""
    found, wanted = read(spelled(before, spelling)), read(spelled(after, spelling)).workflow
    layout = Layout.from_json(found.layout.to_json())
    if spelling != "flow" and not can_be_agent_text(wanted):
        with pytest.raises(WorkflowRefused, match="condition text"):
            write(wanted, layout)
        return
    text = write(from_python(to_python(wanted)), layout)
    assert canonical(read(text).workflow) == canonical(wanted)
    assert write(wanted, found.layout) == text


# -- one edit, made in the JSON by hand and in the Python through the lens: the same bytes ---------------

Edit = Callable[[dict[str, Any], random.Random], bool]


def values_of(root: dict[str, Any], field: str | None) -> list[dict[str, Any]]:
    """Entries that hold free text (`field` None), or the values of one field."""
    free = ("subject", "message", "address", "query", "script", "note", "body")
    return [
        entry
        for each in root["steps"]
        for entry in each.get("config_field_values", ())
        if entry["value"]
        and (entry["config_field_id"] in free if field is None else entry["config_field_id"] == field)
    ]


def edit_a_text(root: dict[str, Any], draw: random.Random) -> bool:
    found = values_of(root, None)
    if found:
        draw.choice(found)["value"] += " and so on"
    return bool(found)


def edit_a_literal(root: dict[str, Any], draw: random.Random) -> bool:
    def change(node: dict[str, Any]) -> dict[str, Any]:
        right = node.get("rhs", {})
        text = node.get("value_type") == "EnvironmentScalarDefinition:String" and right.get("value")
        return {"rhs": right | {"value": right["value"] + "-new"}} if text else {}

    return edited_tree(root, draw, change)


def edit_an_operator(root: dict[str, Any], draw: random.Random) -> bool:
    other = {"==": "!=", "!=": "==", "ANY": "ALL", "ALL": "ANY", ">": "<"}
    return edited_tree(
        root, draw, lambda node: {"operator": other[name]} if (name := node.get("operator")) in other else {}
    )


def edited_tree(
    root: dict[str, Any], draw: random.Random, change: Callable[[dict[str, Any]], dict[str, str]]
) -> bool:
    """Change one node of one condition tree."""
    trees = [entry for entry in values_of(root, "condition") if entry["value"].startswith("{")]
    if not trees:
        return False
    entry = draw.choice(trees)
    tree = json.loads(entry["value"])
    style = compact if compact(tree) == entry["value"] else partial(json.dumps, ensure_ascii=False)
    nodes = [(node, change(node)) for node in nodes_of(tree) if change(node)]
    if nodes:
        node, new = draw.choice(nodes)
        node.update(new)
        entry["value"] = style(tree)
    return bool(nodes)


def nodes_of(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for part in tree.values():
            yield from nodes_of(part)


def remove_a_step(root: dict[str, Any], draw: random.Random) -> bool:
    others = [each for each in root["steps"] if each["task_type"] != "TRIGGER"]
    twins = Counter(compact([each["task_id"], each["config_field_values"]]) for each in others)
    if not others or max(twins.values()) > 1:
        return False  # of two equal steps nobody can say which one went
    gone = draw.choice(others)["step_id"]
    root["steps"] = [each for each in root["steps"] if each["step_id"] != gone]
    root["links"] = [each for each in root["links"] if gone not in (each["from_step_id"], each["to_step_id"])]
    return True


def change_the_trigger(root: dict[str, Any], draw: random.Random) -> bool:
    (trigger,) = [each for each in root["steps"] if each["task_type"] == "TRIGGER"]
    other = {"shopify::admin::order_created": "shopify::admin::order_paid"}
    trigger["task_id"] = other.get(trigger["task_id"], "shopify::admin::order_created")
    return not trigger["config_field_values"]


EDITS: tuple[Edit, ...] = (
    edit_a_text,
    edit_a_literal,
    edit_an_operator,
    remove_a_step,
    change_the_trigger,
)


def through_the_lens(before: str, after: str) -> str:
    """`before`, edited by the Python of `after`."""
    layout = Layout.from_json(read(before).layout.to_json())
    return write(from_python(to_python(read(after).workflow)), layout)


def unsigned(text: str) -> str:
    return text[text.index("{") :]


def edited_by_hand(text: str, edit: Edit, draw: random.Random) -> str | None:
    """The file after the edit; None where there is nothing to edit."""
    document = json.loads(unsigned(text))
    for style in (
        compact,
        partial(json.dumps, ensure_ascii=False),
        partial(json.dumps, ensure_ascii=False, indent=2),
        lambda value: json.dumps(value, ensure_ascii=False, indent=2) + "\n",
    ):
        if style(document) == unsigned(text):
            return style(document) if edit(document.get("root", document), draw) else None
    return None


@pytest.fixture(scope="module")
def files(shared_data: Path) -> list[str]:
    """Real files, and files of generated merchants in every spelling."""
    found = [path.read_bytes().decode() for path in sorted(shared_data.glob("flow_*/*.flow"))]
    plan = Plan(seed=20261125, num=400, week_end=1_795_478_400, bad_share=0.0)
    found += [json.loads(line)["workflow"] for number in range(2) for line in draw_block(plan, number).lines]
    return found


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_one_edit_changes_its_own_bytes_alone(edit: Edit, files: list[str]) -> None:
    tried = 0
    for number, text in enumerate(files):
        after = edited_by_hand(text, edit, random.Random(number))
        if after is not None:
            tried += 1
            assert through_the_lens(text, after) == after, text
    assert tried > 50
