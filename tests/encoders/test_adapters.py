"""Adapters of a text encoder: apart from the base, merged into it, several on one base, and learned."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
import torch

import encoders
from encoders import EncoderError
from encoders.adapters import CONFIG, KINDS, WEIGHTS, Tenants, adapted
from encoders.text import minilm_folder
from encoders.tune_text import Settings, TextPairs, halves, tune_text

TEXTS = ["white sneakers", "a bag of leather", "a longer text about shoes for the rain in spring", "", "white sneakers"]
SETTINGS = Settings(epochs=3, patience=3, batch=16, tokens=8, learning_rate=1e-2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A BERT of two thin layers with MiniLM's words, drawn at random."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        if (minilm_folder() / name).is_file():
            copy(minilm_folder() / name, folder / name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        BertModel(BertConfig(vocab_size=30522, **shape)).save_pretrained(folder)
    return str(folder)


def made(tiny, folder, seed):
    """An adapter with numbers drawn at random."""
    model = adapted(encoders.open_text(tiny).network.model, "lora")
    generator = torch.Generator().manual_seed(seed)
    for one in model.parameters():
        if one.requires_grad:
            one.data = 0.3 * torch.randn(one.shape, generator=generator)
    model.peft_config["default"].base_model_name_or_path = tiny
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def folders(tiny, tmp_path_factory):
    root = tmp_path_factory.mktemp("adapters")
    return {name: made(tiny, root / name, seed) for seed, name in enumerate(("shop", "films"))}


def test_two_adapters_of_one_base_give_their_own_vectors_as_merged_ones_do(tiny, folders):
    tenants, base = Tenants(folders), encoders.open_text(tiny).encode(TEXTS)
    apart = {name: tenants[name].encode(TEXTS) for name in folders}
    merged = {name: encoders.open_text(str(folder)) for name, folder in folders.items()}
    for name, encoder in merged.items():
        assert np.abs(encoder.encode(TEXTS) - apart[name]).max() < 1e-5
        assert np.array_equal(tenants[name].encode(TEXTS), apart[name])  # the other was asked in between
        assert np.abs(apart[name] - base).max() > 0.01
        assert not apart[name][3].any()
    assert np.abs(apart["shop"] - apart["films"]).max() > 0.01
    prints = {tenants[name].fingerprint for name in folders} | {encoder.fingerprint for encoder in merged.values()}
    assert len(prints) == 2


def test_an_export_is_a_folder_of_a_plain_encoder(folders, tmp_path):
    encoder = encoders.open_text(str(folders["shop"]))
    encoder.network.model.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    assert np.abs(encoders.open_text(str(tmp_path)).encode(TEXTS) - encoder.encode(TEXTS)).max() < 1e-5


def test_what_cannot_be_used_is_told(tiny, folders, tmp_path):
    with pytest.raises(EncoderError, match="kinds are"):
        adapted(encoders.open_text(tiny).network.model, "magic")
    config = json.loads((folders["shop"] / CONFIG).read_text())

    def folder(name, weights=True, **changes):
        place = tmp_path / name
        place.mkdir()
        (place / CONFIG).write_text(json.dumps(config | changes))
        if weights:
            copy(folders["shop"] / WEIGHTS, place / WEIGHTS)
        return place

    pickled = folder("pickled", weights=False)
    (pickled / "adapter_model.bin").write_bytes(b"not looked at")
    damaged = folder("damaged")
    (damaged / WEIGHTS).write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    for place, what in (
        (pickled, "pickles are not read"),
        (damaged, "no adapter of this base"),
        (folder("imports", auto_mapping={"base_model_class": "x", "parent_library": "os"}), "not that of an adapter"),
        (folder("prompt", peft_type="PROMPT_TUNING"), "cannot be merged"),
        (folder("nameless", base_model_name_or_path=None), "names no base"),
        (folder("other", base_model_name_or_path="minilm"), "no adapter of this base"),
    ):
        with pytest.raises(EncoderError, match=what):
            encoders.open_text(str(place))
    with pytest.raises(EncoderError, match="of one base"):
        Tenants({"shop": folders["shop"], "other": tmp_path / "other"})


def pairs(n=96, kinds=24):
    """Two texts that go together by words that the base does not join: those of the same place in two lists."""
    words = [word for word in (minilm_folder() / "vocab.txt").read_text().split() if word.isalpha() and len(word) > 4]
    texts = [f"{words[300 + row % kinds]} {words[900 + row]}" for row in range(n)]
    texts += [f"{words[600 + row % kinds]} {words[2000 + row]}" for row in range(n)]
    return TextPairs(texts, np.arange(n), np.arange(n, 2 * n))


def test_it_is_cut_and_goes_on_to_the_same_numbers(tiny, tmp_path):
    checkpoint = tmp_path / "tuning.safetensors"
    whole = tune_text(tiny, pairs(), SETTINGS)

    def cut(done, _total):
        if done == 6:  # in the second epoch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune_text(tiny, pairs(), SETTINGS, checkpoint, cut)
    assert checkpoint.is_file()
    seen = []
    again = tune_text(tiny, pairs(), SETTINGS, checkpoint, lambda done, _: seen.append(done))
    assert seen[0] == 5
    assert not checkpoint.exists()
    for name, tensor in whole.tower.state_dict().items():
        assert torch.equal(again.tower.state_dict()[name], tensor), name
    whole.save(tmp_path / "out", {"data": "made up"})
    told = json.loads((tmp_path / "out" / "weft-text.json").read_text())
    assert told["better than the base"] == whole.accepted
    assert told["learned numbers"] == 2 * 2 * 2 * 32 * 8
    assert {path.suffix for path in (tmp_path / "out").iterdir()} <= {".safetensors", ".json", ".md"}
    assert encoders.open_text(str(tmp_path / "out")).encode(TEXTS).shape == (5, 32)


CURVE = "valid recall@10 of the base, and by epoch"


def test_what_rises_on_pairs_kept_aside_is_accepted(tiny, tmp_path):
    settings = replace(SETTINGS, epochs=5, learning_rate=3e-2, valid_share=0.25)
    tuned = tune_text(tiny, pairs(192, kinds=4), settings)
    assert tuned.accepted
    assert max(tuned.figures[CURVE]) > tuned.figures[CURVE][0] + 0.2
    tuned.save(tmp_path, {})
    assert json.loads((tmp_path / "weft-text.json").read_text())["better than the base"] is True
    assert np.abs(encoders.open_text(str(tmp_path)).encode(TEXTS) - encoders.open_text(tiny).encode(TEXTS)).max() > 0.01


def test_what_does_not_rise_there_is_not_and_the_base_stays(tiny, tmp_path):
    """The base knows these pairs already: their words are the same."""
    words = pairs(60).texts[:60]
    same = TextPairs([*words, *(" ".join(reversed(text.split())) for text in words)], np.arange(60), np.arange(60, 120))
    tuned = tune_text(tiny, same, replace(SETTINGS, learning_rate=3e-2))
    assert not tuned.accepted
    assert tuned.figures[CURVE][0] == 1
    assert tuned.figures["pairs"] == {"train": 40, "valid": 20}
    tuned.save(tmp_path, {})
    assert json.loads((tmp_path / "weft-text.json").read_text())["better than the base"] is False
    assert np.abs(encoders.open_text(str(tmp_path)).encode(TEXTS) - encoders.open_text(tiny).encode(TEXTS)).max() < 1e-5


def test_a_prefix_is_compared_with_the_base_and_not_with_how_it_begins(tiny):
    settings = replace(SETTINGS, epochs=1, valid_share=0.25)
    both = [tune_text(tiny, pairs(192, kinds=4), replace(settings, kind=kind)) for kind in ("lora", "prefix")]
    assert len({one.figures[CURVE][0] for one in both}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_runs_and_moves_no_base(tiny, kind):
    settings = Settings(kind=kind, epochs=1, batch=16, tokens=8, learning_rate=1e-2, valid_share=0.2)
    before = {name: tensor.clone() for name, tensor in encoders.open_text(tiny).network.model.state_dict().items()}
    given = pairs(64)
    tuned = tune_text(tiny, TextPairs(given.texts, given.left, given.right, np.roll(given.right, 1)), settings)
    after = {
        name.replace(".base_layer", ""): tensor for name, tensor in tuned.tower.get_base_model().state_dict().items()
    }
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert 0 < tuned.figures["learned numbers"] < 10_000
    assert len(tuned.figures[CURVE]) == 2


def test_halves_of_a_text_share_no_place():
    texts = ["one two three four five six seven", "too short", "a b c d e f"]
    made_of = halves(texts)
    assert len(made_of.left) == 2
    for left, right, text in zip(made_of.left, made_of.right, (texts[0], texts[2]), strict=True):
        assert sorted((made_of.texts[left] + " " + made_of.texts[right]).split()) == sorted(text.split())


def test_too_little_to_learn_from(tiny):
    with pytest.raises(EncoderError, match="50"):
        tune_text(tiny, TextPairs(["a", "b"], np.array([0]), np.array([1])))
    with pytest.raises(EncoderError, match="BERT family"):
        tune_text("multilingual", pairs(64))
    assert Path(tiny).is_dir()
