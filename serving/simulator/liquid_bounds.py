"""The tags, ranges and comparisons of python-liquid, held to what a rendering has left.

python-liquid bounds loops and output by settings of its own, which know neither the size of a value nor what
it costs to compare two; `bound` replaces the kinds of expressions in a template that was read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from liquid import BoundTemplate, Environment, Node, RenderContext
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
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.builtin.tags.tablerow_tag import TablerowNode, TablerowTag
from liquid.expression import Expression
from liquid.stream import TokenStream

from serving.simulator.liquid_context import Context, limit_reached, plain
from serving.simulator.liquid_filters import FILTERS, text_of

__all__ = ["bound", "flow_environment"]


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        found = plain(self.expression.evaluate(context))
        if isinstance(context, Context):
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
    assert isinstance(context, Context)
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
        most = context.limits.liquid_iterations if isinstance(context, Context) else 0
        if found.stop - found.start > most:
            raise limit_reached(f"a range of more than {most} numbers")
        return found


def _same(context: RenderContext, left: object, right: object) -> bool:
    """Whether two values are equal; two objects cost what one holds."""
    if isinstance(right, (dict, list)) and isinstance(context, Context):
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
        if isinstance(right, (dict, list)) and isinstance(context, Context):
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


def bound(template: BoundTemplate) -> None:
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
def flow_environment() -> Environment:
    found = Environment()
    for tag in ("include", "render"):
        del found.tags[tag]
    for kind in (_OutputTag, _ForTag, _TablerowTag):
        found.add_tag(kind)
    for name, call in FILTERS.items():
        found.add_filter(name, call)
    return found
