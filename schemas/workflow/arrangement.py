"""The order of a file's arrays after an edit: what stays keeps its order, what is new has a neighbour.

The order of links on one port, and of steps that nothing leads to, is the order of statements in Python. So
an order that would read back as another workflow is not kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from schemas.workflow import graph
from schemas.workflow.alignment import Edge
from schemas.workflow.layout import Layout, edges_of
from schemas.workflow.model import TRIGGER, Link, Workflow


def arrange(
    workflow: Workflow, layout: Layout, origin: Sequence[int | None]
) -> tuple[list[int], list[int], list[int | None]]:
    """Array order of steps, array order of links, and for each link its number in the layout.

    `origin` is the number of each step in the layout, None for a new one; all numbers are canonical ones.
    """
    edges = workflow.edges
    order = layout.link_order or list(range(len(edges)))
    same_steps = list(origin) == list(range(len(layout.steps)))
    # A layout that was written before links were noted in it says at least how many there were.
    then = edges_of(layout) or (edges if same_steps and len(order) == len(edges) else [])
    if same_steps and edges == then:
        return layout.step_order or list(range(len(origin))), order, list(range(len(edges)))
    steps = _steps(workflow, layout.step_order or list(range(len(layout.steps))), origin)
    known = _known_links(edges, then, origin)
    links = _links(
        workflow.links, (layout.link_order if then else None) or range(len(then)), then, origin, known
    )
    if not _reads_back(workflow, steps, links):
        return list(range(len(origin))), list(range(len(edges))), known
    return steps, links, known


def _steps(workflow: Workflow, order: Sequence[int], origin: Sequence[int | None]) -> list[int]:
    """Kept steps as the file has them, each with the new steps that follow it in the Python text."""
    followers: dict[int, list[int]] = defaultdict(list)
    leader = 0
    for number, old in enumerate(origin):
        if old is None:
            followers[leader].append(number)
        else:
            leader = number
    now = {old: number for number, old in enumerate(origin) if old is not None}
    found = [number for old in order if old in now for number in (now[old], *followers[now[old]])]
    led = {link.target for link in workflow.links}
    return _in_order(found, lambda number: "" if number and number not in led else None)


def _known_links(
    edges: Sequence[Edge], then: Sequence[Edge], origin: Sequence[int | None]
) -> list[int | None]:
    numbers: dict[tuple[int | None, str, int | None], list[int]] = defaultdict(list)
    for number, edge in enumerate(then):
        numbers[edge].append(number)
    known: list[int | None] = []
    for source, port, target in edges:
        waiting = numbers.get((origin[source], port, origin[target]))
        known.append(waiting.pop(0) if waiting else None)
    return known


def _links(
    links: Sequence[Link],
    order: Sequence[int],
    then: Sequence[Edge],
    origin: Sequence[int | None],
    known: Sequence[int | None],
) -> list[int]:
    """Kept links as the file has them; a new one takes the place of one that left its port, else it
    follows the link that leads to its source.
    """
    now = {old: number for number, old in enumerate(known) if old is not None}
    left: dict[tuple[int | None, str], list[int]] = defaultdict(list)
    for old in order:
        if old not in now:
            left[then[old][:2]].append(old)
    waiting: dict[int, list[int]] = defaultdict(list)
    for number, link in enumerate(links):
        if known[number] is None:
            gone = left[origin[link.source], link.port]
            if gone:
                now[gone.pop(0)] = number
            else:
                waiting[link.source].append(number)
    found: list[int] = []

    def take(number: int) -> None:
        stack = [number]
        while stack:
            at = stack.pop()
            found.append(at)
            stack += reversed(waiting.pop(links[at].target, []))

    for old in order:
        if old in now:
            take(now[old])
    for source in sorted(waiting):
        for number in waiting.pop(source, []):
            take(number)
    return _in_order(found, lambda number: (links[number].source, links[number].port))


def _in_order(array: list[int], group: Callable[[int], object]) -> list[int]:
    """The members of each group in ascending order, in the places that the group has."""
    members: dict[object, list[int]] = defaultdict(list)
    for number in array:
        members[group(number)].append(number)
    waiting = {name: iter(sorted(numbers)) for name, numbers in members.items()}
    return [number if (name := group(number)) is None else next(waiting[name]) for number in array]


def _reads_back(workflow: Workflow, steps: Sequence[int], links: Sequence[int]) -> bool:
    """Whether arrays in this order are read as the same workflow."""
    kinds = [workflow.steps[number].kind for number in steps]
    if sorted(steps) != list(range(len(workflow.steps))) or kinds.count(TRIGGER) != 1:
        return False
    place = {number: at for at, number in enumerate(steps)}
    wanted = workflow.edges
    edges = [
        (place[source], port, place[target]) for source, port, target in (wanted[link] for link in links)
    ]
    arranged = graph.structure(kinds, edges)
    again = {at: number for number, at in enumerate(arranged.order)}
    return [steps[at] for at in arranged.order] == list(range(len(steps))) and wanted == [
        (again[source], port, again[target]) for source, port, target in arranged.links
    ]
