"""Python to workflow: text is parsed with `ast` under an allow-list and never executed.

Reading goes in two passes. The first walks the blocks and finds steps and links; the second, when canonical
order and with it the names of outputs are known, reads every value. What the language has no place for is
refused with line, column and what to write instead.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from schemas.catalog import tasks
from schemas.errors import WorkflowRefused
from schemas.workflow import graph
from schemas.workflow.document_checks import MAX_LINKS, MAX_STEPS
from schemas.workflow.documents import in_catalogue_order
from schemas.workflow.model import (
    ACTION,
    CONDITION,
    CONDITION_TASK,
    FOREACH,
    FOREACH_TASK,
    SCHEDULE_TASK,
    TRIGGER,
    WAIT,
    Link,
    PatchedField,
    Step,
    Value,
    Workflow,
)
from schemas.workflow.names import camel, task_of, title_of
from schemas.workflow.patched import in_order
from schemas.workflow.plain import step_names
from schemas.workflow.python_door import parse
from schemas.workflow.python_expressions import Binding, Expressions
from schemas.workflow.python_literals import in_characters, named_object, refuse, text_of
from schemas.workflow.python_writer import POSITIONAL
from schemas.workflow.scope import output_names

Port: TypeAlias = tuple[int | str, str] | None
"""Where the next statement hangs: (step, port), ("join_1", "") for the way into a named block, or nowhere."""


@dataclass(slots=True)
class _Stub:
    """A step before its values are read."""

    kind: str
    task_id: str
    version: str
    names: dict[str, Binding]
    name: str | None = None
    node: ast.AST | None = None
    values: dict[str, ast.expr] = field(default_factory=dict)
    quoted: set[str] = field(default_factory=set)
    """Fields inside `**{...}`: never words of the language."""


def from_python(source: str) -> Workflow:
    """Read the Python text of a workflow.

    Raises:
        WorkflowRefused: PYTHON_SYNTAX, PYTHON_CONSTRUCT or a limit, with `line:column` as the path.
    """
    module = parse(source)
    try:
        return _Reader(module).workflow()
    except WorkflowRefused as refusal:
        place = in_characters(source, refusal.path)
        raise WorkflowRefused(refusal.code, refusal.message, path=place) from None
    except RecursionError:
        raise WorkflowRefused(
            "PYTHON_NESTING_LIMIT", "nested deeper than can be read; nest less", path="1:1"
        ) from None


class _Reader:
    def __init__(self, module: ast.Module) -> None:
        functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
        if len(functions) != 1 or len(module.body) != 1:
            other = next((node for node in module.body if not isinstance(node, ast.FunctionDef)), None)
            raise refuse(
                other or module,
                "a workflow is one decorated function and nothing else; put every step into it",
            )
        self.function = functions[0]
        self.stubs: list[_Stub] = []
        self.edges: list[tuple[Port, int | str]] = []
        self.blocks: list[ast.FunctionDef] = []
        self.entries: dict[str, list[int | str]] = {}
        self.names: dict[str, Binding] = {}
        self.final: dict[str, Binding] = {}

    # -- first pass: blocks -----------------------------------------------------------------------------

    def workflow(self) -> Workflow:
        function = self.function
        self.names = {name: Binding("root", camel(name)) for name in self.arguments(function)}
        decorators = function.decorator_list
        if not decorators:
            raise refuse(
                function, "the function needs its trigger as the first decorator, such as @order_created"
            )
        self.stubs.append(self.trigger(decorators[0]))
        patched = tuple(self.patched(node) for node in decorators[1:])
        body = list(function.body)
        title = title_of(function.name)
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            title = text_of(body.pop(0).value)  # type: ignore[attr-defined]
        self.blocks = [node for node in body if isinstance(node, ast.FunctionDef)]
        if len(self.blocks) > MAX_STEPS:
            raise refuse(self.blocks[MAX_STEPS], f"more than {MAX_STEPS} blocks", "MAX_STEPS_EXCEEDED")
        for node in self.blocks:
            if node.name in self.entries:
                raise refuse(node, f"the block {node.name!r} is defined twice; give each a name of its own")
            self.entries[node.name] = []
        self.walk(body, (0, "output"))
        self.final = self.names
        return self.settle(title, patched)

    def arguments(self, function: ast.FunctionDef) -> list[str]:
        found = function.args
        if (
            found.vararg
            or found.kwarg
            or found.kwonlyargs
            or found.defaults
            or found.posonlyargs
            or function.returns
        ):
            raise refuse(function, "the function takes plain arguments only: what the trigger provides")
        names = [argument.arg for argument in found.args]
        if len(names) > MAX_STEPS:
            raise refuse(function, f"more than {MAX_STEPS} arguments; name what the trigger provides")
        if len(set(names)) != len(names) or any(argument.annotation for argument in found.args):
            raise refuse(function, "an argument is a plain name, each once")
        return names

    def trigger(self, node: ast.expr) -> _Stub:
        if isinstance(node, ast.Name):
            node = ast.copy_location(ast.Call(node, [], []), node)
        if not isinstance(node, ast.Call):
            raise refuse(node, "the first decorator is the trigger, such as @order_created")
        return self.called(node, TRIGGER)

    def patched(self, node: ast.expr) -> PatchedField:
        if not (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "patched_field"
        ):
            raise refuse(node, "after the trigger only @patched_field(owner, handle, field(...)) may follow")
        configured = True
        for keyword in node.keywords:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg != "merchant_configured" or not isinstance(value, bool):
                raise refuse(node, "patched_field takes merchant_configured=False and nothing else by name")
            configured = value
        if len(node.args) != 3:
            raise refuse(
                node, 'patched_field takes an owner, a handle and a field: ("Order", "gift", metafield(...))'
            )
        owner, handle, shown = node.args
        name, arguments = named_object(shown)
        return PatchedField(text_of(owner), text_of(handle), name, in_order(arguments), configured)

    def walk(self, body: list[ast.stmt], port: Port) -> None:
        for node in body:
            port = self.statement(node, port)

    def statement(self, node: ast.stmt, port: Port) -> Port:
        match node:
            case ast.Pass():
                return port
            case ast.Expr(value=ast.Call() as call):
                return self.action(call, port, None)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
                return self.action(call, port, name)
            case ast.If(test=test, body=then, orelse=orelse):
                stub = self.add(_Stub(CONDITION, CONDITION_TASK, "0.1", self.names, node=node), port)
                self.stubs[stub].values["condition"] = test
                self.walk(then, (stub, "true"))
                self.walk(orelse, (stub, "false"))
                return port
            case ast.For(target=ast.Name(id=name), iter=source, body=inside, orelse=[]):
                return self.loop(node, name, source, inside, port)
            case ast.With(
                items=[ast.withitem(context_expr=ast.Call(func=ast.Name(id=word), args=[], keywords=[]))]
            ):
                if node.items[0].optional_vars is not None or word not in ("branch", "unconnected"):
                    raise refuse(node, "only 'with branch():' and 'with unconnected():' are known")
                self.walk(node.body, None if word == "unconnected" else port)
                return port
            case ast.FunctionDef(decorator_list=[]) if node in self.blocks:
                if self.arguments(node):
                    raise refuse(node, "a named block takes no arguments")
                outer = self.names
                self.walk(node.body, (node.name, ""))
                self.names = {**outer, **{k: v for k, v in self.names.items() if v.kind == "output"}}
                return port
            case _:
                raise refuse(
                    node,
                    f"{type(node).__name__} has no place in a workflow; {_INSTEAD.get(type(node), _HINT)}",
                )

    def loop(self, node: ast.For, name: str, source: ast.expr, inside: list[ast.stmt], port: Port) -> Port:
        number = self.add(_Stub(FOREACH, FOREACH_TASK, "0.1", self.names, node=node), port)
        self.stubs[number].values["listpath"] = source
        outer = self.names.get(name)
        self.names = {**self.names, name: Binding("item", number)}
        self.walk(inside, (number, "loop_body"))
        self.names = {key: value for key, value in self.names.items() if key != name}
        if outer is not None:
            self.names[name] = outer
        return number, "after"

    def action(self, node: ast.Call, port: Port, variable: str | None) -> Port:
        if isinstance(node.func, ast.Name) and node.func.id in self.entries:
            if variable or node.args or node.keywords:
                raise refuse(node, "a named block is called without arguments and gives nothing back")
            self.connect(port, node.func.id)
            return port
        stub = self.called(node, ACTION)
        number = self.add(stub, port)
        if variable is not None:
            self.names = {**self.names, variable: Binding("output", number)}
        return number, "output"

    def add(self, stub: _Stub, port: Port) -> int:
        if len(self.stubs) >= MAX_STEPS:
            raise refuse(stub.node or self.function, f"more than {MAX_STEPS} steps", "MAX_STEPS_EXCEEDED")
        self.stubs.append(stub)
        self.connect(port, len(self.stubs) - 1)
        return len(self.stubs) - 1

    def connect(self, port: Port, target: int | str) -> None:
        if port is None:
            return
        if isinstance(port[0], str):
            self.entries[port[0]].append(target)
        else:
            self.edges.append((port, target))

    def called(self, node: ast.Call, kind: str) -> _Stub:
        """The step that a call stands for; its values are read later."""
        if not isinstance(node.func, ast.Name):
            raise refuse(node, "a step is a call of a task by its short name, such as send_email(...)")
        function, positional = node.func.id, list(node.args)
        version = None
        if function == "task":
            if len(positional) != 2:
                raise refuse(node, 'task takes an id and a version first: task("b99ddae5-...", "0.1", ...)')
            task_id, version = text_of(positional.pop(0)), text_of(positional.pop(0))
        else:
            found = task_of(function)
            if found is None or (found == SCHEDULE_TASK and kind != TRIGGER):
                raise refuse(node, f"{function!r} is not a task; {_TASK_HINT}")
            task_id = found
        if task_id in (CONDITION_TASK, FOREACH_TASK):
            raise refuse(node, "a condition is written as 'if', a loop as 'for'")
        if kind != TRIGGER:
            kind = tasks.default_kind(task_id)
        if version is None:
            version = tasks.default_version(task_id)
        stub = _Stub(kind, task_id, version, self.names, node=node)
        if positional:
            only = POSITIONAL.get(task_id)
            if only is None or len(positional) > 1:
                raise refuse(node, f"{function} takes its fields by name: {function}(field=...)")
            stub.values[only] = positional[0]
        for name, value in _keywords(node):
            if name == "task_version" and function != "task":
                stub.version = text_of(value)
            elif name == "step_name":
                stub.name = text_of(value)
            elif name == "task_type":
                stub.kind = text_of(value)
                if kind == TRIGGER or stub.kind not in (ACTION, WAIT):
                    raise refuse(value, "task_type is 'ACTION' or 'WAIT', and of no trigger")
            elif (field := name.removeprefix(_ODD)) in stub.values:
                raise refuse(value, f"the field {field!r} is given twice")
            else:
                stub.values[field] = value
                if name != field:
                    stub.quoted.add(field)
        return stub

    # -- second pass: values ----------------------------------------------------------------------------

    def settle(self, title: str, patched: tuple[PatchedField, ...]) -> Workflow:
        kinds = [stub.kind for stub in self.stubs]
        try:
            arranged = graph.structure(kinds, list(self.resolved()))
        except graph.TooDeep as refusal:
            node = self.stubs[refusal.number].node
            raise refuse(node or self.function, refusal.message, refusal.code) from None
        place = {number: position for position, number in enumerate(arranged.order)}
        ordered = [self.stubs[number] for number in arranged.order]
        usual = step_names([stub.task_id for stub in ordered])
        bare = [
            Step(stub.kind, stub.task_id, stub.version, (), None if stub.name == name else stub.name)
            for stub, name in zip(ordered, usual, strict=True)
        ]
        outputs = output_names(bare)
        by_stub = {number: outputs[position] for number, position in place.items()}
        steps = []
        for stub, step in zip(ordered, bare, strict=True):
            expressions = Expressions({**self.final, **stub.names}, by_stub, self.item_source)
            read = self.values_of(stub, expressions)
            steps.append(
                Step(step.kind, step.task_id, step.version, in_catalogue_order(step.task_id, read), step.name)
            )
        links = tuple(Link(place[a], port, place[b]) for a, port, b in arranged.links)
        return Workflow(title, tuple(steps), links, patched)

    def item_source(self, number: int) -> tuple[ast.expr, dict[str, Binding]]:
        """What a loop runs over, and the names around it."""
        stub = self.stubs[number]
        return stub.values["listpath"], {**self.final, **stub.names}

    def values_of(self, stub: _Stub, expressions: Expressions) -> dict[str, Value]:
        if stub.task_id == SCHEDULE_TASK and stub.kind == TRIGGER and not stub.quoted:
            words = expressions.schedule(stub.values)
            if words is not None:
                return {"recurrence": words}
        return {
            name: expressions.value(node, tasks.value_type(stub.task_id, name), name)
            for name, node in stub.values.items()
        }

    def resolved(self) -> Iterator[tuple[int, str, int]]:
        """Edges with named blocks replaced by the steps that they start with."""
        num_links = 0
        for port, target in self.edges:
            assert port is not None  # only edges with a source are kept
            for step in self.starts(target, frozenset()):
                num_links += 1
                if num_links > MAX_LINKS:
                    raise refuse(self.function, f"more than {MAX_LINKS} links", "WORKFLOW_STRUCTURE_INVALID")
                yield int(port[0]), port[1], step

    def starts(self, target: int | str, around: frozenset[str]) -> Iterator[int]:
        if isinstance(target, int):
            yield target
            return
        if target in around:
            raise refuse(
                self.function, f"the block {target!r} only calls itself; start it with a step, or remove it"
            )
        for entry in self.entries[target]:
            yield from self.starts(entry, around | {target})


_ODD: Final = "\0"
_TASK_HINT: Final = 'call one by its short name, such as send_email(...), or by id: task("...", "0.1")'
_REMOVE: Final = "remove it: every task is known by its short name"
_USE: Final = "a name takes the output of a call; write any other value where it is used"
_INSTEAD: Final[dict[type[ast.stmt], str]] = {
    ast.Import: _REMOVE,
    ast.ImportFrom: _REMOVE,
    ast.Return: "remove it: a branch ends with its last step",
    ast.While: "loop over a list: for line_item in order.line_items",
    ast.Assign: _USE,
    ast.AugAssign: _USE,
    ast.AnnAssign: _USE,
    ast.Try: "remove it: a step that fails ends the run",
    ast.Match: "write if/elif/else",
}
"""What to write instead of a statement that other Python has."""
_HINT: Final = "write calls, if/elif/else, for loops, and assignments of a call to a name"


def _keywords(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Keyword arguments; names inside `**{...}` are fields, never words of the language."""
    named = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
    if len(set(named)) != len(named):
        raise refuse(node, "an argument is given twice; give each field once")
    for keyword in node.keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value
            continue
        if not isinstance(keyword.value, ast.Dict):
            raise refuse(keyword.value, "** takes a dict of field names: **{'my-field': \"value\"}")
        for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
            if key is None:
                raise refuse(keyword.value, "** takes a dict of field names: **{'my-field': \"value\"}")
            yield _ODD + text_of(key), value
