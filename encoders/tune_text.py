"""Tune a BERT-family text encoder on texts that belong together, by an adapter: the base does not move.

The loss is InfoNCE in both directions (van den Oord et al. 2018): of a batch each right text is the answer to its left
one, all others are wrong, and so are the hard negatives that come along. What belongs together may be a query and an
item, two items that the same people chose, neighbours in a graph, a text in two languages; where nothing is known, two
halves of one text (`halves`, after Lee et al. 2019). AdamW, a rate that warms up and falls along a cosine, and the best
epoch by recall on pairs kept aside. If no epoch is better there than the base, the base is what is better, and
`Tuned.accepted` is false.
"""

import json
import math
import platform
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from encoders import open_text
from encoders.adapters import adapted
from encoders.base import Vectors
from encoders.bert import BertEncoder
from encoders.checkpoint import Checkpoint
from encoders.errors import EncoderError
from encoders.schedule import warm_up_and_cosine

K = 10
"""Of the recall by which epochs are compared."""
FEWEST_PAIRS = 50
ENCODED = 64
Progress = Callable[[int, int], None]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """How to tune; the same settings and pairs give the same adapter on the same machine."""

    seed: int = 0
    kind: str = "lora"
    """`lora`, `adalora`, `prefix` or `prompt`; only the first two can be opened and merged as an encoder."""
    rank: int = 8
    epochs: int = 4
    """At most; tuning ends when `patience` epochs have not raised recall@10 on the pairs kept aside."""
    patience: int = 2
    batch: int = 32
    learning_rate: float = 1e-3
    """The highest, after a tenth of the steps; from there it falls to zero along a cosine."""
    weight_decay: float = 0.01
    scale: float = 20.0
    """Times the cosines before the softmax."""
    tokens: int = 32
    """The first of each text that are looked at in tuning."""
    valid_share: float = 0.1


@dataclass(frozen=True)
class TextPairs:
    """Texts, and which of them belong together."""

    texts: Sequence[str]
    left: Rows
    """(m,) rows of `texts`"""
    right: Rows
    """(m,)"""
    negative: Rows | None = None
    """(m,) a text that seems to belong to the left one and does not; -1 for none."""


@dataclass(frozen=True)
class Tuned:
    """A tuned tower and what is known of it."""

    tower: Any
    accepted: bool
    """Whether it is better than the base on the pairs kept aside."""
    figures: dict[str, Any]

    def save(self, folder: Path, about: dict[str, Any]) -> None:
        """Write the adapter for `open_text(folder)`, and weft-text.json with `about` and the figures."""
        folder.mkdir(parents=True, exist_ok=True)
        self.tower.save_pretrained(str(folder), safe_serialization=True)
        facts = {**about, "better than the base": self.accepted, **self.figures}
        aside = folder / ".weft-text.json.partial"
        aside.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        aside.replace(folder / "weft-text.json")


def halves(texts: Sequence[str], seed: int = 0) -> TextPairs:
    """Pairs where nothing is labelled: the words of each text fall at random into two texts, each in its order."""
    rng, made = np.random.default_rng(seed), list[str]()
    for text in texts:
        words = text.split()
        if len(words) >= 6:
            side = rng.permutation(len(words)) % 2 == 0
            made += [" ".join(np.array(words)[side]), " ".join(np.array(words)[~side])]
    rows = np.arange(0, len(made), 2)
    return TextPairs(made, rows, rows + 1)


def tune_text(
    base: str,
    pairs: TextPairs,
    settings: Settings | None = None,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Tune the encoder `base`; pairs are split by the seed into training and validation, no left text in both.

    With a `checkpoint` file a tuning that was cut goes on after the last whole epoch (not AdaLoRA, whose choice of
    ranks is not kept). `progress` is told of steps. Raises EncoderError below 50 pairs or for a base of another family.
    """
    settings = settings or Settings()
    if len(pairs.left) < FEWEST_PAIRS:
        raise EncoderError(f"{len(pairs.left)} pairs of texts: tuning needs {FEWEST_PAIRS}")
    encoder = open_text(base)
    if not isinstance(encoder, BertEncoder):
        raise EncoderError(f"{base}: only encoders of the BERT family are tuned; name `minilm`, or a directory")
    rng = np.random.default_rng(settings.seed)
    aside = np.isin(pairs.left, rng.permutation(np.unique(pairs.left))[: _aside(pairs, settings)])
    valid, train = np.flatnonzero(aside), np.flatnonzero(~aside)
    batch = min(settings.batch, len(train))
    steps = settings.epochs * (len(train) // batch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        # Not the first of the curve: a prefix is not nothing when it begins, and that may be its best, too.
        known = recall(Tower(encoder.network.model, encoder.tokenizer, settings.tokens), pairs, valid)
        model = adapted(encoder.network.model, settings.kind, settings.rank, steps)
        model.peft_config["default"].base_model_name_or_path = base
        course = Course(Tower(model, encoder.tokenizer, settings.tokens), pairs, settings, steps)
        curve = course.run(train, valid, checkpoint if settings.kind != "adalora" else None, progress)
    figures = {
        "base": base,
        f"valid recall@{K} of the base, and by epoch": [known, *curve[1:]],
        "pairs": {"train": len(train), "valid": len(valid)},
        "learned numbers": sum(one.numel() for one in course.learned),
        "settings": asdict(settings), "torch": torch.__version__, "machine": platform.machine(),
    }  # fmt: skip
    return Tuned(model, max(curve) > known, figures)


class Tower:
    """A model with its tokenizer: texts in, unit vectors that can be learned through out."""

    def __init__(self, model: Any, tokenizer: Any, tokens: int) -> None:
        self.model, self.tokenizer, self.tokens = model, tokenizer, tokens

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, dim)"""
        given = self.tokenizer(list(texts), padding=True, truncation=True, max_length=self.tokens, return_tensors="pt")
        ids, mask = given["input_ids"], given["attention_mask"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of how peft hands over a prefix
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state[:, -ids.shape[1] :]  # no prompt
        return normalize((states * mask[..., None]).sum(1), dim=1)

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, dim), those of like length together."""
        self.model.eval()
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        made = [self([texts[row] for row in order[at : at + ENCODED]]) for at in range(0, len(order), ENCODED)]
        rows = torch.cat(made)
        found = torch.empty_like(rows)
        found[torch.tensor(order)] = rows
        return np.asarray(found.numpy(), np.float32)


class Course:
    """A training of what in a tower's model requires a gradient."""

    def __init__(self, tower: Tower, pairs: TextPairs, settings: Settings, steps: int) -> None:
        self.tower, self.pairs, self.settings, self.steps = tower, pairs, settings, max(1, steps)
        self.learned = nn.ParameterList([one for one in tower.model.parameters() if one.requires_grad])
        self.optimizer = torch.optim.AdamW(
            self.learned.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )

    def run(
        self, train: Rows, valid: Rows, checkpoint: Path | None = None, progress: Progress | None = None
    ) -> list[float]:
        """Train, and end with the best epoch; returns recall on `valid` before and after each."""
        best = deepcopy(self.learned)
        task = (asdict(self.settings), torch.from_numpy(self.pairs.left), torch.from_numpy(self.pairs.right))
        kept = Checkpoint(checkpoint, task, self.learned, best, self.optimizer)
        curve = [float(value or 0) for value in kept.resume()] or [recall(self.tower, self.pairs, valid)]
        for epoch in range(len(curve) - 1, self.settings.epochs):
            self.epoch(epoch, train, progress)
            curve.append(recall(self.tower, self.pairs, valid))
            if curve[-1] > max(curve[:-1]):
                best.load_state_dict(self.learned.state_dict())
            kept.keep([*curve])
            if len(curve) - 1 - int(np.argmax(curve)) >= self.settings.patience:
                break
        self.learned.load_state_dict(best.state_dict())
        kept.forget()
        return curve

    def epoch(self, number: int, train: Rows, progress: Progress | None) -> None:
        settings, model = self.settings, self.tower.model
        model.train()
        torch.manual_seed(settings.seed * 1000 + number)
        batch = min(settings.batch, len(train))
        each = len(train) // batch
        order = np.random.default_rng((settings.seed, number)).permutation(train)[: each * batch]
        for step, some in enumerate(np.split(order, each), number * each):
            for group in self.optimizer.param_groups:
                group["lr"] = settings.learning_rate * warm_up_and_cosine(step, self.steps)
            self.optimizer.zero_grad()
            self.loss(some).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.learned.parameters(), 1.0)
            self.optimizer.step()
            if settings.kind == "adalora":
                model.base_model.update_and_allocate(step)
            if progress:
                progress(step + 1, self.steps)

    def loss(self, some: Rows) -> torch.Tensor:
        """InfoNCE of the pairs `some` (b,), with their hard negatives as further wrong answers of the left texts."""
        pairs, b = self.pairs, len(some)
        wrong = pairs.negative[some] if pairs.negative is not None else np.zeros(0, np.int64)
        wrong = wrong[wrong >= 0]
        rows = np.concatenate([pairs.left[some], pairs.right[some], wrong])
        vectors = self.tower([pairs.texts[row] for row in rows])
        left, others = vectors[:b], vectors[b:]  # (b, dim), (b + wrong, dim)
        logits = self.settings.scale * left @ others.T  # (b, b + wrong)
        same = rows[b:][None, :] == rows[b : 2 * b][:, None]  # the right text itself, met again: no wrong answer
        same[np.arange(b), np.arange(b)] = False
        logits = logits.masked_fill(torch.from_numpy(same), -math.inf)
        right = torch.arange(b)
        twin = pairs.left[some][None, :] == pairs.left[some][:, None]
        twin[np.arange(b), np.arange(b)] = False
        back = (self.settings.scale * others[:b] @ left.T).masked_fill(torch.from_numpy(twin), -math.inf)
        return (cross_entropy(logits, right) + cross_entropy(back, right)) / 2


def recall(tower: Tower, pairs: TextPairs, valid: Rows) -> float:
    """The share of pairs whose right text is among the first ten of all right texts, as its left one finds them."""
    among, place = np.unique(pairs.right[valid], return_inverse=True)
    asked, of = np.unique(pairs.left[valid], return_inverse=True)
    found = tower.encode([pairs.texts[row] for row in asked])
    others = tower.encode([pairs.texts[row] for row in among])
    scores = (found @ others.T)[of]
    scores[pairs.left[valid][:, None] == among[None, :]] = -1  # not itself
    ahead = (scores >= scores[np.arange(len(valid)), place][:, None]).sum(axis=1) - 1
    return round(float((ahead < K).mean()), 4)


def _aside(pairs: TextPairs, settings: Settings) -> int:
    """Left texts kept aside: at least twice K, since of fewer nearly all right texts are among the first K."""
    return max(2 * K, round(settings.valid_share * len(np.unique(pairs.left))))
