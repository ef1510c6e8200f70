"""The fact matrix and its weights: known answers."""

import numpy as np
import polars as pl

from graph.build import EDGES, NODES, GraphTables
from graph.facts import facts, tfidf


def cells(tables: GraphTables, items: list[str]) -> list[set[tuple[str, str]]]:
    found = facts(tables, items)
    columns = found.entities.select("relation", "id").rows()
    dense = found.matrix.toarray()
    assert set(np.unique(dense)) <= {0.0, 1.0}
    return [{columns[j] for j in np.flatnonzero(row)} for row in dense]


def test_facts_with_the_categories_above(shop: GraphTables) -> None:
    first, fourth, unknown, second = cells(shop, ["1", "4", "nobody", "2"])
    assert first == {
        ("HAS_COLOUR", "colour:white"),
        ("HAS_COLOUR", "colour:red"),
        ("HAS_COMPANY", "organisation:nike"),
        ("MADE_BY", "brand:nike"),
        ("BELONGS_TO", "category:shoes > sport shoes"),
        ("BELONGS_TO", "category:shoes"),
        ("GOES_WITH", "item:2"),
        ("R_1", "entity:Phil"),
    }
    assert ("GOES_WITH", "item:1") in second
    assert fourth == unknown == set()


def test_columns_of_earlier_facts_are_kept(shop: GraphTables) -> None:
    old = facts(shop, ["1"])
    new = facts(shop, ["2", "1"], old.entities)
    assert new.entities.equals(old.entities)
    assert np.array_equal(new.matrix.toarray()[1], old.matrix.toarray()[0])
    assert new.matrix.toarray()[0].sum() == 3  # white, sport shoes, shoes


def test_a_cycle_of_categories_ends() -> None:
    nodes = pl.DataFrame([("item:1", "Item", "1"), *[(c, "Category", c) for c in "abc"]], schema=NODES, orient="row")
    edges = [("item:1", "BELONGS_TO", "a"), *[(x, "SUBCATEGORY_OF", y) for x, y in ("ab", "bc", "ca")]]
    found = facts(GraphTables(nodes, pl.DataFrame(edges, schema=EDGES, orient="row")), ["1"])
    assert found.entities["id"].to_list() == ["a", "b", "c"]
    assert found.matrix.toarray().tolist() == [[1, 1, 1]]


def test_tfidf_by_hand(shop: GraphTables) -> None:
    matrix = facts(shop, ["1", "2", "3"]).matrix
    weighted, idf = tfidf(matrix)
    dense = matrix.toarray()
    expected_idf = np.log(4 / (1 + dense.sum(axis=0))) + 1
    expected = dense * expected_idf
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert weighted.dtype == idf.dtype == np.float32
    np.testing.assert_allclose(idf, expected_idf, rtol=1e-6)
    np.testing.assert_allclose(weighted.toarray(), expected, rtol=1e-5)


def test_tfidf_of_nothing_and_with_given_weights(shop: GraphTables) -> None:
    known = facts(shop, ["1", "2", "3"])
    _, idf = tfidf(known.matrix)
    again, same = tfidf(facts(shop, ["nobody", "1"], known.entities).matrix, idf)
    assert same is idf
    dense = again.toarray()
    assert not dense[0].any()
    np.testing.assert_allclose(dense[1], tfidf(known.matrix)[0].toarray()[0], rtol=1e-6)


def test_films_of_a_kind_are_near(films: GraphTables) -> None:
    titles = films.nodes.filter(pl.col("label") == "Item")
    ids = titles["id"].str.strip_prefix("item:").to_list()
    weighted, _ = tfidf(facts(films, ids).matrix)
    bond = titles["name"].to_list().index("GoldenEye")
    near = (weighted @ weighted[[bond]].T).toarray().ravel()
    near[bond] = 0
    assert titles["name"][int(near.argmax())] == "Tomorrow Never Dies"  # the other Bond film
