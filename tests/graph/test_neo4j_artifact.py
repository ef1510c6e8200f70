"""An engine and its graph in a store belong together: the artefact knows the version of the one it learned from."""

import dataclasses
from pathlib import Path

import polars as pl
import pytest

import graph
from engine import Engine, artifact
from engine.config import Config
from engine.config import Graph as GraphSettings
from engine.config import load as load_config
from engine.errors import ArtifactError, ConfigError
from graph import version
from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from tests.engine.eight import build
from tests.graph.conftest import fresh_neo4j


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_neo4j(request, tmp_path)


def engine(**settings: str) -> Engine:
    made = build()
    config = Config.model_validate(made.config.model_dump() | {"graph": GraphSettings(**settings).model_dump()})
    return dataclasses.replace(made, state=dataclasses.replace(made.state, config=config))


def test_in_the_artefact(tmp_path: Path) -> None:
    made = engine()
    made.save(tmp_path / "artefact")
    facts = artifact.read(tmp_path / "artefact").facts
    assert facts["graph_version"] == version.of(made.graph)
    before = sorted(path.name for path in (tmp_path / "artefact").rglob("*"))
    assert Engine.load(tmp_path / "artefact").recommend(history=["a"]) == made.recommend(history=["a"])
    assert sorted(path.name for path in (tmp_path / "artefact").rglob("*")) == before
    artifact.amend(tmp_path / "artefact", {"graph_version": "another"})
    with pytest.raises(ArtifactError, match="build the artefact again"):
        Engine.load(tmp_path / "artefact")


def test_in_a_server(tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture) -> None:
    made = engine(store="neo4j", uri=place)
    made.save(tmp_path / "artefact")
    assert not (tmp_path / "artefact" / "graph").exists()
    with graph.open(place) as store:
        assert store.version() == version.of(made.graph)
        held = store.export()
        assert set(held.nodes.rows()) == set(made.graph.nodes.rows())
        Engine.load(tmp_path / "artefact")
        assert not caplog.records
        new = pl.DataFrame([("item:new", "Item", "x")], schema=NODES, orient="row")
        store.merge(GraphTables(new, pl.DataFrame(schema=EDGES)))
    loaded = Engine.load(tmp_path / "artefact")
    assert f"weft graph load {tmp_path / 'artefact'} {place}" in caplog.text
    assert loaded.recommend(history=["a"]) == made.recommend(history=["a"])


def test_a_server_that_is_not_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = engine(store="neo4j", uri="bolt://localhost:1")
    with pytest.raises(GraphError, match=r"no server answers.*the artefact is written.*weft graph load"):
        made.save(tmp_path / "artefact")
    assert Engine.load(tmp_path / "artefact").recommend(history=["a"])
    assert "no server answers" in caplog.text


def test_no_secrets_in_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "weft.toml"
    file.write_text('[graph]\nstore = "neo4j"\nuri = "bolt://me:secret-word@localhost"\n')
    with pytest.raises(ConfigError, match="NEO4J_PASSWORD"):
        load_config(file)
