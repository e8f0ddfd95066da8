"""Config values as texts: every form that files of any age and spelling have for one meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from pipelines.generator.draw import Draw
from pipelines.generator.language.noise import compact_json, noisy_json
from pipelines.generator.language.spell_condition import condition_text, condition_tree, has_text
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
)

__all__ = ["value_text"]

_DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


def value_text(draw: Draw, value: Value, spelling: str, new_id: Callable[[], str]) -> str | None:
    """One of the texts that mean this value."""
    match value:
        case Text(text=text):
            return text
        case Bare(text=text):
            return text
        case PathValue(path=place):
            return _cased(draw, place)
        case Reference(target=target):
            return _reference_to(draw, target) if isinstance(target, Path) else _literal(draw, target)
        case Json(text=text):
            return _json(draw, json.loads(text))
        case ApiCall(name=name, arguments=arguments, blob=blob):
            if arguments is not None:
                blob = _json(draw, json.loads(arguments))
            return _json(draw, {"name": name, "blob": blob})
        case ConditionValue(condition=condition):
            return _condition(draw, condition, spelling, new_id)


def _json(draw: Draw, value: object) -> str:
    return compact_json(value) if draw.chance(0.8) else noisy_json(draw, value)


def _cased(draw: Draw, place: Path) -> str:
    """Files of 2024 and before start paths with a capital."""
    text = place.text
    return text[0].upper() + text[1:] if draw.chance(0.15) else text


def _reference_to(draw: Draw, place: Path) -> str:
    text = _cased(draw, place)
    forms = (
        ("", text), ("", text), ("", text), (f"{{{{ {text} }}}}", ""), (f"{{{{ {text} }}}}", text),
        (f"{{{{{text}}}}}", ""), (f"{{{{{text}}}}}", text),
    )  # fmt: skip
    if draw.chance(0.25):
        return draw.pick((text, f"{{{{ {text} }}}}", f"{{{{{text}}}}}"))
    return _pair(draw, *draw.pick(forms))


def _literal(draw: Draw, text: str) -> str:
    forms = [(text, ""), (text, ""), (text, text)]
    dotted = _DOTTED.fullmatch(text) is not None
    if not dotted:
        forms.append(("", text))
    if draw.chance(0.3) and not dotted and (not text.startswith("{") or text.startswith(("{{", "{%"))):
        return text
    return _pair(draw, *draw.pick(forms))


def _pair(draw: Draw, value: str, default: str) -> str:
    pair = {"value": value, "default_value": default}
    return _json(draw, dict(reversed(pair.items())) if draw.chance(0.1) else pair)


def _condition(
    draw: Draw, condition: Condition | None, spelling: str, new_id: Callable[[], str]
) -> str | None:
    if condition is None and draw.chance(0.6):
        return draw.pick(("", "", None))
    if condition is not None and has_text(condition) and draw.chance(0.05 if spelling == "flow" else 0.93):
        return condition_text(draw, condition)
    return _json(draw, condition_tree(draw, condition, new_id))
