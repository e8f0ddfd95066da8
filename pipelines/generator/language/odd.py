"""Paths, ids, names and JSON values that no merchant would write and no file forbids."""

from __future__ import annotations

from typing import Any, Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.wording import KEYWORDS, any_text
from schemas.workflow.model import Path

__all__ = ["any_json", "any_object", "any_path", "ascii_path"]

_ROOTS: Final = (
    "order", "product", "customer", "shop", "runCode", "runCode1", "getOrderData", "getOrderData1",
    "count", "sum",
    "sendHttpRequest", "sendAdminApiRequest", "lineItemsForeachitem", "itemForeachitem", "odd_root", "order2",
    "x", "li", "tags_item", "scheduledAt", "_x", "item", "result", "orders",
)  # fmt: skip
_SEGMENTS: Final = (
    "id", "lineItems", "tags", "product", "address1", "loyalty_tier", "totalPriceSet", "transactionID",
    "_x", "X",
    "metafield", "value", "amount", "edges", "first", "size", "a1b2", "aB", "order", "lineItemsForeachitem",
)  # fmt: skip
_NUMBERS: Final = (
    0,
    1,
    -1,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**64,
    10**30,
    0.5,
    1.0,
    -0.0,
    1e16,
    1e-7,
    1e300,
    5e-324,
)


def ascii_path(draw: Draw, least: int = 1) -> Path:
    """A path of ASCII names, with at least so many segments; words of Python among them."""
    segments = [draw.pick(_ROOTS if draw.chance(0.95) else KEYWORDS)]
    while len(segments) < least or draw.chance(0.55):
        segments.append(draw.pick(_SEGMENTS if draw.chance(0.93) else KEYWORDS))
    return _own_root(segments)


def any_path(draw: Draw, odd: float) -> Path:
    """A path; with probability `odd` one whose segments are any text without a dot."""
    if not draw.chance(odd):
        return ascii_path(draw)
    segments = [any_text(draw)[:40].replace(".", "") for _ in range(draw.between(1, 3))]
    return _own_root(segments)


def _own_root(segments: list[str]) -> Path:
    """A root with a capital means the same in lower case, so it is no path of its own."""
    root = segments[0]
    return Path((root[:1].lower() + root[1:] if root[:1].isupper() else root, *segments[1:]))


def any_json(draw: Draw, depth: int = 3) -> Any:
    """A JSON value."""
    choice = draw.random()
    if depth and choice < 0.15:
        return [any_json(draw, depth - 1) for _ in range(draw.between(0, 3))]
    if depth and choice < 0.3:
        return any_object(draw, depth - 1)
    if choice < 0.5:
        return draw.pick(_NUMBERS)
    if choice < 0.6:
        return draw.pick((True, False, None))
    return any_text(draw)


def any_object(draw: Draw, depth: int = 3) -> dict[str, Any]:
    """A JSON object; keys are words, words of Python, or any text."""
    found = {}
    for _ in range(draw.between(0, 4)):
        key = (
            draw.pick(_SEGMENTS)
            if draw.chance(0.6)
            else draw.pick(KEYWORDS)
            if draw.chance(0.5)
            else any_text(draw)
        )
        found[key[:60]] = any_json(draw, depth - 1) if depth else any_text(draw)
    return found
