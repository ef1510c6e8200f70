"""Tuning of the image encoder on labelled pictures: it learns, repeats, can be cut, and what it wrote can be opened."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import encoders
from encoders import EncoderError, lite
from encoders.image import lite0_trunk
from encoders.tune_images import Labelled, Settings, tune_images
from encoders.views import View
from tests.encoders.samples import drawn

QUICK = Settings(epochs=3, views=1, side=64, window=4, batch=8)
ROOT = Path(__file__).resolve().parents[2]


def shape(label, seed):
    """A grey picture with noise: what is drawn, not its colour, tells the label."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(90, 160, (64, 64), np.uint8)).convert("RGB")
    draw, (x, y) = ImageDraw.Draw(picture), rng.integers(4, 20, 2).tolist()
    if label == "stripes":
        for at in range(0, 64, 8):
            draw.line((0, at + x % 8, 64, at + x % 8), "white", 3)
    elif label == "disc":
        draw.ellipse((x, y, x + 36, y + 36), "white")
    else:
        draw.rectangle((x, y, x + 36, y + 36), outline="black", width=4)
    return picture


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """24 pictures to learn from and 24 others to measure on."""
    folder = tmp_path_factory.mktemp("shapes")
    parts = []
    for part in range(2):
        paths, labels = [], []
        for at in range(24):
            labels.append(("disc", "frame", "stripes")[at % 3])
            paths.append(folder / f"{part}-{at}.png")
            shape(labels[-1], 100 * part + at).save(paths[-1])
        parts.append(Labelled(paths, labels))
    return parts


@pytest.fixture(scope="module")
def tuned(given):
    return tune_images(given[0], QUICK, given[1])


def nearest(encoder, given):
    """The label of each picture, by the encoder's own centres."""
    found = encoder.encode([Image.open(path) for path in given.paths]) @ encoder.centres.T
    return [encoder.labels[at] for at in found.argmax(axis=1)]


def test_it_learns_to_tell_them_apart(tuned, given, tmp_path):
    assert tuned.figures["valid top-1 by epoch"][-1] > 0.9
    tuned.save(tmp_path, {"data": "shapes"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["weft-images.json", "weft-images.safetensors"]
    about = json.loads((tmp_path / "weft-images.json").read_text())
    assert about["data"] == "shapes"
    assert about["pictures"] == 24
    opened = encoders.open_image(str(tmp_path))
    assert opened.labels == ["disc", "frame", "stripes"]
    right = [a == b for a, b in zip(nearest(opened, given[1]), given[1].labels, strict=True)]
    assert np.mean(right) > 0.9


def test_labels_that_say_nothing_are_not_learned(given):
    mixed = Labelled(given[0].paths, list(np.random.default_rng(0).permutation(given[0].labels)))
    assert tune_images(mixed, QUICK, given[1]).figures["valid top-1 by epoch"][-1] < 0.7


def test_the_same_seed_gives_the_same_encoder(tuned, given):
    again = tune_images(given[0], QUICK, given[1])
    other = tune_images(given[0], Settings(**(vars(QUICK) | {"seed": 1})))
    ours, same, others = (one.network.state_dict() for one in (tuned, again, other))
    assert all(torch.equal(ours[name], same[name]) for name in ours)
    assert again.figures == tuned.figures
    assert not torch.equal(ours["centres"], others["centres"])
    assert other.figures["valid top-1 by epoch"] == [None] * QUICK.epochs


class Cut(Exception):
    pass


def test_a_training_that_was_cut_goes_on_to_the_same_bits(tuned, given, tmp_path):
    path = tmp_path / "training.safetensors"

    def kill(stage, done, total):
        if stage == "steps" and done == 2 * total // 3 + 1:  # in the third epoch
            raise Cut

    with pytest.raises(Cut):
        tune_images(given[0], QUICK, given[1], path, kill)
    assert path.is_file()
    steps = []
    done = tune_images(
        given[0], QUICK, given[1], path, lambda stage, at, _: steps.append(at) if stage == "steps" else 0
    )
    assert len(steps) == 3  # one epoch
    ours, theirs = tuned.network.state_dict(), done.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert done.figures == tuned.figures
    assert not path.exists()


def test_a_checkpoint_of_another_training_is_not_gone_on_with(given, tmp_path):
    path, steps = tmp_path / "training.safetensors", []

    def kill(stage, done, total):
        if stage == "steps" and done > total // 2:
            raise Cut

    def count(stage, at, _):
        steps.extend([at] if stage == "steps" else [])

    with pytest.raises(Cut):
        tune_images(given[0], QUICK, None, path, kill)
    tune_images(given[0], Settings(**(vars(QUICK) | {"epochs": 1, "seed": 3})), None, path, count)
    assert len(steps) == 3
    path.write_bytes(b"cut in two")
    tune_images(given[0], Settings(**(vars(QUICK) | {"epochs": 1})), None, path)


def test_mixed_pictures_are_learned_from(given):
    settings = Settings(**(vars(QUICK) | {"mixed": 0.3, "epochs": 4}))
    assert tune_images(given[0], settings, given[1]).figures["valid top-1 by epoch"][-1] > 0.8


def test_lora_learns_beside_the_late_half_and_goes_into_it(given, tmp_path):
    tuned = tune_images(given[0], Settings(**(vars(QUICK) | {"rank": 4, "learning_rate": 5e-3})), given[1])
    assert tuned.figures["valid top-1 by epoch"][-1] > 0.9
    base, moved = lite.halves()[1].state_dict(), tuned.network.late.state_dict()
    assert base.keys() == moved.keys()
    changed = {name for name in base if not torch.equal(base[name], moved[name])}
    assert changed == {name for name in base if re.fullmatch(rf"({lite.POINTWISE})\.weight", name)}
    rises = [torch.linalg.matrix_rank((moved[name] - base[name]).flatten(1), rtol=1e-4) for name in changed]
    assert max(rises) <= 4
    tuned.save(tmp_path, {})
    assert (
        np.mean(
            [
                a == b
                for a, b in zip(nearest(encoders.open_image(str(tmp_path)), given[1]), given[1].labels, strict=True)
            ]
        )
        > 0.9
    )


def test_what_cannot_be_read_is_left_out_and_told(given, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    paths = [*given[0].paths, tmp_path / "text.png", tmp_path / "nowhere.png"]
    more = Labelled(paths, [*given[0].labels, "disc", "disc"])
    figures = tune_images(more, Settings(**(vars(QUICK) | {"epochs": 1}))).figures
    assert figures["pictures"] == 24
    assert [line.rpartition(": ")[2] for line in figures["rejects"]] == ["not a picture", "missing"]


def test_mistakes_are_told(given):
    with pytest.raises(EncoderError, match="1 labels"):
        tune_images(Labelled(given[0].paths, ["one"] * 24), QUICK)
    with pytest.raises(EncoderError, match="0 labels"):
        tune_images(Labelled([], []), QUICK)
    with pytest.raises(EncoderError, match="at least 1 pictures"):
        tune_images(Labelled(given[0].paths[:4], ["a", "a", "a", "b"]), QUICK)
    for wrong in ({"side": 100}, {"window": 9}, {"epochs": 0}, {"batch": 1}):
        with pytest.raises(EncoderError, match=r"multiple of 32|at least"):
            tune_images(given[0], Settings(**(vars(QUICK) | wrong)))


def test_a_damaged_folder_is_told(tuned, tmp_path):
    tuned.save(tmp_path, {})
    weights, about = tmp_path / "weft-images.safetensors", tmp_path / "weft-images.json"
    facts = json.loads(about.read_text())
    about.write_text(json.dumps(facts | {"sha256": "0" * 64}))
    with pytest.raises(EncoderError, match="has SHA-256"):
        encoders.open_image(str(tmp_path))
    about.write_text(json.dumps(facts | {"labels": ["one"]}))
    with pytest.raises(EncoderError, match="does not hold a tuned encoder"):
        encoders.open_image(str(tmp_path))
    about.unlink()
    with pytest.raises(EncoderError, match=r"with its \.json"):
        encoders.open_image(str(tmp_path))
    assert weights.is_file()


def test_vectors(tuned, tmp_path):
    tuned.save(tmp_path, {})
    encoder = encoders.open_image(str(tmp_path))
    pictures = [drawn(seed, (30 + seed, 50)) for seed in range(10)]
    rows = encoder.encode(pictures)
    assert rows.shape == (10, encoder.dim)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(encoder.encode(pictures[3:4]), rows[3:4], atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_folded_halves_are_the_trunk():
    early, late = lite.halves()
    batch = torch.stack([lite.tensor(lite.whole(drawn(seed), 96)) for seed in range(3)])
    with torch.inference_mode():
        whole = lite0_trunk()(batch)
        seen = early(batch)
        assert seen.shape == (3, lite.CHANNELS, 6, 6)
        assert torch.allclose(late(seen), whole, atol=1e-4)


def test_views_are_squares_that_repeat_by_seed():
    picture = drawn(0, (100, 40))
    one, again, other = (View(48, np.random.default_rng(seed)) for seed in (0, 0, 1))
    views = [one(picture) for _ in range(20)]
    assert all(view.size == (48, 48) and view.mode == "RGB" for view in views)
    assert all(np.array_equal(view, again(picture)) for view in views)
    assert not np.array_equal(views[0], other(picture))
    assert View(8, np.random.default_rng(0))(Image.new("RGB", (1, 1), "red")).size == (8, 8)


def test_the_script(given, tmp_path):
    """From a table to a folder that opens."""
    lines = [f"{path},{label}" for path, label in zip(given[0].paths, given[0].labels, strict=True)]
    (tmp_path / "pictures.csv").write_text("\n".join(["image,label", *lines, ",disc"]))
    command = [sys.executable, str(ROOT / "scripts/tune_images.py"), str(tmp_path / "pictures.csv"), "--out"]
    done = subprocess.run(
        [*command, str(tmp_path / "out"), "--epochs", "1", "--views", "1", "--aside", "0.3"],
        capture_output=True, text=True, cwd=ROOT, env=None,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert encoders.open_image(str(tmp_path / "out")).labels == ["disc", "frame", "stripes"]
    assert '"pictures": 18' in done.stdout
    wrong = subprocess.run([*command, str(tmp_path / "x"), "--label", "kind"], capture_output=True, text=True, cwd=ROOT)
    assert wrong.returncode == 1
    assert "no column 'kind'" in wrong.stderr
