from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.generate_workflows import main as generate_workflows
from pipelines.generator import KINDS, Plan, draw_block, files, write_dump
from pipelines.generator.draw import Draw, id_maker
from pipelines.generator.pieces import Compare, Logic, Quantified
from pipelines.generator.questions import QUESTIONS, ROOT_TYPES, Question
from pipelines.generator.spell_condition import TreeStyle, condition_text, condition_tree
from schemas.catalog import tasks
from schemas.catalog.environment import enum_values, resolve

SHARED = Path(__file__).parents[3] / "shared"
WEEK_END = 1_795_392_000  # 2026-11-23, the Monday after 2026-W47
WEEK_START = WEEK_END - 7 * 86_400
OPERATORS = {
    "==", "!=", ">", ">=", "<", "<=", "in?", "not_in?", "nil?", "not_nil?", "empty_or_nil?",
    "not_empty_and_not_nil?", "include?", "not_include?", "start_with?", "not_start_with?", "end_with?",
    "not_end_with?",
}  # fmt: skip
ENVELOPE = [
    "workflow_id", "shop_id", "workflow", "created_at", "updated_at", "last_run_at", "num_runs_7d", "active",
]  # fmt: skip


class DuplicateKeyError(Exception):
    pass


def strict(text: str | bytes) -> Any:
    """Parse JSON; a duplicate key, NaN or an infinity is an error."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise DuplicateKeyError(pairs)
        return dict(pairs)

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    text = text.decode() if isinstance(text, bytes) else text
    return json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)


@dataclass
class Sound:
    envelope: dict[str, Any]
    spelling: str
    document: dict[str, Any]

    @property
    def root(self) -> dict[str, Any]:
        return self.document["root"]

    def values(self, field: str) -> Iterator[str]:
        for step in self.root["steps"]:
            for value in step["config_field_values"]:
                if value["config_field_id"] == field and value["value"]:
                    yield value["value"]

    def trees(self) -> Iterator[dict[str, Any]]:
        if self.spelling == "flow":
            yield from map(strict, self.values("condition"))


def read(line: bytes) -> Sound:
    envelope = strict(line)
    text = envelope["workflow"]
    if text.startswith("{"):
        spelling = "cli" if text.endswith("}\n") else "agent"
        if '"operation_type' in text or '"variables":[]' in text or '"root":{"steps"' in text:
            spelling = "flow"
        return Sound(envelope, spelling, strict(text))
    assert re.match(r"[0-9a-f]{64}:\{", text)
    return Sound(envelope, "flow", strict(text[65:]))


def nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for child in tree.values():
        if isinstance(child, dict):
            yield from nodes(child)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(seed=7, num=5000, week_end=WEEK_END)


@pytest.fixture(scope="module")
def lines(plan: Plan) -> list[tuple[bytes, str]]:
    blocks = [draw_block(plan, number) for number in range(plan.num_blocks)]
    return [pair for block in blocks for pair in zip(block.lines, block.kinds, strict=True)]


@pytest.fixture(scope="module")
def sound(lines: list[tuple[bytes, str]]) -> list[Sound]:
    return [read(line) for line, kind in lines if not kind]


@pytest.fixture(scope="module")
def dump(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("dump")
    return folder, write_dump(plan, folder, 3)


def planted(lines: list[tuple[bytes, str]], kind: str) -> list[bytes]:
    found = [line for line, which in lines if which == kind]
    assert found
    return found


# -- the dump ----------------------------------------------------------------------------------------


def test_the_same_seed_and_number_give_the_same_bytes(plan: Plan) -> None:
    assert draw_block(plan, 3).lines == draw_block(plan, 3).lines
    assert draw_block(plan, 3).lines != draw_block(plan, 4).lines
    other = Plan(seed=8, num=5000, week_end=WEEK_END)
    assert draw_block(plan, 3).lines != draw_block(other, 3).lines


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, hash_seed in (("one", "1"), ("two", "2")):
        subprocess.run(
            [
                sys.executable,
                "-m",
                "jobs.generate_workflows",
                "--num",
                "400",
                "--output",
                str(tmp_path / name),
            ],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2])},
            check=True,
            capture_output=True,
        )
    assert (tmp_path / "one/_truth.json").read_bytes() == (tmp_path / "two/_truth.json").read_bytes()
    first = (tmp_path / "one/workflows-00000.jsonl").read_bytes()
    assert first == (tmp_path / "two/workflows-00000.jsonl").read_bytes()
    assert first.count(b"\n") == 400


def test_the_number_of_files_and_processes_does_not_change_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(seed=7, num=1030, week_end=WEEK_END)
    write_dump(plan, tmp_path / "one")
    monkeypatch.setattr(files, "WORTH_A_PROCESS", 1)
    truth = write_dump(plan, tmp_path / "many", 5)
    parts = [path.read_bytes() for path in sorted((tmp_path / "many").glob("*.jsonl"))]
    assert len(parts) == 5
    assert b"".join(parts) == (tmp_path / "one/workflows-00000.jsonl").read_bytes()
    assert [file["lines"] for file in truth["files"].values()] == [part.count(b"\n") for part in parts]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("num", [1, 2, 3, 199, 201, 399, 1001])
def test_there_are_exactly_as_many_lines_as_asked_for(num: int) -> None:
    plan = Plan(seed=1, num=num, week_end=WEEK_END, bad_share=0.5)
    blocks = [draw_block(plan, number) for number in range(plan.num_blocks)]
    assert sum(len(block.lines) for block in blocks) == num
    assert sum(kind != "" for block in blocks for kind in block.kinds) == plan.num_planted


def test_the_sidecar_counts_what_was_planted_and_where(
    dump: tuple[Path, dict[str, Any]], sound: list[Sound]
) -> None:
    folder, truth = dump
    assert truth == json.loads((folder / "_truth.json").read_text())
    assert truth["num_lines"] == 5000 == truth["num_sound"] + truth["num_planted"]
    assert truth["num_planted"] == 100 == sum(truth["planted"].values())
    assert set(truth["planted"]) == set(KINDS)
    assert min(truth["planted"].values()) >= 1
    assert truth["num_sound"] == len(sound)
    assert truth["sound"]["spelling"] == Counter(workflow.spelling for workflow in sound)
    for name, numbers in truth["planted_lines"]["blank_line"].items():
        written = (folder / name).read_bytes().split(b"\n")
        assert [written[number - 1] for number in numbers] == [b""] * len(numbers)


def test_every_kind_is_planted_from_a_thousand_lines_on_even_with_a_small_share() -> None:
    plan = Plan(seed=1, num=1000, week_end=WEEK_END, bad_share=0.001)
    kinds = Counter(kind for number in range(5) for kind in draw_block(plan, number).kinds)
    assert {kind: kinds[kind] for kind in KINDS} == dict.fromkeys(KINDS, 1)
    clean = Plan(seed=1, num=1000, week_end=WEEK_END, bad_share=0)
    assert {kind for number in range(5) for kind in draw_block(clean, number).kinds} == {""}


def test_the_oracle_shares_nothing_with_the_language() -> None:
    program = "import sys, pipelines.generator; print(*[name for name in sys.modules if 'schemas' in name])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "schemas.catalog.environment" in shown.split()
    assert not [name for name in shown.split() if name.startswith("schemas.workflow")]


# -- sound records -------------------------------------------------------------------------------------


def test_a_sound_record_has_the_envelope_of_a_production_dump(sound: list[Sound]) -> None:
    for workflow in sound:
        envelope = workflow.envelope
        assert list(envelope) == ENVELOPE
        assert envelope["created_at"] <= envelope["updated_at"]
        assert (envelope["last_run_at"] is None) <= (envelope["num_runs_7d"] == 0)
        assert isinstance(envelope["active"], bool)
    assert len({workflow.envelope["workflow_id"] for workflow in sound}) == len(sound)


def test_run_statistics_gather_around_the_reference_week(
    dump: tuple[Path, dict[str, Any]], sound: list[Sound]
) -> None:
    start, end = "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"
    runs: Counter[str] = Counter()
    for workflow in sound:
        last = workflow.envelope["last_run_at"]
        if last is None:
            runs["never"] += 1
        elif last in (start, end):
            runs["at_start" if last == start else "at_end"] += 1
        else:
            runs["within" if start < last < end else "before" if last < start else "after"] += 1
    assert dict(runs) == dump[1]["sound"]["runs"]
    assert min(runs.values()) > 20
    assert 0.55 < (runs["within"] + runs["at_start"] + runs["at_end"]) / len(sound) < 0.65


def test_shops_have_few_or_many_workflows_and_popular_ones_repeat(sound: list[Sound]) -> None:
    sizes = Counter(Counter(workflow.envelope["shop_id"] for workflow in sound).values())
    assert sizes[1] > sum(count for size, count in sizes.items() if size > 1) * 0.6
    assert 20 < max(sizes) <= 60
    shapes = Counter(
        tuple(sorted(step["task_id"] for step in workflow.root["steps"])) for workflow in sound
    ).most_common()
    assert len(shapes) < len(sound) / 3
    assert shapes[0][1] > len(sound) / 50
    runs = sorted(workflow.envelope["num_runs_7d"] for workflow in sound if workflow.envelope["num_runs_7d"])
    assert runs[-1] > 50 * runs[len(runs) // 2]


def test_exports_are_minified_and_other_spellings_have_their_own_layout(sound: list[Sound]) -> None:
    shares = Counter(workflow.spelling for workflow in sound)
    assert 0.77 < shares["flow"] / len(sound) < 0.83
    assert 0.12 < shares["agent"] / len(sound) < 0.18
    assert 0.03 < shares["cli"] / len(sound) < 0.07
    for workflow in sound:
        text = workflow.envelope["workflow"]
        if workflow.spelling == "flow":
            body = text[text.index("{") :]
            assert json.dumps(workflow.document, ensure_ascii=False, separators=(",", ":")) == body
        elif workflow.spelling == "cli":
            again = json.dumps(workflow.document, ensure_ascii=False, indent=2, sort_keys=True)
            assert f"{again}\n" == text


def test_the_key_orders_are_those_of_real_files(sound: list[Sound]) -> None:
    paths = sorted(SHARED.glob("data/flow_*/*.flow"))
    if not paths:
        pytest.skip(f"no real exports under {SHARED / 'data'}")
    real = set()
    for path in paths:
        text = path.read_text()
        real |= shapes_of(Sound({}, "flow", json.loads(text[text.index("{") :])))
    made = set().union(*(shapes_of(workflow) for workflow in sound if workflow.spelling == "flow"))
    assert real <= made
    # An inner group with two terms: described, and in none of the files.
    assert made - real == {("uuid", "parent_uuid", "lhs", "rhs", "operator", "operation_type")}


def shapes_of(workflow: Sound) -> set[tuple[str, ...]]:
    root = workflow.root
    values = [value for step in root["steps"] for value in step["config_field_values"]]
    objects = [
        workflow.document,
        root,
        *root["steps"],
        *root["links"],
        *root.get("patched_fields", ()),
        *values,
    ]
    trees = [node for tree in workflow.trees() for node in nodes(tree)]
    return {tuple(entry) for entry in objects + trees}


def test_every_step_kind_port_operator_and_quantifier_occurs(sound: list[Sound]) -> None:
    kinds = {step["task_type"] for workflow in sound for step in workflow.root["steps"]}
    assert kinds == {"TRIGGER", "CONDITION", "ACTION", "FOREACH", "WAIT"}
    ports = {link["from_port_id"] for workflow in sound for link in workflow.root["links"]}
    assert ports == {"output", "true", "false", "loop_body", "after"}
    found = [node for workflow in sound for tree in workflow.trees() for node in nodes(tree)]
    by_type: dict[str, set[str]] = {}
    for node in found:
        if "operator" in node:
            by_type.setdefault(node["operation_type"], set()).add(node["operator"])
    assert by_type == {
        "Comparison": OPERATORS,
        "ArrayExpression": {"ANY", "ALL", "NONE"},
        "LogicalExpression": {"AND", "OR"},
    }
    compared = [
        node["rhs"]["comparison_value_type"] for node in found if node.get("operation_type") == "Comparison"
    ]
    assert set(compared) == {"LiteralValue", "EnvironmentValue"}
    texts = " ".join(
        text for workflow in sound if workflow.spelling != "flow" for text in workflow.values("condition")
    )
    assert {operator for operator in OPERATORS if f" {operator}" in texts} == OPERATORS
    assert "any? |li| (" in texts
    assert "none? |" in texts


def test_the_oddities_of_real_files_occur(sound: list[Sound]) -> None:
    exports = [workflow for workflow in sound if workflow.spelling == "flow"]
    seen: Counter[str] = Counter()
    for workflow in exports:
        root, steps = workflow.root, workflow.root["steps"]
        starts = [(link["from_step_id"], link["from_port_id"]) for link in root["links"]]
        ends = [link["to_step_id"] for link in root["links"]]
        seen[f"{len(root)} root keys"] += 1
        seen["trigger not first"] += steps[0]["task_type"] != "TRIGGER"
        seen["fan-out"] += len(set(starts)) < len(starts)
        seen["join"] += len(set(ends)) < len(ends)
        seen["unconnected"] += len({step["step_id"] for step in steps} - set(ends)) > 1
        seen["nested loops"] += sum(step["task_type"] == "FOREACH" for step in steps) > 1
        seen["app task"] += any("::" not in step["task_id"] for step in steps)
        seen["patched"] += bool(root.get("patched_fields"))
        seen["unsigned"] += workflow.envelope["workflow"].startswith("{")
        for step in steps:
            seen[f"id of {len(str(step['step_id']))}"] += 1
            seen["caption"] += step["description"] is not None
            seen["numbered name"] += "(1)" in (step["name"] or "")
            seen["never opened"] += step["config_field_values"] == [
                {"config_field_id": "condition", "value": ""}
            ]
            for value in step["config_field_values"]:
                seen["bare reference"] += value["value"] == "order.id"
                seen["wrapped reference"] += value["value"] == '{"value":"","default_value":"order.id"}'
                seen["null value"] += value["value"] is None
        for tree in workflow.trees():
            seen["no operand"] += "lhs" not in tree
            for node in nodes(tree):
                seen["capital path"] += str(node.get("value", "")).startswith("Order.")
                seen["no full path"] += "rhs" in node and "full_environment_path" not in node["lhs"]
                children = [child for child in node.values() if isinstance(child, dict)]
                seen["wrong parent"] += any(child["parent_uuid"] != node["uuid"] for child in children)
                if "array_path" in node:
                    seen[
                        "wrapped"
                        if node["operation"]["operation_type"] == "LogicalExpression"
                        else "unwrapped"
                    ] += 1
    expected = (
        "3 root keys, 4 root keys, 6 root keys, 7 root keys, trigger not first, fan-out, join, unconnected, "
        "nested loops, app task, patched, unsigned, id of 26, id of 36, caption, numbered name, "
        "never opened, bare reference, wrapped reference, null value, no operand, capital path, "
        "no full path, wrapped, unwrapped, wrong parent"
    )
    assert [name for name in expected.split(", ") if not seen[name]] == []


def test_known_tasks_carry_their_kind_version_and_fields_in_order(sound: list[Sound]) -> None:
    for workflow in sound:
        for step in workflow.root["steps"]:
            task = tasks.TASKS.get(step["task_id"])
            if task is None:
                continue
            assert step["task_type"] == task.kind
            assert step["task_version"] in (task.versions or (tasks.default_version(task.id),))
            if task.known and task.fields:
                fields = [field["config_field_id"] for field in step["config_field_values"]]
                assert fields == [field for field in task.fields if field in fields]
            if step.get("name"):
                assert re.sub(r" \(\d\)$", "", step["name"]) == task.step_name


def test_conditions_compare_what_the_environment_has(sound: list[Sound]) -> None:
    num_known = 0
    unknown = set()
    for workflow in sound:
        handles = {patch["handle"] for patch in workflow.root.get("patched_fields", ())}
        for tree in workflow.trees():
            for node in nodes(tree):
                if node.get("comparison_value_type") != "EnvironmentValue":
                    continue
                segments = node["value"].split(".")
                local = segments[0].endswith(("_item", "Foreachitem")) or segments[0].startswith("runCode")
                if local or handles & set(segments):
                    continue
                if resolve(node["value"]).kind == "unknown":
                    unknown.add(node["value"])
                else:
                    num_known += 1
    assert unknown == set()
    assert num_known > 3000


# -- questions and spelling ------------------------------------------------------------------------------


def asked(container: str, questions: tuple[Question, ...]) -> Iterator[tuple[Question, str]]:
    for question in questions:
        path = f"it.{question.path}" if question.path else "it"
        yield question, resolve(path, {"it": container}).type
        assert not question.other or resolve(f"it.{question.other}", {"it": container}).kind == "scalar"
        yield from asked(resolve(path, {"it": container}).type, question.element)


@pytest.mark.parametrize("root", QUESTIONS)
def test_every_question_is_about_a_field_that_exists_and_constants_that_exist(root: str) -> None:
    for question, kind in asked(ROOT_TYPES[root], QUESTIONS[root]):
        assert kind, question
        if enum_values(kind):
            assert {part for text in question.literals for part in text.split(",")} <= set(enum_values(kind))


STYLE = TreeStyle(
    wrap=True, full_path="same", capital=False, empty_list_path=False, spaced=False, wrong_parent=False
)


def test_three_terms_nest_to_the_left_and_an_old_tree_flattens_its_paths() -> None:
    terms = tuple(Compare("order.totalPrice", ">", number) for number in "123")
    draw = Draw(1)
    options = {"items": {}, "make_id": id_maker(draw, "ulid"), "draw": draw}
    tree = strict(condition_tree(Logic("AND", terms), style=STYLE, **options))
    assert tree["rhs"]["rhs"]["value"] == "3"
    assert [tree["lhs"][side]["rhs"]["value"] for side in ("lhs", "rhs")] == ["1", "2"]
    assert tree["lhs"]["parent_uuid"] == tree["uuid"]
    assert tree["rhs"]["value_type"] == "EnvironmentScalarDefinition:Float"

    old = TreeStyle(
        wrap=False,
        full_path="flattened",
        capital=True,
        empty_list_path=False,
        spaced=False,
        wrong_parent=False,
    )
    tagged = Quantified("ANY", "lineItems_item.product.tags", Compare("tags_item", "==", "WOM"))
    tree = strict(condition_tree(Quantified("ANY", "order.lineItems", tagged), style=old, **options))
    assert tree["lhs"]["array_path"]["value"] == "Order.lineItems"
    inner = tree["lhs"]["operation"]
    assert inner["array_path"]["value"] == "lineItems_item.product.tags"
    assert inner["operation"]["lhs"]["full_environment_path"] == "Order.lineItems.product.tags"
    assert inner["operation"]["value_type"] == "EnvironmentScalarDefinition:String"


def test_condition_text_is_that_of_the_official_examples() -> None:
    tagged = Quantified("ANY", "lineItems_item.product.tags", Compare("tags_item", "==", "presale"))
    typed = Compare("lineItems_item.product.productType", "==", "Clothing")
    both = Quantified("ANY", "order.lineItems", Logic("AND", (tagged, typed)))
    assert condition_text(both, items={}, aliases={}) == (
        "(order.lineItems any? |lineItems_item| ((lineItems_item.product.tags any? |tags_item| "
        "(tags_item == 'presale')) && (lineItems_item.product.productType == 'Clothing')))"
    )
    assert condition_text(tagged.body, items={}, aliases={"tags_item": "t"}) == "(t == 'presale')"
    assert (
        condition_text(Compare("order.capturable", "==", "true"), items={}, aliases={})
        == "(order.capturable == true)"
    )
    assert (
        condition_text(Compare("shop.email", "empty_or_nil?"), items={}, aliases={})
        == "(shop.email empty_or_nil?)"
    )
    quantity = Compare("order.quantity", "in?", "1,2,3")
    assert condition_text(quantity, items={}, aliases={}) == "(order.quantity in? '1,2,3')"
    dates = Compare("order.createdAt", ">", other="customer.lastOrderDate")
    assert condition_text(dates, items={}, aliases={}) == "(order.createdAt > customer.lastOrderDate)"


# -- planted rows --------------------------------------------------------------------------------------


def read_all(text: str) -> None:
    """Parse a workflow and the condition trees inside it."""
    for value in Sound({}, "flow", strict(text)).values("condition"):
        strict(value)


def body_of(line: bytes) -> str:
    text = strict(line)["workflow"]
    return text[text.index("{") :]


@pytest.mark.parametrize(
    "kind", ["truncated_line", "not_json", "nan_envelope", "byte_order_mark", "blank_line"]
)
def test_such_a_line_is_no_json(lines: list[tuple[bytes, str]], kind: str) -> None:
    for line in planted(lines, kind):
        with pytest.raises(ValueError, match=r"."):
            strict(line)


def test_such_a_line_is_no_utf8(lines: list[tuple[bytes, str]]) -> None:
    for line in planted(lines, "invalid_utf8"):
        with pytest.raises(UnicodeDecodeError):
            line.decode()


def test_a_byte_order_mark_is_all_that_is_wrong_with_its_line(lines: list[tuple[bytes, str]]) -> None:
    for line in planted(lines, "byte_order_mark"):
        assert list(strict(line.removeprefix(b"\xef\xbb\xbf"))) == ENVELOPE


def test_duplicate_keys_are_in_the_envelope_or_inside_the_workflow(lines: list[tuple[bytes, str]]) -> None:
    for line in planted(lines, "duplicate_envelope_key"):
        with pytest.raises(DuplicateKeyError):
            strict(line)
    for line in planted(lines, "duplicate_workflow_key"):
        text = body_of(line)
        with pytest.raises(DuplicateKeyError):
            read_all(text)


@pytest.mark.parametrize("kind", ["truncated_workflow", "nan_workflow"])
def test_such_a_workflow_is_no_json_in_a_sound_envelope(lines: list[tuple[bytes, str]], kind: str) -> None:
    for line in planted(lines, kind):
        with pytest.raises(ValueError, match=r"."):
            strict(body_of(line))


def test_an_envelope_has_a_key_too_many_or_too_few(lines: list[tuple[bytes, str]]) -> None:
    for line in planted(lines, "unknown_envelope_key"):
        assert list(strict(line))[:-1] == ENVELOPE
    for line in planted(lines, "missing_envelope_key"):
        assert set(strict(line)) < set(ENVELOPE)


def test_an_unknown_key_is_somewhere_in_the_workflow(
    lines: list[tuple[bytes, str]], sound: list[Sound]
) -> None:
    known = {key for workflow in sound for key in keys_of(workflow)}
    for kind in ("unknown_key", "unknown_condition_key"):
        for line in planted(lines, kind):
            assert len(set(keys_of(read(line))) - known) == 1
    for line in planted(lines, "unknown_condition_key"):
        trees = {key for tree in read(line).trees() for node in nodes(tree) for key in node}
        assert len(trees - known) == 1


def keys_of(workflow: Sound) -> Iterator[str]:
    root = workflow.root
    values = [value for step in root["steps"] for value in step["config_field_values"]]
    objects = [
        workflow.document,
        workflow.document["__metadata"],
        root,
        *root["steps"],
        *root["links"],
        *values,
    ]
    for entry in [*objects, *root.get("patched_fields", ())]:
        yield from entry
    for tree in workflow.trees():
        for node in nodes(tree):
            yield from node


def test_graphs_are_broken_in_the_way_they_say(lines: list[tuple[bytes, str]]) -> None:
    for kind in ("missing_step", "two_triggers", "no_trigger", "duplicate_step_id"):
        for line in planted(lines, kind):
            root = read(line).root
            ids = [step["step_id"] for step in root["steps"]]
            triggers = sum(step["task_type"] == "TRIGGER" for step in root["steps"])
            ends = {end for link in root["links"] for end in (link["from_step_id"], link["to_step_id"])}
            assert triggers == {"two_triggers": 2, "no_trigger": 0}.get(kind, 1)
            assert (len(set(ids)) < len(ids)) == (kind == "duplicate_step_id")
            if kind != "duplicate_step_id":
                assert bool(ends - set(ids)) == (kind == "missing_step")


def test_deep_lines_are_ten_thousand_levels_deep(lines: list[tuple[bytes, str]]) -> None:
    for line in planted(lines, "deep_nesting"):
        assert max(line.count(b"["), line.count(b"lhs")) >= 10_000
        with pytest.raises(RecursionError):
            read_all(body_of(line))


def test_the_large_workflow_has_the_asked_size() -> None:
    plan = Plan(seed=7, num=1000, week_end=WEEK_END, large_bytes=300_000)
    block = next(block for number in range(5) if "large" in (block := draw_block(plan, number)).kinds)
    line = block.lines[block.kinds.index("large")]
    assert 300_000 < len(line) < 350_000
    assert max(len(step.get("note") or "") for step in read(line).root["steps"]) == 300_000


def test_repeated_lines_and_older_versions_belong_to_another_line(lines: list[tuple[bytes, str]]) -> None:
    whole = Counter(line for line, _ in lines)
    for line in planted(lines, "repeated"):
        assert whole[line] >= 2
    newest = {strict(line)["workflow_id"]: strict(line) for line, kind in lines if not kind}
    for line in planted(lines, "superseded"):
        older = strict(line)
        newer = newest[older["workflow_id"]]
        assert older["updated_at"] < newer["updated_at"]
        assert older["shop_id"] == newer["shop_id"]
        assert older["workflow"] != newer["workflow"]


# -- the job ---------------------------------------------------------------------------------------------


def test_the_job_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--num", "1000", "--seed", "5", "--week", "2026-W47", "--num-files", "2"]
    assert generate_workflows([*arguments, "--output", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert re.fullmatch(
        r"generate_workflows week=2026-W47 written=1000 planted=22 shops=\d+ files=2 bytes=\d+ seconds=\S+\n",
        shown,
    )
    assert json.loads((tmp_path / "_truth.json").read_text())["week_end"] == WEEK_END
    assert {path.name for path in tmp_path.iterdir()} == {
        "_truth.json",
        "workflows-00000.jsonl",
        "workflows-00001.jsonl",
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--week", "2026-47"], "write one such as 2026-W47"),
        (["--week", "2025-W53"], "write one such as 2026-W47"),
        (["--num", "0"], "give at least 1"),
        (["--bad-share", "0.6"], "give a share from 0 to 0.5"),
        (["--bad-share", "nan"], "give a share from 0 to 0.5"),
        (["--large-bytes", "-1"], "large_bytes is -1"),
        (["--num", "399", "--num-files", "2"], "399 lines can be in 1 to 1 files"),
    ],
)
def test_a_wrong_flag_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert generate_workflows([*arguments, "--output", str(tmp_path / "dump")]) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_folder_with_another_dump_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "workflows-00007.jsonl"
    other.write_text("mine")
    assert generate_workflows(["--num", "10", "--output", str(tmp_path)]) == 2
    assert "holds workflows-00007.jsonl of another dump" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [other.name]
    assert generate_workflows(["--num", "10", "--output", str(other)]) == 2
    assert "cannot write to" in capsys.readouterr().err
