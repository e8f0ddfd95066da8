"""The graph: which steps run, in what order, what each sees, and that every run ends."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from schemas.workflow import Workflow
from schemas.workflow.model import (
    ACTION,
    CONDITION,
    FOREACH,
    TRIGGER,
    Compare,
    ConditionValue,
    Constant,
    Link,
    PathValue,
    Step,
    Text,
    path,
)
from serving.simulator import Event, Limits, Simulator, Trace, simulate
from tests.serving.simulator.orders import NOW, SHOP, code, kinds, on_order, run, values

ORDER: Any = {"id": "1", "name": "#1", "totalPrice": "600.00", "lineItems": [{"title": "A"}, {"title": "B"}]}


def graph(*links: tuple[int, str, int], kinds: str) -> Workflow:
    """A workflow by its links; a letter a step: trigger, condition, loop, or action that says its number."""
    steps = []
    for number, kind in enumerate(kinds):
        match kind:
            case "T":
                steps.append(Step(TRIGGER, "shopify::admin::order_created", "0.1"))
            case "C":
                asked = Compare("==", path("order.name"), Constant("#1"))
                fields = (("condition", ConditionValue(asked)),)
                steps.append(Step(CONDITION, "shopify::flow::condition", "0.1", fields))
            case "L":
                listed = (("listpath", PathValue(path("order.lineItems"))),)
                steps.append(Step(FOREACH, "shopify::flow::foreach", "0.1", listed))
            case _:
                said = Text(f"{number}{{{{ lineItemsForeachitem.title }}}}")
                steps.append(Step(ACTION, "an-app", "0.1", (("x", said),)))
    return Workflow("w", tuple(steps), tuple(Link(*link) for link in links))


def said(trace: Trace) -> list[str]:
    return [values(effect)["x"] for effect in trace.effects if effect.kind == "action"]


def past(trace: Trace, place: int) -> set[str]:
    """What the actions before an effect said, on its path."""
    found: set[str] = set()
    for before in trace.effects[place].after:
        effect = trace.effects[before]
        found |= past(trace, before) | ({values(effect)["x"]} if effect.kind == "action" else set())
    return found


def test_steps_run_one_after_another() -> None:
    trace = run(graph((0, "output", 2), (2, "output", 1), kinds="TAA"), order=ORDER)
    assert said(trace) == ["2", "1"]
    assert [effect.after for effect in trace.effects] == [(), (0,)]
    assert [effect.step for effect in trace.effects] == [2, 1]


def test_a_condition_leads_on_at_one_port_alone() -> None:
    workflow = graph((0, "output", 1), (1, "true", 2), (1, "false", 3), kinds="TCAA")
    yes, no = run(workflow, order=ORDER), run(workflow, order={"name": "x"})
    assert (said(yes), said(no)) == (["2"], ["3"])
    assert values(yes.effects[0]) == {"result": True, "seen": {"order.name": "#1"}}
    assert values(no.effects[0])["result"] is False


def test_branches_of_one_port_run_beside_each_other() -> None:
    trace = run(
        graph((0, "output", 1), (1, "output", 2), (1, "output", 3), (2, "output", 4), kinds="TAAAA"),
        order=ORDER,
    )
    assert said(trace) == ["1", "2", "4", "3"]
    assert [effect.after for effect in trace.effects] == [(), (0,), (1,), (0,)]


def test_a_step_where_branches_meet_runs_once_for_each() -> None:
    trace = run(
        graph((0, "output", 1), (0, "output", 2), (1, "output", 3), (2, "output", 3), kinds="TAAA"),
        order=ORDER,
    )
    assert said(trace) == ["1", "3", "2", "3"]
    assert [past(trace, place) for place in range(4)] == [set(), {"1"}, set(), {"2"}]


def test_steps_that_nothing_leads_to_do_not_run() -> None:
    assert said(run(graph((0, "output", 1), (2, "output", 3), kinds="TAAA"), order=ORDER)) == ["1"]
    assert run(graph(kinds="TAA"), order=ORDER).effects == ()


def test_turns_of_a_loop_follow_each_other_and_after_comes_after_the_last() -> None:
    workflow = graph((0, "output", 1), (1, "loop_body", 2), (2, "output", 3), (1, "after", 4), kinds="TLAAA")
    trace = run(workflow, order=ORDER)
    assert said(trace) == ["2A", "3A", "2B", "3B", "4"]
    assert kinds(trace) == "loop loop action action loop action action action"
    assert [effect.after for effect in trace.effects] == [(), (0,), (1,), (2,), (3,), (4,), (5,), (6,)]
    assert values(trace.effects[0]) == {"list": "order.lineItems", "num_items": 2}
    assert values(trace.effects[4]) == {"turn": 2, "of": 2, "item": "B"}


def test_a_turn_waits_for_all_branches_of_the_one_before() -> None:
    workflow = graph(
        (0, "output", 1), (1, "loop_body", 2), (1, "loop_body", 3), (1, "after", 4), kinds="TLAAA"
    )
    trace = run(workflow, order=ORDER)
    assert said(trace) == ["2A", "3A", "2B", "3B", "4"]
    assert past(trace, trace.effects.index(trace.effects[-1])) == {"2A", "3A", "2B", "3B"}
    of_second = [place for place, effect in enumerate(trace.effects) if '"2B"' in effect.values]
    assert past(trace, of_second[0]) == {"2A", "3A"}
    assert trace.effects[-1].after == (5, 6)


def test_a_turn_waits_for_branches_inside_it_and_for_loops_in_branches() -> None:
    inside = ((0, "output", 1), (1, "loop_body", 2), (2, "output", 3), (2, "output", 4))
    trace = run(graph(*inside, (1, "after", 5), kinds="TLAAAA"), order=ORDER)
    assert said(trace) == ["2A", "3A", "4A", "2B", "3B", "4B", "5"]
    assert past(trace, len(trace.effects) - 1) == {"2A", "3A", "4A", "2B", "3B", "4B"}
    nested = ((0, "output", 1), (1, "loop_body", 2), (1, "loop_body", 3), (2, "after", 4), (2, "after", 5))
    trace = run(graph(*nested, (1, "after", 6), kinds="TLLAAAA"), order=ORDER)
    assert said(trace) == ["4A", "5A", "3A", "4B", "5B", "3B", "6"]
    assert past(trace, len(trace.effects) - 1) == set(said(trace)) - {"6"}


def test_waits_in_a_turn_move_the_clock_of_the_turns_after_it() -> None:
    now = "{{ 'now' | date: '%d' }}"
    workflow = on_order(
        "for line_item in order.line_items:",
        "    with branch():",
        '        wait(duration="P2D")',
        '    wait(duration="P1D")',
        f'    log_output(output="{now}")',
        f'log_output(output="{now}")',
    )
    trace = run(workflow, order=ORDER)
    assert [values(effect)["output"] for effect in trace.effects if effect.kind == "log"] == [
        "03",
        "05",
        "06",
    ]


def test_loops_inside_loops() -> None:
    workflow = on_order(
        "for line_item in order.line_items:",
        "    for tag in line_item.product.tags:",
        '        log_output(output="{{ lineItemsForeachitem.title }}{{ tagsForeachitem }}")',
        '    log_output(output="{{ lineItemsForeachitem.title }}.")',
        'log_output(output="end{{ lineItemsForeachitem.title }}")',
    )
    items = [{"title": "A", "product": {"tags": ["x", "y"]}}, {"title": "B", "product": {"tags": []}}]
    trace = run(workflow, order={"lineItems": items})
    logged = [values(effect)["output"] for effect in trace.effects if effect.kind == "log"]
    assert logged == ["Ax", "Ay", "A.", "B.", "end"]


@pytest.mark.parametrize("items", [None, []])
def test_a_loop_over_nothing_goes_on_after_it(items: Any) -> None:
    workflow = graph((0, "output", 1), (1, "loop_body", 2), (1, "after", 3), kinds="TLAA")
    assert said(run(workflow, order={"lineItems": items})) == ["3"]


def test_a_loop_without_a_body_goes_on_after_it() -> None:
    trace = run(graph((0, "output", 1), (1, "after", 2), kinds="TLA"), order=ORDER)
    assert (kinds(trace), trace.effects[1].after) == ("loop action", (0,))


def test_a_loop_over_no_list_over_too_many_items_or_over_nothing_chosen_is_an_error() -> None:
    workflow = graph((0, "output", 1), (1, "loop_body", 2), (1, "after", 2), kinds="TLA")
    assert code(run(workflow, order={"lineItems": "x"})) == "CONFIG_FIELD_MAP_OVER_INVALID_TYPE"
    assert code(run(workflow, order={"lineItems": [1] * 101})) == "LOOP_LIMIT"
    assert not run(workflow, order={"lineItems": [1] * 100}).errors
    unset = Step(FOREACH, "shopify::flow::foreach", "0.1", (("listpath", Text("")),))
    assert (
        code(run(Workflow("w", (workflow.steps[0], unset), workflow.links[:1]))) == "REQUIRED_VALUE_MISSING"
    )


def test_an_error_ends_its_path_and_no_other() -> None:
    workflow = on_order(
        "for line_item in order.line_items:",
        '    send_email(address="{{ lineItemsForeachitem.title }}", subject="s", message="m")',
        '    log_output(output="{{ lineItemsForeachitem.title }}")',
        'log_output(output="after")',
    )
    trace = run(workflow, order={"lineItems": [{"title": "a"}, {"title": ""}, {"title": "c"}]})
    assert [values(effect).get("output") for effect in trace.effects if effect.kind == "log"] == [
        "a",
        "c",
        "after",
    ]
    assert code(trace) == "REQUIRED_VALUE_MISSING"
    (error,) = [place for place, effect in enumerate(trace.effects) if effect.kind == "error"]
    assert trace.effects[error + 1].after == (error,)


def test_an_empty_condition_and_a_link_to_nothing_are_errors() -> None:
    empty = Step(CONDITION, "shopify::flow::condition", "0.1", (("condition", ConditionValue(None)),))
    trigger = graph(kinds="T").steps[0]
    assert code(run(Workflow("w", (trigger, empty), (Link(0, "output", 1),)))) == "STEP_CONDITION_EMPTY"
    for target in (0, 7, -1):
        assert code(run(Workflow("w", (trigger,), (Link(0, "output", target),)))) == "INVALID_LINK"


def test_what_comes_after_a_wait_is_later_and_what_is_beside_it_is_not() -> None:
    workflow = on_order(
        "with branch():",
        '    wait(duration="P1DT2H")',
        "    log_output(output=\"{{ 'now' | date: '%Y-%m-%dT%H:%M' }}\")",
        "log_output(output=\"{{ 'now' | date: '%Y-%m-%dT%H:%M' }}\")",
    )
    trace = run(workflow, order=ORDER)
    assert kinds(trace) == "wait log log"
    later = NOW + timedelta(days=1, hours=2)
    assert [values(effect)["output"] for effect in trace.effects[1:]] == [
        f"{later:%Y-%m-%dT%H:%M}",
        f"{NOW:%Y-%m-%dT%H:%M}",
    ]
    assert code(run(on_order('wait(duration="soon")'))) == "INVALID_DURATION"
    assert code(run(on_order('wait(duration="P9999999D")'))) == "INVALID_DURATION"
    assert code(run(on_order("wait()"))) == "REQUIRED_VALUE_MISSING"


def test_a_path_sees_what_led_to_it_and_not_what_happened_beside_it() -> None:
    workflow = on_order(
        "with branch():",
        "    num = count(order.line_items)",
        '    log_output(output="{{ count }}")',
        'log_output(output="{{ count }}")',
    )
    trace = run(workflow, order=ORDER, count=99)
    assert [values(effect)["output"] for effect in trace.effects if effect.kind == "log"] == ["2", ""]


CYCLE = graph((0, "output", 1), (1, "output", 2), (2, "output", 1), kinds="TAA")
DOUBLING = graph((0, "output", 1), (1, "output", 1), (1, "output", 1), kinds="TA")
AROUND = graph((0, "output", 1), (1, "loop_body", 1), (1, "after", 1), kinds="TL")
INSIDE = graph((0, "output", 1), (1, "loop_body", 2), (2, "output", 1), kinds="TLA")
WIDE = Workflow("w", CYCLE.steps, tuple(Link(source, "output", 1) for source in (0, *[1] * 500)))


@pytest.mark.parametrize("workflow", [CYCLE, DOUBLING, AROUND, INSIDE, WIDE])
@pytest.mark.parametrize("most", [1, 7, 5000])
def test_a_cycle_ends_at_the_limit(workflow: Workflow, most: int) -> None:
    trace = run(workflow, order=ORDER, limits=Limits(steps=most))
    assert len(trace.effects) <= most + 1
    assert code(trace) == "STEP_LIMIT"
    assert trace.effects[-1].kind == "error"


def test_paths_that_wait_are_bounded_too() -> None:
    tracemalloc.start()
    assert code(run(WIDE, order=ORDER, limits=Limits(steps=3000))) == "STEP_LIMIT"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 << 20  # 500 paths a step are 300 MB


def test_a_thousand_million_turns_end_at_the_limit() -> None:
    lines = [f"{'    ' * depth}for x{depth} in order.line_items:" for depth in range(5)]
    workflow = on_order(*lines, f"{'    ' * 5}log_output(output='x')")
    trace = run(workflow, order={"lineItems": [{"title": "t"}] * 100})
    assert code(trace) == "STEP_LIMIT"
    assert len(trace.effects) == Limits().steps + 1


def test_what_all_effects_say_is_bounded() -> None:
    workflow = on_order(
        "for x in order.line_items:", '    log_output(output="{{ order.note }}")', "log_output()"
    )
    order = {"lineItems": [{}] * 50, "note": "x" * 1000}
    trace = run(workflow, order=order, limits=Limits(trace=10_000))
    assert code(trace) == "TRACE_LIMIT"
    assert sum(len(effect.values) for effect in trace.effects) < 10_500


def test_half_a_character_is_an_error_and_no_exception() -> None:
    workflow = Workflow(
        "w",
        (CYCLE.steps[0], Step(ACTION, "an-app", "0.1", (("x", Text("\ud800")),))),
        (Link(0, "output", 1),),
    )
    assert code(run(workflow)) == "NOT_JSON"
    listed = Step(FOREACH, "shopify::flow::foreach", "0.1", (("listpath", PathValue(path("order.\ud800"))),))
    trace = run(Workflow("w", (CYCLE.steps[0], listed), workflow.links), order={"\ud800": 5})
    assert code(trace) == "CONFIG_FIELD_MAP_OVER_INVALID_TYPE"


def test_the_trigger_brings_the_shop_and_the_scheduled_time() -> None:
    from schemas.workflow import from_python

    text = """\
@scheduled(every="day", at="17:00", timezone="America/New_York", starting="2026-07-19")
def w(scheduled_at):
    log_output(output="{{ scheduledAt }} {{ shop.name }}")
"""
    workflow = from_python(text)
    (effect,) = run(workflow).effects
    assert values(effect)["output"] == f"2026-11-02T08:30:00Z {SHOP.root({'name': {}})['name']}"
    (effect,) = run(workflow, shop={"name": "Mine"}, scheduledAt="then").effects
    assert values(effect)["output"] == "then Mine"


def test_a_simulator_runs_many_times_and_keeps_nothing() -> None:
    simulator = Simulator(graph((0, "output", 1), (1, "true", 2), kinds="TCA"))
    first = simulator.run(Event({"order": ORDER}, NOW), SHOP)
    simulator.run(Event({"order": {"name": "x"}}, NOW), SHOP)
    assert (
        simulator.run(Event({"order": ORDER}, NOW), SHOP)
        == first
        == simulate(simulator.workflow, Event({"order": ORDER}, NOW), SHOP)
    )
