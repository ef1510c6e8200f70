"""Items added, changed and removed while others search: every answer is that of some whole state, and none is late."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine import Engine
from engine import config as configuration
from engine.config import Config
from engine.errors import UnknownIdError
from engine.search import dense, hybrid, nearest
from engine.search.hybrid import Searcher
from engine.tables import catalogue

IDS = [f"i{n}" for n in range(8)]
TITLES = ["red shoe", "blue shoe", "red hat", "green tea", "tea cup", "Nike Air", "蓝色 跑鞋", "?"]
BRANDS = ["Nike", "Adidas", "Puma", None]
DATA = {"text": ["title"], "brand": "brand", "attributes": ["colour"], "numeric": ["price"]}
QUERIES = ["red shoe", "blue", "nike", "tea", "跑鞋", "shoe under 50", "green"]


def row(item: str, title: str, brand: str | None, colour: str, price: float) -> dict[str, object]:
    return {"item_id": item, "title": title, "brand": brand, "colour": [colour], "price": price}


def build(folder: Path, rows: list[dict[str, object]], text: str = "") -> Engine:
    """An engine over a few items with what learns least."""
    tree = {
        "data": DATA,
        "encoders": {"text": text, "image": "", "clip": "", "cache": str(folder / "cache")},
        "candidates": {name: {"enabled": name in ("content", "popularity")} for name, _ in Config().candidates},
        "fusion": {"gate": False, "rerank": False},
        "graph": {"store": "none"},
    }
    chosen = configuration.resolve(Config.model_validate(tree), folder)
    events = [{"user_id": f"u{n}", "item_id": one["item_id"], "time": n} for n, one in enumerate(rows)]
    events += [{"user_id": "u0", "item_id": one["item_id"], "time": 99} for one in rows[1:]]
    triples = pl.DataFrame([{"head": "brand:nike", "relation": "alias", "tail": "耐克"}])
    return Engine.build(catalogue.from_tables(rows, events, chosen, triples=triples), chosen)


FIRST = [row(IDS[n], TITLES[n], BRANDS[n % 3], "red" if n % 2 else "blue", 10.0 * n) for n in range(4)]

any_row = st.builds(
    row,
    st.sampled_from(IDS),
    st.sampled_from(TITLES),
    st.sampled_from(BRANDS),
    st.sampled_from(["red", "blue", "green"]),
    st.sampled_from([5.0, 40.0, 90.0]),
)


def found(engine: Engine, query: str) -> set[str]:
    return {one.item_id for one in engine.search(query, n=100)}


class Changes(RuleBasedStateMachine):
    """An engine beside a dictionary of what it should hold, and a searcher made anew of the same tables."""

    folder: Path
    built: Engine

    @initialize()
    def begin(self) -> None:
        self.engine = replace(self.built)
        self.model = {str(one["item_id"]): one for one in FIRST}
        self.ever = set(self.model)
        self.engine.search("red shoe")  # the indices are there before the first change

    @rule(rows=st.lists(any_row, min_size=1, max_size=4, unique_by=lambda one: one["item_id"]))
    def add(self, rows: list[dict[str, object]]) -> None:
        new = [one for one in rows if one["item_id"] not in self.model]
        added = self.engine.add_items(rows)
        assert sorted(added) == sorted(str(one["item_id"]) for one in new)
        self.model |= {str(one["item_id"]): one for one in new}
        self.ever |= self.model.keys()

    @rule(rows=st.lists(any_row, min_size=1, max_size=4, unique_by=lambda one: one["item_id"]))
    def change(self, rows: list[dict[str, object]]) -> None:
        there = [one for one in rows if one["item_id"] in self.model]
        changed = self.engine.change_items(rows)
        assert sorted(changed) == sorted(str(one["item_id"]) for one in there)
        self.model |= {str(one["item_id"]): one for one in there}

    @rule(ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True))
    def remove(self, ids: list[str]) -> None:
        if set(ids) <= self.model.keys() and len(self.model) > len(ids):
            self.engine.remove_items(ids)
            for item in ids:
                del self.model[item]
        elif not set(ids) <= self.model.keys():
            with pytest.raises(UnknownIdError):
                self.engine.remove_items(ids)

    @rule(query=st.sampled_from(QUERIES))
    def as_if_made_anew(self, query: str) -> None:
        state = self.engine.state
        fresh = Searcher(state.catalogue.items, state.graph, state.ranker.features, state.queries, state.removed)
        signals, share = state.searcher.signals(query)
        anew, anew_share = fresh.signals(query)
        assert share == anew_share
        for name, scores in signals.items():
            assert np.allclose(scores, anew[name], atol=1e-9), name
        assert found(self.engine, query) <= self.model.keys()

    @rule()
    def saved_and_loaded(self) -> None:
        self.engine.save(self.folder / "artefact")
        loaded = Engine.load(self.folder / "artefact")
        assert loaded.recommend(history=[], n=100) == self.engine.recommend(history=[], n=100)
        for query in QUERIES[:2]:
            assert loaded.search(query, n=100) == self.engine.search(query, n=100)

    @invariant()
    def lists_hold_what_is_there(self) -> None:
        shown = {one.item_id: one.title for one in self.engine.recommend(history=[], n=100)}
        assert shown == {item: one["title"] for item, one in self.model.items()}
        assert {one.item_id for one in self.engine.recommend(user="u0", n=100)} <= self.model.keys()
        cheap = {one.item_id for one in self.engine.recommend(history=[], n=100, where={"price": (None, 30)})}
        assert cheap == {item for item, one in self.model.items() if one["price"] <= 30}

    @invariant()
    def every_item_is_found_by_its_title(self) -> None:
        for item, one in self.model.items():
            if any(map(str.isalnum, str(one["title"]))):
                assert item in found(self.engine, str(one["title"]))


def test_any_course_of_changes(tmp_path: Path) -> None:
    Changes.folder, Changes.built = tmp_path, build(tmp_path, FIRST)
    Changes.TestCase.settings = settings(
        max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine = Changes.TestCase()
    machine.runTest()


def test_a_removed_item_is_nowhere_and_its_history_stays(tmp_path: Path) -> None:
    engine = build(tmp_path, FIRST)
    before = {one.item_id: one.score for one in engine.recommend(user="u2", n=9)}
    assert engine.remove_items(["i1"]) == ["i1"]
    assert engine.catalogue.interactions.filter(pl.col("item_id") == "i1").height == 2
    after = {one.item_id: one.score for one in engine.recommend(user="u2", n=9)}
    assert after.keys() == before.keys() - {"i1"} and all(after[item] == before[item] for item in after)
    assert engine.recommend(history=["i1"])  # a history may still name it
    tables, features = engine.state.present()  # what an evaluation goes by
    assert len(features) == tables.items.height == 3 and "i1" not in {
        *tables.items["item_id"],
        *tables.interactions["item_id"],
    }
    assert "i1" not in {item for item, _ in engine.similar("i0")}
    assert all(count.value != "Adidas" for facet in engine.facets() for count in facet.values)
    for ask in (engine.similar, lambda item: engine.explain("u1", item), lambda item: engine.answer("red?", item)):
        with pytest.raises(UnknownIdError, match="removed"):
            ask("i1")
    engine.save(tmp_path / "artefact")
    kept = pl.concat([pl.read_parquet(tmp_path / "artefact" / f"{name}.parquet").select(column)
                      for name, column in (("items", "text"), ("items", "title"), ("graph_nodes", "name"))],
                     how="diagonal")  # fmt: skip
    assert not any("blue shoe" in (cell or "") for cells in kept.iter_rows() for cell in cells)
    assert engine.add_items([row("i1", "blue shoe", "Adidas", "blue", 5)]) == ["i1"]
    assert "i1" in found(engine, "blue shoe") & found(engine, "adidas")
    assert len(engine.state.removed) == len(FIRST)  # it stands where it stood


def test_a_changed_item_is_what_it_is_now(tmp_path: Path) -> None:
    engine = build(tmp_path, FIRST)
    assert found(engine, "green tea") == {"i3"}
    assert engine.change_items([row("i3", "black coffee", "Puma", "black", 7), {"item_id": "none"}]) == ["i3"]
    assert found(engine, "green tea") == set()
    assert found(engine, "coffee") == {"i3"} <= found(engine, "puma")
    assert engine.similar("i3") and engine.explain("u0", "i0").score == engine.explain("u0", "i0").score


def test_searches_from_other_threads_see_a_whole_state(tmp_path: Path) -> None:
    """The changing item is a red shoe of Nike or a green tea of Puma; nothing may tell of a mixture."""
    engine = build(tmp_path, FIRST)
    engine.search("shoe")
    sides = [row("i0", "red shoe", "Nike", "red", 5.0), row("i0", "green tea", "Puma", "green", 50.0)]
    wrong: list[object] = []
    going = threading.Event()
    going.set()

    def ask() -> None:
        try:
            while going.is_set():
                tea = [one.title for one in engine.search("green tea", n=10, where={"price": 50.0})]
                shoe = [one.title for one in engine.search("red shoe", n=10, where={"brand": "Nike", "price": 5.0})]
                lists = [one.item_id for one in engine.recommend(user="u0", n=10)]
                wrong.extend(title for title in tea if title != "green tea")
                wrong.extend(title for title in shoe if title != "red shoe")
                if not {"i1", "i2"} <= {one.item_id for one in engine.search("blue shoe red hat", n=10)}:
                    wrong.append("lost")
                if len(lists) != len(set(lists)):
                    wrong.append(lists)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(30):
        engine.change_items([sides[turn % 2]])
        assert ("i0" in found(engine, "green")) == (turn % 2 == 1)
        if turn % 3 == 0:
            engine.add_items([row("new", "blue lamp", None, "blue", 3.0)])
            assert "new" in found(engine, "lamp")
        elif turn % 3 == 1:
            engine.remove_items(["new"])
            assert "new" not in found(engine, "lamp")
    going.clear()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index from a hundred vectors on."""
    monkeypatch.setattr(dense, "EXACT", 100)
    monkeypatch.setattr(hybrid, "EXACT", 100)
    monkeypatch.setattr(nearest, "LATE", 20)


def vectors(n: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n, 16)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.mark.usefixtures("few")
def test_an_index_finds_what_changed_and_not_what_was() -> None:
    held = vectors(500, 0)
    index = dense.Dense(held, dense.Floor(0, 0))
    asked = vectors(1, 1)[0]
    first = int((held @ asked).argmax())
    assert index.near(asked).best == pytest.approx(float((held @ asked).max()))
    for turn in range(5):  # the later ones put into a copy of the index what came before
        held = np.concatenate([held, vectors(10, 10 + turn)])
        held[first] = -asked
        held[turn] = asked
        index = index.changed(np.array([first, turn, *range(len(held) - 10, len(held))]), held)
        near = index.near(asked)
        assert near.best == pytest.approx(1, abs=1e-5) and turn in near.rows
        assert near.scores(np.array([first, turn])) == pytest.approx([0, 1], abs=1e-5)
        assert np.allclose(near.scores()[near.rows], near.scores(near.rows))


@pytest.mark.usefixtures("few")
def test_rows_without_a_vector_are_not_near() -> None:
    held = vectors(300, 2)
    held[::2] = 0
    near = dense.Dense(held, None).near(vectors(1, 3)[0])
    assert len(near.rows) and not (near.rows % 2 == 0).any()


@pytest.mark.usefixtures("few")
def test_an_artefact_brings_its_indices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved after changes knows of them; what is opened finds the same without making an index, and learns."""
    rows = [row(f"i{n}", f"{TITLES[n % 8]} {n}", BRANDS[n % 3], "red", float(n)) for n in range(150)]
    engine = build(tmp_path, rows, text="multilingual")
    engine.change_items([row("i3", "violin", None, "blue", 1.0)])
    engine.save(tmp_path / "artefact")
    assert (tmp_path / "artefact" / "meaning.index").is_file()
    monkeypatch.setattr(nearest.Nearest, "of", None)  # none is made from here on
    opened = Engine.load(tmp_path / "artefact")
    opened.add_items([row("new", "green lamp", None, "green", 2.0)])  # before anybody has searched
    opened.remove_items(["i5"])
    for asked, item in (("violin", "i3"), ("green lamp", "new")):
        assert opened.search(asked)[0].item_id == item
    nearest_ones = opened.state.searcher.meaning.near(opened.state.queries.by_meaning(f"{TITLES[5]} 5")).rows
    assert 3 in nearest_ones and 150 in nearest_ones and not opened.state.ranker.features.text[5].any()
    opened.save(tmp_path / "again")
    assert Engine.load(tmp_path / "again").search("green lamp")[0].item_id == "new"


@pytest.mark.usefixtures("few")
def test_a_search_among_many_gives_what_comparing_all_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores are the same whatever the candidates are, also under a condition that leaves few or hardly any."""
    words = ["red", "blue", "green", "black", "white", "tea", "shoe", "hat", "lamp", "book", "wool", "cup"]
    rows = [
        row(f"i{n}", f"{words[n % 12]} {words[n // 12 % 12]} {n}", BRANDS[n % 3], words[n % 5], float(n))
        for n in range(300)
    ]
    engine = build(tmp_path, rows, text="multilingual")
    whole = {one.item_id: one.score for one in engine.search("blue shoe", n=3000)}
    for conditions in (None, {"price": (0, 150)}, {"price": (7, 7)}, {"brand": "Puma", "price": (250, None)}):
        some = engine.search("blue shoe", n=10, where=conditions)
        allowed = {one["item_id"] for one in rows if _passes(one, conditions or {})}
        best = sorted((item for item in whole if item in allowed), key=lambda item: -whole[item])[: len(some)]
        assert [round(one.score, 6) for one in some] == [round(whole[item], 6) for item in best]
        assert all(one.score == pytest.approx(whole[one.item_id], abs=1e-6) for one in some)
        assert len(some) == min(10, len(allowed & whole.keys()))


def _passes(one: dict[str, object], conditions: dict[str, object]) -> bool:
    low, high = conditions.get("price", (None, None))
    price, brand = one["price"], conditions.get("brand", one["brand"])
    return (low is None or price >= low) and (high is None or price <= high) and one["brand"] == brand
