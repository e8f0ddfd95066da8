"""Ask the lake with SQL and print the answer as a table, CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from jobs._console import print_table, write
from pipelines.adhoc import named_queries
from pipelines.adhoc import query as ask
from schemas.errors import UsageError

__all__ = ["Format", "query"]

Format: TypeAlias = Literal["table", "csv", "json", "parquet"]

MAX_ROWS_SHOWN = 200
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def query(sql: str | None, *, lake: str, form: Format, output: str | None) -> int:
    """Run `sql` (or the query of that name) over `lake`; the answer goes to `output`, or to standard output.

    Without `sql`, list the queries that ship. Raises UsageError for Parquet without a file to write, for a
    name that no query has, and for SQL that the lake cannot answer.
    """
    shipped = named_queries()
    if sql is None:
        print_table(("name", "answers"), [(name, _purpose(text)) for name, text in shipped.items()])
        return 0
    if form == "parquet" and output is None:
        raise UsageError("--format parquet needs --output FILE.")
    if sql.isidentifier() and sql not in shipped:
        raise UsageError(f"no query is named {sql}: write SQL, or one of {', '.join(shipped)}.")
    answer = ask(lake, shipped.get(sql, sql))
    if form == "table" and output is None:
        _print_table(answer)
        return 0
    rendered = _render(answer, form)
    if output is None:
        write(rendered.decode())
        return 0
    try:
        Path(output).write_bytes(rendered)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {(error.strerror or str(error)).lower()}.") from error
    return 0


def _purpose(text: str) -> str:
    """The comment that a shipped query opens with."""
    lines = (line.strip() for line in text.strip().splitlines())
    return " ".join(line.removeprefix("--").strip() for line in takewhile(_is_comment, lines))


def _is_comment(line: str) -> bool:
    return line.startswith("--")


def _render(answer: pa.Table, form: Format) -> bytes:
    if form == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(answer, sink, compression="zstd")
        return bytes(sink.getvalue())
    rows = answer.to_pylist()
    if form == "json":
        return (json.dumps(rows, default=_as_json, ensure_ascii=False, indent=2) + "\n").encode()
    page = io.StringIO(newline="")
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(_harmless(name) for name in answer.column_names)
    writer.writerows([_csv_cell(value) for value in row.values()] for row in rows)
    return page.getvalue().encode()


def _print_table(answer: pa.Table) -> None:
    shown = answer.slice(0, MAX_ROWS_SHOWN).to_pylist()
    print_table(answer.column_names, [[_cell(value) for value in row.values()] for row in shown])
    if answer.num_rows > len(shown):
        write(f"{answer.num_rows - len(shown)} more rows; --format csv, json or parquet gives all\n")


def _cell(value: object) -> str:
    """One value as text: null is empty, lists and structs are JSON, times are ISO."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict, bytes)):
        return json.dumps(value, default=_as_json, ensure_ascii=False)
    return _as_json(value) if isinstance(value, date) else str(value)


def _csv_cell(value: object) -> str:
    return _harmless(_cell(value)) if isinstance(value, (str, list, dict, bytes)) else _cell(value)


def _harmless(text: str) -> str:
    """A quote in front of what a spreadsheet would run as a formula; a number stays a number."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _as_json(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)
