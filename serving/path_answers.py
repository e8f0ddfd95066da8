"""What the agent is told of paths: those that its words mean, from one type or in one workflow.

The search is `schemas/catalog/paths.py`. Of a workflow it searches every name that any of its steps sees:
what the trigger brings, what steps give, the items of loops, and the fields that only this workflow has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.catalog.catalogue import Catalogue
from schemas.catalog.environment import NOTHING_LOCAL, Local
from schemas.catalog.paths import environment_paths_search
from schemas.errors import BadRecord
from schemas.workflow import from_python
from schemas.workflow.environment import environment_of
from schemas.workflow.names import camel
from serving.shop import Saved, ShopBackend

__all__ = ["PATHS_A_SEARCH", "path_answers", "saved_workflow"]

PATHS_A_SEARCH: Final = 6
"""The most paths that one search gets: every one is paid for in tokens, and the best is among the first."""


def path_answers(
    arguments: Mapping[str, Any], shop: ShopBackend, catalogue: Catalogue | None = None
) -> dict[str, Any]:
    """The answer to each search, in the order asked; an unknown root finds nothing.

    Raises:
        BadRecord: RESOURCE_UNAVAILABLE for an unknown workflow or version, BAD_ARGUMENTS for a version
            without a workflow.
    """
    roots, local = _environment(arguments, shop, catalogue)
    answers = []
    for search in arguments["searches"]:
        root, term = search["root_type"], search["search_term"]
        # A name as the model's own Python writes it, `get_order_data`, is `getOrderData` here.
        names = dict.fromkeys([root, camel(root)])
        found = (
            environment_paths_search(name, term, arguments["data_type_filter"], roots=roots, local=local)
            for name in names
        )
        hits = next(filter(None, found), ())
        answers.append(
            {
                "root_type": root,
                "search_term": term,
                "paths": [hit.to_dict() for hit in hits[:PATHS_A_SEARCH]],
            }
        )
    return {"searches": answers}


def saved_workflow(shop: ShopBackend, workflow_id: str, version: int | None) -> Saved:
    """The newest version of a workflow, or the one that is asked for.

    Raises:
        BadRecord: RESOURCE_UNAVAILABLE where there is none.
    """
    newest = shop.newest(workflow_id)
    if newest is None:
        raise BadRecord("RESOURCE_UNAVAILABLE", "this shop has no workflow of that id")
    found = newest if version is None else shop.version(workflow_id, version)
    if found is None:
        raise BadRecord(
            "RESOURCE_UNAVAILABLE", f"no version {version}; the newest is {newest.workflow_version}"
        )
    return found


def _environment(
    arguments: Mapping[str, Any], shop: ShopBackend, catalogue: Catalogue | None
) -> tuple[Mapping[str, str] | None, Local]:
    """The roots of the workflow that is asked about and the types that only it has; None without one."""
    identity, version = arguments.get("workflow_id"), arguments.get("workflow_version")
    if identity is None:
        if version is not None:
            raise BadRecord("BAD_ARGUMENTS", "workflow_version goes with workflow_id")
        return None, NOTHING_LOCAL
    workflow = from_python(saved_workflow(shop, identity, version).python)
    environment = environment_of(workflow, catalogue)
    roots: dict[str, str] = {}
    for step in range(len(workflow.steps)):
        roots |= environment.roots(step)
    return roots, environment.local
