"""What can differ between production and today's contract, and how each difference is named.

    for found in contract_differences(recorded, CONTRACT):
        print(found)    # tools.task_search.response.task: extra field score

A name is the place in the contract, as `schemas.tools.diff` spells it; kind and detail say what is otherwise
in production. The same difference has one name, whether a contract's text or an answer shows it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from schemas.tools import Contract, Tool, canonical_json, diff

__all__ = [
    "Difference",
    "argument_names",
    "contract_differences",
    "fields_differ",
    "is_newer",
    "renamed",
    "shown",
    "today_name",
    "unknown_contract",
]

_VERSION_NUMBER: Final = re.compile(r"(\d+)$")


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing that production does otherwise."""

    name: str
    """The place: `tools.task_search.response.task`."""
    kind: str
    """What is otherwise: `extra field`."""
    detail: str = ""
    """Which, where the place does not say it: `score`."""

    def __str__(self) -> str:
        return f"{self.name}: {self.kind} {self.detail}".rstrip()


def unknown_contract(fingerprint: str) -> Difference:
    """Nobody has the text of the contract that production ran: what the model was told cannot be compared."""
    return Difference("contract", "unknown", fingerprint[:12])


def contract_differences(recorded: Contract, today: Contract) -> list[Difference]:
    """Everything that differs between what production told the model and `today`; empty for equal ones."""
    found = [
        renamed(name, tool.name)
        for tool in recorded.tools
        if (name := today_name(tool.name, today)) not in (None, tool.name)
    ]
    same = _under_todays_names(recorded, today)
    for name in diff(same, today):
        found += _named(name, same, today)
    return found


def today_name(name: str, today: Contract) -> str | None:
    """The tool that a recorded name means; None where `today` has none.

    `flow_app_agent_task_search` and `task_search` are one tool: one name is the other after a prefix.
    """
    if today.tool(name) is not None:
        return name
    meant = [
        tool.name
        for tool in today.tools
        if name.endswith(f"_{tool.name}") or (name and tool.name.endswith(f"_{name}"))
    ]
    return max(meant, key=len, default=None)


def renamed(name: str, recorded: str) -> Difference:
    """The tool `name` of today is called `recorded` in production."""
    if recorded.endswith(name):
        return Difference(f"tools.{name}", "prefix", recorded.removesuffix(name))
    return Difference(f"tools.{name}", "lacks the prefix", name.removesuffix(recorded))


def argument_names(recorded: Tool, today: Tool) -> Mapping[str, str]:
    """Arguments that only changed their name: recorded name -> today's.

    They are recognised where each side lacks one of the other's and the two take the same values.
    """
    ours, theirs = (
        {name: _takes(schema) for name, schema in side.schema["properties"].items()}
        for side in (today, recorded)
    )
    gone = [name for name in theirs if name not in ours]
    new = [name for name in ours if name not in theirs]
    pairs = {name: [other for other in new if ours[other] == theirs[name]] for name in gone}
    return {
        name: others[0]
        for name, others in pairs.items()
        if len(others) == 1 and sum(others[0] in found for found in pairs.values()) == 1
    }


def fields_differ(place: str, recorded: object, today: object) -> Iterator[Difference]:
    """The fields that one of two lists of keys has more; both may be empty."""
    theirs, ours = _keys(recorded), _keys(today)
    yield from (Difference(place, "extra field", shown(key)) for key in theirs if key not in ours)
    yield from (Difference(place, "missing field", shown(key)) for key in ours if key not in theirs)


def is_newer(recorded: Contract, today: Contract) -> bool:
    """Whether production is ahead: then training is stale, and nothing is to be migrated backwards."""
    theirs, ours = (_VERSION_NUMBER.search(contract.version) for contract in (recorded, today))
    return theirs is not None and ours is not None and int(theirs[1]) > int(ours[1])


def shown(text: object, limit: int = 60) -> str:
    """A name that somebody else gave, short and on one line."""
    said = str(text)
    plain = "".join(char if char.isprintable() else "?" for char in said[:limit])
    return plain + ("..." if len(said) > limit else "")


def _under_todays_names(recorded: Contract, today: Contract) -> Contract:
    """The contract with today's names for the tools that are the same under a prefix."""
    taken: set[str] = set()
    tools = []
    for tool in recorded.tools:
        name = today_name(tool.name, today) or tool.name
        tools.append(tool if name in taken else replace(tool, name=name))
        taken.add(tools[-1].name)
    return replace(recorded, tools=tuple(tools))


def _named(name: str, recorded: Contract, today: Contract) -> Iterator[Difference]:
    """One name that `diff` gave, with what is otherwise there."""
    if name == "version":
        yield Difference(name, "other version", shown(recorded.version))
    elif name == "system_prompt":
        yield Difference(name, "stale text")
    elif name in ("envelope", "refusal"):
        yield from fields_differ(name, getattr(recorded, name), getattr(today, name))
    elif name == "tools.order":
        order = [tool.name for tool in recorded.tools if today.tool(tool.name)]
        yield Difference(name, "other order", ", ".join(order))
    else:
        _, tool, *place = name.split(".", 3)
        theirs, ours = recorded.tool(tool), today.tool(tool)
        if theirs is None or ours is None:
            yield Difference(f"tools.{shown(tool)}", "missing tool" if theirs is None else "extra tool")
        else:
            yield from _in_a_tool(name, place, theirs, ours)


def _in_a_tool(name: str, place: list[str], recorded: Tool, today: Tool) -> Iterator[Difference]:
    if place == ["description"]:
        yield Difference(name, "stale description")
    elif place[0] == "parameters":
        yield from _in_arguments(name, place[1:], recorded, today)
    else:
        theirs, ours = json.loads(recorded.response), json.loads(today.response)
        parts = place[1:] or sorted({*theirs, *ours})
        for part in parts:
            where = f"tools.{today.name}.response.{part}"
            yield from fields_differ(where, theirs.get(part, []), ours.get(part, []))


def _in_arguments(name: str, place: list[str], recorded: Tool, today: Tool) -> Iterator[Difference]:
    if not place:
        yield Difference(name, "other schema")
        return
    argument = place[0]
    names = argument_names(recorded, today)
    theirs, ours = recorded.schema["properties"], today.schema["properties"]
    if argument in names:
        yield Difference(f"tools.{today.name}.parameters.{names[argument]}", "renamed", shown(argument))
    elif argument in names.values():
        return  # told of under the recorded name
    elif argument not in ours:
        yield Difference(f"tools.{today.name}.parameters", "extra argument", shown(argument))
    elif argument not in theirs:
        yield Difference(f"tools.{today.name}.parameters", "missing argument", argument)
    elif _takes(theirs[argument]) == _takes(ours[argument]):
        yield Difference(name, "stale description")
    else:
        yield Difference(name, "other schema")


def _takes(schema: Mapping[str, Any]) -> str:
    """What an argument takes, without the words about it."""

    def bare(part: Any) -> Any:
        if isinstance(part, dict):
            # A property may be called description; only a text under that key is words.
            return {
                key: bare(value)
                for key, value in part.items()
                if key != "description" or not isinstance(value, str)
            }
        return [bare(each) for each in part] if isinstance(part, list) else part

    return canonical_json(bare(dict(schema)))


def _keys(value: object) -> list[str]:
    return list(value) if isinstance(value, (dict, list, tuple)) else []
