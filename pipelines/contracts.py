"""Hold a DataFrame against the contract of its table before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import ArrayType, DataType, StructType

from schemas.errors import BrokenLaw
from schemas.row_rules import FIRST_MOMENT, LAST_MOMENT, WEEK_PATTERN, RowRule, row_rules
from schemas.tables import Table

BROKEN_KEY = "table key"
"""Words in the error of a plan that found a null key or one key twice."""


def spark_schema(table: Table) -> StructType:
    """Return the table's schema as Spark spells it, with the columns' sentences as comments."""
    schema = from_arrow_schema(table.schema)
    for field in schema.fields:
        field.metadata = {"comment": table.doc(field.name)}
    return schema


def conform(df: DataFrame, table: Table) -> DataFrame:
    """Return `df` with the table's columns in the table's order.

    Raises BrokenLaw naming every column that is missing, unknown, or of another type.
    """
    wrong = differences(df.schema, table)
    if wrong:
        raise BrokenLaw(f"rows for {table.name} break its contract: {'; '.join(wrong)}")
    return df.select(*table.schema.names)


def differences(schema: StructType, table: Table) -> list[str]:
    """Return one phrase for each column of `schema` that is not as `table` says. Order does not count."""
    wanted = {field.name: field.dataType for field in spark_schema(table).fields}
    found = {field.name: field.dataType for field in schema.fields}
    repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
    return [
        *(f"column {name} is missing" for name in wanted if name not in found),
        *(f"column {name} is not in the contract" for name in found if name not in wanted),
        *(f"column {name} is there twice" for name in repeated),
        *(
            f"column {name} is {found[name].simpleString()}, not {type_.simpleString()}"
            for name, type_ in wanted.items()
            if name in found and _shape(found[name]) != _shape(type_)
        ),
    ]


def guard_keys(df: DataFrame, table: Table, *, unique: bool) -> DataFrame:
    """Return `df` with a guard in its plan: the job stops at a null key and, if `unique`, at a repeated one.

    The shuffle that `unique` costs is the one that a merge by the same key needs anyway. The error is raised
    when the rows are computed, and its text holds `BROKEN_KEY`.
    """
    labels = (F.concat(F.lit(f"{column}="), _text(column)) for column in table.key)
    where = F.concat(F.lit(f" {BROKEN_KEY} in rows for {table.name}: "), F.concat_ws(", ", *labels))
    broken = (breaks(rule) for rule in row_rules(table) if rule.name == "null" and rule.column in table.key)
    is_null = reduce(Column.__or__, broken)
    guard = F.when(is_null, F.raise_error(F.concat(F.lit("a null"), where)))
    if not unique:
        return df.where(guard.cast("boolean").isNull())
    copies = F.count(F.lit(1)).over(Window.partitionBy(*table.key))
    guard = guard.when(F.col("_copies") > 1, F.raise_error(F.concat(F.lit("a repeated"), where)))
    return df.withColumn("_copies", copies).where(guard.cast("boolean").isNull()).drop("_copies")


def breaks(rule: RowRule) -> Column:
    """Whether a row breaks `rule`; never null."""
    value = F.col(rule.column)
    if rule.name == "null":
        return value.isNull()
    holds = {
        "unknown": lambda: value.isin(*rule.words),
        "negative": lambda: value >= 0,
        "no_week": lambda: value.rlike(WEEK_PATTERN),
        "no_time": lambda: (value >= F.lit(FIRST_MOMENT)) & (value < F.lit(LAST_MOMENT)),
        "no_score": lambda: value.between(0, 1),
    }[rule.name]()
    return ~F.coalesce(holds, F.lit(True))


def differs(columns: Sequence[str], left: str, right: str) -> Column:
    """Whether any of `columns` differs between the rows aliased `left` and `right`; null equals null."""
    # One text for the JVM: a call for each operator takes longer than the comparison of few rows.
    pairs = (f"NOT ({left}.`{name}` <=> {right}.`{name}`)" for name in columns)
    return F.expr(" OR ".join(pairs) or "false")


def _text(column: str) -> Column:
    return F.coalesce(F.col(column).cast("string"), F.lit("null"))


def _shape(type_: DataType) -> str:
    """Spell a type without nullability, which every computed Spark column loses."""
    if isinstance(type_, ArrayType):
        return f"array<{_shape(type_.elementType)}>"
    return type_.simpleString()
