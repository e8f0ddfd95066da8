"""Ask the lake with SQL, without a JVM: DuckDB reads the Delta tables, one view a table.

The extension that reads Delta comes from a Python package and is loaded by its path: nothing is fetched. It
follows the Delta log, so deleted rows stay deleted; a bare list of a table's files would bring them back.
A table that was never written is a view without rows, and a column that is newer than the table is null.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import duckdb
import duckdb_extension_delta
import pyarrow as pa

from pipelines.delta_log import was_written
from pipelines.storage import filesystem_of
from schemas.errors import BrokenLaw, UsageError
from schemas.tables import TABLES, Table

_SPARK_NAMES: Final = ("s3a://", "s3n://")


def query(lake: str, sql: str) -> pa.Table:
    """The answer to `sql` over the tables of `lake` (`SELECT ... FROM gold.fates`). Times are UTC.

    Raises:
        UsageError: when there is no such lake, or DuckDB cannot answer.
    """
    with connect(lake) as connection:
        try:
            answer = connection.sql(sql)
            if answer is None:
                raise UsageError("this statement gives no rows; the lake is read, not written, by a query.")
            return answer.to_arrow_table()
        except duckdb.Error as error:
            raise UsageError(f"DuckDB cannot answer: {_sentence(error)}") from error


def connect(lake: str, tables: Iterable[Table] = tuple(TABLES.values())) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with one view for each of the `tables` of `lake`.

    Raises:
        UsageError: when there is no such lake.
        BrokenLaw: when a table cannot be opened.
    """
    root = _root(lake)
    connection = duckdb.connect()
    connection.execute(f"LOAD '{_quoted(_extension())}'")
    connection.execute("SET TimeZone = 'UTC'")
    for table in tables:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.layer}")
        try:
            connection.execute(f"CREATE VIEW {table.name} AS {_select(connection, root, table)}")
        except duckdb.Error as error:
            raise BrokenLaw(f"{root}/{table.path} cannot be opened: {_sentence(error)}") from error
    return connection


def named_queries() -> Mapping[str, str]:
    """The questions that ship, by name; each text opens with a comment that says what it answers."""
    folder = importlib.resources.files("pipelines") / "sql"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in files
        if file.name.endswith(".sql")
    }


def _root(lake: str) -> str:
    filesystem, path = filesystem_of(lake)
    if not any(was_written(filesystem, f"{path}/{table.path}") for table in TABLES.values()):
        raise UsageError(f"there is no lake in {lake}: ingest_workflows makes one.")
    if "://" not in lake:
        return path
    for name in _SPARK_NAMES:
        lake = lake.replace(name, "s3://", 1) if lake.startswith(name) else lake
    return lake.rstrip("/")


def _select(connection: duckdb.DuckDBPyConnection, root: str, table: Table) -> str:
    """The table's columns in the contract's order and types."""
    filesystem, path = filesystem_of(root)
    if not was_written(filesystem, f"{path}/{table.path}"):
        types = _duckdb_types(connection, table)
        columns = ", ".join(f'NULL::{type_} AS "{name}"' for name, type_ in types.items())
        return f"SELECT {columns} WHERE false"
    scan = f"delta_scan('{_quoted(f'{root}/{table.path}')}')"
    stored = {row[0] for row in connection.execute(f"DESCRIBE FROM {scan}").fetchall()}
    # Only for what is missing: to be asked, DuckDB imports pandas, which takes longer than the answer.
    types = {} if stored.issuperset(table.schema.names) else _duckdb_types(connection, table)
    columns = ", ".join(
        f'"{name}"' if name in stored else f'NULL::{types[name]} AS "{name}"' for name in table.schema.names
    )
    return f"SELECT {columns} FROM {scan}"  # noqa: S608


def _duckdb_types(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    empty = table.schema.empty_table()
    described = connection.from_arrow(empty)
    return dict(zip(described.columns, map(str, described.types), strict=True))


def _extension() -> str:
    """The extension's file, of the version that this DuckDB loads."""
    folder = Path(next(iter(duckdb_extension_delta.__path__)))
    return str(folder / "extensions" / f"v{duckdb.__version__}" / "delta.duckdb_extension")


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _sentence(error: duckdb.Error) -> str:
    return str(error).strip()
