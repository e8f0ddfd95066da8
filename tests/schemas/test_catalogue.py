"""A catalogue as a value: written and read again it is the same; what is none is refused with its place."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalog.catalogue import CATALOGUE_VERSION, Catalogue, Task, UnidentifiedTask
from schemas.catalog.fields import FIELD_TYPES, VALUE_TYPES, ConfigField
from schemas.catalog.reading import MAX_CHARACTERS, read_catalogue
from schemas.catalog.tasks import SHIPPED
from schemas.errors import BadRecord

SHIPPED_TEXT = files("schemas.catalog").joinpath("tasks.json").read_text(encoding="utf-8")
TASK: dict[str, Any] = {
    "id": "shopify::flow::a",
    "kind": "ACTION",
    "label": "A",
    "publisher": "flow",
    "known": True,
    "fields": [{"id": "x"}],
}


def text_of(*tasks: dict[str, Any], **more: object) -> str:
    return json.dumps({"version": CATALOGUE_VERSION, "tasks": list(tasks), **more})


def test_the_file_that_ships_is_what_the_catalogue_writes() -> None:
    lines = [line for line in SHIPPED_TEXT.splitlines(keepends=True) if not line.startswith('"about"')]
    assert "".join(lines) == SHIPPED.to_json()


def test_written_and_read_again_it_says_the_same_in_the_same_order() -> None:
    again = read_catalogue(SHIPPED.to_json())
    assert list(again.tasks.values()) == list(SHIPPED.tasks.values())
    assert again.unidentified == SHIPPED.unidentified
    assert again.fingerprint() == SHIPPED.fingerprint()


def test_every_part_survives_writing_and_reading() -> None:
    field = ConfigField(
        id="a",
        label="b",
        description="c",
        type="Enum",
        required=True,
        allowed=("d", "é"),
        minimum=0,
        maximum=9,
        pattern="^x$",
        object_types=("Order",),
        default="",
        liquid=True,
        wrapped=True,
        versions=("1",),
        known=False,
    )
    task = Task(
        id="t",
        kind="ACTION",
        label="l",
        description="d",
        publisher="shopify-app",
        connector="c",
        versions=("1", "2"),
        known=True,
        returns={"z": "[Order]", "a": ""},
        step_name="s",
        config_fields={"a": field},
        output_ports=("one", "two"),
    )
    other = UnidentifiedTask(kind="TRIGGER", label="l", description="d", publisher="flow", connector="Slack")
    again = read_catalogue(Catalogue({"t": task}, (other,)).to_json())
    assert again.tasks == {"t": task}
    assert list(again.tasks["t"].returns) == ["z", "a"]
    assert again.unidentified == (other,)


def test_the_fingerprint_tells_catalogues_apart() -> None:
    one, other = read_catalogue(text_of(TASK)), read_catalogue(text_of({**TASK, "known": False}))
    assert len(one.fingerprint()) == 64
    assert one.fingerprint() == read_catalogue(text_of(TASK, about="words about it")).fingerprint()
    assert one.fingerprint() != other.fingerprint()


def test_what_a_catalogue_lacks_has_the_defaults() -> None:
    catalogue = read_catalogue(text_of(TASK))
    assert catalogue.get("nobody") is None
    assert catalogue.value_type("nobody", "order_id") == "reference"
    assert catalogue.value_type("shopify::flow::a", "x") == "text"
    assert catalogue.default_version("shopify::flow::fetch::new_things") == "v1"
    assert catalogue.default_version("nobody") == "0.1"


def test_every_field_type_says_what_its_text_holds() -> None:
    assert set(VALUE_TYPES) == FIELD_TYPES
    assert ConfigField(id="a", type="CommerceObject").value_type == "reference"
    assert ConfigField(id="a", type="Weight").value_type == "text"


def test_a_catalogue_has_no_attribute_of_another_name() -> None:
    with pytest.raises(AttributeError):
        SHIPPED.tasks = {}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "must be an object"),
        ("{}", "lacks 'version'"),
        ('{"version":"catalogue_v1","version":"catalogue_v1","tasks":[]}', "a key is there twice"),
        ('{"version":"catalogue_v9","tasks":[]}', "at version: must be catalogue_v1"),
        (text_of(more=1), "at more: there is no such key"),
        (text_of({}), "at tasks[0]: lacks 'id'"),
        (text_of({**TASK, "id": ""}), "at tasks[0].id: must be a text of 1 to 200 characters"),
        (text_of({**TASK, "id": 7}), "at tasks[0].id"),
        (text_of({**TASK, "kind": "LOOP"}), "at tasks[0].kind: must be ACTION or CONDITION"),
        (text_of({**TASK, "known": 1}), "at tasks[0].known: must be true or false"),
        (text_of({**TASK, "versions": [1]}), "at tasks[0].versions: must be a list of texts"),
        (text_of({**TASK, "returns": {"a": 1}}), "at tasks[0].returns: must be an object of texts"),
        (text_of({**TASK, "input": 1}), "at tasks[0].input: there is no such key"),
        (text_of(TASK, TASK), "at tasks[1]: the id 'shopify::flow::a' is there twice"),
        (text_of({**TASK, "fields": [7]}), "at tasks[0].fields[0]: must be an object"),
        (text_of({**TASK, "fields": [{"id": "x"}, {"id": "x"}]}), "at tasks[0].fields[1]: the id 'x'"),
        (text_of({**TASK, "fields": [{"id": "x", "type": "Foo"}]}), "at tasks[0].fields[0].type: must be"),
        (text_of({**TASK, "fields": [{"id": "x", "minimum": True}]}), "minimum: must be a whole number"),
        (text_of(unidentified=[{"label": "Slack"}]), "at unidentified[0]: lacks"),
    ],
)
def test_what_is_no_catalogue_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadRecord) as refused:
        read_catalogue(text)
    assert refused.value.code == "INVALID_CATALOGUE"
    assert said in str(refused.value)


def test_texts_that_are_too_long_or_too_deep_are_refused() -> None:
    with pytest.raises(BadRecord, match="the limit is"):
        read_catalogue(" " * (MAX_CHARACTERS + 1))
    with pytest.raises(BadRecord, match="no JSON"):
        read_catalogue("[" * 1_000_000)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "kind", "fields", "tasks", "known"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(JSON)
def test_no_json_is_anything_but_a_catalogue_or_refused(value: object) -> None:
    for text in (json.dumps(value), text_of({**TASK, "fields": value}), text_of({**TASK, "returns": value})):
        try:
            assert isinstance(read_catalogue(text), Catalogue)
        except BadRecord:
            continue
