"""English to a wish: what starts the workflow, under which conditions, and what is done, by patterns.

    read_request("tag orders over 500 as VIP")
    # Wish(event="order created", conditions=[Test("total", ">", 500)], actions=[Act("tag", "order", "VIP")])

What a pattern takes is blanked out; words that are left and are not `SILENT_WORDS` are `Wish.unknown`, and
whoever asked is told of them: a condition that nobody understood is never dropped. What several clauses
leave open is `Wish.unclear`. Not here yet: either/or
between different things, "unless", one workflow with several thresholds, loops over what was fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from serving.scripted_model.clauses import unclear
from serving.scripted_model.comparisons import Test, take_tests
from serving.scripted_model.text import Text
from serving.scripted_model.vocabulary import EVENTS, SILENT_WORDS

__all__ = ["Act", "Schedule", "Test", "Wish", "read_request"]

Kind: TypeAlias = Literal[
    "tag", "untag", "mail", "http", "hold", "cancel", "archive", "unarchive", "hide", "publish", "capture",
    "mark_paid", "note", "wait",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do: to what (`order`, `customer`; empty where it is clear), and with which words."""

    kind: Kind
    owner: str = ""
    value: str = ""
    """The tag, address, URL, note or ISO 8601 duration."""
    subject: str = ""
    message: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a timetable runs: `every="week", on=["MO"], at="08:00"`."""

    every: str
    at: str = ""
    on: tuple[str, ...] = ()


@dataclass(slots=True)
class Wish:
    """What a request asks for."""

    event: str = ""
    """What to search for as the trigger; empty for a timetable."""
    schedule: Schedule | None = None
    fetch: str = ""
    """A search of orders that a timetable begins with, empty for none."""
    tests: list[Test] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unclear: str = ""
    """Why one workflow of the rules cannot be what was asked, as a sentence; empty where it can."""


def read_request(request: str) -> Wish:
    """What a request asks for, as far as the rules go; `acts` is empty where nothing is to be done."""
    text = Text(request)
    wish = Wish()
    wish.schedule = _schedule(text)
    if wish.schedule and text.take(r"yesterday'?s orders|orders (?:of|from) (?:yesterday|the last day)"):
        wish.fetch = "created_at:>='{{ scheduledAt | date_minus: '1 day' }}'"
    waits = list(_waits(text))
    wish.acts = sorted([*waits, *_acts(text)], key=lambda act: act.position)
    done = [act.position for act in wish.acts if act.kind != "wait"]
    if len(done) == 1:  # "email me 2 days after an order is created" waits first
        wish.acts.sort(key=lambda act: act.kind != "wait")
    first = re.search(
        r"\b(draft order|order|customer|buyer|shopper|client|product)s?\b", text.seen, re.IGNORECASE
    )
    meant = _owner(first[1]) if first else "order"
    wish.acts = [
        replace(act, owner=meant) if act.kind in ("tag", "untag") and not act.owner else act
        for act in wish.acts
    ]
    owners = [act.owner for act in wish.acts]
    places: list[int] = []
    for test in take_tests(text, owners):
        wish.tests.append(test)
        places.append(text.last)
    wish.unclear = unclear(text.seen, done, [wait.position for wait in waits], places)
    if not wish.schedule:
        wish.event = _event(text, wish, owners)
        if wish.event.startswith("product variant inventory"):
            wish.tests = [_of_inventory(test) for test in wish.tests]
    wish.unknown = [word for word in text.words() if word.lower() not in SILENT_WORDS]
    return wish


def _event(text: Text, wish: Wish, owners: list[str]) -> str:
    """What starts it: said outright, or what the conditions and actions are about."""
    if any(test.subject == "risk" for test in wish.tests):
        text.take_all(r"(?:orders?|they|it) (?:is|are|gets?) analy[sz]ed")
        return "order risk analyzed"
    if any(test.subject == "inventory" for test in wish.tests):
        return "product variant inventory quantity changed"
    for pattern, query in EVENTS:
        if text.take(rf"(?:{pattern})"):
            return query
    subjects = {test.subject for test in wish.tests}
    if subjects & {"spent", "num_orders"}:
        return "order created"
    seen = text.seen.lower()
    for pattern, query in (
        (r"\bdraft orders?\b", "draft order created"),
        (r"\borders?\b", "order created"),
        (r"\bproducts?\b", "product created"),
        (r"\bcustomers?\b", "customer created"),
    ):
        if re.search(pattern, seen):
            return query
    known = {"order": "order created", "product": "product created", "customer": "customer created"}
    return next((known[owner] for owner in owners if owner in known), "")


def _of_inventory(test: Test) -> Test:
    return Test("inventory", test.operator, test.value) if test.subject == "total" else test


# -- timetables and waits --------------------------------------------------------------------------------

_DAYS: Final = {
    day: day[:2].upper()
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}
_CLOCK: Final = r"(?: ?at (\d{1,2})(?::(\d\d))? ?(am|pm)?(?: o'clock)?)?"
_WORDED: Final = {"daily": "day", "weekly": "week", "hourly": "hour", "monthly": "month"}


def _schedule(text: Text) -> Schedule | None:
    if found := text.take(
        rf"every (morning|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b{_CLOCK}"
    ):
        day = found[1].lower()
        at = _clock(found[2], found[3], found[4]) or "09:00"
        return Schedule("day", at) if day == "morning" else Schedule("week", at, (_DAYS[day],))
    if found := text.take(rf"every (?:(\d+) )?(minute|hour|day|week|month)s?\b{_CLOCK}"):
        count, unit = found[1], found[2].lower()
        every = f"{count} {unit}s" if count and count != "1" else unit
        return Schedule(every, _clock(found[3], found[4], found[5]))
    if found := text.take(rf"\b(daily|weekly|hourly|monthly)\b{_CLOCK}"):
        return Schedule(_WORDED[found[1].lower()], _clock(found[2], found[3], found[4]))
    return None


def _clock(hour: str | None, minute: str | None, half: str | None) -> str:
    if hour is None:
        return ""
    of_day = int(hour) % 12 + 12 * (half.lower() == "pm") if half else int(hour)
    return f"{of_day:02d}:{minute or '00'}" if of_day < 24 else ""


_UNITS: Final = {"minute": "PT{}M", "hour": "PT{}H", "day": "P{}D", "week": "P{}W"}


_SPAN: Final = r"(\d+|an?|one|two|three) (minute|hour|day|week)s?"


def _waits(text: Text) -> Iterator[Act]:
    """Waits at the places where the sentence names them; a lone action comes behind them."""
    while found := text.take(
        rf"(?:wait(?: for)?|after|in) {_SPAN}\b(?: (?:after|later|then))?|{_SPAN} (?:after|later)"
    ):
        count = (found[1] or found[3]).lower()
        number = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}.get(count) or int(count)
        yield Act("wait", value=_UNITS[(found[2] or found[4]).lower()].format(number), position=text.last)


# -- actions ---------------------------------------------------------------------------------------------

_GOES_ON: Final = (
    *("and", "or", "but", "when", "whenever", "if", "unless", "except", "once", "then", "after", "before"),
    *("until", "while", "during", "as", "for", "that", "which", "who", "whose", "where", "with", "without"),
    *("in", "from", "on", "of", "to", "over", "under", "above", "below", "only", "they", "them", "it", "is"),
    *("are", "was", "not", "instead"),
)
"""Words after which a tag that nobody quoted has ended: what follows is a condition, and never part of it."""
_ON: Final = f"(?:{'|'.join(_GOES_ON)})(?![\\w&+/#-])"
_TIMES: Final = (
    *("today", "tomorrow", "tonight", "yesterday", "now", "later", "soon", "immediately", "automatically"),
    *(
        "please",
        "too",
        "also",
        "asap",
        "always",
        "never",
        "again",
        "next",
        "this",
        "every",
        "each",
        "by",
        "at",
    ),
    *("daily", "weekly", "monthly", "hourly", "until", "till", "since", "within", "right", "straight"),
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "weekends", "weekdays"),
)
"""Words that end a tag which has begun, and never belong to it where nobody quoted it."""
_STOP: Final = f"(?:{_ON}|(?:{'|'.join(_TIMES)})(?![\\w&+/#-]))"
_END: Final = rf"(?=\s*(?:[.,;!]|$|{_STOP}))"
_VALUE: Final = rf"(«t\d+»|(?!{_ON})[\w&+/#-]+(?: (?!{_STOP})[\w&+/#-]+){{0,2}})" + _END
_NAMED: Final = r"(«t\d+»|[\w&+/#-]+)"
_NOUN: Final = (
    r"(draft orders?|orders?|customers?|buyers?|shoppers?|clients?|products?|them|it|him|her|they|those)"
)
_THE: Final = r"(?:the |an? |their |those |these |that |all |every |each |his |her |its |some )?"
_VERB: Final = r"\b(?:tag|e-?mail|notify|alert|remove|cancel|hold|archive|send|hide|publish|wait)\b"
_ADDRESS: Final = r"(«m\d+»|me|us|(?:the |my |our )?(?:staff|team|merchant|owner))"


_NOTED: Final = r"(order|customer|draft order)"


def _acts(text: Text) -> Iterator[Act]:
    yield from _tags(text)
    yield from _mails(text)
    while found := text.take(
        r"(?:send |make |post )?(?:an? )?(?:http(?: (?:request|call|post))?|webhook|post request|request)"
        r"(?: (?:to|at))? («u\d+»)|(?:call|post to|ping) («u\d+»)"
    ):
        yield Act("http", value=text.said(found[1] or found[2]), position=found.start())
    while found := text.take(
        rf"(?:set|change|update) {_THE}{_NOTED}?'?s? ?note (?:of {_THE}{_NOUN} )?to («t\d+»)"
        rf"|add (?:the |a )?note («t\d+») to {_THE}{_NOTED}"
    ):
        owner = found[1] or _owner(found[2] or "") or found[5] or "order"
        yield Act("note", _owner(owner), text.said(found[3] or found[4]), position=found.start())
    for kind, pattern, owner in _PLAIN:
        while found := text.take(pattern, keep=1):
            yield Act(kind, owner, position=found.start())


_HELD: Final = r"(?:fulfillments?|orders?|them|it)"
_PLAIN: Final[tuple[tuple[Kind, str, str], ...]] = (
    ("hold", rf"\bput {_THE}{_HELD}\b(.*?)\bon hold\b|\bhold {_THE}{_HELD}(?: of)?\b", "order"),
    ("unarchive", r"\bunarchive\b", "order"),
    ("archive", r"\barchive\b", "order"),
    ("cancel", r"\bcancel\b", "order"),
    ("hide", rf"\b(?:hide|unpublish)\b|\btake {_THE}products? off(?:line| the store)", "product"),
    ("publish", r"\bpublish\b", "product"),
    ("capture", rf"\bcapture {_THE}payments?(?: of {_THE}orders?)?", "order"),
    ("mark_paid", rf"\bmark {_THE}(?:orders?|them|it) as paid", "order"),
)  # fmt: skip


def _tags(text: Text) -> Iterator[Act]:
    begin = rf"\b(?:tag|label) {_THE}(?:{_NOUN}\b)?((?:(?!{_VERB}).)*?)"
    as_value = rf"\b(?:as|with) (?:the tag )?{_VALUE}"
    to = rf"(?: (?:to|on|from|of) {_THE}{_NOUN})?"
    while found := text.take(
        rf"\b(add|put|apply|attach|remove|delete|drop) {_THE}(?:tags? {_NAMED}|{_NAMED} tags?){to}"
    ):
        verb: Kind = "untag" if found[1].lower() in ("remove", "delete", "drop") else "tag"
        yield Act(verb, _owner(found[4] or ""), text.said(found[2] or found[3]), position=found.start())
    while found := text.take(rf"\badd («t\d+») to {_THE}{_NOUN}"):
        yield Act("tag", _owner(found[2]), text.said(found[1]), position=found.start())
    while found := text.take(
        rf"\b(?:should |must |shall )?(?:get|receive|be given) {_THE}tag {_NAMED}"
        rf"|\b(?:should|must|shall) be (?:tagged|labelled)(?: as| with)? {_VALUE}"
    ):
        yield Act("tag", "", text.said(found[1] or found[2]), position=found.start())
    for pattern in (
        rf"{begin}{as_value}(?!.*\b(?:as|with) {_VALUE})",
        rf"{begin}{as_value}",
        rf"\btag {_THE}{_NOUN}()? {_VALUE}",
    ):
        while found := text.take(pattern, keep=2):
            yield Act("tag", _owner(found[1] or ""), text.said(found[3]), position=found.start())


def _mails(text: Text) -> Iterator[Act]:
    while found := text.take(
        rf"\b(?:send|write) (?:an? )?(?:internal )?(?:e-?mails?|notifications?|alerts?)(?: to {_ADDRESS})?"
        rf"|\b(?:e-?mail|notify|alert|mail|inform|tell) (?:to |me at )?{_ADDRESS}"
        rf"|\bget an? (?:e-?mail|notification|alert)(?: at {_ADDRESS})?"
    ):
        address = found[1] or found[2] or found[3] or ""
        subject = text.take(r"with (?:the )?subject («t\d+»)")
        message = text.take(r"(?:saying|that says|with (?:the )?(?:text|message|body)) («t\d+»)")
        yield Act(
            "mail",
            value=text.said(address) if address.startswith("«") else "",
            subject=text.said(subject[1]) if subject else "",
            message=text.said(message[1]) if message else "",
            position=found.start(),
        )


def _owner(noun: str) -> str:
    noun = noun.lower().rstrip("s")
    named = {"draft order": "draftOrder", **dict.fromkeys(("buyer", "shopper", "client"), "customer")}
    return named.get(noun, noun if noun in ("order", "customer", "product") else "")
