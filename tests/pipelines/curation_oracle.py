"""Random records for the rules of curation, and the rules again in plain Python."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.curation import CurationPolicy
from schemas.weeks import Week

Record = dict[str, Any]

WEEK = Week.parse("2026-W47")
END = WEEK.end
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
SCHEMA = (
    "record_id string, workflow_id string, shop_id string, updated_at timestamp, last_run_at timestamp,"
    "num_runs_7d long, problem_code string, problem string, descriptor string, refusal string,"
    "refusal_detail string, transpiled boolean"
)
COLUMNS = [column.split()[0] for column in SCHEMA.split(",")]

FATE_OF = {"accepted": "training", "NOT_JSON": "rejected", "superseded": "rejected"}
FATE_OF |= dict.fromkeys(("changed_after_week", "ran_after_week", "not_run_recently"), "rejected")
FATE_OF |= dict.fromkeys(("shop_below_minimum", "descriptor_taken"), "rejected")


def id_of(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def record(name: str, **columns: Any) -> Record:
    """A record that trains, if its shop has enough: alone in its shop, with its own descriptor."""
    sound: Record = {
        **dict.fromkeys(COLUMNS),
        **{"workflow_id": f"w-{name}", "shop_id": f"s-{name}", "descriptor": f"d-{name}"},
        **{"updated_at": END - 30 * DAY, "last_run_at": END - DAY, "num_runs_7d": 5, "transpiled": True},
    }
    return {**sound, "record_id": id_of(name), **columns}


def random_records(seed: int, num: int) -> list[Record]:
    """Few values in each column, the awkward ones often, so that every rule meets every other."""
    draw = random.Random(seed)
    moments = [
        None,
        *(END + days * DAY for days in (-40, -9, -7, -3, -1, 0, 2)),
        END - TICK,
        END - 7 * DAY - TICK,
    ]
    records = []
    for number in range(num):
        sound = draw.random() < 0.9
        records.append(
            record(
                f"{seed}-{number}",
                workflow_id=draw.choice([None, *(f"w{n}" for n in range(num // 2))]),
                shop_id=draw.choice([None, *(f"s{n}" for n in range(num // 6))]),
                updated_at=draw.choice(moments),
                last_run_at=draw.choice(moments),
                num_runs_7d=draw.choice([None, 0, 0, 1, 2, 50]),
                descriptor=draw.choice([None, "", *(f"d{n}" for n in range(num // 8))]),
                problem_code=None if sound else draw.choice([None, "NOT_JSON"]),
                refusal=None if sound else draw.choice([None, "CYCLE"]),
                transpiled=True if sound else draw.choice([None, True]),
            )
        )
    return records


def oracle(records: Sequence[Record], end: datetime, policy: CurationPolicy) -> dict[str, tuple[str, str]]:
    """The rules again, one record after the other, in plain Python."""
    early = datetime(1, 1, 1, tzinfo=UTC)

    def runs(each: Record) -> int:
        return -1 if each["num_runs_7d"] is None else each["num_runs_7d"]

    def best(rows: list[Record], *ranks: Any) -> str:
        for rank in ranks:
            top = max(map(rank, rows))
            rows = [each for each in rows if rank(each) == top]
        return min(each["record_id"] for each in rows)

    versions, shops, kinds = defaultdict(list), defaultdict(list), defaultdict(list)
    reasons: dict[str, str] = {}
    for each in records:
        if each["problem_code"]:
            reasons[each["record_id"]] = each["problem_code"]
        elif each["updated_at"] and each["updated_at"] >= end:
            reasons[each["record_id"]] = "changed_after_week"
        elif each["last_run_at"] and each["last_run_at"] >= end:
            reasons[each["record_id"]] = "ran_after_week"
        elif each["workflow_id"] is None:
            reasons[each["record_id"]] = "no_workflow_id"
        else:
            versions[each["workflow_id"]].append(each)
    for rows in versions.values():
        changed, ran = (lambda r: r["updated_at"] or early), (lambda r: r["last_run_at"] or early)
        newest = best(rows, changed, ran, runs)
        for each in rows:
            known = each["last_run_at"] is not None or each["num_runs_7d"] == 0
            opens = end - timedelta(days=policy.window_days)
            if each["record_id"] != newest:
                reason = "superseded"
            elif each["transpiled"] is None:
                reason = "not_transpiled"
            elif each["refusal"]:
                reason = each["refusal"]
            elif not each["descriptor"]:
                reason = "no_descriptor"
            elif not known:
                reason = "" if policy.accept_unknown_runs else "no_run_statistics"
            elif each["last_run_at"] is None or each["last_run_at"] < opens:
                reason = "not_run_recently"
            else:
                reason = "" if each["shop_id"] else "no_shop"
            if reason:
                reasons[each["record_id"]] = reason
            else:
                shops[each["shop_id"] or f"none {newest}"].append(each | {"known": known})
    for rows in shops.values():
        for each in rows:
            if each["known"] and len(rows) < policy.min_workflows:
                reasons[each["record_id"]] = "shop_below_minimum"
            else:
                kinds[each["descriptor"]].append(each)
    seen_in = defaultdict(set)
    for each in records:
        later = reasons.get(each["record_id"]) in ("changed_after_week", "ran_after_week")
        if each["descriptor"] and each["shop_id"] and not each["problem_code"] and not later:
            seen_in[each["descriptor"]].add(each["shop_id"])
    for shape, found in kinds.items():
        rare = [each for each in found if each["known"] and len(seen_in[shape]) < policy.min_shops]
        reasons |= {each["record_id"]: "rare_descriptor" for each in rare}
        rows = [each for each in found if each not in rare]
        if not rows:
            continue
        kept = best(rows, runs, lambda r: r["updated_at"] or early)
        reasons |= {each["record_id"]: "descriptor_taken" for each in rows} | {kept: "accepted"}
    return {id_: (FATE_OF.get(reason, "quarantine"), reason) for id_, reason in reasons.items()}
