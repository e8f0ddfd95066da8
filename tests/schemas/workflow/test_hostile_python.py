"""Python that means harm: refused at once, in little memory and on a small stack, and never executed.

All of it is read in one process of its own, on a thread with the smallest default stack of any platform that
matters; its peak of memory is the law. Seconds are generous: they only tell a blow-up from a busy machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import WorkflowRefused
from schemas.workflow import from_python

STACK_BYTES = 512 << 10
PEAK_MEBIBYTES = 200
CPU_SECONDS = 120

READER = """
import json, resource, sys, threading
resource.setrlimit(resource.RLIMIT_CPU, ({cpu}, {cpu}))
from schemas.errors import WorkflowRefused
from schemas.workflow import from_python
told = {{}}
def work():
    for name, source in json.load(sys.stdin).items():
        try:
            from_python(source)
            told[name] = ""
        except WorkflowRefused as refusal:
            told[name] = f"{{refusal.code}} {{refusal.path}}"
threading.stack_size({stack})
thread = threading.Thread(target=work)
thread.start()
thread.join()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 if sys.platform == "darwin" else 1024)
if sys.platform == "linux":  # there getrusage tells of the process that started this one too
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    peak = int(status["VmHWM"].split()[0]) // 1024
print(json.dumps([peak, told]))
"""

MANY = 100_000
SIZE, DEPTH, WORD, SYNTAX = "PYTHON_TOO_LARGE", "PYTHON_NESTING_LIMIT", "PYTHON_CONSTRUCT", "PYTHON_SYNTAX"


def body(text: str) -> str:
    return f"@order_created\ndef f(order):\n    {text}\n"


def value(text: str) -> str:
    return body(f"send_email(subject={text})")


# name: (text, what it is refused by, "" for text that is sound)
HOSTILE: dict[str, tuple[str, str]] = {
    "ten megabytes": (value(f"'{'x' * 10_000_000}'"), SIZE),
    "a million lines": ("\n" * 1_000_000, SIZE),
    "comments": ("#\n" * 500_000, SIZE),
    "round brackets": (value("(" * MANY + "1" + ")" * MANY), DEPTH),
    "square brackets": (value("[" * MANY), DEPTH),
    "as many brackets as Python takes": (value("(" * 190 + "lambda: 1" + ")" * 190), WORD),
    "signs": (value("-" * MANY + "1"), DEPTH),
    "signs over lines": (value("(" + "-\n" * MANY + "1)"), DEPTH),
    "signs over continued lines": (value("-\\\n" * MANY + "1"), DEPTH),
    "not": (body(f"if {'not ' * MANY}order.a:\n        pass"), DEPTH),
    "powers": (value("1" + "**1" * MANY), DEPTH),
    "attributes": (value("order" + ".a" * MANY), DEPTH),
    "subscripts": (value("order" + "['a']" * MANY), DEPTH),
    "calls of calls": (value("order" + "()" * MANY), DEPTH),
    "sums": (value("+".join("1" * MANY)), DEPTH),
    "sums of texts": (value("+".join(["'a'"] * MANY)), DEPTH),
    "comparisons": (body(f"if {'<'.join('a' * MANY)}:\n        pass"), DEPTH),
    "texts side by side": (value("'a' " * MANY), SIZE),
    "either or": (value("1 if 1 else " * 50_000 + "1"), DEPTH),
    "either or, joined": (value("1 if 1 and 1 else " * 40_000 + "1"), DEPTH),
    "elif": (body("if a:\n        pass\n" + "    elif a:\n        pass\n" * 20_000), SIZE),
    "fewer elif": (body("if a:\n        pass\n" + "    elif a:\n        pass\n" * 5_000), DEPTH),
    "blocks in blocks": ("@a\ndef f():\n" + "".join(" " * n + "if a:\n" for n in range(1, 900)), DEPTH),
    "loops in loops": ("@a\ndef f():\n" + "".join(" " * n + "for a in b:\n" for n in range(1, 900)), DEPTH),
    "a list of numbers": (value(f"[{'1,' * 500_000}]"), SIZE),
    "a list of lists": (value(f"[{'[],' * 300_000}]"), SIZE),
    "statements": (body("a;" * 500_000), SIZE),
    "calls": (body("a();" * 200_000), SIZE),
    "definitions": (
        body("pass\n" + "".join(f"    def b{n}(): pass\n" for n in range(9_000))),
        "MAX_STEPS_EXCEEDED",
    ),
    "blocks that call two": (
        body(
            "".join(f"def b{n}():\n        b{n + 1}()\n        b{n + 1}()\n    " for n in range(300))
            + "def b300():\n        a()\n    b0()"
        ),
        "WORKFLOW_STRUCTURE_INVALID",
    ),
    "arguments": (f"@a\ndef f({','.join(f'a{n}' for n in range(40_000))}):\n    pass\n", WORD),
    "fields": (body(f"a({','.join(f'a{n}=1' for n in range(80_000))})"), SIZE),
    "stars": (body(f"a({'*b,' * MANY})"), SIZE),
    "decorators": ("@order_created\n" + "@a\n" * 200_000 + "def f():\n    pass\n", SIZE),
    "decorators that call": ("@order_created" + "()" * MANY + "\ndef f():\n    pass\n", DEPTH),
    "comprehension bomb": (value(f"[a {'for a in b ' * 80_000}]"), DEPTH),
    "comprehensions in comprehensions": (value("[x for x in " * 190 + "y" + "]" * 190), WORD),
    "a lambda": (value("lambda: " * MANY + "1"), WORD),
    "lambdas with commas": (value("lambda a,b: " * 50_000 + "1"), WORD),
    "an f-string": (value("f'" + "{a}" * MANY + "'"), WORD),
    "an f-string in a format": (value("f'{a:" + "{a}" * MANY + "}'"), WORD),
    "a walrus": (value("(a := " * 150 + "1" + ")" * 150), WORD),
    "a huge number": (body(f"a(b={'9' * 900_000})"), SYNTAX),
    "a huge hexadecimal number": (body(f"a(b=0x{'9' * 900_000})"), WORD),
    "a huge fraction": (body(f"a(b={'9' * 900_000}.5)"), WORD),
    "a huge exponent": (body("a(b=1e999999999)"), WORD),
    "an open text": (body("a(b='" + "x" * 900_000), SYNTAX),
    "an open long text": (body("a(b='''" + "\n" * 900_000), SYNTAX),
    "a text that only escapes": (body("a(b='" + "\\N{BULLET}" * 80_000 + "')"), ""),
    "an escape that nobody knows": (body("a(b='\\N{NOPE}')"), SYNTAX),
    "half a character": (body("a(b='\\ud800')"), WORD),
    "a null byte": (body("a(b='\0')"), SYNTAX),
    "a byte order mark": ("\ufeff" + body("pass"), SYNTAX),
    "another encoding": ("# -*- coding: utf-7 -*-\n" + body("pass"), ""),
    "an encoding that nobody knows": ("# -*- coding: nope -*-\n" + body("pass"), ""),
    "form feeds": ("\f" + body("a(\f)"), ""),
    "tabs among spaces": ("@a\ndef f():\n\tpass\n        pass\n", SYNTAX),
    "type comments": (body("a() # type: ignore[\n" + "    a() # type: (\n" * 20_000), SIZE),
    "targets": (body("a=" * MANY + "b()"), SIZE),
    "context managers": (body(f"with {','.join(['branch()'] * 80_000)}:\n        pass"), SIZE),
    "patterns": (body(f"match a:\n        case {'|'.join('1' * MANY)}:\n            pass"), DEPTH),
    "at signs": ("@" * MANY, DEPTH),
    "a long name": (body("a" * 900_000 + "()"), ""),
}


@pytest.fixture(scope="module")
def outcome() -> tuple[int, dict[str, str]]:
    """Peak of memory in MiB, and what each text was refused by."""
    ran = subprocess.run(
        [sys.executable, "-c", READER.format(cpu=CPU_SECONDS, stack=STACK_BYTES)],
        input=json.dumps({name: text for name, (text, _) in HOSTILE.items()}),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    peak, told = json.loads(ran.stdout)
    return peak, told


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_refused_by_name(name: str, outcome: tuple[int, dict[str, str]]) -> None:
    code, _, place = outcome[1][name].partition(" ")
    assert code == HOSTILE[name][1]
    assert bool(place) == (code != "" and name != "ten megabytes")


def test_all_of_it_together_takes_little_memory(outcome: tuple[int, dict[str, str]]) -> None:
    assert 20 < outcome[0] < PEAK_MEBIBYTES


@pytest.mark.parametrize(
    "call",
    ["__import__('os').system('touch PLANTED')", "open('PLANTED', 'w')", 'exec(\'open("PLANTED", "w")\')'],
)
@pytest.mark.parametrize(
    "source",
    [
        "@({call})\ndef f(order):\n    pass\n",
        "@order_created\ndef f(order=({call})):\n    pass\n",
        "@order_created\ndef f(order: ({call})):\n    pass\n",
        "@order_created\ndef f(order):\n    {call}\n",
        "@order_created\ndef f(order):\n    send_email(subject={call})\n",
        "@order_created\ndef f(order):\n    if {call}:\n        pass\n",
        "@order_created\ndef f(order):\n    for x in {call}:\n        pass\n",
        "{call}\n@order_created\ndef f(order):\n    pass\n",
    ],
)
def test_nothing_is_executed(source: str, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkflowRefused):
        from_python(source.format(call=call))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("send_email(subject='x)", "three quotes"),
        ("send_email(subject='x'", "close it"),
        ("send_email(subject='''x", "three quotes"),
        ("send_email(subject=f'{order.name}')", "{{ order.name }}"),
        ("send_email(subject='\\N{NOPE}')", "the character itself"),
        ("if order.note:", "indent it by four spaces"),
        ("send_email(a=1, a=2)", "each field once"),
        ("send_email(a=1, 2)", "field=value"),
        (f"a(b={'9' * 5000})", "text in quotes"),
        ("capture_payment order", "one decorated function"),
        ("any(x for x in order.tags)", "short name"),
    ],
)
def test_a_refusal_says_what_to_write_instead(text: str, fix: str) -> None:
    with pytest.raises(WorkflowRefused) as refused:
        from_python(body(text))
    assert fix in refused.value.message
    assert refused.value.path.startswith(("3:", "4:"))


def test_the_limits_leave_room_for_the_largest_workflows() -> None:
    steps = "".join(
        f"    send_email(address='a', subject='{n}', message='if else ( -')\n" for n in range(990)
    )
    terms = " and ".join(f"order.a.b.c == {n}" for n in range(2_000))
    source = f"@order_created\ndef f(order):\n    if {terms}:\n        pass\n{steps}"
    for line_end in ("\n", "\r\n", "\r"):
        assert len(from_python(source.replace("\n", line_end)).steps) == 992
