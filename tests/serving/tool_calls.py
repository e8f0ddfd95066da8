"""One call of a tool, and that its answer has the contract's form."""

from __future__ import annotations

import json
from typing import Any

from schemas.tools import CONTRACT, SEARCH, canonical_json
from serving.shop import InMemoryShop
from serving.tools import Tools


def ask(name: str, arguments: object, shop: InMemoryShop | None = None) -> dict[str, Any]:
    """The answer to a call, after checking that it is written in the one way."""
    text = arguments if isinstance(arguments, str) else canonical_json(arguments)
    answer = Tools(shop or InMemoryShop()).call(name, text)
    found: dict[str, Any] = json.loads(answer.text)
    assert canonical_json(found) == answer.text
    assert tuple(found) == CONTRACT.envelope
    assert answer.ok == found["ok"]
    if not answer.ok:
        assert tuple(found["data"]) == CONTRACT.refusal
    return found


def keys(name: str, part: str) -> tuple[str, ...]:
    tool = CONTRACT.tool(name)
    assert tool
    return tool.keys(part)


def search(query: str, shop: InMemoryShop | None = None) -> list[dict[str, Any]]:
    answer = ask(SEARCH, {"search_queries": [query]}, shop)
    assert tuple(answer["data"]) == keys(SEARCH, "data")
    found: list[dict[str, Any]] = answer["data"]["tasks"][query]
    return found
