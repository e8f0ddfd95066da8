"""Names on both sides: `lineItems` and `line_items`, `shopify::flow::send_email` and `send_email`.

Every mapping here is one to one: a name that would not come back as it was gets an explicit spelling
(`order["loyalty_tier"]`, `task("b99ddae5-...", "0.1")`) instead of a near miss.
"""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from typing import Final

_CAMEL = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)*")
_UPPER = re.compile(r"[A-Z]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_FLOW_TASKS: Final[dict[str, str]] = {
    "shopify::flow::scheduled_time": "scheduled",
    "shopify::flow::sum": "sum_of",
    "shopify::flow::count": "count",
    "shopify::flow::run_code": "run_code",
    "shopify::flow::send_email": "send_email",
    "shopify::flow::send_http": "send_http",
    "shopify::flow::log_output": "log_output",
    "shopify::flow::wait": "wait",
    "shopify::flow::execute_shopifyql": "execute_shopifyql",
    "shopify::iris::send_shopify_alert_for_errors": "send_shopify_alert_for_errors",
    "shopify::email::execute_marketing_activity": "execute_marketing_activity",
}
_FLOW_NAMES: Final = {name: task for task, name in _FLOW_TASKS.items()}
_FETCH: Final = "shopify::flow::fetch::"
_ADMIN: Final = "shopify::admin::"

CONSTRUCTS: Final = frozenset(
    {"task", "raw", "compare", "environment", "branch", "unconnected", "patched_field", "any", "all"}
)
"""Function names that the language itself uses; no task is printed under one of them."""


@lru_cache(maxsize=1 << 16)
def snake(segment: str) -> str | None:
    """`lineItems` to `line_items`; None where `camel` would not give the segment back."""
    if not _CAMEL.fullmatch(segment):
        return None
    name = _UPPER.sub(lambda found: "_" + found.group().lower(), segment)
    return name if is_name(name) and camel(name) == segment else None


@lru_cache(maxsize=1 << 16)
def camel(name: str) -> str:
    """`line_items` to `lineItems`."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def is_name(text: str) -> bool:
    """Whether `text` can stand as a plain ASCII Python name."""
    return bool(_IDENTIFIER.fullmatch(text)) and not keyword.iskeyword(text)


@lru_cache(maxsize=1 << 14)
def function_of(task_id: str) -> str | None:
    """The short function name of a task, or None where it needs `task("...")`."""
    if task_id in _FLOW_TASKS:
        return _FLOW_TASKS[task_id]
    if task_id.startswith(_FETCH):
        name = "get_" + task_id[len(_FETCH) :]
    elif task_id.startswith(_ADMIN):
        name = task_id[len(_ADMIN) :]
    else:
        return None
    return name if is_name(name) and task_of(name) == task_id else None


@lru_cache(maxsize=1 << 14)
def task_of(function: str) -> str | None:
    """The task that a short function name stands for, or None for a name the language itself uses."""
    if function in CONSTRUCTS:
        return None
    if function in _FLOW_NAMES:
        return _FLOW_NAMES[function]
    if function.startswith("get_"):
        return _FETCH + function[len("get_") :]
    return _ADMIN + function


_NOT_WORD = re.compile(r"[^a-z0-9]+")
_MAX_FUNCTION: Final = 80


@lru_cache(maxsize=1 << 14)
def function_name(title: str) -> str:
    """A Python name for a workflow: `Tag VIP orders` gives `tag_vip_orders`."""
    name = _NOT_WORD.sub("_", title.lower()).strip("_")[:_MAX_FUNCTION].rstrip("_")
    if not name or name[0].isdigit():
        name = f"workflow_{name}".rstrip("_")
    return name + "_" if keyword.iskeyword(name) else name


def title_of(function: str) -> str:
    """The title that a function name alone stands for: `tag_orders` gives `Tag orders`."""
    words = function.replace("_", " ")
    return words[:1].upper() + words[1:]


@lru_cache(maxsize=1 << 14)
def singular(plural: str) -> str:
    """A name for one element of a list: `line_items` gives `line_item`, `data` gives `data_item`."""
    if plural.endswith("ies") and len(plural) > 4:
        return plural[:-3] + "y"
    if plural.endswith(("sses", "xes", "ches", "shes")):
        return plural[:-2]
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")) and len(plural) > 2:
        return plural[:-1]
    return plural + "_item"


def free(name: str, taken: set[str] | frozenset[str]) -> str:
    """`name`, or `name_2`, `name_3`, ... until it is not taken."""
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
