"""What is an identifier, to the character, and what only looks a little like one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pipelines.identifiers import find_identifiers, replaced
from schemas.catalog.tasks import TASKS
from schemas.tools import canonical_json
from serving.shop import InMemoryShop
from serving.task_answers import configuration
from serving.task_search import search

TOKEN = "0123456789abcdef0123456789abcdef"


def shown(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find_identifiers(text)]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("Mail Ann.Lee+x@Mail.Corp-1.co.uk.", "email", "Ann.Lee+x@Mail.Corp-1.co.uk"),
        ("<mailto:été@exämple.de>", "email", "été@exämple.de"),
        (r"DOMAIN\ann@corp.com", "email", "ann@corp.com"),
        (r'{"to":"\nann@corp.com"}', "email", "ann@corp.com"),
        ("{{ name }}ann@corp.com", "email", "ann@corp.com"),
        ("owner@my-store.myshopify.com", "email", "owner@my-store.myshopify.com"),
        ("call +1 (415) 555-0100, please", "phone", "+1 (415) 555-0100"),
        ("tel:+4915112345678", "phone", "+4915112345678"),
        ("+44 20 7946 0958.", "phone", "+44 20 7946 0958"),
        ("415-555-0100", "phone", "415-555-0100"),
        ("(415) 555 0100", "phone", "(415) 555 0100"),
        ("1.415.555.0100", "phone", "1.415.555.0100"),
        ("415 555 0100", "phone", "415 555 0100"),
        ("0171 1234567", "phone", "0171 1234567"),
        ("06 12 34 56 78", "phone", "06 12 34 56 78"),
        ("phone: 5551234567", "phone", "5551234567"),
        ("call me at 5551234567", "phone", "5551234567"),
        ("https://bob:p@ss@host.com/x", "credentials", "bob:p@ss"),
        ("postgres://user:secret@db:5432/x", "credentials", "user:secret"),
        ("https://h.com/x?a=1&access_token=abc.def&b=2", "query", "abc.def"),
        ("https://h.com/x?X-Amz-Signature=abc", "query", "abc"),
        (f"shpat_{TOKEN}", "token", TOKEN),
        (f"Basic shpss_{TOKEN} there", "token", TOKEN),
        ("sk_live_" + "aB3" * 8, "token", "aB3" * 8),
        ("ghp_" + "aB3" * 12, "token", "aB3" * 12),
        ("AKIAIOSFODNN7EXAMPLE", "token", "AKIAIOSFODNN7EXAMPLE"),
        ("Authorization: Bearer abc.def-1234567", "token", "abc.def-1234567"),
        ("Basic dXNlcjpwYXNzd29yZA==", "token", "dXNlcjpwYXNzd29yZA=="),
        ("https://hooks.slack.com/services/T0/B0/abc1", "webhook", "T0/B0/abc1"),
        ("see my-store.myshopify.com now", "shop", "my-store.myshopify.com"),
        ("https://admin.shopify.com/store/my-store/orders", "handle", "my-store"),
        ("gid://shopify/Order/4321 and", "gid://shopify/Order/", "4321"),
        ("gid://shopify/InventoryLevel/1?item_id=2", "gid://shopify/InventoryLevel/", "1?item_id=2"),
        ("from 192.168.10.1.", "ip4", "192.168.10.1"),
        ("at 2001:db8::1, or", "ip6", "2001:db8::1"),
        ("fe80::1ff:fe23:4567:890a", "ip6", "fe80::1ff:fe23:4567:890a"),
        ("4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
        ("2026 4111-1111-1111-1111", "card", "4111-1111-1111-1111"),
        ("3782 822463 10005", "card", "3782 822463 10005"),
        ("5555555555554444", "card", "5555555555554444"),
        ("DE89 3704 0044 0532 0130 00 PLEASE", "iban", "DE89 3704 0044 0532 0130 00"),
        ("GB82WEST12345698765432", "iban", "GB82WEST12345698765432"),
    ],
)  # fmt: skip
def test_it_is_found_to_the_character(text: str, kind: str, found: str) -> None:
    assert shown(text) == [(kind, found)]


@pytest.mark.parametrize(
    "text",
    [
        "order.totalPrice > 1,234.56",
        "$1234567890.00 or 12.345.678,90 EUR",
        "2026-11-22T08:30:00+02:00",
        "2026-11-22 08:30:00 +0200",
        "09/12/2026 10:30, 09-12-2026 10:30, 22.11.2026",
        "created_at:<='2026-01-01' AND total:>1000000",
        "{{ order.email | append: '@corp.com' }}",
        "{{customer.email}}@{{shop.domain}}",
        "https://h.com/?token={{ order.token }}&page=2",
        "@order_created\ndef tag(order):",
        "@scheduled(every='day', at='17:00', starting='2022-07-19')",
        "shopify::flow::condition, add::cafe, ::1",
        "SKU ABC-123-4567-89, 4006381333931, 012345678905",
        "order 5678901234567, #1001, #1234-567-8901",
        "4111 1111 1111 1112",
        "DE88370400440532013000",
        "GB82WEST1234569876543",
        "XX82WEST12345698765432",
        "550e8400-e29b-41d4-a716-446655440000",
        "task_configuration_0, workflow-12, call_1_0",
        "Flow 1.2.3, 999.1.1.300, v1.2.3.4",
        "Basic subscription, bearer of good news",
        "skip sk-learn and risk_level, the shp_file",
        "gid://shopify/Order/{{ order.id }}, gid://shopify/TaxonomyCategory/aa-1-2",
        "shopify.com, myshopify.com, admin.shopify.com/store/",
        "email_1@redacted.invalid shop-2.redacted.invalid redacted_3 +0-000-000-0004 0000-0000-0000-0005",
        "https://redacted_1@host.com?token=redacted_2 shpat_redacted_3 Bearer redacted_4",
        "",
    ],
)
def test_it_only_looks_like_one(text: str) -> None:
    assert shown(text) == []


def test_nothing_that_our_tools_say_is_an_identifier() -> None:
    said = [
        canonical_json([configuration(task.id, (*task.versions, "1")[0]), search(task.label, InMemoryShop())])
        for task in TASKS.values()
    ]
    assert len(said) > 100
    assert [found for text in said if (found := shown(text))] == []


def test_spellings_of_one_identifier_have_one_key() -> None:
    spelled = [
        "Ann@Corp.com ann@corp.COM",
        "4111 1111 1111 1111, 4111111111111111",
        "+1 (415) 555-0100, +1 415 555 0100",
        "de89370400440532013000; DE89 3704 0044 0532 0130 00",
        "2001:DB8::1, 2001:db8:0::1",
    ]
    for text in spelled:
        found = find_identifiers(text)
        assert len(found) == 2
        assert len({(one.kind, one.key) for one in found}) == 1


def test_neighbours_are_found_in_order_and_replaced_in_place() -> None:
    text = "a@b.co,+1 415 555 0100 4111 1111 1111 1111 10.0.0.1 c@d.co"
    found = find_identifiers(text)
    assert [one.kind for one in found] == ["email", "phone", "card", "ip4", "email"]
    assert replaced(text, ((one, one.kind) for one in found)) == "email,phone card ip4 email"


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "1", "1 ", "a.b", "@", "a@", "a@b.co ", "+1", "://", "?token", "ab:", r"\n", "1.1.", "DE12 "),
        *("A-", "A'", "token ", "://hook.", "hook.", "Rua A ", "Am A", "12 A ", "1Z ", "(0", "〒111-1111"),
        *("eyJaaaaaaaa.", "(415) ", "phone ", "?key=1", "://a@", "sk-a", "bearer a"),
    ],
)
def test_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    """A pattern that looked back over a run from each of its characters would be here for hours."""
    found = find_identifiers(unit * (200_000 // len(unit)))
    assert all(one.end <= other.start for one, other in pairwise(found))
