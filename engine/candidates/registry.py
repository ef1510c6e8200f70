"""Which generators there are, how each is fitted, and how it comes back from an artefact."""

import logging
import time
from collections.abc import Callable, Collection, Mapping

from engine.candidates import als, attention, content, ease, gnn, interest, neighbours, popular, prior, transitions
from engine.candidates.base import Features, Generator, ItemToItem, Tensors
from engine.candidates.popular import Popularity
from engine.config import Config
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
DESCRIBED = {"content", "gnn", "interest", "prior"}
"""Generators that learn from what items are, and learn nothing where nothing is known of them."""


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


def restore(groups: Mapping[str, Tensors]) -> list[Generator]:
    """Generators from their tensors by name, in the registry's order."""
    return [RESTORE[name](groups[name]) for name in RESTORE if name in groups]
