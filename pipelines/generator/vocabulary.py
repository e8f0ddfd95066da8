"""Words of merchants: tags, captions and notes in many languages, and texts that break careless tools."""

from __future__ import annotations

from pipelines.generator.draw import Draw

__all__ = [
    "CAPTIONS",
    "COUNTRIES",
    "CUSTOMER_TAGS",
    "EMAILS",
    "GATEWAYS",
    "HOSTILE_HANDLES",
    "HOSTILE_TEXTS",
    "NOTES",
    "ORDER_TAGS",
    "PRODUCT_TAGS",
    "PRODUCT_TYPES",
    "SKU_PARTS",
    "VENDORS",
    "ZONES",
    "renamed",
]

ORDER_TAGS = (
    "High-Value", "VIP", "fraud-review", "gift", "international", "wholesale", "Rush", "pre-order", "hold",
    "subscription", "B2B", "fragile", "local-delivery", "À vérifier", "Prüfen", "要確認", "COD",
    "multi-package", "influencer", "{{ order.sourceName }}", "Q4 2026", "expédié", "留意",
)  # fmt: skip
CUSTOMER_TAGS = (
    "VIP", "repeat-buyer", "men-shopper", "women-shopper", "newsletter", "wholesale", "loyalty-gold",
    "first-order", "Stammkunde", "client fidèle", "常連", "{{ order.customer.locale }}-shopper",
    "no-discount", "at-risk",
)  # fmt: skip
PRODUCT_TAGS = (
    "new", "sale", "out-of-stock", "low-stock", "presale", "Ordered-Presale", "clearance", "anchor-price-set",
    "needs-photos", "Neuheit", "nouveauté", "新商品", "hidden", "bundle", "{{ product.vendor }}",
)  # fmt: skip
PRODUCT_TYPES = ("Clothing", "Shoes", "Gift Card", "Jewelry", "Candles", "Kaffee", "Parfum", "食品")
VENDORS = ("Nordlicht", "Acme & Sons", "Maison Élise", "O'Neil Outdoors", "Highway 9", "山田商店", "Ünlü")
SKU_PARTS = ("WOM", "MEN", "KID", "GC-", "-PRE", "BNDL", "SMP")
COUNTRIES = ("US", "CA", "DE", "FR", "GB", "JP", "AU", "CH,LI", "US,CA,MX", "DE,AT,CH", "FR,BE,LU")
GATEWAYS = ("shopify_payments", "paypal", "Cash on Delivery (COD)", "manual", "klarna", "gift_card")
EMAILS = (
    "owner@example.com", "ops@example.com, support@example.com", "lager@example.com", "team@example.org",
    "{{ shop.email }}", "hola@example.net", "alerts+flow@example.com",
)  # fmt: skip
ZONES = (
    "America/New_York", "Europe/Berlin", "Europe/London", "America/Toronto", "Asia/Tokyo", "Australia/Sydney",
    "Europe/Zagreb", "America/Los_Angeles", "Europe/Paris", "Asia/Kolkata",
)  # fmt: skip

NOTES = (
    "Ask Maria before changing this step.",
    "Only for the EU shop; the US one has its own workflow.",
    "Nur für Bestellungen über dem Freibetrag.",
    "Ne pas modifier sans prévenir l'équipe support.",
    "No activar durante el inventario anual",
    "営業時間外は担当者に通知しないでください。",
    "仅限大陆仓库使用",
    "Проверить после распродажи",
    "لا تغيّر هذا الشرط قبل نهاية الحملة",
    "אין לשנות בלי אישור",
    "주문 금액 기준은 매월 검토",
    "Verificar com o financeiro ✅",
    "Remove after Black Friday 🖤",
    "Temporär – siehe Ticket #4821",
    "İade süreci için bekletilir",
    "Shopify Form ID 1063387. Re-select the form in Flow if import does not bind it.",
    "อย่าลืมตรวจสอบสต็อก",
    "Kun til engroskunder — ikke til detail",
)
CAPTIONS = (
    "Check if the order is large", "Tell the team", "Tag it", "Send it to the warehouse", "Wait for payment",
    "Kunde markieren", "Lagerbestand prüfen", "Prévenir l'équipe", "Étiqueter la commande",
    "在庫確認", "发送通知", "Проверка риска", "تنبيه الفريق", "בדיקת מלאי", "재고 확인", "Sprawdź zamówienie",
    "Is it the first order?", "Only presale items", "Skip test orders",
)  # fmt: skip

HOSTILE_TEXTS = (
    '"quoted" and \'single\' and `back`',
    "braces {{{}}} [[[]]] {% raw %}{{ not.liquid }}{% endraw %}",
    "{% for x in order.lineItems %}{{ x.title | escape }}{% endfor %}",
    "back\\slash \\n not a newline \\u0041 not an A",
    "line one\nline two\r\nline three\ttabbed",
    '"""triple""" and \'\'\'triple\'\'\'',
    "emoji 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 é vs é",
    "\u202eright to left override\u202c مرحبا",
    "zero\u200bwidth\u2060 and \u00a0no-break and \ufeff inside",
    "line separator \u2028 paragraph separator \u2029 next line \x85",
    "class",
    "None",
    "def f(x): return x  # not code",
    "import os; os.system('true')",
    "'; DROP TABLE workflows; --",
    "<script>alert(1)</script> &amp; <![CDATA[x]]>",
    "$(true) `true` ${HOME} %s %(a)s {0}",
    "NaN", "null", "true", "1e999", "-0", "007", "0x10",
    " leading and trailing ",
    "\u0000 a null and \u0001 a control and \u007f delete",
    "#!/bin/sh", "@decorator", "f\"{x}\"", "lambda: 0", "a: b: - c", "\\", "'", '"', "{", "}", "[]", "{}",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ﬁ ﬂ ß ẞ ı İ",
    "ｆｕｌｌｗｉｄｔｈ　ｓｐａｃｅ",
    "é" * 40,
)  # fmt: skip
"""Texts that merchants could have typed into any text field."""

HOSTILE_HANDLES = ("class", "from", "lambda", "import", "None", "self", "order", "tags", "id", "def", "print")
"""Handles of patched fields that are words of Python, or of the environment."""


def renamed(name: str, draw: Draw) -> str:
    """What merchants make of a workflow's name: copies, shop prefixes, dates, translations of nothing."""
    change = draw.random()
    if change < 0.55:
        return name
    if change < 0.65:
        return f"Copy of {name}"
    if change < 0.72:
        return f"{name} ({draw.between(2, 9)})"
    if change < 0.78:
        return f"[{draw.pick(('EU', 'US', 'B2B', 'TEST', 'OLD', '2026'))}] {name}"
    if change < 0.84:
        return f"{name} – {draw.pick(('v2', 'neu', 'NEW', 'final FINAL', 'ne pas toucher', '更新済み'))}"
    if change < 0.88:
        return name.upper()
    if change < 0.92:
        return f"{draw.pick(('🚨', '✅', '📦', '🎁', '⚠️'))} {name}"
    if change < 0.97:
        return f"{name} - {draw.pick(ORDER_TAGS)}"
    return draw.pick(
        ("New Workflow", "Untitled workflow", "test", "asdf", "Neuer Workflow", "新しいワークフロー")
    )
