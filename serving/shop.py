"""Where workflows are saved: the `ShopBackend` that tools talk to, and one that keeps them in memory.

    shop = InMemoryShop()
    saved = shop.adopt(Path("export.flow").read_text())         # an existing workflow, in any spelling
    saved = shop.update(saved.workflow_id, 1, edited_python)    # the next version
    saved.to_json()    # the export again: ids, places and notes of the steps that the edit did not touch

Not here yet: a backend over Shopify's API, and activation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from schemas.catalog.tasks import is_app
from schemas.errors import BadRecord, WorkflowRefused
from schemas.workflow import Layout, from_python, read, write
from schemas.workflow.inspection import inspect
from serving.synthetic_shop import SyntheticShop

__all__ = ["InMemoryShop", "Saved", "ShopBackend"]


@dataclass(frozen=True, slots=True)
class Saved:
    """One version of a workflow: its canonical Python, and the layout of the file that it came from.

    `to_json` makes its JSON from both; that is what an agent hands out.
    """

    workflow_id: str
    workflow_version: int
    python: str
    layout: Layout | None = field(default=None, compare=False, repr=False)
    """Of this version, without a signature; None for a workflow that was written as Python here."""

    def to_json(self) -> str:
        """The workflow in the spelling that it came in, `agent` where it came in none.

        Without a signature: only Shopify can sign. What no edit touched is byte for byte as it came.

        Raises:
            WorkflowRefused: where a condition has no text in the agent spelling.
        """
        return write(from_python(self.python), self.layout, None if self.layout else "agent")


class ShopBackend(Protocol):
    """One shop. A task that is not installed can be found and read, and is not ready to use."""

    def has_installed(self, task_id: str) -> bool:
        """Whether the app behind a task is there."""

    def create(self, python: str) -> Saved:
        """Save a new workflow, switched off."""

    def update(self, workflow_id: str, workflow_version: int, python: str) -> Saved:
        """Save the next version; older ones stay readable.

        Raises:
            BadRecord: RESOURCE_UNAVAILABLE for an unknown id, OUTDATED_WORKFLOW for an old version.
            WorkflowRefused: where the Python is no workflow, or the spelling it came in cannot say it.
        """

    def newest(self, workflow_id: str) -> Saved | None:
        """The newest version, None for an unknown id."""

    def version(self, workflow_id: str, workflow_version: int) -> Saved | None:
        """One version, None for an unknown one."""

    def resources(self, resource_type: str, query: str, limit: int) -> list[dict[str, str]]:
        """`{title, gid, path}` of the things of one of `RESOURCE_TYPES` that have the words of the query."""


@dataclass
class InMemoryShop:
    """A shop for tests, synthesis and evaluation: the same calls give the same ids."""

    apps: frozenset[str] = frozenset()
    """Ids of app tasks that are installed; Shopify's own always are."""
    workflows: dict[str, Saved] = field(default_factory=dict)
    """The newest version of each, by id."""
    older: dict[tuple[str, int], Saved] = field(default_factory=dict)
    """The versions before it, by id and version."""
    seed: int = 0
    """What the things of the store are made from."""

    def has_installed(self, task_id: str) -> bool:
        return not is_app(task_id) or task_id in self.apps

    def create(self, python: str) -> Saved:
        return self._add(python, None)

    def adopt(self, text: str) -> Saved:
        """Put in a workflow that exists: a `.flow` export, an agent or CLI configuration, or Python.

        A signature is left behind: it is of the file, and nobody here can sign another.

        Raises:
            WorkflowRefused: where the text is no workflow, or does not come back the same.
        """
        found = inspect(text, with_findings=False)
        refused = next((problem for problem in found.problems if problem.severity == "error"), None)
        if refused is not None:
            raise WorkflowRefused(refused.code, refused.message, path=refused.path, step=refused.step)
        layout = replace(Layout.from_json(found.layout), signature=None) if found.layout else None
        return self._add(found.python, layout)

    def update(self, workflow_id: str, workflow_version: int, python: str) -> Saved:
        newest = self.newest(workflow_id)
        if newest is None:
            raise BadRecord("RESOURCE_UNAVAILABLE", "this shop has no workflow of that id")
        if newest.workflow_version != workflow_version:
            raise BadRecord("OUTDATED_WORKFLOW", f"the newest version is {newest.workflow_version}")
        layout = newest.layout
        if layout is not None:
            # Read back, so that the next edit finds the steps of this one under the ids they have now.
            layout = read(write(from_python(python), layout)).layout
        saved = Saved(workflow_id, workflow_version + 1, python, layout)
        self.older[workflow_id, workflow_version] = newest
        self.workflows[workflow_id] = saved
        return saved

    def newest(self, workflow_id: str) -> Saved | None:
        return self.workflows.get(workflow_id)

    def version(self, workflow_id: str, workflow_version: int) -> Saved | None:
        newest = self.newest(workflow_id)
        if newest is not None and newest.workflow_version == workflow_version:
            return newest
        return self.older.get((workflow_id, workflow_version))

    def resources(self, resource_type: str, query: str, limit: int) -> list[dict[str, str]]:
        return SyntheticShop(self.seed).resources(resource_type, query, limit)

    def _add(self, python: str, layout: Layout | None) -> Saved:
        saved = Saved(f"workflow-{len(self.workflows) + 1}", 1, python, layout)
        self.workflows[saved.workflow_id] = saved
        return saved
