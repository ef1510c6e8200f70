"""Attacks and noise as they are made, and what stands against them."""

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scipy import sparse

from engine import Engine, copies, fakes
from engine.candidates import Features
from engine.config import Config, Defence, Search
from engine.errors import DataError
from engine.evaluation import attacks, noise
from engine.history import Histories, single, stacked
from engine.search.intent import Vocabulary
from engine.search.named import Named
from engine.search.query import checked
from engine.training import train
from graph.build import build
from graph.facts import facts

KINDS, USERS, ITEMS, TARGET = 20, 400, 240, 239


@pytest.fixture(scope="module")
def people() -> Histories:
    """Each likes one of twenty kinds of twelve items, and seldom another; few ever met the last item."""
    rng = np.random.default_rng(0)
    histories = []
    for user in range(USERS):
        likely = np.where(np.arange(ITEMS) // 12 == user % KINDS, 1.0, 0.02)
        likely[TARGET] = 0.1 if user % KINDS == KINDS - 1 else 0
        histories.append(single(rng.choice(ITEMS, 15, replace=False, p=likely / likely.sum()).tolist(), ITEMS))
    return stacked(histories)


@pytest.mark.parametrize("kind", attacks.KINDS)
def test_each_fake_user_chose_the_target_once(people: Histories, kind: attacks.Kind) -> None:
    made = attacks.fakes(people, TARGET, 12, kind, np.random.default_rng(1))
    assert len(made) == 12
    assert (np.bincount(made.rows[made.items == TARGET], minlength=12) == 1).all()
    assert (np.diff(made.seen().indptr) == made.lengths).all()  # nothing twice
    assert (made.lengths > 1).all()


def test_an_attack_that_is_none_is_refused(people: Histories) -> None:
    with pytest.raises(DataError, match="random, average, bandwagon, segment"):
        attacks.fakes(people, TARGET, 1, "nuke", np.random.default_rng(0))  # type: ignore[arg-type]


def test_nobody_is_suspected_where_nobody_attacks(people: Histories) -> None:
    found = fakes.find(people)
    assert not len(found.users)
    assert not len(found.items)


@pytest.mark.parametrize("kind", ["random", "average", "bandwagon"])
def test_fake_users_are_found_with_what_they_push(people: Histories, kind: attacks.Kind) -> None:
    both = stacked([people, attacks.fakes(people, TARGET, 15, kind, np.random.default_rng(1))])
    found = fakes.find(both)
    assert found.items.tolist() == [TARGET]
    assert np.isin(np.arange(USERS, USERS + 15), found.users).mean() > 0.9
    assert (found.users < USERS).sum() <= 3
    assert len(found.without(both)) == len(both) - len(found.users)


def test_training_learns_nothing_from_suspects_if_it_shall_not(people: Histories) -> None:
    both = stacked([people, attacks.fakes(people, TARGET, 15, "average", np.random.default_rng(1))])
    off = {"enabled": False}
    names = [name for name in Config().candidates.model_dump() if name not in ("ease", "popularity")]
    settings = Config.model_validate(
        {"candidates": dict.fromkeys(names, off), "fusion": {"gate": False, "rerank": False, "users": 50}}
    )
    defended = settings.model_copy(update={"defence": Defence(fakes=True)})
    none, nothing = sparse.csr_array((ITEMS, 0), dtype=np.float32), np.zeros((ITEMS, 1), np.float32)
    empty = Features(none, none, nothing, nothing, np.zeros(0, np.int64))
    assert train(both, empty, settings).left_out == 0
    trained = train(both, empty, defended)
    assert trained.left_out == len(fakes.find(both).users) > 0
    popularity = next(one for one in trained.generators if one.name == "popularity")
    counts = np.expm1(popularity.score(people)[0, 0])
    assert counts[TARGET] == pytest.approx(people.seen()[:, [TARGET]].sum(), abs=3)


def test_an_item_that_says_to_be_everything_comes_after_what_is_meant() -> None:
    kinds = [f"kind{at}" for at in range(12)]
    films = [(f"{at}", f"Film {at}", [kinds[at % 12]]) for at in range(240)] + [("all", "All", kinds)]
    items = pl.DataFrame(films, schema=("item_id", "title", "genre"), orient="row").with_columns(text=pl.col("title"))
    graph = build(items, attributes=["genre"])
    named = Named(items, facts(graph, items["item_id"].to_list()), Vocabulary.learn(graph, items))
    scores = named.read("kind3").scores
    assert scores[3] == 1
    assert 0 < scores[-1] < 0.5
    assert (named.plain[:-1] == 1).all()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("RED RUNNING SHOES", "red running shoes"),
        ("NIKE US", "NIKE US"),  # abbreviations and short names stay
        ("Nike Air MAX", "Nike Air MAX"),
        ("red🔥 shoes🙏🏽", "red  shoes  "),
        ("白色👟运动鞋", "白色 运动鞋"),
        ("it's 20% off", "it's 20% off"),
    ],
)
def test_a_query_is_read_without_shouting_and_emoji(typed: str, read: str) -> None:
    assert checked(typed) == read
    assert len(read) == len(typed)


@pytest.mark.parametrize("query", ["poor naturalist marries into a rich household", "九十年代的法国喜剧"])
def test_noise_in_queries_is_noise_and_the_same_for_a_seed(query: str) -> None:
    for name, make in noise.QUERY_NOISE.items():
        drawn = {make(query, np.random.default_rng(seed)) for seed in (3, 3)}
        assert len(drawn) == 1, name
    assert noise.mistyped(query, np.random.default_rng(0)) != query
    assert noise.mistyped("a b", np.random.default_rng(0)) == "a b"
    assert sorted(noise.shuffled(query, np.random.default_rng(0)).replace(" ", "")) == sorted(query.replace(" ", ""))


def test_noise_in_pictures_grows_with_its_strength() -> None:
    grain = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(grain).resize((480, 320), Image.Resampling.BICUBIC)
    plain = np.asarray(picture, float)
    for name, (make, strengths) in noise.PICTURE_NOISE.items():
        weak, strong = (make(picture, one, np.random.default_rng(0)) for one in (strengths[0], strengths[-1]))
        far = [np.abs(np.asarray(one.resize(picture.size), float) - plain).mean() for one in (weak, strong)]
        assert 0 < far[0] < far[1], name


def test_a_stuffed_text_keeps_its_own_words() -> None:
    made = attacks.stuffed("A quiet film", ["red shoes", "red hat", "the hat"], 2, 3)
    assert made == "A quiet film\nhat red hat red hat red"


def of_texts(texts: list[list[float]]) -> Features:
    """Items of which only a text is known, by unit vectors that are its words, too."""
    rows = np.array(texts, np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    none = sparse.csr_array((len(rows), 0), dtype=np.float32)
    return Features(none, sparse.csr_array(rows), rows, np.zeros((len(rows), 1), np.float32), np.zeros(0, np.int64))


def test_only_a_new_item_that_copies_a_known_one_is_lent_nothing() -> None:
    items = of_texts([[1, 0, 0], [0, 1, 0], [1, 0.01, 0], [0, 1, 1], [0, 0, 1], [0, 0.01, 1]])
    known = np.array([True, True, False, False, False, False])
    said = copies.unlent(items, known)
    # The third is the first over again; the fourth is half the second; the last two are like each other, and both new.
    assert said.text.any(axis=1).tolist() == [True, True, False, True, True, True]
    assert np.diff(said.words.tocsr().indptr).astype(bool).tolist() == [True, True, False, True, True, True]
    assert copies.find(items.take(np.array([2, 4])), items.take(np.array([0, 1]))).tolist() == [0]
    assert items.text.any(axis=1).all()  # what is searched in stays


def test_a_search_reads_a_misspelt_word_only_if_it_shall(eight: Engine) -> None:
    config = eight.state.config.model_copy(update={"search": Search(spelling=True)})
    reading = Engine(eight.state.after(config=config))
    assert next(iter(reading.search("adiddas socks"))).item_id == "e"
    assert reading.search("adiddas socks").understood.notes[0] == "read as `adidas socks`"
    assert not eight.search("adiddas socks").understood.notes
    assert not reading.search("adidas socks").understood.notes
