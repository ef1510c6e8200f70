"""Attacks on a catalogue, to measure what it stands: fake users who push an item, and items that are made to be found.

Fake users follow Mobasher et al., Toward Trustworthy Recommender Systems (ACM TOIT 2007), as far as choices without
ratings have a counterpart: a profile is the attacked item among fillers. `random` draws fillers evenly, `average` in
proportion to how often they are chosen, as the average person would, and `bandwagon` adds some of the most chosen items
to even ones. Profiles are as long as those of real users, drawn among them, and lie anywhere in time. `segment` (Burke
et al., ICDM 2005) is short and aimed: items that are chosen by the same people, and then the attacked one.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from engine.errors import DataError
from engine.history import Histories
from graph.schema import fold

_WORD = re.compile(r"[^\W_]+")
Kind = Literal["random", "average", "bandwagon", "segment"]
KINDS: tuple[Kind, ...] = get_args(Kind)
BAND, BANDWAGON = 50, 0.2
"""A bandwagon of so many of the most chosen items, and the share of a profile that is drawn from it."""
SEGMENT, AIMED = 20, 10
"""Items of a segment, and how many of them a profile has."""


def fakes(histories: Histories, target: int, users: int, kind: Kind, rng: np.random.Generator) -> Histories:
    """So many made-up `users` who each chose the item `target`, beside the real ones that they imitate.

    Raises DataError for a kind that there is not, and where there are no events to imitate.
    """
    if kind not in KINDS:
        raise DataError(f"there is no attack {kind!r}; there are {', '.join(KINDS)}")
    if not len(histories.items):
        raise DataError("there are no events to imitate: give histories with some")
    popularity = np.bincount(histories.seen().indices, minlength=histories.n_items).astype(np.float64)
    popularity[target] = 0
    if kind == "segment":
        segment = _segment(histories, popularity, target)
        profiles = [_aimed(segment, target, rng) for _ in range(users)]
    else:
        lengths = rng.choice(histories.lengths[histories.lengths > 0], users)
        profiles = [_profile(popularity, target, int(length), kind, rng) for length in lengths]
    sizes = np.array([len(profile) for profile in profiles])
    first, last = int(histories.times.min()), int(histories.times.max())
    times = [np.sort(rng.integers(first, last + 1, size)) for size in sizes]
    return Histories(
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate(profiles).astype(np.int32),
        np.full(sizes.sum(), np.nanmax(histories.values, initial=1), np.float32),
        np.concatenate(times).astype(np.int64),
        histories.n_items,
    )


def _profile(
    popularity: NDArray[np.float64], target: int, length: int, kind: Kind, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The items of one made-up user in any order, `target` among them."""
    possible = np.flatnonzero(popularity)
    length = min(max(length - 1, 1), len(possible))
    if kind == "average":
        fillers = rng.choice(possible, length, replace=False, p=popularity[possible] / popularity.sum())
    elif kind == "random":
        fillers = rng.choice(possible, length, replace=False)
    else:
        band = possible[np.argsort(-popularity[possible], kind="stable")[:BAND]]
        popular = rng.choice(band, min(len(band), max(1, round(BANDWAGON * length))), replace=False)
        rest = rng.choice(np.setdiff1d(possible, popular), length - len(popular), replace=False)
        fillers = np.concatenate([popular, rest])
    return rng.permutation(np.append(fillers, target))


def _segment(histories: Histories, popularity: NDArray[np.float64], target: int) -> NDArray[np.int64]:
    """The most chosen item, and what is chosen most by those who chose it and least by others (cosine)."""
    chosen = histories.seen()
    seed = int(popularity.argmax())
    together = np.asarray(chosen[chosen[:, [seed]].toarray().ravel() > 0].sum(axis=0)).ravel()
    alike = together / np.sqrt(np.maximum(popularity, 1))
    alike[target] = -1
    return np.argsort(-alike, kind="stable")[:SEGMENT]


def _aimed(segment: NDArray[np.int64], target: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.append(rng.choice(segment, min(AIMED, len(segment)), replace=False), target)


def stuffed(text: str, texts: Iterable[str], words: int, times: int) -> str:
    """A text with so many words behind it, those that the most of `texts` have, each so many times."""
    found: Counter[str] = Counter()
    for other in texts:
        found.update(set(_WORD.findall(fold(other))) - set(STOPWORDS_EN))
    popular = sorted(found, key=lambda word: (-found[word], word))[:words]
    return f"{text}\n{' '.join(popular * times)}"
