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
from pipelines.generator.language.odd_steps import OddSteps
from pipelines.generator.language.spell_document import SPELLINGS, Spelling, spell
from pipelines.generator.language.valid_steps import ValidSteps
from pipelines.generator.language.wording import any_text, workflow_name
from schemas.workflow.model import Workflow

__all__ = ["SPELLINGS", "Spelling", "draw_workflow", "language_document", "language_workflow", "spell"]

_SIZES = (1, 4, 8, 16, 60)
_SIZE_LIMITS = (0.02, 0.3, 0.75, 0.98, 1.0)


def language_workflow(seed: int, *, valid: bool = True) -> Workflow:
    """The workflow of a seed: the same one on every machine."""
    return draw_workflow(Draw(seed, "language"), valid=valid)


def language_document(seed: int, spelling: Spelling = "flow", *, valid: bool = True) -> str:
    """A file that means the workflow of this seed."""
    return spell(language_workflow(seed, valid=valid), spelling, Draw(seed, "file", spelling))


def draw_workflow(draw: Draw, *, valid: bool = True) -> Workflow:
    """A workflow of these draws. A valid one has only paths, values and operators that fit."""
    most_steps = draw.weighted(_SIZES, _SIZE_LIMITS)
    if valid:
        sound = ValidSteps(draw)
        steps, links = draw_graph(draw, sound, Shape(most_steps))
        return Workflow(workflow_name(draw), steps, links, tuple(sound.patched))
    odd = OddSteps(draw)
    steps, links = draw_graph(draw, odd, Shape(most_steps, cyclic=True, deepest=draw.pick((4, 12, 40))))
    name = any_text(draw) if draw.chance(0.7) else workflow_name(draw)
    return Workflow(name, steps, links, odd.patched())
