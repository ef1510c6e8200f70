"""Linking from the command line and in a build's graph: facts that a table lacks are read from its texts."""

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from engine import config
from engine.cli import app
from engine.knowledge import graph_of, table_graph
from engine.tables import catalogue

SETTINGS = """
[data]
items = "items.csv"
brand = "brand"
text = ["title"]
[encoders]
text = ""
image = ""
[graph]
link = true
review = "review.csv"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    rows = [("1", "Nike shoe", "Nike"), ("2", "Adidas shoe", "Adidas"), ("3", "Another shoe by Nike", None)]
    rows += [("4", "The apple of his eye", None), ("5", "Apple phone", "Apple")]
    pl.DataFrame(rows, schema=["item_id", "title", "brand"], orient="row").write_csv(tmp_path / "items.csv")
    (tmp_path / "weft.toml").write_text(SETTINGS)
    return tmp_path


def test_a_graph_has_what_texts_name_only_if_that_is_wanted(shop: Path):
    settings = config.load(shop / "weft.toml")
    tables = catalogue.read(settings)
    plain = table_graph(tables, settings)
    linked = graph_of(tables, settings)
    assert linked.edges.join(plain.edges, on=["head", "relation", "tail"], how="anti").rows() == [
        ("item:3", "MADE_BY", "brand:nike")
    ]
    off = settings.model_copy(update={"graph": config.Graph()})
    assert graph_of(tables, off).edges.equals(plain.edges)


def test_the_command_writes_links_and_takes_decisions(shop: Path):
    review, out = shop / "review.csv", shop / "links.parquet"
    command = ["graph", "link", str(shop / "weft.toml"), "--review", str(review), "--out", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "1 facts that the table lacks" in done.output
    rows = pl.read_parquet(out)
    assert rows.filter(pl.col("item_id") == "3")["node"].to_list() == ["brand:nike"]
    review.write_text("decision,item_id,surface,node,score,candidates,around\nreject,3,Nike,brand:nike,1,,\n")
    assert CliRunner().invoke(app, command).exit_code == 0
    assert pl.read_parquet(out).filter(pl.col("item_id") == "3").is_empty()
    assert "reject,3,Nike" in review.read_text(encoding="utf-8-sig")


def test_a_bad_decision_is_one_clear_message(shop: Path):
    review = shop / "review.csv"
    review.write_text("decision,item_id,surface,node,score,candidates,around\nmaybe,3,Nike,brand:nike,1,,\n")
    done = CliRunner().invoke(app, ["graph", "link", str(shop / "weft.toml"), "--review", str(review)])
    assert done.exit_code == 2
    assert "line 2: the decision 'maybe' is no node of the graph; write accept" in " ".join(done.stderr.split())
