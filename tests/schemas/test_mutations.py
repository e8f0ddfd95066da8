from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.catalog import environment, mutations
from schemas.catalog.input_values import InputValue, base_type, read_input_values
from schemas.catalog.mutations import input_enum, input_type, mutation, mutation_names

ALL = [found for name in mutation_names() if (found := mutation(name))]


def test_a_mutation_says_what_it_takes_and_what_of_that_is_required() -> None:
    found = mutation("orderCancel")
    assert found is not None
    assert found.payload == "OrderCancelPayload"
    assert not found.deprecated
    assert found.arguments["orderId"] == InputValue("orderId", "ID!", True)
    assert {value.name for value in found.arguments.values() if value.required} == {
        "orderId",
        "reason",
        "restock",
    }


def test_an_argument_with_a_default_is_not_required() -> None:
    read = read_input_values("id:ID! notify:Boolean!= tags:[String!]!")
    assert [(value.type, value.required) for value in read.values()] == [
        ("ID!", True),
        ("Boolean!", False),
        ("[String!]!", True),
    ]
    arguments = [value for found in ALL for value in found.arguments.values()]
    assert any(value.type.endswith("!") and not value.required for value in arguments)


def test_input_objects_have_fields_and_enums_have_constants() -> None:
    found = input_type("InventoryAdjustQuantitiesInput")
    assert found is not None
    assert found.fields["changes"] == InputValue("changes", "[InventoryChangeInput!]!", True)
    assert "CUSTOMER" in input_enum("OrderCancelReason")
    assert set(input_enum("ProductStatus")) >= {"ACTIVE", "DRAFT"}  # kept with the types of paths


@pytest.mark.parametrize("name", ["", "order", "productupdate", "ProductInput", "mutation { x }"])
def test_an_unknown_name_is_an_answer(name: str) -> None:
    assert mutation(name) is None
    assert input_type("productUpdate") is None
    assert input_enum("ProductInput") == ()


def test_every_type_that_an_argument_names_is_known() -> None:
    table = mutations._load()
    values = [value for found in ALL for value in found.arguments.values()]
    values += [value for found in map(input_type, table.inputs) if found for value in found.fields.values()]
    assert len(values) > 3000
    unknown = {
        name
        for name in {base_type(value.type) for value in values}
        if input_type(name) is None and not input_enum(name) and name not in environment.FAMILIES
    }
    assert unknown == set()


def test_every_payload_is_a_type_that_a_path_can_follow() -> None:
    assert len(ALL) > 500
    assert [found.payload for found in ALL if not environment.fields_of(found.payload)] == []
    assert environment.follow("sendAdminApiRequest.userErrors.message", "OrderCancelPayload").type == "String"


def test_the_official_api_calls_name_known_arguments(shared_data: Path) -> None:
    calls = json.loads((shared_data / "flow_official_examples.json").read_text())["api_call_values"]
    assert {call["name"] for call in calls} == {"orderCancel", "refundCreate", "customerUpdate"}
    unknown = {}
    for call in calls:
        found = mutation(call["name"])
        assert found is not None
        given = json.loads(call["blob"])
        if unknown_here := given.keys() - found.arguments.keys():
            unknown[found.name] = unknown_here
        for name, value in given.items():
            inside = input_type(base_type(found.arguments[name].type)) if name in found.arguments else None
            assert inside is None or value.keys() <= inside.fields.keys()
    # The example leaves out the input object that the API takes these in.
    assert unknown == {"refundCreate": {"orderId", "note", "notify"}}


def test_the_official_patched_fields_name_known_fields_and_arguments(shared_data: Path) -> None:
    for patched in json.loads((shared_data / "flow_official_examples.json").read_text())["patched_fields"]:
        field = environment.patchable_fields(patched["patched_type"].capitalize())[patched["field"]]
        required = {value.name for value in field.arguments.values() if value.required}
        assert required <= patched["arguments"].keys() <= field.arguments.keys()


def test_deprecated_mutations_say_so() -> None:
    found = [found.name for found in ALL if found.deprecated]
    assert "abandonmentEmailStateUpdate" in found
    assert len(found) < len(ALL) / 5
