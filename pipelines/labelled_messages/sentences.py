"""What merchants write around an identifier, in eight languages, and what only looks like an identifier.

`{phone}` is a place for an identifier of that kind, `{safe}` for something that must stay. Sentences, like
spellings, come in two halves. All of it was written for this set.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LANGUAGES", "SAFE", "SENTENCES", "SPOKEN_IN"]

LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pt", "ja")
SPOKEN_IN: Final = {
    "US": "en", "GB": "en", "DE": "de", "FR": "fr", "ES": "es", "IT": "it", "NL": "nl", "BR": "pt", "JP": "ja",
}  # fmt: skip

_ANY: Final = {
    "tuned": (
        "Send it to {url_secret} please", "Slack: {webhook}", "POST to {webhook} when {safe}", "The key is {secret}",
        "header X-Token: {secret}", "for {shop} only", "see {shop}, {safe}", "tag {gid} as done", "{gid} has {safe}",
        "request came from {ip}", "blocked {ip} and {ip}", "parcel {tracking} is late", "{tracking}",
        "mail {email} about {safe}", "cc {email}, {email}", "{name} <{email}>", "card {card} was declined",
        "refund {iban} with {safe}", "{card}", "{iban}", "{phone}", "{email}",
    ),
    "held_out": (
        "curl -X POST {webhook} -d '{safe}'", "url={url_secret}", "I pasted {secret} into the HTTP step",
        "Env: TOKEN={secret}; {safe}", "our dev store ({shop}) and the live one", "open <{shop}>",
        "order id: {gid}; {safe}", "if the id is {gid}, skip it", "IP={ip}", "(client {ip}; {safe})",
        "Where is {tracking}? It says {safe}", "- {tracking}\n- {tracking}", "From: {email}\nTo: {email}\n{safe}",
        "[{email}](mailto:{email})", "\"{name}\" <{email}>", "PAN {card} exp 12/27", "charged to {card}, {safe}",
        "{safe}\t{iban}", "IBAN:{iban}", "{phone} / {email}", "'{email}';'{phone}';'{safe}'", "{safe}, {card}",
    ),
}  # fmt: skip

_OF_LANGUAGE: Final = {
    "tuned": {
        "en": ("Call me at {phone} about order {safe}", "My name is {name} and I need {safe}", "Ship to {address}", "Regards,\n{name}", "text {phone} when {safe}", "The customer {name} lives at {address}"),
        "de": ("Ruf mich unter {phone} an, es geht um {safe}", "Ich heiße {name}", "Lieferung an {address}", "Viele Grüße\n{name}", "Frau {name} wohnt in der {address}", "Tel.: {phone}"),
        "fr": ("Appelez-moi au {phone} pour {safe}", "Je m'appelle {name}", "Livrer au {address}", "Cordialement,\n{name}", "Mme {name}, {address}", "Tél. {phone}"),
        "es": ("Llámame al {phone} por {safe}", "Me llamo {name}", "Enviar a {address}", "Saludos,\n{name}", "Sra. {name}, {address}", "Tel: {phone}"),
        "it": ("Chiamami al {phone} per {safe}", "Mi chiamo {name}", "Spedire a {address}", "Cordiali saluti,\n{name}", "Sig.ra {name}, {address}", "Tel. {phone}"),
        "nl": ("Bel me op {phone} over {safe}", "Mijn naam is {name}", "Verzenden naar {address}", "Groeten,\n{name}", "Mevrouw {name}, {address}", "Tel: {phone}"),
        "pt": ("Ligue para {phone} sobre {safe}", "Meu nome é {name}", "Enviar para {address}", "Atenciosamente,\n{name}", "Sra. {name}, {address}", "Telefone {phone}"),
        "ja": ("{phone} に電話してください。{safe}", "{name}と申します", "{address} へ発送", "よろしくお願いします。\n{name}", "{name}様 {address}", "電話番号：{phone}"),
    },
    "held_out": {
        "en": ("my cell is {phone}, ask for {name}", "I'm {name} from the support team", "Delivery address: {address}", "Thanks!\n{name}", "Mr. {name} called from {phone}", "Notify Mrs {name} if {safe}; she moved to {address}"),
        "de": ("Handy: {phone}", "Mein Name ist {name}, {safe}", "Adresse: {address}", "Mit freundlichen Grüßen\n{name}", "Herr {name} zog nach {address}", "Rückruf an {phone} bitte"),
        "fr": ("mon portable : {phone}", "Mon nom est {name}, {safe}", "Adresse : {address}", "Bien à vous,\n{name}", "M. {name} habite {address}", "joignable au {phone}"),
        "es": ("mi móvil es {phone}", "Mi nombre es {name}, {safe}", "Dirección: {address}", "Un saludo,\n{name}", "El señor {name} vive en {address}", "contacto {phone}"),
        "it": ("il mio cellulare è {phone}", "Il mio nome è {name}, {safe}", "Indirizzo: {address}", "Grazie,\n{name}", "Il signor {name} abita in {address}", "contatto {phone}"),
        "nl": ("mijn mobiel is {phone}", "Ik ben {name}, {safe}", "Adres: {address}", "Met vriendelijke groet,\n{name}", "De heer {name} woont op {address}", "bereikbaar op {phone}"),
        "pt": ("meu celular é {phone}", "Eu sou {name}, {safe}", "Endereço: {address}", "Abraços,\n{name}", "O senhor {name} mora na {address}", "WhatsApp {phone}"),
        "ja": ("携帯は{phone}です", "私は{name}です。{safe}", "住所：{address}", "以上、\n{name}", "{name}さん（{phone}）", "連絡先 {phone}"),
    },
}  # fmt: skip

SENTENCES: Final = {
    half: {language: (*own[language], *_ANY[half]) for language in LANGUAGES}
    for half, own in _OF_LANGUAGE.items()
}
"""Half -> language -> sentences; identifiers without words around them are of every language."""

_SAFE_EVERYWHERE: Final = (
    "#1001", "order #1234", "order.totalPrice", "{{ order.email }}", "{{ customer.first_name | default: 'there' }}",
    "order.customer.defaultAddress.zip", "order.lineItems", "$1,234.56", "1.234,56 €", "2026-11-22T08:30:00Z", "{{ shop.myshopifyDomain }}",
)  # fmt: skip

SAFE: Final = {
    "tuned": (
        *_SAFE_EVERYWHERE, "SKU ABC-123-4567-89", "SKU 10045-XL", "EAN 4006381333931", "UPC 012345678905", "2026-11-22 08:30",
        "22.11.2026", "11/22/2026 10:30", "30 x 40 x 50 cm", "120x80 mm", "v1.2.3", "Shopify API 2026-01", "¥12,000", "R$ 1.299,90",
        "quantity >= 100", "500.00", "50% off", "the first 250 orders", "5-10 days", "order.shippingAddress.countryCode == 'US'",
        "any(tag == 'vip' for tag in order.tags)", "tag_order(order_id=order.id, tags=['vip'])", "task_configuration_0",
        "{% if order.totalPriceSet.shopMoney.amount > 100 %}", "created_at:>='2026-01-01' AND tag:vip", "@order_created",
        "Order created", "Send internal email", "High Risk", "Main Street Collection", "wait 7 days", "from 9:00 to 17:30",
        "{{ order.billingAddress.phone }}", "{{ customer.email }}", "550e8400-e29b-41d4-a716-446655440000", "https://help.shopify.com/en/manual",
        "1,000,000 points", "size 42-44", "ISO 9001:2015", "5 kg", "2 for 1", "Black Friday 2026", "Q4 2026", "total_spent:>1000",
    ),
    "held_out": (
        *_SAFE_EVERYWHERE, "SKU TS-0042-BLK-M", "sku:883-XL-2026", "barcode 9780306406157", "GTIN 00012345600012", "2026/11/22 08:30:15",
        "Nov 22, 2026 at 10:30 PM", "1.11.2026 - 15.12.2026", "2026-11-22T08:30:00+09:00", "12.5 in x 8.25 in x 3 in", "1920x1080", "10.4.1", "release 2026.11.3",
        "CHF 1'299.00", "£12,345,678.90", "12 345,67 €", "100 - 200 - 300", "1/2/3", "#1001-R2", "orders #1001, #1002 and #1003", "PO-2026-00418",
        "order.currentTotalPriceSet.shopMoney.amount >= 500", "sum(item.quantity for item in order.lineItems) > 10", "count(order.fulfillments) == 0",
        "send_email(address=shop.email, subject='Order {{ order.name }}')", "{{ order.shippingAddress.address1 }}, {{ order.shippingAddress.zip }}",
        "{% for item in order.lineItems %}{{ item.sku }}{% endfor %}", "updated_at:<'2026-11-01T00:00:00Z'", "@scheduled(every='day', at='17:00')",
        "@product_added_to_store", "Add customer tags", "Inventory Quantity Changed", "Winter Sale", "Royal Blue", "Free Gift With Purchase", "in 24-48 hours",
        "12345", "99999.99", "1e6", "0.5", "7777", "{{ order.customer.displayName }}", "customer.numberOfOrders > 3", "2026-W47", "17:00-21:00",
        "https://shopify.dev/docs/api/admin-graphql/2026-01", "fulfillment_status:unshipped", "product_type:'Gift Card'", "1:1", "7.5%", "Studio 54 Tee", "Chanel No. 5",
    ),
}  # fmt: skip
"""Half -> what is nobody's: goods, prices, moments, sizes, versions, paths, Liquid, Python, search syntax."""
