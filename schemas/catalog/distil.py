"""Distil the types behind Flow's paths, and the mutations, from an introspection of the Admin GraphQL API.

The results are the package data that `schemas/catalog/environment.py` and `schemas/catalog/mutations.py`
read: small, because they hold names and types only, and no path can fill in an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.catalog.tasks import TASKS

__all__ = ["distil", "distil_mutations"]

Schema = Mapping[str, Mapping[str, Any]]
"""Type name -> its entry in the introspection result."""

LICENCE = (
    "Types of the Shopify Admin GraphQL API, from skills/shopify-admin/assets/admin_2026-04.json.gz of "
    "https://github.com/Shopify/Shopify-AI-Toolkit. MIT License. Copyright (c) Shopify Inc. Permission is "
    "hereby granted, free of charge, to any person obtaining a copy of this software and associated "
    'documentation files (the "Software"), to deal in the Software without restriction, including without '
    "limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell "
    "copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to "
    "the following conditions: The above copyright notice and this permission notice shall be included in "
    'all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT '
    "WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF "
    "MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS "
    "OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF "
    "CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR "
    "OTHER DEALINGS IN THE SOFTWARE."
)

# Fields that Shopify's own Flow examples use and the API does not have (or not under this name).
SUPPLEMENT = {
    "Customer": {"lastOrderDate": "DateTime"},
    "Order": {"financialStatus": "String", "quantity": "Int"},
    "SendHttpResponse": {"body": "String", "headers": "", "statusCode": "Int"},
}

# A payload can lead back to the root of all queries, where every path would begin anew.
LEFT_OUT = frozenset({"QueryRoot"})


def distil(schema: Schema) -> dict[str, Any]:
    """The types that a path can reach from the roots, each as one text `field:Type field:[Type]`.

    Beside them the fields that need arguments (`inCollection(id:ID!):Boolean`), which a workflow can add
    as patched fields, and the names of interfaces and unions, whose fields depend on the object.

    Raises KeyError or TypeError when `schema` is not what introspection gives.
    """
    roots = _returns(schema, is_trigger=True) | {"shop": "Shop"}
    outputs = _returns(schema, is_trigger=False)
    types: dict[str, str] = {}
    enums: dict[str, str] = {}
    abstract: set[str] = set()
    waiting = sorted({kind.strip("[]") for kind in (roots | outputs).values()} | set(_payloads(schema)))
    while waiting:
        name = waiting.pop()
        entry = schema.get(name, {})
        fields = _fields(entry, schema) | SUPPLEMENT.get(name, {})
        if entry.get("kind") in ("INTERFACE", "UNION"):
            abstract.add(name)
        if fields and name not in types:
            types[name] = " ".join(f"{field}:{kind}" for field, kind in sorted(fields.items()))
            waiting += [kind.strip("[]") for kind in fields.values()]
        elif entry.get("kind") == "ENUM":
            enums[name] = _constants(entry)
    return {
        "licence": LICENCE,
        "roots": roots,
        "outputs": outputs,
        "types": types,
        "enums": enums,
        "patchable": {name: text for name in types if (text := _patchable(schema.get(name, {}), schema))},
        "abstract": " ".join(sorted(abstract)),
    }


def distil_mutations(schema: Schema) -> dict[str, Any]:
    """Every mutation as one text `Payload argument:[ID!]! other:Boolean!=`, and what its arguments reach.

    A `=` at the end says that there is a default. Enums that the types of paths have too are left to them.

    Raises KeyError or TypeError when `schema` is not what introspection gives.
    """
    mutations = {field["name"]: field for field in schema["Mutation"]["fields"]}
    inputs: dict[str, str] = {}
    enums: dict[str, str] = {}
    known = distil(schema)["enums"]
    waiting = [argument["type"] for field in mutations.values() for argument in field["args"]]
    while waiting:
        name = _name(waiting.pop())
        entry = schema[name]
        if entry["kind"] == "INPUT_OBJECT" and name not in inputs:
            inputs[name] = " ".join(map(_input_value, entry["inputFields"]))
            waiting += [field["type"] for field in entry["inputFields"]]
        elif entry["kind"] == "ENUM" and name not in known:
            enums[name] = _constants(entry)
    return {
        "licence": LICENCE,
        "mutations": {
            name: " ".join([_name(field["type"]), *map(_input_value, field["args"])])
            for name, field in mutations.items()
        },
        "deprecated": " ".join(name for name, field in mutations.items() if field["isDeprecated"]),
        "inputs": inputs,
        "enums": enums,
    }


def _returns(schema: Schema, *, is_trigger: bool) -> dict[str, str]:
    """What the tasks of the catalogue bring, as far as its type is known."""
    return {
        name: kind
        for task in TASKS.values()
        if (task.kind == "TRIGGER") == is_trigger
        for name, kind in task.returns.items()
        if kind.strip("[]") in schema or kind.strip("[]") in SUPPLEMENT
    }


def _payloads(schema: Schema) -> Iterable[str]:
    return (_name(field["type"]) for field in schema["Mutation"]["fields"])


def _constants(entry: Mapping[str, Any]) -> str:
    return " ".join(value["name"] for value in entry["enumValues"])


def _fields(entry: Mapping[str, Any], schema: Schema) -> dict[str, str]:
    """Field -> type of one object or interface, deprecated fields too: merchants' workflows outlive them."""
    if entry.get("kind") not in ("OBJECT", "INTERFACE"):
        return {}
    return {
        field["name"]: kind
        for field in entry["fields"]
        if not _needs_arguments(field) and (kind := _notation(field["type"], schema)) not in LEFT_OUT
    }


def _patchable(entry: Mapping[str, Any], schema: Schema) -> str:
    """The fields of one object or interface that need arguments, `field(name:Type,name:Type):Type`."""
    fields = entry.get("fields") or ()
    return " ".join(
        f"{field['name']}({','.join(map(_input_value, field['args']))}):{_notation(field['type'], schema)}"
        for field in fields
        if _needs_arguments(field)
    )


def _needs_arguments(field: Mapping[str, Any]) -> bool:
    return any(
        argument["type"]["kind"] == "NON_NULL" and argument["defaultValue"] is None
        for argument in field["args"]
    )


def _notation(kind: Mapping[str, Any], schema: Schema) -> str:
    """The type of a field as paths see it: no nulls, lists flat, connections as lists of their nodes."""
    is_list = False
    while kind["ofType"]:
        is_list = is_list or kind["kind"] == "LIST"
        kind = kind["ofType"]
    name = kind["name"]
    if name.endswith("Connection") and schema[name]["kind"] == "OBJECT":
        inside = {field["name"]: field["type"] for field in schema[name]["fields"]}
        if "nodes" in inside:
            return f"[{_notation(inside['nodes'], schema).strip('[]')}]"
        edge = schema[_notation(inside["edges"], schema).strip("[]")]
        node = next(field["type"] for field in edge["fields"] if field["name"] == "node")
        return f"[{_notation(node, schema)}]"
    return f"[{name}]" if is_list else str(name)


def _input_value(value: Mapping[str, Any]) -> str:
    return (
        f"{value['name']}:{_full_notation(value['type'])}{'=' if value['defaultValue'] is not None else ''}"
    )


def _full_notation(kind: Mapping[str, Any]) -> str:
    if kind["kind"] == "NON_NULL":
        return f"{_full_notation(kind['ofType'])}!"
    if kind["kind"] == "LIST":
        return f"[{_full_notation(kind['ofType'])}]"
    return str(kind["name"])


def _name(kind: Mapping[str, Any]) -> str:
    while kind["ofType"]:
        kind = kind["ofType"]
    return str(kind["name"])
