"""Builds from odd tables: each gives an engine that answers, or one plain error."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from engine import Engine, artifact, growth
from engine import config as configuration
from engine.candidates import spectrum
from engine.config import Candidates, Config
from engine.errors import ArtifactError, ConfigError, DataError, UnknownIdError
from engine.service.eventlog import Entry
from engine.service.replay import CHOSEN, with_events
from engine.tables import catalogue

DATA = {"attributes": ["genre"], "brand": "brand", "numeric": ["price"]}
ODD = ["a b", "a,b", 'q"q', "t\tt", "n\nn", "👟🏽", "x" * 900, "brand:b1", "item:i9", "'; DROP", "nan", "a\x00b"]


def settings(folder: Path, data=None, **candidates) -> Config:
    tree = {
        "data": DATA if data is None else data,
        "encoders": {"text": "", "image": "", "clip": ""},
        "candidates": {"gnn": {"epochs": 2}, "prior": {"rounds": 5}, **candidates},
        "fusion": {"gate": False, "rounds": 3},
        "evaluation": {"resamples": 10},
    }
    return configuration.resolve(Config.model_validate(tree), folder)


def items(size=16):
    return [
        {"item_id": f"i{k}", "title": f"{('white', 'black')[k % 2]} shoe {k}", "genre": [f"g{k % 4}"],
         "brand": f"b{k % 3}", "price": float(k)}
        for k in range(size)
    ]  # fmt: skip


def events(users=12, each=7, size=16):
    rng = np.random.default_rng(0)
    return [
        {"user_id": f"u{user}", "item_id": f"i{item}", "time": 100 * user + at}
        for user in range(users)
        for at, item in enumerate(rng.choice(size, each, replace=False))
    ]


def build(folder: Path, rows=None, history=None, data=None, **candidates) -> Engine:
    chosen = settings(folder, data, **candidates)
    rows, history = items() if rows is None else rows, events() if history is None else history
    return Engine.build(catalogue.from_tables(rows, history, chosen), chosen)


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    """Of a shop of 16 items, with a reranker."""
    made = build(tmp_path_factory.mktemp("engine"))
    assert made.ranker.reranker is not None
    return made


@pytest.fixture
def loaded(engine, tmp_path) -> Engine:
    engine.save(tmp_path / "artefact")
    return Engine.load(tmp_path / "artefact")


def test_conditions_that_nothing_passes_give_empty_lists(engine):
    assert engine.recommend(user="u0", where={"price": (None, -1)}) == []
    assert engine.recommend_batch(["u0", "nobody"], where={"genre": "none such"}) == [[], []]
    assert engine.search("white shoe", user="u0", where={"price": (None, -1)}) == []


def test_a_user_without_anything_left_gets_an_empty_list_beside_others(loaded):
    every = loaded.catalogue.items["item_id"].to_list()
    loaded.add_events([{"user_id": "all", "item_id": item} for item in every])
    lists = loaded.recommend_batch(["all", "u0", "all"], n=4)
    assert [len(one) for one in lists] == [0, 4, 0]
    for batch, alone in zip(lists[1], loaded.recommend(user="u0", n=4), strict=True):
        assert batch.item_id == alone.item_id
        assert batch.contributions == pytest.approx(alone.contributions, abs=1e-4)


def test_numbers_are_ids_and_a_lone_text_is_no_list(tmp_path):
    rows = [{"item_id": number, "title": f"shoe {number}"} for number in range(6)]
    history = [{"user_id": user, "item_id": (user + at) % 6} for user in range(5) for at in range(4)]
    numbered = build(tmp_path, rows, history, {})
    assert numbered.recommend(user=1) == numbered.recommend(user="1")
    assert numbered.recommend(history=[1, 2]) == numbered.recommend(history=["1", "2"])
    for ask in (lambda: numbered.recommend(user="1", exclude="23"), lambda: numbered.recommend_batch("123")):
        with pytest.raises(DataError, match="a list of ids"):
            ask()
    with pytest.raises(UnknownIdError):
        numbered.recommend(history=[99])


def test_the_same_tables_and_seed_give_the_same_engine(engine, loaded, tmp_path):
    again = build(tmp_path)
    users = [*engine.catalogue.interactions["user_id"].unique(maintain_order=True), "nobody"]
    assert again.recommend_batch(users) == engine.recommend_batch(users)
    assert loaded.recommend_batch(users) == engine.recommend_batch(users)


def test_directions_of_equal_strength_are_the_same_every_time():
    # Eight groups of one size: nothing says which comes first, and Lanczos has to begin anew.
    groups = sparse.csr_array(np.kron(np.eye(8), np.ones((5, 1))))
    first = spectrum.leading(groups, 7)
    assert all(np.array_equal(first, spectrum.leading(groups, 7)) for _ in range(3))
    assert np.allclose(first.T @ first, np.eye(first.shape[1]), atol=1e-5)
    assert spectrum.leading(sparse.csr_array(np.ones((30, 12))), 10).shape == (12, 1)
    assert spectrum.leading(sparse.csr_array((5, 5)), 3).shape == (5, 0)


def test_leading_directions_are_those_of_the_full_decomposition():
    for shape in ((40, 9), (9, 40)):
        matrix = np.random.default_rng(1).random(shape)
        found = spectrum.leading(sparse.csr_array(matrix), 3)
        wanted = np.linalg.svd(matrix)[2][:3].T
        assert np.allclose(np.abs(found.T @ wanted), np.eye(3), atol=1e-5)


ALIKE = [{"user_id": f"u{user}", "item_id": f"i{item}", "time": 5} for user in range(6) for item in range(8)]
EVERYTHING = [{"user_id": f"u{user}", "item_id": f"i{item}", "time": item} for user in range(4) for item in range(16)]


@pytest.mark.parametrize(
    ("rows", "history"),
    [
        (items(1), [{"user_id": "u0", "item_id": "i0", "time": 5}]),
        (items(1), [{"user_id": f"u{user}", "item_id": "i0"} for user in range(2)]),
        (items(3), [{"user_id": f"u{user}", "item_id": f"i{item}"} for user in range(5) for item in range(2)]),
        (items(), events()[:1]),
        (items(), events()[:7]),
        (items(), ALIKE),
        (items(), EVERYTHING),
        ([{"item_id": f"i{k}"} for k in range(16)], events()),
    ],
    ids=["one-item", "two-users-one-item", "three-items", "one-event", "one-user", "alike", "everything", "bare-ids"],
)
def test_tables_of_little_still_make_an_engine(tmp_path, rows, history):
    data = DATA if len(rows[0]) > 1 else {"text": []}
    small = build(tmp_path, rows, history, data)
    for one in small.recommend(history=[], n=50) + small.recommend(user="u0"):
        assert np.isfinite(one.score) and sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-3)
    assert np.isfinite(small.explain("u0", rows[0]["item_id"]).score)
    small.add_items([{"item_id": "new", "title": "shoe", "brand": "Neverseen"}])
    assert "new" in {one.item_id for one in small.recommend(history=[], n=50)}
    small.save(tmp_path / "kept")
    assert Engine.load(tmp_path / "kept").recommend(history=[]) == small.recommend(history=[])


def test_odd_ids_are_only_names(tmp_path):
    names = {f"i{at}": odd for at, odd in enumerate(ODD)}
    rows = [{**row, "item_id": names.get(row["item_id"], row["item_id"])} for row in items()]
    history = [{**event, "item_id": names.get(event["item_id"], event["item_id"])} for event in events()]
    odd = build(tmp_path, rows, history)
    odd.save(tmp_path / "kept")
    kept = Engine.load(tmp_path / "kept")
    assert set(ODD) <= {one.item_id for one in kept.recommend(history=[], n=50)}
    assert kept.explain("u0", ODD[4]).item_id == ODD[4]
    assert kept.similar(ODD[6], 2)


@pytest.mark.parametrize("split", ["time", "leave-one-out", "random", "cold-item", "cold-user"])
def test_an_evaluation_of_too_little_is_told(tmp_path, split):
    small = build(tmp_path, items(2), events(1, 2, 2)[:1])
    few = small.config.evaluation.model_copy(update={"split": split})
    small.state = replace(small.state, config=small.config.model_copy(update={"evaluation": few}))
    with pytest.raises(DataError, match="too few"):
        small.evaluate()


def test_no_generator_at_all_is_told(tmp_path):
    off = {"enabled": False}
    names = tuple(Candidates.model_fields)
    with pytest.raises(ConfigError, match="no generator is left"):
        build(tmp_path, [{"item_id": f"i{k}"} for k in range(16)], data={"text": []}, **dict.fromkeys(names, off))


def test_new_items_have_the_facts_of_the_whole_graph(tmp_path):
    chosen = settings(tmp_path)
    triples = [
        {"head": "new", "relation": "goes_with", "tail": "i1"},
        {"head": "i2", "relation": "goes_with", "tail": "i1"},
        {"head": "brand:b1", "relation": "alias", "tail": "毕一"},
    ]
    made = Engine.build(catalogue.from_tables(items(), events(), chosen, triples=triples), chosen)
    assert made.add_items([{"item_id": "new", "title": "sandal", "brand": "B1"}]) == ["new"]
    row = made.ranker.features.facts[[16]].toarray()[0]
    said = made.state.vocabulary.entities.filter(pl.Series(row > 0))["id"].to_list()
    assert sorted(said) == ["brand:b1", "item:i1"]
    assert "new" in {one.item_id for one in made.search("毕一", n=20)}


def test_what_is_left_out_of_new_items_is_logged(loaded, caplog):
    rows = [{"item_id": "i1", "title": "again"}, {"title": "no id"}, {"item_id": "new", "price": "dear"}]
    assert loaded.add_items(rows) == ["new"]
    assert "id is in the catalogue already" in caplog.text
    assert "empty id" in caplog.text
    assert "not a finite number" in caplog.text


def test_events_without_times_stay_in_their_order(tmp_path):
    chosen = settings(tmp_path)
    plain = [{name: value for name, value in event.items() if name != "time"} for event in events()]
    tables = catalogue.from_tables(items(), plain, chosen)
    fresh = growth.events(tables, [{"user_id": "u0", "item_id": "i3"}], chosen)
    grown = growth.with_events(tables, fresh)
    assert grown.interactions.height == tables.interactions.height + 1
    assert not (grown.interactions["time"] != 0).any()


@pytest.mark.parametrize("odd", [[], [Entry("  ", "i3", CHOSEN, 1, 5)], [Entry("u0", "unheard of", CHOSEN, 1, 5)]])
def test_events_of_a_log_are_what_the_same_rows_are(loaded, odd):
    """Also where some of them cannot be used."""
    come = [Entry("u0", "i3", CHOSEN, 2, 9), Entry("late", "i1", CHOSEN, 1, 7), *odd, Entry("u0", "i2", CHOSEN, 1, 3)]
    rows = [{"user_id": one.user, "item_id": one.item, "value": one.value, "time": one.time} for one in come]
    before, made = loaded.state, with_events(loaded, come)
    assert loaded.state is before
    loaded.add_events(rows)
    for user in ("u0", "late"):
        one, other = (each.state.lookup.history(user, None) for each in (made, loaded))
        assert one.items.tolist() == other.items.tolist()
        assert one.values.tolist() == other.values.tolist()
    assert made.catalogue.interactions.height == loaded.catalogue.interactions.height


def test_a_configuration_of_another_version_is_an_artefact_to_build_again(engine, tmp_path):
    engine.save(tmp_path / "kept")
    path = tmp_path / "kept" / artifact.MANIFEST
    manifest = json.loads(path.read_text())
    manifest["facts"]["config"]["fusion"]["bygone"] = 1
    del manifest["seal"]
    path.write_text(artifact._sealed(manifest))
    with pytest.raises(ArtifactError, match="build it again"):
        Engine.load(tmp_path / "kept")


def test_nothing_to_add_is_no_error(loaded):
    assert loaded.add_items([]) == []
    assert loaded.add_events([]) == 0


def test_a_catalogue_read_with_other_settings_is_told(tmp_path):
    tables = catalogue.from_tables([{"item_id": "a"}], [{"user_id": "u", "item_id": "a"}], settings(tmp_path, {}))
    with pytest.raises(DataError, match="no column 'genre', 'brand', 'price'"):
        Engine.build(tables, settings(tmp_path))


@pytest.mark.parametrize(("rows", "history"), [([], events()), (items(), [])])
def test_a_table_in_memory_without_rows_is_told(tmp_path, rows, history):
    with pytest.raises(DataError, match="the table has no rows"):
        catalogue.from_tables(rows, history, settings(tmp_path))


def test_names_that_the_graph_cannot_hold_are_told(tmp_path):
    with pytest.raises(DataError, match="颜色"):
        catalogue.from_tables([{"item_id": "a", "颜色": "白"}], None, settings(tmp_path, {"attributes": ["颜色"]}))
    triples = [{"head": "i0", "relation": "别名", "tail": "x"}, {"head": "i0", "relation": "alias", "tail": "x"}]
    tables = catalogue.from_tables(items(1), None, settings(tmp_path), triples=triples)
    assert tables.triples.height == 1
    assert tables.rejects.select("file", "line", "field").rows() == [("triples", 1, "relation")]


def test_a_broken_picture_is_rejected_with_its_line(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "items.csv").write_text("item_id,title,image\n,none,\na,shoe,bad.jpg\n")
    data = configuration.Data(items=tmp_path / "items.csv", image_root=tmp_path)
    tables = catalogue.read(Config(data=data))
    told = catalogue.reject_cells(tables, [("image", 0, "damaged")], Config(data=data)).rejects
    assert told.select("line", "field", "reason").rows() == [(2, "item_id", "empty id"), (3, "image", "damaged")]
    assert told["file"][1] == str(tmp_path / "items.csv")
