"""The agent's tools: whatever a model sends, it gets an answer of the contract's shape.

Not here yet: everything that lists workflows or turns them on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.catalog.catalogue import Catalogue
from schemas.errors import BadRecord
from schemas.tools import (
    CONFIGURE,
    CONTRACT,
    LOOK_UP,
    PATHS,
    RESOURCES,
    SAVE,
    SEARCH,
    TEMPLATES,
    Contract,
    canonical_json,
    read_arguments,
)
from schemas.workflow import from_python, to_python
from serving.checks import Buckets, validation_errors
from serving.path_answers import path_answers, saved_workflow
from serving.shop import Saved, ShopBackend
from serving.task_answers import configuration
from serving.task_search import search
from serving.template_search import template_search

__all__ = ["Answer", "Tools"]

_LONGEST: Final = 500
_ERRORS: Final = 50
"""The most errors that one answer lists: nobody mends more at once, and a hostile workflow has thousands."""
_RESOURCES: Final = 10
"""Shop resources that a search answers with where it does not say how many."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool said: the text that the model reads, and what was saved."""

    text: str
    ok: bool
    saved: Saved | None = None


class Tools:
    """The tools of one contract over one shop, told of tasks by its own catalogue or the one that ships."""

    def __init__(
        self, shop: ShopBackend, contract: Contract = CONTRACT, catalogue: Catalogue | None = None
    ) -> None:
        self.shop = shop
        self.contract = contract
        self.catalogue = catalogue
        self._tools: Mapping[str, Callable[[dict[str, Any]], tuple[dict[str, Any], Saved | None]]] = {
            SEARCH: self._search,
            CONFIGURE: self._configure,
            PATHS: lambda arguments: (path_answers(arguments, self.shop, self.catalogue), None),
            TEMPLATES: lambda arguments: ({"templates": template_search(arguments["search_queries"])}, None),
            LOOK_UP: self._look_up,
            SAVE: self._save,
            RESOURCES: self._search_resources,
        }

    def call(self, name: str, arguments: str) -> Answer:
        """Call a tool with arguments as JSON text. Bad input is an answer that says so, never an error."""
        tool = self.contract.tool(name)
        run = self._tools.get(name)
        try:
            if tool is None or run is None:
                known = ", ".join(tool.name for tool in self.contract.tools)
                raise BadRecord("UNKNOWN_TOOL", f"there is no such tool; there are {known}")
            data, saved = run(read_arguments(arguments, tool))
            return Answer(canonical_json({"ok": True, "tool": name, "data": data}), True, saved)
        except BadRecord as refused:
            return self._refused(name, refused)

    def late(self, name: str, arguments: str) -> Answer:
        """The answer to a call for which no time is left: nothing is read of it and nothing is done."""
        return self._refused(name, BadRecord("NO_TIME", "the time of this conversation is over"))

    def _refused(self, name: str, refused: BadRecord) -> Answer:
        data = {
            "code": refused.code,
            "message": _printable(refused.message, _LONGEST),
            "position": _printable(refused.path, _LONGEST),
        }
        named = name if self.contract.tool(name) else _printable(name, 64)
        return Answer(canonical_json({"ok": False, "tool": named, "data": data}), False)

    def _search(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], None]:
        queries: list[str] = arguments["search_queries"]
        return {"tasks": {query: search(query, self.shop, self.catalogue) for query in queries}}, None

    def _configure(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], None]:
        asked = ((task["id"], task["version"]) for task in arguments["tasks"])
        return {"tasks": [configuration(*named, self.catalogue) for named in asked]}, None

    def _look_up(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], None]:
        found = saved_workflow(self.shop, arguments["workflow_id"], arguments.get("version"))
        data = {
            "workflow_id": found.workflow_id,
            "workflow_python": found.python,
            "workflow_version": found.workflow_version,
        }
        return data, None

    def _search_resources(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], None]:
        limit = arguments.get("limit", _RESOURCES)
        found = self.shop.resources(arguments["resource_type"], arguments["query"], limit)
        return {"resources": found}, None

    def _save(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], Saved]:
        workflow = from_python(arguments["workflow_python"])
        python = to_python(workflow)
        errors = validation_errors(workflow, self.shop, self.catalogue)
        identity, version = arguments.get("workflow_id"), arguments.get("workflow_version")
        if (identity is None) != (version is None):
            raise BadRecord("BAD_ARGUMENTS", "workflow_id and workflow_version go together")
        if identity is None or version is None:
            saved = self.shop.create(python)
        else:
            saved = self.shop.update(identity, version, python)
        num_errors = sum(map(len, errors.values()))
        said = (
            "Saved; errors must be mended before it is turned on." if num_errors else "Saved, switched off."
        )
        if num_errors > _ERRORS:
            said += f" The first {_ERRORS} of {num_errors} are listed."
        data = {
            "message": said,
            "validation_errors": _first(errors, _ERRORS),
            "workflow_id": saved.workflow_id,
            "workflow_version": saved.workflow_version,
        }
        return data, saved


def _first(buckets: Buckets, number: int) -> Buckets:
    """So many errors of all buckets, the first buckets first."""
    kept: Buckets = {}
    for name, errors in buckets.items():
        kept[name] = errors[:number]
        number -= len(kept[name])
    return kept


def _printable(text: str, limit: int) -> str:
    """Short, and without the halves of characters that a hostile argument may hold."""
    return text[:limit].encode(errors="replace").decode()
