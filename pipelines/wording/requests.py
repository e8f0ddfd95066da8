"""A whole workflow as a request: one or two sentences where the shape is simple, a list of steps where not.

Not here yet: several messages, and requests that leave a choice to the assistant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.wording.conditions import condition_words
from pipelines.wording.phrases import Phrases, capital
from pipelines.wording.styles import STYLES
from pipelines.wording.tasks import notes_of, step_words, when_words
from schemas.workflow import graph
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import ConditionValue, PatchedField, PathValue, Step, Workflow

__all__ = ["create_request"]

_SIMPLE = re.compile(r"\w+", re.ASCII)


def create_request(workflow: Workflow, wording: int) -> str:
    """What a merchant could have typed to get this workflow; different workflows get different requests.

    Raises:
        IndexError: where there is no such wording.
    """
    if wording < 0:
        raise IndexError(wording)
    return _Request(workflow, wording).text()


class _Request:
    def __init__(self, workflow: Workflow, wording: int) -> None:
        self.steps = workflow.steps
        self.workflow = workflow
        self.style = STYLES[wording]
        self.phrases = Phrases(self.style)
        edges = workflow.edges
        self.found = graph.structure([step.kind for step in workflow.steps], edges)
        self.parts = {step: number for number, step in enumerate(self.found.shared, 1)}

    def text(self) -> str:
        said = self.prose() or self.outline()
        for field in self.workflow.patched_fields:
            said += f"\n\n{self.patched(field)}"
        return said + self.phrases.appendix()

    # -- sentences --------------------------------------------------------------------------------------

    def prose(self) -> str | None:
        """Sentences, where all steps follow each other and at most the last is a simple condition."""
        body = self.found.body
        if self.found.shared or self.found.unconnected or not body:
            return None
        before = self.chain(body[:-1] if isinstance(body[-1], graph.If) else body)
        last = body[-1]
        if before is None:
            return None
        if not isinstance(last, graph.If):
            return self.filled(self.style.straight, steps=before)
        then, orelse = self.chain(last.then), self.chain(last.orelse)
        if not last.then or then is None or orelse is None:
            return None
        other = self.filled(self.style.otherwise, steps=orelse) if last.orelse else ""
        template = self.style.prepared if before else self.style.conditional
        condition = self.condition(self.steps[last.step])
        return self.filled(template, before=before, condition=condition, steps=then, otherwise=other)

    def chain(self, block: graph.Block) -> str | None:
        """Actions one after the other as one phrase, None where there is anything else."""
        said = []
        for statement in block:
            if not isinstance(statement, graph.Do):
                return None
            said.append(step_words(self.steps[statement.step], self.phrases))
        between, last = self.style.joined
        return last.join([between.join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)

    def filled(self, template: str, **said: str) -> str:
        """A template with its blanks filled in; a blank that opens a sentence gets a capital."""
        blanks = {**said, "name": self.phrases.quote(self.workflow.name), "when": self.when()}

        def fill(blank: re.Match[str]) -> str:
            before = template[: blank.start()]
            opens = not before or before.endswith(("? ", ". "))
            return capital(blanks[blank[1]]) if opens else blanks[blank[1]]

        return re.sub(r"\{(\w+)\}", fill, template)

    def when(self) -> str:
        return when_words(self.workflow.trigger, self.phrases)

    def condition(self, step: Step) -> str:
        value = step.fields[0][1] if step.fields else None
        condition = value.condition if isinstance(value, ConditionValue) else None
        return condition_words(condition, self.phrases) + notes_of(step, self.phrases)

    # -- lists of steps ---------------------------------------------------------------------------------

    def outline(self) -> str:
        lines = [self.filled(self.style.outline)]
        lines += self.block(self.found.body, "") or ["There are no steps yet."]
        for step, block in self.found.shared.items():
            lines += ["", f"Part {self.parts[step]}:", *self.block(block, "")]
        for block in self.found.unconnected:
            lines += ["", "Also put these steps beside it, connected to nothing:", *self.block(block, "")]
        return "\n".join(lines)

    def block(self, block: graph.Block, indent: str) -> list[str]:
        lines: list[str] = []
        for number, statement in enumerate(block, 1):
            mark = {"dash": "-", "star": "*", "number": f"{number}."}[self.style.marks]
            lines += self.statement(statement, f"{indent}{mark} ", indent + " " * (len(mark) + 1))
        return lines

    def statement(self, statement: graph.Statement, start: str, inner: str) -> Iterator[str]:
        match statement:
            case graph.Do(step=step):
                yield start + step_words(self.steps[step], self.phrases)
            case graph.Jump(step=step):
                yield f"{start}go on with part {self.parts[step]}"
            case graph.Branch(body=body):
                yield f"{start}on a path of its own:"
                yield from self.block(body, inner)
            case graph.For(step=step, body=body):
                yield f"{start}for each of {self.listed(self.steps[step])}:"
                yield from self.block(body, inner) or [f"{inner}nothing"]
            case graph.If():
                yield from self.choice(statement, start, inner)

    def choice(self, found: graph.If, start: str, inner: str) -> Iterator[str]:
        """A condition with its two sides; a condition alone on the other side goes on in the same item."""
        lead = start
        while True:
            yield f"{lead}if {self.condition(self.steps[found.step])}:"
            yield from self.block(found.then, inner) or [f"{inner}nothing"]
            match found.orelse:
                case []:
                    return
                case [graph.If() as other]:
                    found, lead = other, f"{inner}{self.style.otherwise_line[:-1]}, "
                case orelse:
                    yield inner + self.style.otherwise_line
                    yield from self.block(orelse, inner + "  ")
                    return

    def listed(self, step: Step) -> str:
        value = step.fields[0][1] if step.fields else None
        said = "a list that I still have to choose" if value is None else self.phrases.value(value)
        if value is not None and not isinstance(value, PathValue):
            said = f"the list {said}"
        return said + notes_of(step, self.phrases)

    def patched(self, field: PatchedField) -> str:
        """A metafield that paths read under a name of its own."""
        arguments = read_json(field.arguments)
        simple = list(arguments) == ["key", "namespace"] and all(
            isinstance(part, str) and _SIMPLE.fullmatch(part) for part in arguments.values()
        )
        which = (
            f"{field.field} {arguments['namespace']}.{arguments['key']}"
            if simple
            else f"{self.phrases.quote(field.field)} with {self.phrases.json(field.arguments)}"
        )
        note = "" if field.merchant_configured else ", which I did not set up myself"
        owner, handle = field.owner, self.phrases.quote(field.handle)
        return f"In the environment, the {which} of {owner} is called {handle}{note}."
