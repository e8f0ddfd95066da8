"""Events in a real broker: in order, once, or `Transient` in time; sentences where there is none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.conversation import MAX_EVENT_BYTES, Event, messages_of, read_event
from schemas.errors import Transient, UsageError
from schemas.tools import CONTRACT
from serving.agent import Budget
from serving.kafka_sink import KafkaSink, _Producer, kafka_target
from serving.oracle import ScriptedOracle
from serving.recorded_agent import converse_recorded
from serving.recorder import Recorder
from serving.shop import InMemoryShop
from tests.kafka_broker import Broker

SAID = {"role": "user", "content": "Tag «été» orders"}
TAG = '@order_created\ndef tag(order):\n    add_order_tags(order_id=order.id, tags=["a"])\n'


def events_in(kafka_broker: Broker, topic: str, num: int) -> list[tuple[int, Event]]:
    found = kafka_broker.messages(topic, num)
    assert len(found) == num
    events = [(partition, read_event(value)) for partition, _, value in found]
    assert [key.decode() for _, key, _ in found] == [event.conversation_id for _, event in events]
    return events


@pytest.mark.kafka
def test_conversations_of_many_threads_keep_their_order(kafka_broker: Broker) -> None:
    kafka_broker.create_topic("threads", partitions=3)
    sink = KafkaSink(kafka_broker.address, "threads")
    recorder = Recorder(sink, model="m")

    def work() -> None:
        recording = recorder.begin("s")
        for _ in range(10):
            recording.append("message", SAID)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    events = events_in(kafka_broker, "threads", 80)
    assert len({partition for partition, _ in events}) > 1
    for conversation in {event.conversation_id for _, event in events}:
        own = [(place, event.sequence) for place, event in events if event.conversation_id == conversation]
        assert own == [(own[0][0], number) for number in range(10)]


@pytest.mark.kafka
def test_a_conversation_of_the_agent_is_in_the_topic_when_it_ends(kafka_broker: Broker) -> None:
    kafka_broker.create_topic("agent")
    recorder = Recorder(KafkaSink(kafka_broker.address, "agent"), model="scripted-oracle")
    recording = recorder.begin("shop-1")
    outcome = converse_recorded(
        *("Tag orders", ScriptedOracle(TAG), InMemoryShop(), CONTRACT, Budget(), recording), clock=lambda: 0.0
    )
    events = [
        event for _, event in events_in(kafka_broker, "agent", 10)
    ]  # before anything is closed or flushed
    assert messages_of(events) == list(outcome.messages)
    assert (events[-1].kind, events[-1].value["reason"]) == ("ended", "answered")
    recorder.close()


@pytest.mark.kafka
def test_an_event_of_eight_megabytes_is_taken(kafka_broker: Broker) -> None:
    kafka_broker.create_topic("large")
    recorder = Recorder(KafkaSink(kafka_broker.address, "large"), model="m")
    text = "a" * (MAX_EVENT_BYTES - 1000)
    recorder.begin("s").append("message", SAID | {"content": text})
    recorder.close()
    ((_, event),) = events_in(kafka_broker, "large", 1)
    assert event.value["content"] == text


@pytest.mark.kafka
def test_a_broker_that_answers_nothing_is_transient_in_time_and_costs_no_event(kafka_broker: Broker) -> None:
    kafka_broker.create_topic("frozen")
    recorder = Recorder(KafkaSink(kafka_broker.address, "frozen", seconds=5.0), model="m")
    recording = recorder.begin("s")
    recording.append("message", SAID)
    with kafka_broker.frozen(), pytest.raises(Transient, match="Cannot record in Kafka at 127"):
        recording.append("message", SAID | {"content": "lost?"})
    # What timed out may be there: it is offered again as it was, and then what came later.
    recording.append("feedback", {"rating": "up", "text": ""})
    recorder.close()
    found = [event for _, event in events_in(kafka_broker, "frozen", 3)]
    if found[-1].sequence == 1:  # it was there: twice the same
        found = [event for _, event in events_in(kafka_broker, "frozen", 4)]
        assert found.pop(1) == found[1]
    assert [event.sequence for event in found] == [0, 1, 2]
    assert found[1].value["content"] == "lost?"


@pytest.mark.kafka
def test_a_topic_that_is_missing_is_a_sentence(kafka_broker: Broker) -> None:
    with pytest.raises(UsageError, match=r"has no topic nowhere\.$"):
        KafkaSink(kafka_broker.address, "nowhere")


def test_a_broker_that_is_missing_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"no Kafka broker answers at 127\.0\.0\.1:9\.$"):
        KafkaSink("127.0.0.1:9", "events", seconds=0.5)


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(UsageError, match=r"sidewheel\[kafka\]"):
        KafkaSink("127.0.0.1:9", "events")


class FatalClient:
    """A client of Kafka that says of its first message that it will deliver nothing more."""

    def __init__(self, _: Any) -> None:
        self.heard: list[Callable[[Any, Any], None]] = []

    def __len__(self) -> int:
        return len(self.heard)

    def produce(self, topic: str, value: bytes, key: bytes, *, on_delivery: Any) -> None:
        self.heard.append(on_delivery)

    def poll(self, seconds: float) -> None:
        while self.heard:
            self.heard.pop()(SimpleNamespace(fatal=lambda: True, str=lambda: "fenced"), None)


def test_the_thread_of_a_producer_that_failed_comes_to_its_end() -> None:
    kafka = SimpleNamespace(Producer=FatalClient, KafkaException=ValueError)
    producer = _Producer(kafka, "127.0.0.1:9", 5.0)
    with pytest.raises(Transient, match="fenced"):
        producer.send("events", b"key", b"value")
    producer._hearing.join(5)
    assert (producer.failed, producer._hearing.is_alive()) == (True, False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9092/events", ("127.0.0.1:9092", "events")),
        ("[::1]:9092/conversation-events.v1", ("[::1]:9092", "conversation-events.v1")),
        ("kafka/events", None),
        ("kafka:9092", None),
        ("kafka:99999/events", None),
        ("kafka:9092/a b", None),
        ("user:secret@kafka:9092/events", None),
    ],
)
def test_a_target_is_an_address_and_a_topic(text: str, found: tuple[str, str] | None) -> None:
    if found:
        assert kafka_target(text) == found
    else:
        with pytest.raises(UsageError, match="HOST:PORT/TOPIC") as refused:
            kafka_target(text)
        assert "secret" not in str(refused.value)
