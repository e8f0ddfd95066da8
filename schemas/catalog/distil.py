"""Distil the types behind Flow's paths from an introspection of the Admin GraphQL API.

The result is the package data that `schemas/catalog/environment.py` reads: small, because a path can
reach only a sixth of the API's types and cannot fill in an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.catalog.tasks import TASKS

__all__ = ["distil"]

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

# Roots whose type is not their own name with a capital.
ROOTS = {
    "automaticDiscount": "DiscountAutomaticNode",
    "codeDiscount": "DiscountCodeNode",
    "dispute": "ShopifyPaymentsDispute",
    "inventoryQuantityPrior": "Int",
    "oldStatus": "ProductStatus",
    "orderRiskLevel": "String",
    "scheduledAt": "DateTime",
    "shop": "Shop",
}

# What steps bring, before any number for repeats. Get data steps give a list of what their name says.
OUTPUTS = {
    "count": "Int",
    "getDiscountData": "[DiscountNode]",
    "sendHttpRequest": "SendHttpResponse",
    "sum": "Float",
}

# Fields that Shopify's own Flow examples use and the API does not have (or not under this name).
SUPPLEMENT = {
    "Customer": {"lastOrderDate": "DateTime"},
    "Order": {"financialStatus": "String", "quantity": "Int"},
    "SendHttpResponse": {"body": "String", "statusCode": "Int"},
}


def distil(schema: Schema) -> dict[str, Any]:
    """The types that a path can reach from the roots, each as one text `field:Type field:[Type]`.

    Raises KeyError or TypeError when `schema` is not what introspection gives.
    """
    roots = {name: name[0].upper() + name[1:] for task in TASKS.values() for name in task.roots} | ROOTS
    outputs = {
        task.output: f"[{task.output[3:-4]}]"
        for task in TASKS.values()
        if task.output and task.output.startswith("get")
    } | OUTPUTS
    named = {name: kind for name, kind in (roots | outputs).items() if _exists(kind, schema)}
    types: dict[str, str] = {}
    enums: dict[str, str] = {}
    waiting = sorted({kind.strip("[]") for kind in named.values()})
    while waiting:
        name = waiting.pop()
        fields = _fields(schema.get(name, {}), schema) | SUPPLEMENT.get(name, {})
        if fields and name not in types:
            types[name] = " ".join(f"{field}:{kind}" for field, kind in sorted(fields.items()))
            waiting += [kind.strip("[]") for kind in fields.values()]
        elif schema.get(name, {}).get("kind") == "ENUM":
            enums[name] = " ".join(value["name"] for value in schema[name]["enumValues"])
    return {
        "licence": LICENCE,
        "roots": {name: kind for name, kind in roots.items() if name in named},
        "outputs": {name: kind for name, kind in outputs.items() if name in named},
        "types": types,
        "enums": enums,
    }


def _exists(kind: str, schema: Schema) -> bool:
    return kind.strip("[]") in schema or kind.strip("[]") in SUPPLEMENT


def _fields(entry: Mapping[str, Any], schema: Schema) -> dict[str, str]:
    """Field -> type of one object or interface, deprecated fields too: merchants' workflows outlive them."""
    if entry.get("kind") not in ("OBJECT", "INTERFACE"):
        return {}
    return {
        field["name"]: _notation(field["type"], schema)
        for field in entry["fields"]
        if not any(
            argument["type"]["kind"] == "NON_NULL" and argument["defaultValue"] is None
            for argument in field["args"]
        )
    }


def _notation(kind: Mapping[str, Any], schema: Schema) -> str:
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
