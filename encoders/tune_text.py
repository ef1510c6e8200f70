"""Tune a BERT-family text encoder on texts that belong together, by an adapter: the base does not move.

The loss is InfoNCE in both directions (van den Oord et al. 2018): of a batch each right text is the answer to its left
one, all others are wrong, and so are the hard negatives that come along. What belongs together may be a query and an
item, two items that the same people chose, neighbours in a graph, a text in two languages; where nothing is known, two
halves of one text (`halves`, after Lee et al. 2019). AdamW, a rate that warms up and falls along a cosine, and the best
epoch by recall on pairs kept aside. If no epoch is better there than the base, the base is what is better, and
`Tuned.accepted` is false.
"""

import math
import platform
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, normalize

from encoders import course, open_text
from encoders.adapters import adapted
from encoders.base import Vectors
from encoders.bert import BertEncoder
from encoders.course import FEWEST_PAIRS, K, Progress, Rows
from encoders.errors import EncoderError
from encoders.weights import save_facts

ENCODED = 64


@dataclass(frozen=True)
class Settings(course.Settings):
    """How to tune; the same settings and pairs give the same adapter on the same machine.

    `kind` is `lora`, `adalora`, `prefix` or `prompt`; only the first two can be opened and merged as an encoder.
    """

    scale: float = 20.0
    """Times the cosines before the softmax."""
    tokens: int = 32
    """The first of each text that are looked at in tuning."""


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
        save_facts({**about, "better than the base": self.accepted, **self.figures}, folder / "weft-text.json")


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
    aside = course.aside(pairs.left, settings.valid_share, settings.seed)
    valid, train = np.flatnonzero(aside), np.flatnonzero(~aside)
    steps = settings.epochs * settings.steps(len(train))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        # Not the first of the curve: a prefix is not nothing when it begins, and that may be its best, too.
        known = recall(Tower(encoder.network.model, encoder.tokenizer, settings.tokens), pairs, valid)
        model = adapted(encoder.network.model, settings.kind, settings.rank, steps)
        model.peft_config["default"].base_model_name_or_path = base
        taken = Course(Tower(model, encoder.tokenizer, settings.tokens), pairs, settings, steps)
        curve = taken.run(train, valid, checkpoint, progress)
    figures = {
        "base": base,
        f"valid recall@{K} of the base, and by epoch": [known, *curve[1:]],
        "pairs": {"train": len(train), "valid": len(valid)},
        "learned numbers": sum(one.numel() for one in taken.learned),
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


class Course(course.Course):
    """The course of a tower on pairs of texts."""

    settings: Settings

    def __init__(self, tower: Tower, pairs: TextPairs, settings: Settings, steps: int) -> None:
        super().__init__(tower.model, pairs.left, pairs.right, settings, steps)
        self.tower, self.pairs = tower, pairs

    def recall(self, valid: Rows) -> float:
        return recall(self.tower, self.pairs, valid)

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
