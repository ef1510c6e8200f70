"""Search's BM25, bm25s and rank-bm25 agree to 1e-4, once what the variants do differently is accounted for."""

from random import Random

import bm25s
import numpy as np
import pytest
from rank_bm25 import BM25Okapi

from engine.search.lexical import Lexical, terms

K1, B = 1.5, 0.75
WORDS = ("lamp", "river", "stone", "glass", "paper", "cloud", "tiger", "白色", "winter", "运动鞋", "harbour", "nike")


def texts(seed: int, n: int = 80) -> list[list[str]]:
    """Terms of `n` texts of 1 to 30 words, common ones and rare ones."""
    random = Random(seed)
    shares = [1 / (rank + 1) for rank in range(len(WORDS))]
    return [terms(" ".join(random.choices(WORDS, shares, k=random.randint(1, 30)))) for _ in range(n)]


def by_rank_bm25(documents: list[list[str]], query: list[str]) -> np.ndarray:
    """Its scores with the rarity of Lucene's variant, ln(1 + (n - df + .5) / (df + .5)), and without its factor k1 + 1.

    rank-bm25 has ln((n - df + .5) / (df + .5)), which is negative for a term of more than half of the texts, and puts a
    quarter of the mean in its place.
    """
    index = BM25Okapi(documents, k1=K1, b=B)
    counts = {term: sum(term in document for document in documents) for term in index.idf}
    index.idf = {term: np.log(1 + (len(documents) - df + 0.5) / (df + 0.5)) for term, df in counts.items()}
    return np.asarray(index.get_scores(query)) / (K1 + 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("query", ["winter harbour", "lamp lamp river", "白色运动鞋 nike", "stone unknown"])
def test_the_three_agree(seed: int, query: str) -> None:
    documents, asked = texts(seed), terms(query)
    expected = by_rank_bm25(documents, asked)
    assert expected.max() > 0
    assert Lexical(documents).scores(query) == pytest.approx(expected, abs=1e-4)
    index = bm25s.BM25(k1=K1, b=B, method="lucene")
    index.index(documents, show_progress=False)
    known = [term for term in asked if term in index.vocab_dict]
    assert index.get_scores(known) == pytest.approx(expected, abs=1e-4)


def test_of_rare_terms_the_variants_themselves_nearly_agree() -> None:
    """Where a term is in one text of 80, ln(x) and ln(1 + x) differ by a fiftieth at most."""
    documents = [*texts(0), terms("aardvark lamp")]
    plain = np.asarray(BM25Okapi(documents, k1=K1, b=B).get_scores(["aardvark"])) / (K1 + 1)
    assert Lexical(documents).scores("aardvark") == pytest.approx(plain, rel=0.02)
