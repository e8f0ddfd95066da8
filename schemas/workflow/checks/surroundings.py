"""What each step of a workflow may name: roots of the trigger, outputs of steps before it, items of loops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.catalog.catalogue import Catalogue, is_app
from schemas.catalog.environment import NOTHING_LOCAL, Local
from schemas.workflow.checks.findings import cut, did_you_mean
from schemas.workflow.checks.places import Place, element_of, follow
from schemas.workflow.condition_tree import lowered
from schemas.workflow.model import FOREACH, Path, PathValue, Workflow
from schemas.workflow.problems import Severity
from schemas.workflow.scope import item_of, output_names

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
    """One workflow, with what its steps can see."""

    workflow: Workflow
    catalogue: Catalogue
    visible: list[Mapping[str, str]]
    """For each step: root -> type notation, empty for a type that is not known."""
    reachable: list[bool]
    """Whether the trigger leads to a step; what it does not lead to never runs."""
    local: Local
    """The types that the workflow adds: patched fields."""
    items: frozenset[str]
    outputs: Mapping[str, int]
    """Output name -> the first step that gives it."""
    closed: bool
    """Whether every root is known: an app's trigger or action may bring others."""

    def place(self, number: int, path: Path, roots: Mapping[str, str] | None = None) -> Place | None:
        """Where a path leads from a step; None where its root is nothing that the step may name."""
        segments = lowered(path).segments
        kind = (roots or {}).get(segments[0])
        if kind is None:
            kind = self.visible[number].get(segments[0])
        if kind is None:
            return None
        return follow(kind, segments, self.local)

    def unnamed(self, number: int, root: str) -> Unnamed:
        """What to say of a root that a step may not name."""
        if root in self.items:
            return Unnamed("loop", f"{cut(root)} exists only inside its loop; move the step into it", "error")
        giver = self.outputs.get(root)
        if giver is not None:
            words = f"{root} is the output of step {giver + 1}, which does not come before this step"
            alike = [name for name in self.visible[number] if _unnumbered(name) == _unnumbered(root)]
            if alike:  # files do not always say which of two like steps has the number
                return Unnamed("early", f"{words}; did you mean {alike[0]}?", "warning")
            return Unnamed("early", f"{words}; link this step behind it", "error")
        hint = did_you_mean(root, self.visible[number])
        known = "" if hint else f"; it has {', '.join(self.visible[number])}"
        message = f"nothing before this step is called {cut(root)!r}{hint or known}"
        return Unnamed("unknown", message, "error" if self.closed else "warning")


def surroundings_of(workflow: Workflow, catalogue: Catalogue) -> Surroundings:
    """Look at the whole graph once."""
    steps = workflow.steps
    before, loops = _ways(workflow)
    names = output_names(steps)
    outputs: dict[str, int] = {}
    for number, name in enumerate(names):
        if name is not None:
            outputs.setdefault(name, number)
    local = _local(workflow)
    trigger = catalogue.get(workflow.trigger.task_id)
    always = {"shop": "Shop", **(trigger.returns if trigger else {})}
    giving = sum(1 << number for number, name in enumerate(names) if name is not None)
    sources = {
        number: value.path
        for number, step in enumerate(steps)
        if step.kind == FOREACH
        for _, value in step.fields
        if isinstance(value, PathValue)
    }
    cache: dict[tuple[int, int], Mapping[str, str]] = {}
    types: dict[int, str] = {}
    opened: set[int] = set()

    def seen_from(number: int) -> Mapping[str, str]:
        key = (before[number] & giving, loops[number])
        found = cache.get(key)
        if found is None:
            roots = dict(always)
            for other in _bits(key[0]):
                task = catalogue.get(steps[other].task_id)
                roots[str(names[other])] = next(iter(task.returns.values()), "") if task else ""
            for loop in _bits(key[1]):
                if loop in sources and loop != number:
                    roots[item_of(sources[loop])] = item_type(loop)
            found = cache[key] = roots
        return found

    def item_type(loop: int) -> str:
        if loop in types or loop in opened:
            return types.get(loop, "")
        opened.add(loop)
        segments = sources[loop].segments
        types[loop] = element_of(follow(seen_from(loop).get(segments[0], ""), segments, local))
        return types[loop]

    return Surroundings(
        workflow,
        catalogue,
        [seen_from(number) for number in range(len(steps))],
        [bool(ways & 1) or not number for number, ways in enumerate(before)],
        local,
        frozenset(item_of(source) for source in sources.values()),
        outputs,
        trigger is not None and trigger.known and not any(is_app(step.task_id) for step in steps[1:]),
    )


def _ways(workflow: Workflow) -> tuple[list[int], list[int]]:
    """For each step the steps on any way to it, and the loops whose body it is in, as bit sets."""
    size = len(workflow.steps)
    before, loops = [0] * size, [0] * size
    links = [
        (link.source, link.target, 1 << link.source if link.port == "loop_body" else 0)
        for link in workflow.links
        if 0 <= link.source < size and 0 <= link.target < size
    ]
    changed = True
    while changed:
        changed = False
        for source, target, loop in links:
            ways = before[target] | before[source] | 1 << source
            inside = loops[target] | loops[source] | loop
            if ways != before[target] or inside != loops[target]:
                before[target], loops[target], changed = ways, inside, True
    return before, loops


def _local(workflow: Workflow) -> Local:
    if not workflow.patched_fields:
        return NOTHING_LOCAL
    fields: dict[str, dict[str, str]] = {}
    for patched in workflow.patched_fields:
        fields.setdefault(patched.owner, {})[patched.handle] = ""
    return Local(fields, {})


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def _unnumbered(name: str) -> str:
    return name.rstrip("0123456789")
