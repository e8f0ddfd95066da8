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
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from liquid import BoundTemplate
from liquid.exceptions import LiquidError, LiquidTypeError

from schemas.workflow.checks.liquid_text import has_liquid
from serving.simulator import dates
from serving.simulator.events import Json
from serving.simulator.liquid_bounds import bound, flow_environment
from serving.simulator.liquid_context import MISTAKES, SAID, Context, failed, limit_reached, place_of
from serving.simulator.liquid_shape import check_shape
from serving.simulator.trace import Limits, SimulationError

__all__ = ["render"]

_REMEMBERED: Final = 4_000
"""Characters of the longest text whose reading is kept."""
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
            raise limit_reached(f"a text of {len(text)} characters, the limit is {limits.text}")
        return text
    template = _parsed(text) if len(text) <= _REMEMBERED else _parse(text)
    clock = dates.iso(now)
    around = {"now": clock, "today": clock, **environment, "secrets": _Secrets()}
    context = Context(template, globals=around)
    context.begin(limits, now)
    output = context.get_buffer()
    try:
        template.render_with_context(context, output)
    except LiquidError as error:
        if isinstance(error, LiquidTypeError) and _ORDERED.match(str(error.message)):
            raise SimulationError("LIQUID_ERROR", f"{place_of(error.token)}{_NO_ORDER}") from None
        raise _refused("LIQUID_ERROR", error) from None
    except MISTAKES as error:
        raise failed(error, None) from None
    return output.getvalue()


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> BoundTemplate:
    return _parse(text)


def _parse(text: str) -> BoundTemplate:
    check_shape(text)
    try:
        template = flow_environment().from_string(text)
        bound(template)
    except LiquidError as error:
        cause = error.__cause__
        if isinstance(cause, RecursionError):
            raise limit_reached("an expression is too long or too deep") from None
        found = _refused("LIQUID_SYNTAX", error)
        if not found.message.startswith("line "):  # the end of the text has no place of its own
            found = SimulationError(found.code, f"line {text.count(chr(10)) + 1}: {found.message}")
        raise found from None
    except RecursionError:
        raise limit_reached("an expression is too long or too deep") from None
    return template


def _refused(code: str, error: LiquidError) -> SimulationError:
    return SimulationError(code, f"{place_of(error.token)}{str(error.message)[:SAID]}")


class _Secrets(Mapping[str, str]):
    """Every handle has a value, which names it: what is secret is never in a trace."""

    def __getitem__(self, handle: str) -> str:
        return f"[secret:{handle}]"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
