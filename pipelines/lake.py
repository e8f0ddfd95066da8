"""Read and write the tables of one lake: append, merge by key, replace a partition; each is one commit."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from delta import exceptions as delta_errors
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from pipelines.contracts import BROKEN_KEY, conform, differences, differs, guard_keys, spark_schema
from pipelines.delta_log import LOG, is_version
from pipelines.shop_pseudonyms import pseudonymised
from pipelines.storage import bytes_below
from schemas.errors import BrokenLaw, Transient, UsageError, carried_by
from schemas.tables import Table

# What every reader of the lake understands: reader version 1, writer version 2.
_PROPERTIES: Final = {
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    "delta.minReaderVersion": "1",
    "delta.minWriterVersion": "2",
}

_CONFLICTS: Final = (
    delta_errors.DeltaConcurrentModificationException,
    delta_errors.ConcurrentAppendException,
    delta_errors.ConcurrentDeleteDeleteException,
    delta_errors.ConcurrentDeleteReadException,
    delta_errors.ConcurrentTransactionException,
    delta_errors.ConcurrentWriteException,
    delta_errors.MetadataChangedException,
    delta_errors.ProtocolChangedException,
)

_BROKEN_LAWS: Final = (BROKEN_KEY, "DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "DELTA_REPLACE_WHERE_MISMATCH")


_TRANSACTION: Final = ("spark.databricks.delta.write.txnAppId", "spark.databricks.delta.write.txnVersion")

_UNBORN_SECONDS: Final = 10
"""How old a log without a commit is that no writer is at any more."""
_PACKED: Final = 7
"""How many times smaller a dump is as zstd Parquet; 77 MB of generated records became 10.6 MB."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What one merge did."""

    num_inserted: int
    """Rows whose key was new."""

    num_updated: int
    """Rows whose key was there with other values."""

    skipped: bool = False
    """Whether nothing was looked at, because this transaction is in the table already."""


class Lake:
    """The tables below one root, a folder or any URI that Spark reads.

    Every write is held against the table's contract first and raises BrokenLaw, with nothing written, when a
    column differs, a key is null or a key is there twice; it raises Transient when another writer was faster.
    """

    def __init__(self, spark: SparkSession, root: str | Path) -> None:
        self.spark = spark
        self.root = lake_root(root)

    def uri(self, table: Table) -> str:
        """Return where `table` lives, as Delta spells it: to it, `file:///a` is not the place `file:/a`."""
        return re.sub(r"^file:///", "file:/", f"{self.root}/{table.path}")

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written. An empty log is none, which Delta takes for a table."""
        there = DeltaTable.isDeltaTable(self.spark, self.uri(table))
        return there and any(map(is_version, self._names(f"{self.uri(table)}/{LOG}")))

    def _names(self, folder: str) -> Iterator[str]:
        files, path = self._hadoop(folder)
        return (status.getPath().getName() for status in files.listStatus(path))

    def _hadoop(self, folder: str) -> tuple[Any, Any]:
        """Spark's own file system, and the path in it: it has the credentials."""
        path = self.spark._jvm.org.apache.hadoop.fs.Path(folder)  # type: ignore[union-attr]
        return path.getFileSystem(self.spark._jsparkSession.sessionState().newHadoopConf()), path

    def version(self, table: Table) -> int | None:
        """Return the number of the table's newest commit, or None when there is no table."""
        if not self.exists(table):
            return None
        newest = DeltaTable.forPath(self.spark, self.uri(table)).history(1).select("version").first()
        return None if newest is None else int(newest["version"])

    def read(self, table: Table) -> DataFrame:
        """Return the table's rows in the contract's columns; no rows when there is no table.

        A column that the stored table does not have yet reads as null.
        """
        wanted = spark_schema(table)
        if not self.exists(table):
            return self.spark.createDataFrame([], wanted)
        stored = self.spark.read.format("delta").load(self.uri(table))
        missing = [field for field in wanted.fields if field.name not in stored.columns]
        for field in missing:
            stored = stored.withColumn(field.name, F.lit(None).cast(field.dataType))
        return conform(stored.select(*wanted.names), table)

    def append(self, df: DataFrame, table: Table, *, txn: tuple[str, int] | None = None) -> None:
        """Add rows. With `txn` (application, version) Delta itself skips a version that is not newer.

        Without it, doing it again after an error may add them twice: a commit may be there and its writer not
        know it.
        """
        with self._writing(table):
            rows = _checked(df, table, unique=False)
            writer = rows.write.format("delta").mode("append")
            if txn is not None:
                writer = writer.option("txnAppId", txn[0]).option("txnVersion", txn[1])
            writer.save(self.uri(table))

    def merge(
        self,
        df: DataFrame,
        table: Table,
        *,
        insert_only: bool = False,
        distinct: bool = False,
        within: str = "",
        known: DataFrame | None = None,
        txn: tuple[str, int] | None = None,
    ) -> Merged:
        """Insert rows whose key is new and, unless `insert_only`, update those whose values differ.

        `distinct` says that no key can be there twice, which saves a shuffle of whole rows. `within` is a
        condition of `there` that each row of the same key meets, such as a range of times: files that cannot
        meet it are not read. `known` are the stored rows of these keys where they were read already, which
        saves reading the whole table to compare. With `txn` (application, version) Delta itself skips a
        version that is not newer. Nothing is committed when nothing changes, but for a transaction.
        """
        with self._writing(table):
            rows = _checked(df, table, unique=not distinct).alias("here")
            target = DeltaTable.forPath(self.spark, self.uri(table)).alias("there")
            if not insert_only:
                # Delta rewrites every file that holds a matched key, changed or not.
                there = target.toDF() if known is None else known.alias("there")
                changed = F.col(f"there.{table.key[0]}").isNull() | differs(
                    table.schema.names, "here", "there"
                )
                rows = (
                    rows.join(there, F.expr(_same_key(table)), "left")
                    .where(changed)
                    .select("here.*")
                    .alias("here")
                )
            where = f"{_same_key(table)} AND ({within})" if within else _same_key(table)
            merge = target.merge(rows, where).whenNotMatchedInsertAll()
            # A merge takes its transaction from the session and from nowhere else.
            with _settings(self.spark, _transaction(txn)):
                done = (merge if insert_only else merge.whenMatchedUpdateAll()).execute().first()
        if done is None and txn is not None:
            return Merged(num_inserted=0, num_updated=0, skipped=True)
        if done is None:
            raise BrokenLaw(f"Delta did not say what the merge into {table.name} did")
        return Merged(num_inserted=int(done["num_inserted_rows"]), num_updated=int(done["num_updated_rows"]))

    def delete(self, keys: DataFrame, table: Table) -> int:
        """Delete the rows with these keys and say how many; other columns of `keys` do not count.

        No value of a key gets into the log: what is deleted is a join, not a predicate.
        """
        with self._writing(table):
            target = DeltaTable.forPath(self.spark, self.uri(table)).alias("there")
            rows = keys.select(*table.key).distinct().alias("here")
            done = target.merge(rows, _same_key(table)).whenMatchedDelete().execute().first()
        if done is None:
            raise BrokenLaw(f"Delta did not say what was deleted from {table.name}")
        return int(done["num_deleted_rows"])

    def update(self, table: Table, columns: Mapping[str, str], *, where: str) -> int:
        """Give columns other values in the rows `where`, both as SQL over the row; how many rows that were.

        Nothing is committed when there are none.
        """
        with self._writing(table):
            changes = ", ".join(f"`{name}` = {value}" for name, value in columns.items())
            statement = f"UPDATE delta.`{self.uri(table)}` SET {changes} WHERE {where}"  # noqa: S608
            done = self.spark.sql(statement).first()
        return 0 if done is None else int(done["num_affected_rows"])

    def replace(
        self,
        df: DataFrame,
        table: Table,
        *,
        partition: Mapping[str, str | Sequence[str]] | None = None,
        if_changed: bool = False,
        distinct: bool = False,
    ) -> None:
        """Put these rows in the place of all rows, or of some partitions' (`{"week": "2026-W47"}`).

        `distinct` says that no key can be there twice. With `if_changed` nothing is committed when nothing
        changes, at the price of computing `df` twice: what another writer commits during the first time is
        not seen as a conflict.
        """
        for column in partition or {}:
            if column not in table.partitions:
                raise ValueError(f"{table.name} is not partitioned by {column}")
        with self._writing(table):
            rows = _checked(df, table, unique=not distinct)
            replaced = " AND ".join(map(_within, (partition or {}).items()))
            if if_changed and self._holds(rows, table, replaced or "true"):
                return
            writer = rows.write.format("delta").mode("overwrite")
            if replaced:
                writer = writer.option("replaceWhere", replaced)
            writer.save(self.uri(table))

    def command(self, table: Table, sql: str, conf: Mapping[str, str] | None = None) -> None:
        """Run Delta's own SQL on a table, `OPTIMIZE {table}`, under settings that last as long as it does."""
        with _settings(self.spark, conf or {}), self._writing(table):
            self.spark.sql(sql.format(table=f"delta.`{self.uri(table)}`")).collect()

    def checkpoint(self, table: Table) -> None:
        """Write a checkpoint of the table's newest version."""
        jvm = self.spark._jvm
        if jvm is None:
            raise UsageError(
                "a checkpoint is written by a session on a JVM of its own, not by Spark Connect."
            )
        logs = jvm.org.apache.spark.sql.delta.DeltaLog
        logs.clearCache()  # what another process committed is part of the newest version
        logs.forTable(self.spark._jsparkSession, self.uri(table)).checkpoint()

    def _holds(self, rows: DataFrame, table: Table, where: str) -> bool:
        """Whether what the table has `where` is these rows."""
        there = self.read(table).where(where).alias("there")
        both = rows.alias("here").join(there, F.expr(_same_key(table)), "full")
        return both.where(differs(table.schema.names, "here", "there")).isEmpty()

    @contextmanager
    def _writing(self, table: Table) -> Iterator[None]:
        """Make the table ready for a write, and say in our words what stops it."""
        try:
            self._settle(table)
            yield
        except _CONFLICTS as error:
            raise Transient(
                f"another writer changed {table.name} at the same time: {_line(error)}"
            ) from error
        except (PySparkException, Py4JJavaError) as error:
            if (ours := carried_by(error)) is not None:
                raise ours from error
            law = next((law for law in _BROKEN_LAWS if law in str(error)), None)
            if law is None:
                raise
            raise BrokenLaw(f"nothing was written to {table.name}: {_line(error, law)}") from error

    def _settle(self, table: Table) -> None:
        """Make the table if it is not there, and add the columns that its contract gained since."""
        schema = spark_schema(table)
        if not self.exists(table):
            builder = DeltaTable.createIfNotExists(self.spark).location(self.uri(table)).addColumns(schema)
            builder = builder.comment(table.about)
            for name, value in {**_PROPERTIES, **_statistics(table)}.items():
                builder = builder.property(name, value)
            if table.partitions:
                builder = builder.partitionedBy(*table.partitions)
            try:
                builder.execute()
            except AnalysisException as error:
                if "DELTA_TABLE_NOT_FOUND" not in str(error):
                    raise
                if not self._clear_unborn(table):
                    raise Transient(f"{table.name} is being made, or was and never came to be") from error
                builder.execute()
            return
        stored = self.spark.read.format("delta").load(self.uri(table)).schema
        missing = [field for field in schema.fields if field.name not in stored.names]
        if missing:
            where = f"ALTER TABLE delta.`{self.uri(table)}`"
            columns = ", ".join(
                f"`{field.name}` {field.dataType.simpleString()} COMMENT '{_escaped(table.doc(field.name))}'"
                for field in missing
            )
            self.spark.sql(f"{where} ADD COLUMNS ({columns})")
            for name, value in _statistics(table).items():
                self.spark.sql(f"{where} SET TBLPROPERTIES ('{name}' = '{value}')")
        wrong = [phrase for phrase in differences(stored, table) if not phrase.endswith("is missing")]
        if wrong:
            raise BrokenLaw(f"the stored table {table.name} is not the contract's: {'; '.join(wrong)}")

    def _clear_unborn(self, table: Table) -> bool:
        """Remove an old log without a commit: Delta would neither read the table nor make it.

        False for a young one, which may be of a writer that is at its first commit just now.
        """
        files, log = self._hadoop(f"{self.uri(table)}/{LOG}")
        left = list(files.listStatus(log))
        newest = max(status.getModificationTime() for status in [files.getFileStatus(log), *left])
        if time.time() - newest / 1000 <= _UNBORN_SECONDS:
            return False
        for path in [*(status.getPath() for status in left), log]:
            files.delete(path, False)  # of a folder only where it is empty
        return True


def lake_root(root: str | Path) -> str:
    """Return `root` as an absolute path, or as it is when it is a URI."""
    text = str(root).rstrip("/") or "/"
    if re.match(r"file:/[^/]", text):  # as Spark prints it, and few others read it
        text = f"file://{text.removeprefix('file:')}"
    return text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) else str(Path(text).absolute())


def unpacked_bytes(root: str | Path) -> int:
    """About how many bytes the tables below `root` hold once unpacked, to size a session by; 0 if unknown."""
    try:
        return _PACKED * bytes_below(str(root))
    except UsageError:  # a URI that Spark may read and Arrow does not
        return 0


def _transaction(txn: tuple[str, int] | None) -> dict[str, str]:
    return {} if txn is None else dict(zip(_TRANSACTION, map(str, txn), strict=True))


def _checked(df: DataFrame, table: Table, *, unique: bool) -> DataFrame:
    """The rows as they are written: under pseudonyms where there is a key, and held to the contract."""
    return guard_keys(conform(pseudonymised(df, table), table), table, unique=unique)


@contextmanager
def _settings(spark: SparkSession, conf: Mapping[str, str]) -> Iterator[None]:
    """Give the session settings for as long as the block lasts."""
    before = {name: spark.conf.get(name, None) for name in conf}
    try:
        for name, value in conf.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name, old in before.items():
            if old is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, old)


def _statistics(table: Table) -> dict[str, str]:
    if table.statistics:
        return {"delta.dataSkippingStatsColumns": ",".join(table.statistics)}
    return {"delta.dataSkippingNumIndexedCols": "0"}


def _same_key(table: Table) -> str:
    return " AND ".join(f"there.`{column}` = here.`{column}`" for column in table.key)


def _within(pair: tuple[str, str | Sequence[str]]) -> str:
    column, value = pair
    values = [value] if isinstance(value, str) else value
    listed = ", ".join(f"'{_escaped(each)}'" for each in values)
    return f"`{column}` IN ({listed})"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _line(error: Exception, holding: str = "") -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip() and holding in line), "")
