"""Learning what is new: what is exact agrees with a refit; what is bad is refused or taken back."""

from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from engine import Engine, cases, drift, generations, prequential, updating
from engine.candidates import Features, News, ease, ease_update, enabled, fit_all, popular, transitions, update_all
from engine.candidates.ease import Weights
from engine.candidates.registry import FIT, UPDATE
from engine.cli import app
from engine.config import Config, Ease, Later, Transitions
from engine.errors import ArtifactError, DataError
from engine.fusion import even
from engine.history import Histories, merged
from engine.listwise import Sample
from engine.prequential import NEW, NEWEST, OLD
from engine.ranker import Ranker
from engine.reservoir import Reservoir, joined, restored, some
from engine.updating import Learned, latest, steps

ITEMS, USERS = 60, 40


def events(rng: np.random.Generator, mean: float, items: int = ITEMS, users: int = USERS) -> Histories:
    """Random histories, some of them empty."""
    lengths = rng.poisson(mean, users) * (rng.random(users) < 0.8)
    total = int(lengths.sum())
    popularity = 1 / np.arange(1, items + 1)
    met = rng.choice(items, total, p=popularity / popularity.sum()).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Histories(ends, met, np.ones(total, np.float32), np.arange(total), ITEMS)


def grown(past: Histories, rng: np.random.Generator, share: float = 0.2) -> Histories:
    """With events of some users, and of items that nobody had met, that came later."""
    news = events(rng, 5)
    return merged(past, news.select((rng.random(USERS) < share)[news.rows]))


@pytest.mark.parametrize(("power", "l2"), [(0.0, 2.0), (0.3, 50.0)])
def test_ease_learned_in_steps_agrees_with_a_refit(power: float, l2: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease_update, "WORTH", 9.0)  # by low rank even where anew is quicker
    rng, config = np.random.default_rng(0), Ease(l2=l2, power=power)
    past = events(rng, 8, items=50)
    model = ease.fit(past, config)
    for _ in range(10):
        news = grown(past, rng)
        model = ease_update.update(model, past, news, config)
        past = news
    anew = ease.fit(past, config)
    assert isinstance(model, Weights) and isinstance(anew, Weights)
    assert len(anew.kept) > 50  # items were added
    assert np.array_equal(model.kept, anew.kept)
    assert np.array_equal(model.chosen, anew.chosen)
    assert np.allclose(model.matrix, anew.matrix, atol=1e-4)
    assert np.allclose(model.own, anew.own, rtol=1e-4)


def test_ease_is_fitted_anew_where_it_cannot_be_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, config = np.random.default_rng(0), Ease(l2=2.0)
    past = events(rng, 8)
    news = grown(past, rng)
    model = ease.fit(past, config)
    assert isinstance(model, Weights)
    monkeypatch.setattr(ease_update, "correct", lambda *_: pytest.fail("corrected"))
    anew = ease.fit(news, config).tensors()["matrix"]
    before = replace(model, own=model.own[:0])  # of an artefact that has no diagonal
    assert np.array_equal(ease_update.update(before, past, news, config).tensors()["matrix"], anew)
    monkeypatch.setattr(ease_update, "WORTH", 0.0)
    assert np.array_equal(ease_update.update(model, past, news, config).tensors()["matrix"], anew)


@pytest.mark.parametrize("config", [Transitions(window=4), Later(window=30)])
def test_transitions_and_popularity_agree_with_a_refit(config: Transitions) -> None:
    rng = np.random.default_rng(1)
    past = events(rng, 8, items=50)
    model = transitions.fit("transitions", past, config)
    for _ in range(5):
        news = grown(past, rng)
        model = transitions.update(model, past, news, config)
        past = news
    anew = transitions.fit("transitions", past, config)
    assert (model.matrix != 0).nnz == anew.matrix.nnz
    assert np.allclose(model.matrix.toarray(), anew.matrix.toarray(), atol=1e-5)
    chosen = np.bincount(past.seen().indices, minlength=ITEMS)
    assert np.allclose(popular.fit(past).log_count, np.log1p(chosen))


def features(rng: np.random.Generator) -> Features:
    from scipy import sparse

    facts = sparse.csr_array(np.eye(6, dtype=np.float32)[rng.integers(6, size=ITEMS)])
    vectors = rng.standard_normal((ITEMS, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Features(facts, facts, vectors, vectors, np.zeros(6, np.int64))


def test_every_generator_can_be_updated() -> None:
    assert UPDATE.keys() == FIT.keys()
    rng = np.random.default_rng(2)
    past, described = events(rng, 8, items=50), features(rng)
    news = grown(past, rng, 0.6)
    config = Config.model_validate({"candidates": {"interest": {"enabled": True}, "gnn": {"epochs": 2}}})
    made, seconds = update_all(fit_all(past, described, config, list(FIT)), News(past, news, described, config))
    assert [one.name for one in made] == list(seconds) == list(FIT)
    for one in made:
        scores = one.score(news)
        assert scores.shape == (len(one.signals), USERS, ITEMS)
        assert np.isfinite(scores).all(), one.name
    fresh = np.flatnonzero(
        (np.bincount(past.items, minlength=ITEMS) == 0) & (np.bincount(news.items, minlength=ITEMS) > 0)
    )
    assert len(fresh)
    who = np.flatnonzero(np.isin(news.items, fresh))[:1]
    one = news.take(news.rows[who])
    for model in made:
        if model.name in ("ease", "als", "transitions", "content", "gnn", "attention"):  # what new items say is heard
            assert model.credit(one, int(np.argmax(np.bincount(past.items)))).any(), model.name


def test_new_events_are_cut_by_time_and_the_rest_by_user() -> None:
    whole = Histories(np.array([0, 5, 10]), np.arange(10, dtype=np.int32), np.ones(10, np.float32), np.arange(10), 10)
    new = np.tile([False, True, True, True, True], 2)
    config = Config.model_validate({"update": {"newest": 0.375}, "evaluation": {"test_share": 0.2, "valid_share": 0.2}})
    assert steps(whole, new, config).tolist() == [OLD, NEW, NEW, NEW, NEW, OLD, NEW, NEWEST, NEWEST, NEWEST]
    timeless = replace(whole, times=np.zeros(10, np.int64))
    assert steps(timeless, new, config).tolist() == 2 * [OLD, NEW, NEW, NEWEST, NEWEST]
    at_once = replace(whole, times=np.where(new, 9, 1))
    assert steps(at_once, new, config).tolist() == 2 * [OLD, NEW, NEW, NEW, NEW]


SLOWLY = Config.model_validate(
    {
        "candidates": {"gnn": {"epochs": 2}, "attention": {"epochs": 2}} | {
            name: {"enabled": False} for name in ("als", "neighbours", "later", "content", "prior")
        }
    }
)  # fmt: skip


def test_twins_of_slow_generators_have_not_seen_the_latest_events() -> None:
    rng = np.random.default_rng(3)
    past, described = events(rng, 8, items=50), features(rng)
    asked = latest(past, SLOWLY, rng)
    items = past.items.copy()
    items[asked] = np.roll(items[asked], 1)  # each the latest of another user
    others = replace(past, items=items)
    found = [cases.both(one, described, SLOWLY, np.random.default_rng(0))[2] for one in (past, others)]
    assert [one.name for one in found[0]] == ["attention", "gnn"]
    for one, other in zip(*found, strict=True):
        for name, array in one.tensors().items():
            assert np.array_equal(array, other.tensors()[name]), name


@pytest.mark.parametrize("twins", [True, False])
def test_an_update_asks_everybody_where_nothing_has_seen_the_answers(
    twins: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    past, described, news = events(rng, 8, items=50), features(rng), events(rng, 5)
    changed = rng.random(USERS) < 0.6
    news = replace(news, times=news.times + len(past.items), values=news.values * 2).select(changed[news.rows])
    whole = merged(past, news)
    held = cases.both(past, described, SLOWLY, rng)[2] if twins else []
    generators = fit_all(past, described, SLOWLY, enabled(SLOWLY, described))
    model = even([name for one in generators for name in one.signals])
    ranker = Ranker(generators, model, None, described, cases.met(past))
    found = list[Histories]()
    keep = prequential.returning

    def returning(unaware: Ranker, inputs: Histories, answers: Histories, *rest: object) -> list[cases.Case]:
        found.append(answers)
        return keep(unaware, inputs, answers, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(prequential, "returning", returning)
    done = updating.learn(Learned(ranker, held, Reservoir()), whole, whole.values > 1, False, SLOWLY, lambda _: None)
    assert (found[0].lengths[~changed] > 0).any() == twins
    assert (found[0].lengths[changed] > 0).any()
    assert [one.name for one in done.learned.held] == (["attention", "gnn"] if twins else [])


def sample(first: int, lists: int, width: int) -> Sample:
    signals = torch.arange(first, first + lists, dtype=torch.float32)[:, None, None].expand(lists, width, 2)
    there = torch.ones(lists, width)
    return Sample(signals, torch.zeros_like(there), there, torch.zeros_like(there), torch.full((lists,), 0.5))


def test_a_reservoir_keeps_each_list_as_likely_as_any_other_and_itself_in_an_artefact() -> None:
    rng, kept = np.random.default_rng(0), np.zeros(40)
    for _ in range(300):
        held, place = Reservoir(("a", "b")), 0
        for lists, width in ((25, 3), (5, 4), (10, 3)):
            held = held.with_samples({"warm": sample(place, lists, width)}, 10, rng)
            place += lists
        assert held.met == {"warm": 40}
        kept[held.samples["warm"].signals[:, 0, 0].int().numpy()] += 1
    assert kept.sum() == 3000
    assert np.abs(kept / 300 - 0.25).max() < 0.12  # three deviations are .075
    again = restored(held.tensors())
    assert (again.met, again.names) == (held.met, held.names)
    for name in ("signals", "new", "chosen", "log_odds", "trust"):
        assert torch.equal(getattr(again.samples["warm"], name), getattr(held.samples["warm"], name)), name
    both = joined([sample(0, 1, 2), sample(1, 1, 3)])
    assert both.log_odds.tolist() == [[0, 0, -torch.inf], [0, 0, 0]]
    assert len(some(both, np.array([1])).trust) == 1


def test_drift_is_told_where_there_is_some_and_not_else() -> None:
    rng = np.random.default_rng(0)
    popularity, known = np.arange(100)[::-1].copy() + 1, np.ones(100, bool)
    alike = rng.choice(100, 400, p=popularity / popularity.sum())
    old = np.zeros(400, bool)

    def alarms(signs: list[drift.Sign]) -> set[str]:
        return {one.name for one in signs if one.alarm}

    assert not alarms(drift.events(alike, old, known, popularity))
    assert alarms(drift.events(99 - alike, old, known, popularity)) == {"popularity (PSI)"}
    assert alarms(drift.events(alike, ~old, ~known, popularity)) == {"events of new items", "events of new users"}
    assert drift.population_shift(popularity, 3 * popularity) == pytest.approx(0)
    stars = rng.integers(1, 6, 500).astype(np.float32)
    assert not alarms(drift.values(stars, stars[:200]))
    assert alarms(drift.values(stars, np.minimum(stars, 2))) == {"values (KS)"}
    assert alarms(drift.words(["red", "shoe"], [["red", "lamp"]] * 20)) == {"words not known"}
    here = features(rng)
    assert not alarms(drift.vectors(here, features(rng), 0))
    moved = replace(here, text=np.abs(here.text))
    assert alarms(drift.vectors(here, moved, 0)) == {"text (MMD)"}
    quality: NDArray[np.float64] = rng.random(50) * 0.2
    assert alarms(drift.quality({"warm": 0.5}, {"warm": quality}, 0)) == {"warm lists (loss)"}
    assert not alarms(drift.quality({"warm": 0.1}, {"warm": quality}, 0))


def follows(engine: Engine, first: int, second: int, users: int, start: int) -> list[dict[str, object]]:
    """Events of new users who choose two items, one after the other."""
    ids, time = engine.state.lookup.ids, int(engine.catalogue.interactions["time"].max()) + 1000 * start  # type: ignore[arg-type]
    return [
        {"user_id": f"v{start + user}", "item_id": ids[item], "value": 1.0, "time": time + 10 * user + at}
        for user in range(users)
        for at, item in enumerate((first, second))
    ]


def weft(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_an_update_is_learned_from_refused_and_taken_back(small_artefact: Path, tmp_path: Path) -> None:
    artefact = tmp_path / "shop"
    copytree(small_artefact, artefact)
    engine = Engine.load(artefact)
    rare = np.argsort(engine.state.lookup.popularity, kind="stable")[:3].tolist()
    first, second, third = rare
    good = tmp_path / "good.csv"
    pl.DataFrame(follows(engine, first, second, 30, 1)).write_csv(good)
    item = tmp_path / "items.csv"
    item.write_text("item_id,title\nfresh,Fresh yoga mat\n")
    before = Engine.load(artefact).recommend(history=[engine.state.lookup.ids[first]], n=3)
    done = weft("update", artefact, "--events", good, "--items", item)
    assert done.exit_code == 0, done.output
    assert "60 new events, 1 new items, 0 described anew" in done.output
    updated = Engine.load(artefact)
    after = updated.recommend(history=[engine.state.lookup.ids[first]], n=3)
    assert engine.state.lookup.ids[second] not in {one.item_id for one in before}
    assert after[0].item_id == engine.state.lookup.ids[second]
    assert updated.state.lookup.has("fresh")
    assert updated.state.learned == updated.catalogue.interactions.height
    assert [one["events"] for one in updated.updates] == [60]
    assert engine.held.keys() == updated.held.keys() == {"attention", "gnn"}
    assert len(updated.held["attention"]["space"]) == len(updated.state.lookup)  # what is new has a place there too

    # Most of these say the contrary of what came last.
    bad = tmp_path / "bad.csv"
    pairs = follows(engine, first, second, 30, 1000)
    late = [one | {"time": int(str(one["time"])) + 10_000_000} for one in pairs[1::2]]
    rows = pairs[::2] + follows(engine, first, third, 60, 2000) + late
    pl.DataFrame(rows).write_csv(bad)
    manifest = (artefact / "manifest.json").read_bytes()
    done = weft("update", artefact, "--events", bad)
    assert done.exit_code == 3, done.output
    assert "refused" in done.stderr
    assert (artefact / "manifest.json").read_bytes() == manifest
    aside = tmp_path / "other"
    assert weft("update", artefact, "--events", bad, "--force", "--out", aside).exit_code == 0
    assert Engine.load(aside).updates[-1]["forced"]
    assert (artefact / "manifest.json").read_bytes() == manifest

    done = weft("rollback", artefact)
    assert done.exit_code == 0, done.output
    assert Engine.load(artefact).recommend(history=[engine.state.lookup.ids[first]], n=3) == before
    assert (artefact / "manifest.json").read_bytes() == (small_artefact / "manifest.json").read_bytes()
    assert weft("rollback", artefact).exit_code == 2
    with pytest.raises(ArtifactError, match="nothing to go back to"):
        generations.rollback(artefact)


def test_what_is_not_new_is_no_update_and_events_taken_in_before_are(small_artefact: Path) -> None:
    engine = Engine.load(small_artefact)
    with pytest.raises(DataError, match="nothing new"):
        engine.update([])
    engine.add_events(follows(engine, 0, 1, 5, 1))
    assert engine.update(force=True).events == 10
    engine.add_events(follows(engine, 0, 1, 5, 100))
    learned = engine.state.learned
    engine.forget("v1")  # who was learned from
    engine.forget("v100")  # and who was not yet
    assert engine.state.learned == learned - 2
    assert engine.update(force=True).events == 8


def test_kept_artefacts_are_the_last_ones(small_artefact: Path, tmp_path: Path) -> None:
    artefact = tmp_path / "shop"
    copytree(small_artefact, artefact)
    for _ in range(generations.MOST + 2):
        generations.keep(artefact)
    assert [path.name for path in generations.before(artefact)] == ["shop.before-3", "shop.before-4", "shop.before-5"]
    assert generations.rollback(artefact).name == "shop.before-5"
    assert Engine.load(artefact)
