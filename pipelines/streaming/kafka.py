"""A topic of Kafka as a source of events: from its first message on, at most so many a batch.

Spark keeps the offsets in the checkpoint, not in a consumer group. A message that Kafka has removed before it
was read stops the stream: that is a loss, and nobody may miss it. Not here yet: TLS and passwords.
"""

from __future__ import annotations

import re
from typing import Final

import pyspark
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from schemas.errors import UsageError

__all__ = ["KAFKA_COORDINATES", "kafka_rows", "topic_of"]

KAFKA_COORDINATES: Final = f"org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark.__version__}"
"""Maven name of Spark's source for Kafka."""

_TARGET: Final = re.compile(r"([\w.,:\[\]-]+:\d{1,5})/([\w.-]{1,249})", re.ASCII)


def topic_of(text: str) -> tuple[str, str]:
    """Addresses and topic of `HOST:PORT[,HOST:PORT]/TOPIC`.

    Raises:
        ValueError: for anything else.
    """
    found = _TARGET.fullmatch(text)
    if found is None:
        raise ValueError("--kafka is HOST:PORT/TOPIC, such as 127.0.0.1:9092/conversation-events.")
    return found[1], found[2]


def kafka_rows(spark: SparkSession, addresses: str, topic: str, most_messages: int) -> DataFrame:
    """The messages of a topic in the columns of `RAW_ROWS`; `most_messages` bounds a batch.

    Raises:
        UsageError: when Spark was started without its source for Kafka.
    """
    options = {
        "kafka.bootstrap.servers": addresses,
        "kafka.isolation.level": "read_committed",
        "subscribe": topic,
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(most_messages),
    }
    try:
        messages = spark.readStream.format("kafka").options(**options).load()
    except AnalysisException as error:
        raise UsageError(
            f"Spark was started without Kafka: add --packages {KAFKA_COORDINATES} to spark-submit."
        ) from error
    return messages.select(
        F.concat(F.lit("kafka://"), "topic", F.lit("/"), F.col("partition").cast("string")).alias(
            "source_file"
        ),
        F.col("offset").alias("source_offset"),
        F.lit(None).cast("long").alias("source_line"),
        F.col("value").alias("raw"),
        F.length("value").cast("long").alias("num_bytes"),
        F.lit(None).cast("string").alias("record_id"),
        F.lit(None).cast("string").alias("damage"),
    )
