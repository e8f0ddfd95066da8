"""One text in, everything known about it out: the round-trip gate that every row of the lake passes.

*Exact*: the Python text and the layout give the file's bytes back. *Semantic*: the Python text alone gives
the same steps, values and links. Both are computed by doing it, on the very text at hand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import orjson

from schemas.errors import WorkflowRefused
from schemas.workflow.check import check
from schemas.workflow.descriptor import descriptor_of, task_name
from schemas.workflow.documents import read
from schemas.workflow.model import TRIGGER, Workflow
from schemas.workflow.problems import Problem
from schemas.workflow.python_reader import from_python
from schemas.workflow.python_writer import to_python
from schemas.workflow.spell import write

LANGUAGE_VERSION = "flow_python_v1"
"""Travels on every row that was made with this language; a change of the text a model reads changes it."""

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one text is. `python` and `layout` are empty where the text was refused."""

    spelling: str
    exact: bool = False
    semantic: bool = False
    problems: tuple[Problem, ...] = ()
    """Of reading and of the round trip: an error is why nothing can be made of the text."""
    findings: tuple[Problem, ...] = ()
    """What Flow would object to (`schemas.workflow.check`); they say nothing of the round trip."""
    python: str = ""
    layout: str = ""
    descriptor: str = ""
    trigger: str = ""
    tasks: tuple[str, ...] = ()
    workflow: Workflow | None = None

    @property
    def lossless(self) -> bool:
        return self.exact and self.semantic


def canonical(workflow: Workflow) -> bytes:
    """The meaning as bytes; two workflows are the same when these are (`==` would take True for 1)."""
    return orjson.dumps(workflow)


_PYTHON = re.compile(r"\s*(?:[@#]|(?:async|class|def|from|import)\b)")


def is_python(text: str) -> bool:
    """Whether to read a text as Python: everything else is held to JSON, signed or not."""
    # No word of Python ends inside a signature, which is 64 hexadecimal digits.
    return _PYTHON.match(text.removeprefix("\ufeff")) is not None


def inspect(text: str, *, with_findings: bool = True) -> Inspection:
    """Read a workflow in any spelling, write it both ways, and compare. Never raises for bad input.

    A gate that keeps or refuses a record asks only for that, and leaves the findings out.
    """
    python = is_python(text)
    try:
        return _inspect_python(text, with_findings) if python else _inspect_json(text, with_findings)
    except WorkflowRefused as refusal:
        return Inspection("python" if python else "", problems=(_problem(refusal),))


def _inspect_json(text: str, with_findings: bool) -> Inspection:
    document = read(text)
    spelling = document.layout.spelling
    try:
        python = to_python(document.workflow)
        again = from_python(python)
    except WorkflowRefused as refusal:
        # Its place is one in a Python text that nobody has seen.
        problem = Problem(refusal.code, "error", refusal.step, "", f"as Python: {_short(refusal.message)}")
        return Inspection(spelling, problems=(problem,))
    semantic = canonical(again) == canonical(document.workflow)
    written = write(again, document.layout)
    exact = written == text
    problems = []
    if not semantic:
        problems.append(
            Problem("ROUND_TRIP_SEMANTIC", "error", "", "", "the Python text does not mean the same workflow")
        )
    if not exact:
        at = next((n for n, (a, b) in enumerate(zip(written, text, strict=False)) if a != b), len(written))
        problems.append(
            Problem(
                "ROUND_TRIP_EXACT",
                "error",
                "",
                f"character {at}",
                "the bytes that come back differ from here on",
            )
        )
    layout = document.layout.to_json()
    findings = check(document.workflow, document.layout) if with_findings else ()
    return _found(spelling, exact, semantic, problems, findings, python, layout, document.workflow)


def _inspect_python(text: str, with_findings: bool) -> Inspection:
    workflow = from_python(text)
    python = to_python(workflow)
    semantic = canonical(from_python(python)) == canonical(workflow)
    problems = []
    if python != text:
        problems.append(
            Problem("NOT_CANONICAL", "warning", "", "", "the canonical text of this workflow is another")
        )
    findings = check(workflow) if with_findings else ()
    findings = tuple(replace(finding, path="") for finding in findings)  # there is no JSON to point into
    return _found("python", python == text, semantic, problems, findings, python, "", workflow)


def _found(
    spelling: str,
    exact: bool,
    semantic: bool,
    problems: list[Problem],
    findings: tuple[Problem, ...],
    python: str,
    layout: str,
    workflow: Workflow,
) -> Inspection:
    names = dict.fromkeys(task_name(step) for step in workflow.steps if step.kind != TRIGGER)
    return Inspection(
        spelling=spelling,
        exact=exact,
        semantic=semantic,
        problems=tuple(problems),
        findings=findings,
        python=python,
        layout=layout,
        descriptor=descriptor_of(workflow),
        trigger=task_name(workflow.trigger),
        tasks=tuple(names),
        workflow=workflow,
    )


def _problem(refusal: WorkflowRefused) -> Problem:
    return Problem(refusal.code, "error", _short(refusal.step), _short(refusal.path), _short(refusal.message))


def _short(text: str) -> str:
    """Keys and ids of a hostile file can be as long as the file."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
