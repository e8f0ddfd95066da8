"""Get data steps: which records a query finds, in which order, and how many.

    fetch("orders", "financial_status:paid -tag:VIP", {"sortKey": "CREATED_AT"}, 10, records)

The syntax is `search_syntax.py`, the filters `fetch_filters.py`. Texts are compared without regard to case,
`title:green` finds the word in "Green Mug" and `title:gre*` its beginning, `tag:a,b` finds either, a date
without a time is the whole day. A filter that the list does not have, or a value that its kind cannot read,
is left out of the query, as Shopify does; `ignored` names them.

Records have the fields that were made: `asked` says which ones a query and a sort key look at, for
`SyntheticShop.records`. Without a sort key the order is that of the ids, and so it is among equals.

Not here: relevance, typing errors, stems of words, and the shop's time zone (dates are UTC).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from schemas.workflow.checks.get_data import SORT_KEYS
from serving.simulator import dates
from serving.simulator.events import Json
from serving.simulator.fetch_filters import EVERYWHERE, FILTERS, SORTS, Filter
from serving.simulator.search_syntax import All, Either, Node, Not, Operator, Query, Term, parse, terms
from serving.simulator.trace import SimulationError
from serving.synthetic_shop import Tree

__all__ = ["MOST_RECORDS", "asked", "fetch", "ignored"]

_Fields: TypeAlias = dict[str, "_Fields"]

MOST_RECORDS: Final = 100
_WORD: Final = re.compile(r"[^\W_]+")
_NUMBER: Final = re.compile(r"\d+", re.ASCII)
_PERIOD: Final = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", re.ASCII)
_MOMENT: Final = datetime(2026, 11, 2, tzinfo=UTC)
_NIL: Final = (2, Decimal(0), "")
_ORDER_STATUS: Final[Mapping[str, tuple[bool | None, bool | None]]] = {
    "open": (False, False),
    "closed": (True, None),
    "cancelled": (None, True),
    "not_closed": (False, None),
    "any": (None, None),
}
"""Whether an order of that status is closed, and whether it is cancelled."""
_SYNONYMS: Final = {"shipped": "fulfilled", "unshipped": "unfulfilled", "partial": "partially_fulfilled"}
"""Other words for a fulfillment status."""


def fetch(
    kind: str,
    query: str,
    sort_by: Json,
    first: int,
    records: Sequence[Json],
    *,
    now: datetime = _MOMENT,
) -> list[Json]:
    """The first records that a query finds; at most 100, whatever `first` says.

    `kind` is what stands behind `shopify::flow::fetch::`, such as `orders`; `sort_by` is `{"sortKey": ...,
    "order": "ASCENDING"}` or None. `now` is what the word means in a query.

    Raises:
        SimulationError: TASK_NOT_FOUND for a kind that cannot be fetched, QUERY_LIMIT for a query beyond all
            reason, CONFIG_FIELD_FETCH_SORT_KEYS_INCOMPATIBILITY for a sort key that the list does not have.
    """
    _known(kind)
    matching = _Matching(kind, now)
    root = parse(query).root
    found = [record for record in records if matching.of(root, record) is not False]
    path, falling = _sorting(kind, sort_by)
    if path:
        found.sort(key=lambda record: _rank(record, "id"))
        there = [record for record in found if _rank(record, path) != _NIL]
        there.sort(key=lambda record: _rank(record, path), reverse=falling)
        found = [*there, *(record for record in found if _rank(record, path) == _NIL)]
    return found[: max(0, min(first, MOST_RECORDS))]


def ignored(kind: str, query: str, *, now: datetime = _MOMENT) -> tuple[str, ...]:
    """What of a query is left out: filters that are not known, values that cannot be read, stray signs."""
    _known(kind)
    read: Query = parse(query)
    matching = _Matching(kind, now)
    lost = [
        f"{term.field}{term.operator}{term.value}" for term in terms(read.root) if not matching.reads(term)
    ]
    return (*lost, *read.unread)


def asked(kind: str, query: str, sort_by: Json) -> Tree:
    """The fields of a record that a query and a sort key look at, as a tree for `SyntheticShop.records`."""
    _known(kind)
    paths = {"id"}
    for term in terms(parse(query).root):
        if kind == "orders" and term.field == "status":
            paths.update(("closed", "cancelledAt"))
        elif term.field in FILTERS[kind]:
            paths.update(FILTERS[kind][term.field].paths)
        elif not term.field:
            paths.update(EVERYWHERE.get(kind, ()))
    path, _ = _sorting(kind, sort_by)
    if path:
        paths.add(path)
    tree: _Fields = {}
    for each in sorted(paths):
        here = tree
        for name in each.split("."):
            here = here.setdefault(name, {})
    return tree


def _known(kind: str) -> None:
    if kind not in FILTERS:
        raise SimulationError("TASK_NOT_FOUND", f"nothing public fetches {kind!r}")


def _sorting(kind: str, sort_by: Json) -> tuple[str, bool]:
    """The path to sort by, empty for an order that nobody can compute, and whether it falls."""
    if not isinstance(sort_by, dict) or not sort_by.get("sortKey"):
        return "id", False
    key, falling = str(sort_by["sortKey"]), sort_by.get("order") == "DESCENDING"
    if key not in SORT_KEYS[kind]:
        message = f"{key[:40]!r} is no sort key of {kind}"
        raise SimulationError("CONFIG_FIELD_FETCH_SORT_KEYS_INCOMPATIBILITY", message)
    return SORTS[kind].get(key, ""), falling


def _rank(record: Json, path: str) -> tuple[int, Decimal, str]:
    """Where a record stands by a path: numbers before texts, `_NIL` where it has nothing there."""
    value = next(_values(record, path), None)
    if value is None:
        return _NIL
    if path.rpartition(".")[2] == "id":
        return 0, Decimal(_id_number(value) or 0), ""
    number = _decimal(value)
    return (0, number, "") if number is not None else (1, Decimal(0), str(value).casefold())


def _values(value: Json, path: str) -> Iterator[Json]:
    """What lies at a path: every item where it goes through lists; nothing where it is nil."""
    name, _, rest = path.partition(".")
    found = value.get(name) if isinstance(value, dict) else None
    for item in found if isinstance(found, list) else [found]:
        if item is not None:
            if rest:
                yield from _values(item, rest)
            else:
                yield item


class _Matching:
    """One list's filters, with what `now` means."""

    def __init__(self, kind: str, now: datetime) -> None:
        self.kind = kind
        self.now = now
        self.filters = FILTERS[kind]

    def of(self, node: Node, record: Json) -> bool | None:
        """Whether a record fits; None where a term is left out."""
        match node:
            case Term():
                return self.term(node, record)
            case Not(below):
                found = self.of(below, record)
                return None if found is None else not found
            case All(below) | Either(below):
                each = [found for found in (self.of(part, record) for part in below) if found is not None]
                if not each:
                    return None
                return all(each) if isinstance(node, All) else any(each)

    def reads(self, term: Term) -> bool:
        """Whether a term is one that the list knows, with a value that it can read."""
        return self.of(term, {}) is not None

    def term(self, term: Term, record: Json) -> bool | None:
        if not term.field:
            paths = EVERYWHERE.get(self.kind, ())
            texts = [str(value) for path in paths for value in _values(record, path)]
            return any(_has_words(text, term.value, term.prefix) for text in texts)
        if self.kind == "orders" and term.field == "status":
            return _order_status(term.value, record)
        known = self.filters.get(term.field)
        if known is None:
            return None
        values = [value for path in known.paths for value in _values(record, path)]
        if term.prefix and not term.value:
            return bool(values) is not known.negative
        found = self.compared(known, term, values)
        return None if found is None else found is not known.negative

    def compared(self, known: Filter, term: Term, values: list[Json]) -> bool | None:
        match known.kind:
            case "text":
                return any(_has_words(str(value), term.value, term.prefix) for value in values)
            case "exact":
                wanted = [_SYNONYMS.get(one, one) for one in _listed(term.value)]
                said = [str(value).casefold() for value in values]
                if term.prefix:
                    return any(one.startswith(wanted[-1]) for one in said) if wanted else None
                return any(one in wanted for one in said)
            case "flag":
                wanted_flag = {"true": True, "false": False}.get(term.value.casefold())
                return None if wanted_flag is None else wanted_flag in values
            case "id":
                numbers = [_id_number(one) for one in _listed(term.value)]
                if not numbers or None in numbers:
                    return None
                mine = [Decimal(number) for value in values if (number := _id_number(value)) is not None]
                return any(
                    _holds(one, term.operator, Decimal(wanted))
                    for one in mine
                    for wanted in numbers
                    if wanted is not None
                )
            case "number":
                limit = _decimal(term.value)
                if limit is None:
                    return None
                amounts = [amount for value in values if (amount := _decimal(value)) is not None]
                return any(_holds(amount, term.operator, limit) for amount in amounts)
            case "time":
                return self.in_time(term, values)

    def in_time(self, term: Term, values: list[Json]) -> bool | None:
        start, dots, end = term.value.partition("..")
        opened, closed = self.period(start), self.period(end) if dots else self.period(start)
        if opened is None or closed is None:
            return None
        moments = [found for value in values if (found := dates.read_moment(value, self.now)) is not None]
        return any(_within(moment, term.operator, opened[0], closed[1]) for moment in moments)

    def period(self, text: str) -> tuple[datetime, datetime] | None:
        """The time that a text says, from its first moment to the one after its last."""
        part = _PERIOD.fullmatch(text.strip())
        try:
            if part is None:
                moment = dates.read_moment(text.strip(), self.now)
                return None if moment is None else (moment, moment + timedelta(seconds=1))
            year, month, day = int(part[1]), int(part[2] or 1), int(part[3] or 1)
            start = datetime(year, month, day, tzinfo=UTC)
            if part[3]:
                return start, start + timedelta(days=1)
            return start, dates.moved(start, "1 month" if part[2] else "1 year", 1)
        except (OverflowError, ValueError):
            return None


def _within(moment: datetime, operator: Operator, start: datetime, end: datetime) -> bool:
    match operator:
        case ":":
            return start <= moment < end
        case ":<":
            return moment < start
        case ":<=":
            return moment < end
        case ":>":
            return moment >= end
        case ":>=":
            return moment >= start


def _holds(value: Decimal, operator: Operator, limit: Decimal) -> bool:
    match operator:
        case ":":
            return value == limit
        case ":<":
            return value < limit
        case ":<=":
            return value <= limit
        case ":>":
            return value > limit
        case ":>=":
            return value >= limit


def _order_status(text: str, record: Json) -> bool | None:
    """Whether an order is open (neither closed nor cancelled), closed, cancelled, or any of several."""
    wanted = [_ORDER_STATUS.get(one) for one in _listed(text)]
    if not wanted or None in wanted:
        return None
    closed = next(_values(record, "closed"), False) is True
    cancelled = next(_values(record, "cancelledAt"), None) is not None
    return any(one is not None and one[0] in (None, closed) and one[1] in (None, cancelled) for one in wanted)


def _has_words(text: str, wanted: str, prefix: bool) -> bool:
    """Whether the words stand in the text in a row; the last one as a beginning, for a prefix."""
    sought, words = _WORD.findall(wanted.casefold()), _WORD.findall(text.casefold())
    if not sought:
        return prefix
    for start in range(len(words) - len(sought) + 1):
        part = words[start : start + len(sought)]
        if part[:-1] == sought[:-1] and (
            part[-1].startswith(sought[-1]) if prefix else part[-1] == sought[-1]
        ):
            return True
    return False


def _listed(text: str) -> list[str]:
    return [part.strip().casefold() for part in text.split(",") if part.strip()]


def _id_number(value: Json) -> int | None:
    """The number of an id, as such or at the end of a `gid://`."""
    text = str(value).rpartition("/")[2].partition("?")[0]
    return int(text) if len(text) <= 20 and _NUMBER.fullmatch(text) else None


def _decimal(value: Json) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value).strip()
    if len(text) > 40:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
