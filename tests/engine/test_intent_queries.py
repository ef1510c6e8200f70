"""Queries labelled by hand: how well they are understood. tests/data/intent/README.md says what is labelled and how."""

import pytest

from engine.search.intent import Vocabulary
from scripts.bench import intent as bench
from tests.engine.outside import MOVIELENS

LEAST = 0.9
"""F1 that was wanted; docs/benchmarks.md has what was reached."""


@pytest.fixture(scope="module")
def vocabularies() -> dict[str, Vocabulary]:
    """The shop's, and the films' where they are."""
    made = {"shop": bench.shop()}
    return made | {"films": bench.films(MOVIELENS)} if MOVIELENS.exists() else made


@pytest.mark.parametrize(("split", "size"), [("dev", 150), ("test", 150), ("fresh", 76)])
def test_every_query_is_labelled_once_and_names_nodes_that_there_are(vocabularies, split, size):
    rows = bench.read(split)
    assert len({row["query"] for row in rows}) == len(rows) == size
    for row in rows:
        assert {"query", "source", "language", "kinds", "entities", "constraints", "intent"} <= row.keys()
        if row["source"] in vocabularies:
            known = vocabularies[row["source"]].names.labels
            assert all(node in known for one in row["entities"] for node in one["nodes"])
            assert all(node in known for node in row.get("optional", ()))


def test_the_parts_share_no_query():
    rows = [row["query"] for split in ("dev", "test", "fresh") for row in bench.read(split)]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("split", ["dev", "test", "fresh"])
def test_most_of_what_is_meant_is_understood(vocabularies, split):
    rows = [row for row in bench.read(split) if row["source"] in vocabularies]
    pairs = list(zip(rows, bench.understood(rows, vocabularies), strict=True))
    assert bench.add(bench.entities(*pair) for pair in pairs).figures[2] >= LEAST
    assert bench.add(bench.constraints(*pair) for pair in pairs).figures[2] >= LEAST
    assert bench.add(bench.constraints(*pair, attributes=False) for pair in pairs).figures[2] >= LEAST
    assert sum(row["intent"] == found.kind for row, found in pairs) >= LEAST * len(rows)


def test_mistakes_are_counted():
    """A score that cannot fail would say nothing."""
    row = {"entities": [{"nodes": ["colour:red"], "negated": False}, {"nodes": ["brand:nike"], "negated": True}]}
    row |= {"constraints": [{"field": "price", "low": None, "high": 50.0, "unit": "USD"}]}
    found = bench.parse("under 50")
    assert bench.entities(row, found) == (0, 0, 0, 2)
    assert bench.constraints(row, found) == (0, 1, 0, 1)  # the currency is missing
    assert bench.constraints(row, bench.parse("under $50")).figures == (1, 1, 1)
