"""Texts of merchants and of attackers: names, notes, literals, and characters that break careless tools."""

from __future__ import annotations

from pipelines.generator.draw import Draw
from pipelines.generator.vocabulary import (
    CAPTIONS,
    CUSTOMER_TAGS,
    HOSTILE_TEXTS,
    NOTES,
    ORDER_TAGS,
    PRODUCT_TAGS,
)

__all__ = ["KEYWORDS", "NAMES", "WORDS", "any_text", "note", "word", "workflow_name"]

WORDS = (*ORDER_TAGS, *CUSTOMER_TAGS, *PRODUCT_TAGS)
NAMES = (
    "Tag high value orders", "Notify staff of low stock", "Hold risky orders", "Welcome new customers",
    "Bestellungen mit hohem Wert markieren", "Prévenir l'équipe d'un litige", "在庫が少ない商品を通知",
    "高风险订单自动标记", "Отложить заказ с высоким риском", "تنبيه الطلبات الكبيرة", "תיוג לקוחות חוזרים",
    "반품 알림", "Pedidos mayoristas → Google Sheets", "Siparişi beklet", "แจ้งเตือนสต็อกต่ำ", "ऑर्डर टैग करें",
    "Merk groothandelsorders", "Oznacz zamówienia hurtowe", "Đánh dấu đơn hàng lớn", "Ετικέτα παραγγελίας",
)  # fmt: skip
KEYWORDS = (
    "class", "from", "lambda", "None", "True", "False", "import", "def", "if", "for", "in", "not", "and",
    "or",
    "is", "pass", "print", "self", "any", "all", "task", "raw", "compare", "environment", "branch", "match",
    "type", "case", "_", "__class__", "__import__", "join_1", "item", "order_2", "unconnected", "async",
)  # fmt: skip
"""Words that mean something to Python or to the language."""

_CHARACTERS = (
    *"'\"\\{}[]()%$#@`|&<>=!?:;,.~^*/+- \t\n\r\v\f\b", "\x00", "\x01", "\x1b", "\x7f", "\x80", "\x85", "\xa0",
    "\xad", "\u0300", "\u061c", "\u200b", "\u200d", "\u200e", "\u200f", "\u2028", "\u2029", "\u202e",
    "\u2066",
    "\u2069", "\u3000", "\ud7ff", "\ue000", "\ufdd0", "\ufeff", "\ufff9", "\ufffd", "\ufffe", "\uffff",
    "\U00010000", "\U0001f600", "\U000e0001", "\U0010fffd", "\U0010ffff", "é", "ß", "İ", "ı", "ſ", "K", "Å",
    "ǅ", "ﬁ", "ª", "²", "٣", "一", "ש", "ع", "a", "Z", "0", "9", "_", "\\n", "\\u0041", "\\x", "\\'",
    '"""', "'''", "{{", "}}", "{%", "%}", "# ", "\r\n", "\\N{DASH}", "{0}", "\\\n",
)  # fmt: skip
_PLAIN = (
    "", " ", "0", "-0", "007", "1.0", "1e3", "0x10", "1_000", "true", "True", "null", "None", "undefined",
    "...",
    "NaN", "[]", "{}", "[1]", '["a"]', '{"a":1}', '"x"', "''", "# comment", "text  # not a comment", "\n",
    "a\n", "\na", '"', '"""', "'''", "\\", "ends in a backslash\\", 'ends in a quote"', "'\"'\"'",
    'r"""raw"""', "f'{x}'", "b'x'", "line\\\ncontinued", "a\n  b\n\tc\n", "tab\there", "\r", "a\r\nb",
    'two\nlines ending in """', "two\nlines ending in '", "two\n'''both'''\n\"\"\"ways\"\"\"", "\\\n\\",
    "order.id", "order", "{{ order.id }}", "{{order.id}}", "{{ order.id}}", "{{ order }}", "{% if %}",
    "environment['order']", 'task("x", "0.1")', "gid://shopify/Order/1", "(order.id == 'x')",
    "@order_created",
    "def f():\n    return 1\n", "with unconnected():\n    pass", "é" * 30, "a,b,,c", ",", " , ", "𝕏",
)  # fmt: skip
_LIQUID = (
    "{{ order.name }}", "{{ runCode.total }} of {{ runCode1.total }}", "{{ count }} rows, {{sum}} in all",
    "{% for x in order.lineItems %}{{ x.title }}{% endfor %}", "{{ getOrderData | size }}", "{{-order.id-}}",
    "{{ scheduledAt | date_minus: \"2 days\" }}", "{{ 'quoted' | append: \"both\" }}",
    "{{ secrets.api_key }}",
    "{% comment %}{{ count }}{% endcomment %}", "{% raw %}{{ x }}{% endraw %}",
    "{{ lineItemsForeachitem.id }}",
)  # fmt: skip
_LONG = (5_000, 20_000)


def word(draw: Draw) -> str:
    """A tag, a type or a short literal, as merchants type them."""
    return draw.pick(WORDS)


def note(draw: Draw) -> str:
    """A caption or a note, in one of many languages."""
    return draw.pick(NOTES if draw.chance(0.5) else CAPTIONS)


def workflow_name(draw: Draw) -> str:
    """A name as merchants give it."""
    name = draw.pick(NAMES)
    return f"{name} ({draw.between(2, 9)})" if draw.chance(0.2) else name


def any_text(draw: Draw) -> str:
    """Any text that JSON and Python can hold: all of Unicode but lone surrogates."""
    choice = draw.random()
    if choice < 0.25:
        return draw.pick(_PLAIN)
    if choice < 0.40:
        return draw.pick(HOSTILE_TEXTS)
    if choice < 0.50:
        return draw.pick(_LIQUID)
    if choice < 0.60:
        return draw.pick(KEYWORDS)
    if choice < 0.75:
        return note(draw) if draw.chance(0.5) else word(draw)
    if choice < 0.97:
        return "".join(draw.pick(_CHARACTERS) for _ in range(draw.between(1, 12)))
    if choice < 0.985:
        return "".join(_scalar(draw) for _ in range(draw.between(1, 8)))
    part = any_text(draw)[:50] or "x"
    return part * (draw.pick(_LONG) // len(part.encode())) if draw.chance(0.1) else part * 20


def _scalar(draw: Draw) -> str:
    """Any Unicode scalar value, all equally likely."""
    code = draw.getrandbits(20) + (draw.getrandbits(16) if draw.chance(0.5) else 0)
    return chr(code) if not 0xD800 <= code < 0xE000 else "\ud7ff"
