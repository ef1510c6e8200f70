"""New items that copy a known one: told by vectors and words of their texts, and lent nothing of what it earned.

Who copies the text of a popular item is placed beside it by all that goes by what items are. An item without history
that says nearly the same as one with history is ranked as one of which nothing is known; a search finds it as before.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from engine.candidates.base import Features

NEAR = 0.95
"""Cosine of text vectors, and of words, from which on a text is a copy; both are needed, where there are both."""
BLOCK = 1024


def find(new: Features, known: Features) -> NDArray[np.int64]:
    """Rows of the new items that copy one of the known ones."""
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(new), BLOCK):
        some = new.take(np.arange(start, min(start + BLOCK, len(new))))
        near = (some.words @ known.words.T).toarray() >= NEAR
        if known.text.any():
            near &= some.text @ known.text.T >= NEAR
        found.append(start + np.flatnonzero(near.any(axis=1)))
    return np.concatenate(found)


def unlent(features: Features, known: NDArray[np.bool_], others: Features | None = None) -> Features:
    """The features as items shall be placed by: nothing is said of those without history that copy one with it.

    `known` (items,) says which have a history; it may be a history of `others` too.
    """
    new, old = np.flatnonzero(~known), features.take(np.flatnonzero(known))
    copied = new[find(features.take(new), old if others is None else old.stack(others))]
    said = np.ones(len(features), np.float32)
    said[copied] = 0
    keep = sparse.diags_array(said)
    facts, words = (sparse.csr_array(keep @ one) for one in (features.facts, features.words))
    text, image = (one * said[:, None] for one in (features.text, features.image))
    return replace(features, facts=facts, words=words, text=text, image=image)
