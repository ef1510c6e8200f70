"""What every encoder keeps to, whatever it encodes."""

import importlib
import inspect
import io
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import encoders
from encoders import Encoder, audio_model, fast, media, pictures, tune_clip
from encoders.audio import LogMelEncoder
from encoders.table import TableEncoder
from encoders.tune_images import Labelled, Settings, tune_images
from encoders.video import FramesEncoder
from tests.encoders.samples import drawn
from tests.encoders.tiny import bert, clap, moving, open_clip_model, sound, transformers_clip, wav, wav2vec2

TEXTS = [
    "white sneakers",
    "白色运动鞋",
    "a",
    "A much longer text about shoes for the rain. " * 8,
    "999",
    "white sneakers",
]
PICTURES = [drawn(0), drawn(1, (300, 20)), drawn(2, (7, 90)), drawn(3, (1, 1)), drawn(4, (224, 224)), drawn(0)]
SOUNDS = [(0, 1.0), (1, 0.3), (2, 2.5), (3, 0.01), (4, 1.0), (0, 1.0)]
"""Seeds, and seconds."""


@dataclass(frozen=True)
class Case:
    """An encoder, and a batch for it, whose first and last thing are equal."""

    encoder: Encoder
    batch: list
    files: list[bytes] | None = None
    """What its things are loaded from, and how."""
    load: Callable | None = None
    least: float = 1e-3
    """How far apart unlike things are; random weights tell next to nothing apart."""
    close: float = 2e-5
    """What a number may differ by in another batch."""


def pictured(encoder):
    return Case(encoder, PICTURES, [png(picture) for picture in PICTURES], pictures.load)


RANDOM = 2e-6


def heard(encoder, rate=16_000):
    pytest.importorskip("av")
    files = [wav(sound(seed, seconds, rate), rate) for seed, seconds in SOUNDS]
    load = partial(media.samples, rate=rate)
    return Case(encoder, [load(file) for file in files], files, load)


def filmed(image):
    pytest.importorskip("av")
    files = [moving(seed) for seed in (0, 1, 2, 3, 4, 0)]
    return Case(FramesEncoder(image), [media.frames(file) for file in files], files, media.frames)


def table(path):
    """Of the texts: what a key is does not matter."""
    keys = list(dict.fromkeys(TEXTS))
    vectors = np.random.default_rng(0).normal(size=(len(keys), 7)).astype(np.float32)
    if path.suffix == ".npz":
        np.savez(path, allow_pickle=False, id=np.array(keys), vector=vectors)
    else:
        pl.DataFrame({"id": keys, "vector": vectors.tolist()}).write_parquet(path)
    return Case(TableEncoder(path), TEXTS)


def png(picture):
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def tuned(folder):
    """Tuned for one epoch on four pictures: a contract does not ask how well it tells them apart."""
    paths = [folder / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        drawn(number, (64, 64)).save(path)
    quick = Settings(epochs=1, views=1, side=64, window=4, batch=4)
    tune_images(Labelled(paths, ["a", "a", "b", "b"]), quick).save(folder / "encoder", {})
    return encoders.open_image(str(folder / "encoder"))


def tuned_clip(folder):
    """A CLIP model with an adapter: a few steps on a few pictures, each by its number."""
    paths = [folder / f"{number}.png" for number in range(50)]
    for number, path in enumerate(paths):
        drawn(number, (64, 64)).save(path)
    (folder / "base").mkdir()
    base = made(folder / "base", *CLIPS["clip"])
    given, quick = tune_clip.PicturePairs([path.stem for path in paths], paths), tune_clip.Settings(epochs=1)
    tune_clip.tune_clip(str(base), given, quick).save(folder / "tuned-clip", {})
    return encoders.open_clip(str(folder / "tuned-clip"))


def made(folder, make, *how):
    """A folder of a small model as a hub has them, with random weights: what it says of a thing means nothing."""
    make(folder, *how)
    return folder


CLIPS = {
    "open_clip": (open_clip_model,),
    "clip": (transformers_clip, "clip"),
    "siglip": (transformers_clip, "siglip"),
    "chinese-clip": (transformers_clip, "chinese_clip"),
}


def of_clip(family, side):
    def opened(asked, folder):
        model = encoders.open_clip(str(made(folder, *CLIPS[family])))
        return Case(model.text, TEXTS, least=RANDOM) if side == "text" else pictured(model.image)

    return opened


def by(way, of):
    """Another way to run an encoder; bfloat16 rounds to 8 bits after each step."""

    def opened(asked, folder):
        encoder = fast.open_fast(asked(of), way, folder)
        return pictured(encoder) if of == "lite0" else Case(encoder, TEXTS, close=2e-3 if way == "bf16" else 2e-5)

    return opened


ENCODERS = {
    "multilingual": lambda asked, folder: Case(asked("multilingual"), TEXTS),
    "minilm": lambda asked, folder: Case(asked("minilm"), TEXTS),
    "minilm by passages": lambda asked, folder: Case(encoders.open_text("minilm", passages=True), TEXTS),
    "sentence-transformers": lambda asked, folder: Case(
        encoders.open_text(str(made(folder, bert))), TEXTS, least=RANDOM
    ),
    "weft-small text": lambda asked, folder: Case(asked("weft_small").text, TEXTS),
    "weft-small image": lambda asked, folder: pictured(asked("weft_small").image),
    "efficientnet-lite0": lambda asked, folder: pictured(asked("lite0")),
    "tuned": lambda asked, folder: pictured(tuned(folder)),
    **{f"{family} {side}": of_clip(family, side) for family in CLIPS for side in ("text", "image")},
    "tuned-clip text": lambda asked, folder: Case(tuned_clip(folder).text, TEXTS, least=RANDOM),
    "tuned-clip image": lambda asked, folder: pictured(tuned_clip(folder).image),
    **{f"minilm by {way}": by(way, "minilm") for way in ("onnx", "bf16", "int8")},
    "efficientnet-lite0 by onnx": by("onnx", "lite0"),
    "npz": lambda asked, folder: table(folder / "vectors.npz"),
    "parquet": lambda asked, folder: table(folder / "vectors.parquet"),
    "log-mel": lambda asked, folder: heard(LogMelEncoder()),
    "clap": lambda asked, folder: heard(audio_model.from_folder(made(folder, clap), "clap").audio, 48_000),
    "clap text": lambda asked, folder: Case(
        audio_model.from_folder(made(folder, clap), "clap").text, TEXTS, least=RANDOM
    ),
    "wav2vec2": lambda asked, folder: heard(audio_model.from_folder(made(folder, wav2vec2), "wav2vec2").audio),
    "frames": lambda asked, folder: filmed(encoders.open_clip(str(made(folder, open_clip_model))).image),
}
TEXT_ENCODERS = [
    "multilingual", "minilm", "sentence-transformers", "weft-small text", "clap text", "tuned-clip text",
    *(f"{family} text" for family in CLIPS), *(f"minilm by {way}" for way in ("passages", "onnx", "bf16", "int8")),
]  # fmt: skip


@pytest.fixture(scope="module", params=ENCODERS)
def case(request, tmp_path_factory):
    return ENCODERS[request.param](request.getfixturevalue, tmp_path_factory.mktemp("encoder"))


def test_shape_type_and_length(case):
    encoder, batch = case.encoder, case.batch
    rows = encoder.encode(batch)
    assert rows.shape == (len(batch), encoder.dim)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_nothing_in_nothing_out(case):
    encoder = case.encoder
    rows = encoder.encode([])
    assert rows.shape == (0, encoder.dim)
    assert rows.dtype == np.float32


def test_a_batch_is_its_things_one_by_one(case):
    encoder, batch = case.encoder, case.batch
    alone = np.concatenate([encoder.encode([thing]) for thing in batch])
    assert np.allclose(encoder.encode(batch), alone, atol=case.close)


def test_the_order_of_a_batch_is_kept(case):
    encoder, batch = case.encoder, case.batch
    assert np.allclose(encoder.encode(batch[::-1])[::-1], encoder.encode(batch), atol=2e-5)


def test_same_in_same_out(case):
    encoder, batch = case.encoder, case.batch
    rows = encoder.encode(batch)
    assert np.array_equal(rows, encoder.encode(batch))
    assert np.allclose(rows[0], rows[-1], atol=2e-5)


def test_different_in_different_out(case):
    encoder, batch = case.encoder, case.batch
    likeness = encoder.encode(batch[:5]) @ encoder.encode(batch[:5]).T
    assert (likeness[~np.eye(5, dtype=bool)] < 1 - case.least).all()


def test_the_store_takes_it(case, tmp_path):
    encoder, batch = case.encoder, case.batch
    store = encoders.EmbeddingStore(tmp_path)
    if case.files is None:
        first, second = store.texts(encoder, batch), store.texts(encoder, batch)
    else:
        paths = [tmp_path / str(number) for number in range(len(batch))]
        for path, data in zip(paths, case.files, strict=True):
            path.write_bytes(data)
        first, second = (store.files(encoder, paths, case.load, media.MAX_BYTES) for _ in range(2))
    assert (first.encoded, second.encoded) == (5, 0)
    assert np.array_equal(first.vectors, second.vectors)
    assert np.allclose(first.vectors, encoder.encode(batch), atol=case.close)


def test_it_has_a_name_and_its_fingerprint_is_its_own(case):
    encoder = case.encoder
    assert encoder.name and SEEN.setdefault(encoder.fingerprint, encoder.name) == encoder.name


SEEN = {}
"""Names by fingerprint: two models are never one."""


@pytest.fixture(scope="module", params=TEXT_ENCODERS)
def text_encoder(request, tmp_path_factory):
    return ENCODERS[request.param](request.getfixturevalue, tmp_path_factory.mktemp("encoder")).encoder


def test_blank_texts_are_rows_of_zeros(text_encoder):
    rows = text_encoder.encode(["", "shoe", " \t\n", "\u3000"])
    assert not rows[[0, 2, 3]].any()
    assert np.linalg.norm(rows[1]) == pytest.approx(1, abs=1e-5)


STRANGE = ["\ud800 half a pair", "\0", "\x07", "\u200b", "🙂" * 50, "x" * 5000, "é" * 3000]


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
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
    assert found == {
        "Encoder", "MultilingualEncoder", "BertEncoder", "TrunkEncoder", "Tower", "TunedEncoder", "TableEncoder",
        "AudioTower", "LogMelEncoder", "FramesEncoder", "FastEncoder",
    }  # fmt: skip
