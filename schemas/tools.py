"""The tool contract: everything that a model is told about its tools, in one versioned file.

`CONTRACT` is `contract.json`. Training and serving read the same one: its fingerprint is in every shard
manifest and checkpoint, and `diff` names what differs where they do not fit. Keys of answers are sorted,
because every answer is written by `canonical_json`. The arguments are those of Flow's own agent tools (Flow
format section 13), with Python in the place of its JSON. Not here yet: its tools that list and activate
workflows and that read one template, one type or the fields of ShopifyQL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from schemas.errors import BadRecord
from schemas.workflow.jsontext import read_json

__all__ = [
    "CONFIGURE",
    "CONTRACT",
    "LOOK_UP",
    "PATHS",
    "RESOURCES",
    "RESOURCE_TYPES",
    "SAVE",
    "SEARCH",
    "TEMPLATES",
    "Contract",
    "Tool",
    "canonical_json",
    "diff",
    "read_arguments",
]

SEARCH: Final = "task_search"
CONFIGURE: Final = "task_configuration"
PATHS: Final = "environment_paths_search"
TEMPLATES: Final = "template_search"
LOOK_UP: Final = "workflow_lookup"
SAVE: Final = "create_or_update_workflow"
RESOURCES: Final = "search_shop_resource"

_KEYWORDS: Final = frozenset(
    [
        *("type", "description", "properties", "required", "additionalProperties", "items"),
        *("minItems", "maxItems", "maxLength", "minimum", "maximum", "enum"),
    ]
)
_PYTHON_TYPES: Final[Mapping[str, type]] = {"object": dict, "array": list, "string": str, "integer": int}


def canonical_json(value: object) -> str:
    """The one text of a JSON value that a model reads or writes: sorted keys, no spaces, raw UTF-8.

    Raises:
        BadRecord: NOT_JSON for a value that JSON or UTF-8 cannot carry.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRecord("NOT_JSON", f"no canonical JSON: {error}") from None
    return text


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool; its JSON schema and the keys of each part of its answer are canonical JSON texts."""

    name: str
    description: str
    parameters: str
    response: str

    @property
    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.parameters)
        return found

    def keys(self, part: str) -> tuple[str, ...]:
        """The keys of one part of the answer, in the order in which they are written."""
        return tuple(json.loads(self.response)[part])


@dataclass(frozen=True, slots=True)
class Contract:
    """The tools in order, the system prompt, and the keys around every answer."""

    version: str
    system_prompt: str
    tools: tuple[Tool, ...]
    envelope: tuple[str, ...]
    refusal: tuple[str, ...]

    @staticmethod
    def from_json(text: str) -> Contract:
        """Read what `to_json` or a person wrote; keys of schemas come out sorted: one contract, one text.

        Raises:
            BadRecord: CONTRACT where a part is missing, of another type, or could not be told to a model.
        """
        try:
            table = read_json(text)
            contract = Contract(
                version=_text(table["version"]),
                system_prompt="\n".join(map(_text, table["system_prompt"])),
                tools=tuple(map(_tool, table["tools"])),
                envelope=_sorted(table["envelope"]),
                refusal=_sorted(table["refusal"]),
            )
        except BadRecord as error:
            raise BadRecord("CONTRACT", error.message) from None
        except (KeyError, TypeError, AttributeError) as error:
            raise BadRecord("CONTRACT", f"not a tool contract: {error!r}") from None
        if len({tool.name for tool in contract.tools}) != len(contract.tools):
            raise BadRecord("CONTRACT", "two tools have one name")
        if "<|" in text:
            raise BadRecord("CONTRACT", "it holds the beginning of a control token")
        return contract

    def to_json(self) -> str:
        """The canonical text; a checkpoint carries it, so that a server can name what differs."""
        tools = [
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": json.loads(tool.parameters),
                "response": json.loads(tool.response),
            }
            for tool in self.tools
        ]
        return canonical_json(
            {
                "version": self.version,
                "system_prompt": self.system_prompt.split("\n"),
                "tools": tools,
                "envelope": self.envelope,
                "refusal": self.refusal,
            }
        )

    def fingerprint(self) -> str:
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def tool(self, name: str) -> Tool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def openai(self) -> list[dict[str, Any]]:
        """The tools as OpenAI's API and every chat template take them."""
        return [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.schema,
                },
            }
            for tool in self.tools
        ]


def diff(one: Contract, other: Contract) -> list[str]:
    """Names of what differs; empty exactly where fingerprints agree.

    Of a tool they go down to the argument (`tools.task_search.parameters.search_queries`) and the part of
    the answer (`tools.task_search.response.task`); what belongs to no argument is the parameters' own.
    """
    found = [
        name
        for name in ("version", "system_prompt", "envelope", "refusal")
        if getattr(one, name) != getattr(other, name)
    ]
    names = list(dict.fromkeys(tool.name for tool in (*one.tools, *other.tools)))
    for name in names:
        a, b = one.tool(name), other.tool(name)
        if a is None or b is None:
            found.append(f"tools.{name}")
        else:
            found += (f"tools.{name}.{part}" for part in _different_parts(a, b))
    shared = [
        [tool.name for tool in side.tools if one.tool(tool.name) and other.tool(tool.name)]
        for side in (one, other)
    ]
    return found + (["tools.order"] if shared[0] != shared[1] else [])


def _different_parts(one: Tool, other: Tool) -> Iterator[str]:
    if one.description != other.description:
        yield "description"
    if one.parameters != other.parameters:
        arguments = [side.schema["properties"] for side in (one, other)]
        different = _different_keys(*arguments)
        rest = [
            {
                **{key: value for key, value in side.schema.items() if key != "properties"},
                "required": [name for name in side.schema["required"] if name not in different],
            }
            for side in (one, other)
        ]
        if not different or canonical_json(rest[0]) != canonical_json(rest[1]):
            yield "parameters"
        yield from (f"parameters.{name}" for name in different)
    if one.response != other.response:
        parts = [json.loads(side.response) for side in (one, other)]
        yield from (f"response.{name}" for name in _different_keys(*parts))


def _different_keys(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys that only one side has or whose values differ, in order."""
    return [
        name
        for name in dict.fromkeys([*one, *other])
        if name not in one or name not in other or canonical_json(one[name]) != canonical_json(other[name])
    ]


def read_arguments(text: str, tool: Tool) -> dict[str, Any]:
    """The arguments of a call, held to the tool's schema.

    Raises:
        BadRecord: BAD_ARGUMENTS with the path inside the arguments and what is wrong.
    """
    try:
        value = read_json(text)
    except BadRecord as error:
        raise BadRecord("BAD_ARGUMENTS", error.message) from None
    for path, message in _mismatches(value, tool.schema, ""):
        raise BadRecord("BAD_ARGUMENTS", message, path=path)
    arguments: dict[str, Any] = value
    return arguments


def _mismatches(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    wanted = _PYTHON_TYPES[schema["type"]]
    if not isinstance(value, wanted) or isinstance(value, bool):
        yield path, f"must be of type {schema['type']}"
    elif isinstance(value, dict):
        known = schema["properties"]
        yield from ((path, f"{key} is missing") for key in schema["required"] if key not in value)
        yield from ((path, f"there is no argument {key[:80]!r}") for key in value if key not in known)
        for key in (key for key in known if key in value):
            yield from _mismatches(value[key], known[key], f"{path}/{key}")
    elif isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield path, f"must have at least {schema['minItems']}"
        if len(value) > schema.get("maxItems", len(value)):
            yield path, f"must have at most {schema['maxItems']}"
        for number, part in enumerate(value):
            yield from _mismatches(part, schema["items"], f"{path}/{number}")
    elif isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield path, f"must have at most {schema['maxLength']} characters"
        if value not in schema.get("enum", (value,)):
            yield path, f"must be one of {', '.join(schema['enum'])}"
    elif value < schema.get("minimum", value):
        yield path, f"must be at least {schema['minimum']}"
    elif value > schema.get("maximum", value):
        yield path, f"must be at most {schema['maximum']}"


def _tool(row: Mapping[str, Any]) -> Tool:
    response = {part: _sorted(keys) for part, keys in row["response"].items()}
    _require_known(row["parameters"])
    return Tool(
        name=_text(row["name"]),
        description=_text(row["description"]),
        parameters=canonical_json(row["parameters"]),
        response=canonical_json(response),
    )


def _require_known(schema: Mapping[str, Any]) -> None:
    """A keyword that `read_arguments` does not check would be a promise that nobody keeps."""
    if unknown := schema.keys() - _KEYWORDS:
        raise TypeError(f"schema keywords {sorted(unknown)}")
    if schema["type"] not in _PYTHON_TYPES:
        raise TypeError(f"type {schema['type']}")
    if schema["type"] == "object":
        if (
            schema["additionalProperties"] is not False
            or not set(schema["required"]) <= schema["properties"].keys()
        ):
            raise TypeError("an object must name all its keys")
        for part in schema["properties"].values():
            _require_known(part)
    if schema["type"] == "array":
        _require_known(schema["items"])
    for keyword, kind in (("enum", "string"), ("minimum", "integer"), ("maximum", "integer")):
        if keyword in schema and schema["type"] != kind:
            raise TypeError(f"{keyword} of type {schema['type']}")
    if "enum" in schema and not (schema["enum"] and [*map(_text, schema["enum"])]):
        raise TypeError("an enum must name texts")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _sorted(keys: list[str]) -> tuple[str, ...]:
    if [*map(_text, keys)] != sorted(set(keys)):
        raise TypeError(f"keys {keys} are not sorted")
    return tuple(keys)


CONTRACT: Final = Contract.from_json(files("schemas").joinpath("contract.json").read_text(encoding="utf-8"))

RESOURCE_TYPES: Final[tuple[str, ...]] = tuple(
    next(tool.schema for tool in CONTRACT.tools if tool.name == RESOURCES)["properties"]["resource_type"][
        "enum"
    ]
)
"""What `search_shop_resource` looks for: 19 kinds. Which 19 Flow's agent has is not public."""
