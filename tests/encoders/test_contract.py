"""What every encoder keeps to, whatever it encodes."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import encoders
from encoders import fast
from encoders.tune_images import Labelled, Settings, tune_images
from tests.encoders.samples import drawn

TEXTS = [
    "white sneakers",
    "白色运动鞋",
    "a",
    "A much longer text about shoes for the rain. " * 8,
    "999",
    "white sneakers",
]
PICTURES = [drawn(0), drawn(1, (300, 20)), drawn(2, (7, 90)), drawn(3, (1, 1)), drawn(4, (224, 224)), drawn(0)]
TEXT_ENCODERS = ["multilingual", "minilm", "weft-small text", "minilm by onnx", "minilm by bf16", "minilm by int8"]
IMAGE_ENCODERS = ["efficientnet-lite0", "weft-small image", "tuned", "efficientnet-lite0 by onnx"]
CLOSE = {"minilm by bf16": 2e-3}
"""What a number may differ by in another batch: bfloat16 rounds to 8 bits after each step. Else 2e-5."""


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """Tuned for one epoch on four pictures: a contract does not ask how well it tells them apart."""
    folder = tmp_path_factory.mktemp("tuned")
    paths = [folder / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        drawn(number, (64, 64)).save(path)
    quick = Settings(epochs=1, views=1, side=64, window=4, batch=4)
    tune_images(Labelled(paths, ["a", "a", "b", "b"]), quick).save(folder / "encoder", {})
    return encoders.open_image(str(folder / "encoder"))


@pytest.fixture(scope="module")
def fast_ones(minilm, lite0, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fast")
    opened = {f"minilm by {way}": fast.open_fast(minilm, way, folder) for way in ("onnx", "bf16", "int8")}
    return {**opened, "efficientnet-lite0 by onnx": fast.open_fast(lite0, "onnx", folder)}


@pytest.fixture(params=TEXT_ENCODERS + IMAGE_ENCODERS)
def named(request):
    return request.param


@pytest.fixture
def case(named, multilingual, minilm, lite0, weft_small, tuned, fast_ones):
    """An encoder and a batch for it, whose first and last thing are equal."""
    opened = {
        "multilingual": multilingual, "minilm": minilm, "weft-small text": weft_small.text,
        "efficientnet-lite0": lite0, "weft-small image": weft_small.image, "tuned": tuned, **fast_ones,
    }  # fmt: skip
    return opened[named], TEXTS if named in TEXT_ENCODERS else PICTURES


def test_shape_type_and_length(case):
    encoder, batch = case
    rows = encoder.encode(batch)
    assert rows.shape == (len(batch), encoder.dim)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_nothing_in_nothing_out(case):
    encoder, _ = case
    rows = encoder.encode([])
    assert rows.shape == (0, encoder.dim)
    assert rows.dtype == np.float32


def test_a_batch_is_its_things_one_by_one(named, case):
    encoder, batch = case
    alone = np.concatenate([encoder.encode([thing]) for thing in batch])
    assert np.allclose(encoder.encode(batch), alone, atol=CLOSE.get(named, 2e-5))


def test_the_order_of_a_batch_is_kept(case):
    encoder, batch = case
    assert np.allclose(encoder.encode(batch[::-1])[::-1], encoder.encode(batch), atol=2e-5)


def test_same_in_same_out(case):
    encoder, batch = case
    rows = encoder.encode(batch)
    assert np.array_equal(rows, encoder.encode(batch))
    assert np.allclose(rows[0], rows[-1], atol=2e-5)


def test_different_in_different_out(case):
    encoder, batch = case
    likeness = encoder.encode(batch[:5]) @ encoder.encode(batch[:5]).T
    assert (likeness[~np.eye(5, dtype=bool)] < 0.999).all()


def test_the_store_takes_it(named, case, tmp_path):
    encoder, batch = case
    store = encoders.EmbeddingStore(tmp_path)
    if isinstance(batch[0], str):
        first, second = store.texts(encoder, batch), store.texts(encoder, batch)
    else:
        paths = [tmp_path / f"{n}.png" for n in range(len(batch))]
        for path, picture in zip(paths, batch, strict=True):
            picture.save(path)
        first, second = store.images(encoder, paths), store.images(encoder, paths)
    assert (first.encoded, second.encoded) == (5, 0)
    assert np.array_equal(first.vectors, second.vectors)
    assert np.allclose(first.vectors, encoder.encode(batch), atol=CLOSE.get(named, 2e-5))


def test_names_and_fingerprints(multilingual, minilm, lite0, weft_small):
    every = [multilingual, minilm, lite0, weft_small.text, weft_small.image]
    assert len({encoder.fingerprint for encoder in every}) == len(every)
    assert all(encoder.name for encoder in every)


@pytest.fixture(params=TEXT_ENCODERS)
def text_encoder(request, multilingual, minilm, weft_small, fast_ones):
    opened = {"multilingual": multilingual, "minilm": minilm, "weft-small text": weft_small.text}
    return (opened | fast_ones)[request.param]


def test_blank_texts_are_rows_of_zeros(text_encoder):
    rows = text_encoder.encode(["", "shoe", " \t\n", "\u3000"])
    assert not rows[[0, 2, 3]].any()
    assert np.linalg.norm(rows[1]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["\ud800 half a pair", "\0", "\x07", "\u200b", "🙂" * 50, "x" * 5000, "é" * 3000])
def test_strange_texts(text_encoder, text):
    rows = text_encoder.encode([text])
    assert np.isfinite(rows).all()


def test_a_ten_megabyte_cell_is_cut(text_encoder):
    words = "white sneakers for the rain " * 1000
    assert np.allclose(text_encoder.encode([words]), text_encoder.encode([words * 370]), atol=2e-5)


@settings(max_examples=50)
@given(text=st.text(max_size=40))
def test_any_text_gives_a_unit_row(multilingual, text):
    length = np.linalg.norm(multilingual.encode([text]))
    assert length == pytest.approx(1 if text.strip() else 0, abs=1e-5)


def test_no_encoder_is_left_out():
    """Every class with `encode` in the package is one of those that the tests above open."""
    found = set()
    for module in pkgutil.iter_modules(encoders.__path__):
        parts = vars(importlib.import_module(f"encoders.{module.name}")).values()
        found |= {part.__name__ for part in parts if inspect.isclass(part) and hasattr(part, "encode")}
    classes = {"MultilingualEncoder", "BertEncoder", "TrunkEncoder", "Tower", "TunedEncoder", "FastEncoder"}
    assert found == {"Encoder"} | classes
