"""What of search takes long to make, as parts of an artefact: the two indices of words, and the completions.

Only items and the graph are in it, and no user. An artefact without it is searched all the same: then it is made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.artifact import pack_csr, unpack_csr
from engine.search.completions import Completions
from engine.search.lexical import Lexical
from engine.search.suggest import Completer, Keys, keys_of

ARRAYS = "search"
"""The group of tensors."""
TABLES = TEXTS, THINGS = "search_texts", "search_things"
WORDS, CALLED = "words", "called"
NAMES, WRITTEN, SPOKEN = "names", "written", "spoken"
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Kept:
    """The parts of one artefact; empty where it has none."""

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    """Those of here, by name, and those of the vocabulary (engine/search/intent/kept.py)."""
    arrays: Arrays = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.arrays)

    def index(self, name: str, removed: NDArray[np.bool_] | None) -> Lexical:
        """The index of words of this name; `removed`, (items,), as it was when it was kept."""
        return Lexical.of(
            self._texts(name), unpack_csr(name, self.arrays), np.asarray(self.arrays[f"{name}.lengths"]), removed
        )

    def completer(self) -> Completer:
        things = self.tables[THINGS]
        completions = Completions(
            things["kind"].to_list(),
            things["id"].to_list(),
            self._texts(NAMES),
            np.asarray(self.arrays["things"]),
            unpack_csr("members", self.arrays),
        )
        return Completer(completions, self._keys(WRITTEN), self._keys(SPOKEN))

    def _keys(self, name: str) -> Keys:
        return keys_of(self._texts(name), self.arrays[f"{name}.names"], self.arrays[f"{name}.matches"])

    def _texts(self, part: str) -> list[str]:
        texts = self.tables[TEXTS]
        return texts.filter(pl.col("part") == part)["text"].to_list()


def tables(words: Lexical, called: Lexical, completer: Completer) -> dict[str, pl.DataFrame]:
    """The tables to keep; the indices must not have changed since they were made."""
    texts: dict[str, Sequence[str]] = {WORDS: words.terms, CALLED: called.terms, NAMES: completer.of.names}
    texts |= {WRITTEN: completer.written.prefixes.keys, SPOKEN: completer.spoken.prefixes.keys}
    rows = [pl.DataFrame({"part": [part] * len(some), "text": some}, schema=_TEXTS) for part, some in texts.items()]
    things = {"kind": completer.of.kinds, "id": completer.of.ids}
    return {TEXTS: pl.concat(rows), THINGS: pl.DataFrame(things, schema={"kind": pl.String, "id": pl.String})}


_TEXTS = {"part": pl.String, "text": pl.String}


def arrays(words: Lexical, called: Lexical, completer: Completer) -> dict[str, NDArray[Any]]:
    """The arrays to keep, to the same."""
    found = {"things": completer.of.things, **pack_csr("members", completer.of.members)}
    for name, index in ((WORDS, words), (CALLED, called)):
        found |= {**pack_csr(name, index.counts), f"{name}.lengths": index.lengths}
    for name, keys in ((WRITTEN, completer.written), (SPOKEN, completer.spoken)):
        found |= {f"{name}.names": keys.names, f"{name}.matches": keys.matches}
    return found
