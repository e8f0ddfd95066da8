from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.erasure.spellings import Spellings
from pipelines.erasure.subjects import CONVERSATION, SHOP, Subject

SHOP_ID = "plinth/otter-4711"
SHOPS = Spellings([Subject(SHOP, SHOP_ID)])
CONVERSATIONS = Spellings([Subject(CONVERSATION, "c10001")])
SHORT = Spellings([Subject(SHOP, "7")])

NAMED = [
    SHOP_ID.encode(),
    json.dumps({"shop_id": SHOP_ID}).encode(),
    json.dumps(json.dumps({"a": f"\n{SHOP_ID}"})).encode(),
    b"https://x/?shop=" + quote(SHOP_ID, safe="").encode() + b"&y",
    b"gid%3A%2F%2Fshopify%2FShop%2F" + quote(SHOP_ID, safe="").encode(),
    f"gid://shopify/Shop/{SHOP_ID}".encode().replace(b"/", rb"\/"),
    f"{SHOP_ID}.myshopify.com".encode(),
    base64.b64encode(f"gid://shopify/Shop/{SHOP_ID}".encode()),
    *(base64.b64encode(b"x" * shift + SHOP_ID.encode() + b"tail") for shift in range(3)),
]
NOT_NAMED = [
    b"plinth/otter-471",
    f"{SHOP_ID}1".encode(),
    f"a{SHOP_ID}".encode(),
    f"my-{SHOP_ID}".encode(),
    b"",
]


def found(spellings: Spellings, raw: bytes) -> bool:
    """The same by Python and by RE2, on bytes."""
    one = spellings.pattern.search(raw) is not None
    assert pc.match_substring_regex(pa.array([raw]), spellings.text)[0].as_py() == one
    return one


@pytest.mark.parametrize("raw", NAMED)
def test_an_id_is_found_however_it_is_spelled(raw: bytes) -> None:
    assert found(SHOPS, raw)


@pytest.mark.parametrize("raw", NOT_NAMED)
def test_a_part_of_a_longer_id_is_not_the_id(raw: bytes) -> None:
    assert not found(SHOPS, raw)


def test_a_conversation_is_found_in_its_events() -> None:
    assert found(CONVERSATIONS, b'"event_id":"c10001-12"')
    assert not found(CONVERSATIONS, b'"event_id":"c10001-a"')
    assert not found(CONVERSATIONS, b'"event_id":"c100012"')


def test_a_short_id_counts_only_where_a_key_says_what_it_is() -> None:
    line = {"shop_id": "7", "sequence": 7}
    assert found(SHORT, json.dumps(line).encode())
    assert found(SHORT, json.dumps(json.dumps(line)).encode())
    assert found(SHORT, b'{"shop_id":7,')
    assert found(SHORT, b"gid://shopify/Shop/7")
    for raw in (b'{"shop_id":"77"}', b'"sequence":7', b"7", b"gid://shopify/Order/7", b'"shop_id":"1","n":7'):
        assert not found(SHORT, raw)


def test_what_is_printed_names_nobody() -> None:
    assert (
        SHOPS.masked(f"in /data/{quote(SHOP_ID, safe='')} and {SHOP_ID}") == "in /data/[erased] and [erased]"
    )
