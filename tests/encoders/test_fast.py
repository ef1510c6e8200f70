"""The fast ways: chosen by what was measured, kept, and never trusted with files that changed."""

import json

import numpy as np
import pytest

from encoders import fast
from encoders.exported import file
from tests.encoders.samples import drawn

TEXTS = [f"{colour} {kind} for {whom}" for colour in ("white", "black", "red") for kind in ("shoes", "bags", "jackets")
         for whom in ("women", "men", "children")]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fast")


def test_vectors_are_those_of_the_plain_encoder(minilm, lite0, weft_small, folder):
    for plain, things in ((minilm, TEXTS), (lite0, [drawn(1), drawn(2)]), (weft_small.text, TEXTS[:3])):
        for way in ("onnx", "openvino"):
            quick = fast.open_fast(plain, way, folder)
            assert quick.fingerprint == plain.fingerprint
            assert np.allclose(quick.encode(things), plain.encode(things), atol=5e-5)


def test_other_vectors_have_another_fingerprint(minilm, folder):
    exact = minilm.encode(TEXTS)
    for way, least in (("bf16", 0.999), ("openvino-bf16", 0.999), ("int8", 0.9)):
        encoder = fast.open_fast(minilm, way, folder)
        made = encoder.encode(TEXTS)
        assert encoder.fingerprint != minilm.fingerprint
        assert (exact * made).sum(1).min() > least
        assert not np.array_equal(made, exact)


def test_a_choice_is_kept(minilm, tmp_path, monkeypatch):
    monkeypatch.setattr(fast, "WORTH", 0)  # the busiest machine finds a way here
    asked = []

    def sample(number):
        asked.append(number)
        return TEXTS

    chosen, choice = fast.faster(minilm, tmp_path, sample)
    assert choice.way != "plain" and choice.way in str(choice)
    found = next(trial for trial in choice.trials if (trial.way, trial.threads) == (choice.way, choice.threads))
    assert found.agreement >= 0.99
    assert {trial.way for trial in choice.trials} == {"onnx", "bf16", "openvino", "openvino-bf16", "int8"}
    again, same = fast.faster(minilm, tmp_path, sample)
    assert (len(asked), same, again.fingerprint) == (1, choice, chosen.fingerprint)
    assert {path.name.split(".")[1] for path in tmp_path.glob("*.onnx")} <= {fast.FILES.get(choice.way)}
    fast.faster(minilm, tmp_path, sample, least=0.995)
    assert len(asked) == 2, "another agreement asks for another trial"


def test_what_does_not_agree_is_not_taken(minilm, tmp_path, monkeypatch):
    monkeypatch.setattr(fast, "WORTH", 0)
    plain, choice = fast.faster(minilm, tmp_path, lambda number: TEXTS, least=1.01)
    assert plain is minilm and choice.way == "plain"
    assert json.loads(next(tmp_path.glob("*.json")).read_text())["way"] == "plain"


def test_few_things_and_what_is_no_network_are_encoded_plainly(minilm, multilingual, tmp_path):
    assert fast.faster(minilm, tmp_path, lambda number: TEXTS[:5])[0] is minilm
    assert not list(tmp_path.glob("*.onnx"))
    (tmp_path / next(tmp_path.glob("*.json"))).unlink()
    assert fast.faster(multilingual, tmp_path, lambda number: TEXTS) == (multilingual, None)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_made_again(lite0, tmp_path):
    path = file(lite0, "onnx", tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100] + bytes(100))
    encoder = fast.open_fast(lite0, "onnx", tmp_path)
    assert np.isfinite(encoder.encode([drawn(1)])).all()
    assert [one.read_bytes() == whole for one in tmp_path.iterdir()] == [True]


def test_agreement():
    exact = np.eye(4, dtype=np.float32) + 0.1 * np.arange(16).reshape(4, 4).astype(np.float32)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    assert fast.agreement(exact, exact, 2) == 1
    assert fast.agreement(exact, exact[::-1].copy(), 1) < 1


def test_a_build_takes_the_way_that_was_chosen(tmp_path, monkeypatch):
    import polars as pl

    import encoders
    from engine.config import Config
    from engine.describe import encode

    items = pl.DataFrame({"text": [*TEXTS, ""], "image": [None] * 28}, schema={"text": pl.String, "image": pl.String})
    settings = Config.model_validate({"encoders": {"text": "minilm", "image": "", "cache": tmp_path / "embeddings"}})
    plain = encode(items, settings)["text"]
    monkeypatch.setattr(encoders, "FEW", 5)
    monkeypatch.setattr(fast, "WORTH", 0)
    quick = encode(items, settings)["text"]
    assert plain.how == "" and "agreement" in quick.how
    assert (plain.vectors * quick.vectors).sum(1)[:-1].min() > 0.98
    assert not quick.present[-1]
    off = settings.model_copy(update={"encoders": settings.encoders.model_copy(update={"fast": False})})
    assert np.array_equal(encode(items, off)["text"].vectors, plain.vectors)
