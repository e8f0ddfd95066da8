"""Workflows drawn from the whole language, not from what merchants usually build.

    language_workflow(seed)                     # a valid workflow, as the tree of `schemas.workflow`
    language_workflow(seed, valid=False)        # anything that the language carries
    language_document(seed, "flow")             # the same workflow as the text of a file, with layout noise

Every workflow comes in canonical order and normal form, and the documents are spelled by hand here: the
readers and writers of `schemas.workflow` are held to both (`tests/pipelines/test_language_generator.py`).
"""

from __future__ import annotations

from pipelines.generator.draw import Draw
from pipelines.generator.language.graphs import Shape, draw_graph
from pipelines.generator.language.valid_steps import ValidSteps
from pipelines.generator.language.wording import workflow_name
from schemas.workflow.model import Workflow

__all__ = ["draw_workflow", "language_workflow"]

_SIZES = (4, 8, 16, 40)


def language_workflow(seed: int, *, valid: bool = True) -> Workflow:
    """The workflow of a seed: the same one on every machine."""
    return draw_workflow(Draw(seed, "language"), valid=valid)


def draw_workflow(draw: Draw, *, valid: bool = True) -> Workflow:
    """A workflow of these draws. A valid one has only paths, values and operators that fit."""
    shape = Shape(draw.weighted(_SIZES, (0.3, 0.7, 0.93, 1.0)))
    stepper = ValidSteps(draw)
    steps, links = draw_graph(draw, stepper, shape)
    return Workflow(workflow_name(draw), steps, links, tuple(stepper.patched))
