"""The heads alone give what the whole open_clip model gives, and are refused when they are not what they should be."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import encoders
from encoders import EncoderError
from encoders.heads import DIM, FOLDER, IMAGE_HEAD, MULTILINGUAL_HEAD
from encoders.image import pixels
from encoders.weights import file_hash
from engine.demo.kinds import KINDS
from engine.demo.pictures import draw
from tests.encoders.samples import drawn

TEXTS = ["white sneakers", "a", "A red dress with dots, long enough to be padded beside the others", "白色运动鞋"]
PICTURES = [drawn(0), drawn(1, (300, 100)), drawn(2, (30, 30))]


@pytest.fixture(scope="module")
def heads(cache):
    return encoders.weft_small_heads()


def test_text_is_that_of_the_open_clip_model(heads, weft_small, minilm):
    with torch.inference_mode():
        direct = weft_small.model.encode_text(weft_small.tokenize(TEXTS), normalize=True).numpy()
    assert np.allclose(heads.text(minilm.encode(TEXTS)), direct, atol=1e-5)
    assert np.allclose(weft_small.text.encode(TEXTS), direct, atol=1e-5)


def test_image_is_that_of_the_open_clip_model(heads, weft_small, lite0):
    with torch.inference_mode():
        direct = weft_small.model.encode_image(pixels(PICTURES), normalize=True).numpy()
    assert np.allclose(heads.image(lite0.encode(PICTURES)), direct, atol=1e-5)
    assert np.allclose(weft_small.image.encode(PICTURES), direct, atol=1e-5)


@pytest.mark.parametrize(("side", "dim"), [("text", 384), ("multilingual", 512), ("image", 1280)])
def test_rows(heads, side, dim):
    run = getattr(heads, side)
    rows = run(np.eye(3, dim, dtype=np.float32))
    assert (rows.shape, rows.dtype) == ((3, DIM), np.float32)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert not run(np.zeros((2, dim), np.float32)).any()
    assert run(np.zeros((0, dim), np.float32)).shape == (0, DIM)
    for wrong in (np.zeros((2, dim + 1), np.float32), np.zeros(dim, np.float32)):
        with pytest.raises(EncoderError, match=r"heads take \(n, 384\) of `minilm`.*\(n, 512\).*\(n, 1280\)"):
            run(wrong)


@pytest.fixture
def mine(tmp_path):
    """A folder with heads of one's own, equal to those that come along."""
    for name in ("weft-small.safetensors", "weft-small.json"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def signed(folder, tensors):
    """Other tensors, with a .json that vouches for them."""
    save_file(tensors, folder / "weft-small.safetensors")
    about = {"sha256": file_hash(folder / "weft-small.safetensors")}
    (folder / "weft-small.json").write_text(json.dumps(about))


def test_heads_of_ones_own(heads, mine):
    assert encoders.weft_small_heads(mine).fingerprint == heads.fingerprint
    tensors = load_file(mine / "weft-small.safetensors")
    signed(mine, tensors | {IMAGE_HEAD: -tensors[IMAGE_HEAD]})
    other = encoders.weft_small_heads(mine)
    rows = np.eye(2, 1280, dtype=np.float32)
    assert other.fingerprint != heads.fingerprint
    assert np.array_equal(other.image(rows), -heads.image(rows))


def test_damaged_heads_are_refused(mine):
    with (mine / "weft-small.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x55")
    with pytest.raises(EncoderError, match="has SHA-256"):
        encoders.weft_small_heads(mine)
    with pytest.raises(EncoderError, match="has SHA-256"):
        encoders.open_clip(str(mine))
    for broken in ("[]", "{", "{}"):
        (mine / "weft-small.json").write_text(broken)
        with pytest.raises(EncoderError, match="train them, or reinstall"):
            encoders.weft_small_heads(mine)


def test_files_that_hold_something_else(mine):
    signed(mine, {"x": torch.zeros(3)})
    with pytest.raises(EncoderError, match="does not hold the heads"):
        encoders.weft_small_heads(mine)
    (mine / "weft-small.safetensors").write_bytes(b"not tensors")
    (mine / "weft-small.json").write_text(json.dumps({"sha256": file_hash(mine / "weft-small.safetensors")}))
    with pytest.raises(EncoderError, match="no safetensors file"):
        encoders.weft_small_heads(mine)


def test_no_heads_at_all(tmp_path):
    with pytest.raises(EncoderError, match="train them, or reinstall"):
        encoders.weft_small_heads(tmp_path)


def test_words_find_drawings(heads, minilm, lite0):
    """Eight kinds of products in two colours, drawn anew: most texts find their own picture first."""
    rng = np.random.default_rng(99)
    kinds = list({kind.shape: kind for kind in KINDS}.values())[:8]
    pairs = [(kind, colour) for kind in kinds for colour in ("red", "black")]
    shown = heads.image(lite0.encode([draw(kind.shape, colour, "plain", rng) for kind, colour in pairs]))
    said = heads.text(minilm.encode([f"{colour} {kind.nouns[0]}" for kind, colour in pairs]))
    first = (said @ shown.T).argmax(axis=1)
    assert (first == np.arange(len(pairs))).mean() >= 0.75


def test_chinese_words_find_drawings(heads, multilingual, lite0):
    rng = np.random.default_rng(99)
    kinds = list({kind.shape: kind for kind in KINDS}.values())[:8]
    pairs = [(kind, colour) for kind in kinds for colour in ("red", "black")]
    shown = heads.image(lite0.encode([draw(kind.shape, colour, "plain", rng) for kind, colour in pairs]))
    chinese = {"red": "红色", "black": "黑色"}
    said = heads.multilingual(multilingual.encode([f"{chinese[colour]}{kind.nouns_zh[0]}" for kind, colour in pairs]))
    first = (said @ shown.T).argmax(axis=1)
    assert (first == np.arange(len(pairs))).mean() >= 0.3  # by chance .06


def test_heads_without_many_languages_can_be_opened(heads, mine):
    tensors = load_file(mine / "weft-small.safetensors")
    assert heads.reads_many_languages
    signed(mine, {name: tensor for name, tensor in tensors.items() if name != MULTILINGUAL_HEAD})
    older = encoders.weft_small_heads(mine)
    assert not older.reads_many_languages
    assert np.array_equal(older.image(np.eye(2, 1280)), heads.image(np.eye(2, 1280)))
    assert encoders.open_clip(str(mine)).dim == DIM


def test_what_is_told_of_them():
    """The figures that come along stand beside chance and untrained heads."""
    about = json.loads((FOLDER / "weft-small.json").read_text())
    assert about["recall@10"] > 0.9 > 0.1 > about["recall@10 untrained"]
    titles = about["engine.demo.shop, seed 0, 2000 products"]["title"]
    assert titles["recall@10 at most"] > titles["recall@10"] > 0.5 > 0.1 > titles["recall@10 by chance"]
