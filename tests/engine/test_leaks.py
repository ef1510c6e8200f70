"""What users chose never reaches what is known of the items: planted leaks are caught."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Config, Data
from engine.describe import describe
from engine.knowledge import graph_of
from engine.tables import catalogue, leaks
from graph.facts import facts
from graph.interactions import with_interactions

ITEMS = [{"item_id": str(i), "title": f"Item {i}", "genre": [f"g{i % 3}"]} for i in range(1, 13)]
CONFIG = Config(data=Data(attributes=("genre",)))


def events(named: str = "u") -> list[dict[str, object]]:
    return [
        {"user_id": f"{named}{u}", "item_id": str((u * 5 + k) % 12 + 1), "time": k}
        for u in range(1, 9)
        for k in range(4)
    ]


def read(triples: list[tuple[str, str, str]], named: str = "u") -> catalogue.Catalogue:
    table = pl.DataFrame(triples, schema=["head", "relation", "tail"], orient="row")
    return catalogue.from_tables(ITEMS, events(named), CONFIG, triples=table)


@pytest.mark.parametrize(
    "planted",
    [
        lambda u, i: (u, "bought", i),
        lambda u, i: (i, "bought_by", u),
        lambda u, i: (f"user:{u}", "likes", f"item:{i}"),
        lambda u, i: (i, "related", f"user:{u}"),
    ],
    ids=["head", "tail", "both prefixed", "user prefixed"],
)
@pytest.mark.parametrize("named", ["u", ""], ids=["own ids", "users share the ids of items"])
def test_a_planted_leak_is_caught(planted, named: str) -> None:
    leak = [planted(row["user_id"], row["item_id"]) for row in events(named)]
    fair = [("1", "sequel of", "2"), ("3", "owned by", "Phil")]
    read_in = read([*fair, *leak], named)
    assert read_in.triples.rows() == fair
    caught = read_in.rejects.filter(pl.col("reason") == leaks.REASON)
    assert sorted(caught["line"]) == list(range(3, 3 + len(leak)))


def test_edges_between_items_that_look_like_choices_by_chance_stay() -> None:
    # Users are called 1 to 8, as items are: 1 -> 6 is also a choice of user 1.
    fair = [("1", "goes with", str(i)) for i in range(2, 12)]
    assert read(fair, named="").triples.rows() == fair


def test_features_do_not_depend_on_who_chose_what(tmp_path) -> None:
    settings = CONFIG.model_copy(update={"encoders": CONFIG.encoders.model_copy(update={"cache": tmp_path})})
    whole = catalogue.from_tables(ITEMS, events(), settings)
    early = catalogue.from_tables(ITEMS, events()[:5], settings)
    one, other = describe(whole, settings), describe(early, settings)
    for part in ("facts", "words"):
        assert (getattr(one.features, part) != getattr(other.features, part)).nnz == 0
    assert (one.features.text == other.features.text).all()
    assert one.graph.edges.equals(other.graph.edges) and one.graph.nodes.equals(other.graph.nodes)


def test_users_of_a_store_are_no_facts() -> None:
    read_in = read([("1", "sequel of", "2")])
    plain = graph_of(read_in, CONFIG)
    crowded = with_interactions(plain, read_in.interactions)
    assert crowded.edges.height > plain.edges.height
    ids = read_in.items["item_id"].to_list()
    assert facts(crowded, ids).entities.equals(facts(plain, ids).entities)


@given(st.lists(st.tuples(*[st.sampled_from(["a", "b", "1", "user:a", "item:1", ""])] * 3)))
def test_any_triples_get_an_answer_each(rows: list[tuple[str, str, str]]) -> None:
    table = pl.DataFrame(rows, schema=dict.fromkeys(["head", "relation", "tail"], pl.String), orient="row")
    chosen = pl.DataFrame({"user_id": ["a"], "item_id": ["1"]})
    found = leaks.leaking(table, chosen, pl.Series(["1", "b"]))
    assert len(found) == len(rows) and found.dtype == pl.Boolean and not found.has_nulls()
