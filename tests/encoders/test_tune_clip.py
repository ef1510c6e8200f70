"""Adapters of CLIP models: learned from pictures with words, apart from the base, merged, exported, several on one."""

import json
from dataclasses import replace
from shutil import copytree

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import encoders
from encoders import EncoderError, course, pictures
from encoders.adapters import CONFIG, WEIGHTS
from encoders.clip_adapters import FACTS, TARGETS, ClipTenants, export, inner
from encoders.tune_clip import ClipCourse, PicturePairs, Settings, tune_clip
from tests.encoders.tiny import open_clip_model, transformers_clip

COLOURS = {
    "red": (220, 30, 30), "green": (30, 180, 40), "blue": (30, 60, 220), "yellow": (230, 220, 40),
    "black": (15, 15, 15), "white": (245, 245, 245), "pink": (250, 150, 190), "brown": (110, 65, 25),
}  # fmt: skip
NAMES = list(COLOURS)
FAMILIES = ("open_clip", "clip", "siglip", "chinese_clip")
SETTINGS = Settings(epochs=10, patience=10, batch=16, learning_rate=1e-2, valid_share=0.4, views=False)
QUICK = replace(SETTINGS, epochs=2)
CURVE = "valid recall@10 of the base, and by epoch"


def base(family, folder):
    folder.mkdir()
    if family == "open_clip":
        open_clip_model(folder)
    else:
        transformers_clip(folder, family)
        tensors = load_file(folder / "model.safetensors")
        for name, one in tensors.items():
            if family == "chinese_clip" and name.startswith("text_model") and one.ndim > 1:
                tensors[name] = 8 * one  # as transformers draws it, so thin a BERT tells next to nothing apart
        if family == "siglip":  # as its paper begins
            tensors |= {"logit_scale": torch.tensor([np.log(10.0)]).float(), "logit_bias": torch.tensor([-10.0])}
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return str(folder)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    root = tmp_path_factory.mktemp("bases")
    return {family: base(family, root / family) for family in FAMILIES}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """120 pictures, one colour each with some noise, and its name."""
    folder, rng, paths = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0), []
    for row in range(120):
        colour = np.array(COLOURS[NAMES[row % len(NAMES)]])
        paths.append(folder / f"{row:03d}.png")
        noisy = np.clip(colour + rng.normal(0, 12, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(paths[-1])
    return PicturePairs([NAMES[row % len(NAMES)] for row in range(120)], paths)


@pytest.fixture(scope="module")
def tuned(bases, shown, tmp_path_factory):
    """An adapter of one epoch or two for use where it does not matter how well it learned."""
    folders = {}
    for name, seed in (("shop", 0), ("films", 1)):
        folders[name] = tmp_path_factory.mktemp("adapters") / name
        tune_clip(bases["clip"], shown, replace(QUICK, seed=seed)).save(folders[name], {})
    return folders


def seen(shown, n=8):
    return [pictures.load(path) for path in shown.paths[:n]]


@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_what_colours_are_called_and_is_opened_merged(bases, shown, family, tmp_path):
    before = {name: tensor.clone() for name, tensor in encoders.open_clip(bases[family]).model.state_dict().items()}
    made = tune_clip(bases[family], shown, SETTINGS)
    curve = made.figures[CURVE]
    assert made.accepted and max(curve) > curve[0] + 0.4
    made.save(tmp_path / "tuned-clip", {"data": "made up"})
    assert {path.name for path in (tmp_path / "tuned-clip").iterdir()} == {CONFIG, WEIGHTS, FACTS, "README.md"}
    apart = made.model.get_base_model()
    after = {name.replace(".base_layer", ""): tensor for name, tensor in apart.state_dict().items()}
    prefix = "" if family == "open_clip" else "model."
    assert all(torch.equal(after[name.removeprefix(prefix)], tensor) for name, tensor in before.items())
    opened, plain = encoders.open_clip(str(tmp_path / "tuned-clip")), encoders.open_clip(bases[family])
    assert not [name for name, _ in opened.model.named_modules() if "lora" in name]  # costs nothing
    look = encoders.open_image(str(tmp_path / "tuned-clip"))
    rows, words = look.encode(seen(shown)), opened.text.encode(NAMES)
    assert np.abs(rows - plain.image.encode(seen(shown))).max() > 1e-2
    assert np.abs(words - plain.text.encode(NAMES)).max() > 1e-2
    with torch.no_grad():  # what was measured, unmerged, is what is opened
        pixels = opened.pixels(seen(shown))
        found = apart.encode_image(pixels) if family == "open_clip" else apart.get_image_features(pixels).pooler_output
    assert np.abs(torch.nn.functional.normalize(found, dim=1).numpy() - rows).max() < 1e-4
    assert look.fingerprint not in (plain.image.fingerprint, opened.text.fingerprint)
    assert look.fingerprint.startswith(plain.fingerprint)


def test_adalora_moves_no_base_and_saves_the_best_epoch_whatever_ranks_a_later_one_chose(bases, shown, tmp_path):
    made = tune_clip(bases["open_clip"], shown, replace(QUICK, kind="adalora"))
    apart = made.model.get_base_model()
    kept = {name.replace(".base_layer", ""): tensor for name, tensor in apart.state_dict().items()}
    for name, tensor in encoders.open_clip(bases["open_clip"]).model.state_dict().items():
        assert torch.equal(kept[name], tensor)
    with torch.no_grad():
        for name, one in made.model.named_parameters():
            if "lora_E" in name:
                assert not one.all()  # the end chose
                one.fill_(0.5)  # as before it did
    made.save(tmp_path / "ada", {})
    opened = encoders.open_clip(str(tmp_path / "ada"))
    with torch.no_grad():
        found = torch.nn.functional.normalize(apart.encode_text(opened.tokenize(NAMES)), dim=1).numpy()
    assert np.abs(opened.text.encode(NAMES) - found).max() < 1e-5


@pytest.mark.parametrize("family", ["clip", "open_clip"])
def test_it_is_cut_and_goes_on_to_the_same_numbers(bases, shown, family, tmp_path):
    checkpoint, settings = tmp_path / "tuning.safetensors", replace(QUICK, epochs=3, views=True)
    whole = tune_clip(bases[family], shown, settings)

    def cut(done, _total):
        if done == 6:  # in the second epoch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune_clip(bases[family], shown, settings, checkpoint, cut)
    steps = []
    again = tune_clip(bases[family], shown, settings, checkpoint, lambda done, _: steps.append(done))
    assert steps[0] == 5 and not checkpoint.exists()
    assert again.figures[CURVE] == whole.figures[CURVE]
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor), name


def test_what_does_not_hold_aside_is_refused_and_the_base_stays(bases, shown, tmp_path):
    """Those to learn from call each colour by another one's name, those kept aside by its own."""
    aside = course.aside(np.arange(120), SETTINGS.valid_share, SETTINGS.seed)
    wrong = [NAMES[(row + (0 if aside[row] else 3)) % len(NAMES)] for row in range(120)]
    good = tune_clip(bases["clip"], shown, SETTINGS)
    good.save(tmp_path / "good", {})
    export(tmp_path / "good", tmp_path / "base")
    made = tune_clip(str(tmp_path / "base"), PicturePairs(wrong, shown.paths), QUICK)
    assert not made.accepted
    assert min(made.figures[CURVE]) < made.figures[CURVE][0] == max(made.figures[CURVE])
    made.save(tmp_path / "refused", {})
    assert json.loads((tmp_path / "refused" / FACTS).read_text())["better than the base"] is False
    opened, plain = encoders.open_clip(str(tmp_path / "refused")), encoders.open_clip(str(tmp_path / "base"))
    assert np.abs(opened.image.encode(seen(shown)) - plain.image.encode(seen(shown))).max() < 1e-6


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_the_loss_is_that_of_the_base_and_what_belongs_together_is_not_wrong(bases, shown, family):
    clip = encoders.open_clip(bases[family])
    paths, rows = [str(path) for path in shown.paths[:4]], np.array([0, 1, 2, 3])
    said = np.array([0, 1, 0, 2])  # two pictures of red
    taken = ClipCourse(clip, clip.model, (paths, rows), (["red", "green", "blue"], said), SETTINGS, 1)
    taken.known = np.unique(np.append(taken.known, 0 * 3 + 2))  # the first one is called blue, too
    looks = clip.image.encode(seen(shown, 4)).astype(np.float64)
    logits = taken.scale * looks @ clip.text.encode(["red", "green", "red", "blue"]).astype(np.float64).T
    right = np.eye(4, dtype=bool)
    right[[0, 2, 0], [2, 0, 3]] = True
    if family == "siglip":
        expected = np.log1p(np.exp(-np.where(right, 1, -1) * (logits + taken.bias))).sum() / 4
    else:
        logits = np.where(right & ~np.eye(4, dtype=bool), -np.inf, logits)
        both = [np.log(np.exp(some).sum(axis=1)) - np.diag(some) for some in (logits, logits.T)]
        expected = np.mean(both)
    assert float(taken.loss(rows).detach()) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_export_knows_nothing_of_adapters(bases, shown, family, tmp_path):
    tune_clip(bases[family], shown, replace(QUICK, epochs=1)).save(tmp_path / "apart", {})
    export(tmp_path / "apart", tmp_path / "whole")
    assert not {CONFIG, WEIGHTS, FACTS} & {path.name for path in (tmp_path / "whole").iterdir()}
    whole, opened = (encoders.open_clip(str(tmp_path / name)) for name in ("whole", "apart"))
    assert np.abs(whole.text.encode(NAMES) - opened.text.encode(NAMES)).max() < 1e-5
    assert np.abs(whole.image.encode(seen(shown)) - opened.image.encode(seen(shown))).max() < 1e-5
    with pytest.raises(EncoderError, match="not empty"):
        export(tmp_path / "apart", tmp_path / "whole")


def test_two_adapters_on_one_base(bases, shown, tuned):
    tenants = ClipTenants(tuned)
    for name in (*tuned, *tuned):  # the other was asked in between
        alone = encoders.open_clip(str(tuned[name]))
        assert np.abs(tenants[name].text.encode(NAMES) - alone.text.encode(NAMES)).max() < 1e-5
        assert np.abs(tenants[name].image.encode(seen(shown)) - alone.image.encode(seen(shown))).max() < 1e-5
        assert tenants[name].image.fingerprint == alone.image.fingerprint
    assert np.abs(tenants["shop"].text.encode(NAMES) - tenants["films"].text.encode(NAMES)).max() > 1e-3


def test_what_cannot_be_opened_is_told(bases, tuned, tmp_path):
    def changed(name, **changes):
        place = copytree(tuned["shop"], tmp_path / name)
        (place / CONFIG).write_text(json.dumps(json.loads((place / CONFIG).read_text()) | changes))
        return place

    (changed("damaged") / WEIGHTS).write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    (changed("pickled") / WEIGHTS).rename(tmp_path / "pickled" / "adapter_model.bin")
    (changed("foreign") / FACTS).unlink()
    (changed("garbled") / FACTS).write_text("[")
    tensors = load_file(changed("missing") / WEIGHTS)
    save_file(dict(list(tensors.items())[1:]), tmp_path / "missing" / WEIGHTS)
    changed("other", base_model_name_or_path=bases["siglip"])
    changed("itself", base_model_name_or_path=str(tmp_path / "itself"))
    changed("gone", base_model_name_or_path=str(tmp_path / "nowhere"))
    changed("imports", auto_mapping={"base_model_class": "x", "parent_library": "os"})
    for name, what in {
        "damaged": "no adapter of this base", "missing": "no adapter of this base", "pickled": "pickles are not read",
        "foreign": "no adapter of a CLIP model", "garbled": "no adapter of a CLIP model", "other": "another base",
        "itself": "is an adapter", "gone": "no encoder", "imports": "not that of an adapter",
    }.items():  # fmt: skip
        for opens in (encoders.open_image, encoders.open_clip):
            with pytest.raises(EncoderError, match=what):
                opens(str(tmp_path / name))
    with pytest.raises(EncoderError, match="of one base"):
        ClipTenants({"shop": tuned["shop"], "other": tmp_path / "other"})


def test_what_cannot_be_tuned_is_told(bases, shown, tuned, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(shown.paths[0].read_bytes()[:60])
    some = PicturePairs([*shown.texts[:60], "red", " "], [*shown.paths[:60], broken, shown.paths[60]])
    made = tune_clip(bases["clip"], some, replace(QUICK, epochs=1))
    assert sum(made.figures["pairs"].values()) == 60 and "broken.png" in made.figures["rejects"][0]
    for spec, given, settings, what in (
        (bases["clip"], PicturePairs(some.texts[-15:], some.paths[-15:]), QUICK, "needs 50"),
        (bases["clip"], shown, replace(QUICK, kind="prompt"), "lora and adalora"),
        (str(tuned["shop"]), shown, QUICK, "is an adapter"),
    ):
        with pytest.raises(EncoderError, match=what):
            tune_clip(spec, given, settings)


def test_weft_small_learns_in_both_trunks_and_its_statistics_stay(weft_small, shown, tmp_path):
    settings = Settings(epochs=1, batch=16, valid_share=0.6)
    made = tune_clip("weft-small", PicturePairs(shown.texts[:52], shown.paths[:52]), settings)
    learned = [name for name, one in made.model.named_parameters() if one.requires_grad]
    assert {name.split(".")[2] for name in learned} == {"visual", "text"}
    kept = {name.replace(".base_layer", ""): one for name, one in made.model.get_base_model().state_dict().items()}
    assert all(torch.equal(kept[name], one) for name, one in inner(weft_small).state_dict().items())
    made.save(tmp_path / "small", {})
    assert encoders.open_image(str(tmp_path / "small")).encode(seen(shown)).shape == (8, 256)
    with pytest.raises(EncoderError, match="keep the adapter"):
        export(tmp_path / "small", tmp_path / "out")


def test_attention_pooling_of_open_clip_is_left_alone():
    """Its maps are read as tensors, past what peft puts around them."""
    import re

    assert not re.fullmatch(TARGETS, "visual.attnpool.q_proj")
    assert re.fullmatch(TARGETS, "transformer.resblocks.0.mlp.c_proj")
