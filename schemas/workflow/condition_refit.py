"""An edited condition in the tree that its file had: every comparison that stays keeps its nodes' ids.

A trace (`condition_ast`) holds the shape of a tree in preorder, the uuids of its nodes, marks of its
comparisons and what its nodes have beyond the plain form. `refit` answers the trace of the edited tree:
groups that the edit did not touch keep their shape, an edited group nests to the left as Flow's editor does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from schemas.workflow.alignment import MARK, leaf_marks
from schemas.workflow.model import Compare, Condition, Logic, Quantifier

Trace = dict[str, Any]
_SIZES: Final = {"C": 3, "U": 2, "Q": 3}
"""Uuids of a node and of the paths and literals that belong to it."""
_CHILDREN: Final = ("lhs", "rhs", "operation")

Beyond = Callable[[Compare], Any]
"""What a new comparison has beyond its plain form."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A node of a tree: `uuids` are None where it is new, `differs` is what it has beyond the plain form."""

    mark: str
    uuids: tuple[str | None, ...]
    children: tuple[_Node, ...] = ()
    leaf: str = ""
    differs: dict[str, Any] = field(default_factory=dict)

    @property
    def is_group(self) -> bool:
        return self.mark[0] in "AO"


def refit(
    condition: Condition, tokens: Sequence[str], trace: Trace, fresh: Callable[[int], str], beyond: Beyond
) -> Trace:
    """The trace of an edited condition; `tokens` are the marks of the old shape, `fresh` makes uuids."""
    old = _Old(tokens, trace).node(trace.get("differs"))
    made = _Fitter(beyond).fit(condition, old, root=True)
    taken = set(trace.get("uuids", []))
    shape: list[str] = []
    uuids: list[str] = []
    number = 0
    for node in _preorder(made):
        shape.append(node.mark)
        for known in node.uuids:
            while known is None or known == "":
                known, number = fresh(number), number + 1
                known = "" if known in taken else known
            uuids.append(known)
    found = {"shape": "".join(shape), "uuids": uuids}
    differs = _differs(made)
    return found if differs is None else {**found, "differs": differs}


def _preorder(node: _Node) -> Iterator[_Node]:
    yield node
    for child in node.children:
        yield from _preorder(child)


class _Old:
    """Rebuilds the old tree from its trace."""

    def __init__(self, tokens: Sequence[str], trace: Trace) -> None:
        self.tokens = iter(tokens)
        self.uuids = iter(trace.get("uuids", []))
        leaves = trace.get("leaves", "")
        self.leaves = iter([leaves[at : at + MARK] for at in range(0, len(leaves), MARK)])

    def node(self, differs: Any) -> _Node:
        mark = next(self.tokens)
        inner = (differs or {}).get("in", {})
        uuids = tuple(next(self.uuids) for _ in range(_SIZES.get(mark, 1)))
        leaf = next(self.leaves, "") if mark in _SIZES else ""
        below = (
            () if mark in ("C", "U") else ("operation",) if mark == "Q" else ("lhs", "rhs")[: int(mark[1])]
        )
        children = tuple(self.node(inner.get(name)) for name in below)
        own = {**(differs or {}), "in": {key: part for key, part in inner.items() if key not in below}}
        return _Node(mark, uuids, children, leaf, own if own["in"] or "keys" in own else {})


class _Fitter:
    def __init__(self, beyond: Beyond) -> None:
        self.beyond = beyond

    def fit(self, new: Condition, old: _Node | None, *, root: bool) -> _Node:
        """The nodes of `new`, with those of `old` wherever they still stand for the same."""
        if isinstance(new, Logic):
            return self.group(new, old)
        if old is None or not old.is_group:
            found = self.leaf(new, old)
            return _Node("A1", (None,), (found,)) if root else found
        terms = _terms(old, _operator(old))
        if len(terms) == 1:
            return self.filled(old, iter([self.fit(new, terms[0], root=False)]))
        (only,) = _paired([new], terms)
        found = self.fit(new, None if only is None else terms[only], root=False)
        return replace(old, mark=f"{old.mark[0]}1", children=(found,)) if root else found

    def leaf(self, new: Compare | Quantifier, old: _Node | None) -> _Node:
        if isinstance(new, Quantifier):
            known = old if old is not None and old.mark == "Q" else None
            body = self.fit(new.body, known.children[0] if known else None, root=known is None)
            return replace(known, children=(body,)) if known else _Node("Q", (None,) * 3, (body,))
        if old is not None and old.mark in ("C", "U"):
            if old.mark == "U" and new.right is not None:
                return replace(old, mark="C", uuids=(*old.uuids, None))
            return old
        return _Node("C", (None,) * 3, differs=self.beyond(new) or {})

    def group(self, new: Logic, old: _Node | None) -> _Node:
        letter = new.operator[0].upper()
        terms = [] if old is None else _terms(old, _operator(old)) if old.is_group else [old]
        pairs = _paired(new.terms, terms)
        made = [
            self.fit(term, None if at is None else terms[at], root=False)
            for term, at in zip(new.terms, pairs, strict=True)
        ]
        spare = [] if old is None else list(_joints(old, _operator(old)))
        same = old is not None and old.is_group and _operator(old) == letter
        if old is not None and same and pairs == list(range(len(terms))):
            return self.filled(old, iter(made))
        found = made[0]
        joints = [spare.pop(0) if spare else _Node("A2", (None,)) for _ in made[1:]]
        for joint, term in zip(reversed(joints), made[1:], strict=True):
            found = replace(joint, mark=f"{letter}2", children=(found, term))
        return found

    def filled(self, old: _Node, made: Iterator[_Node]) -> _Node:
        """The old group with new terms in the places of the old ones."""
        operator = _operator(old)

        def fill(node: _Node) -> _Node:
            if not _is_joint(node, operator):
                return next(made)
            return replace(node, children=tuple(fill(child) for child in node.children))

        return fill(old)


def _is_joint(node: _Node, operator: str) -> bool:
    return node.is_group and (node.mark[0] == operator or len(node.children) == 1)


def _operator(node: _Node) -> str:
    """The operator of a group: of its first node that joins two."""
    while node.is_group and len(node.children) == 1:
        node = node.children[0]
    return node.mark[0] if node.is_group else "A"


def _terms(node: _Node, operator: str) -> list[_Node]:
    if not _is_joint(node, operator):
        return [node]
    return [term for child in node.children for term in _terms(child, operator)]


def _joints(node: _Node, operator: str) -> Iterator[_Node]:
    if _is_joint(node, operator):
        yield node
        for child in node.children:
            yield from _joints(child, operator)


def _paired(new: Sequence[Condition], old: Sequence[_Node]) -> list[int | None]:
    """For each term the old one that it was: an equal one first, then in order one of the same kind."""
    waiting: dict[str, list[int]] = defaultdict(list)
    for number, node in enumerate(old):
        waiting["".join(part.leaf for part in _preorder(node))].append(number)
    found: list[int | None] = []
    for term in new:
        equal = waiting.get("".join(leaf_marks(term)))
        found.append(equal.pop(0) if equal else None)
    left = [number for number in range(len(old)) if number not in found]
    for at, term in enumerate(new):
        if found[at] is None:
            found[at] = next((number for number in left if _one_kind(term, old[number])), None)
            left = [number for number in left if number != found[at]]
    return found


def _one_kind(term: Condition, node: _Node) -> bool:
    kinds = {Logic: "AO", Quantifier: "Q", Compare: "CU"}
    return node.mark[0] in kinds[type(term)]


def _differs(node: _Node) -> Any:
    """What the whole tree has beyond the plain form."""
    below = ("operation",) if node.mark == "Q" else _CHILDREN[: len(node.children)]
    inner = dict(node.differs.get("in", {}))
    for name, child in zip(below, node.children, strict=True):
        found = _differs(child)
        if found is not None:
            inner[name] = found
    keys = node.differs.get("keys")
    if keys is not None:
        return {"keys": [*keys, *(name for name in below if name not in keys)], "in": inner}
    return {"in": inner} if inner else None
