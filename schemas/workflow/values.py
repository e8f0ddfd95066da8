"""Config values: the text that a field holds, and what it means.

What a text is, is decided by task and field (`schemas.catalog.tasks.value_type`), never by its first
character: texts that start with `{` may be Liquid. A text that does not decode under its type stays `Text`.

`decode` also answers the value's *trace*: the spelling that the meaning does not hold (which of the
wrappers of a reference, white space inside JSON texts, uuids of a condition), free of content. None means
that the text is what `encode` writes by itself for that spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from schemas.errors import WorkflowRefused
from schemas.workflow.condition_ast import TypeOf, read_ast, write_ast
from schemas.workflow.condition_text import read_text, write_text
from schemas.workflow.condition_tree import is_number, lowered
from schemas.workflow.jsontext import compact, lexis_of, read_json, write_json
from schemas.workflow.model import (
    ApiCall,
    Bare,
    Condition,
    ConditionValue,
    Json,
    Path,
    PathValue,
    Reference,
    Text,
    Value,
    path,
)
from schemas.workflow.names import CONSTRUCTS, is_name

Trace = dict[str, Any] | None

_JSON_SPACE: Final = " \t\r\n"
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_LIQUID_PATH = re.compile(r"\{\{( ?)([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\1\}\}", re.ASCII)

# How a reference is written, by name. The first three are what current exports, the agent and files made
# by hand hold; `bare` is the export of 2024 and before.
_PATH_FORMS: Final[dict[str, Callable[[str], Any]]] = {
    "default": lambda place: {"value": "", "default_value": place},
    "liquid": lambda place: {"value": f"{{{{ {place} }}}}", "default_value": ""},
    "both": lambda place: {"value": f"{{{{ {place} }}}}", "default_value": place},
    "tight": lambda place: {"value": f"{{{{{place}}}}}", "default_value": ""},
    "tight_both": lambda place: {"value": f"{{{{{place}}}}}", "default_value": place},
    "bare": lambda place: place,
    "bare_liquid": lambda place: f"{{{{ {place} }}}}",
    "bare_tight": lambda place: f"{{{{{place}}}}}",
}
_LITERAL_FORMS: Final[dict[str, Callable[[str], Any]]] = {
    "value": lambda text: {"value": text, "default_value": ""},
    "twice": lambda text: {"value": text, "default_value": text},
    "default_value": lambda text: {"value": "", "default_value": text},
    "bare": lambda text: text,
}


def json_style(spelling: str) -> str:
    """The white space of JSON texts inside values: Shopify's skill writes spaces, exports none."""
    return "spaced" if spelling == "agent" else "compact"


def is_path(text: str) -> bool:
    return bool(_PATH.fullmatch(text))


def reference(text: str) -> Reference:
    """A reference from text that is not known to be a path: `{{ order.id }}` is one, `order.id` is not."""
    found = _LIQUID_PATH.fullmatch(text)
    return Reference(path(found.group(2)) if found else text)


def decode(text: str | None, value_type: str, spelling: str, where: str = "") -> tuple[Value, Trace]:
    """The meaning and the trace of a config value.

    Raises:
        WorkflowRefused: for a condition that cannot be read; every other text is carried as `Text`.
    """
    if value_type == "condition":
        return _decode_condition(text, spelling, where)
    if text is None:
        return Text(None), None
    decoder = _DECODERS.get(value_type)
    if decoder is None:
        return Text(text), None
    try:
        found = decoder(text, json_style(spelling), spelling)
    except WorkflowRefused:
        found = None
    return found or (Text(text), None)


def encode(
    value: Value,
    spelling: str,
    trace: Trace = None,
    *,
    seed: str = "",
    type_of: TypeOf | None = None,
    where: str = "",
) -> str | None:
    """The text of a config value in a spelling; `seed` makes the uuids of a new condition."""
    style = json_style(spelling)
    match value:
        case Text(text=text):
            return text
        case Bare(text=text):
            return text
        case PathValue(path=place):
            return _capital(place.text, trace)
        case Reference(target=target):
            return _encode_reference(target, spelling, trace)
        case Json(text=text):
            return write_json(read_json(text), (trace or {}).get("lexis"), style)
        case ApiCall():
            return _encode_api_call(value, trace, style)
        case ConditionValue(condition=condition):
            return _encode_condition(condition, spelling, trace, seed, type_of, where)


# -- scalars and paths ----------------------------------------------------------------------------------

Found = tuple[Value, Trace] | None


def _integer(text: str, style: str, spelling: str) -> Found:
    return (Bare(text), None) if "." not in text and is_number(text) else None


def _float(text: str, style: str, spelling: str) -> Found:
    return (Bare(text), None) if is_number(text) else None


def _boolean(text: str, style: str, spelling: str) -> Found:
    return (Bare(text), None) if text in ("true", "false") else None


def _path(text: str, style: str, spelling: str) -> Found:
    if not is_path(text):
        return None
    place, trace = _lowered(text)
    return PathValue(place), trace


def _lowered(text: str) -> tuple[Path, Trace]:
    place = lowered(path(text))
    return place, None if place.text == text else {"capital": True}


def _capital(text: str, trace: Trace) -> str:
    return text[:1].upper() + text[1:] if trace and trace.get("capital") else text


# -- references -----------------------------------------------------------------------------------------


def _reference(text: str, style: str, spelling: str) -> Found:
    wrapped: Any = None
    start = text.lstrip(_JSON_SPACE)[:2]
    if start.startswith("{") and start not in ("{{", "{%"):
        wrapped = read_json(text)
        if (
            not isinstance(wrapped, dict)
            or set(wrapped) != {"value", "default_value"}
            or not all(isinstance(part, str) for part in wrapped.values())
        ):
            return None
        form, target = _form_of(wrapped["value"], wrapped["default_value"])
    else:
        form, target = _bare_form_of(text)
    if form is None:
        return None
    trace: dict[str, Any] = {}
    if isinstance(target, str) and wrapped is not None and _LIQUID_PATH.fullmatch(target):
        return None  # Liquid in an odd place: as a literal it would come back as a path
    if isinstance(target, Path):
        place = lowered(target)
        if place != target:
            trace["capital"] = True
        target = place
    if form != _default_form(target, spelling):
        trace["form"] = form
    if wrapped is not None:
        if list(wrapped) != ["value", "default_value"]:
            trace["reversed"] = True
        lexis = lexis_of(text, wrapped, style)
        if lexis is not None:
            trace["lexis"] = lexis
    return Reference(target), trace or None


def _form_of(value: str, default: str) -> tuple[str | None, Path | str]:
    liquid = _LIQUID_PATH.fullmatch(value)
    if value == "":
        if "." in default and is_path(default):
            return "default", path(default)
        return ("default_value" if default else "value"), default
    if liquid and default in ("", liquid.group(2)):
        name = "liquid" if liquid.group(1) else "tight"
        if default:
            name = "both" if name == "liquid" else "tight_both"
        return name, path(liquid.group(2))
    if default == "":
        return "value", value
    return ("twice" if value == default else None), value


def _bare_form_of(text: str) -> tuple[str | None, Path | str]:
    liquid = _LIQUID_PATH.fullmatch(text)
    if liquid:
        return ("bare_liquid" if liquid.group(1) else "bare_tight"), path(liquid.group(2))
    if "." in text and is_path(text):
        return "bare", path(text)
    return "bare", text


def _default_form(target: Path | str, spelling: str) -> str:
    if isinstance(target, str):
        return "value"
    return "liquid" if spelling == "agent" else "default"


def _encode_reference(target: Path | str, spelling: str, trace: Trace) -> str:
    trace = trace or {}
    forms = _LITERAL_FORMS if isinstance(target, str) else _PATH_FORMS
    form = trace.get("form")
    if form not in forms:
        form = _default_form(target, spelling)
    text = target if isinstance(target, str) else _capital(target.text, trace)
    written = forms[form](text)
    if isinstance(written, str):
        return written
    if trace.get("reversed"):
        written = dict(reversed(written.items()))
    return write_json(written, trace.get("lexis"), json_style(spelling))


# -- JSON texts -----------------------------------------------------------------------------------------


def _json(accepts: Callable[[Any], bool]) -> Callable[[str, str, str], Found]:
    def decoder(text: str, style: str, spelling: str) -> Found:
        value = read_json(text)
        if not accepts(value):
            return None
        lexis = lexis_of(text, value, style)
        return Json(compact(value)), None if lexis is None else {"lexis": lexis}

    return decoder


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _is_pairs(value: Any) -> bool:
    return isinstance(value, list) and all(_is_strings(pair) and len(pair) == 2 for pair in value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _api_call(text: str, style: str, spelling: str) -> Found:
    call = read_json(text)
    if not isinstance(call, dict) or list(call) != ["name", "blob"]:
        return None
    name, blob = call["name"], call["blob"]
    if not isinstance(name, str) or not isinstance(blob, str) or not is_name(name) or name in CONSTRUCTS:
        return None
    trace: dict[str, Any] = {}
    lexis = lexis_of(text, call, style)
    if lexis is not None:
        trace["lexis"] = lexis
    arguments = _object_or_none(blob)
    if arguments is None:
        return ApiCall(name, None, blob), trace or None
    inner = lexis_of(blob, arguments)
    if inner is not None:
        trace["blob"] = inner
    return ApiCall(name, compact(arguments)), trace or None


def _object_or_none(blob: str) -> dict[str, Any] | None:
    """The arguments, where the blob is plain JSON before Liquid runs."""
    try:
        value = read_json(blob)
    except WorkflowRefused:
        return None
    return value if isinstance(value, dict) else None


def api_call(name: str, blob: str) -> ApiCall:
    """A call from a blob that may or may not be plain JSON."""
    arguments = _object_or_none(blob)
    return ApiCall(name, None, blob) if arguments is None else ApiCall(name, compact(arguments))


def _encode_api_call(call: ApiCall, trace: Trace, style: str) -> str:
    trace = trace or {}
    blob = call.blob if call.arguments is None else write_json(read_json(call.arguments), trace.get("blob"))
    return write_json({"name": call.name, "blob": blob}, trace.get("lexis"), style)


_DECODERS: Final[dict[str, Callable[[str, str, str], Found]]] = {
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "reference": _reference,
    "path": _path,
    "strings": _json(_is_strings),
    "recurrence": _json(_is_strings),
    "map": _json(_is_pairs),
    "object": _json(_is_object),
    "api_call": _api_call,
}

# -- conditions -----------------------------------------------------------------------------------------


def _decode_condition(text: str | None, spelling: str, where: str) -> tuple[ConditionValue, Trace]:
    if not text:
        form = "null" if text is None else "empty"
        return ConditionValue(None), None if form == "empty" and spelling != "flow" else {"form": form}
    if text.startswith("("):
        condition = read_text(text, where)
        trace: dict[str, Any] = {} if spelling != "flow" else {"form": "text"}
        if _written(condition) != text:
            trace["text"] = text
        return ConditionValue(condition), trace or None
    found, tree_trace = read_ast(text, where)
    return ConditionValue(found), {"tree": tree_trace}


def _encode_condition(
    condition: Condition | None, spelling: str, trace: Trace, seed: str, type_of: TypeOf | None, where: str
) -> str | None:
    trace = trace or {}
    if condition is None and trace.get("form") in ("null", "empty"):
        return None if trace["form"] == "null" else ""
    tree = "tree" in trace if trace else spelling == "flow"
    if tree or (spelling == "flow" and trace.get("form") != "text"):
        return write_ast(condition, trace.get("tree"), seed, type_of)
    if condition is None:
        return ""
    noted = trace.get("text")
    if noted is not None and read_text(noted) == condition:
        return str(noted)
    try:
        return write_text(condition)
    except WorkflowRefused as refusal:
        raise WorkflowRefused(refusal.code, refusal.message, path=where) from None


def _written(condition: Condition) -> str | None:
    try:
        return write_text(condition)
    except WorkflowRefused:
        return None
