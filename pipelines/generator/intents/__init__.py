"""What merchants build workflows for, the most popular first."""

from __future__ import annotations

from pipelines.generator.build import Intent
from pipelines.generator.intents.order_services import ORDER_SERVICES
from pipelines.generator.intents.orders import ORDERS
from pipelines.generator.intents.people import PEOPLE
from pipelines.generator.intents.products import PRODUCTS
from pipelines.generator.intents.schedules import SCHEDULES

__all__ = ["INTENTS"]


def _interleaved(*families: tuple[Intent, ...]) -> tuple[Intent, ...]:
    """By popularity: each family is in its own order, and the families take turns by their size."""
    ranked = [
        ((rank + 0.5) / len(family), place, intent)
        for place, family in enumerate(families)
        for rank, intent in enumerate(family)
    ]
    return tuple(intent for _, _, intent in sorted(ranked, key=lambda entry: entry[:2]))


INTENTS = _interleaved(ORDERS, ORDER_SERVICES, PRODUCTS, PEOPLE, SCHEDULES)
