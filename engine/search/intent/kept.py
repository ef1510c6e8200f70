"""A vocabulary as tables of an artefact: what takes long to learn. The rest is read from the graph and items again."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from engine.search.intent.names import Name, Names, around
from engine.search.intent.vocabulary import Vocabulary, learned
from graph.build import GraphTables

Tables = Mapping[str, pl.DataFrame]
SPELLINGS, WITHIN, WORDS = "vocabulary_spellings", "vocabulary_within", "vocabulary_words"
TABLES: Mapping[str, pl.Schema] = {
    SPELLINGS: pl.Schema({"form": pl.String, "node": pl.String, "kind": pl.String, "score": pl.Float64,
                          "owner": pl.String, "capitals": pl.Boolean}),
    WITHIN: pl.Schema({"form": pl.String, "owner": pl.String}),
    WORDS: pl.Schema({"word": pl.String, "items": pl.Int64}),
}  # fmt: skip
"""Columns by table; the order of rows counts, for of two that are called alike the first may be meant."""


def tables(vocabulary: Vocabulary) -> dict[str, pl.DataFrame]:
    """What `restored` needs beside the graph and the items. No user is in it: no query names one."""
    names = vocabulary.names
    rows: dict[str, list[tuple[Any, ...]]] = {
        SPELLINGS: [(form, *name) for form, several in names.by_key.items() for name in several],
        WITHIN: list(names.within.items()),
        WORDS: list(vocabulary.words.items()),
    }
    return {name: pl.DataFrame(rows[name], schema=columns, orient="row") for name, columns in TABLES.items()}


def restored(kept: Tables, graph: GraphTables, items: pl.DataFrame) -> Vocabulary:
    """The vocabulary that gave these tables, of the same graph and items."""
    same: dict[str, str] = {}  # a node stands in many rows, and one text of its id is enough
    by_key: dict[str, list[Name]] = {}
    for form, node, kind, score, owner, capitals in kept[SPELLINGS].iter_rows():
        name = Name(same.setdefault(node, node), same.setdefault(kind, kind), score, owner, capitals)
        by_key.setdefault(form, []).append(name)
    names = Names(by_key, *around(graph), dict(kept[WITHIN].iter_rows()))
    return learned(names, Counter(dict(kept[WORDS].iter_rows())), graph, items)
