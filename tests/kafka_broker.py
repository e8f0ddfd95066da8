"""A real Kafka broker on loopback: one process in KRaft mode, on free ports, in a folder of its own.

    with running_broker(folder) as broker:
        broker.create_topic("events", partitions=3)
        broker.address        # "127.0.0.1:49152"

The jars come from Maven Central once and are remembered like Spark's. It is up when it says so on its output,
and it is stopped by its process id. Not here yet: several brokers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread, Timer

import pyspark

from pipelines.jars import find_jars

__all__ = ["KAFKA_COORDINATES", "Broker", "restarted_broker", "running_broker"]

KAFKA_COORDINATES = "org.apache.kafka:kafka_2.13:4.1.1"

_CLUSTER = "c2lkZXdoZWVsLXRlc3RzIQ"
"""16 bytes in base64, as a cluster's id has to be."""
_UP = "Kafka Server started"
_SECONDS_TO_START = 120
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = """
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.started.name = kafka.server
logger.started.level = info
"""


@dataclass(frozen=True)
class Broker:
    """A broker that runs."""

    address: str
    pid: int

    def create_topic(self, name: str, *, partitions: int = 1) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.address})
        admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])[name].result(
            30
        )

    def messages(self, topic: str, num: int) -> list[tuple[int, bytes, bytes]]:
        """(partition, key, value) of the first `num` messages of a topic, each partition in its order."""
        from confluent_kafka import Consumer

        consumer = Consumer(
            {
                "bootstrap.servers": self.address,
                "group.id": f"reader-of-{topic}",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe([topic])
        try:
            found = consumer.consume(num, timeout=30)
            assert all(message.error() is None for message in found)
            return [(message.partition(), message.key(), message.value()) for message in found]
        finally:
            consumer.close()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nothing while the block runs, without closing a connection."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)  # until its last thread stands: one may be answering just now
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


@contextlib.contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """Start a broker whose files are in `folder`, and stop it at the end of the block."""
    ports = _free_ports(2)
    config = folder / "server.properties"
    config.write_text(_config(folder / "log", *ports), encoding="utf-8")
    logging = folder / "log4j2.properties"
    logging.write_text(_LOGGING, encoding="utf-8")
    java = [_java(), *_JVM, f"-Dlog4j2.configurationFile={logging}", "-cp", _class_path()]
    subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(config)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with _started([*java, "kafka.Kafka", str(config)]) as pid:
        yield Broker(f"127.0.0.1:{ports[0]}", pid)


@contextlib.contextmanager
def restarted_broker(folder: Path, broker: Broker) -> Iterator[Broker]:
    """Start a broker that was killed again, at its address and with its messages."""
    java = [
        _java(),
        *_JVM,
        f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
        "-cp",
        _class_path(),
    ]
    with _started([*java, "kafka.Kafka", str(folder / "server.properties")]) as pid:
        yield Broker(broker.address, pid)


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[int]:
    """A broker's process id, once it is up."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            _wait_until_up(process)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _class_path() -> str:
    """The broker's jars, behind those that Ivy leaves out because Spark has them: Scala and a log."""
    shipped = Path(pyspark.__file__).parent / "jars"
    names = ("scala-library", "slf4j-api", "log4j-api", "log4j-core", "log4j-slf4j2-impl")
    ours = [path for name in names for path in sorted(shipped.glob(f"{name}-[0-9]*.jar"))]
    return os.pathsep.join(map(str, [*ours, *find_jars((KAFKA_COORDINATES,), whole=True)]))


def _wait_until_up(process: subprocess.Popen[str]) -> None:
    """Read its output until it says that it is up; afterwards a thread reads on, so that it never waits."""
    assert process.stdout is not None
    last: deque[str] = deque(maxlen=30)
    too_late = Timer(_SECONDS_TO_START, process.kill)  # its output ends then, and with it the loop
    too_late.start()
    try:
        for line in process.stdout:
            last.append(line)
            if _UP in line:
                Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
                return
    finally:
        too_late.cancel()
    raise RuntimeError("the broker ended before it was up:\n" + "".join(last))


def _config(log: Path, port: int, controller: int) -> str:
    one_replica = "".join(
        f"{name}=1\n"
        for name in (
            *("offsets.topic.replication.factor", "offsets.topic.num.partitions"),
            *("transaction.state.log.replication.factor", "transaction.state.log.min.isr"),
            *("transaction.state.log.num.partitions", "share.coordinator.state.topic.replication.factor"),
        )
    )
    return f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={log}
auto.create.topics.enable=false
message.max.bytes=9437184
group.initial.rebalance.delay.ms=0
{one_replica}"""


def _free_ports(num: int) -> list[int]:
    """Ports that were free a moment ago, no two the same."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(num)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    assert found is not None, "Kafka needs Java 17 or later"
    return found
