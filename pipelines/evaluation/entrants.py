"""Who is asked, all within one budget, and a row for whatever happens: junk, silence, an error, no end.

    rows = ask(ORACLE, chosen, chosen.conversations, budget=Budget(), clock=time.monotonic)

Not here yet: several at a time.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from pipelines.evaluation.held_out import Chosen, HeldOut
from pipelines.evaluation.scoring import score
from schemas.chat import Message
from schemas.errors import BrokenLaw, UsageError
from schemas.tools import canonical_json
from serving.agent import Budget, Counts, Model, Outcome, converse
from serving.checkpoint import Checkpoint
from serving.oracle import ScriptedOracle

__all__ = ["EVALUATION_VERSION", "ORACLE", "Asks", "Entrant", "ModelKind", "ask", "asks_of", "evaluation_id"]

EVALUATION_VERSION: Final = "evaluation_v1"
"""Changes where a score or the script does: rows of another version are another evaluation."""

RAISED: Final = "model_raised"
"""The reason of a model that broke in a way of its own."""

ModelKind = Literal["trained", "untrained", "oracle"]
logger = logging.getLogger(__name__)

Row = dict[str, Any]
"""A row of gold.evaluations."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A model by name and kind; `model` gives the one that answers a conversation, first loading it."""

    kind: ModelKind
    name: str
    model: Callable[[HeldOut], Model]


def _oracle(conversation: HeldOut) -> ScriptedOracle:
    wanted = conversation.wanted
    if wanted is None:
        return ScriptedOracle(None)
    return ScriptedOracle(
        wanted.python, workflow_id=wanted.workflow_id, workflow_version=wanted.workflow_version
    )


ORACLE: Final = Entrant("oracle", ScriptedOracle(None).name, _oracle)
"""The script that knows what is wanted: no model, an upper bound."""


Asks = list[tuple[Entrant, Sequence[HeldOut]]]
"""Who is asked which conversations."""


def asks_of(checkpoint: Checkpoint, chosen: Chosen, seed: int, num_untrained: int) -> Asks:
    """The checkpoint's model and the script are asked all, one with weights drawn from `seed` the first few.

    A model is loaded when it is first asked, and raises UsageError then where the checkpoint is unfit or the
    packages are missing that run it.
    """

    @functools.cache
    def load(drawn_from: int | None) -> Model:
        try:
            from serving.local_model import LocalModel
        except ModuleNotFoundError as missing:
            raise UsageError(f"Evaluating needs {missing.name}: install the extra `train`.") from None
        return LocalModel(checkpoint, drawn_from=drawn_from)

    trained = Entrant("trained", checkpoint.name, lambda conversation: load(None))
    name = f"untrained-{seed}-of-{checkpoint.name}"
    untrained = Entrant("untrained", name, lambda conversation: load(seed))
    asked = chosen.conversations
    return [(trained, asked), (untrained, asked[:num_untrained]), (ORACLE, asked)]


def evaluation_id(entrant: Entrant, chosen: Chosen, budget: Budget) -> str:
    """Names all that a row depends on besides its conversation: the same again need not be asked."""
    asked = [chosen.week, chosen.shards, chosen.held_out]
    named = [EVALUATION_VERSION, entrant.kind, entrant.name, asked, asdict(budget)]
    return hashlib.blake2b(canonical_json(named).encode(), digest_size=16).hexdigest()


def ask(
    entrant: Entrant,
    chosen: Chosen,
    conversations: Iterable[HeldOut],
    *,
    budget: Budget,
    clock: Callable[[], float],
) -> Iterator[Row]:
    """Ask the last request of each of `conversations`, some of `chosen`, in a shop of its own; yield rows."""
    named = {
        "evaluation_id": evaluation_id(entrant, chosen, budget),
        "week": chosen.week,
        "shards": chosen.shards,
        "model": entrant.name,
        "model_kind": entrant.kind,
    }
    for conversation in conversations:
        asked = {
            "record_id": conversation.record_id,
            "request_kind": conversation.request_kind,
            "trigger": conversation.trigger,
        }
        yield named | asked | _asked(entrant, conversation, budget, clock)


def _asked(entrant: Entrant, conversation: HeldOut, budget: Budget, clock: Callable[[], float]) -> Row:
    tools = conversation.tools()
    model = entrant.model(conversation)
    started = clock()
    reason: str = RAISED
    since: Sequence[Message] = ()
    counts = Counts()
    try:
        outcome = converse(
            conversation.request, model, tools, budget, clock=clock, history=conversation.history
        )
    except BrokenLaw:
        raise
    except Exception as error:  # noqa: BLE001  # a model breaks in its own ways: that is what came of it
        logger.warning("%s broke on %s: %r", entrant.name, conversation.record_id, error)
    else:
        reason, counts = _ended(outcome, budget), outcome.counts
        since = outcome.messages[len(conversation.history) + 1 :]
    return {
        "reason": reason,
        **asdict(score(conversation, reason, since)),
        "latency_seconds": clock() - started,
        "num_tokens": counts.num_tokens,
        "num_turns": counts.num_turns,
    }


def _ended(outcome: Outcome, budget: Budget) -> str:
    """Why it ended: words that a limit cut are no answer, however much they look like one."""
    if outcome.reason == "answered" and outcome.counts.num_tokens >= budget.tokens:
        return "token_budget"
    if outcome.reason == "answered" and outcome.seconds >= budget.seconds:
        return "time_budget"
    return outcome.reason
