import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from engine.demo.kinds import KINDS
from engine.demo.pictures import SIZE, draw, draw_all
from engine.demo.products import NAMES, make
from engine.demo.shapes import SHAPES
from engine.demo.vocabulary import COLOURS, PATTERNS

SOLID = ("cushion", "tshirt", "suitcase", "mug", "plate")
"""Shapes whose middle is body and nothing else."""


def middle(image, half=14):
    pixels = np.asarray(image, np.float64)
    centre = SIZE // 2
    return pixels[centre - half : centre + half, centre - half : centre + half].reshape(-1, 3)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_picture_shows_its_colour(colour):
    names, palette = list(COLOURS), np.array([rgb for _, rgb in COLOURS.values()])
    nearest = []
    for seed, shape in enumerate(SOLID * 2):
        mean = middle(draw(shape, colour, "plain", np.random.default_rng(seed))).mean(axis=0)
        nearest.append(names[int(np.argmin(((palette - mean) ** 2).sum(axis=1)))])
    assert nearest.count(colour) >= 9


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_leaves_the_colour_the_commonest(pattern):
    red = middle(draw("cushion", "red", pattern, np.random.default_rng(0)))
    assert (red[:, 0] > red[:, 1] + 40).mean() > 0.95, "both shades of a red cushion are red"
    shades = np.unique(red[:, 0] // 24).size
    assert shades > 1 or pattern == "plain"


def test_every_category_has_a_drawing_of_its_own():
    shapes = [kind.shape for kind in KINDS]
    assert len(set(shapes)) == len(KINDS)
    assert set(shapes) == set(SHAPES)
    silhouettes = [
        np.asarray(draw(shape, "black", "plain", np.random.default_rng(0)).convert("L")) < 100 for shape in shapes
    ]
    for i, one in enumerate(silhouettes):
        assert 0.03 < one.mean() < 0.7, shapes[i]
        assert all((one ^ other).mean() > 0.01 for other in silhouettes[:i]), shapes[i]


def test_the_same_random_state_draws_the_same_and_another_does_not():
    one, same, other = (draw("lamp", "blue", "dots", np.random.default_rng(seed)).tobytes() for seed in (1, 1, 2))
    assert one == same != other


def test_the_pattern_can_be_read_from_the_pictures(tmp_path):
    products = make(700, 0)
    assert draw_all(products, tmp_path, 0) == products.table["image"].is_not_null().sum()
    rows = np.flatnonzero(products.table["image"].is_not_null().to_numpy())
    features = np.stack([texture(tmp_path / products.table["image"][int(row)]) for row in rows])
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    labels = products.codes["pattern"][rows]
    train = np.arange(len(rows)) % 4 > 0
    fitted = LogisticRegression(C=0.01, max_iter=500).fit(features[train], labels[train])
    chance = np.bincount(labels[~train]).max() / (~train).sum()
    assert fitted.score(features[~train], labels[~train]) > chance + 0.3
    assert set(labels) == set(range(len(NAMES["pattern"])))


def texture(path):
    """Low frequencies of the middle of a picture, wherever its pattern begins."""
    grey = np.asarray(Image.open(path).convert("L"), np.float64)[32:96, 32:96]
    window = np.hanning(64)[:, None] * np.hanning(64)[None, :]
    spectrum = np.abs(np.fft.rfft2((grey - grey.mean()) / (grey.std() + 3) * window))
    return np.log(np.concatenate([spectrum[:14, :14], spectrum[-13:, :14]]) + 1).ravel()
