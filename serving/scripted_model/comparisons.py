"""The conditions of a request: amounts, counts, countries, tags, vendors, risk, notes, codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from serving.scripted_model.text import Text
from serving.scripted_model.vocabulary import COUNTRIES

__all__ = ["Operator", "Test", "take_tests"]

Operator: TypeAlias = str
"""As Python writes it: `>`, `==`, `in`, or `is` for something that only has to be there."""


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a subject of `vocabulary.SUBJECTS`."""

    subject: str
    operator: Operator
    value: int | float | str | bool | tuple[str, ...] = True

    __test__ = False


_NUMBER: Final = r"[$€£]? ?(\d[\d,]*(?:\.\d+)?)(k)?(?: ?(?:dollars|usd|euros?|eur|pounds|gbp|\$|€|£))?"
_OPERATORS: Final = (
    (r"at least|no less than|>=|minimum of", ">="),
    (r"at most|no more than|<=|up to|maximum of", "<="),
    (r"(?:is |are |of )?(?:over|above|exceed(?:s|ing)?|(?:more|greater|larger|bigger|higher) than|>)", ">"),
    (r"(?:is |are |of )?(?:under|below|less than|fewer than|smaller than|lower than|<)", "<"),
    (r"exactly|equal to|equals", "=="),
)  # fmt: skip
_COUNTED: Final = (
    (r"(?:items?|units?|line items?|pieces|products?|things)\b", "quantity"),
    (r"(?:(?:past |previous )?orders?|purchases)\b", "num_orders"),
)
_NAMES: Final = "|".join(sorted(map(re.escape, COUNTRIES), key=len, reverse=True))
_TAGGED: Final = r"(draft orders?|orders?|customers?|products?|items?)?"
_NAME: Final = r"(«t\d+»|[\w&+/#-]+)"


def take_tests(text: Text, owners: Sequence[str]) -> Iterator[Test]:
    """The conditions that a text names, taken out of it; `owners` are what its actions are about."""
    yield from _risk(text)
    yield from _nth(text)
    yield from _amounts(text)
    yield from _countries(text)
    yield from _named(text, owners)


def _risk(text: Text) -> Iterator[Test]:
    if found := text.take(
        r"(?:with (?:a )?|has (?:a )?|have (?:a )?|(?:is|are) )?\b(high|medium|low)[- ]risk(?: of fraud)?\b"
        r"|risk(?: level)? is (high|medium|low)"
    ):
        yield Test("risk", "==", (found[1] or found[2]).upper())
    elif text.take(r"(?:is |are |look )?\b(?:risky|fraudulent|suspicious)\b"):
        yield Test("risk", "==", "HIGH")


def _nth(text: Text) -> Iterator[Test]:
    if text.take(r"\bfirst[- ]time(?= (?:customer|buyer|shopper|client))"):
        yield Test("num_orders", "==", 1)
    ordinals = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "tenth": 10}
    if found := text.take(
        rf"\b(?:places?|makes?|is|has|have|on)? ?(?:their|his|her|a|the|customer'?s)? ?"
        rf"(?:(\d+)(?:st|nd|rd|th)|({'|'.join(ordinals)})) (?:order|purchase|time)s?\b"
    ):
        yield Test("num_orders", "==", int(found[1]) if found[1] else ordinals[found[2].lower()])


def _amounts(text: Text) -> Iterator[Test]:
    for pattern, operator in _OPERATORS:
        while found := text.take(
            r"(\b(?:have |has |had )?spen[dt]s? )?(\b(?:inventory|stock|quantity)\b[\w ]*?)?"
            rf"(?<!\w)(?:{pattern}) {_NUMBER}"
            rf"(?: ({'|'.join(counted for counted, _ in _COUNTED)}))?"
            r"(?: in total)?( in (?:one|a|a single) (?:order|purchase))?"
        ):
            value = Decimal(found[3].replace(",", "")) * (1000 if found[4] else 1)
            number = int(value) if value == value.to_integral_value() else float(value)
            counted = found[5] or ""
            subject = next((name for unit, name in _COUNTED if re.fullmatch(unit, counted, re.I)), "total")
            subject = "spent" if found[1] and not found[6] else "inventory" if found[2] else subject
            yield Test(subject, operator, number)


def _countries(text: Text) -> Iterator[Test]:
    listed = rf"(?:the )?(?:{_NAMES})\b(?:(?:,| or| and|, or) (?:the )?(?:{_NAMES})\b)*"
    while found := text.take(
        r"((?:is|are|not|isn't|aren't|lives?|located|based|billed|shipped|shipping|ships?|sent|going) )*"
        rf"\b(in|from|to|outside(?: of)?|within|for) ({listed})"
    ):
        codes = tuple(
            COUNTRIES[name.lower()] for name in re.findall(rf"\b(?:{_NAMES})\b", found[3], re.IGNORECASE)
        )
        is_not = found[2].lower().startswith("outside") or "not " in found[0].lower() or "n't" in found[0]
        subject = "billing_country" if "billed" in found[0].lower() else "country"
        if len(codes) == 1:
            yield Test(subject, "!=" if is_not else "==", codes[0])
        else:
            yield Test(subject, "not in" if is_not else "in", codes)


def _named(text: Text, owners: Sequence[str]) -> Iterator[Test]:
    """What is told by a name: tags, vendors, types, codes, notes."""
    while found := text.take(rf"(?:from |by |of |with |whose )?(?:the )?vendor (?:is |named )?{_NAME}"):
        yield Test("vendor", "==", text.said(found[1]))
    while found := text.take(rf"(?:of |with |whose )?(?:the )?(?:product )?type (?:is )?{_NAME}"):
        yield Test("product_type", "==", text.said(found[1]))
    while found := text.take(
        r"(?:(?:was |were |is |are )?(?:paid|placed|made) )?(?:with|using|uses?|has|by) (?:the |a )?"
        rf"(?:discount|coupon|promo)(?: code)? {_NAME}"
    ):
        yield Test("discount_code", "any", text.said(found[1]))
    while found := text.take(
        rf"{_TAGGED} ?(?:(?:is|are|that are) )?tagged(?: as| with)? {_NAME}"
        rf"|{_TAGGED} ?(?:with|has|have) (?:the |an? )?tag {_NAME}"
    ):
        noun = (found[1] or found[3] or "").lower()
        owner = next((name for name in ("customer", "product", "item") if noun.startswith(name)), "")
        owner = owner or ("order" if noun else next(iter(owners), "order") or "order")
        subject = {"item": "product_tags", "draftOrder": "order_tags"}.get(owner, f"{owner}_tags")
        yield Test(subject, "any", text.said(found[2] or found[4]))
    if text.take(
        r"(?:that |which )?(?:contains?|includes?|with|has|have|containing|including) (?:a |any )?gift cards?"
    ):
        yield Test("gift_card", "any", True)
    if text.take(r"\b(?:has|have|with|contains?) (?:a |an |any )?(?:order |customer )?notes?\b"):
        yield Test("note", "is")
    if text.take(r"\b(?:has|have|with) (?:no|without) notes?\b|\bwithout (?:a |any )?notes?\b"):
        yield Test("note", "is not")
    while found := text.take(r"(?:contains?|includes?|containing|including) (?:the product )?(«t\d+»)"):
        yield Test("title", "any", text.said(found[1]))
