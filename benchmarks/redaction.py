"""How much of what must go is found, and how fast, beside Presidio and beside a plain scan by `re`.

    python benchmarks/redaction.py [--num 5000] [--repetitions 5] [--spark 1000000]

Quality: recall, precision and F1 of each kind on the held-out half of `pipelines.labelled_messages`. A label
counts as found when finds of its kind cover all of it; `met` when they overlap it. Presidio (`uv pip install
--requirements benchmarks/presidio_requirements.txt`) runs with a blank spaCy pipeline, its own recognisers by
pattern and no model of names, and is asked for the kinds that it has; it is scored by `met`, since it marks
other edges than we do.

Speed: processor seconds of one thread, every text distinct, as ratios to one alternation of seven usual
patterns in a loop of `re.search`. `requests` is what merchants ask in generated conversations, one in twenty
with an identifier of the labelled set; `plain requests` are those of them that hold nothing; `labelled` is
the set itself, which is all edge cases. `gate` is the one expression of RE2 that a text without finds
costs. Memory of earlier texts is off. `--spark` counts what so many requests hold in `mapInArrow` with one
core, read from Parquet, the start of the session left out: seconds by the clock, so nothing else should run.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import pyarrow as pa
import pyarrow.parquet as pq
from _workflows import of_merchants

from pipelines.identifier_arrays import find_in_array, kind_of, may_hold
from pipelines.identifiers import ALL_RULES, find_by
from pipelines.labelled_messages import KINDS, Label, LabelledMessage, labelled_messages
from pipelines.labelled_messages.scoring import scores
from pipelines.synthesis import trajectories
from schemas.errors import BadRecord
from schemas.workflow import read, to_python

PLAIN = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]+|\+?\d[\d ().-]{7,}\d|(?:\d{4}[ -]?){4}|\b[A-Z]{2}\d{2}[A-Z0-9 ]{11,30}"
    r"|(?:\d{1,3}\.){3}\d{1,3}|(?:shpat|sk_live|ghp|xoxb)[_-]\w+|[\w-]+\.myshopify\.com"
)
PRESIDIO = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip",
}


def ours(messages: Sequence[LabelledMessage]) -> list[list[Label]]:
    found: list[list[Label]] = [[] for _ in messages]
    for place, finds in find_in_array(pa.array([message.text for message in messages])):
        found[place] = [Label(find.start, find.end, kind_of(find)) for find in finds]
    return found


def presidio(messages: Sequence[LabelledMessage]) -> list[list[Label]] | None:
    """None where it is not installed."""
    try:
        import spacy
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
    except ImportError:
        return None

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

        def load(self) -> None:
            """There is nothing to download."""

    # Without a list of its own it asks the network for one, and falls back to this when nobody answers.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
    found = []
    for message in messages:
        finds = engine.analyze(message.text, "en", entities=list(PRESIDIO))
        found.append([Label(find.start, find.end, PRESIDIO[find.entity_type]) for find in finds])
    return found


def quality(num: int) -> None:
    messages = labelled_messages(num, "held_out")
    finds = ours(messages)
    started = process_time()
    peer = presidio(messages)
    seconds = process_time() - started
    theirs = {} if peer is None else scores(messages, peer, KINDS)
    print(f"{num:,} held-out messages, {sum(len(message.labels) for message in messages):,} labels")
    print(
        f"{'kind':12}{'labels':>7}{'recall':>9}{'met':>7}{'precision':>11}{'F1':>7}   Presidio met, precision"
    )
    for kind, score in scores(messages, finds, KINDS).items():
        if kind not in KINDS:
            continue
        met = f"{score.num_met / score.num_labels:7.3f}" if score.num_labels else f"{'-':>7}"
        line = f"{kind:12}{score.num_labels:7,}{score.recall:9.3f}{met}{score.precision:11.3f}{score.f1:7.3f}"
        other = theirs.get(kind)
        if other is not None and kind in PRESIDIO.values():
            line += f"   {other.num_met / other.num_labels:12.3f}, {other.precision:.3f}"
        print(line)
    unknown = sum(find.kind == "unknown" for found in finds for find in found)
    print(f"fail-closed rules took {unknown:,} stretches more")
    if peer is None:
        print("Presidio is not installed: uv pip install --requirements benchmarks/presidio_requirements.txt")
    else:
        print(f"Presidio: {num / seconds:,.0f} texts a second")


def requests(num: int, known: Sequence[str]) -> list[str]:
    """What merchants ask, each text another one; one in twenty is of `known`."""
    asked: list[str] = []
    for number, text in enumerate(of_merchants(400)):
        try:
            python = to_python(read(text).workflow)
        except BadRecord:
            continue
        asked += [row["request"] for row in trajectories(f"{number}", python, 1, 0) if row["request"]]
    return [f"{(known if n % 20 == 0 else asked)[n % len(asked)]} ({n:x})" for n in range(num)]


def speed(repetitions: int) -> None:
    labelled = [message.text for message in labelled_messages(20_000, "tuned")]
    holding = [message.text for message in labelled_messages(20_000, "tuned") if message.labels]
    asked = requests(20_000, holding)
    held = {place for place, _ in find_in_array(pa.array(asked))}
    free = [text for place, text in enumerate(asked) if place not in held]
    for name, texts in {"requests": asked, "plain requests": free, "labelled": labelled}.items():
        array = pa.array(texts)
        few = texts[:2000]
        work: dict[str, tuple[int, Callable[[], object]]] = {
            "plain re": (len(texts), lambda texts=texts: [PLAIN.search(text) for text in texts]),
            "gate": (len(texts), lambda array=array: may_hold(array)),
            "Arrow": (len(texts), lambda array=array: find_in_array(array)),
            "one by one": (len(few), lambda few=few: [find_by(text, ALL_RULES) for text in few]),
        }
        seconds: dict[str, list[float]] = {each: [] for each in work}
        for _ in range(repetitions):  # in turn: a busy machine is busy for all
            for each, (num, does) in work.items():
                started = process_time()
                does()
                seconds[each].append((process_time() - started) / num)
        mean = sum(map(len, texts)) / len(texts)
        print(
            f"{name}: {len(texts):,} texts of {mean:.0f} characters, {len(find_in_array(array)):,} hold one"
        )
        for each, taken in seconds.items():
            ratio = median(plain / mine for plain, mine in zip(seconds["plain re"], taken, strict=True))
            print(f"  {each:11}{1 / median(taken):12,.0f} texts a second a core, {ratio:5.2f} x plain re")


def in_spark(num: int) -> None:
    """What `num` requests hold, counted by one core of Spark."""
    from pipelines.session import spark_session

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"num": [len(find_in_array(batch.column("text")))]})

    holding = [message.text for message in labelled_messages(20_000, "tuned") if message.labels]
    with TemporaryDirectory() as folder:
        path = str(Path(folder, "texts.parquet"))
        pq.write_table(pa.table({"text": requests(num, holding)}), path, row_group_size=50_000)
        spark = spark_session("redaction", master="local[1]")
        spark.range(10).mapInArrow(lambda batches: batches, "id long").count()
        started = perf_counter()
        found = spark.read.parquet(path).mapInArrow(count, "num long").agg({"num": "sum"}).collect()[0][0]
        seconds = perf_counter() - started
        spark.stop()
    print(f"Spark: {num:,} texts, {found:,} hold one, {num / seconds:,.0f} texts a second on one core")


def main() -> None:
    parser = argparse.ArgumentParser(description="Recall, precision and speed of redaction.")
    parser.add_argument("--num", type=int, default=5000, help="held-out messages (default: 5000)")
    parser.add_argument("--repetitions", type=int, default=5, help="repetitions of each speed (default: 5)")
    parser.add_argument("--spark", type=int, default=0, help="texts for Spark (default: 0, none)")
    given = parser.parse_args()
    quality(given.num)
    speed(given.repetitions)
    if given.spark:
        in_spark(given.spark)


if __name__ == "__main__":
    main()
