"""Whether the text around a name speaks of the node: cosines of text vectors, against what is usual for its kind."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graph.build import GraphTables
from graph.link.aliases import Forms
from graph.schema import ALIAS, ITEM, USER

Encode = Callable[[list[str]], NDArray[np.float32]]
"""Texts to (n, d) float32 rows of length 1; an empty text gives zeros."""

PEERS, FEWEST = 40, 6
"""Nodes of the label that a node is compared with, at most and at least."""
SAMPLE, TOLD = 30, 10
"""Items of a node that are looked at for its description, and names that it tells."""
SPREAD = 0.02
"""Added to the standard deviation, lest a label of like nodes makes much of nothing."""


class Fit(NamedTuple):
    """How a window of text fits a node."""

    cosine: float
    """Of the window and the description of the node"""
    above: float | None
    """By how many deviations that is above the cosines of like nodes; None where too few are there to tell"""
    word: float | None
    """The same of the window and the bare name: a text about orchards is near to the word apple"""


class Describer:
    """Says what a node is in words: its name, its label, and what it is met with most."""

    def __init__(self, tables: GraphTables, forms: Forms) -> None:
        self._forms = forms
        self._names = dict(tables.nodes.select("id", "name").iter_rows())
        self._next: dict[str, list[str]] = {}
        self._items: dict[str, list[str]] = {}
        users = set(tables.nodes.filter(tables.nodes["label"] == USER)["id"])
        for head, relation, tail in tables.edges.iter_rows():
            if relation == ALIAS or head in users or tail in users:
                continue
            for node, other in ((head, tail), (tail, head)):
                there = self._items if forms.labels.get(other) == ITEM else self._next
                there.setdefault(node, []).append(other)

    def describe(self, node: str) -> str:
        """One line, such as `Brand: Phones, Headphones, United States`.

        Its own name is not in it: the word `apple` alone would make a brand of that name akin to every orchard.
        """
        met: Counter[str] = Counter()
        for item in islice(self._items.get(node, []), SAMPLE):
            met.update(other for other in self._next.get(item, []) if other != node)
        telling = {other: count / math.sqrt(len(self._items[other])) for other, count in met.items() if count > 1}
        most = sorted(telling, key=lambda other: (-telling[other], other))[:TOLD]
        own = self._names[node].casefold()
        names = [self._names[other] for other in [*most, *self._next.get(node, [])[:TOLD]]]
        around = ", ".join(dict.fromkeys(name for name in names if own not in name.casefold()))
        return f"{self._forms.labels[node]}: {around}"


class Context:
    """Compares windows of text with descriptions of nodes."""

    def __init__(self, describer: Describer, forms: Forms, encode: Encode) -> None:
        self._describer, self._encode = describer, encode
        by_label: dict[str, list[str]] = {}
        for node in sorted(forms.labels):
            by_label.setdefault(forms.labels[node], []).append(node)
        self._peers = {label: nodes[:: max(1, len(nodes) // PEERS)][:PEERS] for label, nodes in by_label.items()}
        self._labels, self._names = forms.labels, forms.names
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def fit(self, windows: Sequence[str], asked: Sequence[tuple[int, str, str]]) -> list[Fit]:
        """How the windows fit what may be meant, for each (window, node, form) of `asked`.

        Each window, node and form is encoded once.
        """
        if not asked:
            return []
        labels = {self._labels[node] for _, node, _ in asked}
        peers = {label: self._peers[label] for label in labels if len(self._peers[label]) >= FEWEST}
        described = {node for _, node, _ in asked} | {peer for several in peers.values() for peer in several}
        names = {label: [self._names[peer] for peer in several] for label, several in peers.items()}
        words = {form for _, _, form in asked} | {name for several in names.values() for name in several}
        self._learn({node: self._describer.describe(node) for node in sorted(described)})
        self._learn({f"word {word}": word for word in sorted(words)})
        distinct = list(dict.fromkeys(windows))
        place = {window: row for row, window in enumerate(distinct)}
        around = self._encode(distinct)  # (windows, d)
        meant = {label: self._usual(around, several) for label, several in peers.items()}
        said = {label: self._usual(around, [f"word {name}" for name in several]) for label, several in names.items()}
        found = []
        for window, node, form in asked:
            row, label = place[windows[window]], self._labels[node]
            cosine = float(around[row] @ self._vectors[node])
            word = float(around[row] @ self._vectors[f"word {form}"])
            if label not in peers:
                found.append(Fit(cosine, None, None))
                continue
            (mean, deviation), (plain, spread) = meant[label], said[label]
            found.append(Fit(cosine, (cosine - mean[row]) / deviation[row], (word - plain[row]) / spread[row]))
        return found

    def _usual(self, around: NDArray[np.float32], keys: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and deviation, (windows,) each, of the cosines of windows with several vectors."""
        cosines = np.float64(around @ np.stack([self._vectors[key] for key in keys]).T)  # (windows, keys)
        return cosines.mean(axis=1), cosines.std(axis=1) + SPREAD

    def _learn(self, texts: dict[str, str]) -> None:
        """Keep the vectors of texts that are not known yet."""
        fresh = {key: text for key, text in texts.items() if key not in self._vectors}
        if fresh:
            self._vectors |= dict(zip(fresh, self._encode(list(fresh.values())), strict=True))
