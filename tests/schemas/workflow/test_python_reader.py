"""Python written by a model: an allow-list, a place for every refusal, and nothing is ever executed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from schemas.errors import WorkflowRefused
from schemas.workflow import from_python, inspect, to_python
from schemas.workflow.model import Text
from tests.schemas.workflow.small import in_function

# body of the function -> (line:column, a word of the reason)
REFUSED_BODIES = {
    "import os": ("3:5", "Import"),
    "from os import system": ("3:5", "ImportFrom"),
    "return 1": ("3:5", "Return"),
    "yield 1": ("3:5", "Expr"),
    "while True:\n    pass": ("3:5", "While"),
    "try:\n    pass\nexcept ValueError:\n    pass": ("3:5", "Try"),
    "raise ValueError": ("3:5", "Raise"),
    "assert order": ("3:5", "Assert"),
    "global order": ("3:5", "Global"),
    "del order": ("3:5", "Delete"),
    "class A:\n    pass": ("3:5", "ClassDef"),
    "match order:\n    case 1:\n        pass": ("3:5", "Match"),
    "x += send_email()": ("3:5", "AugAssign"),
    "x: int = send_email()": ("3:5", "AnnAssign"),
    "a = b = send_email()": ("3:5", "Assign"),
    "a, b = send_email()": ("3:5", "Assign"),
    "x = 5": ("3:5", "Assign"),
    "order.note": ("3:5", "Expr"),
    '"a text in the middle"\n"and another"': ("4:5", "Expr"),
    "with open('x') as f:\n    pass": ("3:5", "With"),
    "with other():\n    pass": ("3:5", "branch"),
    "with branch() as b:\n    pass": ("3:5", "branch"),
    "with branch(), branch():\n    pass": ("3:5", "With"),
    "async def f():\n    pass": ("3:5", "AsyncFunctionDef"),
    "for a in order.tags:\n    pass\nelse:\n    pass": ("3:5", "For"),
    "for a, b in order.tags:\n    pass": ("3:5", "For"),
    "for order.x in order.tags:\n    pass": ("3:5", "For"),
    "for tag in range(5):\n    pass": ("3:16", "a path"),
    "break": ("3:5", "Break"),
    "def block(x):\n    pass": ("3:5", "no arguments"),
    "@other\ndef block():\n    pass": ("4:5", "FunctionDef"),
    "def block():\n    pass\ndef block():\n    pass": ("5:5", "defined twice"),
    "if order.note:\n    def block():\n        pass": ("4:9", "FunctionDef"),
    "def block():\n    block()\nblock()": ("2:1", "only calls itself"),
    "def block():\n    pass\nx = block()": ("5:9", "gives nothing back"),
    "def block():\n    pass\nblock(1)": ("5:5", "without arguments"),
    "order.cancel()": ("3:5", "short name"),
    "(lambda: 1)()": ("3:5", "short name"),
    "getattr(order, 'x')": ("3:5", "by name"),
    "send_email('a')": ("3:5", "by name"),
    "scheduled(every='day')": ("3:5", "not a task"),
    "any(x for x in order.tags)": ("3:5", "not a task"),
    "compare(order.note, '==', 1)": ("3:5", "not a task"),
    "patched_field()": ("3:5", "not a task"),
    "task('only-an-id')": ("3:5", "an id and a version"),
    "task(order.id, '0.1')": ("3:10", "text in quotes"),
    "task('shopify::flow::condition', '0.1')": ("3:5", "'if'"),
    "task('shopify::flow::foreach', '0.1')": ("3:5", "'for'"),
    "send_email(subject='a', subject='b')": ("3:5", "given twice"),
    "send_email(subject='a', **{'subject': 'b'})": ("3:43", "given twice"),
    "send_email(**order)": ("3:18", "dict of field names"),
    "send_email(**{**order})": ("3:18", "dict of field names"),
    "send_email(*order)": ("3:5", "by name"),
    "send_email(subject=f'{order.name}')": ("3:24", "takes a text"),
    "send_email(subject=b'x')": ("3:24", "takes a text"),
    "send_email(subject='a' + 'b')": ("3:24", "takes a text"),
    "send_email(subject='%s' % order.name)": ("3:24", "takes a text"),
    "send_email(subject=order.name)": ("3:24", "{{ order.name }}"),
    "send_email(subject=str(order.name))": ("3:24", "takes a text"),
    "send_email(subject=[])": ("3:24", "takes a text"),
    "send_email(subject=lambda: 1)": ("3:24", "takes a text"),
    "send_email(subject=(y := 'x'))": ("3:25", "takes a text"),
    "send_email(subject='a' if order.note else 'b')": ("3:24", "takes a text"),
    "send_email(subject=1j)": ("3:24", "takes a text"),
    "send_email(subject=1e999)": ("3:24", "out of range"),
    "send_email(subject=-1e999)": ("3:24", "out of range"),
    "send_email(subject='\\ud800')": ("3:24", "surrogate"),
    "send_email(step_name=5)": ("3:26", "text in quotes"),
    "send_email(task_type='TRIGGER')": ("3:26", "'WAIT'"),
    "add_order_tags(tags=['a', order.name])": ("3:31", "literal"),
    "add_order_tags(tags=[x for x in order.tags])": ("3:25", "list of texts"),
    "add_order_tags(tags={'a'})": ("3:25", "list of texts"),
    "add_order_tags(tags=[1])": ("3:25", "list of texts"),
    "add_order_tags(order_id=[])": ("3:29", "object's id"),
    "add_order_tags(order_id=unknown.id)": ("3:29", "'unknown' is not defined"),
    "add_order_tags(order_id=order[0])": ("3:35", "text in quotes"),
    "add_order_tags(order_id=order.id())": ("3:29", "object's id"),
    "add_order_metafield(metafield={1: 'x'})": ("3:36", "text in quotes"),
    "add_order_metafield(metafield={'a': 1, 'a': 2})": ("3:35", "each once"),
    "add_order_metafield(metafield={**order})": ("3:35", "each once"),
    "count(order.tags, order.name)": ("3:5", "by name"),
    "sum_of(x for x in order.tags)": ("3:11", "field of the list's item"),
    "sum_of(order.id for x in order.tags)": ("3:11", "field of the list's item"),
    "sum_of(x.a for x in order.tags if x.b)": ("3:11", "for name in list"),
    "sum_of(x.a for x in order.tags for y in x.c)": ("3:11", "for name in list"),
    "admin_api_operation(api_call=orderCancel(order.id))": ("3:46", "text in quotes"),
    "admin_api_operation(api_call=orderCancel(a=order.id))": ("3:48", "literal"),
    "admin_api_operation(api_call=orderCancel(**order))": ("3:34", "once each"),
    "x = capture_payment()\nadd_order_tags(order_id=x.id)": ("4:29", "gives nothing back"),
    "for x in order.line_items:\n    pass\nadd_order_tags(order_id=x.id)": ("5:29", "not defined"),
}
REFUSED_TESTS = {
    "True": ("3:8", "expected a comparison"),
    "order.note == 'x' == 'y'": ("3:8", "expected a comparison"),
    "order.note is order.name is None": ("3:8", "expected a comparison"),
    "'x' == order.note": ("3:8", "expected a path"),
    "order.total > 1 + 1": ("3:22", "expected a path"),
    "order.total > len(order.tags)": ("3:22", "expected a path"),
    "not (order.note == 'x' and order.name == 'y')": ("3:8", "no 'not' around this"),
    "not all(tag == 'x' for tag in order.tags)": ("3:8", "no 'not' around this"),
    "any(order.tags)": ("3:8", "expected a comparison"),
    "any([tag == 'x' for tag in order.tags])": ("3:8", "expected a comparison"),
    "any(tag == 'x' for tag in order.tags if tag)": ("3:11", "for name in list"),
    "any(a == b for a in order.tags for b in order.tags)": ("3:11", "for name in list"),
    "order.note.endswith('a', 'b')": ("3:8", "expected a comparison"),
    "order.note.lower() == 'x'": ("3:8", "expected a path"),
    "order.note in ['a,b']": ("3:23", "without commas"),
    "order.note in [order.name]": ("3:23", "literals"),
    "order.total > 1e999": ("3:22", "out of range"),
    "lambda: order.note": ("3:8", "expected a comparison"),
    "(x := order.note)": ("3:9", "expected a comparison"),
    "__import__('os').system('id')": ("3:8", "expected a comparison"),
    "compare(order.note, order.name)": ("3:28", "text in quotes"),
    "compare(order.note)": ("3:8", "expected a comparison"),
    "environment[order].note == 'x'": ("3:20", "text in quotes"),
    "missing.note == 'x'": ("3:8", "'missing' is not defined"),
}
REFUSED_TEXTS = {
    "": ("1:1", "one decorated function"),
    "x = 1": ("1:1", "one decorated function"),
    "def f():\n    pass": ("1:1", "trigger"),
    "import os\n@order_created\ndef f():\n    pass": ("1:1", "one decorated function"),
    "@order_created\ndef f():\n    pass\nf()": ("4:1", "one decorated function"),
    "@order_created\ndef f():\n    pass\n@order_created\ndef g():\n    pass": (
        "1:1",
        "one decorated function",
    ),
    "@order_created\nasync def f():\n    pass": ("2:1", "one decorated function"),
    "@order_created\nclass A:\n    pass": ("2:1", "one decorated function"),
    "@a.b\ndef f():\n    pass": ("1:2", "first decorator"),
    "@(lambda f: f)\ndef f():\n    pass": ("1:3", "first decorator"),
    "@order_created\n@staticmethod\ndef f():\n    pass": ("2:2", "patched_field"),
    "@order_created\n@patched_field('a')\ndef f():\n    pass": ("2:2", "an owner, a handle"),
    "@order_created\n@patched_field('a', 'b', c(1))\ndef f():\n    pass": ("2:26", "name with arguments"),
    "@order_created\n@patched_field('a', 'b', c(), merchant_configured=1)\ndef f():\n    pass": (
        "2:2",
        "merchant_configured",
    ),
    "@task('shopify::flow::condition', '0.1')\ndef f():\n    pass": ("1:2", "'if'"),
    "@scheduled(every='never', timezone='UTC', starting='2026-01-01')\ndef f():\n    pass": (
        "1:18",
        "every=",
    ),
    "@scheduled(every='day', timezone='UTC', starting='soon')\ndef f():\n    pass": ("1:18", "starting="),
    "@scheduled(every='day', timezone='UTC', starting='2026-01-01', at='25:00')\ndef f():\n    pass": (
        "1:18",
        "at=",
    ),
    "@scheduled(every='day', timezone='UTC', starting='2026-01-01', on=['XX'])\ndef f():\n    pass": (
        "1:18",
        "on=",
    ),
    "@scheduled(every='day', until='x')\ndef f():\n    pass": ("1:18", "no 'until'"),
    "@order_created\ndef f(*order):\n    pass": ("2:1", "plain arguments"),
    "@order_created\ndef f(**order):\n    pass": ("2:1", "plain arguments"),
    "@order_created\ndef f(*, order):\n    pass": ("2:1", "plain arguments"),
    "@order_created\ndef f(order, /):\n    pass": ("2:1", "plain arguments"),
    "@order_created\ndef f(order=print()):\n    pass": ("2:1", "plain arguments"),
    "@order_created\ndef f(order) -> None:\n    pass": ("2:1", "plain arguments"),
    "@order_created\ndef f(order: print()):\n    pass": ("2:1", "plain name"),
    "@order_created\ndef f(order, order):\n    pass": ("2:1", "plain name"),
}
SYNTAX = {
    "@order_created\ndef f(order:\n    pass": "2:",
    "@order_created\ndef f(order):\npass": "3:1",
    "@order_created\ndef f(order):\n    send_email(subject='x)": "3:",
    "@order_created\ndef f(order):\n\tif order.a:\n        pass": "4:",
    "@order_created\ndef f(order):\n    x = '\0'": "3:10",
    "@order_created\ndef f(order):\n    send_email(subject='\ud800')": "3:1",
    "@order_created\ndef f(order):\n    x(a=" + "9" * 5000 + ")": "3:",
    "\ufeff@order_created\ndef f(order):\n    pass": "1:1",
}


def refused(source: str) -> WorkflowRefused:
    with pytest.raises(WorkflowRefused) as found:
        from_python(source)
    return found.value


@pytest.mark.parametrize("body", REFUSED_BODIES)
def test_a_statement_or_value_outside_the_language_is_refused_with_its_place(body: str) -> None:
    place, reason = REFUSED_BODIES[body]
    found = refused(in_function(body))
    assert (found.code, found.path) == ("PYTHON_CONSTRUCT", place)
    assert reason in found.message


@pytest.mark.parametrize("test", REFUSED_TESTS)
def test_a_condition_outside_the_language_is_refused_with_its_place(test: str) -> None:
    place, reason = REFUSED_TESTS[test]
    found = refused(in_function(f"if {test}:\n    pass"))
    assert (found.code, found.path) == ("PYTHON_CONSTRUCT", place)
    assert reason in found.message


@pytest.mark.parametrize("source", REFUSED_TEXTS)
def test_a_text_that_is_not_one_decorated_function_is_refused(source: str) -> None:
    place, reason = REFUSED_TEXTS[source]
    found = refused(source)
    assert (found.code, found.path) == ("PYTHON_CONSTRUCT", place)
    assert reason in found.message


@pytest.mark.parametrize("source", SYNTAX)
def test_a_text_that_is_no_python_is_refused_with_the_line(source: str) -> None:
    found = refused(source)
    assert found.code == "PYTHON_SYNTAX"
    assert found.path.startswith(SYNTAX[source])


def test_a_column_counts_characters_not_bytes() -> None:
    assert refused(in_function('send_email(subject="née", message=order.name)')).path == "3:39"
    assert refused(in_function('send_email(subject="nee", message=order.name)')).path == "3:39"


def test_nothing_of_the_text_is_executed_imported_opened_or_compiled() -> None:
    hostile = [
        *map(in_function, REFUSED_BODIES),
        *(in_function(f"if {test}:\n    pass") for test in REFUSED_TESTS),
        *REFUSED_TEXTS,
        in_function("__import__('os').system('id')"),
        in_function("exec(command='import os')\nopen(path='/etc/passwd')\neval(code='1')"),
        in_function('send_email(subject="""{{ order.name }} __import__(\'os\')""")'),
    ]
    for source in hostile:  # once before, so that lazy imports and caches of our own are over
        inspect(source)
    seen: list[str] = []
    watching = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching and not (event == "compile" and arguments[1] == "<unknown>"):  # ast.parse itself
            seen.append(event)

    sys.addaudithook(hook)
    try:
        for source in hostile:
            inspect(source)
        alone = [event for event in seen if not event.startswith(("object.__", "sys._getframe"))]
        seen.clear()
        Path(__file__).read_bytes()
        assert seen == ["open"]  # the hook does see
    finally:
        watching.clear()  # a hook cannot be removed
    assert alone == []


def test_the_names_of_builtins_are_tasks_like_any_other() -> None:
    workflow = from_python(in_function('exec(command="import os")'))
    assert workflow.steps[1].task_id == "shopify::admin::exec"
    assert workflow.steps[1].fields == (("command", Text("import os")),)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("send_email(subject='single')", 'send_email(subject="single")'),
        ("send_email(subject=5)", 'send_email(subject="5")'),
        ("send_email(\n    subject = 'a' 'b' ,\n)", 'send_email(subject="ab")'),
        ("# why\nsend_email()  # and how", "send_email()"),
        ("pass\nsend_email()", "send_email()"),
        ("send_email(); send_email()", "send_email()\nsend_email()"),
        ("order_ = send_email()", "send_email()"),
        ("add_order_tags(tags=('a', 'b'))", 'add_order_tags(tags=["a", "b"])'),
        ("if order.note == None:\n    pass", "if order.note is None:\n    pass"),
        ("if order.capturable == True:\n    pass", "if order.capturable is True:\n    pass"),
        ("if not order.total > 5:\n    pass", "if order.total <= 5:\n    pass"),
        ("if not not order.note:\n    pass", "if order.note:\n    pass"),
        ("if order.total in (1, 2):\n    pass", 'if order.total in ["1", "2"]:\n    pass'),
        ("if order.note:\n    pass\nelse:\n    pass", "if order.note:\n    pass"),
        ("if order.note:\n    pass\nelse:\n    if order.name:\n        pass", None),
        ("with branch():\n    send_email()", "send_email()"),
        ("def block():\n    send_email()\nblock()", "send_email()"),
        ("for x in order.line_items:\n    pass", "for line_item in order.line_items:\n    pass"),
        ("send_email(task_version='0.1')", "send_email()"),
        ("task('shopify::flow::send_email', '0.1')", "send_email()"),
        ('environment["order"].x\nsend_email()', None),
    ],
)
def test_other_ways_to_write_the_same_are_taken_and_printed_in_one(
    written: str, canonical: str | None
) -> None:
    if canonical is None:
        canonical = "if order.note:\n    pass\nelif order.name:\n    pass"
    if written.startswith("environment"):
        written, canonical = 'x(a_id=environment["order"].b)', "x(a_id=order.b)"
    found = inspect(in_function(written))
    assert found.semantic
    assert found.python == in_function(canonical)
    assert to_python(from_python(found.python)) == found.python
