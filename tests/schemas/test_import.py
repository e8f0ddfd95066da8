"""Answers of the real tools: what is read of them, and what they make of a catalogue with guesses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalog.answers import read_answers
from schemas.catalog.catalogue import UNCONFIRMED, Catalogue
from schemas.catalog.merging import Merged, merge
from schemas.catalog.reading import read_catalogue
from schemas.catalog.tasks import SHIPPED

PAID = "shopify::admin::order_paid"
ARCHIVE = "shopify::admin::archive_order"


def summary(task_id: str, **more: Any) -> dict[str, Any]:
    told = {
        "id": task_id,
        "version": "0.2",
        "label": "A task of its own",
        "description": "What it does.",
        "task_type": "ACTION",
        "connector_id": "admin",
        "installed": True,
        "publisher": "shopify",
    }
    return {**told, **more}


def field(field_id: str, **more: Any) -> dict[str, Any]:
    told = {
        "id": field_id,
        "label": "A label",
        "description": "A field.",
        "default_value": None,
        "validations": [],
        "possible_object_types": [],
        "supports_liquid": False,
    }
    return {**told, **more}


def configured(task_id: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = {
        "id": task_id,
        "version": "0.2",
        "task_type": "ACTION",
        "input_port_id": "input",
        "output_port_ids": ["output"],
        "config_fields": list(fields),
        "return_fields": [],
    }
    return {**told, **more}


def searched(*summaries: dict[str, Any], tool: str = "task_search") -> dict[str, Any]:
    return {"ok": True, "tool": tool, "data": {"tasks": {"a query": list(summaries)}}}


def looked_up(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "tool": "task_configuration", "data": {"tasks": list(tasks)}}


def merged(*answers: object, base: Catalogue | None = None) -> Merged:
    read = [read_answers(json.dumps(answer)) for answer in answers]
    assert [each.malformed + each.unknown for each in read] == [[] for _ in read]
    return merge(base or SHIPPED, read)


# -- reading --------------------------------------------------------------------------------------------


def test_one_answer_and_a_list_of_answers_are_read() -> None:
    one = searched(summary(PAID))
    assert [each.id for each in read_answers(json.dumps(one)).found] == [PAID]
    both = read_answers(json.dumps([one, looked_up(configured(ARCHIVE))]))
    assert [each.id for each in both.found] == [PAID]
    assert [each.id for each in both.configured] == [ARCHIVE]
    inside = read_answers(json.dumps(searched(summary(PAID), tool="flow_app_agent_task_search")))
    assert [each.id for each in inside.found] == [PAID]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (7, "must be an object"),
        ({}, "lacks 'ok'"),
        ({"ok": True, "tool": "shopifyql", "data": {}}, "at tool: must be task_search or"),
        ({"ok": False, "tool": "task_search", "data": {}}, "the tool answered that it failed"),
        ({"ok": True, "tool": "task_search", "data": {}}, "at data: lacks 'tasks'"),
        ({"ok": True, "tool": "task_search", "data": {"tasks": []}}, "must be an object of queries"),
        ({"ok": True, "tool": "task_configuration", "data": {"tasks": {}}}, "must be a list"),
        (searched(summary(PAID, task_type="LOOP")), "data.tasks[0][0].task_type: must be ACTION or"),
        (searched(summary(PAID, label=None)), "data.tasks[0][0].label: must be a text"),
        (looked_up(configured(PAID, task_type=None)), "data.tasks[0].task_type: must be ACTION or"),
        (looked_up(configured(PAID, {"id": 7})), "data.tasks[0].config_fields[0].id: must be a text"),
        (looked_up(configured(PAID, return_fields=[7])), "data.tasks[0].return_fields[0]: must be an object"),
    ],
)
def test_what_is_malformed_is_named_and_stops_nothing(answer: object, said: str) -> None:
    read = read_answers(json.dumps([answer, searched(summary(ARCHIVE))]))
    assert len(read.malformed) == 1
    assert said.removeprefix("at ") in read.malformed[0]
    assert [each.id for each in read.found] == [ARCHIVE]
    assert read.configured == []


def test_one_bad_task_does_not_take_its_neighbours_along() -> None:
    read = read_answers(json.dumps(looked_up(configured(PAID), {}, configured(ARCHIVE))))
    assert [each.id for each in read.configured] == [PAID, ARCHIVE]
    assert read.malformed == ["data.tasks[1]: lacks 'id'"]


def test_a_key_that_nobody_knows_is_named_and_what_is_around_it_is_used() -> None:
    read = read_answers(json.dumps(looked_up(configured(PAID, field("a", colour="red"), flavour=1))))
    assert read.unknown == ["data.tasks[0].flavour", "data.tasks[0].config_fields[0].colour"]
    assert read.malformed == []
    assert [each.id for each in read.configured[0].fields] == ["a"]


@pytest.mark.parametrize("text", ["", "junk", "[" * 100_000, '"\\ud800"', '{"a":1,"a":2}'])
def test_what_is_no_json_is_malformed(text: str) -> None:
    read = read_answers(text)
    assert len(read.malformed) == 1
    assert read.found == read.configured == []


def test_our_own_answers_about_guesses_confirm_nothing() -> None:
    ours = searched(
        summary(PAID, description=f"{UNCONFIRMED} Starts when it is paid."),
        summary("", id=None, version=None),
    )
    told = looked_up(configured(ARCHIVE, config_instructions=f"{UNCONFIRMED} Python: archive_order()."))
    read = [read_answers(json.dumps(answer)) for answer in (ours, told)]
    assert [each.found or each.configured or each.malformed for each in read] == [[], []]
    assert merge(SHIPPED, read).catalogue.fingerprint() == SHIPPED.fingerprint()


@pytest.mark.parametrize(
    ("validation", "part", "expected"),
    [
        ({"id": "Includes", "options": ["a", "b"]}, "allowed", ("a", "b")),
        ({"id": "Includes", "options": {"values": ["a"]}}, "allowed", ("a",)),
        ({"id": "Range", "options": {"minimum": 1, "maximum": 9}}, "maximum", 9),
        ({"id": "Range", "options": {"min": 0}}, "minimum", 0),
        ({"id": "MatchesPattern", "options": "^a$"}, "pattern", "^a$"),
        ({"id": "MatchesPattern", "options": {"pattern": "^a$"}}, "pattern", "^a$"),
        ({"id": "MatchesPattern", "options": {"pattern": "x", "subfield": "value"}}, "wrapped", True),
        ({"id": "MatchesPattern", "options": "x", "subfield": "value"}, "wrapped", True),
    ],
)
def test_a_validation_becomes_part_of_its_field(validation: object, part: str, expected: object) -> None:
    read = read_answers(json.dumps(looked_up(configured(PAID, field("a", validations=[validation])))))
    assert read.unknown == []
    assert getattr(read.configured[0].fields[0], part) == expected


@pytest.mark.parametrize(
    "validation",
    [{"id": "Includes", "options": [1]}, {"id": "Range", "options": "1-9"}, {"id": "Sings", "options": None}],
)
def test_a_validation_that_cannot_be_read_is_named(validation: object) -> None:
    read = read_answers(json.dumps(looked_up(configured(PAID, field("a", validations=[validation])))))
    assert read.unknown == ["data.tasks[0].config_fields[0].validations[0]"]
    assert [each.id for each in read.configured[0].fields] == ["a"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "version", "validations", "options"]), inner, max_size=3)
    ),
    max_leaves=6,
)


FEW = Catalogue({task_id: SHIPPED.tasks[task_id] for task_id in (PAID, ARCHIVE)}, SHIPPED.unidentified)


@settings(deadline=None)
@given(JSON, st.sampled_from([*summary(PAID), *configured(PAID), *field("a"), "ok", "tool", "data", "tasks"]))
def test_nothing_that_an_answer_holds_is_an_exception(value: Any, key: str) -> None:
    whole = [
        {**searched(summary(PAID, **{key: value})), key: value},
        searched(summary(PAID, **{key: value})),
        looked_up(configured(PAID, field("a", **{key: value}))),
        looked_up(configured(PAID, **{key: value})),
    ]
    catalogue = merge(FEW, [read_answers(json.dumps(answer)) for answer in whole]).catalogue
    assert read_catalogue(catalogue.to_json()).fingerprint() == catalogue.fingerprint()


# -- merging --------------------------------------------------------------------------------------------


def test_nothing_answered_is_the_catalogue_that_was_there() -> None:
    assert merge(SHIPPED, []).catalogue.fingerprint() == SHIPPED.fingerprint()


def test_a_guess_that_is_answered_is_confirmed_where_it_stood() -> None:
    found = merged(
        searched(summary(ARCHIVE, label="Archive order")),
        looked_up(configured(ARCHIVE, field("order_id", possible_object_types=["Order"]))),
    )
    task = found.catalogue.tasks[ARCHIVE]
    assert (found.confirmed, found.contradicted, found.added, found.updated) == (1, 0, 0, 0)
    assert list(found.catalogue.tasks) == list(SHIPPED.tasks)
    assert (task.known, task.versions, task.description) == (True, ("0.2",), "What it does.")
    (only,) = task.config_fields.values()
    assert (only.known, only.type, only.wrapped, only.object_types) == (
        True,
        "CommerceObject",
        True,
        ("Order",),
    )


def test_a_guess_confirmed_by_a_search_alone_keeps_its_fields_as_guesses() -> None:
    task = merged(searched(summary(ARCHIVE))).catalogue.tasks[ARCHIVE]
    assert task.known
    assert [(each.id, each.known) for each in task.config_fields.values()] == [("order_id", False)]


def test_a_guess_whose_label_has_another_id_is_replaced_where_it_stood() -> None:
    real = "shopify::admin::archived_order"
    found = merged(searched(summary(real, label="archive Order")))
    assert (found.confirmed, found.contradicted, found.added) == (0, 1, 1)
    assert ARCHIVE not in found.catalogue.tasks
    assert list(found.catalogue.tasks).index(real) == list(SHIPPED.tasks).index(ARCHIVE)
    assert found.catalogue.tasks[real].known


def test_an_apps_task_of_the_same_label_contradicts_no_guess() -> None:
    found = merged(searched(summary("22222222-2222-3333-4444-555555555555", label="Archive order")))
    assert (found.contradicted, found.added) == (0, 1)
    assert not found.catalogue.tasks[ARCHIVE].known


def test_a_guess_that_the_tool_has_never_heard_of_goes() -> None:
    gone = {"id": ARCHIVE, "version": "0.1", "error": {"code": "TASK_NOT_FOUND", "message": "no"}}
    seen = {**gone, "id": "shopify::admin::order_created"}
    found = merged(looked_up(gone, seen))
    assert (found.contradicted, found.confirmed) == (1, 0)
    assert ARCHIVE not in found.catalogue.tasks
    assert "shopify::admin::order_created" in found.catalogue.tasks


def test_a_new_task_comes_last_and_its_fields_get_types_by_name() -> None:
    app = "11111111-2222-3333-4444-555555555555"
    answer = looked_up(
        configured(
            app,
            field("order_id"),
            field("tags"),
            field("metafield"),
            field("channel", supports_liquid=True, default_value="general"),
            field("mode", validations=[{"id": "Includes", "options": ["a", "b"]}]),
            return_fields=[{"name": "posted", "type": "[Order!]!"}],
        )
    )
    found = merged(answer)
    task = found.catalogue.tasks[app]
    assert list(found.catalogue.tasks)[-1] == app
    assert (found.added, task.publisher, task.connector) == (1, "non-shopify-app", "")
    assert [each.type for each in task.config_fields.values()] == [
        "CommerceObject",
        "Array",
        "Metafield",
        "Text",
        "Enum",
    ]
    assert (task.config_fields["channel"].default, task.config_fields["channel"].liquid) == ("general", True)
    assert task.returns == {"posted": "[Order]"}


def test_a_task_that_was_seen_keeps_what_no_answer_says() -> None:
    answer = looked_up(
        configured("shopify::admin::add_order_tags", field("order_id"), field("tags"), version="0.1")
    )
    found = merged(answer)
    task, before = (each.tasks["shopify::admin::add_order_tags"] for each in (found.catalogue, SHIPPED))
    assert found.updated == 1
    assert task.fields == before.fields
    assert all(each.required for each in task.config_fields.values())
    assert task.config_fields["tags"].description == "A field."
    orders = merged(looked_up(configured("shopify::flow::fetch::orders", version="v1"))).catalogue
    assert orders.tasks["shopify::flow::fetch::orders"].returns == {"getOrderData": "[Order]"}


def test_versions_are_merged_and_each_keeps_its_fields() -> None:
    task_id = "shopify::admin::add_order_metafield"
    answer = looked_up(
        configured(task_id, field("order_id"), field("metafield"), field("kind"), version="1.1")
    )
    task = merged(answer).catalogue.tasks[task_id]
    assert task.versions == ("0.1", "1.0", "1.1")
    assert [each.id for each in task.fields_in("1.1")] == ["order_id", "metafield", "kind"]
    assert [each.id for each in task.fields_in("1.0")] == ["order_id", "metafield", "value"]
    assert {each.id for each in task.fields_in("0.1")} == {
        "order_id",
        "namespace",
        "key",
        "value",
        "value_type",
    }
    again = merged(answer, searched(summary(task_id, version="1.0"))).catalogue.tasks[task_id]
    assert again.default_version == "1.0"


def test_an_old_version_that_is_answered_is_not_the_default() -> None:
    answer = looked_up(configured("shopify::admin::hold_fulfillment", field("order_id"), version="0.3"))
    task = merged(answer).catalogue.tasks["shopify::admin::hold_fulfillment"]
    assert task.versions == ("0.3", "0.4")
    assert [each.id for each in task.fields_in("0.3")] == ["order_id"]
    assert "reason" in [each.id for each in task.fields_in("0.4")]


def test_a_connector_without_an_id_is_identified_by_an_app_of_its_name() -> None:
    app = "11111111-2222-3333-4444-555555555555"
    found = merged(
        searched(
            summary(app, label="Send Slack message", publisher="flow-connectors", connector_id="slack"),
            summary("shopify::flow::get_metaobject", label="Get metaobject entry"),
            summary("shopify::admin::recharge", label="Recharge a gift card"),
            summary("22222222-2222-3333-4444-555555555555", label="Trellos of a garden"),
        )
    )
    assert found.identified == 2
    assert {told.label for told in SHIPPED.unidentified} - {
        told.label for told in found.catalogue.unidentified
    } == {"Slack", "Get metaobject entry"}
    assert found.catalogue.tasks[app].publisher == "flow-connectors"


def test_the_later_of_two_answers_counts() -> None:
    found = merged(searched(summary(PAID, label="One")), searched(summary(PAID, label="Two")))
    assert found.catalogue.tasks[PAID].label == "Two"
    assert found.confirmed == 1
