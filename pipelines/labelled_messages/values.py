"""Identifiers that belong to nobody, in the spellings of nine countries: what a labelled message holds.

A value is text in which each character that must go stands between `OPEN` and `CLOSE`: of `shpat_3f2a...` only
what comes after the prefix is a secret. `TUNED` and `HELD_OUT` are two sets of spellings: a pattern that was
written for the first has not seen the second. Card numbers pass Luhn, IBANs mod 97 (ISO 13616), postal items
the check digit of UPU S10. Not here yet: identity cards, tax numbers and passports.
"""

from __future__ import annotations

import base64
from random import Random
from typing import Final, Literal

__all__ = ["CLOSE", "COUNTRIES", "KINDS", "OPEN", "Half", "value"]

Half = Literal["tuned", "held_out"]
OPEN: Final = "\ue000"
CLOSE: Final = "\ue001"

KINDS: Final = (
    *("email", "phone", "card", "iban", "ip", "secret", "webhook", "url_secret", "shop", "gid", "tracking"),
    *("address", "name"),
)

COUNTRIES: Final = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "BR", "JP")

_HEX: Final = "0123456789abcdef"
_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MIXED: Final = _UPPER + _UPPER.lower() + "0123456789"

# `#` is a digit, `N` one from 2 to 9.
_PHONES: Final = {
    "tuned": {
        "US": ("+1 (N##) N##-####", "(N##) N##-####", "N##-N##-####", "N##.N##.####", "1-N##-N##-####", "+1N##N######"),
        "GB": ("+44 20 N### ####", "07### ######", "020 N### ####", "+44 7### ######"),
        "DE": ("+49 30 N######", "030 N######", "0171 N######", "+49 171 N######", "030/N######"),
        "FR": ("+33 6 ## ## ## ##", "06 ## ## ## ##", "01.##.##.##.##"),
        "ES": ("+34 6## ### ###", "6## ## ## ##", "91 N## ## ##"),
        "IT": ("+39 3## ### ####", "3## N######", "06 N### ####"),
        "NL": ("+31 6 N#######", "06-N#######", "020 N## ####", "020-N######"),
        "BR": ("+55 11 9####-####", "(11) 9####-####", "(21) N###-####"),
        "JP": ("03-N###-####", "090-####-####", "+81 90 #### ####"),
    },
    "held_out": {
        "US": ("+1 N## N## ####", "N## N## ####", "+1-N##-N##-####", "+1.N##.N##.####", "(N##)N##-####"),
        "GB": ("(020) N### ####", "+44 (0)20 N### ####", "07### ### ###", "0161 N## ####"),
        "DE": ("030-N######", "(030) N######", "0049 30 N######", "+49 (0) 171 N######", "089 / N## ## ##"),
        "FR": ("06-##-##-##-##", "06########", "+336########", "+33 (0)1 ## ## ## ##"),
        "ES": ("6## ### ###", "+34 91 N## ## ##", "+346########", "93-N##-##-##"),
        "IT": ("3## N## ####", "3##.N##.####", "02/N#######", "+39 06 N### ####"),
        "NL": ("06 ## ## ## ##", "+31 (0)6 N#######", "0031 6 N#######", "(020) N## ####"),
        "BR": ("11 9####-####", "+55 (11) 9####-####", "(11) 9 #### ####", "+5511 9########"),
        "JP": ("080 #### ####", "0##-N##-####", "+81-90-####-####", "0120-###-###"),
    },
}  # fmt: skip

_FIRST: Final = {
    "US": "Olivia Marcus Denise Tyler Priya", "GB": "Harriet Callum Imogen Rhys Nigel",
    "DE": "Anke Jürgen Lukas Sabine Günther", "FR": "Élodie Thierry Margaux Loïc Bérénice",
    "ES": "Lucía Íñigo Rocío Álvaro Begoña", "IT": "Chiara Giacomo Noemi Niccolò Ornella",
    "NL": "Sanne Joris Femke Daan Lieke", "BR": "Letícia João Thaís Caetano Iara",
    "JP": "美咲 健太 陽子 大輔 さくら",
}  # fmt: skip
_LAST: Final = {
    "US": "Whitaker O'Neill Delgado-Ruiz Kim Abernathy", "GB": "Fairclough Ashworth Penhaligon Doyle Marsh",
    "DE": "Großmann Vogt Hüttner Brandt Schäfer", "FR": "Lefèvre Duchamp Moreau D'Alembert Roussel",
    "ES": "Echeverría Núñez Pizarro Cabrera Ordóñez", "IT": "Bianchi Fumagalli D'Amico Rinaldi Zanetti",
    "NL": "Vermeulen Dijkstra Hoekstra Bakker Jonker", "BR": "Nascimento Araújo Tavares Figueiredo Guimarães",
    "JP": "佐藤 高橋 渡辺 小林 山口",
}  # fmt: skip

# {n}: house number; digits of postal codes as in phone numbers, `A` is a capital.
_STREETS: Final = {
    "US": "Maple Avenue|Harbor Blvd|Cedar Street|Lincoln Rd|Sunset Drive|Oak Lane",
    "GB": "Baker Street|Mill Lane|Church Road|Victoria Terrace|Kings Close|Station Rd",
    "DE": "Lindenstraße|Am Markt|Hauptstr.|Gartenweg|Schillerplatz|Rosenallee",
    "FR": "rue des Lilas|avenue Victor Hugo|boulevard de la Gare|place du Marché|chemin Vert|rue Pasteur",
    "ES": "Calle Mayor|Avenida de la Paz|C/ Olmo|Plaza del Sol|Paseo Marítimo|Calle Nueva",
    "IT": "Via Garibaldi|Corso Italia|Piazza Dante|Viale Europa|Via dei Mille|Vicolo Stretto",
    "NL": "Kerkstraat|Prinsengracht|Dorpsweg|Stationsplein|Beukenlaan|Molenstraat",
    "BR": "Rua das Flores|Avenida Paulista|Travessa do Carmo|Alameda Santos|Rua Sete de Setembro|Praça da Sé",
    "JP": "千代田区丸の内|渋谷区道玄坂|北区梅田|中区錦|港区芝公園|中央区銀座",
}  # fmt: skip
_CITIES: Final = {
    "US": "Portland, OR|Austin, TX|Dayton, OH", "GB": "Leeds|Bristol|Norwich", "DE": "Köln|Leipzig|Bad Homburg",
    "FR": "Lyon|Saint-Étienne|Nantes", "ES": "Madrid|Sevilla|San Sebastián", "IT": "Torino|Reggio Emilia|Bari",
    "NL": "Utrecht|Den Haag|Zwolle", "BR": "São Paulo - SP|Recife - PE|Curitiba - PR",
    "JP": "東京都|大阪府|愛知県",
}  # fmt: skip
_ADDRESSES: Final = {
    "tuned": {
        "US": ("{n} {street}, {city} #####", "{n} {street} Apt 4, {city} #####-####"),
        "GB": ("{n} {street}, {city} AA# #AA", "Flat 2, {n} {street}, {city}, AA## #AA"),
        "DE": ("{street} {n}, ##### {city}", "{street} {n}a, ##### {city}"),
        "FR": ("{n} {street}, ##### {city}", "{n} bis {street}, ##### {city}"),
        "ES": ("{street} {n}, ##### {city}", "{street}, {n}, ##### {city}"),
        "IT": ("{street} {n}, ##### {city}", "{street}, {n} - ##### {city}"),
        "NL": ("{street} {n}, #### AA {city}", "{street} {n}, ####AA {city}"),
        "BR": ("{street}, {n}, {city}, #####-###", "{street}, {n} - {city}, CEP #####-###"),
        "JP": ("〒###-#### {city}{street}1-2-{n}",),
    },
    "held_out": {
        "US": ("{n} {street}, Suite 12, {city} #####", "{n} {street}\n{city} #####"),
        "GB": ("{n} {street}\n{city}\nA# #AA", "{n}B {street}, {city} AA#A #AA"),
        "DE": ("{street} {n}\n##### {city}", "{street} {n}, D-##### {city}"),
        "FR": ("{n}, {street}, ##### {city}", "{n} {street}\n##### {city}"),
        "ES": ("{street} nº {n}, ##### {city}", "{street} {n}, 3º B, ##### {city}"),
        "IT": ("{street} n. {n}, ##### {city}", "{street} {n}\n##### {city}"),
        "NL": ("{street} {n}-2, #### AA {city}", "{street} {n}\n#### AA {city}"),
        "BR": ("{street}, {n} - Centro, {city}, #####-###", "{street}, {n}\n{city}\n#####-###"),
        "JP": ("〒###-####\n{city}{street}1丁目{n}番3号",),
    },
}  # fmt: skip

_IBANS: Final = {
    "tuned": {"DE": "#" * 18, "FR": "#" * 10 + "A" + "#" * 12, "ES": "#" * 20, "GB": "AAAA" + "#" * 14, "NL": "AAAA" + "#" * 10, "IT": "A" + "#" * 22},
    "held_out": {"BE": "#" * 12, "PT": "#" * 21, "CH": "#" * 17, "PL": "#" * 24, "BR": "#" * 23 + "AA", "IE": "AAAA" + "#" * 14, "AT": "#" * 16},
}  # fmt: skip
_CARDS: Final = {
    "tuned": (("4", 16), ("51", 16), ("37", 15)),
    "held_out": (("4", 16), ("2221", 16), ("34", 15), ("6011", 16), ("3530", 16), ("4", 19), ("36", 14)),
}
_CARD_GROUPS: Final = {14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4), 19: (4, 4, 4, 4, 3)}

# Within [ ]: what must go. {h*8}: eight times a letter of hex; x: letters and digits; A and # as above.
_SECRETS: Final = {
    "tuned": (
        "shpat_[{h*32}]", "shpss_[{h*32}]", "sk_live_[{x*24}]", "ghp_[{x*36}]", "[AKIA{A*16}]", "[AIza{x*35}]",
        "[eyJ{x*20}.eyJ{x*30}.{x*43}]", "[xoxb-{#*11}-{#*12}-{x*24}]", "whsec_[{x*32}]", "Bearer [{x*32}]",
        "api_key = [{h*32}]", "password: [{x*12}]", "client secret [{h*32}]",
    ),
    "held_out": (
        "shppa_[{h*32}]", "shpca_[{h*32}]", "rk_live_[{x*24}]", "gho_[{x*36}]", "github_pat_[{x*22}]_{x*10}", "[SG.{x*22}.{x*43}]",
        "[sk-proj-{x*20}4{x*20}]", "[xapp-1-{A*9}-{#*12}-{h*40}]", "[glpat-{x*20}]", "npm_[{x*36}]",
        "API token: [{x*40}]", "passwort: [{x*10}]9", "contraseña: [{x*11}]7", "secret key is [{x*40}]", "Authorization: Basic [{x*24}]==",
        "mot de passe : [{x*9}]3", "apikey=[{h*40}]",
    ),
}  # fmt: skip
_WEBHOOKS: Final = {
    "tuned": (
        "https://hooks.slack.com/services/[T{A*8}/B{A*8}/{x*24}]",
        "https://discord.com/api/webhooks/[{#*18}/{x*60}]",
        "https://hooks.zapier.com/hooks/catch/[{#*7}/{x*7}]/",
        "https://hook.eu1.make.com/[{x*32}]",
    ),
    "held_out": (
        "https://hooks.slack.com/workflows/[T{A*8}/A{A*8}/{#*18}/{x*24}]",
        "https://hooks.slack.com/triggers/[T{A*8}/{#*13}/{h*32}]",
        "https://discordapp.com/api/webhooks/[{#*19}/{x*68}]",
        "https://ptb.discord.com/api/webhooks/[{#*18}/{x*60}]",
        "https://acme.webhook.office.com/webhookb2/[{h*8}-{h*4}-{h*4}-{h*4}-{h*12}@{h*8}-{h*4}-{h*4}-{h*4}-{h*12}/IncomingWebhook/{h*32}/{h*8}]",
        "https://hook.us1.make.com/[{x*31}]",
        "https://hooks.airtable.com/workflows/v1/genericWebhook/[app{x*14}/wfl{x*14}/wtr{x*14}]",
        "https://chat.googleapis.com/v1/spaces/[{x*11}]/messages",
    ),
}  # fmt: skip
_URL_SECRETS: Final = {
    "tuned": (
        "https://api.example.com/v1/orders?access_token=[{x*24}]&page=2", "https://cdn.example.net/a.csv?X-Amz-Signature=[{h*64}]",
        "https://maps.example.com/json?q=1&key=[{x*30}]", "https://[admin:{x*10}]@feeds.example.com/p.xml",
        "postgres://[flow:{x*12}]@db.example.com:5432/shop",
    ),
    "held_out": (
        "https://api.example.com/v2/items?api_key=[{h*32}]", "https://files.example.org/x.zip?se=2026-01-01&sig=[{x*43}]%3D",
        "ftp://[u{#*6}:{x*14}]@ftp.example.com/in", "mongodb+srv://[app:{x*16}]@c0.example.net/shop",
        "https://login.example.com/cb#id_token=[{x*60}]", "https://example.com/reset?session_token=[{x*20}]",
        "https://hooks.example.com/in?secret=[{x*18}]&event=order", "redis://[:{x*20}]@cache.example.com:6379",
        "https://www.example.com/?apikey=[{x*22}]#top", "https://example.com/u?auth=[{x*26}]",
    ),
}  # fmt: skip
_SHOPS: Final = {
    "tuned": ("[{name}.myshopify.com]", "https://[{name}.myshopify.com]/admin/orders", "admin.shopify.com/store/[{name}]"),
    "held_out": (
        "[{name}.MyShopify.com]", "http://[{name}.myshopify.com]?pb=0", "https://admin.shopify.com/store/[{name}]/products",
        "https://[{name}.myshopify.com]:443/cart", "[{name}.myshopify.io]",
    ),
}  # fmt: skip
_SHOP_NAMES: Final = {
    "tuned": ("bloom-and-oak", "kaffeehaus-8", "la-petite-lune", "north-pier-surf"),
    "held_out": ("3-little-birds", "umi-ceramics", "casa-roja-mx", "fietsenwinkel", "9a2f1c-44"),
}
_OBJECTS: Final = {
    "tuned": ("Order", "Customer", "Product"),
    "held_out": ("DraftOrder", "ProductVariant", "FulfillmentOrder", "Company", "MarketingEvent"),
}
_TRACKING: Final = {
    "tuned": ("[1Z{A*6}{#*10}]", "UPS [1Z {#*3} {A*3} {#*2} {#*4} {#*4}]", "FedEx [{#*12}]", "tracking number [{#*14}]", "[9400{#*18}]", "S10"),
    "held_out": (
        "[JJD{#*18}]", "DHL [{#*10}]", "USPS [9405 5{#*3} {#*4} {#*4} {#*4} {#*2}]", "tracking no. [{#*12}]", "Sendungsnummer [{#*14}]",
        "numéro de suivi [6A{#*11}]", "número de seguimiento [PQ{A*4}{#*16}C]", "[1Z{#*3}A{#*2}{#*10}]", "S10",
        "Track & Trace [3S{A*4}{#*9}]", "追跡番号 [####-####-####]",
    ),
}  # fmt: skip


def value(kind: str, country: str, half: Half, random: Random) -> str:
    """One identifier of `kind`, as it is spelled in `country` by those of `half`."""
    if kind == "phone":
        return _all(_drawn(random.choice(_PHONES[half][country]), random))
    if kind == "name":
        return _all(_name(country, random))
    if kind == "email":
        return _all(_email(country, half, random))
    if kind == "address":
        return _all(_address(country, half, random))
    if kind == "card":
        return _all(_card(half, random))
    if kind == "iban":
        return _all(_iban(half, random))
    if kind == "ip":
        return _ip(half, random)
    if kind == "gid":
        return _gid(half, random)
    if kind == "shop":
        return _marked(random.choice(_SHOPS[half]).format(name=random.choice(_SHOP_NAMES[half])), random)
    spelled = {"secret": _SECRETS, "webhook": _WEBHOOKS, "url_secret": _URL_SECRETS, "tracking": _TRACKING}
    pattern = random.choice(spelled[kind][half])
    return _all(_postal_item(half, random)) if pattern == "S10" else _marked(pattern, random)


def _all(text: str) -> str:
    return f"{OPEN}{text}{CLOSE}"


def _drawn(pattern: str, random: Random) -> str:
    drawn = {"#": "0123456789", "N": "23456789", "A": _UPPER}
    return "".join(random.choice(drawn.get(character, character)) for character in pattern)


def _marked(pattern: str, random: Random) -> str:
    """A pattern with `[ ]` around what must go, filled."""
    before, _, rest = pattern.partition("[")
    inside, _, after = rest.rpartition("]")
    return f"{_filled(before, random)}{OPEN}{_filled(inside, random)}{CLOSE}{_filled(after, random)}"


def _filled(text: str, random: Random) -> str:
    pieces = []
    for piece in text.replace("}", "{").split("{"):
        what, star, num = piece.partition("*")
        if star and num.isdigit() and what in "hxA#":
            alphabet = {"h": _HEX, "x": _MIXED, "A": _UPPER, "#": "0123456789"}[what]
            drawn = [random.choice(alphabet) for _ in range(int(num))]
            if what == "x" and len(drawn) > 1:
                drawn[random.randrange(1, len(drawn))] = random.choice("0123456789")
            pieces.append("".join(drawn))
        else:
            pieces.append(_drawn(piece, random) if set(piece) <= set("#- ") else piece)
    return "".join(pieces)


def _name(country: str, random: Random) -> str:
    first, last = random.choice(_FIRST[country].split()), random.choice(_LAST[country].split())
    return f"{last}{first}" if country == "JP" else f"{first} {last}"


def _email(country: str, half: Half, random: Random) -> str:
    first, last = ("yuki", "tanaka") if country == "JP" else _name(country, random).lower().split(" ")
    first, last = (part.replace("'", "").translate(_PLAIN) for part in (first, last))
    number = random.randrange(100)
    tuned = (
        f"{first}.{last}@example.com",
        f"{first}{number}@mail.example.org",
        f"{first[0]}{last}+shop@example.net",
    )
    held_out = (
        f"{first}_{last}@sub.example.co.uk", f"{last.upper()}@EXAMPLE.COM", f"{first}-{last}{number}@example.shop",
        f"{first}.{last}+{number}@ex-ample.io", f"{number}{first}@example.museum", f"{first}@exämple.de",
    )  # fmt: skip
    return random.choice(tuned if half == "tuned" else held_out)


_PLAIN: Final = str.maketrans("éèëïüäöíñçãáóòùúêâôì", "eeeiuaoincaaoouueaoi", "ß")


def _address(country: str, half: Half, random: Random) -> str:
    pattern = _drawn_codes(random.choice(_ADDRESSES[half][country]), random)
    streets, cities = _STREETS[country].split("|"), _CITIES[country].split("|")
    kept = streets[:4] if half == "tuned" else streets[2:]
    return pattern.format(n=random.randrange(1, 180), street=random.choice(kept), city=random.choice(cities))


def _drawn_codes(pattern: str, random: Random) -> str:
    """Codes alone: `A` in `Apt` or `CEP` is a letter of a word."""
    words = [
        word if any(letter.islower() or letter == "{" for letter in word) or ("#" not in word and "AA" not in word) else _drawn(word, random)
        for word in pattern.split(" ")
    ]  # fmt: skip
    return " ".join(words)


def _card(half: Half, random: Random) -> str:
    prefix, length = random.choice(_CARDS[half])
    digits = _drawn(prefix + "#" * (length - len(prefix) - 1), random)
    digits += next(check for check in "0123456789" if _luhn(digits + check))
    separator = random.choice((" ", "-", "") if half == "tuned" else (" ", "-", "", "\u00a0"))
    groups, position = [], 0
    for size in _CARD_GROUPS[length]:
        groups.append(digits[position : position + size])
        position += size
    return separator.join(groups)


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


def _iban(half: Half, random: Random) -> str:
    country, pattern = random.choice(list(_IBANS[half].items()))
    account = _drawn(pattern, random)
    number = int("".join(str(int(character, 36)) for character in f"{account}{country}00"))
    iban = f"{country}{98 - number % 97:02}{account}"
    spaced = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    return random.choice(
        (iban, spaced) if half == "tuned" else (iban, spaced, iban.lower(), spaced.replace(" ", "\u00a0"))
    )


def _ip(half: Half, random: Random) -> str:
    four = ".".join(str(random.randrange(1, 255)) for _ in range(4))
    groups = [f"{random.randrange(4096, 65536):x}" for _ in range(8)]
    six, short = ":".join(groups), f"2001:db8::{groups[1]}:{groups[2]}"
    if half == "tuned":
        return _all(random.choice((four, four, short)))
    spelled = (
        f"{_all(four)}:8080",
        f"{_all(four)}/24",
        _all(six),
        _all(six.upper()),
        f"[{_all(short)}]:443",
        _all(f"::ffff:{four}"),
    )
    return random.choice(spelled)


def _gid(half: Half, random: Random) -> str:
    name, number = random.choice(_OBJECTS[half]), random.randrange(10**12, 10**13)
    gid = f"gid://shopify/{name}/{_all(str(number))}"
    encoded = base64.b64encode(f"gid://shopify/{name}/{number}".encode()).decode()
    if half == "tuned":
        return random.choice((gid, gid, _all(encoded)))
    return random.choice(
        (
            gid,
            f'{{"id":"{gid}"}}',
            f"gid://shopify/{name}/{_all(f'{number}?inventory_item_id={number}')}",
            _all(encoded),
        )
    )


def _postal_item(half: Half, random: Random) -> str:
    """UPU S10: two letters, eight digits and a check digit, the country."""
    digits = _drawn("########", random)
    check = (
        11
        - sum(int(digit) * weight for digit, weight in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7), strict=True))
        % 11
    )
    service, country = (
        random.choice(("RR", "CP", "EE") if half == "tuned" else ("LX", "RA", "CY")),
        random.choice(("GB", "DE", "FR", "JP", "BR")),
    )
    return f"{service}{digits}{ {10: 0, 11: 5}.get(check, check) }{country}"
