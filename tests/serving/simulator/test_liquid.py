"""Flow's Liquid: what real texts print, and that every text ends in a text or in one kind of error."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.simulator.liquid import render
from serving.simulator.trace import Limits, SimulationError

NOW = datetime(2026, 11, 2, 9, 5, 7, tzinfo=UTC)
ENVIRONMENT = {
    "order": {
        "name": "#1001",
        "totalPrice": "500.00",
        "createdAt": "2026-10-30T12:00:00Z",
        "tags": ["VIP", "new"],
        "cancelledAt": None,
        "test": True,
        "customer": {"id": "gid://shopify/Customer/1", "email": "ada@example.com"},
        "lineItems": [
            {"title": "Mug", "quantity": 2, "product": {"tags": ["x", "y"]}},
            {"title": "Lamp", "quantity": 1, "product": {"tags": ["z"]}},
            {"title": None, "quantity": 4, "product": None},
        ],
    },
    "product": {"collections": [{"handle": "for_home"}]},
    "scheduledAt": "2026-11-02T00:00:00Z",
    "nothing": [],
}


def printed(text: str, limits: Limits = Limits()) -> str:
    return render(text, ENVIRONMENT, now=NOW, limits=limits)


def refusal(text: str, limits: Limits = Limits()) -> SimulationError:
    with pytest.raises(SimulationError) as caught:
        printed(text, limits)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Order {{order.name}}!", "Order #1001!"),
        ("{{ order.nope.deeper }}|{{ nobody }}|{{ order.cancelledAt }}", "||"),
        ("{{ order.lineItems.title | size }}", "3"),
        ("{{ order.lineItems.product.tags | compact | join: ',' }}", "x,y,z"),
        ("{{ order.lineItems.title | join: '-' }}", "Mug-Lamp-"),
        (
            "{% for i in order.lineItems %}{{ i.quantity }}{% unless forloop.last %},{% endunless %}"
            "{% endfor %}",
            "2,1,4",
        ),
        ("{% for i in nothing %}x{% else %}none{% endfor %}{{ nothing.first }}{{ nothing | first }}", "none"),
        ("{{ order.tags }}|{{ order.test }}|{{ order.test | append: '!' }}", "VIPnew|true|true!"),
        ("{% if order.tags contains 'VIP' %}yes{% endif %}", "yes"),
        ("{% case order.name %}{% when '#1001' %}one{% else %}other{% endcase %}", "one"),
        ("{% capture who %}{{ order.customer.email | upcase }}{% endcapture %}{{ who }}", "ADA@EXAMPLE.COM"),
        ("{{ order.customer }}", '{"email":"ada@example.com","id":"gid://shopify/Customer/1"}'),
        ("{% assign c = product.collections | first %}{{ c.handle | replace: '_', '/' }}", "for/home"),
        ("{{ order.lineItems[0].title }}{{ order['name'] }}", "Mug#1001"),
        ("{{ secrets.api_key }}", "[secret:api_key]"),
        ("{% raw %}{{ x }}{% endraw %}{% # remark %}", "{{ x }}"),
        ("no Liquid, 100% }}", "no Liquid, 100% }}"),
        ("{{ order.lineItems | map: 'title' | sort | join: ',' }}", "Lamp,Mug,"),
        ("{{ 'a,b,a' | split: ',' | uniq | size }}{{ order.lineItems | uniq: 'title' | size }}", "23"),
        ("{{ '<script>bad</script><b>good</b> 1 < 2' | strip_html }}", "good 1 < 2"),
        (
            "{{ order.customer | json }}{{ nobody | json }}",
            '{"email":"ada@example.com","id":"gid://shopify/Customer/1"}null',
        ),
    ],
)
def test_texts_are_filled_in(text: str, expected: str) -> None:
    assert printed(text) == expected


def test_a_money_text_counts_in_arithmetic_and_is_no_number_in_a_comparison() -> None:
    assert (
        printed("{{ order.totalPrice | plus: 10 }} {{ order.totalPrice | times: 0.1 | round: 2 }}")
        == "510.0 50.0"
    )
    assert printed("{% assign p = order.totalPrice | plus: 0 %}{% if p > 100 %}y{% endif %}") == "y"
    for operator in (">", "<"):
        for condition in (f"order.totalPrice {operator} 100", f"100.5 {operator} order.totalPrice"):
            found = refusal(f"\n{{% if {condition} %}}y{{% endif %}}")
            assert found.code == "LIQUID_ERROR"
            assert found.message.startswith("line 2: a text is compared with a number; an amount ")
            assert "plus: 0" in found.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ scheduledAt | date_minus: "2 days" }}', "2026-10-31T00:00:00Z"),
        ("{{ scheduledAt | date_minus: '1 week' }}", "2026-10-26T00:00:00Z"),
        ("{{ '2026-03-31' | date_minus: '1 month' }}", "2026-02-28T00:00:00Z"),
        ("{{ '2024-02-29' | date_plus: '1 year' }}", "2025-02-28T00:00:00Z"),
        ("{{ scheduledAt | date_plus: '1 day and 3 hours' }}", "2026-11-03T03:00:00Z"),
        ("{{ 'now' | date_plus: '2 days' | date: '%Y-%m-%d' }}", "2026-11-04"),
        ("{{ 'now' | date: '%s' | plus: 172800 | date: '%Y-%m-%dT%H:%M:%SZ' }}", "2026-11-04T09:05:07Z"),
        ("{{ order.createdAt | date: '%Y%m%d' | plus: 0 }}", "20261030"),
        ("{{ order.createdAt | date: '%A, %-d %B %Y, %l:%M %P' }}", "Friday, 30 October 2026, 12:00 pm"),
        ("{{ 'November 2, 2026' | date: '%F %:z' }} {{ now | date: '%T' }}", "2026-11-02 +00:00 09:05:07"),
        ("{{ 'soon' | date: '%Y' }}{{ nobody | date: '%Y' }}{{ nobody | date_minus: '1 day' }}", "soon"),
    ],
)
def test_dates_are_the_runs_and_not_the_machines(text: str, expected: str) -> None:
    assert printed(text) == expected


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        # RFC 1321, RFC 3174, FIPS 180, the BLAKE3 paper's empty and RFC 2202's and 4231's test values
        ("md5", "'abc'", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "'abc'", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", "'abc'", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("blake3", "''", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        ("hmac_sha1: 'Jefe'", "'what do ya want for nothing?'", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            "hmac_sha256: 'Jefe'",
            "'what do ya want for nothing?'",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
    ],
)
def test_hashes_are_the_published_ones(name: str, argument: str, expected: str) -> None:
    assert printed(f"{{{{ {argument} | {name} }}}}") == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb {{ order.name", 2),
        ("{% if x %}\n\n", 3),
        ("\n\n{% raw %}", 3),
        ("x\n{% nonsense %}", 2),
        ("{% include 'secret' %}", 1),
        ("{% render 'secret' %}", 1),
        ("\n{{ 'a' 'b' }}", 2),
        ("{% for %}{% endfor %}", 1),
    ],
)
def test_broken_liquid_is_refused_with_its_line(text: str, line: int) -> None:
    found = refusal(text)
    assert (found.code, found.message.partition(":")[0]) == ("LIQUID_SYNTAX", f"line {line}")


def test_tags_that_read_other_templates_are_not_there() -> None:
    for tag in ("include", "render", "layout"):
        assert refusal(f"{{% {tag} 'secret' %}}").message == f"line 1: unexpected tag '{tag}'"


@pytest.mark.parametrize(
    "text",
    [
        "\n{{ 'x' | no_such_filter }}",
        "\n{{ 5 | divided_by: 0 }}",
        "\n{{ scheduledAt | date_plus: 'a while' }}",
        "\n{{ scheduledAt | date_plus: '9999 years' }}",
        "\n{{ 'soon' | date_minus: '1 day' }}",
        "\n{{ 'a' | append }}",
        "\n{% break %}",
    ],
)
def test_what_cannot_be_done_is_an_error_with_its_line(text: str) -> None:
    found = refusal(text)
    assert (found.code, found.message[:7]) == ("LIQUID_ERROR", "line 2:")


DOUBLED = "{% for i in (1..200) %}{% assign s = s | REPEAT %}{% endfor %}"
HOSTILE = {
    "range": "{% for i in (1..1000000000) %}x{% endfor %}",
    "range reversed": "{% for i in (1..1000000000) reversed %}x{% endfor %}",
    "range by a variable": "{% assign n = 1000000000 %}{% for i in (1..n) %}x{% endfor %}",
    "range joined": "{% assign r = (1..1000000000) %}{{ r | join: ',' }}",
    "range searched": "{% if (1..1000000000) contains 'x' %}{% endif %}",
    "nested": "{% for i in (1..10000) %}" * 3 + "x" + "{% endfor %}" * 3,
    "tablerow": "{% for i in (1..10000) %}{% tablerow j in (1..10000) %}{% endtablerow %}{% endfor %}",
    "append": "{% assign s = 'aaaa' %}" + DOUBLED.replace("REPEAT", "append: s"),
    "replace": "{% assign s = 'aaaa' %}" + DOUBLED.replace("REPEAT", "replace: 'a', 'aaaaaaaa'"),
    "capture": "{% assign s = 'aaaa' %}{% for i in (1..99) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}"
    "{% endfor %}",
    "concat": "{% assign s = 'a,b' | split: ',' %}" + DOUBLED.replace("REPEAT", "concat: s"),
    "join": "{% assign s = 'a,b' | split: ',' %}{% for i in (1..14) %}{% assign s = s | concat: s %}"
    "{% endfor %}"
    "{{ s | join: '" + "x" * 1000 + "' | size }}",
    "power": "{% assign s = 9 %}" + DOUBLED.replace("REPEAT", "times: s"),
    "wide loop": "{% for i in (1..10000) %}" + "{{ i }}" * 2000 + "{% endfor %}",
    "idle loop": "{% for i in (1..10000) %}" + "{% if 1 %}{% endif %}" * 2000 + "{% endfor %}",
    "search": "{% for i in (1..10000) %}{% if '" + "a" * 90_000 + "' contains 'ab' %}{% endif %}{% endfor %}",
    "deep blocks": "{% if 1 %}" * 9000 + "{% endif %}" * 2000,
    "long condition": "{% if " + " and ".join(["a"] * 20_000) + " %}x{% endif %}",
    "brackets": "{{ " + "[" * 50_000 + " }}",
    "openers": "{{ " * 40_000,
    "openers in a comment": "{% comment %}" + "{{ " * 40_000,
    "raw blocks": "{% raw %}" * 14_000,
    "blanks": "{{" + " " * 130_000 + "}}",
    "long": "{{ order.name }}" * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_has_no_end_is_stopped(name: str) -> None:
    start = time.process_time()
    found = refusal(HOSTILE[name])
    assert found.code in ("LIQUID_LIMIT", "LIQUID_SYNTAX")
    assert time.process_time() - start < 8  # a second here; without a bound it is minutes, or all memory
    assert printed("{{ order.name }}") == "#1001"


LARGE = {f"field{number}": "x" * 20 for number in range(3_000)}
KEPT = {"o": LARGE, "same": dict(LARGE), "l": [LARGE] * 3, "other": [dict(LARGE)]}


@pytest.mark.parametrize(
    "text",
    [
        "{{ o | truncate: 5 }}",
        "{{ o | md5 }}",
        "{{ '' | append: o | size }}",
        "{% assign s = o | json | size %}",
        "{% assign s = l | uniq %}",
        "{% assign s = l | join: '' | size %}",
        "{% assign s = l | sort_natural %}",
        "{% assign s = l | map: o %}",
        "{% assign s = l | where: 'field1', o %}",
        "{% if o == same %}{% endif %}",
        "{% if o != same %}{% endif %}",
        "{% if other contains o %}{% endif %}",
        "{% if 'x' contains o %}{% endif %}",
        "{% case o %}{% when same %}{% endcase %}",
        "{% unless o == same %}{% endunless %}",
    ],
)
def test_an_object_costs_all_that_it_holds(text: str) -> None:
    def times(number: int) -> str:
        loop = f"{{% for i in (1..{number}) %}}{text}{{% endfor %}}"
        return render(loop, KEPT, now=NOW, limits=Limits())

    times(2)
    with pytest.raises(SimulationError) as caught:
        times(200)
    assert caught.value.code == "LIQUID_LIMIT"


def test_a_list_that_holds_one_object_many_times_is_as_long_as_it_would_print() -> None:
    doubled = "{% assign l = l | concat: l %}" * 12
    assert render(doubled + "{{ l | size }}", KEPT, now=NOW, limits=Limits()) == "12288"
    for ending in ("{{ l }}", "{{ l | md5 }}"):
        with pytest.raises(SimulationError) as caught:
            render(doubled + ending, KEPT, now=NOW, limits=Limits())
        assert caught.value.code == "LIQUID_LIMIT"


def test_the_limits_are_the_callers() -> None:
    few = Limits(liquid_iterations=3, text=10)
    assert printed("{% for i in (1..3) %}{{ i }}{% endfor %}", few) == "123"
    assert refusal("{% for i in (1..4) %}{{ i }}{% endfor %}", few).code == "LIQUID_LIMIT"
    loops = "{% for a in order.tags %}{% endfor %}" * 2
    assert refusal(loops, few).message == "more than 3 turns of loops"
    assert refusal("12345678901", few).code == "LIQUID_LIMIT"
    assert refusal("{{ '12345678901' }}", few).code == "LIQUID_LIMIT"


def test_turns_that_a_break_leaves_out_do_not_count() -> None:
    few = Limits(liquid_iterations=4)
    assert printed("{% for i in (1..4) %}{% break %}{% endfor %}" * 4, few) == ""


PIECES = [
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "-",
        " ",
        "\n",
        "'",
        '"',
        "|",
        ":",
        ",",
        ".",
        "[",
        "]",
        "(",
        ")",
        "0",
        "9",
        "é",
    ),
    *(
        "order",
        "order.lineItems",
        "order.tags",
        "nothing",
        "i",
        "now",
        "secrets.x",
        "nil",
        "forloop",
        "(1..3)",
    ),
    *(
        "for i in ",
        "endfor",
        "if ",
        "endif",
        "else",
        "assign i = ",
        "capture i",
        "endcapture",
        "case ",
        "when ",
    ),
    *(
        "tablerow i in ",
        "endtablerow",
        "cycle ",
        "liquid ",
        "echo ",
        "raw",
        "endraw",
        "comment",
        "endcomment",
    ),
    *(
        " contains ",
        " == ",
        " > ",
        " and ",
        "| size",
        "| first",
        "| join",
        "| plus: 1",
        "| date: '%s'",
        "| json",
    ),
    *(
        "| date_minus: '1 day'",
        "| sort",
        "| uniq",
        "| map: 'title'",
        "| where: 'a'",
        "| split: ''",
        "| slice: 1",
    ),
    *(
        "| times: i",
        "| append: i",
        "| replace: 'a', i",
        "| strip_html",
        "| md5",
        "| sum",
        "| concat: order.tags",
    ),
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.lists(st.sampled_from(PIECES[20:]), max_size=6).map(lambda parts: "{{ " + " ".join(parts) + " }}"),
    st.lists(st.sampled_from(PIECES[20:]), max_size=6).map(lambda parts: "{% " + " ".join(parts) + " %}"),
)


@given(text=st.lists(TEXTS, min_size=1, max_size=4).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_text_or_one_kind_of_error(text: str) -> None:
    code, message = outcome(text)
    assert code in ("", "LIQUID_SYNTAX", "LIQUID_ERROR", "LIQUID_LIMIT")
    assert isinstance(message, str)
    assert not code or len(message) < 400


def outcome(text: str) -> tuple[str, str]:
    try:
        return "", printed(text)
    except SimulationError as error:
        return error.code, error.message
