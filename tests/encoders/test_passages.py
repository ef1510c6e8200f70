"""Long texts, read to their end by passages."""

import numpy as np
import polars as pl
import pytest

import encoders
from engine.config import Config
from engine.describe import encode
from engine.search.vectors import QueryEncoders
from tests.encoders.tiny import bert

SHORT = ["white sneakers", "", "a bag of leather"]
LONG = "".join(f"Sentence {number} tells of unforeseeable circumstances in harbour {number}. " for number in range(60))


@pytest.fixture(scope="module")
def reader(cache):
    return encoders.open_text("minilm", passages=True)


def test_a_text_is_cut_between_words_and_nothing_is_lost(reader):
    for text in (LONG, "鞋" * 700, *SHORT):
        cut = reader.passages(text)
        assert "".join(passage for passage, _ in cut) == text
        assert all(0 < tokens <= 254 for _, tokens in cut)
        assert (len(cut) > 1) == (len(text) > 100)
    ends = np.cumsum([len(passage) for passage, _ in reader.passages(LONG)])[:-1]
    assert not any((LONG[at - 1] + LONG[at]).isalnum() for at in ends)


def test_a_word_that_is_longer_than_the_room_is_cut(tmp_path):
    bert(tmp_path)
    word = "qz" * 40
    cut = encoders.open_text(str(tmp_path), passages=True).passages(f"a {word} b")
    assert "".join(passage for passage, _ in cut) == f"a {word} b"
    assert max(tokens for _, tokens in cut) == 18


def test_a_vector_is_the_mean_of_its_passages(reader, minilm):
    rows = reader.encode([LONG, *SHORT])
    assert np.abs(rows[1:] - minilm.encode(SHORT)).max() < 1e-5
    parts, tokens = zip(*reader.passages(LONG), strict=True)
    mean = (np.array(tokens)[:, None] * minilm.encode(parts)).sum(axis=0)
    assert np.abs(rows[0] - mean / np.linalg.norm(mean)).max() < 1e-5
    assert reader.encode([]).shape == (0, 384)


def test_the_end_of_a_long_text_counts(reader, minilm):
    other = LONG + "At last the whale sank the ship, and one man was left to tell of it. " * 8
    assert np.abs(np.subtract(*minilm.encode([LONG, other]))).max() < 1e-6
    assert np.abs(np.subtract(*reader.encode([LONG, other]))).max() > 0.01
    assert reader.fingerprint != minilm.fingerprint


def test_a_configuration_switches_it_on_for_items_and_queries(reader, tmp_path):
    on = Config.model_validate(
        {"encoders": {"text": "minilm", "passages": True, "image": "", "cache": tmp_path, "fast": False}}
    )
    rows = encode(pl.DataFrame({"text": [LONG, *SHORT]}), on)["text"].vectors
    assert np.abs(rows - reader.encode([LONG, *SHORT])).max() < 1e-5
    assert QueryEncoders(on.encoders).text.fingerprint == reader.fingerprint
