"""Ready-made workflows to start from, written for this project in the workflow language.

They are in `templates.txt`: a title, a sentence, and Python in which `sidewheel check` finds no error. Flow's
own templates are Shopify's and not in here.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

__all__ = ["Template", "templates"]

_HEAD: Final = re.compile(r"^== (.+)\n(.+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Template:
    """One workflow to start from."""

    id: str
    """The name of its Python function."""
    title: str
    description: str
    python: str
    """Canonical."""


@functools.cache
def templates() -> tuple[Template, ...]:
    """Every template, in the order of the file."""
    text = files("schemas.catalog").joinpath("templates.txt").read_text(encoding="utf-8")
    _, *parts = _HEAD.split(text)
    return tuple(
        Template("_".join(re.findall(r"\w+", title.lower())), title, description, python)
        for title, description, python in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    )
