"""The job of `curate.py` as one plain DuckDB script: `_curate_duckdb.py DUMP OUTPUT WEEK`.

A record's id is the MD5 of its line, DuckDB having no BLAKE2. Blank lines are nothing to DuckDB; every other
line that is no sound record is counted. DuckDB takes NaN for a number, so the types of values are asked for.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

SCRIPT = r"""
SET TimeZone = 'UTC';

CREATE TEMP TABLE records AS
SELECT sound, md5(json) AS record_id, unnest(said), array_to_string(
    list_sort(regexp_extract_all(said.workflow, '"task_id"\s*:\s*"([^"]*)"', 1)), ' ') AS descriptor
FROM (
  SELECT json,
    json_transform(json, '{"workflow_id": "VARCHAR", "shop_id": "VARCHAR", "workflow": "VARCHAR",
      "updated_at": "TIMESTAMPTZ", "last_run_at": "TIMESTAMPTZ", "num_runs_7d": "BIGINT"}') AS said,
    coalesce(list_sort(json_keys(json)) = ['active', 'created_at', 'last_run_at', 'num_runs_7d', 'shop_id',
        'updated_at', 'workflow', 'workflow_id']
      AND json_type(json, '$.workflow') = 'VARCHAR'
      AND json_type(json, '$.num_runs_7d') IN ('UBIGINT', 'NULL'), false) AS sound
  FROM read_ndjson_objects(getvariable('dump'), ignore_errors = true));

CREATE TEMP TABLE kept AS
WITH newest AS (
  SELECT rowid AS place, * EXCLUDE (workflow) FROM records
  WHERE sound AND coalesce(updated_at < getvariable('ends'), true)
    AND coalesce(last_run_at < getvariable('ends'), true)
  QUALIFY row_number() OVER (PARTITION BY workflow_id ORDER BY updated_at DESC NULLS LAST,
    last_run_at DESC NULLS LAST, num_runs_7d DESC NULLS LAST, record_id) = 1),
ran AS (
  SELECT *, count(*) OVER (PARTITION BY shop_id) AS num_of_shop FROM newest
  WHERE last_run_at >= getvariable('opens') AND shop_id IS NOT NULL AND descriptor <> '')
SELECT place FROM ran WHERE num_of_shop >= 2
QUALIFY row_number() OVER (PARTITION BY descriptor ORDER BY num_runs_7d DESC NULLS LAST,
  updated_at DESC NULLS LAST, record_id) = 1;

COPY (SELECT record_id, workflow_id, shop_id, descriptor, num_runs_7d, workflow
      FROM records WHERE rowid IN (SELECT place FROM kept))
TO '{output}' (FORMAT parquet, COMPRESSION zstd);
"""


def main(dump: str, output: str, week: str) -> None:
    year, number = re.fullmatch(r"(\d{4})-W(\d{2})", week).groups()
    ends = datetime.fromisocalendar(int(year), int(number), 1).replace(tzinfo=UTC) + timedelta(days=7)
    Path(output).mkdir()
    db = duckdb.connect()
    db.execute("SET VARIABLE dump = ?", [f"{dump}/*.jsonl"])
    db.execute("SET VARIABLE ends = ?::TIMESTAMPTZ", [ends])
    db.execute("SET VARIABLE opens = ?::TIMESTAMPTZ", [ends - timedelta(days=7)])
    db.execute(SCRIPT.replace("{output}", f"{output}/kept.parquet".replace("'", "''")))
    read, sound = db.execute("SELECT count(*), count(*) FILTER (sound) FROM records").fetchone()
    print("RESULT " + json.dumps({"read": read, "malformed": read - sound}))


if __name__ == "__main__":
    main(*sys.argv[1:])
