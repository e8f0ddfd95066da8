"""Where workflows are saved: the `ShopBackend` that tools talk to, and one that keeps them in memory.

Not here yet: a backend over Shopify's API, activation, and the layout of workflows that came from a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from schemas.catalog.tasks import is_app
from schemas.errors import BadRecord

__all__ = ["InMemoryShop", "Saved", "ShopBackend"]


@dataclass(frozen=True, slots=True)
class Saved:
    """One version of a workflow: its canonical Python."""

    workflow_id: str
    workflow_version: int
    python: str


class ShopBackend(Protocol):
    """One shop. A task that is not installed can be found and read, and is not ready to use."""

    def has_installed(self, task_id: str) -> bool:
        """Whether the app behind a task is there."""

    def create(self, python: str) -> Saved:
        """Save a new workflow, switched off."""

    def update(self, workflow_id: str, workflow_version: int, python: str) -> Saved:
        """Save the next version.

        Raises:
            BadRecord: RESOURCE_UNAVAILABLE for an unknown id, OUTDATED_WORKFLOW for an old version.
        """

    def newest(self, workflow_id: str) -> Saved | None:
        """The newest version, None for an unknown id."""


@dataclass
class InMemoryShop:
    """A shop for tests, synthesis and evaluation: the same calls give the same ids."""

    apps: frozenset[str] = frozenset()
    """Ids of app tasks that are installed; Shopify's own always are."""
    workflows: dict[str, Saved] = field(default_factory=dict)

    def has_installed(self, task_id: str) -> bool:
        return not is_app(task_id) or task_id in self.apps

    def create(self, python: str) -> Saved:
        saved = Saved(f"workflow-{len(self.workflows) + 1}", 1, python)
        self.workflows[saved.workflow_id] = saved
        return saved

    def update(self, workflow_id: str, workflow_version: int, python: str) -> Saved:
        newest = self.newest(workflow_id)
        if newest is None:
            raise BadRecord("RESOURCE_UNAVAILABLE", "this shop has no workflow of that id")
        if newest.workflow_version != workflow_version:
            raise BadRecord("OUTDATED_WORKFLOW", f"the newest version is {newest.workflow_version}")
        saved = Saved(workflow_id, workflow_version + 1, python)
        self.workflows[workflow_id] = saved
        return saved

    def newest(self, workflow_id: str) -> Saved | None:
        return self.workflows.get(workflow_id)
