"""Answers from item texts: the sentence that answers a question best, as it stands there, or none.

A question says whom it is about and what is asked. What an item's title and names in the graph have of it is the first;
the rest must be in the sentence. BM25 and the other signals find the items (engine/search/hybrid.py). A sentence scores
the share of the rest's weight (the idf of BM25) that it has, and how near its vector is to that of the rest.
BM25's own scores have no fixed end; these two do, so a floor can say that nothing answers.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from bm25s.stopwords import STOPWORDS_EN
from numpy.typing import NDArray

from encoders import Vectors
from engine.search import query
from engine.search.lexical import terms
from engine.search.passages import Passage, passages
from graph.schema import fold

LONGEST = 500
"""Characters of a question."""
NEAR_ITEMS = 30
"""Items, the best of a search, whose sentences are looked at."""
MOST_PASSAGES = 300
WEIGHTS = {"words": 0.5, "meaning": 0.5}
ABOUT = 1.0
"""What it is worth that an item is the one asked about; this chooses between items, and is no part of the score."""
FLOOR, FLOOR_WORDS = 0.12, 0.15
"""Of the score with a text encoder and without one: below there is no answer. Chosen by scripts/bench/answers.py."""

_ASKING = {
    *("what", "which", "who", "whose", "when", "where", "why", "how", "does", "do", "did", "is", "are"),
    *("can", "could", "would", "should", "has", "have", "had", "i", "my", "me", "you", "your", "tell"),
    *("about", "any", "there", "made", "many", "much", "kind", "of", "type", "please", "from"),
}  # words of asking
_ASKING_ZH = re.compile(
    "什么样|什么|怎么样|怎么|怎样|如何|多少|哪一?[个种款些里]?|是不是|有没有|能不能|可不可以|是否|可以|请问|"
    "[吗呢吧啊的是有这那它用做在与和及]"
)

Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class Answer:
    """A sentence of an item's text."""

    item_id: str
    title: str
    text: str
    start: int
    """The characters of the item's `text` that it is: from `start` to before `end`."""
    end: int
    score: float
    """From 0 to 1."""


class Answerer:
    """Answers over the texts of one catalogue."""

    def __init__(
        self,
        texts: Sequence[str],
        titles: Sequence[Sequence[str]],
        names: Sequence[Sequence[str]],
        frequencies: Mapping[str, int],
        encode: Encode | None,
    ) -> None:
        """Texts, terms of titles and of names in the graph, by row; `frequencies`: how many items have a term.

        Without `encode` only words count.
        """
        self._texts, self._titles, self._names = texts, titles, names
        self._frequencies, self._encode = frequencies, encode

    def best(self, question: str, rows: Sequence[int]) -> tuple[Passage, float] | None:
        """The best sentence of these items and its score, or None if it is below the floor."""
        found = [one for row in rows for one in passages(self._texts[row], row)][:MOST_PASSAGES]
        asked = asked_terms(question)
        if not found or not asked:
            return None
        weights = {term: self._idf(term) for term in asked}
        about, words = np.array([self._words(one, weights) for one in found]).T
        scores = words
        if self._encode is not None:
            scores = WEIGHTS["words"] * words + WEIGHTS["meaning"] * np.clip(self._meaning(question, found), 0, 1)
        at = int((scores + ABOUT * about).argmax())
        floor = FLOOR_WORDS if self._encode is None else FLOOR
        return (found[at], float(scores[at])) if scores[at] >= floor else None

    def _words(self, passage: Passage, weights: Mapping[str, float]) -> tuple[float, float]:
        """The share of the question's weight that the names of the item have, and that of the rest in the sentence."""
        said, about = set(terms(self._said(passage))), self._about(passage)
        whole = sum(weights.values())
        rest = {term: weight for term, weight in weights.items() if term not in about}
        left = sum(rest.values())
        inside = sum(weight for term, weight in rest.items() if term in said)
        return 1 - left / whole, inside / left if rest else 0.0

    def _meaning(self, question: str, found: Sequence[Passage]) -> NDArray[np.float64]:
        """(passages,) cosine of each with what the question asks beyond the names of its item."""
        assert self._encode is not None
        rests = [_without(question, self._about(one)) for one in found]
        different = list(dict.fromkeys([*rests, *map(self._said, found)]))
        vectors = self._encode(different)
        place = {text: at for at, text in enumerate(different)}
        asked = vectors[[place[rest] for rest in rests]]
        said = vectors[[place[self._said(one)] for one in found]]
        return np.asarray((asked * said).sum(axis=1), np.float64)

    def _about(self, passage: Passage) -> set[str]:
        """What says which item is meant: its title, and its other names but for what the sentence itself tells.

        So `is it white?` still finds `Colour: white.`
        """
        others = set(self._names[passage.item]) - set(terms(self._said(passage)))
        return {*self._titles[passage.item], *others}

    def _said(self, passage: Passage) -> str:
        return self._texts[passage.item][passage.start : passage.end]

    def _idf(self, term: str) -> float:
        """That of Lucene's BM25; a word that no item has weighs most."""
        n = len(self._texts)
        df = self._frequencies.get(term, 0)
        return math.log(1 + (n - df + 0.5) / (df + 0.5))


def checked(question: str) -> str:
    """A question that can be asked. Raises DataError for one without a letter or digit, or too long."""
    return query.checked(question, LONGEST, "question", "what material is it?")


def asked_terms(question: str) -> list[str]:
    """What of a question a sentence can have: no words of asking, unless there are no others."""
    every = dict.fromkeys(terms(question))
    left = dict.fromkeys(terms(_ASKING_ZH.sub(" ", fold(question))))
    return [term for term in left if term not in STOPWORDS_EN and term not in _ASKING] or list(every)


def _without(question: str, about: set[str]) -> str:
    """The question without the words, as blanks divide it, that say which item is meant; all of it if it is no more."""
    kept = [word for word in question.split() if not terms(word) or not about.issuperset(terms(word))]
    return " ".join(kept) or question
