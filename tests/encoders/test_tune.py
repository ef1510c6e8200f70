"""Training of the heads: it learns, it repeats, and what it wrote can be opened."""

import json

import numpy as np
import pytest
import torch

import encoders
from encoders import EncoderError
from encoders.heads import IMAGE_HEAD, SCALE, TEXT_HEAD, SmallHeads
from encoders.tune import Heads, Pairs, Settings, found, multilingual_head, tune
from encoders.weights import unit
from tests.encoders.samples import drawn

SETTINGS = Settings(epochs=15, batch=64, valid_share=0.2, test_share=0.2)


def made_up(n=400, noise=0.3, seed=0):
    """Pairs whose two sides are linear pictures of the same hidden numbers; some have two texts, some none."""
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((n, 8))

    def side(rows, dim, mix):
        return unit((rows @ mix + noise * rng.standard_normal((len(rows), dim))).astype(np.float32))

    owner = np.concatenate([np.arange(n - 20), np.arange(0, n - 20, 3)])
    pictures = side(hidden, 1280, rng.standard_normal((8, 1280)))
    return Pairs(pictures, side(hidden[owner], 384, rng.standard_normal((8, 384))), owner)


def test_it_learns_what_there_is():
    figures = tune(made_up(), SETTINGS).figures
    assert figures["recall@10"] > 0.9
    assert figures["recall@10 by chance"] == pytest.approx(10 / 76, abs=1e-4)
    assert figures["recall@10 untrained"] < 0.35
    assert figures["pictures"] == {"train": 228, "valid": 76, "test": 76}


def test_it_learns_nothing_where_there_is_nothing():
    pairs = made_up()
    pairs = Pairs(pairs.pictures, pairs.texts, np.random.default_rng(1).permutation(pairs.owner))
    assert tune(pairs, SETTINGS).figures["recall@10"] < 0.3


def test_texts_met_in_training_are_told_apart():
    """Half of the pictures share one text word for word: it cannot find them, and is counted for itself."""
    pairs = made_up(noise=0.1)
    owner = np.arange(400)
    texts = np.repeat(pairs.texts[:1], 400, axis=0)
    texts[:200] = pairs.texts[:200]
    figures = tune(Pairs(pairs.pictures, texts, owner), SETTINGS).figures
    counts = figures["test texts"]
    assert sum(counts.values()) == 80
    assert 25 <= counts["met"] <= 55
    assert figures["recall@10 of texts not met in training"] > 0.8 > figures["recall@10"]


def test_found_by_hand():
    """Ties count against a text: of eleven equal pictures none is found, of ten each is."""
    pictures = np.tile(np.eye(1, 3, dtype=np.float32), (11, 1))
    texts, right = np.eye(1, 3, dtype=np.float32), np.array([0])
    assert not found(texts, pictures, right).any()
    assert found(texts, pictures[:10], right).all()
    pictures[1:, 0] = 0.5
    assert found(texts, pictures, right).all()
    assert not found(-texts, pictures, right).any()


def test_the_same_seed_gives_the_same_heads():
    first, second, other = (tune(made_up(), Settings(seed=seed, epochs=3, batch=64)) for seed in (1, 1, 2))
    assert first.figures == second.figures
    assert all(torch.equal(first.heads[name], second.heads[name]) for name in first.heads)
    assert not all(torch.equal(first.heads[name], other.heads[name]) for name in first.heads)


def test_the_state_of_others_draws_is_kept():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    tune(made_up(), Settings(epochs=1))
    assert torch.equal(torch.rand(1), expected)


def test_it_stops_when_nothing_gets_better():
    curve = tune(made_up(noise=0.01), Settings(epochs=60, patience=2, batch=64)).figures["valid recall@10 by epoch"]
    assert len(curve) == curve.index(max(curve)) + 3 < 60


def test_a_head_for_many_languages(tmp_path):
    """Other texts of the same pictures, half of them by numbers that no training text has."""
    pairs = made_up(noise=0.1)
    tuned = tune(pairs, SETTINGS)
    rng = np.random.default_rng(3)
    mix = rng.standard_normal((384, 512)).astype(np.float32)
    other = Pairs(pairs.pictures, unit(pairs.texts @ mix), pairs.owner)
    learned = Pairs(other.pictures, other.texts[:300], other.owner[:300])
    more = tuned.reading(learned)
    heads = more.ready()
    assert heads.reads_many_languages and not tuned.ready().reads_many_languages
    assert (
        found(heads.multilingual(other.texts[300:380]), heads.image(pairs.pictures[300:380]), np.arange(80)).mean()
        > 0.9
    )
    more.save(tmp_path, {})
    opened = encoders.weft_small_heads(tmp_path)
    assert np.array_equal(opened.multilingual(other.texts), heads.multilingual(other.texts))
    assert np.array_equal(opened.text(pairs.texts), tuned.ready().text(pairs.texts))
    with pytest.raises(EncoderError, match="40 texts of pictures: tuning needs 50"):
        tuned.reading(Pairs(pairs.pictures, other.texts[:40], pairs.owner[:40]))


def test_a_ridge_by_hand():
    """One number tells the picture: the slope is n / (n + l2 n) on it, and nothing on the rest."""
    pictures = np.zeros((60, 1280), np.float32)
    pictures[:, 0] = 1
    texts = np.zeros((60, 512), np.float32)
    texts[:, 7] = 1
    identity = {TEXT_HEAD: np.eye(256, 384), IMAGE_HEAD: np.eye(256, 1280), SCALE: np.array(1)}
    heads = SmallHeads({name: tensor.astype(np.float32) for name, tensor in identity.items()}, "by hand")
    head = multilingual_head(heads, Pairs(pictures, texts, np.arange(60)), l2=0.25)
    expected = np.zeros((256, 512))
    expected[0, 7] = 0.8
    assert np.allclose(head, expected, atol=1e-6)


def test_loss_by_hand():
    """Two pairs at right angles: the loss is log(1 + exp(-scale))."""
    heads = Heads(256, 256)
    with torch.no_grad():
        heads.text.weight.copy_(torch.eye(256))
        heads.image.weight.copy_(torch.eye(256))
        heads.scale.fill_(np.log(3))
        rows = torch.eye(256)[:2]
        assert float(heads.loss(rows, 5 * rows)) == pytest.approx(np.log(1 + np.exp(-3)), rel=1e-5)


def test_progress_and_absent_rows():
    pairs = made_up(noise=0.1)
    pairs.pictures[:100] = 0
    pairs.texts[300:310] = 0
    seen = []
    figures = tune(pairs, Settings(epochs=3, batch=64), lambda *at: seen.append(at)).figures
    assert seen == [(1, 3), (2, 3), (3, 3)]
    second = sum(row % 3 == 0 for row in range(300, 310))  # have another text, so they stay
    assert sum(figures["pictures"].values()) == 280 - 10 + second


def test_too_few_pairs():
    with pytest.raises(EncoderError, match="49 pictures with text: tuning needs 50"):
        tune(made_up(69))


def test_what_it_wrote_can_be_opened(tmp_path):
    tuned = tune(made_up(), Settings(epochs=2, batch=64))
    tuned.save(tmp_path, {"data": "made up"})
    about = json.loads((tmp_path / "weft-small.json").read_text())
    assert about["data"] == "made up"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["weft-small.json", "weft-small.safetensors"]
    opened, heads = encoders.open_clip(str(tmp_path)), encoders.weft_small_heads(tmp_path)
    rows = made_up().pictures[:5]
    assert np.array_equal(heads.image(rows), tuned.ready().image(rows))
    assert opened.image.encode([drawn(0)]).shape == (1, 256)
    assert opened.text.fingerprint != encoders.open_clip("weft-small").text.fingerprint
