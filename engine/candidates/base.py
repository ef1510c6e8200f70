"""Candidate generators: each scores every item from a history, and says what each event of it was worth.

Every generator but popularity and prior, which ask for no history, is linear in the weighted history h (1, items): a
score is h @ operator. That makes a user a history (nothing is trained per user) and makes explanations exact (event j
adds h_j * operator[j, item]).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.history import Histories, Matrix

Scores = NDArray[np.float32]
Tensors = Mapping[str, NDArray[np.generic]]


SPARSE, DENSE = ("facts", "words"), ("text", "image")
"""Modalities that every catalogue may have; what else a configuration names comes behind them."""


@dataclass(frozen=True)
class Features:
    """What items are, without who chose them. Rows are items; a missing modality is a row of zeros.

    facts (items, entities) and words (items, terms) are TF-IDF rows of length 1; text and image are unit vectors;
    relations (entities,) numbers the relation over which the graph says each entity of an item, from 0. `more` has the
    unit vectors of further modalities, (items, dim) each, by name in the order of the names.
    """

    facts: Matrix
    words: Matrix
    text: NDArray[np.float32]
    image: NDArray[np.float32]
    relations: NDArray[np.int64]
    more: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.facts.shape[0])

    @property
    def vectors(self) -> dict[str, NDArray[np.float32]]:
        """The modalities that are unit vectors, by name."""
        return {"text": self.text, "image": self.image, **self.more}

    @property
    def parts(self) -> dict[str, Any]:
        """Every modality, by name."""
        return {"facts": self.facts, "words": self.words, **self.vectors}

    @classmethod
    def of(cls, parts: Mapping[str, Any], relations: NDArray[np.int64]) -> "Features":
        """From every modality by name, as `parts` gives them."""
        more = {name: part for name, part in parts.items() if name not in SPARSE + DENSE}
        return cls(parts["facts"], parts["words"], parts["text"], parts["image"], relations, more)

    def take(self, items: NDArray[np.int64]) -> "Features":
        """The features of some items, in the order given."""
        return Features.of({name: part[items] for name, part in self.parts.items()}, self.relations)

    @property
    def empty(self) -> bool:
        """Whether nothing is known of any item."""
        return not any(says(part) for part in self.parts.values())

    def blank(self, n: int) -> "Features":
        """Of `n` items of which nothing is known, in the columns of these."""
        widths = {name: part.shape[1] for name, part in self.parts.items()}
        return Features.of({name: nothing(name, n, width) for name, width in widths.items()}, self.relations)

    def put(self, rows: NDArray[np.int64], other: "Features") -> "Features":
        """These items, where those in `rows` are as the other features say, in their order."""
        order = np.arange(len(self))
        order[rows] = len(self) + np.arange(len(rows))
        said = {name: sparse.csr_array(sparse.vstack([getattr(one, name) for one in (self, other)])) for name in SPARSE}
        parts: dict[str, Any] = {name: sparse.csr_array(both[order]) for name, both in said.items()}
        for name, vectors in self.vectors.items():
            parts[name] = vectors.copy()
            parts[name][rows] = other.parts[name]
        return Features.of(parts, self.relations)

    def stack(self, other: "Features") -> "Features":
        """These items, then the others."""
        both = {name: (part, other.parts[name]) for name, part in self.parts.items()}
        sparse_parts = {name: sparse.csr_array(sparse.vstack(both[name])) for name in SPARSE}
        dense_parts = {name: np.concatenate(pair) for name, pair in both.items() if name not in SPARSE}
        return Features.of(sparse_parts | dense_parts, self.relations)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays to keep in an artefact, by name."""
        kept: dict[str, NDArray[Any]] = {"text": self.text, "image": self.image, "relations": self.relations}
        for name in SPARSE:
            kept |= grouped(name, csr_parts(getattr(self, name)))
        return kept | grouped("more", self.more)

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> "Features":
        """The features that gave these arrays; others may stand beside them."""
        text, image = (np.asarray(tensors[name], np.float32) for name in DENSE)
        more = {name: np.asarray(array, np.float32) for name, array in sorted(group("more", tensors).items())}
        facts, words = (csr_from(tensors, name) for name in SPARSE)
        return cls(facts, words, text, image, tensors["relations"].astype(np.int64), more)


def nothing(name: str, n: int, width: int) -> Any:
    """A modality of `n` items of which it says nothing."""
    zeros = np.zeros((n, width), np.float32)
    return sparse.csr_array(zeros) if name in SPARSE else zeros


def says(part: Any) -> bool:
    """Whether a modality says anything of any item."""
    return bool(part.any()) if isinstance(part, np.ndarray) else part.nnz > 0


class Generator(Protocol):
    """One way to score candidates. It gives one or more signals, all from the same fitted operator."""

    @property
    def name(self) -> str: ...

    @property
    def signals(self) -> tuple[str, ...]:
        """Names of the signals, `name` or `name.variant`."""
        ...

    def score(self, histories: Histories) -> Scores:
        """(signals, users, items) scores of every item."""
        ...

    def credit(self, history: Histories, item: int) -> Scores:
        """(signals, events) what each event of one user's history adds to the score of `item`."""
        ...

    def grow(self, features: Features) -> "Generator":
        """The same generator with further items, placed by what they are; `features` holds the new ones only."""
        ...

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "Generator":
        """The same generator where the items in `rows` are what `features` say, (rows,); what was learned of them from
        histories stays. `known`, (rows,), says of which something was.
        """
        ...

    def tensors(self) -> Tensors:
        """The arrays to keep in an artefact, by name."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A generator that puts users and items among factors: a signal is the product of a user's point and the places."""

    @property
    def places(self) -> Scores:
        """(items, dim)"""
        ...

    def points(self, histories: Histories) -> Scores:
        """(signals, users, dim)"""
        ...


@dataclass(frozen=True)
class ItemToItem:
    """A sparse (items, items) operator, read from histories that fade at one or more half-lives."""

    name: str
    half_lives: tuple[float, ...]
    """In events: after so many later events a past one weighs half."""
    matrix: Matrix

    @property
    def signals(self) -> tuple[str, ...]:
        return variants(self.name, self.half_lives)

    def score(self, histories: Histories) -> Scores:
        found = np.zeros((len(self.half_lives), len(histories), histories.n_items), np.float32)
        (ends, items), weights = histories.met, histories.faded(self.half_lives)
        for user, (start, stop) in enumerate(pairwise(ends.tolist())):
            rows = rows_of(self.matrix, items[start:stop])
            for out, weight in zip(found[:, user], weights[:, start:stop], strict=True):
                out[:] = rows @ weight
        return found

    def credit(self, history: Histories, item: int) -> Scores:
        column = self.matrix[history.items][:, [item]]  # rows first: they are few
        return np.asarray(fading(history, self.half_lives) * dense(column)[:, 0])

    def grow(self, features: Features) -> "ItemToItem":
        n = self.matrix.shape[0] + len(features)
        ends = np.pad(self.matrix.indptr, (0, len(features)), mode="edge")
        return replace(self, matrix=sparse.csr_array((self.matrix.data, self.matrix.indices, ends), shape=(n, n)))

    def change(self, rows: NDArray[np.int64], features: Features, known: NDArray[np.bool_]) -> "ItemToItem":
        return self

    def tensors(self) -> Tensors:
        # Sums of products have 64 bits for their places, and need them from two billion cells on.
        index = np.int32 if self.matrix.nnz < 2**31 else np.int64
        parts = {"indices": self.matrix.indices.astype(index), "indptr": self.matrix.indptr.astype(index)}
        return {"half_lives": np.array(self.half_lives), "data": self.matrix.data, **parts}

    @classmethod
    def from_tensors(cls, name: str, tensors: Tensors) -> "ItemToItem":
        half_lives = tuple(tensors["half_lives"].tolist())
        n = len(tensors["indptr"]) - 1
        parts = (tensors["data"], tensors["indices"], tensors["indptr"])
        return cls(name, half_lives, sparse.csr_array(parts, shape=(n, n)))


def rows_of(matrix: Matrix, rows: NDArray[np.int32]) -> "sparse.csc_array[np.float32]":
    """(columns, rows) some rows of a matrix, as columns; scipy's own way to them checks more than there is time for."""
    starts, stops = matrix.indptr[rows], matrix.indptr[rows + 1]
    cuts = [slice(*each) for each in zip(starts.tolist(), stops.tolist(), strict=True)] or [slice(0, 0)]
    data, indices = (np.concatenate([part[cut] for cut in cuts]) for part in (matrix.data, matrix.indices))
    indptr = np.zeros(len(rows) + 1, indices.dtype)
    np.cumsum(stops - starts, out=indptr[1:])
    return sparse.csc_array((data, indices, indptr), shape=(matrix.shape[1], len(rows)))


COLUMNS = 4096
"""Items whose scores are worked out at once, so that what they are made from is still in the cache."""


def variants(name: str, half_lives: tuple[float, ...]) -> tuple[str, ...]:
    """Signal names: `ease.10` for a half-life of ten events, `ease.all` for a history that does not fade."""
    return tuple(f"{name}.{'all' if np.isinf(h) else format(h, 'g')}" for h in half_lives)


def fading(history: Histories, half_lives: tuple[float, ...]) -> Scores:
    """(half_lives, events) the weight of each event of one history; of a repeated item only the latest counts."""
    weights = np.exp2(-history.ages[None, :] / np.array(half_lives)[:, None])
    reverse = history.items[::-1]
    _, latest = np.unique(reverse, return_index=True)
    counts = np.zeros(len(reverse), bool)
    counts[len(reverse) - 1 - latest] = True
    return np.asarray(weights * counts, np.float32)


def dense(matrix: Any) -> Scores:
    """A plain array of a sparse or dense matrix."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.float32)


def most_chosen(popularity: NDArray[Any], most: int) -> NDArray[np.int64]:
    """Rows, in order, of the items that most users chose: at most `most`, and none that nobody did."""
    ranked = np.argsort(-popularity, kind="stable")[: min(most, int((popularity > 0).sum()))]
    return np.sort(ranked)


def grouped(name: str, tensors: Tensors) -> dict[str, NDArray[np.generic]]:
    """The same tensors, named as a group within others; `group` gives them back."""
    return {f"{name}.{key}": array for key, array in tensors.items()}


def group(name: str, tensors: Tensors) -> dict[str, NDArray[np.generic]]:
    """The tensors of one group, by their own names."""
    return {key.removeprefix(f"{name}."): array for key, array in tensors.items() if key.startswith(f"{name}.")}


def csr_parts(matrix: Matrix) -> Tensors:
    """The arrays of a sparse matrix, by name."""
    shape = np.array(matrix.shape)
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": shape}


def csr_from(tensors: Tensors, part: str) -> Matrix:
    """The sparse matrix whose arrays are `part.data` and so on."""
    data, indices, indptr, shape = (tensors[f"{part}.{name}"] for name in ("data", "indices", "indptr", "shape"))
    rows, columns = shape.tolist()
    return sparse.csr_array((data, indices, indptr), shape=(rows, columns))
