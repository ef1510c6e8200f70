"""How the shipped image encoder stands bad photographs and small attacks: python scripts/bench/robust_pictures.py.

Photographs of groceries (grocery-store), cropped, lit otherwise, blurred, compressed and turned
(engine.evaluation.noise), against a shop of 81 products. `means` finds the product whose training photographs are
nearest on average, `probe` is a logistic regression; both are learned from clean photographs, and again with one noisy
copy of each beside it. Which is better is read on validation photographs, each with two draws of any noise; test
photographs are then shown with every noise at every strength. The attack (FGSM, Goodfellow et al. 2015) moves each
pixel of what weft-small's image side looks at by eps / 255 away from the product, knowing the model; defences that it
does not know of are a JPEG and a blur. Intervals are of 95%, by drawing photographs again.
"""

import argparse
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from grocery import Part, Shop, means, read
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

import encoders
from encoders import Vectors, pictures
from encoders.image import BATCH, pixels
from encoders.weights import unit
from engine import memory
from engine.evaluation import bootstrap, plots
from engine.evaluation.noise import PICTURE_NOISE, blurred, compressed

EPS = (0, 1, 2, 4, 8)
Noise = Callable[[Image.Image, np.random.Generator], Image.Image]
Hits = dict[str, NDArray[np.float64]]


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/grocery-store"))
    parser.add_argument("--work", type=Path, default=Path("artefacts/robust"), help="keeps vectors")
    parser.add_argument("--each", type=int, default=0, help="training photographs of a product; 0 takes all")
    parser.add_argument("--valid", type=int, default=0, help="validation photographs; 0 takes all")
    parser.add_argument("--test", type=int, default=0, help="test photographs; 0 takes all")
    parser.add_argument("--attacked", type=int, default=100, help="of them, photographs that are attacked; 0: none")
    parser.add_argument("--plot", type=Path, help="an SVG of the probe's top-1 under each noise")
    choice = parser.parse_args()
    torch.set_num_threads(1)
    shop = read(choice.data)
    rng = np.random.default_rng(0)
    train, valid = some_of_each(shop.train, choice.each, rng), some(shop.valid, choice.valid, rng)
    test = some(shop.test, choice.test, rng)
    encode = Kept(choice.work)
    clean = encode(train, "clean")
    models = taught(shop, train, clean, encode(train, "any", anything))
    print(f"{len(train.paths)} photographs to learn from, {len(valid.paths)} validation, {len(test.paths)} test")
    shown = {"clean": encode(valid, "clean")} | {f"noisy {at}": encode(valid, f"any {at}", anything) for at in (0, 1)}
    table("validation", {name: hits(models, rows, valid) for name, rows in shown.items()})
    found = {"clean": hits(models, encode(test, "clean"), test)}
    for name, (make, strengths) in PICTURE_NOISE.items():
        for strength in strengths:
            noisy = encode(test, f"{name} {strength}", lambda one, rng, m=make, s=strength: m(one, s, rng))
            found[f"{name} {strength:g}"] = hits(models, noisy, test)
    table("test", found)
    if choice.plot:
        rows = [(name, float(one["probe"].mean()), *bootstrap.interval(one["probe"])) for name, one in found.items()]
        choice.plot.write_text(plots.page(plots.bars(rows, "top-1 of the probe")), encoding="utf-8")
    if choice.attacked:
        attack(means(encoders.weft_small_heads().image(clean), train.product), some(test, choice.attacked, rng))


def some(part: Part, n: int, rng: np.random.Generator) -> Part:
    rows = np.sort(rng.permutation(len(part.paths))[: n or None])
    return Part([part.paths[row] for row in rows], part.product[rows])


def some_of_each(part: Part, n: int, rng: np.random.Generator) -> Part:
    order = rng.permutation(len(part.paths))
    rows = np.sort(np.concatenate([order[part.product[order] == one][: n or None] for one in np.unique(part.product)]))
    return Part([part.paths[row] for row in rows], part.product[rows])


def anything(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Any noise at any strength."""
    make, strengths = PICTURE_NOISE[str(rng.choice(list(PICTURE_NOISE)))]
    return make(picture, float(rng.choice(strengths)), rng)


class Kept:
    """Vectors of photographs as a noise leaves them, made once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._encoder = folder, encoders.open_image("efficientnet-lite0")

    def __call__(self, part: Part, name: str, noise: Noise | None = None) -> Vectors:
        key = hashlib.sha256("\n".join([name, self._encoder.fingerprint, *map(str, part.paths)]).encode()).hexdigest()
        file = self._folder / f"{key[:24]}.npy"
        if not file.is_file():
            shown = [noisy(path, name, noise) for path in part.paths]
            np.save(file, self._encoder.encode(shown), allow_pickle=False)
        return np.load(file, allow_pickle=False)


def noisy(path: Path, name: str, noise: Noise | None) -> Image.Image:
    """Each photograph has draws of its own, whichever others are asked for."""
    seed = int.from_bytes(hashlib.sha256(f"{name} {path.name}".encode()).digest()[:8])
    picture = pictures.load(path)
    return picture if noise is None else noise(picture, np.random.default_rng(seed))


def taught(shop: Shop, train: Part, clean: Vectors, noised: Vectors) -> dict[str, Callable[[Vectors], Vectors]]:
    """By name, what gives (n, products) scores of vectors."""
    both, twice = np.concatenate([clean, noised]), np.concatenate([train.product, train.product])
    made: dict[str, Callable[[Vectors], Vectors]] = {}
    for name, rows, product in (("", clean, train.product), (", noisy copies", both, twice)):
        centres = means(rows, product)
        model = LogisticRegression(C=30, max_iter=1000).fit(rows, product)
        made[f"means{name}"] = lambda given, centres=centres: given @ centres.T
        made[f"probe{name}"] = model.decision_function
    return made


def hits(models: dict[str, Callable[[Vectors], Vectors]], rows: Vectors, part: Part) -> Hits:
    return {name: (model(rows).argmax(axis=1) == part.product).astype(np.float64) for name, model in models.items()}


def table(title: str, found: dict[str, Hits]) -> None:
    names = list(next(iter(found.values())))
    print(f"\n| {title}, top-1 | {' | '.join(names)} | means gain | probe gains |\n|---{'|---' * (len(names) + 2)}|")
    for row, values in found.items():
        cells = [spread(values[name]) for name in names]
        for one in ("means", "probe"):
            gain = bootstrap.gain(values[f"{one}, noisy copies"], values[one])
            cells.append(f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})")
        print(f"| {row} | {' | '.join(cells)} |", flush=True)


def spread(values: NDArray[np.float64]) -> str:
    low, high = bootstrap.interval(values)
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def attack(centres: Vectors, test: Part) -> None:
    """Top-1 of attacked photographs, by the nearest mean in weft-small's space, as they are and by the defences."""
    model = encoders.open_clip("weft-small")
    print(f"\n| FGSM on {len(test.paths)} photographs, eps / 255 | as it is | JPEG 50 | blur .01 |\n|---|---|---|---|")
    seen, slope = gradients(model.model, torch.from_numpy(centres), test)
    for eps in EPS:
        moved = [as_picture(one + 2 * eps / 255 * way) for one, way in zip(seen, slope, strict=True)]
        rng = np.random.default_rng(0)
        shown: dict[str, Sequence[Image.Image]] = {
            "as it is": moved,
            "JPEG 50": [compressed(one, 50, rng) for one in moved],
            "blur .01": [blurred(one, 0.01, rng) for one in moved],
        }
        cells = [
            spread((unit(vectors(model.model, some)) @ centres.T).argmax(axis=1) == test.product)
            for some in shown.values()
        ]
        print(f"| {eps} | {' | '.join(cells)} |", flush=True)


def gradients(model: torch.nn.Module, centres: torch.Tensor, test: Part) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, 3, 224, 224) what the model looks at, and the sign of the loss' slope there."""
    seen, slopes = [], []
    for start in range(0, len(test.paths), BATCH):
        given = pixels([pictures.load(path) for path in test.paths[start : start + BATCH]]).requires_grad_(True)
        found = torch.nn.functional.normalize(model.encode_image(given), dim=1) @ centres.T
        right = torch.from_numpy(test.product[start : start + BATCH])
        loss = torch.nn.functional.cross_entropy(20 * found, right)
        (slope,) = torch.autograd.grad(loss, given)
        seen.append(given.detach())
        slopes.append(slope.sign())
    return torch.cat(seen), torch.cat(slopes)


def as_picture(values: torch.Tensor) -> Image.Image:
    """(3, 224, 224) from -1 to 1, in whole steps of 8 bits as a file would have them."""
    bytes_ = ((values.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(bytes_.permute(1, 2, 0).numpy())


@torch.inference_mode()
def vectors(model: torch.nn.Module, shown: Sequence[Image.Image]) -> Vectors:
    """Of pictures of 224 pixels, looked at whole."""
    values = [torch.from_numpy(np.asarray(one, np.float32) / 127.5 - 1).permute(2, 0, 1) for one in shown]
    rows = [model.encode_image(torch.stack(values[at : at + BATCH])) for at in range(0, len(values), BATCH)]
    return np.asarray(torch.cat(rows).numpy(), np.float32)


if __name__ == "__main__":
    main()
