"""Workflow to Python: the text a good programmer would write by hand for it.

The text is canonical (one workflow, one text) and `ast.parse` takes it. Nothing here is ever executed.
"""

from __future__ import annotations

from schemas.catalog import tasks
from schemas.errors import WorkflowRefused
from schemas.workflow import graph
from schemas.workflow.jsontext import read_json
from schemas.workflow.model import SCHEDULE_TASK, TRIGGER, Json, PatchedField, PathValue, Step, Text, Workflow
from schemas.workflow.names import free, function_name, function_of, is_name, title_of
from schemas.workflow.pretty import INDENT, WIDTH, Brackets, Expression, Terms, call, docstring, quote, show
from schemas.workflow.python_values import Values, element, literal
from schemas.workflow.recurrence import WORDS, schedule_of
from schemas.workflow.scope import Scope, item_of

MAX_SOURCE = 1 << 20
MAX_INDENT = 95
RESERVED_KEYWORDS = frozenset({"task_version", "task_type", "step_name"})
_SCHEDULE_KEYWORDS = RESERVED_KEYWORDS.union(WORDS)
POSITIONAL = {"shopify::flow::count": "listpath", "shopify::flow::sum": "numberpath"}


def to_python(workflow: Workflow) -> str:
    """The Python text of a workflow.

    Raises:
        WorkflowRefused: PYTHON_NESTING_LIMIT where blocks nest deeper than Python reads.
    """
    return _Writer(workflow).text()


class _Writer:
    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.scope = Scope(workflow)
        edges = workflow.edges
        self.structure = graph.structure([step.kind for step in workflow.steps], edges)
        self.lines: list[str] = []
        self.bound = {**self.scope.arguments, **self.scope.by_output}
        self.taken = frozenset(self.scope.taken | set(self.scope.arguments.values()))
        self.labels = {
            step: free(f"join_{number}", self.taken) for number, step in enumerate(self.structure.shared, 1)
        }

    def text(self) -> str:
        workflow, lines = self.workflow, self.lines
        lines.append("@" + show(self.decorator(workflow.trigger), "", 1))
        lines += ["@" + show(_patched(field), "", 1) for field in workflow.patched_fields]
        name = function_name(workflow.name)
        arguments = ", ".join(self.scope.arguments.values())
        lines.append(f"def {name}({arguments}):")
        if title_of(name) != workflow.name:
            lines.append(INDENT + docstring(workflow.name))
        start = len(lines)
        for step, block in self.structure.shared.items():
            lines.append(f"{INDENT}def {self.labels[step]}():")
            self.block(block, 2, self.bound)
            lines.append("")
        self.statements(self.structure.body, 1, self.bound)
        for block in self.structure.unconnected:
            lines.append(f"{INDENT}with unconnected():")
            self.block(block, 2, self.bound)
        if len(lines) == start and title_of(name) == workflow.name:
            lines.append(f"{INDENT}pass")
        if lines[-1] == "":
            lines.pop()
        return "\n".join(lines) + "\n"

    def decorator(self, trigger: Step) -> Expression:
        if trigger.task_id == SCHEDULE_TASK and trigger.version == "0.1" and trigger.name is None:
            fields = dict(trigger.fields)
            value = fields.get("recurrence")
            if isinstance(value, Json) and len(fields) == 1:
                sugar = schedule_of(read_json(value.text))
                if sugar is not None:
                    return call("scheduled", [(f"{key}=", literal(part)) for key, part in sugar.items()])
        shown = self.call(trigger, self.bound)
        return shown.head if isinstance(shown, Brackets) and not shown.parts else shown

    def block(self, block: graph.Block, level: int, bound: dict[str, str]) -> None:
        if level > MAX_INDENT:
            raise WorkflowRefused("PYTHON_NESTING_LIMIT", f"blocks nest deeper than {MAX_INDENT}")
        if not block:
            self.lines.append(f"{INDENT * level}pass")
        self.statements(block, level, bound)

    def statements(self, block: graph.Block, level: int, bound: dict[str, str]) -> None:
        indent = INDENT * level
        for statement in block:
            match statement:
                case graph.Do(step=step):
                    self.action(step, indent, bound)
                case graph.If():
                    self.condition(statement, level, bound)
                case graph.For():
                    self.loop(statement, level, bound)
                case graph.Branch(body=body):
                    self.lines.append(f"{indent}with branch():")
                    self.block(body, level + 1, bound)
                case graph.Jump(step=step):
                    self.lines.append(f"{indent}{self.labels[step]}()")

    def action(self, number: int, indent: str, bound: dict[str, str]) -> None:
        name = self.scope.variables.get(number)
        start = f"{indent}{name} = " if name else indent
        self.lines.append(start + show(self.call(self.workflow.steps[number], bound), indent, len(start)))

    def condition(self, found: graph.If, level: int, bound: dict[str, str]) -> None:
        indent, word = INDENT * level, "if"
        while True:
            test = self.only_value(found.step, "condition", bound)
            start = f"{indent}{word} "
            line = show(test, indent, len(start), 1)
            if "\n" in line and isinstance(test, Terms):
                line = show(Terms(test.operator, test.terms, grouped=True), indent, WIDTH)
            self.lines.append(f"{start}{line}:")
            self.block(found.then, level + 1, bound)
            if not found.orelse:
                return
            if len(found.orelse) == 1 and isinstance(found.orelse[0], graph.If):
                found, word = found.orelse[0], "elif"
                continue
            self.lines.append(f"{indent}else:")
            self.block(found.orelse, level + 1, bound)
            return

    def loop(self, found: graph.For, level: int, bound: dict[str, str]) -> None:
        step = self.workflow.steps[found.step]
        indent = INDENT * level
        value = step.fields[0][1]
        if not isinstance(value, PathValue):
            shown = "..." if value == Text("") else self.only_value(found.step, "listpath", bound)
            name = free("item", self.taken | set(bound.values()))
            self.lines.append(f"{indent}for {name} in {shown}:")
            self.block(found.body, level + 1, bound)
            return
        source = Values(bound, set(self.taken)).path(value.path)
        name = free(element(value.path, source), self.taken | set(bound.values()))
        self.lines.append(f"{indent}for {name} in {source}:")
        self.block(found.body, level + 1, {**bound, item_of(value.path): name})

    def only_value(self, number: int, field: str, bound: dict[str, str]) -> Expression:
        value = self.workflow.steps[number].fields[0][1]
        return self.values(bound).value(value, tasks.value_type(self.workflow.steps[number].task_id, field))

    def values(self, bound: dict[str, str]) -> Values:
        return Values(bound, set(self.taken) | set(bound.values()))

    def call(self, step: Step, bound: dict[str, str]) -> Expression:
        values = self.values(bound)
        head = function_of(step.task_id)
        if step.task_id == SCHEDULE_TASK and step.kind != TRIGGER:
            head = None
        parts: list[tuple[str, Expression]] = []
        odd: list[tuple[str, Expression]] = []
        if head is None:
            head = "task"
            parts = [("", quote(step.task_id)), ("", quote(step.version))]
        only = POSITIONAL.get(step.task_id)
        reserved = _SCHEDULE_KEYWORDS if step.task_id == SCHEDULE_TASK else RESERVED_KEYWORDS
        for field, value in step.fields:
            shown = values.value(value, tasks.value_type(step.task_id, field))
            if field == only and isinstance(value, PathValue) and len(step.fields) == 1:
                if head == "sum_of":
                    summed = values.summed(value.path)
                    usual = step.kind in (TRIGGER, tasks.default_kind(step.task_id)) and step.name is None
                    if usual and step.version == tasks.default_version(step.task_id):
                        return summed
                parts.append(("", shown))
            elif is_name(field) and field not in reserved:
                parts.append((f"{field}=", shown))
            else:
                odd.append((f"{quote(field)}: ", shown))
        if head != "task" and step.version != tasks.default_version(step.task_id):
            parts.append(("task_version=", quote(step.version)))
        if step.kind not in (TRIGGER, tasks.default_kind(step.task_id)):
            parts.append(("task_type=", quote(step.kind)))
        if step.name is not None:
            parts.append(("step_name=", quote(step.name)))
        if odd:
            parts.append(("**", Brackets("", "{", odd, "}")))
        return call(head, parts)


def _patched(field: PatchedField) -> Expression:
    arguments = read_json(field.arguments)
    if is_name(field.field) and all(is_name(key) for key in arguments):
        shown: Expression = call(field.field, [(f"{key}=", literal(part)) for key, part in arguments.items()])
    else:
        shown = Brackets("", "[", [("", quote(field.field)), ("", literal(arguments))], "]")
    parts: list[tuple[str, Expression]] = [("", quote(field.owner)), ("", quote(field.handle)), ("", shown)]
    if not field.merchant_configured:
        parts.append(("merchant_configured=", "False"))
    return call("patched_field", parts)
