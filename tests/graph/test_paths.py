"""Explaining paths: what is told, in which order, and in which words."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from graph.build import EDGES, NODES, GraphTables, build
from graph.facts import Facts, facts
from graph.paths import Path, Pathfinder
from graph.store import Edge
from graph.telling import sentence, sentences


def finder(tables: GraphTables, items: list[str]) -> Pathfinder:
    return Pathfinder(tables, facts(tables, items), items)


def bare(dense: np.ndarray, names: list[str], relations: list[str]) -> Pathfinder:
    """Items and facts without a graph behind them."""
    entities = pl.DataFrame({"id": names, "label": names, "name": names, "relation": relations})
    known = Facts(sparse.csr_array(dense.astype(np.float32)), entities)
    nothing = GraphTables(pl.DataFrame(schema=NODES), pl.DataFrame(schema=EDGES))
    return Pathfinder(nothing, known, [str(i) for i in range(len(dense))])


def told(found: list[Path]) -> list[tuple[int, str, str]]:
    return [(path.from_item, path.relation, path.entity) for path in found]


def test_what_two_shoes_share(shop: GraphTables) -> None:
    known = finder(shop, ["1", "2", "3"])
    found = told(known.find([0], 1, 9))
    assert set(found) == {
        (0, "GOES_WITH", "item:2"),  # the graph joins them
        (0, "HAS_COLOUR", "colour:white"),
        (0, "BELONGS_TO", "category:shoes > sport shoes"),
        (0, "BELONGS_TO", "category:shoes"),
    }
    assert found[-1] == (0, "BELONGS_TO", "category:shoes")  # every shoe has it
    assert known.find([], 1, 9) == known.find([1], 1, 9) == []
    assert len(known.find([0], 1, 2)) == 2


def test_from_the_item_with_most_in_common(shop: GraphTables) -> None:
    known = finder(shop, ["1", "2", "3"])
    assert told(known.find([1, 0], 2, 9)) == [
        (0, "HAS_COMPANY", "organisation:nike"),
        (0, "MADE_BY", "brand:nike"),
        (0, "BELONGS_TO", "category:shoes"),
    ]


@pytest.fixture(scope="module")
def outfit() -> Pathfinder:
    items = pl.DataFrame({"item_id": ["shoe", "sock", "tent"], "category": ["Shoes", "Socks", "Tents"]})
    triples = [
        ("category:socks", "accessory of", "category:shoes"),
        ("category:socks", "alias", "袜子"),
        ("category:shoes", "alias", "footwear"),
        ("category:shoes", "alias", "鞋"),
        ("sock", "sequel of", "tent"),
    ]
    table = pl.DataFrame(triples, schema=["head", "relation", "tail"], orient="row")
    return finder(build(items, attributes=[], category="category", triples=table), ["shoe", "sock", "tent"])


def test_what_one_has_belongs_with_what_the_other_has(outfit: Pathfinder) -> None:
    (path,) = outfit.find([0], 1, 9)
    between = Edge("category:socks", "ACCESSORY_OF", "category:shoes")
    assert path.edges == (
        Edge("item:shoe", "BELONGS_TO", "category:shoes"), between, Edge("item:sock", "BELONGS_TO", "category:socks")
    )  # fmt: skip
    assert sentence(path, ["Runner"], "en") == "because you liked Runner: Socks is an accessory of Shoes"
    assert sentence(path, ["跑鞋"], "zh") == "因为你喜欢 跑鞋：袜子是鞋的配件"
    back = outfit.find([1], 0, 9)
    assert back[0].edges[1] == between and back[0].weight == path.weight
    assert sentence(back[0], ["", "Sock"], "en") == "because you liked Sock: Socks is an accessory of Shoes"
    assert outfit.find([0], 2, 9) == []


def test_a_single_edge_is_told_in_its_direction(outfit: Pathfinder) -> None:
    (forward,), (backward,) = outfit.find([1], 2, 9), outfit.find([2], 1, 9)
    assert forward.edges == backward.edges == (Edge("item:sock", "SEQUEL_OF", "item:tent"),)
    titles = ["", "Sock", "Tent"]
    assert sentence(forward, titles, "en") == "because you liked Sock: it is a sequel of this"
    assert sentence(backward, titles, "en") == "because you liked Tent: this is a sequel of it"
    assert sentence(backward, titles, "zh") == "因为你喜欢 Tent：本品是它的续集"


def test_a_relation_told_already_counts_half() -> None:
    # Three rare colours and one less rare brand: the brand is told second.
    dense = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    names = ["red", "blue", "green", "Nike"]
    known = bare(dense, names, ["HAS_COLOUR"] * 3 + ["MADE_BY"])
    found = known.find([0], 1, 4)
    assert [path.entity for path in found] == ["red", "Nike", "blue", "green"]
    assert [path.weight for path in found] == pytest.approx(known.facts.idf[[0, 3, 1, 2]].tolist())


def test_one_entity_over_two_relations_is_told_once() -> None:
    known = bare(np.ones((2, 2)), ["person:x"] * 2, ["HAS_A", "HAS_B"])
    assert told(known.find([0], 1, 5)) == [(0, "HAS_A", "person:x")]


def test_what_one_liked_item_says_is_one_sentence() -> None:
    dense = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 1]])
    known = bare(dense, ["Pixar", "friendship", "1995"], ["HAS_STUDIO", "HAS_THEME", "HAS_YEAR"])
    assert sentences(known.find([0, 1], 2, 5), ["Toy Story", "Heat", ""], "en") == [
        "because you liked Toy Story: same studio Pixar, same theme friendship",
        "because you liked Heat: same year 1995",
    ]


@pytest.mark.parametrize(
    ("relation", "english", "chinese"),
    [
        ("MADE_BY", "same brand {a}", "同一品牌 耐克"),
        ("HAS_DECADE", "same decade {a}", "同一年代 耐克"),
        ("HAS_HEEL_HEIGHT", "same heel height {a}", "同一 heel height 耐克"),
        ("GOES_WITH", "both linked to {a} (goes with)", "都与 耐克 有关（goes with）"),
    ],
)
def test_sentence(relation: str, english: str, chinese: str) -> None:
    edges = (Edge("item:1", relation, "brand:nike"), Edge("item:0", relation, "brand:nike"))
    path = Path(1, edges, ("{a}",), ("耐克",), 2.0)
    titles = ["Superstar", "Air {0} 270"]
    assert sentence(path, titles, "en") == f"because you liked Air {{0}} 270: {english}"
    assert sentence(path, titles, "zh") == f"因为你喜欢 Air {{0}} 270：{chinese}"


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_paths_are_true_and_complete(data: st.DataObject) -> None:
    n, m = data.draw(st.integers(2, 6)), data.draw(st.integers(1, 8))
    cells = data.draw(st.lists(st.lists(st.booleans(), min_size=m, max_size=m), min_size=n, max_size=n))
    dense = np.array(cells, np.float32)
    names = [f"e{j}" for j in range(m)]
    relations = data.draw(st.lists(st.sampled_from(["HAS_A", "HAS_B"]), min_size=m, max_size=m))
    liked = data.draw(st.lists(st.integers(1, n - 1)))
    found = bare(dense, names, relations).find(liked, 0, m)
    shared = {names[j] for j in range(m) if dense[0, j] and any(dense[i, j] for i in liked)}
    assert {path.entity for path in found} == shared and len(found) == len(shared)
    assert all(dense[path.from_item, names.index(path.entity)] for path in found)
