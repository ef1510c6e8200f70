"""What an item is, as features: graph facts, words, and vectors of its text, picture and further modalities.

New items are described alike.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse

import encoders
from encoders import EmbeddingStore, Encoded, Encoder, PictureError, pictures
from encoders.modality import Modality, open_modality
from engine.candidates import Features
from engine.candidates.base import DENSE
from engine.config import Config
from engine.history import Matrix
from engine.knowledge import graph_of
from engine.tables.catalogue import Catalogue
from engine.tables.items import CELLS
from graph.build import GraphTables
from graph.facts import Facts, facts, rarity, tfidf

Progress = Callable[[str, int, int], None]
Thing = TypeVar("Thing")
MOST_WORDS = 50_000
TOKEN = re.compile(r"[a-z0-9]{2,}|[\u4e00-\u9fff]+")


@dataclass(frozen=True)
class Vocabulary:
    """What the columns of the sparse features stand for, and how much each weighs."""

    entities: pl.DataFrame
    facts_idf: NDArray[np.float32]
    words: tuple[str, ...]
    words_idf: NDArray[np.float32]


class Opened(Protocol):
    """Encoders that are opened once, when they are first needed."""

    @property
    def text(self) -> Encoder[str]: ...

    @property
    def image(self) -> Encoder[Image.Image]: ...

    def modality(self, name: str) -> Modality: ...


@dataclass(frozen=True)
class Described:
    """Items as features, with the tables and counts that they came from."""

    features: Features
    vocabulary: Vocabulary
    graph: GraphTables
    facts: Facts
    encoded: dict[str, Encoded]
    """By name of the modality."""

    @property
    def rejects(self) -> list[tuple[str, int, str]]:
        """Column, row and reason of each cell of which an encoder could make nothing."""
        columns = {name: name if name in DENSE else f"{CELLS}{name}" for name in self.encoded}
        return [(columns[name], *bad) for name, one in self.encoded.items() for bad in one.rejects]


def describe(
    catalogue: Catalogue,
    config: Config,
    vocabulary: Vocabulary | None = None,
    progress: Progress | None = None,
) -> Described:
    """Features of the items of a catalogue, in their order, and their graph.

    With a `vocabulary` they are in the columns of earlier ones.
    """
    return described(catalogue.items, graph_of(catalogue, config), config, vocabulary, progress)


def described(
    items: pl.DataFrame,
    tables: GraphTables,
    config: Config,
    vocabulary: Vocabulary | None = None,
    progress: Progress | None = None,
    opened: Opened | None = None,
) -> Described:
    """The same of some items of a graph; `opened` has the encoders of `config`, where they are open already."""
    found = facts(tables, items["item_id"].to_list(), None if vocabulary is None else vocabulary.entities)
    words, counts = word_counts(items["text"].to_list(), None if vocabulary is None else vocabulary.words)
    if vocabulary is None:
        vocabulary = Vocabulary(found.entities, rarity(found.matrix), words, rarity(counts))
    encoded = encode(items, config, progress, opened)
    features = Features(
        tfidf(found.matrix, vocabulary.facts_idf)[0],
        tfidf(counts, vocabulary.words_idf)[0],
        encoded["text"].vectors,
        encoded["image"].vectors,
        relation_numbers(vocabulary.entities),
        {name: encoded[name].vectors for name in config.modalities},
    )
    return Described(features, vocabulary, tables, found, encoded)


def relation_numbers(entities: pl.DataFrame) -> NDArray[np.int64]:
    """(entities,) the relation of each, numbered in the order of their names."""
    return entities["relation"].rank("dense").to_numpy().astype(np.int64) - 1


def encode(
    items: pl.DataFrame,
    config: Config,
    progress: Progress | None = None,
    opened: Opened | None = None,
) -> dict[str, Encoded]:
    """Vectors of each modality, by name; texts or pictures that are switched off have rows of one zero."""
    store = EmbeddingStore(config.encoders.cache, config.encoders.half)
    off = Encoded(np.zeros((items.height, 1), np.float32), np.zeros(items.height, bool), 0, 0, [])
    text = image = off
    if config.encoders.text:
        words = opened.text if opened else encoders.open_text(config.encoders.text, config.encoders.passages)
        texts = items["text"].to_list()
        words, how = _faster(words, config, len(texts), lambda number: _some([t for t in texts if t.strip()], number))
        text = replace(store.texts(words, texts, _named("texts", progress)), how=how)
    if config.encoders.image:
        paths = [None if path is None else Path(path) for path in items["image"]]
        looks = opened.image if opened else encoders.open_image(config.encoders.image)
        known = [path for path in paths if path is not None]
        looks, how = _faster(looks, config, len(known), lambda number: _readable(_some(known, number)))
        image = replace(store.images(looks, paths, _named("pictures", progress)), how=how)
    found = {"text": text, "image": image}
    for name, settings in config.modalities.items():
        modality = opened.modality(name) if opened else open_modality(settings.encoder)
        found[name] = modality.encoded(store, items[f"{CELLS}{name}"].to_list(), _named(name, progress))
    return found


def _faster(
    encoder: Encoder[Thing], config: Config, many: int, sample: Callable[[int], Sequence[Thing]]
) -> tuple[Encoder[Thing], str]:
    """A way to encode many things that is quicker and agrees, and how it was chosen, if one was."""
    settings = config.encoders
    if not settings.fast or many < encoders.FEW:
        return encoder, ""
    from encoders import fast

    quicker, choice = fast.faster(encoder, settings.cache / "fast", sample, settings.agreement, config.threads)
    return quicker, "" if choice is None else str(choice)


def _some(things: Sequence[Thing], number: int) -> list[Thing]:
    """About as many of different things, spread evenly."""
    different = list(dict.fromkeys(things))
    return different[:: max(1, len(different) // number)][:number]


def _readable(paths: Sequence[Path]) -> list[Image.Image]:
    found = []
    for path in paths:
        with suppress(PictureError):
            found.append(pictures.load(path))
    return found


def word_counts(texts: Sequence[str], vocabulary: Sequence[str] | None = None) -> tuple[tuple[str, ...], Matrix]:
    """The words, and (texts, words) log counts: 1 + ln(times). Words in one text only say nothing of others."""
    from sklearn.feature_extraction.text import CountVectorizer  # a second of imports, and not for those who ask

    counter = CountVectorizer(
        analyzer=tokens,
        vocabulary=vocabulary or None,
        min_df=2 if vocabulary is None and len(texts) > 2 else 1,
        max_features=None if vocabulary else MOST_WORDS,
        dtype=np.float32,
    )
    empty: Matrix = sparse.csr_array(np.zeros((len(texts), 0), np.float32))
    if vocabulary is not None and not len(vocabulary):
        return (), empty
    try:
        counts = sparse.csr_array(counter.fit_transform(texts) if vocabulary is None else counter.transform(texts))
    except ValueError:  # scikit-learn's answer to texts without a single word
        return (), empty
    counts.data = (1 + np.log(counts.data)).astype(np.float32)
    return tuple(str(word) for word in counter.get_feature_names_out()), counts


def tokens(text: str) -> list[str]:
    """Latin words and pairs of neighbouring Chinese characters, which stand for words there."""
    found = []
    for run in TOKEN.findall(text.lower()):
        found += [run] if run.isascii() else [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    return found


def _named(what: str, progress: Progress | None) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(what, done, total)
