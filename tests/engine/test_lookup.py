"""Histories that grow event by event are those that would be made from all events at once."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import growth, history, lookup
from engine.lookup import Lookup
from engine.tables.catalogue import Catalogue

ITEMS = ["a", "b", "c"]
EVENT = st.tuples(st.sampled_from("uvwxyz"), st.sampled_from(ITEMS), st.integers(1, 5))
COLUMNS = {"user_id": pl.String, "item_id": pl.String, "value": pl.Float64, "time": pl.Int64}


def tables(events: list[tuple[str, str, int]]) -> Catalogue:
    rows = [(user, item, float(number), when) for number, (user, item, when) in enumerate(events)]
    items = pl.DataFrame({"item_id": ITEMS, "title": ITEMS})
    nothing = pl.DataFrame()
    return Catalogue(items, pl.DataFrame(rows, COLUMNS, orient="row"), nothing, nothing, nothing)


@pytest.mark.parametrize("most", [1, 2000])
@settings(deadline=None, max_examples=60)
@given(parts=st.lists(st.lists(EVENT, max_size=6), min_size=1, max_size=6))
def test_growing_gives_what_a_fresh_start_gives(parts: list[list[tuple[str, str, int]]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "MOST_LATER", most)
        events = parts[0]
        grown = Lookup(tables(events), np.zeros(len(ITEMS), bool))
        for part in parts[1:]:
            events = events + part
            grown = grown.with_events(tables(events))
    fresh, users = Lookup(tables(events), np.zeros(len(ITEMS), bool)), [*"zyxwvu", "nobody"]
    for asked in (users, users[:1], []):
        one, other = grown.histories(asked), fresh.histories(asked)
        for name in ("indptr", "items", "values", "times"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert grown.popularity.tolist() == fresh.popularity.tolist()
    assert [grown.knows(user) for user in users] == [fresh.knows(user) for user in users]


def test_events_that_come_one_by_one_lie_in_few_pieces() -> None:
    before = tables([("u", "a", 1)] * 3)
    whole, each = before, [tables([("v", "b", number)]).interactions for number in range(3 * growth.MOST_PIECES)]
    for one in each:
        whole = growth.with_events(whole, one)
        assert whole.interactions.n_chunks() <= growth.MOST_PIECES
    assert whole.interactions.equals(pl.concat([before.interactions, *each]))


def test_merged_keeps_what_stood_first_at_the_same_time() -> None:
    one = history.from_frame(tables([("u", "a", 2), ("v", "b", 1)]).interactions, ["u", "v"], {"a": 0, "b": 1, "c": 2})
    two = history.from_frame(tables([("u", "c", 2), ("u", "b", 1)]).interactions, ["u", "v"], {"a": 0, "b": 1, "c": 2})
    assert history.merged(one, two).items.tolist() == [1, 0, 2, 1]
