"""A whole workflow: an intent, what the merchant added to it later, and the mess that real ones are in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.generator.build import ADMIN, FLOW, Build, Intent
from pipelines.generator.draw import Draw
from pipelines.generator.intents import INTENTS
from pipelines.generator.intents.notices import tell_someone
from pipelines.generator.intents.schedules import recurrence
from pipelines.generator.pieces import (
    AND,
    OR,
    Compare,
    Condition,
    Logic,
    Port,
    Quantified,
    Reference,
    Sketch,
    Value,
)
from pipelines.generator.questions import QUESTIONS, ask_about
from pipelines.generator.vocabulary import CAPTIONS, HOSTILE_TEXTS, NOTES, renamed

__all__ = ["draw_sketch"]

MAX_STEPS = 60
FREE_TEXT = frozenset(
    {"subject", "message", "note", "body", "value", "row", "reasonNotes", "staff_note", "output", "target"}
)
WITH_SAME_TRIGGER = {
    trigger: tuple(intent for intent in INTENTS if trigger in intent.triggers)
    for trigger in dict.fromkeys(trigger for intent in INTENTS for trigger in intent.triggers)
}


def draw_sketch(draw: Draw) -> Sketch:
    """One workflow as a merchant has it."""
    intent = draw.popular(INTENTS)
    trigger = draw.popular(intent.triggers)
    b = Build(draw, intent.name, renamed(intent.name, draw))
    at = b.start(trigger, **_trigger_fields(trigger, draw))
    intent.body(b, at)
    while len(b.sketch.steps) < MAX_STEPS and draw.chance(0.2):
        _grow(b, at, intent, trigger)
    _annotate(b.sketch, draw)
    for share, mess in MESSES:
        if draw.chance(share):
            mess(b)
    return b.sketch


def _trigger_fields(trigger: str, draw: Draw) -> Mapping[str, Value]:
    if trigger == f"{FLOW}scheduled_time":
        return {"recurrence": recurrence(draw)}
    if trigger == f"{ADMIN}metaobject_created":
        number = draw.pick((1063387, 6795854102))
        if draw.chance(0.5):
            return {"type": f"app--6171699--shopify-forms{number}"}
        return {"metaobject_definition_id": Reference(f"gid://shopify/MetaobjectDefinition/{number}")}
    return {}


def _grow(b: Build, at: Port, intent: Intent, trigger: str) -> None:
    """What was added later: a second intent beside the first or behind it, or one more question."""
    way = b.draw.random()
    end = b.draw.pick(b.ends) if b.ends else at
    if way < 0.35:
        b.draw.popular(WITH_SAME_TRIGGER[trigger]).body(b, at)
    elif way < 0.65:
        b.draw.popular(WITH_SAME_TRIGGER[trigger]).body(b, end)
    elif intent.root in QUESTIONS and way < 0.85:
        yes, no = b.ask(end, ask_about(intent.root, intent.root, b.draw))
        tell_someone(b, yes if b.draw.chance(0.8) else no, intent.name, intent.root)
    else:
        tell_someone(b, end, f"{intent.name} ran", intent.root)


def _annotate(sketch: Sketch, draw: Draw) -> None:
    if draw.chance(0.7):
        return
    sketch.note = draw.popular(NOTES) if draw.chance(0.2) else None
    for step in sketch.steps:
        if draw.chance(0.25):
            step.description = draw.popular(CAPTIONS)
        if draw.chance(0.12):
            step.note = draw.popular(NOTES)


def _leave_unconnected(b: Build) -> None:
    """A step that nobody links to, mostly half filled in; sometimes with a step of its own behind it."""
    if b.draw.chance(0.3):
        place = b.add(None, f"{FLOW}condition", {"condition": Logic(OR)})
        b.add((place, "true"), f"{FLOW}send_email", {"address": "", "subject": "", "message": ""})
    elif b.draw.chance(0.5):
        b.add(None, f"{ADMIN}add_order_tags", {"order_id": "", "tags": ""})
    else:
        b.add(None, f"{FLOW}send_email", {"address": "", "subject": "draft", "message": None})


def _empty_condition(b: Build) -> None:
    """A condition that was never opened (empty text) or opened and left (a root without operands)."""
    asked = [step for step in b.sketch.steps if step.kind == "CONDITION"]
    if asked:
        left: tuple[Value, ...] = ("", Logic(AND), Logic(OR))
        b.draw.pick(asked).fields = {"condition": b.draw.pick(left)}


def _empty_field(b: Build) -> None:
    step = b.draw.pick(b.sketch.steps)
    plain = [
        field for field in step.fields if field not in ("condition", "listpath", "numberpath", "recurrence")
    ]
    if plain:
        empty: Value = b.draw.pick(("", "", None))
        step.fields = {**step.fields, b.draw.pick(plain): empty}


def _make_hostile(b: Build) -> None:
    """Texts that break careless tools, wherever a merchant can type."""
    sketch, draw = b.sketch, b.draw
    if draw.chance(0.5):
        sketch.name = draw.pick(HOSTILE_TEXTS)
    for step in sketch.steps:
        if draw.chance(0.3):
            step.description = draw.pick(HOSTILE_TEXTS)
        if draw.chance(0.3):
            step.note = draw.pick(HOSTILE_TEXTS)
        if draw.chance(0.5):
            step.fields = {field: _hostile(field, value, draw) for field, value in step.fields.items()}


def _hostile(field: str, value: Value, draw: Draw) -> Value:
    if field in FREE_TEXT and isinstance(value, str):
        return draw.pick(HOSTILE_TEXTS)
    if field == "tags" and isinstance(value, list):
        return [draw.pick(HOSTILE_TEXTS) for _ in range(draw.between(1, 3))]
    if isinstance(value, Compare | Logic | Quantified):
        _spoil_texts(value, draw)
    return value


def _spoil_texts(condition: Condition, draw: Draw) -> None:
    match condition:
        case Logic(terms=terms):
            for term in terms:
                _spoil_texts(term, draw)
        case Quantified(body=body):
            _spoil_texts(body, draw)
        case Compare(operator="include?" | "not_include?" | "start_with?" | "end_with?", other=""):
            condition.literal = draw.pick(HOSTILE_TEXTS)


def _join_branches(b: Build) -> None:
    """Two ports that lead into one step: legal in the graph, seen in no file. Never across loops."""
    sketch = b.sketch
    if any(step.kind == "FOREACH" for step in sketch.steps):
        return
    linked = {end for _, _, end in sketch.links}
    pairs = [(port, end) for port in b.ends for end in linked if port[0] < end]
    if pairs:
        port, end = b.draw.pick(sorted(pairs))
        sketch.links.append((*port, end))


MESSES: tuple[tuple[float, Callable[[Build], None]], ...] = (
    (0.04, _leave_unconnected),
    (0.02, _empty_condition),
    (0.02, _empty_field),
    (0.04, _make_hostile),
    (0.004, _join_branches),
)
"""How often each kind of mess is found."""
