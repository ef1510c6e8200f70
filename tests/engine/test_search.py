"""Search on a small generated shop, in Chinese and English, and on tables small enough to know every answer."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import Engine
from engine import config as configuration
from engine.config import Config
from engine.demo.products import ALL_BRANDS, WORDS
from engine.demo.shop import generate
from engine.errors import DataError, UnknownIdError
from engine.search.lexical import Lexical, terms
from engine.tables import catalogue

HERO = "Nike Air Max 270 white sneakers"
PARTS = ["words", "graph", "named", "meaning", "picture", "taste"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    generate(folder, products=120, users=40)
    return folder


@pytest.fixture(scope="module")
def engine(shop: Path) -> Engine:
    """What learns taste is the least that there is, to be quick."""
    settings = configuration.load(shop / "weft.toml")
    off = {
        name: part.model_copy(update={"enabled": name in ("content", "popularity")})
        for name, part in settings.candidates
    }
    quick = {"candidates": settings.candidates.model_copy(update=off)}
    quick["fusion"] = settings.fusion.model_copy(update={"rerank": False, "gate": False})
    return Engine.build(settings.model_copy(update=quick))


@pytest.fixture(scope="module")
def user(engine: Engine) -> str:
    return str(engine.catalogue.interactions["user_id"][0])


def row(engine: Engine, item: str) -> dict[str, object]:
    return engine.catalogue.items.row(by_predicate=pl.col("item_id") == item, named=True)


@pytest.mark.parametrize(
    "query", ["白色运动鞋", "white sneakers", "WHITE  Ｓneakers", "耐克 白色 运动鞋", "耐克 Air Max 270"]
)
def test_the_worked_example_is_found(engine: Engine, query: str) -> None:
    best = engine.search(query, n=5)
    assert HERO in [one.title for one in best[:3]]
    assert row(engine, best[0].item_id)["category"] == "Shoes > Sport shoes"


def test_a_chinese_query_finds_what_is_written_in_english_by_names_in_the_graph(engine: Engine) -> None:
    brands = {brand.en: brand.zh for brand in ALL_BRANDS}
    colours = {word.en: word.zh for word in WORDS["colour"]}
    items = engine.catalogue.items.explode("colour").drop_nulls(["brand", "colour"])
    english = items.filter(~pl.col("text").str.contains(r"[\u4e00-\u9fff]"))
    assert english.height >= 5
    for item in english.iter_rows(named=True):
        found = {one.item_id: one for one in engine.search(f"{brands[item['brand']]} {colours[item['colour']]}", n=5)}
        assert found[item["item_id"]].contributions["graph"] > 0


@pytest.mark.parametrize("personal", [0.0, 0.3, 2.0])
def test_contributions_sum_to_the_score(engine: Engine, user: str, personal: float) -> None:
    best = engine.search("white sneakers", user=user, personal=personal, n=20)
    assert [one.score for one in best] == sorted((one.score for one in best), reverse=True)
    for one in best:
        assert list(one.contributions) == PARTS
        assert sum(one.contributions.values()) == one.score
        rest = one.score - one.contributions["taste"]
        assert 0 <= one.contributions["taste"] <= personal * rest + 1e-9


@pytest.mark.parametrize("query", ["white sneakers", "白色运动鞋"])
def test_pictures_answer_in_both_languages(engine: Engine, query: str) -> None:
    found = engine.search(query, n=10)
    assert sum(one.contributions["picture"] > 0 for one in found) >= 5


def test_taste_reorders_and_brings_nothing_in(engine: Engine, user: str) -> None:
    plain = engine.search("shoes", n=500)
    assert plain == engine.search("shoes", user=user, personal=0, n=500) == engine.search("shoes", history=[], n=500)
    assert plain == engine.search("shoes", user="nobody", n=500)
    mine = engine.search("shoes", user=user, personal=1, n=500)
    assert {one.item_id for one in mine} == {one.item_id for one in plain}
    assert [one.item_id for one in mine] != [one.item_id for one in plain]
    past = engine.catalogue.interactions.filter(pl.col("user_id") == user)["item_id"].to_list()
    assert engine.search("shoes", history=past, personal=1, n=500) == mine


def test_filters_come_before_the_ranking(engine: Engine) -> None:
    everything = engine.search("white sneakers", n=1000)
    last = everything[-1]
    others = [one.item_id for one in everything[:-1]]
    assert engine.search("white sneakers", n=1, exclude=others) == [last]
    price = row(engine, last.item_id)["price"]
    cheap = engine.search("white sneakers", n=1000, where={"price": (price, price)})
    assert last in cheap
    assert all(row(engine, one.item_id)["price"] == price for one in cheap)


@pytest.mark.parametrize("query", ["xyzzyqq", "qwertzuiop", "龘龘", "12345"])
def test_unknown_words_find_nothing(engine: Engine, query: str) -> None:
    assert engine.search(query) == []


@pytest.mark.parametrize("query", ["", "  ", "?!", "。，、", "-_-"])
def test_a_query_without_words_is_refused(engine: Engine, query: str) -> None:
    with pytest.raises(DataError, match="no letter or digit"):
        engine.search(query)


def test_mistakes_are_told(engine: Engine, user: str) -> None:
    with pytest.raises(DataError, match="n must be at least 1"):
        engine.search("shoes", n=0)
    for personal in (-1, float("nan"), float("inf")):
        with pytest.raises(DataError, match="personal"):
            engine.search("shoes", personal=personal)
    with pytest.raises(DataError, match="either a user or a history"):
        engine.search("shoes", user=user, history=[])
    with pytest.raises(UnknownIdError, match="'nothing'"):
        engine.search("shoes", exclude=["nothing"])
    with pytest.raises(DataError, match="no column 'weight'"):
        engine.search("shoes", where={"weight": 3})


def small(folder: Path, items: list[dict[str, object]], triples: list[dict[str, str]], **encoders: str) -> Engine:
    """An engine over a few items, without encoders but those named."""
    settings = configuration.resolve(Config(), folder)
    settings = settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"brand": "brand"}),
            "encoders": settings.encoders.model_copy(update={"text": "", "image": "", **encoders}),
        }
    )
    tables = catalogue.from_tables(
        items,
        [{"user_id": "u", "item_id": "a", "time": 1}],
        settings,
        triples=pl.DataFrame(triples) if triples else None,
    )
    return Engine.build(tables, settings)


NIKE = [{"item_id": "a", "title": "Air 1", "brand": "Nike"}, {"item_id": "b", "title": "Superstar", "brand": "Adidas"}]


def test_an_everyday_word_for_a_brand_is_known_and_another_one_by_its_alias(tmp_path: Path) -> None:
    assert [one.item_id for one in small(tmp_path, NIKE, []).search("耐克")] == ["a"]
    assert small(tmp_path, NIKE, []).search("勾子牌") == []
    alias = [{"head": "brand:nike", "relation": "alias", "tail": "勾子牌"}]
    assert [one.item_id for one in small(tmp_path, NIKE, alias).search("勾子牌")] == ["a"]


def test_a_new_item_is_found_at_once(tmp_path: Path) -> None:
    engine = small(tmp_path, NIKE, [])
    assert engine.search("puma suede") == []
    engine.add_items([{"item_id": "c", "title": "Classic", "brand": "Puma"}])
    assert [one.item_id for one in engine.search("puma suede")] == ["c"]


def test_items_without_a_single_word_are_no_error(tmp_path: Path) -> None:
    blank = [{"item_id": "a", "title": "?", "brand": None}, {"item_id": "b", "title": "!", "brand": None}]
    assert small(tmp_path, blank, []).search("shoes") == []


def test_bm25_is_that_of_lucene() -> None:
    texts = ["red shoe", "red red hat", "blue shoe with a long lace", ""]
    items = [terms(text) for text in texts]
    length = np.array([len(item) for item in items])
    tf = np.array([item.count("red") for item in items])
    df = int((tf > 0).sum())
    idf = np.log(1 + (len(items) - df + 0.5) / (df + 0.5))
    expected = idf * tf / (tf + 1.5 * (1 - 0.75 + 0.75 * length / length.mean()))
    assert np.allclose(Lexical(items).scores("red"), expected, atol=1e-6)


def test_filler_words_count_only_when_alone() -> None:
    index = Lexical([terms("made to last"), terms("tea cup")])
    assert index.scores("to drink tea").tolist()[0] == 0
    assert index.scores("to").tolist()[0] > 0
