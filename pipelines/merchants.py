"""Simulated merchants: what each wants, in which words, and what they do with what they get. Pure functions.

They stand in for people while there are none, and everything about them says so: their shops are named
`simulated-shop-N`. What they do afterwards follows a noisy rule: a workflow that is what they wanted is
mostly turned on, another one seldom. Not here yet: merchants who come back later in the week, who mix
several wishes, or who write badly.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pipelines.wording import NUM_WORDINGS, create_request, edit_request, question_request
from schemas.weeks import Week
from schemas.workflow import Workflow, canonical, from_python, to_python
from serving.checks import validation_errors
from serving.shop import InMemoryShop, Saved

__all__ = [
    "FIRST_WORDING",
    "Act",
    "Got",
    "Merchant",
    "Plan",
    "Turn",
    "can_be_on",
    "in_trial",
    "is_right",
    "merchants_of",
]

FIRST_WORDING: Final = 2
"""Wordings below it are those of synthesis: a merchant says it in other words than training did."""

_ASKS: Final = 0.15
_CHANGES_MIND: Final = 0.25
_SIGNS: Final = 1 / 3
_ACTIVATES: Final = {True: 0.85, False: 0.10}
"""By whether it is what they wanted."""
_APPROVES: Final = {True: 0.90, False: 0.10}
_RATES: Final = 0.40
_EDITS: Final = 0.08
_REGRETS: Final = 0.05
_WORD: Final = re.compile(r"\w+")
_GIVEN: Final = ("Maria", "Ken", "Aïcha", "Luis", "Ingrid", "Tunde")
_FAMILY: Final = ("Lopez", "Tanaka", "Berger", "Okafor", "Novak", "Singh")


MAX_MERCHANTS: Final = 10_000
"""More would not fit into a week of one clock."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many ask, and whom."""

    num: Annotated[int, "How many merchants, each of a shop of its own."] = 36
    seed: Annotated[int, "Who wants what in which words, and what they do then."] = 0
    trained_share: Annotated[float, "Share of shops that the checkpoint answers, told by their names."] = 0.33
    num_damaged: Annotated[int, "How many bad lines to plant, in a file of their own."] = 0
    tokens: Annotated[int, "The most tokens that the checkpoint may write for one request."] = 768

    def __post_init__(self) -> None:
        if not 1 <= self.num <= MAX_MERCHANTS:
            raise ValueError(f"--num must be from 1 to {MAX_MERCHANTS}.")
        if not 0 <= self.trained_share <= 1:
            raise ValueError("--trained-share must be from 0 to 1.")
        if self.num_damaged < 0:
            raise ValueError("--num-damaged must not be negative.")
        if self.tokens < 1:
            raise ValueError("--tokens must be at least 1.")


@dataclass(frozen=True, slots=True)
class Turn:
    """One request; `wanted` is the workflow that should come of it, None where an answer should."""

    request: str
    wanted: Workflow | None
    answer: str = ""
    """What a good answer says, where no workflow is wanted."""


@dataclass(frozen=True, slots=True)
class Got:
    """What came of a conversation so far: the last answer, and the workflow that was proposed last."""

    answer: str = ""
    proposed: Saved | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a merchant does after the answer, `minutes` after what came before."""

    minutes: int
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """One person with one wish. The last five say in [0, 1) where each decision falls, whatever they get."""

    shop_id: str
    turns: tuple[Turn, ...]
    """What they ask for; the second only where the first brought a workflow."""
    own_change: Workflow
    """What the workflow is after a change by hand."""
    pause: int
    """Minutes between what they do."""
    activates: float
    rates: float
    approves: float
    edits: float
    regrets: float

    def acts(self, turn: Turn, got: Got) -> Iterator[Act]:
        """What they do, in order, about what they got for their last request."""
        right = is_right(turn, got)
        if got.proposed is not None:
            which = {
                "workflow_id": got.proposed.workflow_id,
                "workflow_version": got.proposed.workflow_version,
            }
            if self.edits < _EDITS:
                better = self.own_change if right or turn.wanted is None else turn.wanted
                yield Act(self.pause, "edited", {**which, "python": to_python(better)})
            if self.activates < _ACTIVATES[right] and can_be_on(got.proposed.python):
                yield Act(self.pause, "activated", which)
                if self.regrets < _REGRETS:
                    yield Act(6 * self.pause, "deactivated", which)
        if self.rates < _RATES:
            rating = "up" if self.approves < _APPROVES[right] else "down"
            said = "Just what I needed." if rating == "up" else "That is not what I asked for."
            yield Act(self.pause, "feedback", {"rating": rating, "text": said})


def is_right(turn: Turn, got: Got) -> bool:
    """Whether a merchant got what they asked for: the same workflow, or most words of a good answer."""
    if turn.wanted is None:
        expected = set(_WORD.findall(turn.answer.lower()))
        found = expected & set(_WORD.findall(got.answer.lower()))
        return got.proposed is None and 2 * len(found) >= len(expected)
    return got.proposed is not None and canonical(from_python(got.proposed.python)) == canonical(turn.wanted)


def can_be_on(python: str) -> bool:
    """Whether Flow lets a shop without apps turn the workflow on."""
    return not any(validation_errors(from_python(python), InMemoryShop()).values())


def merchants_of(wishes: Sequence[str], plan: Plan, week: Week) -> list[Merchant]:
    """The merchants of a week; the n-th wants the n-th workflow (Python), in a circle."""
    return [_merchant(number, wishes[number % len(wishes)], plan.seed, week) for number in range(plan.num)]


def in_trial(shop_id: str, share: float) -> bool:
    """Whether a shop is of the `share` that gets the challenger: by its name alone, so it stays there."""
    digest = hashlib.sha256(f"arm:{shop_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def _merchant(number: int, python: str, seed: int, week: Week) -> Merchant:
    shop_id = f"simulated-shop-{number + 1}"
    chance = random.Random(f"{seed}/{week}/{shop_id}")  # noqa: S311
    wanted = from_python(python)
    wording = chance.randrange(FIRST_WORDING, NUM_WORDINGS)
    asks, changes_mind, signs = chance.random(), chance.random(), chance.random()
    signature = _signature(chance, shop_id)
    changed, edited = edit_request(wanted, wording)
    if asks < _ASKS:
        question, answer = question_request(wanted, wording)
        turns = [Turn(question, None, answer)]
    else:
        request = create_request(wanted, wording)
        turns = [Turn(f"{request}\n{signature}" if signs < _SIGNS else request, wanted)]
        if changes_mind < _CHANGES_MIND:
            turns.append(Turn(changed, edited))
    return Merchant(
        shop_id=shop_id,
        turns=tuple(turns),
        own_change=edit_request(turns[-1].wanted or wanted, wording)[1],
        pause=chance.randrange(2, 90),
        activates=chance.random(),
        rates=chance.random(),
        approves=chance.random(),
        edits=chance.random(),
        regrets=chance.random(),
    )


def _signature(chance: random.Random, shop_id: str) -> str:
    """A sentence with an identifier of a person who does not exist, as people add them unasked."""
    given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
    mail = f"{given}.{family}{chance.randrange(100)}@example.com".lower().replace("ï", "i")
    phone = f"+1 415 555 01{chance.randrange(100):02d}"
    return chance.choice(
        [
            f"You can reach me at {mail}. Thanks, {given}",
            f"Call me at {phone} if anything is unclear.",
            f"My shop is {shop_id}.myshopify.com, by the way.",
            f"{given} {family}, {mail}, {phone}",
        ]
    )
