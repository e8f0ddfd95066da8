"""The edit lens: Python that was edited, written over the file it came from.

The laws hold for any edit of any file: no edit gives the bytes back; what is written means what the Python
says, and nothing that the edit did not touch changes.
"""

from __future__ import annotations

import ast
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.generator import Plan, draw_block
from pipelines.generator.language import SPELLINGS, language_document
from schemas.errors import WorkflowRefused
from schemas.workflow import Layout, canonical, from_python, read, to_python, write
from schemas.workflow.model import Workflow
from tests.schemas.workflow.small import compact, document, export, link, step
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
    text, refused = "", ""
    try:
        text = write(from_python(to_python(wanted)), layout)
    except WorkflowRefused as refusal:
        refused = refusal.code
    if refused:
        assert spelling != "flow"
        assert not can_be_agent_text(wanted)
        return
    assert canonical(read(text).workflow) == canonical(wanted)
    assert write(wanted, found.layout) == text


# -- one edit, made in the JSON by hand and in the Python through the lens: the same bytes ---------------

STYLES: tuple[Callable[[Any], str], ...] = (
    compact,
    partial(json.dumps, ensure_ascii=False),
    partial(json.dumps, ensure_ascii=False, indent=2),
    lambda value: json.dumps(value, ensure_ascii=False, indent=2) + "\n",
)
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
        text = (
            node.get("value_type") == "EnvironmentScalarDefinition:String"
            and right.get("comparison_value_type") == "LiteralValue"
            and right["value"]
        )
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
    style = next((style for style in STYLES if style(tree) == entry["value"]), None)
    if style is None:
        return False
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
    twins = Counter(compact([each["task_id"], each.get("config_field_values") or []]) for each in others)
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
    return not trigger.get("config_field_values")


def edit_a_list(root: dict[str, Any], draw: random.Random) -> bool:
    for entry in values_of(root, "tags"):
        try:
            tags = json.loads(entry["value"])
        except ValueError:
            continue
        style = next((style for style in STYLES if style(tags) == entry["value"]), None)
        if style and isinstance(tags, list) and len(tags) > 1:  # a list of one says nothing of its style
            entry["value"] = style([*tags, "one more"])
            return True
    return False


def edit_a_number(root: dict[str, Any], draw: random.Random) -> bool:
    found = [entry for entry in values_of(root, "max_root_records") if entry["value"].isdecimal()]
    for entry in found[:1]:
        entry["value"] = str(int(entry["value"]) + 1)
    return bool(found)


def edit_an_object(root: dict[str, Any], draw: random.Random) -> bool:
    """Another object for an action, in the wrapper that the file uses."""
    found = [entry for entry in values_of(root, "order_id") if "order.id" in entry["value"]]
    if found:
        entry = draw.choice(found)
        entry["value"] = entry["value"].replace("order.id", "order.customer.id")
    return bool(found)


EDITS: tuple[Edit, ...] = (
    edit_a_list,
    edit_a_number,
    edit_an_object,
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
    for style in STYLES:
        if style(document) == unsigned(text):
            return style(document) if edit(document.get("root", document), draw) else None
    return None


@pytest.fixture(scope="module")
def files(shared_data: Path) -> list[str]:
    """Real files, and files of generated merchants in every spelling."""
    found = [path.read_bytes().decode() for path in sorted(shared_data.glob("flow_*/*.flow"))]
    plan = Plan(seed=20261125, num=400, week_end=1_795_478_400, bad_share=0.0)
    found += [json.loads(line)["workflow"] for number in range(2) for line in draw_block(plan, number).lines]
    found += [language_document(seed, spelling) for seed in range(30) for spelling in SPELLINGS]
    return found


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_one_edit_changes_its_own_bytes_alone(edit: Edit, files: list[str]) -> None:
    tried = 0
    for number, text in enumerate(files):
        after = edited_by_hand(text, edit, random.Random(number))
        if after is not None:
            tried += 1
            assert through_the_lens(text, after) == after, text
    assert tried > 10


# -- edits of the Python that no other file shows -------------------------------------------------------


def statements(source: str) -> list[tuple[int, int]]:
    """Line (from 0) and indent of each statement of a workflow."""
    function = ast.parse(source).body[0]
    found = {
        (node.lineno - 1, node.col_offset)
        for node in ast.walk(function)
        if isinstance(node, ast.Expr | ast.Assign | ast.If | ast.For | ast.With) and node is not function
    }
    lines = source.splitlines()
    return sorted(
        (at, indent) for at, indent in found if not lines[at].lstrip().startswith(("elif", '"', 'r"'))
    )


def inserted(source: str, draw: random.Random) -> str | None:
    """One step more, before any statement."""
    found = statements(source)
    if not found:
        return None
    at, indent = draw.choice(found)
    lines = source.splitlines(keepends=True)
    lines.insert(at, " " * indent + 'add_order_tags(tags=["through the lens"])\n')
    return "".join(lines)


def parts(text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    document = json.loads(unsigned(text))
    root = document.get("root", document)
    return root["steps"], root["links"]


def outside(text: str) -> Any:
    """A file without steps and links."""
    document = json.loads(unsigned(text))
    document.get("root", document).update(steps=[], links=[])
    return document


def test_an_inserted_step_leaves_every_other_as_it_is(files: list[str]) -> None:
    tried = 0
    for number, text in enumerate(files):
        found = read(text)
        source = inserted(to_python(found.workflow), random.Random(number))
        if source is None:
            continue
        tried += 1
        after = write(from_python(source), found.layout)
        assert after == write(from_python(source), Layout.from_json(found.layout.to_json()))
        assert canonical(read(after).workflow) == canonical(from_python(source))
        then, links_then = parts(text)
        now, links_now = parts(after)
        (fresh,) = [each for each in now if "through the lens" in str(each)]
        assert [each for each in now if each is not fresh] == then
        assert compact(outside(after)) == compact(outside(text))
        kept = [
            each for each in links_now if fresh["step_id"] not in (each["from_step_id"], each["to_step_id"])
        ]
        assert kept == [each for each in links_then if each in kept]
        assert len(links_then) - len(kept) <= len(links_now) - len(kept) + 1
        known = [each["step_id"] for each in then]
        assert fresh["step_id"] not in known
        assert (
            kind_of(fresh["step_id"]) in {kind_of(each) for each in known} | {"uuid"}
            or found.layout.spelling != "flow"
        )
        places = [tuple(each["step_position"]) for each in then if each.get("step_position")]
        if fresh.get("step_position"):
            x, y = fresh["step_position"]
            assert not any(abs(x - a) < 180 and abs(y - b) < 100 for a, b in places)
            assert min(abs(x - a) + abs(y - b) for a, b in places) < 2000
    assert tried > 100


def kind_of(identity: str | int) -> str:
    if isinstance(identity, int):
        return "integer"
    if re.fullmatch(r"[0-9a-f-]{36}", identity):
        return "uuid"
    return "ulid" if re.fullmatch(r"[0-9A-Z]{26}", identity) else "text"


LINES = [f'    add_order_tags(order_id=order.id, tags=["{word}"])\n' for word in ("a", "b", "c", "d", "e")]
HEAD = "@order_created\ndef tag_orders(order):\n"


def noted(source: str, spelling: str = "flow") -> str:
    """A file with a note of its own on each step."""
    text = write(from_python(source), None, spelling)
    document = json.loads(text)
    for number, each in enumerate(document["root"]["steps"]):
        each |= {"note": f"note {number}"}
    return compact(document) if spelling == "flow" else json.dumps(document, indent=2)


def notes_of(text: str) -> dict[str, str | None]:
    """Note by what the step does."""
    return {
        entry["value"]: each.get("note")
        for each in parts(text)[0]
        for entry in each["config_field_values"][-1:]
    }


@given(st.permutations(LINES), st.sets(st.sampled_from(LINES)), st.sampled_from(["flow", "agent"]))
def test_steps_that_move_and_go_keep_their_ids_and_notes(
    order: list[str], gone: set[str], spelling: str
) -> None:
    before = noted(HEAD + "".join(LINES), spelling)
    source = HEAD + "".join(line for line in order if line not in gone) + "    capture_payment()\n"
    after = write(from_python(source), read(before).layout)
    then = {compact(each) for each in parts(before)[0]}
    assert {compact(each) for each in parts(after)[0] if each["task_id"].endswith("tags")} <= then
    assert len(parts(after)[0]) == 2 + len(LINES) - len(gone)


@given(st.sampled_from(LINES), st.integers(0, 5))
def test_a_step_that_was_copied_is_there_once_more_with_a_fresh_id(line: str, at: int) -> None:
    before = noted(HEAD + "".join(LINES))
    lines = [*LINES[:at], line, *LINES[at:]]
    after = write(from_python(HEAD + "".join(lines)), read(before).layout)
    then = [compact(each) for each in parts(before)[0]]
    now = [compact(each) for each in parts(after)[0]]
    assert [each for each in now if each in then] == then
    assert len(now) == len(then) + 1


@given(st.integers(0, 4), st.integers(0, 4), st.sampled_from(["a", "b", "z"]))
def test_a_value_that_becomes_equal_to_anothers_stays_its_own_step(at: int, other: int, word: str) -> None:
    before = noted(HEAD + "".join(LINES))
    lines = list(LINES)
    lines[at] = re.sub(r'\["."\]', f'["{word}"]', lines[at])
    after = write(from_python(HEAD + "".join(lines)), read(before).layout)
    (then, links_then), (now, links_now) = parts(before), parts(after)
    assert links_now == links_then
    assert sum(one != two for one, two in zip(then, now, strict=True)) <= 1


TERMS = [
    'order.note == "a"',
    "order.total_price > 5",
    "any(tag == 'x' for tag in order.tags)",
    "order.name is None",
]


def uuids_of(text: str) -> list[str]:
    (tree,) = [
        each["config_field_values"][0]["value"] for each in parts(text)[0] if each["task_type"] == "CONDITION"
    ]
    return [node["uuid"] for node in nodes_of(json.loads(tree))]


@given(
    st.permutations(TERMS).flatmap(lambda terms: st.tuples(st.just(terms), st.integers(1, 4))),
    st.sampled_from(["and", "or"]),
    st.integers(0, 3),
    st.sampled_from(["edit", "add", "remove", "operator"]),
)
def test_one_edit_of_a_condition_keeps_the_nodes_of_the_rest(
    drawn: tuple[list[str], int], word: str, at: int, edit: str
) -> None:
    terms = drawn[0][: drawn[1]]
    at = at % len(terms)
    before = noted(f"{HEAD}    if {f' {word} '.join(terms)}:\n        capture_payment()\n")
    edited = list(terms)
    other = word
    match edit:
        case "add":
            edited.insert(at, 'order.email == "new"')
        case "remove" if len(terms) > 1:
            del edited[at]
        case "operator":
            other = "or" if word == "and" else "and"
        case _:
            edited[at] = 'order.email == "new"'
    source = f"{HEAD}    if {f' {other} '.join(edited)}:\n        capture_payment()\n"
    after = write(from_python(source), read(before).layout)
    assert canonical(read(after).workflow) == canonical(from_python(source))
    then, now = uuids_of(before), uuids_of(after)
    assert len(set(now)) == len(now)
    assert now[0] == then[0]
    lost = [uuid for uuid in then if uuid not in now]
    if edit in ("add", "operator"):
        assert lost == []
    else:  # the three nodes of a comparison (a list operator has three more, and one around it) and its joint
        assert len(lost) <= (8 if "any" in terms[at] else 4)


def test_a_condition_edited_twice_has_no_id_twice() -> None:
    text = noted(f"{HEAD}    if order.note == 'a' and order.name == 'b':\n        capture_payment()\n")
    for source in (
        "order.note == 'a' and order.name == 'b' and order.email == 'c'",
        "order.name == 'b' and order.email == 'c'",
        "order.name == 'b' and order.email == 'c' and order.phone == 'd'",
    ):
        text = write(from_python(f"{HEAD}    if {source}:\n        capture_payment()\n"), read(text).layout)
        found = uuids_of(text)
        assert len(set(found)) == len(found)


def test_a_condition_that_nobody_had_filled_in_takes_its_first_value() -> None:
    for fields in ([], [{"config_field_id": "condition", "value": ""}], None):
        made = step("b", "shopify::flow::condition")
        made["config_field_values"] = fields
        if fields is None:
            del made["config_field_values"]
        text = export([step("a", "shopify::admin::order_created"), made], [link("a", "b")])
        source = to_python(read(text).workflow).replace("if ...", "if order.note is None")
        after = write(from_python(source), read(text).layout)
        assert to_python(read(after).workflow) == source


@pytest.mark.parametrize("indent", [None, 1, 2, 3, 4, "\t"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_new_step_stands_in_the_white_space_of_its_file(indent: int | str | None, ascii_only: bool) -> None:
    document = json.loads(noted(HEAD + "".join(LINES), "agent").replace("note 2", "n\u00f6te"))
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only) + "\n\n"
    after = write(from_python(HEAD + "".join(LINES) + "    capture_payment()\n"), read(text).layout)
    assert after == json.dumps(json.loads(after), indent=indent, ensure_ascii=ascii_only) + "\n\n"
    assert [line.rstrip(",") for line in text.splitlines() if line.strip()][:20] == [
        line.rstrip(",") for line in after.splitlines() if line.strip()
    ][:20] or indent is None


def test_an_id_of_the_kind_that_the_file_uses() -> None:
    for ids, pattern in (
        (["0193c1d9-a493-72c0-b12f-87e3aa21e704", "cac40a40-ce32-4e81-a183-8f12a3374bb3"], r"[0-9a-f-]{36}"),
        (["01M37ZHZ4N5H3DJ1Q2B7C8D9E0", "01M37ZWB4N5H3DJ1Q2B7C8D9E0"], r"01M37ZWB4N[0-9A-HJKMNP-TV-Z]{16}"),
        ([1, 7], "8"),
        (["1", "7"], "8"),
    ):
        root = document([step(ids[0], "shopify::admin::order_created"), step(ids[1])], [link(*ids)])
        found = read(json.dumps(root))
        source = to_python(found.workflow) + "    capture_payment()\n"
        (fresh,) = [each["step_id"] for each in parts(write(from_python(source), found.layout))[0]][2:]
        assert re.fullmatch(pattern, str(fresh))
        assert type(fresh) is type(ids[0])


BY_HAND = """{ "root":  {
  "workflow_name": "Tag orders", "steps": [
    {"step_id": 1,"task_id": "shopify::admin::order_created",
       "task_version":"0.1", "task_type": "TRIGGER", "config_field_values": []},
    { "step_id": 2, "task_id": "shopify::admin::add_order_tags", "task_version": "0.1",
      "task_type": "ACTION","config_field_values": [{"config_field_id":"tags", "value": "[\\u0022a\\"]"}] },
    {"step_id": 3, "task_id":"shopify::admin::capture_payment", "task_version": "0.1", "task_type": "ACTION",
     "config_field_values": []}
  ],
  "links":[ {"from_step_id": 1, "from_port_id": "output", "to_step_id": 2, "to_port_id": "input"} ,
            {"from_step_id": 2, "from_port_id": "output",   "to_step_id": 3, "to_port_id": "input"} ]  } }
"""


@pytest.mark.parametrize("at", [2, 3, 4])
def test_a_file_formatted_by_hand_keeps_its_lines_around_a_new_step(at: int) -> None:
    found = read(BY_HAND)
    lines = to_python(found.workflow).splitlines(keepends=True)
    after = write(from_python("".join([*lines[:at], "    cancel_order()\n", *lines[at:]])), found.layout)
    assert json.loads(after)["root"]["steps"][at - 1]["step_id"] == 4
    new = [line for line in after.splitlines() if line not in BY_HAND.splitlines()]
    assert len(new) <= 4 + (at == 4), new  # at the end the step before gets a comma
    assert '    {"step_id": 4, "task_id": "shopify::admin::cancel_order", ' in after
    assert "[\\u0022a" in after


def test_a_file_formatted_by_hand_keeps_its_lines_around_a_removed_step() -> None:
    found = read(BY_HAND)
    lines = to_python(found.workflow).splitlines(keepends=True)
    after = write(from_python("".join(lines[:-1])), found.layout)
    assert [line for line in after.splitlines() if line not in BY_HAND.splitlines()] == [
        BY_HAND.splitlines()[5].replace(" },", " }"),
        BY_HAND.splitlines()[-2].replace(" ,", " ]  } }"),
    ]


def test_an_edit_that_adds_a_field_reformats_its_own_step_alone() -> None:
    found = read(BY_HAND)
    source = to_python(found.workflow).replace("capture_payment()", "capture_payment(order_id=order.id)")
    after = write(from_python(source), found.layout)
    assert after.splitlines()[:6] == BY_HAND.splitlines()[:6]
    assert after.splitlines()[-3:] == BY_HAND.splitlines()[-3:]


def test_a_group_that_the_edit_left_alone_keeps_its_shape() -> None:
    """A group nested to the right, as no editor of today writes it."""
    before = noted(
        f"{HEAD}    if order.a == '1' and (order.b == '2' or order.c == '3' or order.d == '4'):\n"
        "        capture_payment()\n"
    )
    document = json.loads(before)
    (entry,) = values_of(document["root"], "condition")
    tree = json.loads(entry["value"])
    group = tree["rhs"]
    inner = group["lhs"]
    group["lhs"], inner["lhs"], inner["rhs"] = inner["lhs"], inner["rhs"], group["rhs"]
    group["rhs"] = inner
    entry["value"] = compact(tree)
    text = compact(document)
    found = read(text)
    source = to_python(found.workflow).replace('order.a == "1" and', 'order.a == "1" and order.e is None and')
    after = write(from_python(source), found.layout)
    (edited,) = values_of(json.loads(after)["root"], "condition")
    assert compact(json.loads(edited["value"])["rhs"]["rhs"]) == compact(inner)
    assert compact(json.loads(edited["value"])["rhs"]["lhs"]) == compact(group["lhs"])


def test_an_order_that_would_read_back_as_another_workflow_is_not_kept() -> None:
    """Steps in a cycle that nothing leads to are entered at the first one of the array."""
    steps = [
        step("t", "shopify::admin::order_created"),
        step("a"),
        step("b", "shopify::admin::capture_payment"),
    ]
    text = export(steps, [link("a", "b"), link("b", "a")])
    source = (
        f"{HEAD}    def join_1():\n        capture_payment()\n        add_order_tags()\n        join_1()\n\n"
        "    with unconnected():\n        join_1()\n"
    )
    after = write(from_python(source), read(text).layout)
    assert to_python(read(after).workflow) == source
    assert [each["step_id"] for each in parts(after)[0]] == ["t", "b", "a"]
