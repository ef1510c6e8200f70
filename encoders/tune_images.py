"""Tune the image encoder on one's own pictures with labels: the late half of EfficientNet-Lite0, by a cosine softmax.

Each picture is seen in a few views (cropped, mirrored, in other light). The early half does not move, so what it gives
for a view is made once; each step then takes a window of it, which is one more crop. Loss: cross-entropy of scaled
cosines to one vector for each label (Wang et al. 2018, without margin) with smoothed labels; AdamW, a rate that warms
up and falls along a cosine, and a moving average of the weights, which is what is kept. The encoder learns where
pictures lie, so labels that it has not met are compared by it too.
"""

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from encoders import lite, pictures
from encoders.checkpoint import Checkpoint
from encoders.errors import EncoderError, PictureError
from encoders.schedule import warm_up_and_cosine
from encoders.tuned import TUNED
from encoders.views import View
from encoders.weights import file_hash, save_aside, save_facts, unit

Progress = Callable[[str, int, int], None]
KEPT = 384
"""Pixels of the longer side that are kept of a picture until its views are made: half a megabyte each at most."""
ROWS = 64
"""Views made between two reports of progress."""
FEWEST = 2
"""Labels, and pictures of each, below which there is nothing to tell apart."""


@dataclass(frozen=True)
class Settings:
    """How to tune; the same settings and pictures give the same encoder on the same machine.

    The values were chosen on the validation part of grocery-store (docs/search.md).
    """

    seed: int = 0
    epochs: int = 4
    views: int = 2
    """Of each picture; an epoch sees one of them. Each takes 46 KB of memory a picture."""
    side: int = 192
    """Pixels across and down; a multiple of 32."""
    window: int = 10
    """Places (of side / 16) across and down that a step looks at."""
    batch: int = 32
    learning_rate: float = 5e-4
    """Of the late half, the highest, after a tenth of the steps."""
    head_rate: float = 5e-3
    """Of the map and the labels' vectors, which start at random."""
    weight_decay: float = 0.02
    scale: float = 16.0
    """Times the cosines before the softmax."""
    smoothing: float = 0.1
    hidden: float = 0.2
    """Share of the pooled features that are dropped."""
    mixed: float = 0.0
    """Beta of how two pictures of a batch are mixed (mixup, on what the early half gives); 0 is not at all."""
    average: float = 0.99
    """What a step leaves of the moving average."""
    rank: int = 0
    """Of LoRA beside the late half, which then does not move itself; 0 moves all its weights."""


@dataclass(frozen=True)
class Labelled:
    """Pictures of files, each with what it shows."""

    paths: Sequence[Path]
    labels: Sequence[str]


@dataclass(frozen=True)
class TunedImages:
    """A tuned late half and what is known of it."""

    network: lite.LateHalf
    labels: list[str]
    """In the order of the network's vectors."""
    figures: dict[str, Any]
    """Sizes, pictures that could not be read, top-1 on the validation pictures by epoch, settings."""

    def save(self, folder: Path, about: dict[str, Any]) -> None:
        """Write weft-images.safetensors and .json, which `open_image(folder)` opens.

        `about` says what was learned from.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{TUNED}.safetensors"
        save_aside({name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}, path)
        facts = {"sha256": file_hash(path), "side": self.figures["settings"]["side"], **about, **self.figures}
        save_facts(facts | {"labels": self.labels}, folder / f"{TUNED}.json")


def tune_images(
    given: Labelled,
    settings: Settings | None = None,
    valid: Labelled | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> TunedImages:
    """Tune on labelled pictures; `valid` is only measured. A picture that cannot be used is left out and told.

    With a `checkpoint` file a training that was cut goes on after the last whole epoch, to the same encoder; the file
    is gone at the end. `progress` is told a stage, steps done and steps in all. Raises EncoderError for fewer than two
    labels with two pictures each, and settings that do not fit.
    """
    settings = settings or Settings()
    _refuse(settings)
    read, rejects = _read(given)
    labels = sorted(set(read.labels))
    fewest = min(Counter(read.labels).values(), default=0)
    if len(labels) < FEWEST or fewest < FEWEST:
        raise EncoderError(f"{len(labels)} labels of at least {fewest} pictures: tuning needs 2 of 2")
    number = {label: at for at, label in enumerate(labels)}
    early, late = lite.halves()
    target = torch.tensor([number[label] for label in read.labels])
    with torch.random.fork_rng(devices=[]):
        seen = _seen(early, read.pictures, settings, progress)
        shown = None if valid is None else _shown(early, valid, number, settings, rejects)
        torch.manual_seed(settings.seed)
        half: Any = lite.with_lora(late, settings.rank) if settings.rank else late
        network = lite.LateHalf(half, len(labels), settings.hidden)
        curve = _train(network, seen, target, shown, settings, checkpoint, progress)
        if settings.rank:
            network.late = half.merge_and_unload()
        _to_the_middle(network, seen[0], target)
    figures = {
        "pictures": len(target), "rejects": rejects, "valid top-1 by epoch": curve, "settings": asdict(settings),
        "torch": torch.__version__, "machine": platform.machine(),
    }  # fmt: skip
    return TunedImages(network, labels, figures)


@dataclass(frozen=True)
class _Read:
    pictures: list[Image.Image]
    labels: list[str]


def _read(given: Labelled) -> tuple[_Read, list[str]]:
    """Pictures that could be read, small, with their labels; and what was wrong with the others."""
    found, rejects = _Read([], []), list[str]()
    for path, label in zip(given.paths, given.labels, strict=True):
        try:
            picture = pictures.load(path)
        except PictureError as error:
            rejects.append(f"{path}: {error}")
            continue
        picture.thumbnail((KEPT, KEPT), Image.Resampling.BICUBIC)
        found.pictures.append(picture)
        found.labels.append(label)
    return found, rejects


def _refuse(settings: Settings) -> None:
    places = settings.side // lite.STEP
    if settings.side % 32 or not 2 <= settings.window <= places:
        raise EncoderError(
            f"side is a multiple of 32 and window from 2 to side / 16, not {settings.side} and {settings.window}"
        )
    if min(settings.epochs, settings.views) < 1 or settings.batch < 2:
        raise EncoderError("epochs and views are at least 1 and batch at least 2")


def _seen(
    early: nn.Module, given: Sequence[Image.Image], settings: Settings, progress: Progress | None
) -> list[torch.Tensor]:
    """By view, (n, 80, side / 16, side / 16) in half precision."""
    made = []
    for view in range(settings.views):
        one = View(settings.side, np.random.default_rng((settings.seed, view)))
        rows = []
        for at in range(0, len(given), ROWS):
            rows.append(lite.places(early, [one(picture) for picture in given[at : at + ROWS]]).half())
            if progress:
                progress("views", view * len(given) + min(at + ROWS, len(given)), settings.views * len(given))
        made.append(torch.cat(rows))
    return made


@dataclass(frozen=True)
class _Shown:
    """Validation pictures: what the early half gives for them, and the numbers of their labels."""

    places: torch.Tensor
    target: NDArray[np.int64]


def _shown(
    early: nn.Module, valid: Labelled, number: dict[str, int], settings: Settings, rejects: list[str]
) -> _Shown | None:
    read, more = _read(valid)
    rejects += more
    squares = [lite.whole(picture, settings.side) for picture in read.pictures]
    target = np.array([number.get(label, -1) for label in read.labels], np.int64)  # a label never met is not found
    return _Shown(lite.places(early, squares).half(), target) if squares else None


def _train(
    network: lite.LateHalf,
    seen: Sequence[torch.Tensor],
    target: torch.Tensor,
    shown: _Shown | None,
    settings: Settings,
    checkpoint: Path | None,
    progress: Progress | None,
) -> list[float | None]:
    """Train in place, ending with the moving average; returns validation top-1 by epoch."""
    batch = min(settings.batch, len(target))
    steps = len(target) // batch
    new = {"params": [*network.embed.parameters(), network.centres], "lr": settings.head_rate}
    old = {"params": list(network.late.parameters()), "lr": settings.learning_rate}
    optimizer = torch.optim.AdamW([old, new], weight_decay=settings.weight_decay)
    highest = [group["lr"] for group in optimizer.param_groups]
    average = deepcopy(network).eval().requires_grad_(False)
    kept = Checkpoint(checkpoint, (asdict(settings), target, seen[0][0]), network, average, optimizer)
    curve = kept.resume()
    for epoch in range(len(curve), settings.epochs):
        rng = np.random.default_rng((settings.seed, 1000 + epoch))
        torch.manual_seed(settings.seed * 1000 + epoch)
        network.train()
        for step, some in enumerate(np.split(rng.permutation(len(target))[: steps * batch], steps), epoch * steps):
            for group, rate in zip(optimizer.param_groups, highest, strict=True):
                group["lr"] = rate * warm_up_and_cosine(step, settings.epochs * steps)
            _step(network, optimizer, _windows(seen, some, settings.window, rng), target[some], settings, rng)
            _follow(average, network, min(settings.average, (1 + step) / (10 + step)))
            if progress:
                progress("steps", step + 1, settings.epochs * steps)
        curve.append(_top1(average, shown))
        kept.keep(curve)
    network.load_state_dict(average.state_dict())
    network.eval()
    kept.forget()
    return curve


@torch.no_grad()
def _to_the_middle(network: lite.LateHalf, seen: torch.Tensor, target: torch.Tensor) -> None:
    """Move each label's vector half way to the mean of its pictures, which finds new pictures better than either."""
    rows = torch.from_numpy(lite.vectors(network, seen))
    means = torch.zeros_like(network.centres).index_add_(0, target, rows)
    network.centres.copy_(normalize(normalize(network.centres, dim=1) + normalize(means, dim=1), dim=1))


def _windows(
    seen: Sequence[torch.Tensor], some: NDArray[np.int64], window: int, rng: np.random.Generator
) -> torch.Tensor:
    """(b, 80, window, window): of each picture a window of one of its views."""
    cut = []
    for row, view in zip(some, rng.integers(len(seen), size=len(some)), strict=True):
        top, left = rng.integers(seen[view].shape[-1] - window + 1, size=2)
        cut.append(seen[view][row, :, top : top + window, left : left + window])
    return lite.laid_out(torch.stack(cut).float())


def _step(
    network: lite.LateHalf,
    optimizer: torch.optim.Optimizer,
    inputs: torch.Tensor,
    target: torch.Tensor,
    settings: Settings,
    rng: np.random.Generator,
) -> None:
    share = float(rng.beta(settings.mixed, settings.mixed)) if settings.mixed else 1.0
    if share < 1:
        inputs = lite.laid_out(share * inputs + (1 - share) * inputs.flip(0))
    logits = settings.scale * network(inputs)
    loss = share * cross_entropy(logits, target, label_smoothing=settings.smoothing)
    if share < 1:
        loss = loss + (1 - share) * cross_entropy(logits, target.flip(0), label_smoothing=settings.smoothing)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimizer.step()


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, share: float) -> None:
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(now, 1 - share)


def _top1(network: lite.LateHalf, shown: _Shown | None) -> float | None:
    if shown is None:
        return None
    found = lite.vectors(network, shown.places) @ unit(network.centres.detach().numpy()).T
    return round(float((found.argmax(axis=1) == shown.target).mean()), 4)
