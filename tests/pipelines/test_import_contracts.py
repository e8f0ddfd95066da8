"""The contract of an imported call: ours, a text of its own, or a fingerprint that nobody has the text of."""

from __future__ import annotations

from typing import Any

from pipelines.importers.imports import import_lines
from pipelines.importers.told import Contracts
from schemas.tools import CONTRACT, Contract
from tests.pipelines.model_logs import POLICY, conversations, with_system
from tests.schemas.conversations import says, user

TOOLS = CONTRACT.openai()
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a town.",
        "parameters": {
            "type": "object",
            "properties": {"town": {"type": "string"}},
            "required": ["town"],
            "additionalProperties": False,
        },
    },
}


def contract_of(**request: Any) -> tuple[str, dict[str, Contract]]:
    contracts = Contracts([CONTRACT])
    said = request.pop("messages", with_system([user("Hello"), says("Hi.")]))
    found = import_lines([("line 1", {"messages": said, **request})], "openai", POLICY, contracts)
    (events,) = conversations(found).values()
    return events[0].contract, contracts.written


def test_a_request_under_our_contract_is_under_our_contract() -> None:
    strict = [{**tool, "function": {**tool["function"], "strict": True}} for tool in TOOLS]
    flat = [{"type": "function", **tool["function"]} for tool in TOOLS]
    for tools in (TOOLS, strict, flat):
        assert contract_of(tools=tools) == (CONTRACT.fingerprint(), {CONTRACT.fingerprint(): CONTRACT})


def test_a_whole_contract_of_somebody_else_becomes_a_text() -> None:
    fingerprint, written = contract_of(tools=[WEATHER, TOOLS[0]])
    contract = written[fingerprint]
    assert contract.version == "imported"
    assert Contract.from_json(contract.to_json()).fingerprint() == fingerprint
    assert contract.openai() == [WEATHER, TOOLS[0]]
    assert contract.tools[1] == CONTRACT.tools[0]


def test_what_is_not_whole_has_a_fingerprint_and_no_text() -> None:
    loose = {"type": "function", "function": {"name": "f", "parameters": {"$ref": "#"}}}
    told: list[dict[str, Any]] = [
        {},
        {"tools": [loose]},
        {"tools": [WEATHER, loose]},
        {"tools": [{"type": "mcp"}]},
    ]
    told += [{"tools": TOOLS, "messages": [user("No system prompt"), says("Hi.")]}]
    found = [contract_of(**each) for each in told]
    assert all(written == {} for _, written in found)
    assert len({fingerprint for fingerprint, _ in found}) == len(told)
