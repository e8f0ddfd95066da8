"""The ways in which a person words a request: six styles that differ in structure, grammar and vocabulary.

Not here yet: languages other than English, spelling mistakes, and requests that leave things open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["NUM_WORDINGS", "STYLES", "Style"]

_PLAIN: Final = {
    "==": "is",
    "!=": "is not",
    ">": "is more than",
    ">=": "is at least",
    "<": "is less than",
    "<=": "is at most",
    "include?": "contains",
    "not_include?": "does not contain",
    "start_with?": "starts with",
    "not_start_with?": "does not start with",
    "end_with?": "ends with",
    "not_end_with?": "does not end with",
    "in?": "is one of",
    "not_in?": "is none of",
    "nil?": "is not set",
    "not_nil?": "is set",
    "empty_or_nil?": "is empty",
    "not_empty_and_not_nil?": "is filled in",
}
_FORMAL: Final = {
    "==": "equals",
    "!=": "differs from",
    ">": "is greater than",
    ">=": "is no less than",
    "<": "is below",
    "<=": "is no more than",
    "include?": "includes",
    "not_include?": "does not include",
    "start_with?": "begins with",
    "not_start_with?": "does not begin with",
    "end_with?": "ends in",
    "not_end_with?": "does not end in",
    "in?": "is among",
    "not_in?": "is not among",
    "nil?": "has no value",
    "not_nil?": "has a value",
    "empty_or_nil?": "is blank",
    "not_empty_and_not_nil?": "is not blank",
}
_TERSE: Final = {
    **{sign: sign for sign in (">", ">=", "<", "<=", "!=")},
    "==": "=",
    "include?": "contains",
    "not_include?": "not containing",
    "start_with?": "starting with",
    "not_start_with?": "not starting with",
    "end_with?": "ending with",
    "not_end_with?": "not ending with",
    "in?": "in",
    "not_in?": "not in",
    "nil?": "missing",
    "not_nil?": "present",
    "empty_or_nil?": "empty",
    "not_empty_and_not_nil?": "not empty",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """One way of wording. Templates hold {when}, {name}, {condition}, {steps}, {before} and {otherwise}."""

    paths: Literal["possessive", "of", "dotted"]
    """`the order's total price`, `the total price of the order`, `order.totalPrice`."""
    operators: Mapping[str, str]
    quantifiers: Mapping[str, str]
    event: str
    """How an event is told: {event}; a timetable needs no word before it."""
    straight: str
    """Steps without a condition."""
    conditional: str
    """Steps behind one condition."""
    prepared: str
    """The same, with steps before the condition."""
    otherwise: str
    """What is added where the condition has another side."""
    outline: str
    """What stands above a list of steps."""
    marks: Literal["dash", "number", "star"]
    otherwise_line: str
    """The other side of a condition in a list of steps."""
    joined: tuple[str, str]
    """Between the steps of one sentence, and before the last."""
    add: str
    """How tags are added: {tags} and {thing}."""
    remove: str
    email: str
    """How an e-mail is sent: {address}, {subject} and {message}."""


STYLES: Final = (
    Style(
        paths="possessive",
        operators=_PLAIN,
        quantifiers={"any": "at least one of", "all": "every one of", "none": "none of"},
        event="when {event}",
        straight="{when}, {steps}. Call the workflow {name}.",
        conditional="{when}, if {condition}, {steps}.{otherwise} Call the workflow {name}.",
        prepared="{when}, {before}. Then, if {condition}, {steps}.{otherwise} Call the workflow {name}.",
        otherwise=" Otherwise, {steps}.",
        outline="{when}, do this. Call the workflow {name}.",
        marks="dash",
        otherwise_line="otherwise:",
        joined=(", then ", " and then "),
        add="add {tags} to {thing}",
        remove="remove {tags} from {thing}",
        email="email {address} with the subject {subject} and the message {message}",
    ),
    Style(
        paths="of",
        operators=_FORMAL,
        quantifiers={"any": "any of", "all": "each of", "none": "not a single one of"},
        event="whenever {event}",
        straight="{steps} {when}. The name should be {name}.",
        conditional="{steps} {when}, but only if {condition}.{otherwise} The name should be {name}.",
        prepared=(
            "{when}, {before}. After that, only if {condition}, {steps}.{otherwise} "
            "The name should be {name}."
        ),
        otherwise=" If that is not the case, {steps}.",
        outline="What should happen {when} is below. The name should be {name}.",
        marks="number",
        otherwise_line="if that is not the case:",
        joined=(", ", " and "),
        add="put {tags} on {thing}",
        remove="take {tags} off {thing}",
        email="send an email to {address}, subject {subject}, saying {message}",
    ),
    Style(
        paths="possessive",
        operators=_FORMAL,
        quantifiers={"any": "one or more of", "all": "each one of", "none": "none among"},
        event="when {event}",
        straight="I want a workflow named {name}. It starts {when} and it should {steps}.",
        conditional=(
            "I want a workflow named {name}. It starts {when}. If {condition}, it should {steps}.{otherwise}"
        ),
        prepared=(
            "I want a workflow named {name}. It starts {when}. First it should {before}. "
            "After that, if {condition}, it should {steps}.{otherwise}"
        ),
        otherwise=" If not, it should {steps}.",
        outline="I want a workflow named {name}. It starts {when} and has these steps.",
        marks="star",
        otherwise_line="if not:",
        joined=(", after that ", " and after that "),
        add="label {thing} with {tags}",
        remove="unlabel {thing}, dropping {tags}",
        email="write to {address} under the subject {subject}: {message}",
    ),
    Style(
        paths="dotted",
        operators=_TERSE,
        quantifiers={"any": "any in", "all": "all in", "none": "none in"},
        event="{event}",
        straight="{name}: {when} -> {steps}",
        conditional="{name}: {when} -> if {condition} -> {steps}{otherwise}",
        prepared="{name}: {when} -> {before} -> if {condition} -> {steps}{otherwise}",
        otherwise=" | else -> {steps}",
        outline="{name}: {when}",
        marks="dash",
        otherwise_line="else:",
        joined=(" -> ", " -> "),
        add="add {tags} to {thing}",
        remove="drop {tags} from {thing}",
        email="mail {address}, subject {subject}, body {message}",
    ),
    Style(
        paths="of",
        operators=_PLAIN,
        quantifiers={"any": "any member of", "all": "every member of", "none": "no member of"},
        event="as soon as {event}",
        straight="Could you build {name} for me? {when}, please {steps}.",
        conditional=(
            "Could you build {name} for me? {when}, please {steps}, as long as {condition}.{otherwise}"
        ),
        prepared=(
            "Could you build {name} for me? {when}, please {before}. "
            "Afterwards, as long as {condition}, {steps}.{otherwise}"
        ),
        otherwise=" In all other cases, {steps}.",
        outline="Could you build {name} for me? {when}, please go through this list.",
        marks="number",
        otherwise_line="in all other cases:",
        joined=("; ", "; "),
        add="give {thing} {tags}",
        remove="strip {thing} of {tags}",
        email="drop {address} a line titled {subject} that reads {message}",
    ),
    Style(
        paths="possessive",
        operators=_PLAIN,
        quantifiers={"any": "any one of", "all": "each single one of", "none": "not one of"},
        event="each time {event}",
        straight="Set up an automation titled {name} that runs {when}. Have it {steps}.",
        conditional=(
            "Set up an automation titled {name} that runs {when}. "
            "Where {condition}, have it {steps}.{otherwise}"
        ),
        prepared=(
            "Set up an automation titled {name} that runs {when}. Have it {before}. "
            "Next, where {condition}, have it {steps}.{otherwise}"
        ),
        otherwise=" In every other case, have it {steps}.",
        outline="Set up an automation titled {name} that runs {when}. It does the following.",
        marks="star",
        otherwise_line="in every other case:",
        joined=(", next ", " and finally "),
        add="mark {thing} with {tags}",
        remove="clear {tags} from {thing}",
        email="notify {address} by email, with {subject} as the subject and {message} as the text",
    ),
)

NUM_WORDINGS: Final = len(STYLES)
