"""The grammar of rules, and walks over a graph that can be checked by eye."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import sparse

from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.rules import Rules
from graph.walks import Walks


def rules(*given: dict) -> Rules:
    named = ({"name": f"r{number}", **rule} for number, rule in enumerate(given))
    return Rules.model_validate({"rule": list(named)})


def rows(matrix) -> list[list[int]]:
    return [np.flatnonzero(row).tolist() for row in matrix.toarray()]


def starts(*users: list[int], n: int = 4) -> sparse.csr_array:
    dense = np.zeros((len(users), n), np.float32)
    for user, items in enumerate(users):
        dense[user, items] = 0.5
    return sparse.csr_array(dense)


@pytest.fixture
def walks(shop: GraphTables) -> Walks:
    return Walks(shop, ["1", "2", "3", "4"])


def test_a_step_goes_along_a_relation_or_against_it(walks: Walks) -> None:
    # 1 goes with 2, and 3 is joined to 2 by a relation of Chinese letters, which the graph refused.
    assert rows(walks.reach(starts([0], [1]), [">GOES_WITH"])) == [[1], []]
    assert rows(walks.reach(starts([0], [1]), ["<GOES_WITH"])) == [[], [0]]


def test_a_walk_of_several_steps(walks: Walks) -> None:
    # Nike made 1 and 3; a walk out to the maker and back ends where it began, too.
    assert rows(walks.reach(starts([0], [1], [0, 1], []), [">MADE_BY", "<MADE_BY"])) == [[0, 2], [1], [0, 1, 2], []]
    up_and_down = [">BELONGS_TO", ">SUBCATEGORY_OF", "<SUBCATEGORY_OF"]
    assert rows(walks.reach(starts([0]), up_and_down)) == [[]]  # it ends at categories: no item is reached


def test_what_items_share(walks: Walks) -> None:
    shared = walks.sharing("MADE_BY")
    assert shared.shape[0] == 4
    assert shared[[0]].indices.tolist() == shared[[2]].indices.tolist() != shared[[1]].indices.tolist()
    assert shared[[3]].nnz == 0


@pytest.mark.parametrize(
    ("node", "items"),
    [
        ("brand:nike", [0, 2]),
        ("category:shoes", [0, 1, 2]),
        ("category:shoes > leather", [2]),
        ("colour:white", [0, 1]),
        ("item:2", [0]),
        ("entity:Phil", [0]),
        ("nothing", []),
    ],
)
def test_who_has_a_node_or_one_below_it(walks: Walks, node: str, items: list[int]) -> None:
    assert np.flatnonzero(walks.having(node)).tolist() == items


def test_a_cycle_of_categories_ends() -> None:
    nodes = pl.DataFrame([("item:1", "Item", "1"), *[(c, "Category", c) for c in "abc"]], schema=NODES, orient="row")
    edges = [("item:1", "BELONGS_TO", "a"), *[(x, "SUBCATEGORY_OF", y) for x, y in ("ab", "bc", "ca")]]
    walks = Walks(GraphTables(nodes, pl.DataFrame(edges, schema=EDGES, orient="row")), ["1", "of no graph"])
    assert [walks.having(node).tolist() for node in "abc"] == [[True, False]] * 3


def test_an_unknown_relation_or_node_is_told_with_the_nearest(walks: Walks) -> None:
    with pytest.raises(GraphError, match=r"no relation MADEBY; the nearest is MADE_BY"):
        walks.step(">MADEBY")
    assert walks.nearest("brand:nikee") == "brand:nike"
    assert walks.nearest("brand:nike") is None


@given(
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from("PQ"), st.integers(0, 7)), max_size=30, unique=True),
    st.lists(st.sampled_from([">P", "<P", ">Q", "<Q"]), min_size=1, max_size=3),
    st.sets(st.integers(0, 3)),
)
def test_walks_agree_with_walking(edges: list, walk: list[str], begin: set[int]) -> None:
    """The products against a search by hand, on any small graph of four items and four other nodes."""
    names = [f"item:{n}" if n < 4 else f"entity:{n}" for n in range(8)]
    nodes = pl.DataFrame([(name, "Item", name) for name in names], schema=NODES, orient="row")
    always = [(0, "P", 1), (0, "Q", 1)]  # so that both relations exist
    table = [(names[a], r, names[b]) for a, r, b in {*edges, *always}]
    walks = Walks(GraphTables(nodes, pl.DataFrame(table, schema=EDGES, orient="row")), ["0", "1", "2", "3"])
    here = set(begin)
    for step in walk:
        pairs = [(a, b) if step[0] == ">" else (b, a) for a, r, b in {*edges, *always} if r == step[1:]]
        here = {b for a, b in pairs if a in here}
    assert rows(walks.reach(starts(sorted(begin)), walk)) == [sorted(item for item in here if item < 4)]


# The grammar


def test_every_kind_is_read_and_kept() -> None:
    read = rules(
        {"kind": "boost", "walk": ["ACCESSORY_OF"], "weight": 1, "min_value": 3},
        {"kind": "bury", "node": "brand:nike", "weight": 0.5, "from": date(2026, 1, 1), "until": "2026-02-01"},
        {"kind": "exclude", "items": {"category": "Shoes"}, "users": {"age_group": ["18-24", "50+"]}},
        {"kind": "require", "items": {"stock": [1, float("inf")], "price": [float("-inf"), 500], "year": 1999}},
        {"kind": "at_most", "relation": "HAS_COLLECTION", "n": 1, "top": 5, "enabled": False},
    )
    assert read.rule[0].walk == (">ACCESSORY_OF",)
    assert read.rule[3].items == {"stock": (1, None), "price": (None, 500), "year": 1999}
    assert Rules.model_validate(read.plain()) == read


@pytest.mark.parametrize(("day", "names"), [("2025-12-31", "ac"), ("2026-01-01", "abc"), ("2026-02-02", "a")])
def test_days_are_both_within(day: str, names: str) -> None:
    hidden = {"kind": "exclude", "node": "x"}
    read = Rules.model_validate(
        {
            "rule": [
                {"name": "a", **hidden},
                {"name": "b", **hidden, "from": "2026-01-01", "until": "2026-02-01"},
                {"name": "c", **hidden, "until": "2026-02-01"},
                {"name": "d", **hidden, "enabled": False},
            ]
        }
    )
    assert "".join(rule.name for rule in read.at(datetime.fromisoformat(day).replace(tzinfo=UTC)).rule) == names


@pytest.mark.parametrize(
    ("dates", "before", "first", "last", "after"),
    [
        (
            {"from": "2026-11-27T20:00:00+08:00", "until": "2026-11-27T22:00:00+08:00"},
            "2026-11-27T11:59:59Z", "2026-11-27T12:00:00Z", "2026-11-27T13:59:59Z", "2026-11-27T14:00:00Z",
        ),
        (
            {"from": "2026-11-27", "until": "2026-11-27", "zone": "Asia/Shanghai"},
            "2026-11-26T15:59:59Z", "2026-11-26T16:00:00Z", "2026-11-27T15:59:59Z", "2026-11-27T16:00:00Z",
        ),
        (  # the day has 23 hours: clocks go forward
            {"from": "2026-03-29", "until": "2026-03-29", "zone": "Europe/Berlin"},
            "2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z",
        ),
        (  # summer on one end, winter on the other
            {"from": "2026-10-24T12:00", "until": "2026-10-25T12:00", "zone": "America/New_York"},
            "2026-10-24T15:59:59Z", "2026-10-24T16:00:00Z", "2026-10-25T15:59:59Z", "2026-10-25T16:00:00Z",
        ),
        (
            {"from": "2026-10-31T12:00", "until": "2026-11-01T12:00", "zone": "America/New_York"},
            "2026-10-31T15:59:59Z", "2026-10-31T16:00:00Z", "2026-11-01T16:59:59Z", "2026-11-01T17:00:00Z",
        ),
        (  # a time that says its zone is not in that of the rule
            {"from": "2026-01-01T00:00:00Z", "until": "2026-01-02", "zone": "Asia/Shanghai"},
            "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-02T15:59:59Z", "2026-01-02T16:00:00Z",
        ),
        (
            {"from": datetime(2026, 1, 1, 8, 30), "until": "9999-12-31"},
            "2026-01-01T08:29:59Z", "2026-01-01T08:30:00Z", "9999-12-30T00:00:00Z", None,
        ),
    ],
)  # fmt: skip
def test_times_and_time_zones(dates: dict, before: str, first: str, last: str, after: str | None) -> None:
    read = rules({"kind": "exclude", "node": "x", **dates})
    moments = [datetime.fromisoformat(one) for one in (before, first, last, after) if one]
    assert [bool(read.at(moment).rule) for moment in moments] == [False, True, True, False][: len(moments)]
    assert Rules.model_validate(read.plain()) == read


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"kind": "exclude"}, "does not say which items"),
        ({"kind": "exclude", "node": "x", "from": "2026-13-01"}, "a day or a time"),
        ({"kind": "exclude", "node": "x", "from": 20261127}, "a day or a time"),
        ({"kind": "exclude", "node": "x", "from": "2026-11-27T20:00:00+99:00"}, "a day or a time"),
        ({"kind": "exclude", "node": "x", "zone": "../../etc/passwd"}, "a time zone"),
        ({"kind": "exclude", "node": "x", "zone": "Mars/Olympus"}, "a time zone"),
        ({"kind": "exclude", "node": "x", "from": "2026-11-27", "until": "2026-11-26T23:00:00"}, "`until` is before"),
        (
            {"kind": "exclude", "node": "x", "from": "2026-11-27T01:00Z", "until": "2026-11-27T01:00Z"},
            "`until` is before",
        ),
        ({"kind": "pin", "node": "x"}, "places"),
        ({"kind": "pin", "node": "x", "places": 0}, "a place is wanted"),
        ({"kind": "sponsored", "node": "x", "places": [1, 1]}, "a place is wanted"),
        ({"kind": "sponsored", "node": "x", "places": ["1"]}, "a place is wanted"),
        ({"kind": "sponsored", "node": "x", "places": True}, "a place is wanted"),
        ({"kind": "age_limit", "node": "x"}, "min_age"),
        ({"kind": "age_limit", "node": "x", "min_age": 0}, "greater than or equal to 1"),
        ({"kind": "sensitive", "node": "x"}, "topic"),
        ({"kind": "sensitive", "topic": "t"}, "does not say which items"),
        ({"kind": "require", "walk": [">P"]}, "Extra inputs"),
        ({"kind": "exclude", "node": "x", "weight": 1}, "Extra inputs"),
        ({"kind": "boost", "node": "x"}, "weight"),
        ({"kind": "boost", "node": "x", "weight": -1}, "greater than 0"),
        ({"kind": "boost", "node": "x", "weight": 1e9}, "less than or equal to 100"),
        ({"kind": "boost", "node": "x", "weight": float("nan")}, "finite"),
        ({"kind": "boost", "node": "x", "weight": "1"}, "valid number"),
        ({"kind": "boost", "node": "x", "weight": True}, "valid number"),
        ({"kind": "boost", "node": "x", "weight": 1, "min_value": 3}, "there is none"),
        ({"kind": "boost", "walk": [], "weight": 1}, "at least 1"),
        ({"kind": "boost", "walk": [">P"] * 4, "weight": 1}, "at most 3"),
        ({"kind": "boost", "walk": [">P`) DETACH DELETE n //"], "weight": 1}, "a step is a relation"),
        ({"kind": "boost", "walk": ["__import__('os')"], "weight": 1}, "a step is a relation"),
        ({"kind": "at_most", "relation": "A-B"}, "pattern"),
        ({"kind": "at_most", "relation": "A", "n": 0}, "greater than or equal to 1"),
        ({"kind": "at_most", "relation": "A", "n": 1.0}, "valid integer"),
        ({"kind": "exclude", "items": {}}, "at least 1"),
        ({"kind": "exclude", "items": {"a": {"b": 1}}}, "a text, a number"),
        ({"kind": "exclude", "items": {"a": True}}, "a text, a number"),
        ({"kind": "exclude", "items": {"a": float("inf")}}, "finite"),
        ({"kind": "exclude", "items": {"a": [float("inf"), 1]}}, "finite"),
        ({"kind": "exclude", "items": {"a": 10**400}}, "too large"),
        ({"kind": "exclude", "items": {"a": "\ud800"}}, "half a character"),
        ({"kind": "exclude", "items": {"a": ["x"] * 1001}}, "at most 1000"),
        ({"kind": "exclude", "node": "x", "from": "2026-02-01", "until": "2026-01-01"}, "before `from`"),
        ({"kind": "exclude", "node": "x", "from": 20260201}, "a day or a time"),
        ({"kind": "exclude", "node": "x", "from": "2026-02-31"}, "a day or a time"),
        ({"kind": "exclude", "node": "x", "enabled": "yes"}, "valid boolean"),
        ({"kind": "exclude", "node": "x", "name": "a\x1b[31m"}, "printable"),
        ({"kind": "exclude", "node": "x", "name": "a\nb"}, "printable"),
        ({"kind": "exclude", "node": "x", "name": "\u202eabc"}, "printable"),
        ({"kind": "exclude", "node": "x", "name": " a"}, "printable"),
        ({"kind": "exclude", "node": "x", "name": ""}, "at least 1"),
        ({"kind": "exclude", "node": "x", "name": "n" * 81}, "at most 80"),
        ({"kind": "eval", "node": "x"}, "expected tags"),
    ],
)
def test_what_is_refused(rule: dict, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        rules(rule)


def test_names_are_given_once() -> None:
    with pytest.raises(ValidationError, match="two rules are called"):
        rules({"kind": "exclude", "node": "x", "name": "Ａ b"}, {"kind": "exclude", "node": "x", "name": "a B"})
    with pytest.raises(ValidationError, match="at most 200"):
        rules(*[{"kind": "exclude", "node": "x"}] * 201)
