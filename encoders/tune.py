"""Contrastive training of weft-small's heads on words and pictures that belong together, both trunks frozen.

The loss is InfoNCE in both directions (van den Oord et al. 2018; CLIP, Radford et al. 2021, figure 3). The trunks do
not move, so all it needs of them are the vectors that the encoders `minilm` and `efficientnet-lite0` give, and an epoch
over thousands of pairs takes a second. The heads are linear without bias: the length of those vectors does not matter.
"""

import math
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy, dropout, normalize

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.heads import DIM, HEADS, IMAGE_HEAD, MULTILINGUAL_HEAD, SCALE, TEXT_HEAD, SmallHeads
from encoders.schedule import warm_up_and_cosine
from encoders.weights import file_hash, save_aside, save_facts

Progress = Callable[[int, int], None]
K = 10
"""Of the recall that ends the training and is reported."""
RIDGE = 0.002
"""Of the head for many languages, a text."""
FEWEST_PAIRS = 50
MAX_SCALE = 100.0
"""CLIP's bound of the temperature's inverse."""


@dataclass(frozen=True)
class Settings:
    """How to train; the same settings and pairs give the same heads on the same machine."""

    seed: int = 0
    epochs: int = 30
    """At most; training ends when `patience` epochs have not raised recall@10 on the validation pairs."""
    patience: int = 8
    batch: int = 256
    learning_rate: float = 3e-3
    """The highest, after a tenth of the steps; from there it falls to zero along a cosine."""
    weight_decay: float = 1.0
    """As the learning rate, the best of a few on the validation pairs of the generated shop."""
    dropout: float = 0.1
    """Share of the trunks' features hidden in training."""
    valid_share: float = 0.1
    test_share: float = 0.1


@dataclass(frozen=True)
class Pairs:
    """Pictures with one or more texts each, as the trunks' vectors."""

    pictures: Vectors
    """(n, 1280)"""
    texts: Vectors
    """(t, 384)"""
    owner: NDArray[np.int64]
    """(t,) the row in `pictures` that each text is of."""


@dataclass(frozen=True)
class Tuned:
    """Trained heads and what is known of them."""

    heads: dict[str, torch.Tensor]
    """Named as in open_clip's CustomTextCLIP."""
    figures: dict[str, Any]
    """Recall@10 from text to picture on the test pairs, beside chance and untrained heads; sizes; settings."""

    def ready(self) -> SmallHeads:
        """The heads for use at once, without a file."""
        return SmallHeads({name: tensor.numpy() for name, tensor in self.heads.items()}, "just trained")

    def reading(self, pairs: Pairs) -> "Tuned":
        """The same heads with one more, for texts in any language that `multilingual` knows.

        `pairs` has vectors of that, (t, 512), in place of MiniLM's.
        """
        head = torch.from_numpy(multilingual_head(self.ready(), pairs))
        return replace(self, heads=self.heads | {MULTILINGUAL_HEAD: head})

    def save(self, folder: Path, about: dict[str, Any]) -> None:
        """Write weft-small.safetensors and .json, which `open_clip(folder)` and `weft_small_heads(folder)` open.

        `about` says what they learned from, and what else was measured; it comes before the figures.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{HEADS}.safetensors"
        save_aside(self.heads, path)
        save_facts({"sha256": file_hash(path), **about, **self.figures}, folder / f"{HEADS}.json")


def multilingual_head(heads: SmallHeads, pairs: Pairs, l2: float = RIDGE) -> Vectors:
    """(256, 512) from vectors of `multilingual` into the space of heads that are there.

    A ridge regression of the place of a picture on the vectors of its texts (t, 512), with `l2` a text. In closed form
    it is as good as a contrastive training (docs/search.md).
    """
    with_picture = np.abs(pairs.pictures).sum(axis=1) > 0  # (n,)
    rows = np.flatnonzero((np.abs(pairs.texts).sum(axis=1) > 0) & with_picture[pairs.owner])
    if len(rows) < FEWEST_PAIRS:
        raise EncoderError(f"{len(rows)} texts of pictures: tuning needs {FEWEST_PAIRS}")
    texts = pairs.texts[rows].astype(np.float64)
    places = heads.image(pairs.pictures)[pairs.owner[rows]]
    gram = texts.T @ texts + l2 * len(rows) * np.eye(texts.shape[1])
    return np.ascontiguousarray(np.linalg.solve(gram, texts.T @ places).T, np.float32)


class Heads(nn.Module):
    """The two projections and the temperature."""

    def __init__(self, text_dim: int, image_dim: int) -> None:
        super().__init__()
        self.text = nn.Linear(text_dim, DIM, bias=False)
        self.image = nn.Linear(image_dim, DIM, bias=False)
        self.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def loss(self, texts: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """InfoNCE of rows (b, ...) that belong together, every other row of the batch being a negative."""
        t, p = normalize(self.text(texts), dim=1), normalize(self.image(pictures), dim=1)  # (b, DIM) each
        logits = self.scale.exp().clamp(max=MAX_SCALE) * t @ p.T  # (b, b)
        right = torch.arange(len(t))
        return (cross_entropy(logits, right) + cross_entropy(logits.T, right)) / 2


def tune(pairs: Pairs, settings: Settings | None = None, progress: Progress | None = None) -> Tuned:
    """Train the heads; pictures are split by the seed into training, validation and test.

    `progress` is told of epochs. Raises EncoderError below 50 pictures with text.
    """
    settings = settings or Settings()
    pictures, texts = torch.from_numpy(pairs.pictures), torch.from_numpy(pairs.texts)
    by_owner = _by_owner(pairs)
    if len(by_owner) < FEWEST_PAIRS:
        raise EncoderError(f"{len(by_owner)} pictures with text: tuning needs {FEWEST_PAIRS}")
    rng = np.random.default_rng(settings.seed)
    order = rng.permutation(np.array(sorted(by_owner)))
    n_test, n_valid = (max(K + 1, round(share * len(order))) for share in (settings.test_share, settings.valid_share))
    test, valid, train = np.split(order, [n_test, n_test + n_valid])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        heads = Heads(texts.shape[1], pictures.shape[1])
        untrained = _hits(heads, texts, pictures, by_owner, test)[1]
        curve = _train(heads, texts, pictures, by_owner, train, valid, settings, rng, progress)
    rows, hits = _hits(heads, texts, pictures, by_owner, test)
    met = _met(pairs.texts, rows, np.concatenate([by_owner[picture] for picture in (*train, *valid)]))
    figures = {
        "recall@10": _mean(hits),
        "recall@10 of texts not met in training": _mean(hits[~met]),
        "recall@10 untrained": _mean(untrained),
        "recall@10 by chance": round(K / len(test), 4),
        "test texts": {"not met in training": int((~met).sum()), "met": int(met.sum())},
        "valid recall@10 by epoch": curve,
        "pictures": {"train": len(train), "valid": len(valid), "test": len(test)},
        "texts": sum(len(rows) for rows in by_owner.values()),
        "settings": asdict(settings),
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    tensors = {TEXT_HEAD: heads.text.weight, IMAGE_HEAD: heads.image.weight, SCALE: heads.scale}
    return Tuned({name: tensor.detach().clone() for name, tensor in tensors.items()}, figures)


def _by_owner(pairs: Pairs) -> dict[int, NDArray[np.int64]]:
    """The rows of the texts of each picture that has some; rows of zeros are no texts and no pictures."""
    with_picture = np.abs(pairs.pictures).sum(axis=1) > 0  # (n,)
    rows = np.flatnonzero((np.abs(pairs.texts).sum(axis=1) > 0) & with_picture[pairs.owner])
    rows = rows[np.argsort(pairs.owner[rows], kind="stable")]
    owners, starts = np.unique(pairs.owner[rows], return_index=True)
    return dict(zip(owners.tolist(), np.split(rows, starts[1:]), strict=True))


def _train(
    heads: Heads,
    texts: torch.Tensor,
    pictures: torch.Tensor,
    by_owner: dict[int, NDArray[np.int64]],
    train: NDArray[np.int64],
    valid: NDArray[np.int64],
    settings: Settings,
    rng: np.random.Generator,
    progress: Progress | None,
) -> list[float]:
    """Train in place and end with the heads of the best epoch; returns validation recall by epoch."""
    batch = min(settings.batch, len(train))
    steps = len(train) // batch
    optimizer = torch.optim.AdamW(heads.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    total = settings.epochs * steps
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_up_and_cosine(step, total))
    best, kept, curve = -1.0, heads.state_dict(), list[float]()
    for epoch in range(settings.epochs):
        for some in np.split(rng.permutation(train)[: steps * batch], steps):
            said = np.array([rng.choice(by_owner[picture]) for picture in some])  # one of its texts, another each epoch
            loss = heads.loss(dropout(texts[said], settings.dropout), dropout(pictures[some], settings.dropout))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        curve.append(_mean(_hits(heads, texts, pictures, by_owner, valid)[1]))
        if progress:
            progress(epoch + 1, settings.epochs)
        if curve[-1] > best:
            best, kept = curve[-1], {name: tensor.clone() for name, tensor in heads.state_dict().items()}
        if len(curve) - curve.index(best) > settings.patience:
            break
    heads.load_state_dict(kept)
    return curve


@torch.inference_mode()
def _hits(
    heads: Heads,
    texts: torch.Tensor,
    pictures: torch.Tensor,
    by_owner: dict[int, NDArray[np.int64]],
    among: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows of all texts of the pictures `among`, and whether each has its picture in the first K of these."""
    rows = np.concatenate([by_owner[picture] for picture in among])
    right = np.repeat(np.arange(len(among)), [len(by_owner[picture]) for picture in among])
    t, p = normalize(heads.text(texts[rows]), dim=1), normalize(heads.image(pictures[among]), dim=1)
    return rows, found(t.numpy(), p.numpy(), right)


def found(texts: Vectors, pictures: Vectors, right: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(t,) whether each text (t, d) has its own picture, row `right` of (n, d), among the K that it is nearest to."""
    scores = texts @ pictures.T  # (t, n)
    before = (scores >= scores[np.arange(len(texts)), right][:, None]).sum(axis=1) - 1  # ties count against it
    return np.asarray(before < K)


def _met(texts: Vectors, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(rows,) which texts occur word for word among the `others` too: equal texts have equal vectors."""
    known = {texts[row].tobytes() for row in others}
    return np.array([texts[row].tobytes() in known for row in rows], bool)


def _mean(hits: NDArray[np.bool_]) -> float:
    return round(float(hits.mean()), 4) if len(hits) else 0.0
