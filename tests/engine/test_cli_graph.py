"""`weft graph` as a newcomer types it: load, ask, merge, export, check, and every mistake told in one line."""

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

import graph
from graph import files
from graph.stores import server
from tests.engine import command

ITEMS = """item_id,title,genre,studio,kind
1,Toy Story,Animation|Comedy,Pixar,Film > Family
2,Cars,Animation,PIXAR,Film > Family
3,Heat,Crime,Warner,Film
4,"Say ""it"", twice",Comedy,Pixarr Inc.,Film
5,Nothing known,,,
"""
CONFIG = """
[data]
items = "items.csv"
interactions = "events.csv"
triples = "facts.nt"
attributes = ["genre"]
brand = "studio"
category = "kind"

[graph.relations]
directed_by = ["Item", "Person"]
"""
FACTS = """<http://films.example/items/1> <http://films.example/directedBy> <http://films.example/John_Lasseter> .
<http://films.example/John_Lasseter> <http://films.example/directedBy> <http://films.example/items/2> .
what is this
"""


def weft(*arguments: object, code: int = 0) -> Result:
    """`weft graph ...`, ended with this code."""
    done = command.weft("graph", *arguments)
    assert done.exit_code == code, done.output
    return done


def rows(done: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(done.stdout)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "items.csv").write_text(ITEMS, encoding="utf-8")
    (folder / "events.csv").write_text("user_id,item_id\nann,1\nann,2\nbo,1\nann,1\nann,9\n", encoding="utf-8")
    (folder / "facts.nt").write_text(FACTS, encoding="utf-8")
    (folder / "weft.toml").write_text(CONFIG, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def loaded(folder: Path) -> tuple[Path, Result]:
    return folder / "graph", weft("load", folder / "weft.toml", folder / "graph", "--rejects", folder / "rejects.csv")


@pytest.fixture
def place(loaded: tuple[Path, Result]) -> Path:
    return loaded[0]


def test_every_command_has_a_help_page_with_examples() -> None:
    listed = weft("--help").stdout
    for name in (
        "load",
        "merge",
        "query",
        "ask",
        "neighbours",
        "path",
        "stats",
        "schema",
        "export",
        "check",
        "serve-neo4j",
    ):
        assert f"\n  {name} " in listed
        page = weft(name, "--help").stdout
        assert "Example" in page and f"weft graph {name} " in page


def test_load_says_what_is_in_it_and_what_is_not(loaded: tuple[Path, Result], folder: Path) -> None:
    done = loaded[1]
    assert "DIRECTED_BY" in done.stdout and "Person" in done.stdout and "User" not in done.stdout
    for reason in ("unknown item", "reversed: directed_by goes from Item to Person", "not a statement"):
        assert reason in done.stdout
    assert "3 rows or cells could not be used" in done.stderr
    found = pl.read_csv(folder / "rejects.csv")
    assert found["line"].to_list() == [6, 2, 3] and found.columns == ["file", "line", "field", "reason", "value"]


def test_interactions_are_loaded_on_purpose_only(folder: Path, tmp_path: Path) -> None:
    shown = weft("load", folder, tmp_path / "all", "--interactions").stdout
    assert "CHOSE" in shown and "User" in shown
    chosen = rows(weft("query", tmp_path / "all", "MATCH (u)-[:CHOSE]->(i) RETURN u.id, i.id", "--format", "csv"))
    assert sorted(tuple(row.values()) for row in chosen) == [
        ("user:ann", "item:1"),
        ("user:ann", "item:2"),
        ("user:bo", "item:1"),
    ]
    assert (
        "weft.toml or an artefact" in weft("load", folder / "facts.nt", tmp_path / "x", "--interactions", code=2).stderr
    )


def test_query_takes_parameters_and_gives_every_form(place: Path, tmp_path: Path) -> None:
    query = "MATCH (a:Item)-[:HAS_GENRE]->(g {name: $genre}) RETURN a.id AS id, a.name AS name ORDER BY id"
    asked = ("query", place, query, "-p", "genre=Comedy")
    expected = [{"id": "item:1", "name": "Toy Story"}, {"id": "item:4", "name": 'Say "it", twice'}]
    assert "Toy Story" in weft(*asked).stdout
    assert json.loads(weft(*asked, "--format", "json").stdout) == expected
    assert rows(weft(*asked, "--format", "csv")) == expected
    assert [json.loads(line) for line in weft(*asked, "--format", "jsonl").stdout.splitlines()] == expected
    for name, read in (("a.parquet", pl.read_parquet), ("a.csv", pl.read_csv), ("a.jsonl", pl.read_ndjson)):
        assert "2 rows" in weft(*asked, "--out", tmp_path / name).stdout
        assert read(tmp_path / name).to_dicts() == expected
    weft(*asked, "--out", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == expected


def test_values_of_parameters_are_json_or_text(place: Path) -> None:
    query = "RETURN $a AS a, $b AS b, $c AS c, $d AS d"
    values = ["-p", "a=5", "-p", 'b="5"', "-p", "c=five = 5", "-p", 'd=["x", "y"]']
    assert json.loads(weft("query", place, query, *values, "--format", "json").stdout) == [
        {"a": 5, "b": "5", "c": "five = 5", "d": ["x", "y"]}
    ]
    assert rows(weft("query", place, query, *values, "--format", "csv"))[0]["d"] == '["x", "y"]'


def test_ready_questions(place: Path) -> None:
    assert "Which items share most" in weft("ask", "list").stdout
    assert "哪些商品" in weft("ask", "list", "--language", "zh").stdout
    assert rows(weft("ask", "common-values", place, "--relation", "HAS_GENRE", "--format", "csv"))[0]["items"] == "2"
    expected = rows(weft("ask", "similar", place, "--item", "item:1", "--format", "csv"))
    assert expected[0]["item"] == "item:2"
    assert rows(weft("ask", "similar", place, "--item=1", "--format=csv")) == expected
    assert rows(weft("ask", "similar", place, "-p", "item=item:1", "--format", "csv")) == expected
    assert "needs --item" in weft("ask", "similar", place, code=2).stderr
    assert "name the graph" in weft("ask", "hubs", code=2).stderr
    assert "no question 'hub'" in weft("ask", "hub", place, code=2).stderr
    assert "write --NAME VALUE" in weft("ask", "similar", place, "--item", code=2).stderr


def test_neighbours(place: Path, tmp_path: Path) -> None:
    shown = weft("neighbours", place, "1").stdout
    assert "Pixar" in shown and "person:john_lasseter" in shown and "MADE_BY" in shown
    found = rows(weft("neighbours", place, "brand:pixar", "--format", "csv"))
    assert [(row["head_name"], row["relation"], row["tail_name"]) for row in found] == [
        ("Toy Story", "MADE_BY", "Pixar"),
        ("Cars", "MADE_BY", "Pixar"),
    ]
    weft("neighbours", place, "brand:pixar", "--hops", 2, "--out", tmp_path / "near.graphml")
    near = files.read(tmp_path / "near.graphml")
    assert "genre:comedy" in near.nodes["id"] and near.edges.height > 2
    assert "no node 'item:99'" in weft("neighbours", place, "99", code=2).stderr


def test_path(place: Path) -> None:
    shown = weft("path", place, "2", "item:1").stdout
    assert "Cars -MADE_BY-> Pixar <-MADE_BY- Toy Story" in shown
    found = rows(weft("path", place, "2", "1", "--format", "csv", "-n", 1))
    assert [row["step"] for row in found] == ["1", "2"]
    assert "no path" in weft("path", place, "5", "1").stderr


def test_stats_and_schema(place: Path) -> None:
    counted = {row["name"]: row for row in rows(weft("stats", place, "--format", "csv"))}
    assert counted["Item"]["count"] == "5" and counted["DIRECTED_BY"]["to"] == "Person"
    joined = json.loads(weft("schema", place, "--format", "json").stdout)
    assert {"kind": "relation", "name": "SUBCATEGORY_OF", "from": "Category", "to": "Category"} in joined


@pytest.mark.parametrize("name", ["out.graphml", "out.jsonld", "parquet", "neo4j-csv"])
def test_what_is_exported_can_be_loaded(name: str, place: Path, tmp_path: Path) -> None:
    form = () if "." in name else ("--as", name)
    done = weft("export", place, tmp_path / name, *form)
    assert "nodes and" in done.stdout
    assert ("neo4j-admin database import full" in done.stdout) == (name == "neo4j-csv")
    weft("load", tmp_path / name, tmp_path / "again")
    with graph.open(place, read_only=True) as first, graph.open(tmp_path / "again", read_only=True) as second:
        a, b = first.export(), second.export()
    assert a.nodes.equals(b.nodes) and a.edges.equals(b.edges)


def test_merge_adds_triples_among_the_nodes(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "graph"
    weft("load", folder, place)
    before = {row["name"]: int(row["count"]) for row in rows(weft("stats", place, "--format", "csv"))}
    lines = "3,directed by,Michael Mann\nbrand:PIXAR,owned by,Disney\n3,directed by\nMann,directed_by,3\n"
    (tmp_path / "more.csv").write_text("head,relation,tail\n" + lines)
    done = weft("merge", tmp_path / "more.csv", place, "--relations", folder / "weft.toml")
    assert "2 cells, but 3 columns" in done.stdout and "reversed" in done.stdout
    after = {row["name"]: int(row["count"]) for row in rows(weft("stats", place, "--format", "csv"))}
    added = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}
    assert added == {"DIRECTED_BY": 1, "Entity": 1, "OWNED_BY": 1, "Person": 1}
    found = rows(weft("query", place, "MATCH (a)-[:OWNED_BY]->(b) RETURN a.id, b.id", "--format", "csv"))
    assert [tuple(row.values()) for row in found] == [("brand:pixar", "entity:Disney")]


def test_triples_alone_are_a_graph(folder: Path, tmp_path: Path) -> None:
    done = weft("load", folder / "facts.nt", tmp_path / "facts")
    assert "DIRECTED_BY" in done.stdout and "not a statement" in done.stdout


def test_check_reports_and_is_strict_on_demand(folder: Path, place: Path) -> None:
    for source in (folder, place):
        shown = weft("check", source).stdout
        assert "brands of nearly one name (1)" in shown and "Pixar / Pixarr Inc." in shown
        assert "items without any edge (1)" in shown and "item:5 Nothing known" in shown
        assert "BELONGS_TO" in shown and "80.0%" in shown
    found = json.loads(weft("check", place, "--json", "--strict", code=1).stdout)
    assert found["ok"] is False and found["nodes"] > 10
    assert {one["kind"] for one in found["findings"] if one["severity"] != "note"} == {
        "brands of nearly one name",
        "items without any edge",
    }


def test_check_of_a_file_that_no_store_takes(tmp_path: Path) -> None:
    (tmp_path / "nodes.csv").write_text(":ID,name,:LABEL\na,A,Item\nb,B,Item\n")
    (tmp_path / "edges.csv").write_text(":START_ID,:END_ID,:TYPE\na,b,R\na,c,R\n")
    assert "error: dangling edges (1)" in weft("check", tmp_path, "--strict", code=1).stdout
    done = weft("load", tmp_path, tmp_path / "graph")
    assert "an end is no node" in done.stdout and "1 rows or cells" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["load", "absent", "{place}"], "no such file or folder"),
        (["load", "{folder}/items.csv", "{place}-2"], "no column `head`"),
        (["load", "{folder}", "{folder}"], "holds something else"),
        (["query", "{folder}/weft.toml", "RETURN 1"], "load it first: weft graph load"),
        (["query", "{folder}/absent", "RETURN 1"], "no graph here"),
        (["query", "ftp://x", "RETURN 1"], "ftp://x"),
        (["query", "{place}", "MATCH (a) DETACH DELETE a"], "DETACH is refused"),
        (["query", "{place}", "MATCH (a) WHERE a.id = $x RETURN a"], "values for $x"),
        (["query", "{place}", "RETURN 1", "-p", "x"], "write NAME=VALUE"),
        (["query", "{place}", "RETURN 1", "--out", "x.xlsx"], "must end in one of"),
        (["export", "{place}", "{folder}/out"], "the name tells no format"),
        (["export", "{place}", "{folder}/out", "--as", "xls"], "no format 'xls'"),
        (["export", "{place}", "{folder}", "--as", "parquet"], "will not be replaced"),
        (["check", "{folder}/weft.md"], "no such file"),
        (["merge", "{folder}/weft.toml.txt", "{place}"], "no such file"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(arguments: list[str], message: str, folder: Path, place: Path) -> None:
    done = weft(*(one.format(folder=folder, place=place) for one in arguments), code=2)
    assert message in done.stderr and done.stderr.count("weft:") == 1 and "Traceback" not in done.stderr


def test_serve_neo4j_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "missing", lambda: "java not found: apt-get install it")
    assert "java not found" in weft("serve-neo4j", code=2).stderr
