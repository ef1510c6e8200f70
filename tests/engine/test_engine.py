"""The engine from end to end on a small generated shop: built once, asked, taught, saved and loaded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import Engine
from engine import config as configuration
from engine.demo.shop import generate
from engine.errors import ArtifactError, DataError, UnknownIdError
from engine.evaluation import report
from engine.search.intent import Vocabulary, kept
from engine.search.kept import Kept


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    generate(folder, products=200, users=200)
    return folder


@pytest.fixture(scope="session")
def built(shop: Path) -> Engine:
    return Engine.build(shop / "weft.toml")


@pytest.fixture
def engine(built: Engine, tmp_path: Path) -> Engine:
    built.save(tmp_path / "artefact")
    return Engine.load(tmp_path / "artefact")


def test_a_loaded_engine_answers_as_the_built_one(built: Engine, engine: Engine) -> None:
    users = built.catalogue.interactions["user_id"].unique(maintain_order=True).to_list()[:20]
    assert engine.recommend_batch(users, 7) == built.recommend_batch(users, 7)


def test_the_vocabulary_comes_back_from_the_artefact(built: Engine, engine: Engine) -> None:
    assert engine.state.kept.tables.keys() >= kept.TABLES.keys()
    learned, restored = Vocabulary.learn(built.graph, built.catalogue.items), engine.state.searcher.vocabulary
    assert restored == learned and len(learned.names.by_key) > 100
    for part in ("by_key", "labels", "names", "within"):  # in the same order: of equals the first is meant
        assert list(getattr(restored.names, part).items()) == list(getattr(learned.names, part).items())
    before = replace(engine.state, kept=Kept())  # an artefact of an earlier version has none
    assert before.searcher.vocabulary == learned


def test_indices_and_completions_come_back_from_the_artefact(built: Engine, engine: Engine) -> None:
    anew = replace(engine.state, kept=Kept())  # an artefact of an earlier version has none
    assert engine.state.kept and not anew.kept
    for query in ("white sneakers", "白色运动鞋", "nike"):
        for name in ("words", "called"):
            kept_index, index = getattr(engine.state.searcher, name), getattr(anew.searcher, name)
            assert np.array_equal(kept_index.scores(query), index.scores(query))
            assert kept_index.scores(query).any() or name == "called"
    assert engine.state.searcher.frequencies == anew.searcher.frequencies
    for typed in ("n", "白", "baise", "snaekers"):
        assert engine.suggest(typed, n=20) == anew.suggester.suggest(typed, 20) != []
    assert engine.state.helps.completer.of.names == anew.helps.completer.of.names


def test_one_and_many_users_get_the_same_lists(built: Engine) -> None:
    users = built.catalogue.interactions["user_id"].unique(maintain_order=True).to_list()[:10]
    many = built.recommend_batch([*users, "nobody"], 5)
    for user, batch in zip([*users, "nobody"], many, strict=True):
        alone = built.recommend(user=user, n=5)
        assert [one.item_id for one in alone] == [one.item_id for one in batch]
        assert np.allclose([one.score for one in alone], [one.score for one in batch], atol=1e-5)


def test_a_user_is_a_history(built: Engine) -> None:
    user = built.catalogue.interactions["user_id"][0]
    past = built.catalogue.interactions.filter(pl.col("user_id") == user)["item_id"].to_list()
    unrated = built.catalogue.interactions.with_columns(value=pl.lit(None, pl.Float64))  # as of a bare history
    catalogue = replace(built.catalogue, interactions=unrated)
    stored = replace(built, state=replace(built.state, catalogue=catalogue))
    given, known = built.recommend(history=past, n=5), stored.recommend(user=user, n=5)
    assert given == known


def test_contributions_sum_to_the_score(built: Engine) -> None:
    for one in built.recommend(user=built.catalogue.interactions["user_id"][0], n=20):
        assert sum(one.contributions.values()) == pytest.approx(one.score, abs=1e-4)


def test_history_exclusions_and_filters_are_kept(built: Engine) -> None:
    user = built.catalogue.interactions["user_id"][0]
    past = set(built.catalogue.interactions.filter(pl.col("user_id") == user)["item_id"])
    best = built.recommend(user=user, n=3)
    without = built.recommend(user=user, n=300, exclude=[best[0].item_id], where={"price": (None, 300)})
    shown = {one.item_id for one in without}
    prices = dict(built.catalogue.items.select("item_id", "price").iter_rows())
    allowed = {item for item, price in prices.items() if price is not None and price <= 300}
    assert shown == allowed - past - {best[0].item_id}


def test_unknown_names_are_told(built: Engine) -> None:
    with pytest.raises(UnknownIdError, match="p99999"):
        built.recommend(history=["p99999"])
    with pytest.raises(DataError, match="no column 'weight'"):
        built.recommend(history=[], where={"weight": 3})
    with pytest.raises(DataError, match="either a user or a history"):
        built.recommend()


def test_an_explanation_names_the_history_and_the_graph(built: Engine) -> None:
    user = built.catalogue.interactions["user_id"][0]
    past = set(built.catalogue.interactions.filter(pl.col("user_id") == user)["item_id"])
    why = built.explain(user, built.recommend(user=user, n=1)[0].item_id)
    assert sum(why.contributions.values()) == pytest.approx(why.score, abs=1e-4)
    assert {item for item, _ in why.neighbours} <= past
    assert why.paths


def test_similar_items_share_what_they_are(built: Engine) -> None:
    items = built.catalogue.items
    category = dict(items.select("item_id", "category").iter_rows())
    probe = items["item_id"].to_list()[:40]
    alike = np.mean([category[item] == category[built.similar(item, 1)[0][0]] for item in probe])
    chance = np.mean([category[a] == category[b] for a in probe for b in category if a != b])
    assert alike > 3 * chance
    assert all(item not in dict(built.similar(item, 10)) for item in probe)


def test_new_items_are_recommended_without_retraining(engine: Engine, shop: Path) -> None:
    rows = pl.read_parquet(shop / "new_items.parquet")
    added = engine.add_items(rows)
    assert added == rows["item_id"].to_list()
    assert engine.add_items(rows) == []
    user = engine.catalogue.interactions["user_id"][0]
    everything = [one.item_id for one in engine.recommend(user=user, n=1000)]
    assert set(added) <= set(everything)
    assert sorted(added) != [item for item in everything if item in set(added)]  # placed by taste, not by number
    assert engine.explain(user, added[0]).score == pytest.approx(
        next(one.score for one in engine.recommend(user=user, n=1000) if one.item_id == added[0]), abs=1e-4
    )


def test_an_event_changes_the_next_list(engine: Engine) -> None:
    user = engine.catalogue.interactions["user_id"][0]
    first = engine.recommend(user=user, n=5)
    assert engine.add_events([{"user_id": user, "item_id": first[0].item_id}]) == 1
    second = engine.recommend(user=user, n=5)
    assert first[0].item_id not in {one.item_id for one in second}
    assert [one.score for one in second] != [one.score for one in first[1:]]
    engine.add_events([{"user_id": "newcomer", "item_id": first[1].item_id}])
    assert engine.recommend(user="newcomer", n=5) == engine.recommend(history=[first[1].item_id], n=5)


def test_a_second_build_encodes_nothing(built: Engine, shop: Path) -> None:
    settings = configuration.load(shop / "weft.toml")
    settings = settings.model_copy(update={"fusion": settings.fusion.model_copy(update={"rerank": False})})
    again = Engine.build(settings)
    assert built.encoded["text encoded"] > 0
    assert again.encoded["text encoded"] == again.encoded["image encoded"] == 0


def test_a_damaged_artefact_is_refused(built: Engine, tmp_path: Path) -> None:
    built.save(tmp_path / "artefact")
    victim = tmp_path / "artefact" / "fusion.safetensors"
    victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match=r"fusion\.safetensors"):
        Engine.load(tmp_path / "artefact")


def test_the_evaluation_beats_popularity_and_makes_a_page(built: Engine, tmp_path: Path) -> None:
    made = built.evaluate()
    figures = {row.name: row.metrics["ndcg@20"].mean or 0 for row in made.rankers}
    assert figures["weft"] > figures["popularity"] > figures["random"]
    assert sum(made.contributions.values()) == pytest.approx(1)
    report.write(made, tmp_path)
    assert "weft" in (tmp_path / "report.html").read_text()


def test_one_user_and_one_item_still_build(tmp_path: Path) -> None:
    items = [{"item_id": "a", "title": "white shoe"}, {"item_id": "b", "title": "black shoe"}]
    from engine.tables import catalogue

    settings = configuration.resolve(configuration.Config(), tmp_path)
    tables = catalogue.from_tables(items, [{"user_id": "u", "item_id": "a", "time": 10}], settings)
    small = Engine.build(tables, settings)
    assert [one.item_id for one in small.recommend(user="u")] == ["b"]
    assert [one.item_id for one in small.recommend(history=[])] == ["a", "b"]


def test_a_catalogue_without_interactions_is_refused_clearly(tmp_path: Path) -> None:
    from engine.tables import catalogue

    settings = configuration.resolve(configuration.Config(), tmp_path)
    tables = catalogue.from_tables([{"item_id": "a", "title": "white shoe"}], None, settings)
    with pytest.raises(DataError, match=r"data\.interactions"):
        Engine.build(tables, settings)
