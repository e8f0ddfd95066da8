"""Search of templates: which ready-made workflows a merchant's words mean.

Only the best come with their Python: it is most of an answer, and one example to start from is enough. To
read another's, search for its title. Not here yet: a tool that reads one template by its id.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any, Final

from schemas.catalog.templates import Template, templates
from serving.merchant_words import telling, terms
from serving.word_index import WordIndex

__all__ = ["MATCHES", "WITH_PYTHON", "template_search"]

MATCHES: Final = 5
"""The most templates of one answer."""
WITH_PYTHON: Final = 2
"""How many of them have their Python."""
_WORTHY: Final = 0.6
"""The least share of the best score that a match has."""


def template_search(queries: Sequence[str]) -> list[dict[str, Any]]:
    """The templates that the queries mean: the best of each query first; `workflow_python` may be null."""
    ranked = [_ranked(query) for query in queries]
    numbers = dict.fromkeys(
        number for each in itertools.zip_longest(*ranked) for number in each if number is not None
    )
    return [
        {
            "template_id": template.id,
            "title": template.title,
            "description": template.description,
            "workflow_python": template.python if place < WITH_PYTHON else None,
        }
        for place, template in enumerate(templates()[number] for number in [*numbers][:MATCHES])
    ]


def _ranked(query: str) -> list[int]:
    """The numbers of the templates that a query means, best first."""
    scores = _index().scores(terms(query, with_phrases=False))
    least = max(scores.values(), default=0.0) * _WORTHY
    return [number for score, number in sorted((-s, n) for n, s in scores.items()) if -score >= least]


@functools.cache
def _index() -> WordIndex:
    return WordIndex([_told(template) for template in templates()])


def _told(template: Template) -> dict[str, float]:
    """Word -> how much it says about the template."""
    told = dict.fromkeys(telling(template.python.replace("_", " ")), 0.1)
    told |= dict.fromkeys(telling(template.description), 0.6)
    return told | dict.fromkeys(telling(template.title), 1.0)
