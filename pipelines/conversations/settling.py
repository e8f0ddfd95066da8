"""What only time tells: what time it is in the lake, who has stopped talking, whose window is over.

No clock is asked. Time is the newest event that is believed, so the same events settle the same rows
whenever they are built. One recorder's clock may be years ahead, and must not close every window: after a
pause of more than `max_skew_hours` in which nobody did anything, time goes on once `WITNESSES` shops have
done something, or all shops of a lake that has fewer. A clock that is ahead by less moves time by no more
than that. What a clock ahead left waits, unsettled, for time to come there. A server of many shops whose
clock jumps is told from a long pause by nothing in the lake: give `build_conversations` the time then, by
`--as-of`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from pipelines.conversations.policy import ConversationPolicy
from pipelines.time_spans import EPOCH, moment

__all__ = ["TIMES", "WITNESSES", "believed", "columns_at", "settled", "time_of", "unsettled_at"]

WITNESSES: Final = 3
TIMES: Final = ("started_at", "spoken_at", "ended_at")

_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1)

Hour = tuple[datetime, datetime, Collection[str]]
"""First and last event of an hour, and shops of them: all, or as many as there are witnesses."""


def time_of(rows: DataFrame, policy: ConversationPolicy) -> datetime | None:
    """The newest believed time of these conversations; None where there are none.

    `rows` have `shop_id` and the columns of `TIMES`; nothing else of them is read.
    """
    at = F.unix_micros("at")
    hours = (
        rows.select("shop_id", F.explode(F.array(*TIMES)).alias("at"))
        .where(F.col("at").isNotNull())
        .groupBy(F.date_trunc("hour", "at").alias("hour"))
        .agg(
            F.min(at).alias("first"),
            F.max(at).alias("last"),
            F.slice(F.sort_array(F.collect_set("shop_id")), 1, WITNESSES).alias("shops"),
        )
    )
    found = ((moment(row["first"]), moment(row["last"]), row["shops"]) for row in hours.collect())
    return believed(found, policy.max_skew)


def believed(hours: Iterable[Hour], max_skew: timedelta) -> datetime | None:
    """The newest time that is believed; None where there is none. The hours come in any order."""
    latest_first = sorted(hours, key=lambda hour: hour[1], reverse=True)
    needed = min(WITNESSES, len({shop for _, _, shops in latest_first for shop in shops}))
    witnesses: set[str] = set()
    newest = after = None
    for first, last, shops in latest_first:
        if after is None or after - last > max_skew:
            if newest is not None and len(witnesses) >= needed:
                return newest
            newest = last
        witnesses.update(shops)
        after = first
    return newest


def settled(rows: DataFrame, as_of: datetime | None, policy: ConversationPolicy) -> DataFrame:
    """The conversations as they are at `as_of`."""
    return rows.withColumns({name: F.expr(said) for name, said in columns_at(as_of, policy).items()})


def columns_at(as_of: datetime | None, policy: ConversationPolicy) -> dict[str, str]:
    """What time says of a row, as SQL over its other columns.

    What was turned off again is not activated, and what nobody turned on is not once the window is over.
    Windows end by the full hour, so that a stream does not rewrite what is a week old with every step.
    """
    time = as_of or EPOCH
    hour = EPOCH + (time - EPOCH) // _HOUR * _HOUR
    activated = f"""CASE WHEN deactivated_at IS NOT NULL THEN false WHEN activated_at IS NOT NULL THEN true
        WHEN unix_micros(proposed_at) < {_micros(hour - policy.window)} THEN false END"""
    closed = f"""end_reason IS NOT NULL
        OR coalesce(unix_micros(spoken_at) < {_micros(time - policy.inactivity)}, false)"""
    return {"activated": activated, "closed": closed}


def unsettled_at(as_of: datetime | None, policy: ConversationPolicy) -> str:
    """Which stored rows time has changed, as SQL.

    A row without `spoken_at` is of an earlier build, which kept too little to tell; a build of everything
    makes it anew.
    """
    differs = (f"NOT ({name} <=> ({said}))" for name, said in columns_at(as_of, policy).items())
    return f"spoken_at IS NOT NULL AND ({' OR '.join(differs)})"


def _micros(time: datetime) -> int:
    return (time - EPOCH) // _MICROSECOND
