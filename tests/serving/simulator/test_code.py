"""Run code's scripts: what they may be, what they give, and that none of them ends the run."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.simulator import code
from serving.simulator.code import run_code
from serving.simulator.trace import Limits, SimulationError

LIMITS = Limits(seconds=0.3)


def result(script: str, value: object = None) -> object:
    return run_code(script, value, limits=LIMITS)


def body(lines: str, value: object = None) -> object:
    return result(f"export default function main(input) {{\n{lines}\n}}", value)


def refusal(script: str, limits: Limits = LIMITS) -> tuple[str, str]:
    with pytest.raises(SimulationError) as caught:
        run_code(script, {"a": 1}, limits=limits)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    "script",
    [
        "export default function main(input) { return input.n + 1 }",
        "export default function (input) { return input.n + 1 }",
        "export default (input) => input.n + 1",
        "const main = (input) => input.n + 1;\nexport default main;",
        "const f = input => input.n + 1; export { f as default };",
        "// a remark\nconst one = 1;\nexport default function main({n}) { return n + one } // the end",
    ],
)
def test_every_spelling_of_a_default_export_is_run(script: str) -> None:
    assert result(script, {"n": 4}) == 5


def test_values_go_in_and_out_as_json() -> None:
    value = {"order": {"tags": ["VIP", "ü\u2028"], "total": "500.00", "n": 2.5, "nil": None, "ok": True}}
    assert body("return input", value) == value
    assert body("return {a: undefined, b: null, c: [undefined], d: new Date(0)}") == {
        "b": None,
        "c": [None],
        "d": "1970-01-01T00:00:00.000Z",
    }
    assert body("return input.order.tags.map(tag => tag.toLowerCase()).join()", value) == "vip,ü\u2028"


def test_a_script_of_shopifys_examples_runs() -> None:
    lines = (
        "const hasGift = input.order.lineItems.some(item => item.title.includes('Gift'));\n"
        "return { hasGiftItem: hasGift, itemCount: input.order.lineItems.length };"
    )
    value = {"order": {"note": None, "lineItems": [{"title": "Gift Card", "quantity": 1}]}}
    assert body(lines, value) == {"hasGiftItem": True, "itemCount": 1}


def test_the_clock_is_the_events_and_chance_is_the_same_every_time() -> None:
    script = "export default () => [new Date().toISOString(), Date.now(), new Date(2020, 0, 1).toISOString()]"
    moment = datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC)
    clock = run_code(script, None, limits=LIMITS, now=moment)
    assert clock == ["2027-03-04T05:06:07.000Z", int(moment.timestamp()) * 1000, "2020-01-01T00:00:00.000Z"]
    drawn = "export default () => [Math.random(), Math.random()]"
    first = result(drawn)
    assert isinstance(first, list)
    assert first[0] != first[1]
    assert result(drawn) == first


def test_nothing_of_the_machine_is_there() -> None:
    names = ["Promise", "std", "os", "process", "require", "fetch", "performance", "setTimeout", "print"]
    assert body(f"return {names}.filter(name => typeof globalThis[name] !== 'undefined')") == []
    found, message = refusal("import fs from 'fs'; export default () => 1")
    assert (found, "could not load module" in message) == ("CODE_SYNTAX", True)
    assert body("console.log('x'); console.error(input); return 1") == 1


def test_a_script_leaves_nothing_behind() -> None:
    assert body("globalThis.kept = 1; Array.prototype.map = null; return 1") == 1
    assert body("return [typeof kept, [1].map(x => x + 1)[0]]") == ["undefined", 2]


@pytest.mark.parametrize(
    ("script", "expected", "said"),
    [
        ("\n\nsyntax error", "CODE_SYNTAX", "line 3: SyntaxError"),
        ("export default () => `", "CODE_SYNTAX", "line 1: SyntaxError"),
        ("\0", "CODE_SYNTAX", "null character"),
        ("let x = 1", "CODE_MAIN", "there is no export default"),
        ("export default 5", "CODE_MAIN", "there is no export default"),
        ("throw new Error('at once')\nexport default () => 1", "CODE_ERROR", "line 1: Error: at once"),
        (
            "export default (i) => {\n return i.b.c }",
            "CODE_ERROR",
            "line 2: TypeError: cannot read property 'c'",
        ),
        (
            "export default () => {\n\n throw new RangeError('too far') }",
            "CODE_ERROR",
            "line 3: RangeError: too far",
        ),
        ("export default () => { throw 'a text' }", "CODE_ERROR", "thrown: a text"),
        ("export default () => { throw undefined }", "CODE_ERROR", "thrown: undefined"),
        ("export default async () => 1", "CODE_ASYNC", "main returns a promise"),
        (
            "await new Object(); export default () => new Promise(() => 1)",
            "CODE_ERROR",
            "Promise is not defined",
        ),
        ("export default () => 1; for (;;) await 0", "CODE_ASYNC", "waits for something"),
        ("export default () => {}", "CODE_RESULT", "main returns nothing"),
        ("export default () => () => 1", "CODE_RESULT", "main returns a function"),
        ("export default () => ({a: {b: 0 / 0}})", "CODE_RESULT", "main returns NaN at b"),
        ("export default () => [10n]", "CODE_RESULT", "main returns a BigInt at 0"),
        ("export default () => Symbol('a')", "CODE_RESULT", "main returns a symbol"),
        ("export default () => { const a = {}; a.a = a; return a }", "CODE_RESULT", "circular"),
        (
            "export default () => Array.from({length: 200000}, () => 1)",
            "CODE_RESULT",
            "more than 100000 values",
        ),
        ("export default () => 'x'.repeat(2e6)", "CODE_RESULT", "characters, the limit is 1048576"),
        ("export default () => 'a\\ud800'", "CODE_RESULT", "surrogates"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(script: str, expected: str, said: str) -> None:
    found, message = refusal(script)
    assert (found, said in message) == (expected, True), message


HOSTILE = {
    "while (true) {}": "CODE_TIME",
    "for (const a = [];;) a.push(1)": "CODE_MEMORY",
    "let s = 'aa'; const a = []; for (;;) a.push(s += s)": "CODE_MEMORY CODE_ERROR",
    "const o = {}; for (let i = 0; i < 1e6; i++) o['k' + i] = i; return o": "CODE_MEMORY CODE_TIME",
    "return main(input)": "CODE_STACK",
    "return 'a'.repeat(2 ** 29)": "CODE_MEMORY",
    "return /^(a+)+$/.test('a'.repeat(40) + 'b')": "CODE_TIME",
    "return new Array(2 ** 32 - 1).reverse()": "CODE_TIME",  # never asks whether to stop: ends the child
    "return String.raw({raw: {length: 2 ** 53 - 1}})": "CODE_TIME",
    "return JSON.parse('['.repeat(100000))": "CODE_STACK",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a": "CODE_STACK",
    "throw {toString() { for (;;); }}": "CODE_TIME",
    "throw Object.defineProperty(new Error('x'), 'stack', {get() { for (;;); }})": "CODE_TIME",
    "return {toJSON() { for (;;); }}": "CODE_TIME",
    "InternalError.prototype.toString = () => { for (;;); }; for (;;);": "CODE_TIME",
    "try { for (;;); } finally { for (;;); }": "CODE_TIME",
    "return new Proxy({}, {ownKeys() { for (;;); }})": "CODE_TIME",
    "return new Uint8Array(2 ** 40)": "CODE_ERROR",
    "Object.prototype.toJSON = () => 5; return {}": "CODE_RESULT",
    "Object.prototype.toJSON = () => undefined; return {}": "CODE_RESULT CODE_MEMORY",
}


@pytest.mark.parametrize("lines", HOSTILE)
def test_a_hostile_script_is_an_error_and_the_next_one_runs(lines: str) -> None:
    found, message = refusal(f"export default function main(input) {{ {lines} }}")
    assert found in HOSTILE[lines].split()
    assert len(message) < 600
    assert body("return 7") == 7


def test_what_a_script_does_to_the_language_spoils_its_own_result_only() -> None:
    assert body("JSON.stringify = () => 'x'; String.prototype.slice = null; return 1") == 1
    assert refusal("export default () => { $run = 1 }")[0] == "CODE_ERROR"


def test_memory_is_the_callers_to_give() -> None:
    script = "export default () => Array.from({length: 300000}, (_, i) => 'text ' + i).length"
    assert run_code(script, None, limits=Limits(seconds=20, memory=64 << 20)) == 300_000
    assert refusal(script, Limits(seconds=20, memory=4 << 20))[0] == "CODE_MEMORY"


def test_an_input_that_is_no_json_or_too_large_is_an_error() -> None:
    for value in (float("nan"), {"a": object()}, "x" * (40 << 20)):
        with pytest.raises(SimulationError):
            run_code("export default (input) => input.length", value, limits=LIMITS)


def test_threads_take_turns() -> None:
    found: list[object] = []

    def ask(number: int) -> None:
        found.append(result("export default (n) => n * 10", number))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == [0, 10, 20, 30, 40, 50, 60, 70]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of Python 3.12 and later, with threads
def test_a_forked_process_has_an_engine_of_its_own() -> None:
    assert body("return 1") == 1
    with code._CHILD.lock:  # as if another thread were asking
        forked = os.fork()
        if forked == 0:
            signal.alarm(30)
            os._exit(0 if body("return 2") == 2 else 1)
        assert os.waitpid(forked, 0)[1] == 0
    assert body("return 3") == 3


PIECES = (
    *(
        "export default ",
        "function main(input) {",
        "}",
        "(",
        ")",
        "=>",
        "return ",
        "input",
        ".",
        "[",
        "]",
        "{",
    ),
    *(
        "throw ",
        "new ",
        "Error",
        "async ",
        "await ",
        "yield",
        "1",
        "'a'",
        "`",
        "/",
        "*",
        "\n",
        ";",
        ",",
        "=",
        ":",
    ),
    *(
        "JSON",
        "$run",
        "$state",
        "globalThis",
        "class A",
        "import('x')",
        "import.meta",
        "null",
        "undefined",
        "1n",
    ),
    *("Symbol.iterator", "...", "?.", "Object.prototype", "delete ", "typeof ", "this", "toString", "then"),
)


@given(script=st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=16).map(" ".join)))
@settings(max_examples=150, deadline=None)
def test_any_script_gives_json_or_one_kind_of_error(script: str) -> None:
    try:
        result(f"export default (input) => {script}", {"a": [1]})
    except SimulationError as error:
        found = error.code
    else:
        found = "CODE_RAN"
    assert found.startswith("CODE_")
    assert found != "CODE_CRASH"


@pytest.mark.parametrize("path", [None, ""])
def test_no_python_of_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | None
) -> None:
    for name in ("json", "quickjs", "encodings", "sitecustomize", "serving"):
        (tmp_path / f"{name}.py").write_text("open('was_run', 'w')\nraise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    if path is not None:  # as in a `python -c`
        monkeypatch.syspath_prepend(path)
    with code._CHILD.lock:
        code._CHILD.stop()
    assert body("return 1") == 1
    assert not (tmp_path / "was_run").exists()
