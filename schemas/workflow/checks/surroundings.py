"""One workflow as the rules see it: its environment, and why a name means nothing to a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from schemas.catalog.catalogue import Catalogue, is_app
from schemas.catalog.environment import NOTHING_LOCAL, Local
from schemas.workflow.checks.findings import cut, did_you_mean
from schemas.workflow.checks.places import Place, follow
from schemas.workflow.condition_tree import lowered
from schemas.workflow.environment import Environment, environment_of
from schemas.workflow.model import FOREACH, Path, PathValue, Workflow
from schemas.workflow.problems import Severity
from schemas.workflow.scope import item_of

__all__ = ["Surroundings", "Unnamed", "surroundings_of"]


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Why a root means nothing to a step."""

    reason: str
    """`loop` for an item outside its loop, `early` for an output before its step, else `unknown`."""
    message: str
    severity: Severity


@dataclass(slots=True)
class Surroundings:
    """A workflow with its catalogue and its environment."""

    workflow: Workflow
    catalogue: Catalogue
    environment: Environment
    local: Local
    """The types that the workflow adds to the API's: patched fields, outputs of code."""
    reachable: frozenset[int]
    """The steps that the trigger leads to, itself included; the others never run."""
    items: frozenset[str]
    """The items of all loops."""
    outputs: Mapping[str, int]
    """Output name -> the first step that gives it."""
    closed: bool
    """Whether every root is known: an app's trigger or action may bring others."""

    def root(self, number: int, name: str) -> str | None:
        """The type of a root at a step, empty when unknown; None where the step does not see it."""
        return self.environment.root(number, name)

    def place(self, number: int, path: Path, items: Mapping[str, str] | None = None) -> Place | None:
        """Where a path leads from a step; None where the step does not see its root.

        `items` are the types of the variables that a condition binds.
        """
        segments = lowered(path).segments
        kind = items.get(segments[0]) if items else None
        if kind is None:
            kind = self.environment.root(number, segments[0])
        return None if kind is None else follow(kind, segments, self.local)

    def unnamed(self, number: int, root: str) -> Unnamed:
        """What to say of a root that a step does not see."""
        if root in self.items:
            return Unnamed("loop", f"{cut(root)} exists only inside its loop; move the step into it", "error")
        visible = self.environment.roots(number)
        giver = self.outputs.get(root)
        if giver is not None:
            words = f"{root} is the output of step {giver + 1}, which does not come before this step"
            alike = [name for name in visible if _unnumbered(name) == _unnumbered(root)]
            if alike:  # files do not always say which of two like steps has the number
                return Unnamed("early", f"{words}; did you mean {alike[0]}?", "warning")
            return Unnamed("early", f"{words}; link this step behind it", "error")
        hint = did_you_mean(root, visible) or f"; it has {', '.join(visible)}"
        message = f"nothing before this step is called {cut(root)!r}{hint}"
        return Unnamed("unknown", message, "error" if self.closed else "warning")


def surroundings_of(workflow: Workflow, catalogue: Catalogue) -> Surroundings:
    """Look at the whole workflow once; it has at least one step, and its links may lead anywhere."""
    size = len(workflow.steps)
    links = tuple(link for link in workflow.links if 0 <= link.source < size and 0 <= link.target < size)
    sound = workflow if len(links) == len(workflow.links) else replace(workflow, links=links)
    environment = environment_of(sound, catalogue)
    outputs: dict[str, int] = {}
    for number, name in enumerate(environment.outputs):
        if name is not None:
            outputs.setdefault(name, number)
    items = frozenset(
        item_of(value.path)
        for step in workflow.steps
        if step.kind == FOREACH
        for _, value in step.fields
        if isinstance(value, PathValue)
    )
    trigger = catalogue.get(workflow.trigger.task_id)
    closed = bool(trigger and trigger.known) and not any(is_app(step.task_id) for step in workflow.steps)
    local = environment.local
    return Surroundings(
        workflow,
        catalogue,
        environment,
        local if local.fields or local.enums else NOTHING_LOCAL,
        _reachable(sound),
        items,
        outputs,
        closed,
    )


def _reachable(workflow: Workflow) -> frozenset[int]:
    onward: dict[int, list[int]] = {}
    for link in workflow.links:
        onward.setdefault(link.source, []).append(link.target)
    found, waiting = {0}, [0]
    while waiting:
        for target in onward.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return frozenset(found)


def _unnumbered(name: str) -> str:
    return name.rstrip("0123456789")
