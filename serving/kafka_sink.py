"""Events to a topic of Kafka: keyed by conversation, so that one partition has them in their order.

    sink = KafkaSink("127.0.0.1:9092", "conversation-events")
    recorder = Recorder(sink, model="sidewheel-1f2e")

`acks=all` and an idempotent producer: what was taken is on every replica in sync, and a retry inside the
client does not repeat it. Each event waits for its delivery, a bounded time; an event that timed out may be
there all the same, which readers of equal lines count once. Not here yet: TLS and passwords.
"""

from __future__ import annotations

import os
import re
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from schemas.conversation import MAX_EVENT_BYTES
from schemas.errors import Transient, UsageError

if TYPE_CHECKING:
    import confluent_kafka

__all__ = ["KafkaSink", "kafka_target"]

_TARGET: Final = re.compile(r"([\w.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})/([\w.-]{1,249})", re.ASCII)
_POLL_SECONDS: Final = 0.1
_ENVELOPE: Final = 64 << 10
"""What a message may have beside its event: key and headers."""


def kafka_target(text: str) -> tuple[str, str]:
    """Address and topic of `HOST:PORT/TOPIC`.

    Raises:
        UsageError: for anything else.
    """
    found = _TARGET.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 1 << 16:
        raise UsageError("--record-kafka is HOST:PORT/TOPIC, such as 127.0.0.1:9092/conversation-events.")
    return f"{found[1]}:{found[2]}", found[3]


class KafkaSink:
    """One topic. Safe for threads; a forked child connects by itself."""

    def __init__(self, address: str, topic: str, *, seconds: float = 10.0) -> None:
        """`seconds` is the longest that one event, or this check of the broker, may take.

        Raises:
            UsageError: where the package or the topic is missing, or no broker answers.
        """
        self._address = address
        self._topic = topic
        self._seconds = seconds
        self._lock = threading.Lock()
        self._producer: _Producer | None = None
        self._require_topic()

    def write(self, conversation_id: str, moment: datetime, line: bytes) -> None:
        self._own().send(self._topic, conversation_id.encode(), line.rstrip(b"\n"))

    def close(self) -> None:
        with self._lock:
            if self._producer is not None and self._producer.pid == os.getpid():
                self._producer.close()
            self._producer = None

    def _own(self) -> _Producer:
        """The producer of this process: what a parent connected is of no use to its child."""
        if self._producer is None or self._producer.pid != os.getpid() or self._producer.failed:
            with self._lock:
                if self._producer is None or self._producer.pid != os.getpid() or self._producer.failed:
                    self._producer = _Producer(_confluent(), self._address, self._seconds)
        return self._producer

    def _require_topic(self) -> None:
        kafka = _confluent()
        admin = kafka.Producer({"bootstrap.servers": self._address, **_QUIET})
        try:
            found = admin.list_topics(self._topic, timeout=self._seconds).topics[self._topic]
        except kafka.KafkaException:
            raise UsageError(f"no Kafka broker answers at {self._address}.") from None
        if found.error is not None:
            raise UsageError(f"the broker at {self._address} has no topic {self._topic}.")


_QUIET: Final = {"log_level": 0, "client.id": "sidewheel"}


class _Producer:
    """A client of one process, and the thread that hears of deliveries."""

    def __init__(self, kafka: Any, address: str, seconds: float) -> None:
        self.pid = os.getpid()
        self.failed = False
        """Whether the client has said that it will deliver nothing more."""
        self._kafka = kafka
        self._address = address
        self._seconds = seconds
        self._client: confluent_kafka.Producer = kafka.Producer(
            {
                "bootstrap.servers": address,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                "message.timeout.ms": max(1, round(seconds * 1000)),
                "message.max.bytes": MAX_EVENT_BYTES + _ENVELOPE,
                **_QUIET,
            }
        )
        self._closing = threading.Event()
        self._hearing = threading.Thread(target=self._hear, name="kafka-deliveries", daemon=True)
        self._hearing.start()

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Send one message and wait for its delivery.

        Raises:
            Transient: where it was not delivered in time.
        """
        told = threading.Event()
        errors: list[Any] = []

        def heard(error: Any, _: Any) -> None:
            if error is not None:
                errors.append(error)
            told.set()

        try:
            self._client.produce(topic, value, key, on_delivery=heard)
        except (BufferError, self._kafka.KafkaException) as error:
            raise self._transient(error) from None
        if not told.wait(2 * self._seconds):
            raise self._transient("no word of its delivery")
        if errors:
            self.failed = self.failed or bool(errors[0].fatal())
            raise self._transient(errors[0].str())

    def close(self) -> None:
        self._client.flush(self._seconds)
        self._closing.set()
        self._hearing.join(self._seconds)

    def _hear(self) -> None:
        """Until it is closed, or has failed and nothing is on its way: nobody closes a failed one."""
        while not self._closing.is_set() and not (self.failed and not len(self._client)):
            self._client.poll(_POLL_SECONDS)

    def _transient(self, why: object) -> Transient:
        said = " ".join(str(why).split())[:200]
        return Transient(f"Cannot record in Kafka at {self._address}: {said}.")


def _confluent() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        raise UsageError("Recording in Kafka needs the extra: pip install 'sidewheel[kafka]'.") from None
    return confluent_kafka
