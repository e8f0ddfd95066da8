"""The child process in which scripts run: a request a line on its input, an answer a line on its output,
behind the seconds of processor time that it took.

Nothing else of ours is imported here, and what a script can reach is JavaScript alone. `ready` is written
once a request may come: what the last script left behind is gone by then.

The binding runs JavaScript in two places that its time limit does not cover: when it turns a thrown object
into a text, and in `json()`. So every result and every error is made a JSON text by the prelude, inside a
call that is limited; and beyond that a timer of the system ends the process.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from contextlib import suppress
from typing import Any, Final

import quickjs

__all__ = ["main"]

_BASE_MEMORY: Final = 2 << 20
"""Bytes that a fresh context, the script and the prelude may need before the script holds anything."""
_MOST_PROCESS: Final = 1 << 30
_STACK: Final = 256 << 10
_MOST_JOBS: Final = 100
"""Jobs that lead from the import of a module to its default export; ten are enough."""
_GRACE_SECONDS: Final = 0.5

_PRELUDE: Final = r"""
(() => {
  const hidden = ["Promise", "queueMicrotask", "performance", "Atomics", "SharedArrayBuffer", "WeakRef",
                  "FinalizationRegistry", "navigator", "print"];
  for (const name of hidden) delete globalThis[name];
  const silent = () => undefined;
  globalThis.console = {log: silent, info: silent, warn: silent, error: silent, debug: silent, trace: silent};

  const RealDate = Date, moment = NOW;
  function FixedDate(...given) {
    if (!new.target) return new RealDate(moment).toString();
    return Reflect.construct(RealDate, given.length ? given : [moment], new.target);
  }
  Object.defineProperty(FixedDate, "name", {value: "Date"});
  FixedDate.prototype = RealDate.prototype;
  RealDate.prototype.constructor = FixedDate;
  FixedDate.now = () => moment;
  FixedDate.parse = RealDate.parse;
  FixedDate.UTC = RealDate.UTC;
  globalThis.Date = FixedDate;

  let drawn = 0x9e3779b9;
  Math.random = () => {  // mulberry32
    drawn = (drawn + 0x6d2b79f5) | 0;
    let mixed = Math.imul(drawn ^ (drawn >>> 15), 1 | drawn);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };

  const stringify = JSON.stringify, parse = JSON.parse;
  const told = (code, message) => stringify({code, message});
  const line = (error) => {
    const found = /<input>:(\d+)/.exec(String(error.stack).split("at checked")[0]);
    return found ? `line ${found[1]}: ` : "";
  };
  const limits = [["CODE_STACK", /call stack|stack overflow/i], ["CODE_MEMORY", /out of memory/],
                  ["CODE_TIME", /InternalError: interrupted/]];
  const described = (error, broken = "CODE_ERROR") => {
    let said;
    try {
      const isError = error !== null && typeof error === "object" && "message" in error;
      said = isError ? `${line(error)}${error.name}: ${error.message}` : `thrown: ${String(error)}`;
    } catch (_) {
      said = "thrown: something that has no text";
    }
    said = said.slice(0, 500);
    for (const [code, words] of limits) if (words.test(said)) return told(code, said);
    return told(broken, said);
  };
  const checked = (result) => {
    let values = 0;
    const wrong = (key, what) => {
      throw {name: "Result", message: `main returns ${what}${key === "" ? "" : ` at ${key}`}`};
    };
    const look = (key, found) => {
      if (++values > 100000) wrong("", "more than 100000 values");
      if (typeof found === "number" && !Number.isFinite(found)) wrong(key, String(found));
      if (typeof found === "function" || typeof found === "symbol") wrong(key, `a ${typeof found}`);
      if (typeof found === "bigint") wrong(key, "a BigInt");
      return found;
    };
    if (result === undefined) wrong("", "nothing");
    return stringify(result, look);
  };
  const state = {};
  const run = (given, most) => {
    if ("failed" in state) return described(state.failed);
    if (!("main" in state)) {
      return told("CODE_ASYNC", "the script waits for something; Flow runs nothing asynchronous");
    }
    if (typeof state.main !== "function") {
      return told("CODE_MAIN", "there is no export default function main(input) { ... }");
    }
    let result;
    try {
      const main = state.main;
      result = main(parse(given));
      if (result !== null && typeof result === "object" && typeof result.then === "function") {
        return told("CODE_ASYNC", "main returns a promise; Flow runs nothing asynchronous");
      }
    } catch (error) {
      return described(error);
    }
    try {
      const value = checked(result);
      if (value === undefined) return told("CODE_RESULT", "main returns nothing");
      if (value.length > most) {
        return told("CODE_RESULT", `the result has ${value.length} characters, the limit is ${most}`);
      }
      return stringify({value});
    } catch (error) {
      return described(error, "CODE_RESULT");
    }
  };
  const fixed = {writable: false, configurable: false, enumerable: false};
  Object.defineProperty(globalThis, "$state", {...fixed, value: state});
  Object.defineProperty(globalThis, "$run", {...fixed, value: run});
})();
"""
_IMPORT: Final = """
import("<input>").then(
  (module) => { $state.main = module.default; }, (error) => { $state.failed = error; }
); 0
"""


def main() -> None:
    """Answer requests until the input ends."""
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, _MOST_PROCESS)):
        with suppress(OSError, ValueError):  # a second net, which not every system has
            resource.setrlimit(kind, (most, most))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person's interrupt is the parent's to handle
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    say("ready")
    for line in sys.stdin:
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, request["seconds"] + _GRACE_SECONDS)
        start = time.process_time()
        found = answer(request)
        say(f"{time.process_time() - start:.6f} {found}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        say("ready")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer(request: dict[str, Any]) -> str:
    """The answer to one request, as a JSON text without line ends."""
    until = time.process_time() + request["seconds"]
    context = quickjs.Context()
    context.set_max_stack_size(_STACK)

    def limited(call: Any, text: str) -> Any:
        context.set_time_limit(max(0.0, until - time.process_time()))
        return call(text)

    try:
        limited(context.eval, _PRELUDE.replace("NOW", str(request["now"]), 1))
        context.set_memory_limit(_BASE_MEMORY + request["memory"])
        try:
            limited(context.module, request["script"])
        except quickjs.JSException as error:
            return refused(error, "CODE_SYNTAX")
        limited(context.eval, _IMPORT)
        for _ in range(_MOST_JOBS):
            context.set_time_limit(max(0.0, until - time.process_time()))
            if not context.execute_pending_job():
                break
        said = limited(context.eval, f"$run({json.dumps(request['value'])}, {request['text']})")
    except quickjs.JSException as error:
        return refused(error, "CODE_ERROR")
    except ValueError as error:  # a script with a NUL or half a character
        return told("CODE_SYNTAX", str(error))
    if not isinstance(said, str):
        return told("CODE_MEMORY", "no memory is left for the result")
    return said


def refused(error: quickjs.JSException, code: str) -> str:
    """What went wrong outside of the prelude's reach: in the syntax, or at a limit."""
    said = str(error)
    message, _, stack = said.partition("\n")
    if "interrupted" in message:
        return told("CODE_TIME", "the script did not end in time")
    if "out of memory" in message or message in ("null", "undefined"):
        return told("CODE_MEMORY", "the script holds too much")
    if "call stack" in message or "stack overflow" in message:
        return told("CODE_STACK", message)
    place = stack.partition("<input>:")[2].partition(":")[0]
    return told(code, f"line {place}: {message[:500]}" if place.isdigit() else message[:500])


def told(code: str, message: str) -> str:
    return json.dumps({"code": code, "message": message})


if __name__ == "__main__":
    main()
