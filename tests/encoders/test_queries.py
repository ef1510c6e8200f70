"""The head for queries: it learns what is right, leaves other texts alone, and what it wrote can be opened."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from encoders import EncoderError
from encoders.heads import FOLDER
from encoders.queries import DIM, QUERIES, QueryHead, load_query_head
from encoders.tune_queries import Asked, Settings, tune_queries
from encoders.weights import unit
from engine.config import Encoders
from engine.search.vectors import QueryEncoders

sys.path.append(str(Path(__file__).parents[2] / "scripts"))
from train_query_head import HELD, KIND, TESTS, by_hand, questions


def made_up(seed=0):
    """Items in 8 hidden directions, queries that look away from them by one shift; general texts lie elsewhere."""
    rng = np.random.default_rng(seed)
    kinds, shift = rng.standard_normal((8, 64)), 8 * rng.standard_normal(64)
    of = rng.integers(8, size=200)

    def padded(rows, at):
        wide = np.zeros((len(rows), DIM), np.float32)
        wide[:, at : at + 64] = rows
        return unit(wide)

    items = padded(kinds[of] + 0.5 * rng.standard_normal((200, 64)), 0)
    asked = [padded(kinds + shift + 0.5 * rng.standard_normal((8, 64)), 0) for _ in range(24)]
    right = [np.flatnonzero(of == kind) for kind in range(8)] * 8
    sets = [Asked(np.concatenate(asked[at : at + 8]), right) for at in (0, 8, 16)]
    return sets, items, padded(rng.standard_normal((300, 64)), 64), of


def test_it_learns_and_leaves_other_texts_alone():
    sets, items, general, of = made_up()
    tuned = tune_queries(sets[:2], items, [general])
    fresh, kind = sets[2].queries, np.arange(64) % 8

    def first_fits(queries):
        return (of[(queries @ items.T).argmax(axis=1)] == kind).mean()

    assert first_fits(tuned.head(fresh)) > first_fits(fresh) + 0.1
    assert tuned.figures["loss"][1] < tuned.figures["loss"][0]
    assert (general * tuned.head(general)).sum(axis=1).min() > 0.999


def test_the_same_again(tmp_path):
    sets, items, general, _ = made_up()
    first, second = (tune_queries(sets, items, [general], Settings(steps=5)) for _ in range(2))
    assert np.array_equal(first.head.residual, second.head.residual)
    first.save(tmp_path, {"data": "made up"})
    assert np.array_equal(load_query_head(tmp_path).residual, first.head.residual)
    assert json.loads((tmp_path / f"{QUERIES}.json").read_text())["data"] == "made up"


def test_what_cannot_be_used_is_told(tmp_path):
    with pytest.raises(EncoderError, match=r"no weft-queries.safetensors"):
        load_query_head(tmp_path)
    sets, items, general, _ = made_up()
    tune_queries(sets, items, [general], Settings(steps=1)).save(tmp_path, {})
    path = tmp_path / f"{QUERIES}.safetensors"
    path.write_bytes(path.read_bytes()[:-2] + b"xx")
    with pytest.raises(EncoderError, match="SHA-256"):
        load_query_head(tmp_path)
    with pytest.raises(EncoderError, match="50"):
        tune_queries([Asked(items[:9], [np.array([0])] * 9)], items, [general])
    with pytest.raises(EncoderError, match="512"):
        QueryHead(np.zeros((DIM, DIM), np.float32))(np.zeros((1, 384), np.float32))


def test_the_one_that_comes_along_moves_queries_and_no_item():
    """A small file; a blank query stays nothing; and only `multilingual` is read by it."""
    assert (FOLDER / f"{QUERIES}.safetensors").stat().st_size < 600_000
    moved, plain = QueryEncoders(Encoders(queries=QUERIES)), QueryEncoders(Encoders())
    there, before = moved.by_meaning("白色运动鞋"), plain.by_meaning("白色运动鞋")
    assert 0.5 < there @ before < 0.999
    assert np.array_equal(moved.encode_texts(["白色运动鞋"]), plain.encode_texts(["白色运动鞋"]))
    assert not moved.by_meaning(" ").any()
    english = [QueryEncoders(Encoders(text="minilm", queries=name)).by_meaning("white shoes") for name in ("", QUERIES)]
    assert np.array_equal(*english)


def test_nothing_held_out_was_learned_from():
    """The words of the pairs are none of the shop's, and each facet has words held out and others."""
    told = json.loads((FOLDER / f"{QUERIES}.json").read_text(encoding="utf-8"))
    assert told["held out"] == HELD
    assert {name: len(values) for name, values in HELD.items()} == {
        "category": 12, "colour": 3, "material": 5, "brand": 14,
    }  # fmt: skip
    known = {noun.lower() for kind in KIND.values() for noun in (*kind.nouns, *kind.nouns_zh, kind.zh, kind.name)}
    pairs = json.loads((TESTS / "word_pairs.json").read_text(encoding="utf-8"))
    assert not known & {word for words in pairs.values() for both in words for word in both}


def test_questions_are_right():
    import polars as pl

    from engine.demo.products import make

    items = make(120, 3).table
    for one in questions(items):
        rows = items[one.right]
        assert rows["category"].n_unique() == 1
        held = set(HELD["category"]) & set(rows["category"])
        words = [value for name in ("colour", "brand", "material") for value in HELD[name] if value in one.english]
        assert one.held == bool(held or words)
    trousers = [one for one in by_hand(items, "en") if "trousers" in one.english]
    for one in trousers:
        assert (items[one.right]["category"] == "Clothes > Trousers").all()
    assert isinstance(items, pl.DataFrame)
