"""Further modalities by configuration: docs/modalities.md, run on a generated shop."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from encoders import open_text
from engine import Engine, ablation, groups
from engine.candidates import content
from engine.candidates.base import Features
from engine.config import Candidates, Config, Content, Encoders, Modality, load
from engine.demo.shop import generate
from engine.errors import ConfigError, DataError
from engine.search.hybrid import Searcher, weighed
from engine.search.named import Reading
from engine.search.vectors import QueryEncoders
from engine.service.app import create
from engine.service.eventlog import EventLog
from engine.service.live import Live
from tests.encoders.samples import drawn
from tests.encoders.tiny import film, moving

PAGE = (Path(__file__).parents[2] / "docs" / "modalities.md").read_text(encoding="utf-8")
PYTHON, TOML = re.findall(r"```python\n(.*?)```", PAGE, re.S)[0], re.findall(r"```toml\n(.*?)```", PAGE, re.S)[1]
KEPT = ("ease", "popularity", "content")
QUICK = "\n[fusion]\nusers = 40\ngate = false\nrerank = false\n" + "".join(
    f"[candidates.{name}]\nenabled = false\n" for name in Candidates.model_fields if name not in KEPT
)
"""What the page is about and no more: tests/engine/test_generators.py has every generator with a further modality."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop of the page: eight clips, one of them damaged, and colours of all but the first item with a picture."""
    pytest.importorskip("av")
    folder = tmp_path_factory.mktemp("shop")
    generate(folder, products=100, users=40)
    items = pl.read_parquet(folder / "items.parquet")
    (folder / "clips").mkdir()
    for row in range(8):
        (folder / "clips" / f"{row}.mp4").write_bytes(moving(row, 3) if row else b"no film")
    clips = pl.Series("trailer", [f"clips/{row}.mp4" if row < 8 else None for row in range(items.height)])
    items.with_columns(clips).write_parquet(folder / "items.parquet")
    done = subprocess.run([sys.executable, "-c", PYTHON], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept = np.load(folder / "colours.npz", allow_pickle=False)
    np.savez(folder / "colours.npz", allow_pickle=False, id=kept["id"][1:], vector=kept["vector"][1:])
    settings = (folder / "weft.toml").read_text().partition("[fusion]")[0]
    settings = settings.replace('clip = "weft-small"', 'clip = ""\nimage = ""\ntext = ""')
    (folder / "weft.toml").write_text(f"{settings}\n{TOML}\n{QUICK}")
    return folder


@pytest.fixture(scope="module")
def engine(shop: Path) -> Engine:
    return Engine.build(shop / "weft.toml")


def test_the_page_builds_an_engine(engine: Engine, shop: Path) -> None:
    features = engine.ranker.features
    assert list(features.more) == ["colours", "trailer"]
    kept = np.load(shop / "colours.npz", allow_pickle=False)
    rows = [engine.state.lookup.shown(str(item)) for item in kept["id"]]
    unit = kept["vector"] / np.linalg.norm(kept["vector"], axis=1, keepdims=True)
    assert np.allclose(features.more["colours"][rows], unit, atol=1e-6)
    assert np.flatnonzero(features.more["trailer"].any(axis=1)).tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert engine.encoded["trailer encoded"] == 7 and engine.encoded["colours encoded"] == 0


def test_what_cannot_be_used_is_told_and_costs_the_cell_only(engine: Engine) -> None:
    told = engine.catalogue.rejects.filter(pl.col("field") == "trailer").row(0, named=True)
    assert told["file"].endswith("items.parquet") and told["line"] == 1 and "neither sound nor film" in told["reason"]
    lacking = engine.catalogue.rejects.filter(pl.col("reason").str.contains("no row of this id in colours.npz"))
    pictured = engine.catalogue.items["image"].is_not_null().sum()
    assert lacking["field"].unique().to_list() == ["item_id"]
    assert lacking.height == engine.catalogue.items.height - pictured + 1
    assert engine.catalogue.items.height == 100


def test_it_is_in_the_artefact_and_in_no_list_of_columns(engine: Engine, tmp_path: Path) -> None:
    engine.save(tmp_path / "artefact")
    opened = Engine.load(tmp_path / "artefact")
    for name, vectors in engine.ranker.features.more.items():
        assert (opened.ranker.features.more[name] == vectors).all()
    user = engine.catalogue.interactions["user_id"][0]
    assert [one.score for one in opened.recommend(user=user)] == [one.score for one in engine.recommend(user=user)]
    assert not opened.state.queries.by_modality("red shoes"), "no word stands where tables or plain pictures do"
    with pytest.raises(DataError, match="no column 'modality:trailer'; there are item_id, title"):
        opened.recommend(user=user, where={"modality:trailer": "x"})


def test_each_is_a_part_to_take_away_and_a_group_that_may_lack_it(engine: Engine) -> None:
    features = engine.ranker.features
    taken = {one.part: one.features for one in ablation.parts(features, engine.config) if one.kind == "modality"}
    assert {"colours", "trailer"} <= taken.keys()
    assert not taken["trailer"].more["trailer"].any() and taken["trailer"].more["colours"].any()
    assert groups.present(features)["trailer"].sum() == 7


def test_new_and_changed_items_have_it_too(engine: Engine, shop: Path) -> None:
    (shop / "clips" / "new.mp4").write_bytes(film([drawn(1, (64, 48))] * 3))
    made = replace(engine)
    made.add_items([{"item_id": "brand-new", "title": "A new thing", "trailer": "clips/new.mp4"}])
    assert made.ranker.features.more["trailer"][-1].any() and not made.ranker.features.more["colours"][-1].any()
    made.change_items([{"item_id": "brand-new", "title": "Another title"}])
    assert made.ranker.features.more["trailer"][-1].any(), "as its picture would"
    made.remove_items(["brand-new"])
    assert not made.ranker.features.more["trailer"][-1].any()


def test_over_http_keys_are_taken_and_paths_are_not(engine: Engine, shop: Path, tmp_path: Path) -> None:
    keyed = {"colours": engine.config.modalities["colours"].model_copy(update={"column": "swatch"})}
    config = engine.config.model_copy(update={"modalities": engine.config.modalities | keyed})
    engine = replace(engine, state=replace(engine.state, config=config))
    key = str(np.load(shop / "colours.npz", allow_pickle=False)["id"][0])
    item = key  # which has the colours of this key already
    with TestClient(create(engine, tmp_path / "events")) as client:
        refused = client.post("/v1/items", json={"item_id": "n1", "trailer": "clips/1.mp4"})
        assert refused.status_code == 422 and "no path is taken from a request" in refused.json()["detail"]
        rows = [{"item_id": "n1", "title": "A thing", "swatch": key}, {"item_id": "n2", "title": "Another"}]
        assert client.post("/v1/items", json=rows).json() == {"items": 2}
        assert client.get("/v1/items/n1").json()["columns"]["swatch"] == key
        assert client.get(f"/v1/items/{item}").json()["columns"]["swatch"] == key
        assert client.put(f"/v1/items/{item}", json={"title": "Without"}).json() == {"items": 1}
        assert client.put("/v1/items/n2", json={"title": "Another", "swatch": key}).json() == {"items": 1}
        assert "swatch" not in client.get(f"/v1/items/{item}").json()["columns"]
        assert client.get("/v1/items/n2").json()["columns"]["swatch"] == key
    live = Live(engine, EventLog(tmp_path / "events"))  # from the log, where changes are joined
    has = live.engine.ranker.features.more["colours"].any(axis=1)
    assert [has[live.engine.state.lookup.shown(one)] for one in ("n1", "n2", item)] == [True, True, False]
    assert live.engine.ranker.features.more["trailer"].any(axis=1).sum() == 7
    live.close()


def test_words_find_what_stands_in_their_space(engine: Engine) -> None:
    """A second text, that nothing else of an item says; the search that goes without is as it was."""
    features, state = engine.ranker.features, engine.state
    care = np.zeros((len(features), 512), np.float32)
    care[[3, 5]] = open_text("multilingual").encode(["wash by hand in cold water", "clean with a dry cloth"])
    none, nothing_named = Encoders(text="", image=""), Reading(np.zeros(len(features)), 0.0)
    asked = {"care": Modality(encoder="text:multilingual", search=0.3)}
    queries = QueryEncoders(none, asked)
    found = Searcher(state.catalogue.items, state.graph, replace(features, more={"care": care}), queries)
    parts = found.parts("may I wash it with water", nothing_named)
    assert parts["care"].argmax() == 3 and parts["care"].max() == pytest.approx(0.3)
    plain = Searcher(state.catalogue.items, state.graph, features, QueryEncoders(none))
    for name, scores in plain.parts("may I wash it with water", nothing_named).items():
        assert np.allclose(parts[name], 0.7 * scores)


def test_weights_of_a_search_add_up() -> None:
    assert sum(weighed(0.3, {"a": 0.2, "b": 0.1}).values()) == pytest.approx(1)
    many = weighed(0.3, dict.fromkeys("abcd", 0.5))
    assert many["a"] == pytest.approx(0.125) and sum(many.values()) == pytest.approx(1)


def test_its_weight_in_the_kernel_is_that_of_the_configuration(engine: Engine) -> None:
    features = engine.ranker.features.take(np.arange(6))
    mix = content.mix_of(Content(more={"colours": 0.3}), features)
    assert (mix["colours"], mix["trailer"]) == (0.3, content.MORE)
    less = content.kernel(features, features, mix | {"colours": 0.0})
    colours = features.more["colours"]
    assert np.allclose(content.kernel(features, features, mix) - less, 0.3 * colours @ colours.T, atol=1e-6)


def test_features_of_an_artefact_without_any_are_read(engine: Engine) -> None:
    plain = replace(engine.ranker.features, more={})
    ridge = content.Ridge(content.mix_of(Content(), plain), plain, np.ones((len(plain), 2), np.float32))
    kept = ridge.tensors()
    assert kept["mix"].tolist() == [1.0, 0.3, 0.6, 0.15] and not [name for name in kept if name.startswith("more.")]
    assert not Features.from_tensors(kept).more and content.Ridge.from_tensors(kept).mix == ridge.mix


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[modalities.a]\nencoder = "log-mel"\n', r"modalities.a.encoder.*KIND:SPEC, where KIND is text, image"),
        ('[modalities.a]\ncolumn = "a"\n', r"modalities.a.encoder.*required.*docs/modalities.md"),
        ('[modalities.text]\nencoder = "audio:log-mel"\n', r"'text' cannot name a modality"),
        ('[modalities.a]\nencoder = "audio:log-mel"\nsize = 1\n', r"unknown key `modalities.a.size`"),
        ("[candidates.content.more]\nb = 1.0\n", r"candidates.content.more weighs b, named in no"),
    ],
)
def test_mistakes_of_the_configuration_are_told(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "weft.toml").write_text(text)
    with pytest.raises(ConfigError, match=reason):
        load(tmp_path / "weft.toml")


def test_a_column_that_is_not_there_is_told(shop: Path) -> None:
    settings = load(shop / "weft.toml")
    modalities = {"sound": Modality(encoder="audio:log-mel")}
    with pytest.raises(DataError, match=r"no column `sound`.*modalities.sound.column"):
        Engine.build(Config.model_validate(settings.model_dump() | {"modalities": modalities, "candidates": {}}))
