"""A searcher after items were added, changed or removed: parts that were made already change, nothing is made anew.

What is found is what a searcher made anew would find, but for one thing: what makers call a kind of thing is learned
from all titles together (engine/search/intent/learn.py), and stays as it was learned.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from encoders import Vectors
from engine.candidates import Features
from engine.search.hybrid import Searcher
from engine.search.lexical import Lexical, graph_terms, text_terms
from engine.search.nearest import Rows
from graph.build import GraphTables
from graph.facts import facts

OF_LATE = 8
"""A word index is made anew when one in so many of its rows has changed."""
FEWEST = 1000
"""Rows that may change whatever their share."""


def changed(
    searcher: Searcher,
    items: pl.DataFrame,
    graph: GraphTables,
    features: Features,
    removed: NDArray[np.bool_],
    rows: Rows,
) -> Searcher:
    """The searcher after a change of some rows, in order; those from its number of items on are new.

    It has nothing kept for it: what the old one had is in its parts, beside what changed.
    """
    made = Searcher(items, graph, features, searcher.queries, removed)
    there = {*searcher.__dict__, *(("names", "words", "called", "vocabulary") if searcher.kept else ())}
    parts: dict[str, Any] = {}
    if "names" in there:
        parts |= _lexical(searcher, there, items, graph, removed, rows)
    if "vocabulary" in there:
        parts["vocabulary"] = searcher.vocabulary.changed(graph, searcher.items, items, rows)
    if "named" in there:
        parts["named"] = searcher.named.changed(items, made.facts, parts["vocabulary"], rows)
    if "meaning" in there or "meaning" in searcher.indexed:
        parts["meaning"] = searcher.meaning.changed(rows, features.text)
    if "pictures" in there or "picture" in searcher.indexed:
        seen = searcher.queries.pictures(features.image[rows])
        parts["pictures"] = searcher.pictures.changed(rows, _put(searcher.pictures.vectors, rows, seen))
    if "more" in there or searcher.indexed.keys() & features.more.keys():
        parts["more"] = {name: one.changed(rows, features.more[name]) for name, one in searcher.more.items()}
    made.__dict__.update(parts)
    return made


def _lexical(
    searcher: Searcher,
    there: Collection[str],
    items: pl.DataFrame,
    graph: GraphTables,
    removed: NDArray[np.bool_],
    rows: Rows,
) -> dict[str, Any]:
    """Names, and the two indices of words as far as they were made."""
    old = rows[rows < searcher.items.height]
    new = len(rows) - len(old)
    called = graph_terms(graph, facts(graph, items["item_id"][rows].to_list()))
    called_before = [*(searcher.names[row] for row in old.tolist()), *([[]] * new)]
    names = [*searcher.names, *([[]] * new)]
    for row, terms in zip(rows.tolist(), called, strict=True):
        names[row] = terms
    parts: dict[str, Any] = {"names": names}
    if "called" in there and not _many(searcher.called, len(names)):
        parts["called"] = searcher.called.changed(rows, called_before, called, removed)
    if "words" in there and not _many(searcher.words, len(names)):
        said_before = [*text_terms(searcher.items[old]), *([[]] * new)]
        before = [text + other for text, other in zip(said_before, called_before, strict=True)]
        after = [text + other for text, other in zip(text_terms(items[rows]), called, strict=True)]
        parts["words"] = searcher.words.changed(rows, before, after, removed)
    return parts


def _many(index: Lexical, items: int) -> bool:
    return index.late > max(FEWEST, items // OF_LATE)


def _put(vectors: Vectors, rows: Rows, others: Vectors) -> Vectors:
    """The vectors with others in these rows, some of which may lie behind the last."""
    more = max(0, int(rows.max(initial=-1)) + 1 - len(vectors))
    whole = np.concatenate([vectors, np.zeros((more, vectors.shape[1]), vectors.dtype)])
    whole[rows] = others
    return whole
