"""What a rendering of Liquid knows and has left: every value that is looked at, made or kept is paid for.

Work is counted in characters, about, and never in seconds: the same text ends the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from io import StringIO
from typing import Any, Final, TextIO

from liquid import RenderContext, Token
from liquid.builtin.tags.for_tag import ForLoop
from liquid.builtin.tags.tablerow_tag import TableRow
from liquid.undefined import Undefined

from schemas.errors import BadRecord
from serving.simulator.events import Json
from serving.simulator.liquid_filters import DATE_FILTERS, FILTERS, TEXT_FILTERS, text_of
from serving.simulator.trace import Limits, SimulationError

__all__ = ["MISTAKES", "SAID", "Context", "failed", "limit_reached", "place_of", "plain"]

_WORK: Final = 8
"""Units of work for each character that a rendered text may have. A unit is about a character handled."""
_EACH: Final = frozenset({"find", "find_index", "has", "map", "reject", "sort", "uniq", "where"})
"""Filters that look at their argument once for every item."""
_ON_TOP: Final = frozenset(
    {"compact", "concat", "date", "default", "find", "find_index", "first", "has", "last", "map"}
    | {"reject", "reverse", "size", "where"}
)
"""Filters that look at the items of a list, never at all that is in them."""
MISTAKES: Final = (
    *(ArithmeticError, AttributeError, BadRecord, LookupError, RuntimeError, TypeError, ValueError),
)
"""What a filter raises on values that it was not made for."""
_MOST_BITS: Final = 4_096
"""Of a whole number; `times` in a loop would double its digits without end."""
SAID: Final = 200
"""Characters of what python-liquid says that are passed on."""


def limit_reached(message: str) -> SimulationError:
    return SimulationError("LIQUID_LIMIT", message)


def failed(error: Exception, token: Token | None) -> SimulationError:
    said = error.message if isinstance(error, BadRecord) else str(error)
    return SimulationError("LIQUID_ERROR", f"{place_of(token)}{said[:SAID]}")


def place_of(token: Token | None) -> str:
    if token is None or token.start_index < 0:
        return ""
    return f"line {token.source.count(chr(10), 0, token.start_index) + 1}: "


class Context(RenderContext):
    """What a rendering knows, and how much of its limits is left."""

    __slots__ = ("block", "limits", "moment", "turns", "work")

    def begin(self, limits: Limits, moment: datetime) -> None:
        self.limits = limits
        self.moment = moment
        self.block = 0
        self.turns = 0
        self.work = 100_000 + _WORK * limits.text

    def spend(self, units: int) -> None:
        self.work -= units
        if self.work < 0:
            raise limit_reached("the text makes too much of its values; take less of them, or in fewer steps")

    def look_through(self, value: object, *, times: int) -> None:
        """Pay for an object with all that it holds, before anything makes a text of it or compares it."""
        if isinstance(value, (dict, list, tuple)):
            self.spend(times * _deep_size(value, self.work))

    def turn(self) -> None:
        self.turns += 1
        if self.turns > self.limits.liquid_iterations:
            raise limit_reached(f"more than {self.limits.liquid_iterations} turns of loops")
        self.spend(32 + self.block)

    def get(self, path: list[object], *, token: Token | None, default: object = None) -> object:
        given = {} if default is None else {"default": default}
        try:
            found = super().get(path, token=token, **given)
        except IndexError:  # the first item of an empty list
            return None
        self.spend(32 + _size(found) // 4)
        return found

    def get_item(self, obj: Any, key: Any) -> Any:
        if not isinstance(obj, list) or not isinstance(key, str) or key in ("size", "first", "last"):
            return super().get_item(obj, key)
        self.spend(len(obj))
        found: list[Json] = []
        for item in obj:
            below = item.get(key) if isinstance(item, dict) else None
            if isinstance(below, list):
                found.extend(below)
            else:
                found.append(below)
        return found

    def assign(self, key: str, val: Any) -> None:
        self.spend(_size(val))
        super().assign(key, val)

    def loop(self, namespace: Mapping[str, object], forloop: ForLoop | TableRow) -> Any:
        forloop.it = self._counted(forloop.it)
        return super().loop(namespace, forloop)

    def _counted(self, items: Iterator[Any]) -> Iterator[Any]:
        block = self.block
        for item in items:
            self.block = block
            self.turn()
            yield item

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return _Output(self)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        call = super().filter(name, token)

        def bounded(left: object, *arguments: object, **named: object) -> object:
            self.spend(64 + _size(left) + sum(map(_size, arguments)) + sum(map(_size, named.values())))
            if name not in _ON_TOP:
                self.look_through(left, times=1)
            for argument in () if name in ("concat", "default") else arguments:
                self.look_through(argument, times=_times(name, left))
            if name in FILTERS or name in TEXT_FILTERS:
                left, arguments = plain(left), tuple(map(plain, arguments))
            if name in TEXT_FILTERS:
                left, arguments = text_of(left), tuple(map(_as_argument, arguments))
            if name in DATE_FILTERS:
                named = {**named, "now": self.moment}
            self.spend(_grown(name, left, arguments))
            try:
                found = call(left, *arguments, **named)
            except MISTAKES as error:
                raise failed(error, token) from None
            if isinstance(found, int) and found.bit_length() > _MOST_BITS:
                raise limit_reached(f"a number of more than {_MOST_BITS} bits")
            if isinstance(found, str) and len(found) > self.limits.text:
                raise limit_reached(f"a text of {len(found)} characters, the limit is {self.limits.text}")
            return found

        return bounded


class _Output(StringIO):
    """A text in the making."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.length = 0

    def write(self, text: str) -> int:
        self.length += len(text)
        if self.length > self.context.limits.text:
            raise limit_reached(f"a text of more than {self.context.limits.text} characters")
        self.context.spend(32 + len(text))
        return super().write(text)


def _size(value: object) -> int:
    """What it costs to look at a value: its characters, and something for each item."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(16 + _size(item) for item in value)
    return 64 if isinstance(value, dict) else 4


def _deep_size(value: object, most: int) -> int:
    """What it costs to look at all that a value holds, or something above `most`.

    A list may hold one object many times, so that the whole is far longer than the memory it takes.
    """
    size = 0
    waiting = [value]
    while waiting and size <= most:
        match waiting.pop():
            case str() as text:
                size += len(text)
            case list() | tuple() as items:
                size += 16 * len(items)
                waiting.extend(items)
            case dict() as fields:
                size += 16 * len(fields) + sum(len(str(field)) for field in fields)
                waiting.extend(fields.values())
            case _:
                size += 4
    return size


def _times(name: str, left: object) -> int:
    """How often a filter looks at its argument."""
    return len(left) if name in _EACH and isinstance(left, (list, tuple)) else 1


def _grown(name: str, left: object, arguments: tuple[object, ...]) -> int:
    """What a filter costs beyond its values, for those that can make far more than they are given."""
    if name == "date" and arguments:
        return 64 * len(str(arguments[0]))
    if name in ("replace", "join") and isinstance(left, (str, list)):
        into = str(arguments[-1]) if arguments else ""
        if isinstance(left, list):
            return len(into) * len(left)
        if len(arguments) == 2:
            return len(into) * left.count(str(arguments[0]))
    return 0


def plain(value: object) -> object:
    return None if isinstance(value, Undefined) else value


def _as_argument(value: object) -> object:
    """Numbers stay numbers: they say how long `truncate` cuts."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else text_of(value)
