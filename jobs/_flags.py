"""A frozen dataclass as command-line flags, so that a job's options are written once.

Field types: `str`, `int`, `float`, `bool` (`--force`, `--no-force`), `Path`, `Literal[...]` (choices),
`tuple[T, ...]` (`--inputs a b`, repeatable) and `T | None`. The sentence in `Annotated[T, "sentence"]` is the
flag's help.
"""

from __future__ import annotations

import argparse
import dataclasses
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from schemas.errors import UsageError

__all__ = ["flags_of", "parse"]

SCALARS = (str, int, float, Path)

Flags = Mapping[str, dict[str, Any]]
"""Field name -> the keyword arguments of its `add_argument`."""

ConfigT = TypeVar("ConfigT")


def flags_of(config: type) -> Flags:
    """One flag a field. Raises TypeError for a field without a sentence or of a type that is no flag."""
    hints = get_type_hints(config, include_extras=True)
    return {field.name: _flag(field, hints[field.name]) for field in dataclasses.fields(config)}


def parse(config: type[ConfigT], flags: Flags, argv: Sequence[str], *, name: str, purpose: str) -> ConfigT:
    """The config that `argv` asks for. Raises UsageError; `--help` prints and raises SystemExit(0)."""
    parser = _Parser(
        prog=name,
        description=purpose,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for field, keywords in flags.items():
        # Left out when not given: the dataclass is the only place where a default is written.
        parser.add_argument(f"--{field.replace('_', '-')}", dest=field, default=argparse.SUPPRESS, **keywords)
    given = vars(parser.parse_args(list(argv)))
    try:
        return config(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def _flag(field: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    if get_origin(hint) is not Annotated or not isinstance(hint.__metadata__[0], str):
        raise TypeError(f"{field.name}: write its sentence as Annotated[type, 'sentence']")
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    keywords = _of_type(field.name, hint.__origin__)
    keywords["help"] = hint.__metadata__[0].replace("%", "%%") + _default(field, required).replace("%", "%%")
    return keywords | {"required": required}


def _of_type(name: str, hint: Any) -> dict[str, Any]:
    arguments = [argument for argument in get_args(hint) if argument is not type(None)]
    if get_origin(hint) in (Union, types.UnionType) and len(arguments) == 1:
        return _of_type(name, arguments[0])
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if hint in SCALARS:
        return {"type": hint, "metavar": hint.__name__.upper()}
    if get_origin(hint) is Literal and all(isinstance(choice, str) for choice in arguments):
        return {"choices": arguments}
    if get_origin(hint) is tuple and arguments[1:] == [...] and arguments[0] in SCALARS:
        return _of_type(name, arguments[0]) | {"nargs": "+", "action": "extend"}
    raise TypeError(f"{name}: a flag cannot carry {hint}")


def _default(field: dataclasses.Field[Any], required: bool) -> str:
    if required:
        return " (required)"
    if field.default in (None, False, "", (), dataclasses.MISSING):
        return ""
    return f" (default: {field.default})"
