from __future__ import annotations

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


def test_deprecated_mutations_say_so() -> None:
    found = [found.name for found in ALL if found.deprecated]
    assert "abandonmentEmailStateUpdate" in found
    assert len(found) < len(ALL) / 5
