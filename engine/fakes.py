"""Users who look made up to push one item (shilling), found before anything is learned.

A made-up history is filled with items that do not go together, so the leading factors of who chose what explain little
of it (PCA: Mehta and Nejdl, User Modeling and User-Adapted Interaction 2009). One odd history means nothing, since real
people are odd too; an item whose choosers are odd as a group is what an attack looks like (target item analysis:
Zhou et al., PLoS ONE 2015). With oddness as a rank r from 0 to 1 among n choosers, z = sqrt(12 n) (mean r - 1/2) is
standard normal by chance. Who is odder than half of all users and chose an item beyond Z is a suspect.

Films had no such item with z above 1.7, clean. It finds what does harm, not all there is: docs/robustness.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.factors import item_factors
from engine.history import Histories, Matrix

RANK = 20
"""Factors of taste."""
Z = 3.0
"""From which on an item is taken for attacked. Chosen on three attacked films, not on those that are reported."""
FEWEST_USERS, FEWEST = 100, 5
"""Users, and choosers of an item, of whom something can be said."""


@dataclass(frozen=True)
class Suspects:
    """Rows of the suspected users, and of the items that they seem to push."""

    users: NDArray[np.int64]
    items: NDArray[np.int64]

    def without(self, histories: Histories) -> Histories:
        """The histories of everybody else."""
        return histories.take(np.setdiff1d(np.arange(len(histories)), self.users))


def find(histories: Histories) -> Suspects:
    """Whom to suspect; nobody among few users."""
    chosen = histories.seen().astype(np.float64)
    nobody = Suspects(np.zeros(0, np.int64), np.zeros(0, np.int64))
    lengths = np.diff(chosen.indptr)
    if np.count_nonzero(lengths) < FEWEST_USERS:
        return nobody
    rank = ranks(oddness(chosen))
    popularity = np.bincount(chosen.indices, minlength=histories.n_items)
    z = np.sqrt(12 / np.maximum(popularity, 1)) * (chosen.T @ (rank - 0.5))
    items = np.flatnonzero((z > Z) & (popularity >= FEWEST))
    if not len(items):
        return nobody
    pushes = chosen[:, items].sum(axis=1) > 0
    return Suspects(np.flatnonzero(pushes & (rank > 0.5)), items)


def oddness(chosen: Matrix) -> NDArray[np.float64]:
    """(users,) share of each history that the factors do not explain, popular items counting less; 0 for an empty one.

    `chosen` is (users, items), ones.
    """
    popularity = np.maximum(np.bincount(chosen.indices, minlength=chosen.shape[1]), 1)
    damped = sparse.csr_array(chosen @ sparse.diags_array(popularity**-0.5))
    explained = np.square(damped @ item_factors(damped, RANK)).sum(axis=1)
    whole = np.asarray(damped.multiply(damped).sum(axis=1)).ravel()
    return np.asarray(np.where(whole > 0, 1 - explained / np.maximum(whole, 1e-12), 0), np.float64)


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the place of each among all, from 0 to 1; equal ones by their order."""
    places = np.empty(len(values))
    places[np.argsort(values, kind="stable")] = np.arange(len(values))
    return (places + 0.5) / len(values)
