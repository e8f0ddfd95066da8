"""A model of names behind the redactor: a real token classifier whose weights say what it finds."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.conversations import ConversationPolicy, conversation_row
from pipelines.recognizers import recognizer_of, recognizer_version
from pipelines.redact import REDACTOR_VERSION, Redactor
from schemas.errors import UsageError
from tests.pipelines.recordings import events_of

NAMES = ("ulrike", "meyer")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer of attention that is turned off: each word's label hangs on its embedding alone."""
    transformers = pytest.importorskip("transformers", reason="models need the extra `train`")
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    words = ["[UNK]", "[PAD]", *NAMES, "tag", "orders"]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=4,
        num_hidden_layers=0,
        num_attention_heads=1,
        intermediate_size=4,
        id2label={0: "O", 1: "B-PER"},
        label2id={"O": 0, "B-PER": 1},
    )
    model = transformers.BertForTokenClassification(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model.bert.embeddings.LayerNorm.weight.fill_(1)
        model.bert.embeddings.word_embeddings.weight[:, 0] = 1
        for name in NAMES:
            model.bert.embeddings.word_embeddings.weight[words.index(name)] = torch.tensor([0, 1.0, 0, 0])
        model.classifier.weight[0, 0] = model.classifier.weight[1, 1] = 5
    made = tmp_path_factory.mktemp("model")
    model.save_pretrained(made)
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]"
    ).save_pretrained(made)
    return made


def test_names_that_only_a_model_finds_go_with_one_surrogate_each(folder: Path) -> None:
    recognizer = recognizer_of(str(folder))
    asked = "Tag orders of Ulrike Meyer, mail ulrike@corp.com; Meyer pays."
    assert "Ulrike Meyer" in Redactor().text(asked)
    assert Redactor(recognizer=recognizer).text(asked) == (
        "Tag orders of person_1, mail email_1@redacted.invalid; person_2 pays."
    )
    assert recognizer_of(str(folder)) is recognizer, "loaded once a process"


def test_a_conversation_says_which_model_redacted_it(folder: Path) -> None:
    events = events_of("Tag big orders of Ulrike as vip")
    plain, modelled = (
        conversation_row(events, ConversationPolicy(recognizer=spec)) for spec in ("", str(folder))
    )
    assert "Ulrike" in plain["request"]
    assert modelled["request"] == "Tag big orders of person_1 as vip"
    assert modelled["redactor_version"] == f"{REDACTOR_VERSION}+{recognizer_version(str(folder))}"
    assert plain["redactor_version"] == REDACTOR_VERSION


def test_a_folder_without_a_model_stops_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no-model is no folder of a model"):
        ConversationPolicy(recognizer=str(tmp_path / "no-model"))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="holds no model of token classification"):
        recognizer_of(str(tmp_path))


def test_presidio_is_asked_for_persons_and_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer_of.cache_clear()
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(UsageError, match="pip install presidio-analyzer"):
        recognizer_of("presidio")

    @dataclass
    class Result:
        start: int
        end: int
        entity_type: str
        score: float

    class AnalyzerEngine:
        def analyze(self, **asked: Any) -> list[Result]:
            assert asked["entities"] == ["PERSON"]
            return [Result(3, 6, "PERSON", 0.85), Result(0, 2, "PERSON", 0.2), Result(8, 12, "LOCATION", 1)]

    monkeypatch.setitem(
        sys.modules, "presidio_analyzer", types.SimpleNamespace(AnalyzerEngine=AnalyzerEngine)
    )
    found = recognizer_of("presidio")
    assert found is not None
    assert [(one.start, one.end, one.kind, one.key) for one in found.find("To Ann, Rome")] == [
        (3, 6, "name", "ann")
    ]
    recognizer_of.cache_clear()
    assert ConversationPolicy(recognizer="presidio").window == timedelta(days=7)
