"""What the tables say already: the facts of each item, and how often a form in a text agrees with them."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.build import GraphTables
from graph.facts import facts, tfidf

SHRINK = 2.0
"""Texts that each form is taken to have been in besides, half of them in agreement."""


class Known:
    """The facts of the items of a graph."""

    def __init__(self, tables: GraphTables, item_ids: Sequence[str]) -> None:
        found = facts(tables, item_ids)
        self._rows = {item: row for row, item in enumerate(item_ids)}
        self._matrix = tfidf(found.matrix)[0]
        self._by_fact = sparse.csc_array(self._matrix)
        self._columns: dict[str, list[int]] = {}
        for column, node in enumerate(found.entities["id"]):
            self._columns.setdefault(node, []).append(column)
        self._relation = found.entities["relation"].to_list()
        nodes = found.entities["id"].to_list()
        rows = [found.matrix.indices[start:end] for start, end in pairwise(found.matrix.indptr)]
        self._facts = [{nodes[column] for column in row} for row in rows]
        self._relations = [{self._relation[column] for column in row} for row in rows]

    def has(self, item: str, node: str) -> bool:
        """Whether the tables give the item this fact; false for an item that they do not know."""
        row = self._rows.get(item)
        return row is not None and node in self._facts[row]

    def agreement(self, pairs: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], float]:
        """How reliable it is that a form in a text means a node, from 0 to 1, by (form, node).

        `pairs` are (item, form, node) of all matches. Of the items whose text has the form and that have any fact of
        the node's relation, the share that has this one, shrunk to a half. It is how `family` is known to mean a genre
        seldom and `comedy` nearly always: the tables label the texts (distant supervision, Mintz et al. 2009).
        """
        met: Counter[tuple[str, str]] = Counter()
        agreed: Counter[tuple[str, str]] = Counter()
        for item, form, node in set(pairs):
            row = self._rows.get(item)
            relations = {self._relation[column] for column in self._columns.get(node, ())}
            if row is None or not relations & self._relations[row]:
                continue
            met[form, node] += 1
            agreed[form, node] += node in self._facts[row]
        return {pair: (agreed[pair] + SHRINK / 2) / (count + SHRINK) for pair, count in met.items()}

    def coherence(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """(len(pairs),) how like an item is to the items of a node, against the mean item, as a clipped log of ratios.

        Likeness is the cosine of facts weighed by rarity; the fact in question is left out of both. 0 where either is
        not known.
        """
        result = np.zeros(len(pairs))
        if not pairs or not self._matrix.shape[0]:
            return result
        usual: NDArray[np.float64] = np.asarray(self._matrix.mean(axis=0)).ravel()
        centres: dict[str, NDArray[np.float64]] = {}
        for place, (item, node) in enumerate(pairs):
            row, columns = self._rows.get(item), self._columns.get(node)
            if row is None or not columns:
                continue
            if node not in centres:
                centres[node] = self._centre(columns)
            mine = slice(*self._matrix.indptr[row : row + 2])
            at, weights = self._matrix.indices[mine], self._matrix.data[mine].copy()
            for column in columns:
                weights[at == column] = 0
            if weights.any():
                here, there = float(weights @ centres[node][at]), float(weights @ usual[at])
                result[place] = max(-2.0, min(2.0, math.log((here + 0.02) / (there + 0.02))))
        return result

    def _centre(self, columns: list[int]) -> NDArray[np.float64]:
        """(facts,) the mean of the items that have a fact."""
        rows = np.unique(self._by_fact[:, columns].indices)
        return np.asarray(self._matrix[rows].mean(axis=0), np.float64).ravel()
