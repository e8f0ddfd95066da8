"""A workflow put together step by step: each call adds a step after a port and gives the ports behind it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.generator.code import Program
from pipelines.generator.draw import Draw
from pipelines.generator.pieces import Compare, Condition, Patched, Port, Reference, Sketch, Step, Value
from pipelines.generator.questions import ask_about, group
from schemas.catalog import tasks

__all__ = ["ADMIN", "CONNECTED", "FLOW", "Build", "Intent"]

ADMIN = "shopify::admin::"
FLOW = "shopify::flow::"

CONNECTED: Mapping[str, str] = {
    "sheets": "b99ddae5-9dbe-4829-bbce-5d6200aa1216",
    "slack": "4d2c9a6e-1f0b-4c5e-9a77-2b8f3c1d0e01",
    "klaviyo": "8b0f7c12-6d3e-4a19-8f5c-91e2a4b6c702",
    "gorgias": "c1e5d8a3-72b4-4f6d-b0a9-5e8f1d2c3b03",
    "trello": "0f9e8d7c-6b5a-4493-8271-60514f3e2d04",
    "asana": "e7a1b2c3-d4e5-4f60-9718-293a4b5c6d05",
    "mail": "5a6b7c8d-9e0f-4a1b-8c2d-3e4f5a6b7c06",
    "loyalty": "93d1f0e2-58c7-4b6a-a9d8-7c6b5a493807",
    "recharge": "2e3f4a5b-6c7d-4e8f-9a0b-1c2d3e4f5a08",
}
"""Apps' tasks stand under bare UUIDs. Only the one of Google Sheets was seen; the others are made up."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Something that merchants want, with the triggers it starts from."""

    name: str
    root: str
    """The object it works on: intents of one root can be put into one workflow."""
    triggers: tuple[str, ...]
    body: Callable[[Build, Port], None]


class Build:
    """A sketch in the making."""

    def __init__(self, draw: Draw, intent: str, name: str) -> None:
        self.draw = draw
        self.sketch = Sketch(intent, name)
        self.outputs: Counter[str] = Counter()
        self.ends: list[Port] = []
        """Ports behind which nothing stands yet."""

    def add(self, at: Port | None, task: str, fields: Mapping[str, Value], version: str = "") -> int:
        """Add a step behind a port (or unconnected); gives its place."""
        kind, newest, name = _task(task)
        place = len(self.sketch.steps)
        if name:
            number = self.outputs[name]
            self.outputs[name] += 1
            name = f"{name} ({number})" if number else name
        self.sketch.steps.append(Step(task, kind, version or newest, fields, name))
        if at:
            self.sketch.links.append((at[0], at[1], place))
            if at in self.ends:
                self.ends.remove(at)
        return place

    def start(self, task: str, **fields: Value) -> Port:
        """The trigger."""
        port = (self.add(None, task, fields), "output")
        self.ends.append(port)
        return port

    def act(self, at: Port, task: str, /, **fields: Value) -> Port:
        """An action; gives its output port."""
        port = (self.add(at, task, fields), "output")
        self.ends.append(port)
        return port

    def metafield(
        self, at: Port, on: str, field: str, path: str, key: tuple[str, str, str], value: str
    ) -> Port:
        """Write a metafield: an older version of the order's task has a field for each part of the key."""
        namespace, name, kind = key
        if on == "order" and self.draw.chance(0.2):
            fields: dict[str, Value] = {
                "order_id": Reference(path),
                "namespace": namespace,
                "key": name,
                "value": value,
                "value_type": kind,
            }
            place = self.add(at, f"{ADMIN}add_order_metafield", fields, "0.1")
        else:
            packed = {"namespace": namespace, "key": name, "type": kind}
            fields = {field: Reference(path), "metafield": packed, "value": value}
            place = self.add(at, f"{ADMIN}add_{on}_metafield", fields, "1.0")
        self.ends.append((place, "output"))
        return place, "output"

    def ask(self, at: Port, condition: Condition) -> tuple[Port, Port]:
        """A condition; gives its true and its false port."""
        place = self.add(at, f"{FLOW}condition", {"condition": condition})
        yes, no = (place, "true"), (place, "false")
        self.ends += [yes, no]
        return yes, no

    def ask_more(self, at: Port, first: Condition, root: str, path: str = "") -> tuple[Port, Port]:
        """A condition to which this merchant may have added questions of their own."""
        num_more = self.draw.weighted((0, 1, 2, 3), (0.72, 0.90, 0.97, 1.0))
        if not num_more:
            return self.ask(at, first)
        more = [ask_about(root, path or root, self.draw) for _ in range(num_more)]
        return self.ask(at, group(first, more, self.draw))

    def each(self, at: Port, path: str) -> tuple[Port, Port, str]:
        """A loop; gives its loop_body port, its after port and the name of the item."""
        place = self.add(at, f"{FLOW}foreach", {"listpath": path})
        root, _, rest = path.partition(".")
        item = f"{path.rpartition('.')[2]}Foreachitem"
        source = self.sketch.items.get(root)
        self.sketch.items[item] = f"{source}.{rest}" if source else path
        body, after = (place, "loop_body"), (place, "after")
        self.ends += [body, after]
        return body, after, item

    def output(self, at: Port, task: str, /, **fields: Value) -> tuple[Port, str]:
        """A step whose output is used later; gives the port and the output's name (`getOrderData1`)."""
        place = self.add(at, task, fields)
        kind = tasks.output_name(task) or ""
        number = self.outputs[kind]
        self.outputs[kind] += 1
        self.ends.append((place, "output"))
        return (place, "output"), f"{kind}{number or ''}"

    def fetch(self, at: Port, what: str, query: str) -> tuple[Port, str]:
        """Get data of up to 100 orders, products, customers, ..."""
        key = self.draw.popular(
            ("CREATED_AT", "UPDATED_AT", "ID", "TITLE" if what == "products" else "CREATED_AT")
        )
        return self.output(
            at,
            f"{FLOW}fetch::{what}",
            sort_by={"sortKey": key, "order": "DESCENDING" if self.draw.chance(0.3) else "ASCENDING"},
            max_root_records=self.draw.popular(("100", "10", "50", "25", "1")),
            query=query,
        )

    def run(self, at: Port, program: Program, number: str, word: str) -> tuple[Port, str]:
        """Run code with the merchant's own settings."""
        script = program.script.replace("@NUMBER@", number).replace("@WORD@", word)
        return self.output(
            at, f"{FLOW}run_code", input=program.input, script=script, output_schema=program.output_schema
        )

    def ask_result(self, at: Port, output: str, program: Program) -> tuple[Port, Port]:
        """A condition on what the code gave back."""
        field, operator, literal = program.result
        return self.ask(at, Compare(f"{output}.{field}", operator, literal, value_type=program.value_type))

    def patch(self, handle: str, on: str, namespace: str = "custom", key: str = "") -> str:
        """Add a metafield to the environment; gives the handle under which paths read it."""
        arguments = {"key": key or _snake(handle), "namespace": namespace}
        if not any(patch.handle == handle and patch.on == on for patch in self.sketch.patched):
            self.sketch.patched.append(Patched(handle, "metafield", on, arguments))
        return handle


@functools.cache
def _task(task: str) -> tuple[str, str, str | None]:
    known = tasks.TASKS.get(task)
    return known.kind if known else "ACTION", tasks.default_version(task), tasks.default_step_name(task)


def _snake(handle: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in handle)
