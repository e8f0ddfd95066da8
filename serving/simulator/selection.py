"""The input of Run code: a GraphQL query over what the step can name.

    select("query { order { number: name lineItems { title } } }", {"order": {...}})
    # {"order": {"number": "#1001", "lineItems": [{"title": "Mug"}]}}

Lists are flat, as everywhere in Flow; what is not there is null, so a script finds every key that it asked
for. `__typename` is there where the object says it. An object of which no fields are named is given whole,
which the check refuses and a script can still read.

Not here: arguments (they are read over), variables, fragments and directives; Flow's environment takes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.errors import WorkflowRefused
from schemas.workflow.checks.selections import Selection, read_query
from serving.simulator.events import Json
from serving.simulator.trace import SimulationError

__all__ = ["select"]

_MOST_VALUES: Final = 100_000


def select(query: str, environment: Mapping[str, Json]) -> Json:
    """What a query picks; an empty query picks nothing.

    Raises:
        SimulationError: CONFIG_FIELD_GRAPHQL_QUERY_ERROR with line and column for what is no query,
            QUERY_LIMIT where it picks more than 100,000 values.
    """
    if not query.strip():
        return {}
    try:
        fields = read_query(query)
    except WorkflowRefused as refusal:
        raise SimulationError(refusal.code, refusal.message) from None
    return _Picking().fields(dict(environment), fields)


class _Picking:
    def __init__(self) -> None:
        self.left = _MOST_VALUES

    def fields(self, found: Mapping[str, Json], fields: tuple[Selection, ...]) -> dict[str, Json]:
        return {field.alias or field.name: self.value(found.get(field.name), field) for field in fields}

    def value(self, found: Json, field: Selection) -> Json:
        self.left -= 1
        if self.left < 0:
            raise SimulationError("QUERY_LIMIT", f"the query picks more than {_MOST_VALUES} values")
        if isinstance(found, list):
            return [self.value(item, field) for item in found]
        if not field.below or found is None:
            return found
        return self.fields(found, field.below) if isinstance(found, dict) else None
