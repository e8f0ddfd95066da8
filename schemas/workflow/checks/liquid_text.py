"""Liquid read as far as its rules need: outputs, loops, assignments, comparisons, and what is never closed.

A small tokenizer, not a renderer. It reads a text once, in time that grows with its length, and answers with
events in reading order; what it cannot read is an event too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["Broken", "End", "Event", "Expression", "Use", "events", "has_liquid"]

_REMEMBERED: Final = 4_000
"""Characters of the longest text that is worth remembering; few files share a longer one."""
_OPENER = re.compile(r"\{\{|\{%")
_TAG = re.compile(r"\s*([a-z_]+)")
_NAMED = re.compile(r"([A-Za-z_][\w-]*)\s*=\s*(.*)$", re.DOTALL)
_LOOP = re.compile(r"([A-Za-z_][\w-]*)\s+in\s+(\([^)]*\)|\S+)", re.DOTALL)
_PATH = re.compile(r"[A-Za-z_][\w-]*\??(?:\.[\w-]+\??|\[[^\]]*\])*", re.ASCII)
_AFTER = re.compile(r"\.([\w-]+\??)", re.ASCII)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")
_OPERATORS = re.compile(r"==|!=|<>|<=|>=|<|>|\bcontains\b|\band\b|\bor\b|,")
_ARGUMENT = re.compile(r"(?<![\w.'\"-])[A-Za-z_][\w-]*(?:\.[\w-]+)*(?!\s*:)(?![\w.-])", re.ASCII)
_VERBATIM: Final = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "comment")}
"""Blocks whose inside is no Liquid, with what ends them."""
_OF_ITEMS: Final = frozenset(
    {"map", "where", "reject", "find", "has", "sort", "sort_natural", "sum", "uniq", "compact"}
)
"""Filters that take the name of a field of the list's items."""
_WORDS: Final = frozenset({"true", "false", "nil", "null", "blank", "empty", ""})
_BLOCKS: Final = frozenset(
    {"for", "if", "unless", "case", "capture", "comment", "raw", "tablerow", "form", "paginate"}
)
_OTHERS: Final = frozenset(
    {"assign", "else", "elsif", "when", "break", "continue", "cycle", "increment", "decrement", "echo"}
    | {"render", "include", "liquid", "layout", "section", "style", "ifchanged", "endifchanged"}
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A value with its filters."""

    segments: tuple[str, ...]
    """The path, empty for a literal."""
    filters: tuple[str, ...] = ()
    indexed: bool = False
    """Whether the path takes an item by its number (`[0]`); `segments` end before it."""
    arguments: tuple[tuple[str, ...], ...] = ()
    """Paths that the filters take."""
    fields: tuple[str, ...] = ()
    """Fields of the list's items that the filters name, as `map: "title"` does."""
    after: tuple[str, ...] = ()
    """The segments behind the number of an item: `title` in `lineItems[0].title`."""


@dataclass(frozen=True, slots=True)
class Use:
    """Something is printed, looped over, given a name, or compared."""

    kind: Literal["output", "loop", "assign", "compare"]
    value: Expression
    name: str = ""
    """The variable that a loop or an assignment makes."""


@dataclass(frozen=True, slots=True)
class End:
    """A loop's variable ends here."""

    name: str


@dataclass(frozen=True, slots=True)
class Broken:
    """What cannot be read. `certain` is false where Flow may be more lenient than we are."""

    message: str
    certain: bool = True


Event: TypeAlias = Use | End | Broken


def has_liquid(text: str) -> bool:
    """Whether a text opens an output or a tag."""
    return "{{" in text or "{%" in text


def events(text: str) -> tuple[Event, ...]:
    """The events of a text, in reading order."""
    return _read(text) if len(text) <= _REMEMBERED else tuple(_Reader(text).read())


@functools.lru_cache(maxsize=2048)
def _read(text: str) -> tuple[Event, ...]:
    return tuple(_Reader(text).read())


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.open: list[tuple[str, str]] = []

    def read(self) -> Iterator[Event]:
        at = 0
        while found := _OPENER.search(self.text, at):
            closer = "}}" if found.group() == "{{" else "%}"
            end = self.text.find(closer, found.end())
            if end < 0:
                what = "an output" if closer == "}}" else "a tag"
                yield Broken(f"{what} is opened and never closed; write {closer}")
                return
            inner = self.text[found.end() : end].removeprefix("-").removesuffix("-")
            at = end + 2
            if closer == "}}":
                yield from self.output(inner)
                continue
            tag = _TAG.match(inner)
            if inner.lstrip().startswith("#"):
                continue  # a remark
            if tag is None:
                yield Broken(f"cannot read the tag {inner.strip()[:40]!r}", certain=False)
            elif tag[1] in _VERBATIM:
                closing = _VERBATIM[tag[1]].search(self.text, at)
                if closing is None:
                    yield Broken(f"{{% {tag[1]} %}} is never closed; write {{% end{tag[1]} %}}")
                    return
                at = closing.end()
            else:
                yield from self.tag(tag[1], inner[tag.end() :].strip())
        for name, _ in reversed(self.open):
            yield Broken(f"{{% {name} %}} is never closed; write {{% end{name} %}}")

    def output(self, inner: str) -> Iterator[Event]:
        value = expression(inner)
        if value is None:
            yield Broken(f"cannot read {{{{ {inner.strip()[:40]} }}}}", certain=False)
        else:
            yield Use("output", value)

    def tag(self, name: str, rest: str) -> Iterator[Event]:
        if name.startswith("end") and name[3:] in _BLOCKS:
            yield from self.close(name[3:])
            return
        variable = ""
        if name in ("if", "unless", "elsif", "case", "when"):
            yield from self.compare(rest)
        elif name in ("for", "tablerow"):
            loop = _LOOP.match(rest)
            value = expression(loop[2]) if loop else None
            if loop is None or value is None:
                yield Broken("a loop reads {% for item in list %}")
            else:
                variable = loop[1]
                yield Use("loop", value, variable)
        elif name == "assign":
            named = _NAMED.match(rest)
            value = expression(named[2]) if named else None
            if named is None or value is None:
                yield Broken("an assignment reads {% assign name = value %}")
            else:
                yield Use("assign", value, named[1])
        elif name in ("capture", "increment", "decrement"):
            yield Use("assign", Expression(()), rest.strip("'\" ").split(" ")[0])
        elif name == "echo":
            yield from self.output(rest)
        elif name == "liquid":
            for line in rest.splitlines():
                inner = _TAG.match(line)
                if inner is not None and inner[1] != "liquid":
                    yield from self.tag(inner[1], line[inner.end() :].strip())
        elif name not in _BLOCKS and name not in _OTHERS:
            yield Broken(f"there is no tag {name[:40]!r}", certain=False)
        if name in _BLOCKS:
            self.open.append((name, variable))

    def close(self, name: str) -> Iterator[Event]:
        if not self.open or self.open[-1][0] != name:
            expected = f"; {{% end{self.open[-1][0]} %}} comes first" if self.open else ""
            yield Broken(f"{{% end{name} %}} closes nothing{expected}")
            return
        variable = self.open.pop()[1]
        if variable:
            yield End(variable)

    def compare(self, rest: str) -> Iterator[Event]:
        bare = _STRINGS.sub("''", rest)
        if "|" in bare:
            yield Broken("a comparison takes no filters; assign the value to a name before it")
            return
        for part in _OPERATORS.split(bare):
            value = expression(part)
            if value is None:
                yield Broken(f"cannot read the comparison {rest[:40]!r}", certain=False)
                return
            if value.segments:
                yield Use("compare", value)


def expression(text: str) -> Expression | None:
    """A value with its filters; None where it cannot be read."""
    quoted = _STRINGS.search(text)
    bare = _STRINGS.sub("''", text) if quoted else text
    head, *filters = (part.strip() for part in bare.split("|"))
    names = tuple(part.partition(":")[0].strip() for part in filters)
    arguments = tuple(
        tuple(found.split("."))
        for part in filters
        for found in _ARGUMENT.findall(_STRINGS.sub("", part.partition(":")[2]))
        if found not in _WORDS
    )
    fields = _fields(text, head, filters) if quoted else ()
    if head in _WORDS or head == "''" or _NUMBER.fullmatch(head) or head.startswith("("):
        return Expression((), names, arguments=arguments)
    if not _PATH.fullmatch(head):
        return None
    place, bracket, rest = head.partition("[")
    after = tuple(_AFTER.findall(rest))
    return Expression(tuple(place.split(".")), names, bool(bracket), arguments, fields, after)


def _fields(text: str, head: str, filters: list[str]) -> tuple[str, ...]:
    """What filters on items name; `filters` have an empty text where `text` has its own."""
    texts = _STRINGS.findall(text)[head.count("''") :]
    found = []
    for part in filters:
        count = part.count("''")
        if count and part.partition(":")[0].strip() in _OF_ITEMS:
            found.append(texts[0][1:-1])
        texts = texts[count:]
    return tuple(found)
