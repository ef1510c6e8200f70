"""Which generators there are, how each is fitted, and how it comes back from an artefact."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.candidates import (
    als,
    attention,
    content,
    ease,
    ease_update,
    factors,
    gnn,
    interest,
    neighbours,
    popular,
    prior,
    transitions,
)
from engine.candidates.base import Features, Generator, ItemToItem, Tensors
from engine.candidates.popular import Popularity
from engine.config import Candidates, Config
from engine.history import Histories

log = logging.getLogger(__name__)

FIT: Mapping[str, Callable[[Histories, Features, Config], Generator]] = {
    "ease": lambda histories, features, config: ease.fit(histories, config.candidates.ease),
    "als": lambda histories, features, config: als.fit(histories, config.candidates.als, config.seed),
    "neighbours": lambda histories, features, config: neighbours.fit(histories, config.candidates.neighbours),
    "transitions": lambda histories, features, config: transitions.fit(
        "transitions", histories, config.candidates.transitions
    ),
    "later": lambda histories, features, config: transitions.fit("later", histories, config.candidates.later),
    "attention": lambda histories, features, config: attention.fit(
        histories, features, config.candidates.attention, config.seed
    ),
    "popularity": lambda histories, features, config: popular.fit(histories),
    "content": lambda histories, features, config: content.fit(histories, features, config.candidates.content),
    "gnn": lambda histories, features, config: gnn.fit(histories, features, config.candidates.gnn, config.seed),
    "interest": lambda histories, features, config: interest.fit(
        features, config.candidates.interest, config.candidates.content
    ),
    "prior": lambda histories, features, config: prior.fit(
        histories, features, config.candidates.prior, config.candidates.content, config.seed
    ),
}


@dataclass(frozen=True)
class News:
    """What a generator learns further from: the same users in the same order, and the same items, before and after."""

    before: Histories
    after: Histories
    features: Features
    config: Config
    whole: bool = True
    """Whether what can only be fitted anew is; or else it waits for more."""

    @property
    def candidates(self) -> Candidates:
        return self.config.candidates


UPDATE: Mapping[str, Callable[[Any, News], Generator]] = {
    "ease": lambda old, news: ease_update.update(old, news.before, news.after, news.candidates.ease),
    "als": lambda old, news: als.alternate(news.after, old.factors, news.candidates.als, news.config.update.rounds),
    "neighbours": lambda old, news: neighbours.fit(news.after, news.candidates.neighbours),
    "transitions": lambda old, news: transitions.update(old, news.before, news.after, news.candidates.transitions),
    "later": lambda old, news: transitions.update(old, news.before, news.after, news.candidates.later),
    "attention": lambda old, news: attention.update(
        old, news.before, news.after, news.features, news.candidates.attention, news.config.update, news.config.seed
    ),
    "popularity": lambda old, news: popular.fit(news.after),
    "content": lambda old, news: (
        content.fit(news.after, news.features, news.candidates.content)
        if news.whole and met_items(news.after) <= news.config.update.anew
        else factors.update(
            old, news.before, news.after, news.candidates.content.power, news.candidates.content.max_items
        )
    ),
    "gnn": lambda old, news: factors.update(
        old, news.before, news.after, news.candidates.gnn.power, news.candidates.gnn.max_items
    ),
    "interest": lambda old, news: old,
    "prior": lambda old, news: FIT["prior"](news.after, news.features, news.config) if news.whole else old,
}
"""The generator that has learned from new events, from the one before. What takes long stays: where the graph network
puts items, and among many items the kernel ridge, whose time is cubic in them."""
RESTORE: Mapping[str, Callable[[Tensors], Generator]] = {
    "ease": ease.restore,
    "als": als.restore,
    "neighbours": lambda tensors: ItemToItem.from_tensors("neighbours", tensors),
    "transitions": lambda tensors: ItemToItem.from_tensors("transitions", tensors),
    "later": lambda tensors: ItemToItem.from_tensors("later", tensors),
    "attention": attention.restore,
    "popularity": lambda tensors: Popularity(tensors["log_count"].astype("float32")),
    "content": content.restore,
    "gnn": gnn.restore,
    "interest": interest.restore,
    "prior": prior.restore,
}
SLOW = {"attention", "gnn"}
"""Generators whose fits are most of a build."""
DESCRIBED = {"content", "gnn", "interest", "prior"}
"""Generators that learn from what items are, and learn nothing where nothing is known of them."""


def met_items(histories: Histories) -> int:
    """How many items anybody met."""
    return len(np.unique(histories.items))


def enabled(config: Config, features: Features) -> tuple[str, ...]:
    """Names of the generators that the configuration switches on and the features and their number allow."""
    wanted = [name for name in FIT if getattr(config.candidates, name).enabled]
    if "attention" in wanted and len(features) > config.candidates.attention.max_items:
        log.info("attention: left out, since there are more items than its max_items")
        wanted.remove("attention")
    return tuple(name for name in wanted if name not in DESCRIBED or not features.empty)


def fit_all(histories: Histories, features: Features, config: Config, only: Collection[str]) -> list[Generator]:
    """Fit the generators named, in the registry's order."""
    return fit_timed(histories, features, config, only)[0]


def fit_timed(
    histories: Histories, features: Features, config: Config, only: Collection[str]
) -> tuple[list[Generator], dict[str, float]]:
    """The same, and the seconds of the processor that each took."""
    generators, seconds = [], {}
    for name, fit in FIT.items():
        if name in only:
            start = time.process_time()
            generators.append(fit(histories, features, config))
            seconds[name] = time.process_time() - start
    return generators, seconds


def update_all(generators: Sequence[Generator], news: News) -> tuple[list[Generator], dict[str, float]]:
    """Each generator after new events, in the same order, and the seconds of the processor that it took."""
    made, seconds = [], {}
    for old in generators:
        start = time.process_time()
        made.append(UPDATE[old.name](old, news))
        seconds[old.name] = time.process_time() - start
    return made, seconds


def restore(groups: Mapping[str, Tensors]) -> list[Generator]:
    """Generators from their tensors by name, in the registry's order."""
    return [RESTORE[name](groups[name]) for name in RESTORE if name in groups]
