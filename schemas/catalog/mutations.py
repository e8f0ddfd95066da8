"""The mutations of the Admin GraphQL API, which the step Send Admin API request can run.

The data (`mutations.json.gz`, distilled by `jobs/distil_environment.py`; MIT, Shopify Inc.) holds every
mutation with its arguments, and the input objects and enums that these reach. What a mutation answers is an
object type of `schemas/catalog/environment.py`. Loaded at first use; an unknown name is an answer (None or
empty), never an error.
"""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import cast

from schemas.catalog import environment
from schemas.catalog.input_values import InputValue, read_input_values

__all__ = ["InputType", "Mutation", "input_enum", "input_type", "mutation", "mutation_names"]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mutation."""

    name: str
    arguments: Mapping[str, InputValue]
    """By name, in the API's order."""
    payload: str
    """The object type that it answers with, `OrderCancelPayload`."""
    deprecated: bool
    """Whether the API asks for another one instead; it still runs."""


@dataclass(frozen=True, slots=True)
class InputType:
    """One input object."""

    name: str
    fields: Mapping[str, InputValue]
    """By name, in the API's order."""


def mutation(name: str) -> Mutation | None:
    """A mutation by its name (`productUpdate`); None where the API has none of that name."""
    return _mutation(name) if name in _load().mutations else None


def mutation_names() -> tuple[str, ...]:
    """Every mutation, by name."""
    return tuple(_load().mutations)


def input_type(name: str) -> InputType | None:
    """An input object by its name (`ProductInput`); None for scalars, enums and unknown names."""
    return _input_type(name) if name in _load().inputs else None


def input_enum(name: str) -> tuple[str, ...]:
    """The constants of an enum that arguments take; empty for any other name."""
    return tuple(_load().enums.get(name, "").split()) or environment.enum_values(name)


@dataclass(frozen=True, slots=True)
class _Mutations:
    mutations: Mapping[str, str]
    deprecated: frozenset[str]
    inputs: Mapping[str, str]
    enums: Mapping[str, str]


@functools.cache
def _load() -> _Mutations:
    packed = files("schemas.catalog").joinpath("mutations.json.gz").read_bytes()
    table = cast("dict[str, dict[str, str]]", json.loads(gzip.decompress(packed)))
    deprecated = cast("dict[str, str]", table)["deprecated"]
    return _Mutations(table["mutations"], frozenset(deprecated.split()), table["inputs"], table["enums"])


@functools.cache
def _mutation(name: str) -> Mutation:
    # Kept as one text a mutation, as the types are: a workflow calls two of five hundred.
    payload, _, arguments = _load().mutations[name].partition(" ")
    return Mutation(name, read_input_values(arguments), payload, name in _load().deprecated)


@functools.cache
def _input_type(name: str) -> InputType:
    return InputType(name, read_input_values(_load().inputs[name]))
