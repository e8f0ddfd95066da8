"""The contract of a call: which one it was, or what it was where its request says all that a contract says.

    contracts = Contracts([CONTRACT])
    contracts.of(Told("You help.", "[...]"))    # its fingerprint; contracts.written has the new ones

A request shows one half of a contract: the system prompt and the tools. Where a known contract has the same
half, it is that one. Else, where the half is whole (a system prompt, and at least one tool, each with its
description and a schema that a contract can hold), it is a contract of its own, of version `imported`. What
no request shows, the keys of answers, is then taken from ours: the mirror gate holds the answers themselves
against ours, and would call missing what merely was not told. Where the half is not whole, the fingerprint is
a digest of what was there; no contract has it, and the gate says that it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipelines.importers.exchanges import Told
from schemas.errors import BadRecord
from schemas.tools import CONTRACT, Contract, canonical_json
from schemas.workflow.jsontext import read_json

__all__ = ["IMPORTED", "Contracts", "tools_of"]

IMPORTED: Final = "imported"


def tools_of(listed: Any) -> str | None:
    """Tools as any of the logs lists them, as canonical JSON in one form; None for none.

    The Responses API and OpenTelemetry write a function flat (`{"type": "function", "name": ...}`), the chat
    completions API below `function`, and its deprecated `functions` without a type.
    """
    if not isinstance(listed, list) or not listed:
        return None
    return canonical_json([_nested(tool) for tool in listed])


def _nested(tool: Any) -> Any:
    if not isinstance(tool, dict) or isinstance(tool.get("function"), dict):
        return tool
    if tool.get("type", "function") != "function":
        return tool
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


class Contracts:
    """The contracts that are known. Those that calls add are in `written`, by fingerprint."""

    def __init__(self, known: Iterable[Contract]) -> None:
        """Of two that tell a model the same, the first counts."""
        self.written: dict[str, Contract] = {}
        self._by_half: dict[tuple[str, str], Contract] = {}
        self._found: dict[Told, str] = {}
        for contract in known:
            half = contract.system_prompt, canonical_json(contract.openai())
            self._by_half.setdefault(half, contract)

    def of(self, told: Told) -> str:
        """The fingerprint of the contract under which a model was told this."""
        if told not in self._found:
            contract = self._contract(told)
            if contract is None:
                self._found[told] = told.digest()
            else:
                self._found[told] = contract.fingerprint()
                self.written[self._found[told]] = contract
        return self._found[told]

    def _contract(self, told: Told) -> Contract | None:
        if told.system is None or told.tools is None:
            return None
        try:
            tools = [_tool(tool) for tool in read_json(told.tools, limit=len(told.tools))]
            half = told.system, canonical_json([_told(tool) for tool in tools])
            return self._by_half.get(half) or Contract.from_json(
                canonical_json(
                    {
                        "version": IMPORTED,
                        "system_prompt": told.system.split("\n"),
                        "tools": tools,
                        "envelope": CONTRACT.envelope,
                        "refusal": CONTRACT.refusal,
                    }
                )
            )
        except (BadRecord, KeyError, TypeError):
            return None


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool in the form of a contract. Raises KeyError or TypeError where a part of it is missing."""
    function = tool["function"]
    ours = CONTRACT.tool(function["name"])
    return {
        **{key: function[key] for key in ("name", "description", "parameters")},
        "response": read_json(ours.response) if ours else {},
    }


def _told(tool: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: tool[key] for key in ("name", "description", "parameters")}
    return {"type": "function", "function": said}
