"""The review file: a person's decisions are kept, applied, and told what is wrong with them."""

from pathlib import Path

import polars as pl
import pytest

from graph.build import GraphTables, build
from graph.errors import GraphError
from graph.link import Linker, Settings, read_review, write_review

DOUBT = Settings(accept=0.999, review=0.0)
"""Nothing is sure."""


@pytest.fixture
def graph() -> GraphTables:
    items = pl.DataFrame({"item_id": ["1", "2", "3"], "brand": ["Nike", "Apple", None]})
    return build(items, attributes=[], brand="brand")


TEXTS, IDS = ['an Apple, "red"', "Nike, Apple", "苹果 Nike"], ["3", "1", "2"]


def decide(path: Path, **decisions: str) -> None:
    rows = pl.read_csv(path, infer_schema=False)
    said = [decisions.get(f"{surface}{item}", "") for item, surface in rows.select("item_id", "surface").iter_rows()]
    rows.with_columns(decision=pl.Series(said, dtype=pl.String)).write_csv(path)


def test_decisions_are_applied_and_kept(graph: GraphTables, tmp_path: Path):
    path = tmp_path / "folder" / "review.csv"
    nodes = graph.nodes["id"]
    first = Linker(graph, settings=DOUBT, decisions=read_review(path, nodes)).link(TEXTS, IDS)
    assert first.links.is_empty()
    assert write_review(path, first.unsure) == 4
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # by which spreadsheets know UTF-8
    decide(path, Apple3="accept", Nike1="reject", Nike2="brand:apple")
    decisions = read_review(path, nodes)
    second = Linker(graph, settings=DOUBT, decisions=decisions).link(TEXTS, IDS)
    assert set(second.links.select("item_id", "node").rows()) == {("3", "brand:apple"), ("2", "brand:apple")}
    assert set(second.links["method"]) == {"decided"}
    assert write_review(path, second.unsure) == 1
    assert read_review(path, nodes) == decisions
    assert list(tmp_path.rglob("*.partial")) == []


def test_what_was_decided_of_items_that_are_gone_stays(graph: GraphTables, tmp_path: Path):
    path = tmp_path / "review.csv"
    linker = Linker(graph, settings=DOUBT)
    write_review(path, linker.link(TEXTS, IDS).unsure)
    decide(path, Apple3="reject")
    write_review(path, linker.link(TEXTS[1:], IDS[1:]).unsure)
    assert read_review(path, graph.nodes["id"]).find("3", "Apple") == "reject"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item_id,surface\n", "line 1: no column decision"),
        (
            "decision,item_id,surface,node,score,candidates,around\nbrand:nik,1,Nike,brand:nike,1,x,y\n",
            "line 2.*accept",
        ),
        ("decision,item_id,surface,node,score,candidates,around\naccept,1\n", "line 2: 7 cells"),
        ('decision,item_id,surface,node,score,candidates,around\n"accept,1,2,3,4,5,6\n', "csv"),
    ],
)
def test_a_bad_file_is_told_with_its_line(graph: GraphTables, tmp_path: Path, text: str, message: str):
    path = tmp_path / "review.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GraphError, match=message):
        read_review(path, graph.nodes["id"])
    with pytest.raises(GraphError, match="cannot be read"):
        read_review(tmp_path, graph.nodes["id"])
