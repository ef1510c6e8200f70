"""Explaining paths: what is told, in which order, and in which words."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from graph.build import GraphTables
from graph.facts import Facts, facts
from graph.paths import Path, paths, sentence


def told(found: list[Path]) -> list[tuple[int, str, str]]:
    return [(path.from_item, path.relation, path.entity) for path in found]


def test_what_two_shoes_share(shop: GraphTables) -> None:
    known = facts(shop, ["1", "2", "3"])
    assert set(told(paths(known, [0], 1, 9))) == {
        (0, "HAS_COLOUR", "colour:white"),
        (0, "BELONGS_TO", "category:shoes > sport shoes"),
        (0, "BELONGS_TO", "category:shoes"),
    }
    assert told(paths(known, [0], 1, 9))[-1] == (0, "BELONGS_TO", "category:shoes")  # every shoe has it
    assert paths(known, [], 1, 9) == paths(known, [1], 1, 9) == []
    assert len(paths(known, [0], 1, 2)) == 2


def test_from_the_first_item_that_has_it(shop: GraphTables) -> None:
    known = facts(shop, ["1", "2", "3"])
    assert told(paths(known, [1, 0], 2, 9)) == [
        (0, "HAS_COMPANY", "organisation:nike"),
        (0, "MADE_BY", "brand:nike"),
        (1, "BELONGS_TO", "category:shoes"),
    ]


def test_a_relation_told_already_counts_half() -> None:
    # Three rare colours and one less rare brand: the brand is told second.
    matrix = sparse.csr_array(np.array([[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], np.float32))
    names = ["red", "blue", "green", "Nike"]
    relations = ["HAS_COLOUR"] * 3 + ["MADE_BY"]
    known = Facts(matrix, pl.DataFrame({"id": names, "label": names, "name": names, "relation": relations}))
    found = paths(known, [0], 1, 4)
    assert [path.entity for path in found] == ["red", "Nike", "blue", "green"]
    assert [path.weight for path in found] == pytest.approx(known.idf[[0, 3, 1, 2]].tolist())


def test_one_entity_over_two_relations_is_told_once() -> None:
    matrix = sparse.csr_array(np.ones((2, 2), np.float32))
    entities = {"id": ["person:x"] * 2, "label": ["Person"] * 2, "name": ["X"] * 2, "relation": ["HAS_A", "HAS_B"]}
    assert told(paths(Facts(matrix, pl.DataFrame(entities)), [0], 1, 5)) == [(0, "HAS_A", "person:x")]


@pytest.mark.parametrize(
    ("relation", "english", "chinese"),
    [
        ("MADE_BY", "same brand 耐克", "同一品牌 耐克"),
        ("HAS_DECADE", "same decade 耐克", "同一年代 耐克"),
        ("HAS_HEEL_HEIGHT", "same heel height 耐克", "同一 heel height 耐克"),
        ("GOES_WITH", "both linked to 耐克 (goes with)", "都与 耐克 有关（goes with）"),
    ],
)
def test_sentence(relation: str, english: str, chinese: str) -> None:
    path = Path(1, relation, "brand:耐克", "耐克", 2.0)
    titles = ["Superstar", "Air Max 270"]
    assert sentence(path, titles, "en") == f"because you liked Air Max 270: {english}"
    assert sentence(path, titles, "zh") == f"因为你喜欢 Air Max 270：{chinese}"


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_paths_are_true_and_complete(data: st.DataObject) -> None:
    n, m = data.draw(st.integers(2, 6)), data.draw(st.integers(1, 8))
    cells = data.draw(st.lists(st.lists(st.booleans(), min_size=m, max_size=m), min_size=n, max_size=n))
    dense = np.array(cells, np.float32)
    names = [f"e{j}" for j in range(m)]
    relations = data.draw(st.lists(st.sampled_from(["HAS_A", "HAS_B"]), min_size=m, max_size=m))
    known = Facts(
        sparse.csr_array(dense), pl.DataFrame({"id": names, "label": names, "name": names, "relation": relations})
    )
    liked = data.draw(st.lists(st.integers(1, n - 1)))
    found = paths(known, liked, 0, m)
    shared = {names[j] for j in range(m) if dense[0, j] and any(dense[i, j] for i in liked)}
    assert {path.entity for path in found} == shared and len(found) == len(shared)
    assert all(dense[path.from_item, names.index(path.entity)] for path in found)
