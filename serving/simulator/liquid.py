"""Texts with Liquid, rendered with what a run knows: Flow's dialect (Flow format section 11), bounded.

    render("{{ order.name | upcase }}", {"order": {"name": "a"}}, now=event.time, limits=Limits())  # "A"

The standard tags and filters are python-liquid's, without those that read other templates. What Flow adds:
paths go through lists (`order.lineItems.title` is the list of titles), `date_minus` and `date_plus`, the
hash filters, `json`, and `secrets.<handle>`, which prints `[secret:handle]`. `now` and `today` are the run's
clock. What is not there is the empty text. Flow prints scalars only, and its check says so; here a list
prints its items one after the other and an object its JSON, because real workflows hold both.

A text (`"500.00"`) counts as a number in the arithmetic filters, as in Liquid; compared with a number it is
an error, as in Liquid: `| plus: 0` makes a number of it.

Every text ends: the turns of loops, the characters that are read, made and kept, and the depth of blocks are
counted against `Limits`, never the machine's time, so the same text ends the same way everywhere.

Not here: the shop's time zone (dates are UTC), Liquid's lax mode that swallows mistakes, and Flow's own
wording of errors.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from io import StringIO
from typing import Any, Final, TextIO

from liquid import BoundTemplate, Environment, Node, RenderContext, Token
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    NeExpression,
    _contains,
    _eq,
)
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.case_tag import _AnyExpression
from liquid.builtin.tags.for_tag import ForLoop, ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TableRow, TablerowNode, TablerowTag
from liquid.exceptions import LiquidError, LiquidTypeError
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.undefined import Undefined

from schemas.errors import BadRecord
from schemas.workflow.checks.liquid_text import has_liquid
from serving.simulator import dates
from serving.simulator.events import Json
from serving.simulator.liquid_filters import DATE_FILTERS, FILTERS, TEXT_FILTERS, text_of
from serving.simulator.liquid_shape import check_shape
from serving.simulator.trace import Limits, SimulationError

__all__ = ["render"]

_WORK: Final = 8
"""Units of work for each character that a rendered text may have. A unit is about a character handled."""
_REMEMBERED: Final = 4_000
"""Characters of the longest text whose reading is kept."""
_EACH: Final = frozenset({"find", "find_index", "has", "map", "reject", "sort", "uniq", "where"})
"""Filters that look at their argument once for every item."""
_ON_TOP: Final = frozenset(
    {"compact", "concat", "date", "default", "find", "find_index", "first", "has", "last", "map"}
    | {"reject", "reverse", "size", "where"}
)
"""Filters that look at the items of a list, never at all that is in them."""
_MISTAKES: Final = (
    *(ArithmeticError, AttributeError, BadRecord, LookupError, RuntimeError, TypeError, ValueError),
)
"""What a filter raises on values that it was not made for."""
_MOST_BITS: Final = 4_096
"""Of a whole number; `times` in a loop would double its digits without end."""
_SAID: Final = 200
_ORDERED = re.compile(
    r"'<' and '>' are not supported between '(?:str' and '(?:int|float)|(?:int|float)' and 'str)'"
)
"""What python-liquid says of `<` and `>` between a text and a number."""
_NO_ORDER: Final = (
    "a text is compared with a number; an amount (`500.00`) is a text in Liquid: make a number of it by "
    "`{% assign amount = ... | plus: 0 %}`, then compare that"
)


def render(text: str, environment: Mapping[str, Json], *, now: datetime, limits: Limits) -> str:
    """The text with its Liquid filled in; a text without Liquid as it is.

    Raises:
        SimulationError: LIQUID_SYNTAX for what cannot be read and LIQUID_ERROR for what cannot be done, both
            with the line; LIQUID_LIMIT for what would go on, or grow, beyond `limits`.
    """
    if not has_liquid(text):
        if len(text) > limits.text:
            raise _limit(f"a text of {len(text)} characters, the limit is {limits.text}")
        return text
    template = _parsed(text) if len(text) <= _REMEMBERED else _parse(text)
    clock = dates.iso(now)
    around = {"now": clock, "today": clock, **environment, "secrets": _Secrets()}
    context = _Context(template, globals=around)
    context.begin(limits, now)
    output = _Output(context)
    try:
        template.render_with_context(context, output)
    except LiquidError as error:
        if isinstance(error, LiquidTypeError) and _ORDERED.match(str(error.message)):
            raise SimulationError("LIQUID_ERROR", f"{_place(error.token)}{_NO_ORDER}") from None
        raise _refused("LIQUID_ERROR", error) from None
    except _MISTAKES as error:
        raise _failed(error, None) from None
    return output.getvalue()


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> BoundTemplate:
    return _parse(text)


def _parse(text: str) -> BoundTemplate:
    check_shape(text)
    try:
        template = _environment().from_string(text)
        _bound(template)
    except LiquidError as error:
        cause = error.__cause__
        if isinstance(cause, RecursionError):
            raise _limit("an expression is too long or too deep") from None
        found = _refused("LIQUID_SYNTAX", error)
        if not found.message.startswith("line "):  # the end of the text has no place of its own
            found = SimulationError(found.code, f"line {text.count(chr(10)) + 1}: {found.message}")
        raise found from None
    except RecursionError:
        raise _limit("an expression is too long or too deep") from None
    return template


def _limit(message: str) -> SimulationError:
    return SimulationError("LIQUID_LIMIT", message)


def _refused(code: str, error: LiquidError) -> SimulationError:
    return SimulationError(code, f"{_place(error.token)}{str(error.message)[:_SAID]}")


def _failed(error: Exception, token: Token | None) -> SimulationError:
    said = error.message if isinstance(error, BadRecord) else str(error)
    return SimulationError("LIQUID_ERROR", f"{_place(token)}{said[:_SAID]}")


def _place(token: Token | None) -> str:
    if token is None or token.start_index < 0:
        return ""
    return f"line {token.source.count(chr(10), 0, token.start_index) + 1}: "


class _Secrets(Mapping[str, str]):
    """Every handle has a value, which names it: what is secret is never in a trace."""

    def __getitem__(self, handle: str) -> str:
        return f"[secret:{handle}]"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Context(RenderContext):
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
            raise _limit("the text makes too much of its values; take less of them, or in fewer steps")

    def look_through(self, value: object, *, times: int) -> None:
        """Pay for an object with all that it holds, before anything makes a text of it or compares it."""
        if isinstance(value, (dict, list, tuple)):
            self.spend(times * _deep_size(value, self.work))

    def turn(self) -> None:
        self.turns += 1
        if self.turns > self.limits.liquid_iterations:
            raise _limit(f"more than {self.limits.liquid_iterations} turns of loops")
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
                left, arguments = _plain(left), tuple(map(_plain, arguments))
            if name in TEXT_FILTERS:
                left, arguments = text_of(left), tuple(map(_as_argument, arguments))
            if name in DATE_FILTERS:
                named = {**named, "now": self.moment}
            self.spend(_grown(name, left, arguments))
            try:
                found = call(left, *arguments, **named)
            except _MISTAKES as error:
                raise _failed(error, token) from None
            if isinstance(found, int) and found.bit_length() > _MOST_BITS:
                raise _limit(f"a number of more than {_MOST_BITS} bits")
            if isinstance(found, str) and len(found) > self.limits.text:
                raise _limit(f"a text of {len(found)} characters, the limit is {self.limits.text}")
            return found

        return bounded


class _Output(StringIO):
    """A text in the making."""

    def __init__(self, context: _Context) -> None:
        super().__init__()
        self.context = context
        self.length = 0

    def write(self, text: str) -> int:
        self.length += len(text)
        if self.length > self.context.limits.text:
            raise _limit(f"a text of more than {self.context.limits.text} characters")
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


def _plain(value: object) -> object:
    return None if isinstance(value, Undefined) else value


def _as_argument(value: object) -> object:
    """Numbers stay numbers: they say how long `truncate` cuts."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else text_of(value)


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        found = _plain(self.expression.evaluate(context))
        if isinstance(context, _Context):
            context.look_through(found, times=1)
        return buffer.write(text_of(found))


class _OutputTag(Output):
    node_class = _OutputNode


class _ForNode(ForNode):
    length = 0
    """Characters of the loop's block."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return _with_block(self.length, super().render_to_output, context, buffer)


class _TablerowNode(TablerowNode):
    length = 0

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return _with_block(self.length, super().render_to_output, context, buffer)


def _with_block(
    length: int, draw: Callable[[RenderContext, TextIO], int], context: RenderContext, buffer: TextIO
) -> int:
    """Draw a loop each of whose turns costs the characters of its block."""
    assert isinstance(context, _Context)
    outer, context.block = context.block, length
    try:
        return draw(context, buffer)
    finally:
        context.block = outer


class _ForTag(ForTag):
    node_class = _ForNode

    def parse(self, stream: TokenStream) -> Node:
        start = stream.current.start_index
        node = super().parse(stream)
        assert isinstance(node, _ForNode)
        node.length = max(0, stream.current.start_index - start)
        return node


class _TablerowTag(TablerowTag):
    node_class = _TablerowNode

    def parse(self, stream: TokenStream) -> TablerowNode:
        start = stream.current.start_index
        node = super().parse(stream)
        assert isinstance(node, _TablerowNode)
        node.length = max(0, stream.current.start_index - start)
        return node


class _BoundedRange(RangeLiteral):
    """`(1..n)`: filters, `reversed` and `contains` would make a list of it, however long it is."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> range:
        found = super().evaluate(context)
        most = context.limits.liquid_iterations if isinstance(context, _Context) else 0
        if found.stop - found.start > most:
            raise _limit(f"a range of more than {most} numbers")
        return found


def _same(context: RenderContext, left: object, right: object) -> bool:
    """Whether two values are equal; two objects cost what one holds."""
    if isinstance(right, (dict, list)) and isinstance(context, _Context):
        context.look_through(left, times=1)
    return bool(_eq(left, right))


class _BoundedEq(EqExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        return _same(context, self.left.evaluate(context), self.right.evaluate(context))


class _BoundedNe(NeExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        return not _same(context, self.left.evaluate(context), self.right.evaluate(context))


class _BoundedContains(ContainsExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        left, right = self.left.evaluate(context), self.right.evaluate(context)
        if isinstance(right, (dict, list)) and isinstance(context, _Context):
            context.look_through(left, times=1)
            context.look_through(right, times=1)  # a text is searched for the text of it
        return bool(_contains(self.token, left, right))


class _BoundedWhen(_AnyExpression):
    __slots__ = ()

    def evaluate(self, context: RenderContext) -> list[bool]:
        left = self.left.evaluate(context)
        return [_same(context, left, right.evaluate(context)) for right in self.expressions]


_BOUNDED: Final[Mapping[type[Expression], type[Expression]]] = {
    RangeLiteral: _BoundedRange,
    EqExpression: _BoundedEq,
    NeExpression: _BoundedNe,
    ContainsExpression: _BoundedContains,
    _AnyExpression: _BoundedWhen,
}


def _bound(template: BoundTemplate) -> None:
    """Bound the ranges and comparisons of a template; python-liquid has no hook where it makes them."""
    nothing = RenderContext(template)
    nodes = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(nothing))
        expressions = list(node.expressions())
        while expressions:
            found = expressions.pop()
            expressions.extend(_parts(found))
            found.__class__ = _BOUNDED.get(type(found), type(found))


def _parts(expression: Expression) -> list[Expression]:
    return list(expression.children())


@functools.cache
def _environment() -> Environment:
    found = Environment()
    for tag in ("include", "render"):
        del found.tags[tag]
    for kind in (_OutputTag, _ForTag, _TablerowTag):
        found.add_tag(kind)
    for name, call in FILTERS.items():
        found.add_filter(name, call)
    return found
