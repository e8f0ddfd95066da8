"""The program judge's four facets: each looks at one conversation and gives a score with a sentence.

| facet | 1 means | 0 means |
|---|---|---|
| `syntax` | what was written last reads, comes back, and Flow objects to nothing (0.5: it does) | refused |
| `components` | tasks looked up, values of the request used, actions asked for: the smallest share | none |
| `appropriateness` | a workflow exactly where one is wanted, an edit in the same workflow | otherwise |
| `next_steps` | the answer says what to do next (0.5: it does not) and is true to the tools | it is untrue |

What cannot be judged has no score. Nothing is executed. Not here yet: what a request means beyond its
values and words (a paraphrase without a word of the task's label counts against it), other languages than
English, numbers in words, and whether the conditions are the right way round.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from re import Pattern
from typing import Final

from pipelines.claims import ADMITS, MEND, NEXT, RUNS, SAVED, TRY, claims, is_among, says, topic, values_of
from pipelines.trajectory import Called, Turn, workflow_in
from schemas.catalog.tasks import TASKS
from schemas.errors import BadRecord
from schemas.requests import request_kind_of
from schemas.tools import SEARCH
from schemas.workflow import Workflow, canonical, from_python, to_python
from schemas.workflow.descriptor import task_name
from schemas.workflow.model import CONDITION, FOREACH
from serving.checks import validation_errors
from serving.shop import InMemoryShop
from serving.words import words

__all__ = ["FACETS", "Conversation", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score from 0 to 1, None where there is none to give, and why."""

    score: float | None
    detail: str


@dataclass(frozen=True)
class Conversation:
    """What is judged: the turns, and the workflow that the shop holds (empty without one)."""

    turns: tuple[Turn, ...]
    python: str

    @property
    def last(self) -> Turn:
        return self.turns[-1]

    @cached_property
    def writing(self) -> int | None:
        """The turn that wrote a workflow last."""
        numbers = [number for number, turn in enumerate(self.turns) if turn.saves]
        return numbers[-1] if numbers else None

    @cached_property
    def written(self) -> Workflow:
        """The workflow that was written last.

        Raises:
            BadRecord: where nothing was written or what was written cannot be read.
        """
        if self.writing is None:
            raise BadRecord("NOTHING_WRITTEN", "no workflow was written")
        return workflow_in(self.turns[self.writing].saves[-1].arguments)

    def saved_before(self, turn: int) -> Called | None:
        """The last save that the shop took before a turn."""
        taken = [call for earlier in self.turns[:turn] for call in earlier.saves if call.ok]
        return taken[-1] if taken else None


def syntax(conversation: Conversation) -> Verdict:
    if conversation.writing is None:
        return Verdict(None, "no workflow was written")
    try:
        workflow = conversation.written
        again = from_python(to_python(workflow))
    except BadRecord as refused:
        return Verdict(0.0, f"it cannot be read: {refused}")
    if canonical(again) != canonical(workflow):
        return Verdict(0.0, "what comes back from its canonical text is another workflow")
    call = conversation.turns[conversation.writing].saves[-1]
    if call.ok and not _same(conversation.python, workflow):
        return Verdict(0.0, "the workflow that was recorded is not the one that was written")
    found = validation_errors(workflow, InMemoryShop(_installed(conversation.turns)))
    objections = [f"step {error['stepId']}: {error['message']}" for each in found.values() for error in each]
    if objections:
        return Verdict(0.5, f"Flow objects: {'; '.join(objections)}")
    return Verdict(1.0, "it reads, comes back, and Flow objects to nothing")


def components(conversation: Conversation) -> Verdict:
    """The smallest of three shares.

    Tasks that a search or a configuration of this conversation told of; quoted texts and numbers of the
    request that are in the workflow (for an edit, in the old one or the new one); acting tasks that are new
    and asked for: a word of the label is in the request, or a value of the request in the step.
    """
    try:
        workflow = conversation.written
    except BadRecord:
        return Verdict(None, "there is no workflow that can be read")
    writing = conversation.writing or 0
    before = conversation.saved_before(writing)
    old = workflow_in(before.arguments) if before else None
    if old is not None and canonical(old) == canonical(workflow):
        return Verdict(0.0, "the edit changes nothing")
    told = {task["id"] for turn in conversation.turns for call in turn.calls for task in call.tasks}
    used = {step.task_id: task_name(step) for step in workflow.steps if step.kind not in (CONDITION, FOREACH)}
    request = _asked(conversation.turns, writing)
    known = _texts(workflow) + (_texts(old) if old else [])
    values = values_of(request)
    acting = _acting(workflow) - (_acting(old) if old else set())
    said = {*words(request)}
    missing = {
        "not looked up": [name for task_id, name in used.items() if task_id not in told],
        "not in the workflow": [value for value in values if not is_among(value, known)],
        "not asked for": [
            used[task_id]
            for task_id in sorted(acting)
            if not _names(task_id) & said and not _carries(workflow, task_id, values)
        ],
    }
    sizes = {"not looked up": len(used), "not in the workflow": len(values), "not asked for": len(acting)}
    shares = [1 - len(missing[what]) / size for what, size in sizes.items() if size]
    lacks = [f"{what}: {', '.join(names)}" for what, names in missing.items() if names]
    counted = f"{len(used)} tasks, {len(values)} values, {len(acting)} new actions"
    return Verdict(min(shares, default=1.0), "; ".join(lacks) or f"all of {counted}")


def appropriateness(conversation: Conversation) -> Verdict:
    last = conversation.last
    before = conversation.saved_before(len(conversation.turns) - 1)
    kind = request_kind_of(last.request, follows_workflow=before is not None)
    if kind == "question":
        wrote = f"a question was answered by {len(last.saves)} workflows"
        return Verdict(0.0, wrote) if last.saves else Verdict(1.0, "a question was answered without one")
    if not last.saves:
        return Verdict(0.0, f"the request is to {kind} a workflow, and none was written")
    if not last.saves[-1].ok:
        return Verdict(0.0, f"the request is to {kind} a workflow, and the last one was not saved")
    identities = {str(call.data.get("workflow_id")) for call in last.saves if call.ok}
    if len(identities) > 1:
        return Verdict(0.0, f"one request left {len(identities)} workflows")
    if before is not None and identities != {str(before.data.get("workflow_id"))}:
        return Verdict(0.0, "the edit made another workflow beside the first")
    return Verdict(1.0, f"the request is to {kind} a workflow, and one was saved")


def next_steps(conversation: Conversation) -> Verdict:
    last = conversation.last
    if not last.closing.strip():
        return Verdict(None, "it ends without an answer")
    if not last.saves:
        return _answered(last, follows=conversation.saved_before(len(conversation.turns) - 1) is not None)
    save = last.saves[-1]
    admits = says(last.closing, ADMITS)
    if not save.ok:
        if not admits:
            return Verdict(0.0, "it does not say that nothing was saved")
        return _with_step(last.closing, TRY, "it says that nothing was saved")
    if admits:
        return Verdict(0.0, "it says that nothing was saved, and it was")
    if claims(last.closing, RUNS):
        return Verdict(0.0, "it says that the workflow runs, and it is switched off")
    if any(save.data.get("validation_errors", {}).values()):
        if not says(last.closing, MEND):
            return Verdict(0.0, "it says nothing of what must be mended first")
        return Verdict(1.0, "it says what must be mended")
    return _with_step(last.closing, NEXT, "it is true to the tools")


FACETS: Final[Mapping[str, Callable[[Conversation], Verdict]]] = {
    "syntax": syntax,
    "components": components,
    "appropriateness": appropriateness,
    "next_steps": next_steps,
}
"""In the order in which routing asks them."""


# -- the workflow ---------------------------------------------------------------------------------------


def _same(python: str, workflow: Workflow) -> bool:
    try:
        return canonical(from_python(python)) == canonical(workflow)
    except BadRecord:
        return False


def _installed(turns: Sequence[Turn]) -> frozenset[str]:
    """App tasks of which a search of this conversation said that the shop has them."""
    calls = (call for turn in turns for call in turn.calls if call.name == SEARCH)
    return frozenset(task["id"] for call in calls for task in call.tasks if task.get("installed") is True)


def _acting(workflow: Workflow) -> set[str]:
    """Tasks that do something; what only gathers for a later step (Count, Get data, Run code) is left out."""
    return {
        step.task_id
        for step in workflow.steps[1:]
        if step.kind not in (CONDITION, FOREACH)
        and not (step.task_id in TASKS and TASKS[step.task_id].output)
    }


def _texts(workflow: Workflow) -> list[str]:
    """The Python, each literal of it as it is without quotes and escapes, and the labels of the tasks."""
    source = to_python(workflow)
    literals = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    labels = [TASKS[step.task_id].label for step in workflow.steps if step.task_id in TASKS]
    return [workflow.name, source, *labels, *(str(value) for value in literals)]


def _carries(workflow: Workflow, task_id: str, values: list[str]) -> bool:
    """Whether a step of the task holds a value of the request: who names the subject asks for the e-mail."""
    steps = (step for step in workflow.steps if step.task_id == task_id)
    texts = [str(value) for step in steps for _, value in step.fields]
    return any(is_among(value, texts) for value in values)


# -- the request and the answer -------------------------------------------------------------------------

_COMMON: Final = frozenset(
    words("add company create created customer data fulfillment get metafield order product remove update to")
)
"""Words of so many labels that they single out no task."""


def _asked(turns: Sequence[Turn], writing: int) -> str:
    """What the merchant said since the workflow before, up to the one that was written."""
    earlier = [number for number in range(writing) if turns[number].saves]
    first = earlier[-1] + 1 if earlier else 0
    return "\n".join(turn.request for turn in turns[first : writing + 1])


def _names(task_id: str) -> set[str]:
    """The words that name a task: those of its label that single it out, all where none does."""
    label = TASKS[task_id].label if task_id in TASKS else task_id.rpartition("::")[2].replace("_", " ")
    found = {*words(label)}
    return found - _COMMON or found


def _answered(turn: Turn, *, follows: bool) -> Verdict:
    """The verdict on an answer that comes without a workflow."""
    if claims(turn.closing, SAVED) or claims(turn.closing, RUNS):
        return Verdict(0.0, "it says that a workflow was made, and none was")
    if request_kind_of(turn.request, follows_workflow=follows) != "question":
        return Verdict(None, "there is no workflow to say a next step for")
    if not topic(turn.request) & {*words(turn.closing)}:
        return Verdict(0.0, "the answer shares no word with the question")
    return Verdict(1.0, "the answer speaks of what was asked")


def _with_step(text: str, step: Pattern[str], said: str) -> Verdict:
    if says(text, step):
        return Verdict(1.0, f"{said} and names a next step")
    return Verdict(0.5, f"{said} and names no next step")
