"""Labelled messages: seeded texts of merchants that say to the character what of them must go.

    messages = labelled_messages(5_000, "held_out")
    messages[0].text, messages[0].labels      # labels: (start, end, kind), in order

Thirteen kinds, nine countries, eight languages; a third of the messages hold none, only what looks like one.
`tuned` is what patterns are written for. `held_out` has other sentences, other spellings and other safe
words, and nobody looks at it while patterns change: what is measured there is nearer to what merchants write,
and still our own idea of it. Words and values are ours, and belong to nobody. Not here yet: misspellings,
speech, and identifiers that a sentence only describes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Final

from pipelines.labelled_messages.sentences import SAFE, SENTENCES, SPOKEN_IN
from pipelines.labelled_messages.values import CLOSE, COUNTRIES, KINDS, OPEN, Half, value

__all__ = ["KINDS", "Half", "Label", "LabelledMessage", "labelled_messages"]

_PLACE: Final = re.compile(r"\{(\w+)\}")
_WITHOUT: Final = 3
"""One message of so many holds no identifier."""
_MARK: Final = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]+){CLOSE}")


@dataclass(frozen=True, slots=True)
class Label:
    """`text[start:end]` must go; it is a `kind` of `KINDS`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class LabelledMessage:
    """One message; `labels` are in order and apart."""

    text: str
    labels: tuple[Label, ...]
    country: str


def labelled_messages(num: int, half: Half, seed: int = 0) -> list[LabelledMessage]:
    """`num` messages of one half; a longer list begins with the shorter one."""
    return [_message(number, half, seed) for number in range(num)]


def _message(number: int, half: Half, seed: int) -> LabelledMessage:
    random = Random(f"{half}:{seed}:{number}")  # noqa: S311 - chance that can be repeated
    country = random.choice(COUNTRIES)
    safe = SAFE[half]
    if number % _WITHOUT == 0:
        text = " ".join(random.choice(safe) for _ in range(random.randrange(1, 4)))
        return LabelledMessage(text, (), country)
    sentence = random.choice(SENTENCES[half][SPOKEN_IN[country]])
    text, position, labels = "", 0, []
    for place in _PLACE.finditer(sentence):
        text += sentence[position : place.start()]
        position, kind = place.end(), place[1]
        marked = random.choice(safe) if kind == "safe" else value(kind, country, half, random)
        for label in _MARK.finditer(marked):
            start = len(text) + label.start() - marked[: label.start()].count(OPEN) * 2
            labels.append(Label(start, start + len(label[1]), kind))
        text += _MARK.sub(r"\1", marked)
    return LabelledMessage(text + sentence[position:], tuple(labels), country)
