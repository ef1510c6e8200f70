"""The network of attention.py, and its training: to tell the next item of a history from all others.

AdamW, its rate warmed up and let down as a cosine, gradients clipped. Histories are cut into pieces, other ones in
every epoch; each event of a piece is asked for from those before it. Ids and modalities of items are hidden by chance,
so that an item without them can be placed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from engine.candidates.attention import BUCKETS, EPSILON, Events, bucket
from engine.config import Attention as Settings

BATCH = 16
"""Pieces of a history a step."""
COMPARED = 512
"""Items that an answer is told from, at most, beside the answers of its step; drawn anew for each."""
WARM_UP = 0.1
"""Share of the steps in which the rate rises."""
LEAST = 11
"""Steps that the course of the rate is laid out for, at least: with ten, its rise would be of no steps."""
HIDDEN = -1e9
"""Of what is not looked at, before the softmax."""
START = 0.02
"""Deviation of the first weights of ids and projections."""
Vectors = NDArray[np.float32]


class Network(nn.Module):
    """Shapes: the space is (items, dim + 1), its last column the bias."""

    def __init__(self, popularity: Tensor, sizes: Sequence[int], config: Settings, chance: torch.Generator) -> None:
        super().__init__()
        dim, heads = config.dim, config.heads
        self.hidden, self.heads, self.dropout = (config.hidden_ids, config.hidden_modalities), heads, config.dropout
        self.chance = chance
        with torch.device("meta"):  # without values: first ones from the generator that all threads share would differ
            self.project = nn.ModuleList([nn.Linear(size, dim + 1, bias=False) for size in sizes])
            self.gate = nn.Linear(len(sizes) + 2, max(1, len(sizes)))
            self.query, self.key = nn.Linear(dim, dim), nn.Linear(dim, dim)
            self.value, self.out = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.to_empty(device="cpu")
        for layer in (self.query, self.key, self.value, self.out):
            nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=chance)
        for bias in (self.query.bias, self.key.bias):
            nn.init.zeros_(bias)
        for weight in self.project.parameters():
            nn.init.normal_(weight, std=START, generator=chance)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, 3.0)  # open
        self.norm = nn.LayerNorm(dim, eps=EPSILON)
        ids = torch.randn(len(popularity), dim + 1, generator=chance) * START
        ids[:, -1] = 0.5 * (popularity - popularity.mean())
        self.id = nn.Parameter(ids)
        self.recency = nn.Parameter(-torch.linspace(0, 0.8, heads)[:, None] * torch.arange(BUCKETS))
        self.rating = nn.Parameter(torch.zeros(heads, 1))
        self.repeats = nn.Parameter(torch.zeros(heads, 1))

    def drop(self, values: Tensor) -> Tensor:
        """Some values hidden while it is trained, by draws of its own."""
        if not self.training:
            return values
        kept = torch.rand(values.shape, generator=self.chance) >= self.dropout
        return values * kept / (1 - self.dropout)

    def space(self, modalities: Sequence[Tensor], there: Sequence[Tensor], popularity: Tensor) -> Tensor:
        """(items, dim + 1) of all items.

        `there` says which have each modality; `popularity` (items,) is the log of 1 + choices, 0 where there is no id.
        """
        known = popularity > 0
        if self.training:
            known = known & (torch.rand(len(known), generator=self.chance) >= self.hidden[0])
            there = [one & (torch.rand(len(one), generator=self.chance) >= self.hidden[1]) for one in there]
        ids = torch.where(known[:, None], self.id[:, :-1], 0)
        # The bias stays: how popular an item is would otherwise be learned anew from the modalities at every step.
        bias = torch.where(popularity > 0, self.id[:, -1], 0)
        return torch.cat([ids, bias[:, None]], dim=1) + self.placed(modalities, there, popularity * known)

    def placed(self, modalities: Sequence[Tensor], there: Sequence[Tensor], popularity: Tensor) -> Tensor:
        """(items, dim + 1) what the modalities that are there say, each through its gate."""
        if not modalities:
            return torch.zeros_like(self.id)
        told = torch.stack([*there, popularity > 0, popularity / 5], dim=1).float()
        gates = torch.sigmoid(self.gate(told)) * told[:, : len(there)]
        return torch.stack([gates[:, [m]] * self.project[m](modalities[m]) for m in range(len(there))]).sum(0)

    def forward(self, met: Tensor, age: Tensor, rating: Tensor, repeats: Tensor, real: Tensor) -> Tensor:
        """(pieces, length, dim) taste after each event, of met (pieces, length, dim) and so on.

        `age` (length, length) is the bucket of how old a column is for a row; -1 for what comes after it.
        """
        pieces, length, dim = met.shape
        inputs = self.drop(self.norm(met))
        query, key, value = (
            layer(inputs).view(pieces, length, self.heads, -1).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        # Masks go with the small terms: (pieces, heads, length, length) is what costs.
        recency = self.recency[:, age.clamp(min=0)].masked_fill(age < 0, HIDDEN)
        event = self.rating * rating[:, None, :] + self.repeats * repeats[:, None, :]
        event = event.masked_fill(~real[:, None, :], HIDDEN)[:, :, None, :]
        logits = (query / (dim / self.heads) ** 0.5) @ key.transpose(2, 3) + recency + event
        found: Tensor = self.out((logits.softmax(3) @ value).transpose(1, 2).reshape(pieces, length, dim))
        return found


@dataclass(frozen=True)
class Start:
    """A network to go on from."""

    weights: Mapping[str, Vectors]
    """Without the ids."""
    space: Vectors
    """(items, dim + 1)"""
    counts: NDArray[np.int64]
    """(items,) events of each that it was trained on."""


def train(
    events: Events,
    indptr: NDArray[np.int64],
    modalities: Sequence[Vectors],
    counts: NDArray[np.int64],
    config: Settings,
    seed: int,
    start: Start | None = None,
) -> tuple[dict[str, Vectors], Vectors, dict[str, list[float]]]:
    """Weights without the ids, the space (items, dim + 1), and the loss and rate of each epoch.

    `events` has flat arrays, cut by `indptr` into histories. `counts` (items,) are events of each, those of users who
    are not among them too.
    """
    rng = np.random.default_rng(seed)
    popularity = torch.from_numpy(np.log1p(counts).astype(np.float32))
    looks = [torch.from_numpy(m) for m in modalities]
    there = [look.any(dim=1) for look in looks]
    known = torch.from_numpy(np.flatnonzero(counts))
    chance = torch.Generator().manual_seed(seed)
    network = Network(popularity, [m.shape[1] for m in modalities], config, chance)
    if start is not None:
        resume(network, start, looks, there, popularity)
    course = [pieces(indptr, config, rng) for _ in range(config.epochs)]
    steps = sum(-(-len(one) // BATCH) for one in course)
    curves: dict[str, list[float]] = {"attention loss": [], "attention learning rate": []}
    optimiser = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=max(steps + 1, LEAST), pct_start=WARM_UP
    )
    for cut in course:
        losses = []
        for batch in batches(events, cut):
            space = network.space(looks, there, popularity)
            loss = objective(network, space, batch, known, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            rate.step()
            losses.append(loss.item())
        if losses:
            curves["attention loss"].append(float(np.mean(losses)))
            curves["attention learning rate"].append(float(rate.get_last_lr()[0]))
    network.eval()
    with torch.inference_mode():
        places = network.space(looks, there, popularity).numpy().copy()
    weights = {name: array.numpy() for name, array in network.state_dict().items() if name != "id"}
    return weights, places, curves


def resume(
    network: Network, start: Start, looks: Sequence[Tensor], there: Sequence[Tensor], popularity: Tensor
) -> None:
    """Give a network the weights of another, and its ids: what the space has beside what the modalities say.

    An item that had none gets the id zero. The bias of each rises as its popularity has risen, for it begins with that.
    """
    network.load_state_dict(
        {name: torch.from_numpy(array.copy()) for name, array in start.weights.items()}, strict=False
    )
    before = torch.from_numpy(np.log1p(start.counts).astype(np.float32))
    network.eval()
    with torch.no_grad():
        ids = torch.from_numpy(start.space.copy()) - network.placed(looks, there, before)
        ids[before == 0] = 0
        ids[:, -1] += 0.5 * (popularity - before)
        network.id.copy_(ids)
    network.train()


def pieces(indptr: NDArray[np.int64], config: Settings, rng: np.random.Generator) -> NDArray[np.int64]:
    """(pieces, 2) start and end of each, in random order, of two to `length` + 1 events; `events` in all at most.

    A long history is cut anew every time, and every other piece of it overlaps by half.
    """
    cut = []
    for start, stop in zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True):
        end = stop
        if stop - start > config.length:
            end = max(start + config.length + 1, stop - int(rng.integers(config.length // 4 + 1)))
        while end - start > 1:
            first = max(start, end - config.length - 1)
            cut.append((first, end))
            if first == start:
                break
            end -= max(1, config.length // 2)
    found = np.array(cut, np.int64).reshape(-1, 2)[rng.permutation(len(cut))]
    return found[np.cumsum(found[:, 1] - found[:, 0]) <= config.events]


Batch = tuple[Events, NDArray[np.int64]]


def batches(events: Events, cut: NDArray[np.int64]) -> Iterator[Batch]:
    """Padded events of some pieces, and which item came after each, -1 where none did."""
    for at in range(0, len(cut), BATCH):
        start, stop = cut[at : at + BATCH].T[..., None]
        place = start + np.arange((stop - start).max() - 1)
        real = place < stop - 1
        place = np.where(real, place, start)
        met = Events(events.items[place], events.age, events.rating[place], events.repeats[place], real)
        yield met, np.where(real, events.items[np.where(real, place + 1, 0)], -1)


def objective(
    network: Network,
    space: Tensor,
    batch: Batch,
    known: Tensor,
    rng: np.random.Generator,
) -> Tensor:
    """Mean cross-entropy of the next item among those known, or a sample of them and the answers of the batch."""
    met, answers = batch
    place = np.arange(met.items.shape[1])
    age = place[:, None] - place
    ages = torch.from_numpy(np.where(age >= 0, bucket(np.maximum(age, 0)), -1))
    rating, repeats, real = (torch.from_numpy(array) for array in (met.rating, met.repeats, met.real))
    taste = network(space[torch.from_numpy(met.items), :-1], ages, rating, repeats, real)
    right = torch.from_numpy(answers[met.real])
    among, odds = known, torch.zeros(())
    if len(known) > COMPARED:
        asked = torch.unique(right)
        drawn = known[torch.from_numpy(rng.integers(len(known), size=COMPARED))]
        drawn = drawn[~torch.isin(drawn, asked)]
        among, order = torch.cat([asked, drawn]).sort()
        # Each drawn one stands for many: corrected by the chance of being drawn, as in Bengio and Senecal 2003.
        odds = torch.where(order < len(asked), 0.0, float(np.log(len(known) / COMPARED)))
    there = space[among]
    logits = torch.addmm(there[:, -1] + odds, network.drop(taste[real]), there[:, :-1].T)
    return functional.cross_entropy(logits, torch.searchsorted(among, right))
