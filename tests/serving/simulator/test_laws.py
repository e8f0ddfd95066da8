"""Laws of the simulator on any workflow: it ends, says the same twice, keeps order, and never raises."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs._made_events import made_event
from pipelines.generator.language import language_workflow
from schemas.workflow import Workflow, from_python, read
from schemas.workflow.model import Compare, Condition, Constant, Logic, Quantifier, path
from schemas.workflow.model import Path as Place
from serving.simulator import LEAVING, Event, Limits, Simulator, Trace
from serving.simulator.conditions import prepared
from serving.synthetic_shop import SyntheticShop
from tests.schemas.workflow.strategies import workflows
from tests.serving.simulator.orders import run

LIMITS = Limits(steps=400, seconds=0.2)


def simulated(workflow: Workflow, seed: int) -> Trace:
    simulator = Simulator(workflow)
    return simulator.run(made_event(simulator, seed), SyntheticShop(seed), limits=LIMITS)


def hold(workflow: Workflow, trace: Trace) -> None:
    """What is so of every trace."""
    assert len(trace.effects) <= LIMITS.steps + 1
    for place, effect in enumerate(trace.effects):
        assert 0 <= effect.step < len(workflow.steps)
        assert effect.task_id == workflow.steps[effect.step].task_id
        assert list(effect.after) == sorted(set(effect.after))
        assert all(0 <= before < place for before in effect.after)
        said = json.loads(effect.values)
        assert isinstance(said, dict)
        assert (effect.kind == "error") is (set(said) == {"code", "message"})
        assert effect.leaves is (effect.kind in LEAVING)
    starts = {link.target for link in workflow.links if link.source == 0}
    assert {effect.step for effect in trace.effects if not effect.after} <= starts | {0}


@pytest.mark.parametrize("valid", [True, False])
def test_the_laws_hold_of_generated_workflows(valid: bool) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(100):
        workflow = language_workflow(seed, valid=valid)
        trace = simulated(workflow, seed)
        hold(workflow, trace)
        kinds.update(effect.kind for effect in trace.effects)
        if seed % 5 == 0:
            assert simulated(workflow, seed) == trace
    assert {"action", "branch", "loop", "fetch", "error"} <= set(kinds)


@pytest.mark.parametrize("valid", [True, False])
def test_the_laws_hold_of_any_workflow(valid: bool) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(workflows(valid=valid), st.integers(0, 50))
    def law(workflow: Workflow, seed: int) -> None:
        trace = simulated(workflow, seed)
        hold(workflow, trace)
        assert simulated(workflow, seed) == trace

    law()


JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=8,
)


def spoiled(value: Any, junk: list[Any], draw: random.Random) -> Any:
    """A value with some of its parts replaced by junk, whatever their type."""
    if draw.random() < 0.15:
        return draw.choice(junk)
    if isinstance(value, dict):
        return {field: spoiled(inner, junk, draw) for field, inner in value.items()}
    return [spoiled(item, junk, draw) for item in value] if isinstance(value, list) else value


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.lists(JUNK, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_laws_hold_of_any_event(seed: int, junk: list[Any], draw: random.Random) -> None:
    workflow = language_workflow(seed)
    simulator = Simulator(workflow)
    event = made_event(simulator, seed)
    roots = {name: spoiled(value, junk, draw) for name, value in event.roots.items()}
    roots |= {name: draw.choice(junk) for name in simulator.outputs if name and draw.random() < 0.5}
    hold(workflow, simulator.run(Event(roots, event.time), SyntheticShop(seed), limits=LIMITS))


def test_every_real_file_runs(shared_data: Path) -> None:
    files = sorted(shared_data.glob("flow_*/*.flow"))
    assert len(files) == 15
    kinds: Counter[str] = Counter()
    for file in files:
        workflow = read(file.read_text(encoding="utf-8")).workflow
        for seed in range(4):
            trace = simulated(workflow, seed)
            hold(workflow, trace)
            assert trace.effects
            kinds.update(effect.kind for effect in trace.effects)
    assert set(kinds) == {"action", "mail", "fetch", "code", "value", "branch", "loop", "error", "admin_api"}


NAMES = """\
@order_created
def w(order):
    ONE = count(order.line_items)
    for TWO in order.line_items:
        if any(THREE == "a" for THREE in TWO.product.tags) and ONE > 1:
            add_order_tags(order_id=order.id, tags=["{{ lineItemsForeachitem.title }}{{ count }}"])
"""


@settings(max_examples=30, deadline=None)
@given(st.lists(st.from_regex(r"[a-z]{1,8}_[a-z]{1,8}", fullmatch=True), min_size=3, max_size=3, unique=True))
def test_the_names_of_variables_mean_nothing(names: list[str]) -> None:
    text = NAMES
    for word, name in zip(("ONE", "TWO", "THREE"), names, strict=True):
        text = text.replace(word, name)
    items = [{"title": "t", "product": {"tags": ["A"]}}, {"title": "u", "product": {"tags": []}}]
    order = {"id": "1", "lineItems": items}
    trace = run(from_python(text), order=order)
    assert [effect.values for effect in trace.effects if effect.leaves] == ['{"order_id":"1","tags":["t2"]}']
    assert trace == run(
        from_python(NAMES.replace("ONE", "one").replace("TWO", "two").replace("THREE", "three")), order=order
    )


FIELDS = st.sampled_from(["a", "b", "c"])
LEAVES = st.builds(
    Compare,
    st.sampled_from(["==", "!=", "include?", "not_in?"]),
    FIELDS.map(lambda field: path(f"root.{field}")),
    st.sampled_from([Constant("x"), Constant("y,x"), Constant("2", "number"), path("root.a")]),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(
            Quantifier,
            st.sampled_from(["any", "all", "none"]),
            st.just(path("root.list")),
            st.just("item"),
            st.one_of(inner, st.just(Compare("==", path("item.a"), Constant("x")))),
        ),
    ),
    max_leaves=6,
)
VALUES = st.sampled_from(["x", "Y", "2", 2, None, True])
ROOTS = st.fixed_dictionaries(
    {
        "a": VALUES,
        "b": VALUES,
        "c": VALUES,
        "list": st.lists(st.fixed_dictionaries({"a": VALUES}), max_size=3),
    }
)
OPPOSITE = {"==": "!=", "!=": "==", "include?": "not_include?", "not_in?": "in?"}


def opposite(condition: Condition) -> Condition:
    """The condition that is true where this one is false, by de Morgan's laws."""
    match condition:
        case Compare(operator=operator, left=left, right=right):
            return Compare(OPPOSITE[operator], left, right)
        case Logic(operator=operator, terms=terms):
            return Logic("or" if operator == "and" else "and", tuple(map(opposite, terms)))
        case Quantifier(operator="any", source=source, item=item, body=body):
            return Quantifier("none", source, item, body)
        case Quantifier(operator="none", source=source, item=item, body=body):
            return Quantifier("any", source, item, body)
        case Quantifier(source=source, item=item, body=body):
            return Quantifier("any", source, item, opposite(body))


def turned(condition: Condition) -> Condition:
    """The condition with the terms of each group in the other order."""
    match condition:
        case Logic(operator=operator, terms=terms):
            return Logic(operator, tuple(turned(term) for term in reversed(terms)))
        case Quantifier(operator=operator, source=source, item=item, body=body):
            return Quantifier(operator, source, item, turned(body))
        case _:
            return condition


def renamed(condition: Condition) -> Condition:
    """The condition with another name for the variable of each list operator."""

    def moved(place: Place) -> Place:
        return Place(("other", *place.segments[1:])) if place.root == "item" else place

    match condition:
        case Compare(operator=operator, left=left, right=right):
            return Compare(operator, moved(left), moved(right) if isinstance(right, Place) else right)
        case Logic(operator=operator, terms=terms):
            return Logic(operator, tuple(map(renamed, terms)))
        case Quantifier(operator=operator, source=source, body=body):
            return Quantifier(operator, source, "other", renamed(body))


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, ROOTS)
def test_conditions_keep_the_laws_of_logic(condition: Condition, root: dict[str, object]) -> None:
    from schemas.catalog.environment import UNKNOWN

    def ask(asked: Condition) -> bool:
        return prepared(asked, lambda place, items: UNKNOWN)({"root": root})

    found = ask(condition)
    assert ask(opposite(condition)) is not found
    assert ask(turned(condition)) is found
    assert ask(renamed(condition)) is found
