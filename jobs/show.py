"""Print conversations of the lake: the newest ones in a table, or one of them in full."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jobs._console import print_table, printable, write
from jobs._conversation import json_lines, message_lines
from pipelines.adhoc import query
from schemas.errors import UsageError, WorkflowRefused
from schemas.workflow import from_python
from schemas.workflow import write as spell

__all__ = ["conversation_text", "show"]

_ID: Final = re.compile(r"[0-9A-Za-z_.-]{4,200}")
_MAX_LISTED: Final = 20

_CONVERSATIONS: Final = """
    SELECT record_id, conversation_id, started_at, week, model, arm, shop_id, request_kind, request, messages,
        python, activated, edited, rating, problem_code, problem
    FROM silver.conversations
    UNION ALL BY NAME
    SELECT record_id, record_id AS conversation_id, model, 'synthetic' AS arm, request_kind, request,
        messages, python, problem_code, problem
    FROM silver.synthetic_conversations"""
_FATES: Final = "SELECT record_id, fate, reason, detail FROM gold.fates WHERE kind = 'conversation'"


def show(name: str | None, *, lake: str, full: bool) -> int:
    """List what was recorded, or print the conversation whose record or conversation id begins with `name`.

    `full` prints the tools' answers uncut. Raises UsageError where there is none, or several.
    """
    if name is None:
        _list(lake)
        return 0
    if not _ID.fullmatch(name):
        raise UsageError("an id has at least 4 letters, digits, dots, dashes or underscores.")
    begins = f"starts_with(record_id, '{name}') OR starts_with(conversation_id, '{name}')"
    told = f"""
        SELECT * FROM ({_CONVERSATIONS}) LEFT JOIN ({_FATES}) USING (record_id)
        WHERE {begins} ORDER BY record_id LIMIT 2"""  # noqa: S608
    found = query(lake, told).to_pylist()
    if not found:
        raise UsageError(f"no conversation of {lake} begins with {name}; sidewheel show lists some.")
    if len(found) > 1:
        raise UsageError(f"several conversations begin with {name}; give more of the id.")
    write(conversation_text(found[0], full=full))
    return 0


def _list(lake: str) -> None:
    sql = f"""
        SELECT left(record_id, 12) AS id, week, model, request_kind, coalesce(fate, '') AS fate,
            coalesce(reason, '') AS reason, request
        FROM silver.conversations LEFT JOIN ({_FATES}) USING (record_id)
        ORDER BY started_at DESC, record_id LIMIT {_MAX_LISTED}"""  # noqa: S608
    rows = query(lake, sql).to_pylist()
    if not rows:
        raise UsageError(
            f"no conversation was built in {lake}; ingest_conversations and build_conversations do."
        )
    cells = [[str(value or "") for value in row.values()] for row in rows]
    for row in cells:
        row[-1] = textwrap.shorten(row[-1], 60, placeholder=" ...")
    print_table(list(rows[0]), cells)


def conversation_text(row: Mapping[str, Any], *, full: bool = False) -> str:
    """One conversation as a page: who, every message, the workflow as Python and as Flow's JSON."""
    messages = message_lines(json.loads(row["messages"] or "[]"), full=full)
    return "\n".join([*_head(row), "", *messages, *_workflow(row), ""])


def _head(row: Mapping[str, Any]) -> Iterator[str]:
    where = f" from {row['shop_id']} in {row['week']}" if row["shop_id"] else ""
    yield f"conversation {row['record_id']}{printable(where)}, answered by {row['model']} ({row['arm']})"
    if row["problem_code"]:
        yield f"refused: {row['problem_code']}, {printable(row['problem'] or '')}"
    deeds = [
        said
        for said, done in (
            ("turned on", row["activated"]),
            ("edited", row["edited"]),
            (f"rated {row['rating']}", row["rating"]),
        )
        if done
    ]
    if deeds:
        yield f"the merchant afterwards: {', '.join(deeds)}"
    if row["fate"]:
        yield f"fate: {row['fate']}, {row['reason']}"


def _workflow(row: Mapping[str, Any]) -> Iterator[str]:
    if not row["python"]:
        return
    yield from ("", "The workflow as Python:", "")
    yield from (printable(line) for line in row["python"].splitlines())
    yield from ("", "The same as Flow's JSON:", "")
    try:
        yield from json_lines(spell(from_python(row["python"]), None, "agent"))
    except WorkflowRefused as refused:
        yield f"refused: {refused}"
