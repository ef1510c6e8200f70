"""What comes next, by attention over the history: all that is known of an item in one space, and who it is near.

    e(i) = id(i) + sum over modalities m of gate_m(i) * P_m f_m(i)          a gate knows what else is known of the item
    a_hj = softmax over j of (q_h(x_last) . k_h(x_j) + recency_h(j) + rating_h(j) + repeats_h(j)),  x = LayerNorm(e)
    u    = O [sum over j of a_hj v_h(x_j)] over all heads h,    score(u, i) = u . e(i) + bias(i)

It is the first layer of SASRec (Kang and McAuley 2018) with buckets of age instead of positions, and without what
stands behind it there: values stay linear, so that what each event added is a_hj v_h(x_j) . e(i), exactly. An item that
nobody has chosen has no id, and stands where its modalities put it; training hides ids and modalities, so that it
learns to.
The network and its training are in attention_network.py; here it is numbers alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.base import Features, Generator, Scores, Tensors, group, grouped
from engine.candidates.spectrum import leading
from engine.config import Attention as Settings
from engine.config import Update
from engine.history import Histories

NAME = "attention"
MODALITIES = ("text", "image", "facts")
"""In this order, and further ones behind them."""
DIRECTIONS = 64
"""Leading directions of each modality that are looked at: as good as all of them, in half the time."""
BATCH_FLOATS = 8_000_000
"""Most floats of events that are attended to at once (32 MB)."""
BUCKETS = 16
"""Of age: 0, 1, 2, 3 to 4 events and so on, each half an octave more."""
EPSILON = 1e-5
"""Of LayerNorm."""
Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Events:
    """The latest events of some users, padded on the left. Shapes (users, length); `real` says which are no padding."""

    items: NDArray[np.int64]
    age: NDArray[np.int64]
    rating: NDArray[np.float32]
    repeats: NDArray[np.float32]
    """log(1 + how often the user had met the item before)."""
    real: NDArray[np.bool_]


def bucket(age: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the buckets of age."""
    return np.minimum((2 * np.log2(age + 1)).astype(np.int64), BUCKETS - 1)


@dataclass(frozen=True)
class Attention:
    """Shapes: space (items, dim + 1), the last column the bias; directions of each modality (its size, directions)."""

    length: int
    rating: tuple[float, float]
    """Mean of the ratings, and deviation."""
    space: NDArray[np.float32]
    weights: Weights
    """As in attention_network.Network, without the ids."""
    directions: Weights
    curves: Mapping[str, list[float]] | None = None
    """How training went; an artefact does not keep it here."""
    name: str = NAME

    @property
    def signals(self) -> tuple[str, ...]:
        return (self.name,)

    def score(self, histories: Histories) -> Scores:
        return np.asarray(self.points(histories) @ self.places.T)

    @property
    def places(self) -> Scores:
        return self.space

    def points(self, histories: Histories) -> Scores:
        """Where each user's attention points to, and a one for the bias."""
        points = np.ones((1, len(histories), self.space.shape[1]), np.float32)
        size = max(1, BATCH_FLOATS // (self.length * self.space.shape[1]))
        for start in range(0, len(histories), size):
            users = slice(start, min(start + size, len(histories)))
            events = latest(histories.take(np.arange(users.start, users.stop)), self.length, self.rating)
            taste = self._heads(self.attend(events)[..., None], self._values[events.items]).sum(2)
            taste = taste.reshape(len(taste), -1) @ self.weights["out.weight"].T
            points[0, users, :-1] = taste
        return points

    def credit(self, history: Histories, item: int) -> Scores:
        events = latest(history, self.length, self.rating)
        found = np.zeros((1, len(history.items)), np.float32)
        if len(history.items):
            share = self.attend(events)  # (1, heads, length)
            towards = self.space[item, :-1] @ self.weights["out.weight"]
            each = self._heads(share[..., None], self._values[events.items])[0]  # (heads, length, dim / heads)
            worth = (each * towards.reshape(len(each), 1, -1)).sum((0, 2))
            worth += share[0].mean(0) * self.space[item, -1]  # the bias belongs to no event, and is shared as they are
            found[0, -events.items.shape[1] :] = worth
        return found

    def attend(self, events: Events) -> NDArray[np.float32]:
        """(users, heads, length) the weight of each event; a user's sum to 1, or to 0 without events."""
        some = events.real[:, -1]
        width = self._keys.shape[1]
        query = self._queries[events.items[:, -1]].reshape(len(some), 1, -1)  # the latest is the last
        ones = np.ones((1, self.heads, 1, 1), np.float32)
        logits = self._heads(ones, query * self._keys[events.items]).sum(3) / np.sqrt(width / self.heads)
        logits += self.weights["recency"][:, bucket(events.age)].transpose(1, 0, 2)
        logits += self.weights["rating"] * events.rating[:, None, :]
        logits += self.weights["repeats"] * events.repeats[:, None, :]
        logits = np.where(events.real[:, None, :], logits, -np.inf)
        logits[~some] = 0
        share = np.exp(logits - logits.max(axis=2, keepdims=True))
        share /= share.sum(axis=2, keepdims=True)
        return np.asarray(share * some[:, None, None], np.float32)

    def _heads(self, share: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(users, heads, length, dim / heads) weighed values, of share (users, heads, length, 1)."""
        users, length, dim = values.shape
        return np.asarray(share * values.reshape(users, length, self.heads, dim // self.heads).transpose(0, 2, 1, 3))

    @property
    def heads(self) -> int:
        return len(self.weights["recency"])

    @cached_property
    def _inputs(self) -> NDArray[np.float32]:
        """(items, dim) what is attended to: LayerNorm of where the items are."""
        at = self.space[:, :-1]
        centred = at - at.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt(centred.var(axis=1, keepdims=True) + EPSILON)
        return np.asarray(scaled * self.weights["norm.weight"] + self.weights["norm.bias"], np.float32)

    def _linear(self, name: str) -> NDArray[np.float32]:
        return np.asarray(self._inputs @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"])

    @cached_property
    def _queries(self) -> NDArray[np.float32]:
        return self._linear("query")

    @cached_property
    def _keys(self) -> NDArray[np.float32]:
        return self._linear("key")

    @cached_property
    def _values(self) -> NDArray[np.float32]:
        return np.asarray(self._inputs @ self.weights["value.weight"].T)

    def grow(self, features: Features) -> "Attention":
        return replace(self, space=np.concatenate([self.space, self._placed(features)]))

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Attention":
        # The place of a known item was learned as one vector, of which its features cannot be taken out again.
        space = self.space.copy()
        space[rows[~known]] = self._placed(features)[~known]
        return replace(self, space=space)

    def _placed(self, features: Features) -> NDArray[np.float32]:
        looks = modalities(features, self.directions)
        return place(self.weights, looks, len(features), self.space.shape[1])

    def tensors(self) -> Tensors:
        own = {"length": np.array(self.length), "scale": np.array(self.rating)}
        return {
            **own,
            "space": self.space,
            **grouped("weights", self.weights),
            **grouped("directions", self.directions),
        }


def curves(generators: Sequence[Generator]) -> dict[str, list[float]]:
    """Loss and learning rate of the attention among these generators, by epoch."""
    found = (one.curves for one in generators if isinstance(one, Attention) and one.curves)
    return {name: list(curve) for each in found for name, curve in each.items()}


def restore(tensors: Tensors) -> Attention:
    mean, deviation = tensors["scale"].tolist()
    space = np.asarray(tensors["space"], np.float32)
    weights, directions = (
        {name: np.asarray(array, np.float32) for name, array in group(kind, tensors).items()}
        for kind in ("weights", "directions")
    )
    return Attention(int(tensors["length"]), (mean, deviation), space, weights, directions)


def fit(histories: Histories, features: Features, config: Settings, seed: int) -> Attention:
    """Train on who chose what after what; time grows with `epochs` times `events` times the items compared with."""
    from engine.candidates import attention_network  # it needs torch, and what it gives does not

    directions = {
        name: leading(sparse.csr_array(features.parts[name], dtype=np.float64), DIRECTIONS)
        for name in (*MODALITIES, *features.more)
    }
    deviation = float(histories.values.std()) if len(histories.values) else 0.0
    rating = (float(histories.values.mean()) if deviation else 0.0, deviation)
    counts = np.bincount(histories.items, minlength=len(features))
    weights, space, curves = attention_network.train(
        events_of(histories, rating), histories.indptr, modalities(features, directions), counts, config, seed
    )
    return Attention(config.length, rating, space, weights, directions, curves)


def update(
    old: Attention, before: Histories, after: Histories, features: Features, config: Settings, warm: Update, seed: int
) -> Attention:
    """Train on from what was learned of `before`, the same users as of `after` in the same order.

    On the histories of those who have new events, and on as many events of others as `warm` says, drawn anew for each
    pass, so that what was learned of them is not forgotten.
    """
    from engine.candidates import attention_network

    rng = np.random.default_rng(seed)
    changed = before.lengths != after.lengths
    others = rng.permutation(np.flatnonzero(~changed & (after.lengths > 1)))
    share = warm.replay * (after.lengths[changed].sum())
    others = others[np.cumsum(after.lengths[others]) <= share]
    some = after.take(np.concatenate([np.flatnonzero(changed), others]))
    looks = modalities(features, old.directions)
    was, now = (np.bincount(each.items, minlength=len(features)) for each in (before, after))
    settings = config.model_copy(update={"epochs": warm.epochs, "learning_rate": config.learning_rate * warm.rate})
    weights, space, curves = attention_network.train(
        events_of(some, old.rating), some.indptr, looks, now, settings, seed,
        attention_network.Start(old.weights, old.space, was),
    )  # fmt: skip
    return replace(old, space=space, weights=weights, curves=curves)


def events_of(histories: Histories, rating: tuple[float, float]) -> Events:
    """All events, flat, as the network takes them."""
    return Events(
        histories.items.astype(np.int64),
        histories.ages,
        rated(histories.values, rating),
        repeats(histories),
        np.ones(len(histories.items), bool),
    )


def modalities(features: Features, directions: Weights) -> list[NDArray[np.float32]]:
    """Each modality but words along its directions, (items, directions); none that no item has."""
    looks = (features.parts[name] @ directions[name] for name in (*MODALITIES, *features.more))
    return [np.asarray(look, np.float32) for look in looks if look.shape[1]]


def rated(values: NDArray[np.float32], rating: tuple[float, float]) -> NDArray[np.float32]:
    """Ratings in deviations from their mean, within three; zeros where all are alike, and for one not known (NaN)."""
    mean, deviation = rating
    deviations: NDArray[np.float32] = np.nan_to_num(((values - mean) / (deviation or np.inf)).clip(-3, 3))
    return deviations.astype(np.float32)


def repeats(histories: Histories) -> NDArray[np.float32]:
    """(events,) log(1 + how often the user had met the item before)."""
    cell = histories.rows * histories.n_items + histories.items
    order = np.argsort(cell, kind="stable")
    new = np.diff(cell[order], prepend=-1) != 0
    place = np.arange(len(cell))
    before = np.empty(len(cell), np.float32)
    before[order] = place - np.maximum.accumulate(np.where(new, place, 0))
    return np.log1p(before)


def latest(histories: Histories, length: int, rating: tuple[float, float]) -> Events:
    """The latest `length` events of each user; as wide as the longest."""
    width = max(1, min(length, int(histories.lengths.max(initial=0))))
    age = np.broadcast_to(np.arange(width)[::-1], (len(histories), width))
    real = age < histories.lengths[:, None]
    at = np.where(real, histories.indptr[1:, None] - 1 - age, 0)
    if not len(histories.items):
        zeros = np.zeros(at.shape, np.float32)
        return Events(np.zeros(at.shape, np.int64), age, zeros, zeros, real)
    return Events(
        histories.items[at].astype(np.int64), age, rated(histories.values[at], rating), repeats(histories)[at], real
    )


def place(weights: Weights, looks: Sequence[NDArray[np.float32]], items: int, width: int) -> NDArray[np.float32]:
    """(items, width) where items without an id are: as attention_network.Network.placed, of those nobody has chosen."""
    if not looks:
        return np.zeros((items, width), np.float32)
    there = np.stack([look.any(axis=1) for look in looks], axis=1).astype(np.float32)
    told = np.pad(there, ((0, 0), (0, 2)))
    gates = there / (1 + np.exp(-(told @ weights["gate.weight"].T + weights["gate.bias"])))
    parts = [look @ weights[f"project.{at}.weight"].T for at, look in enumerate(looks)]
    return np.asarray(sum(gates[:, [at]] * part for at, part in enumerate(parts)), np.float32)
