"""A graph as files: everything comes back as it was, other programs read it, and bad files are told by line."""

import json
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import polars as pl
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import files
from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.store import to_networkx

PLACES = {"graphml": "g.graphml", "jsonld": "g.jsonld", "parquet": "parquet", "neo4j-csv": "csv"}
NASTY = (
    "",
    " ",
    "耐克",
    'a "quoted", <b>&amp;',
    "line\nend",
    "\r\n",
    "\t",
    "\x00\x01\x1f",
    "_x0001_",
    "_x005F_x",
    "_x005F\x01",
    "\ufffe\uffff",
    "\u2028\x85",
    "🎬",
    "%41:",
    "urn:weft:node:x",
    "\\N",
    "a;b",
    "=1+1",
)


def made(nodes: list[tuple[str, str, str]], edges: list[tuple[str, str, str]]) -> GraphTables:
    return GraphTables(pl.DataFrame(nodes, NODES, orient="row"), pl.DataFrame(edges, EDGES, orient="row"))


def contents(tables: GraphTables) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    assert tables.nodes.columns == list(NODES) and tables.edges.columns == list(EDGES)
    return set(tables.nodes.rows()), set(tables.edges.rows())


text = st.one_of(st.text(st.characters(codec="utf-8"), max_size=6), st.sampled_from(NASTY))


@st.composite
def graphs(draw: st.DrawFn) -> GraphTables:
    ids = draw(st.lists(text, unique=True, max_size=5))
    nodes = [(id, draw(st.sampled_from(["Item", "Brand"])), draw(text)) for id in ids]
    ends = st.sampled_from(ids) if ids else st.nothing()
    relation = st.sampled_from(["R", "name", "HAS_x2", "type"])
    edges = draw(st.lists(st.tuples(ends, relation, ends), unique=True, max_size=6)) if ids else []
    return made(nodes, edges)


@pytest.mark.parametrize("form", PLACES)
@settings(max_examples=100)
@given(tables=graphs())
def test_everything_comes_back(form: str, tables: GraphTables, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("files") / PLACES[form]
    assert files.write(tables, path, form) == form
    again = files.read(path)
    assert contents(again) == contents(tables)
    assert again.nodes.height == tables.nodes.height and again.edges.height == tables.edges.height


@pytest.mark.parametrize("form", PLACES)
def test_nasty_names_come_back(form: str, tmp_path: Path) -> None:
    nodes = [(name, "Item", name[::-1]) for name in NASTY]
    tables = made(nodes, [(a, "R", b) for a in NASTY for b in NASTY])
    files.write(tables, tmp_path / PLACES[form], form)
    assert contents(files.read(tmp_path / PLACES[form])) == contents(tables)


def test_a_graph_without_anything(tmp_path: Path) -> None:
    for form, name in PLACES.items():
        files.write(made([], []), tmp_path / name, form)
        assert contents(files.read(tmp_path / name)) == (set(), set())


def test_writing_again_replaces_and_leaves_nothing_beside(shop: GraphTables, tmp_path: Path) -> None:
    for form, name in PLACES.items():
        files.write(made([("a", "Item", "a")], []), tmp_path / name, form)
        files.write(shop, tmp_path / name, form)
        assert contents(files.read(tmp_path / name)) == contents(shop)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PLACES.values())


@pytest.mark.parametrize("form", PLACES)
def test_a_failed_write_leaves_what_was_there(
    form: str, shop: GraphTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / PLACES[form]
    files.write(shop, path, form)
    dangling = GraphTables(shop.nodes, pl.DataFrame([("item:1", "R", "nobody")], EDGES, orient="row"))
    with pytest.raises(GraphError, match="end in no node"):
        files.write(dangling, path, form)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("graph.disk.sync", full)
    with pytest.raises(GraphError, match="No space left"):
        files.write(made([("a", "Item", "a")], []), path, form)
    assert [each.name for each in tmp_path.iterdir()] == [PLACES[form]]
    assert contents(files.read(path)) == contents(shop)


def test_a_folder_with_anything_else_is_not_replaced(shop: GraphTables, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    for form in ("parquet", "neo4j-csv"):
        with pytest.raises(GraphError, match=r"thesis\.txt"):
            files.write(shop, tmp_path, form)
        with pytest.raises(GraphError, match="this is a file"):
            files.write(shop, tmp_path / "thesis.txt", form)
    with pytest.raises(GraphError, match="this is a folder"):
        files.write(shop, tmp_path, "graphml")
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_networkx_reads_our_graphml_and_we_read_its(films: GraphTables, tmp_path: Path) -> None:
    files.write(films, tmp_path / "ours.graphml")
    theirs = nx.read_graphml(tmp_path / "ours.graphml", force_multigraph=True)
    assert theirs.nodes["item:1"] == {"label": "Item", "name": "Toy Story"}
    read = {(head, data["relation"], tail) for head, tail, data in theirs.edges(data=True)}
    assert read == set(films.edges.rows())
    nx.write_graphml(to_networkx(films), tmp_path / "theirs.graphml")
    assert contents(files.read(tmp_path / "theirs.graphml")) == contents(films)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")  # of rdflib by itself
def test_rdf_programs_read_our_json_ld(shop: GraphTables, tmp_path: Path) -> None:
    files.write(shop, tmp_path / "shop.jsonld")
    read = rdflib.Graph().parse(tmp_path / "shop.jsonld", format="json-ld")
    assert len(read) == 2 * shop.nodes.height + shop.edges.height
    brand = rdflib.URIRef("urn:weft:node:brand:nike")
    assert (brand, rdflib.RDFS.label, rdflib.Literal("Nike")) in read
    assert (rdflib.URIRef("urn:weft:node:item:1"), rdflib.URIRef("urn:weft:term:MADE_BY"), brand) in read


def test_graphml_of_other_programs(tmp_path: Path) -> None:
    (tmp_path / "g.graphml").write_text(
        """<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://y">
        <key id="d0" for="node" attr.name="labels"/><key id="d1" for="edge" attr.name="label"/>
        <key id="d2" for="node" attr.name="name"/><key id="d3" for="node" attr.name="year"/>
        <graph edgedefault="undirected"><desc>films</desc>
        <node id="n0"><data key="d0">:Film:Thing</data><data key="d2">He<!-- --><![CDATA[at]]></data>
        <data key="d3">1995</data></node>
        <node id="n1"/><edge id="e0" source="n0" target="n1"><data key="d1">LIKE</data></edge>
        <edge source="n0" target="n1" label="KNOWS"/></graph></graphml>""",
        encoding="utf-8",
    )
    read = files.read(tmp_path / "g.graphml")
    assert read.nodes.rows() == [("n0", "Film", "Heat"), ("n1", "Entity", "n1")]
    assert read.edges.rows() == [("n0", "LIKE", "n1"), ("n0", "KNOWS", "n1")]


def test_csv_of_other_programs(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("personId:ID(Person),name,born:int,:LABEL\nt,Tom,1956,Person;Actor\n")
    (tmp_path / "films.csv").write_text("\ufeff:ID(Film),title\nh,Heat\n", encoding="utf-8")
    (tmp_path / "roles.csv").write_text(":START_ID(Person),role,:END_ID(Film),:TYPE\nt,Neil,h,ACTED_IN\n")
    read = files.read(tmp_path)
    assert set(read.nodes.rows()) == {("t", "Person", "Tom"), ("h", "Entity", "h")}
    assert read.edges.rows() == [("t", "ACTED_IN", "h")]


BOMB = '<!DOCTYPE g [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><graphml>&b;</graphml>'
FETCH = '<!DOCTYPE g SYSTEM "http://localhost:1/g.dtd"><graphml/>'


def graphml(body: str) -> str:
    return f'<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n<graph>{body}</graph></graphml>'


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("g.graphml", BOMB, "line 1: a document type is not taken"),
        ("g.graphml", FETCH, "line 1: a document type is not taken"),
        ("g.graphml", "<graphml>\n<node>", "line 2: not XML"),
        ("g.graphml", "", "not XML"),
        ("g.graphml", graphml("<node/>"), "line 2: the node has no id"),
        ("g.graphml", graphml('<edge source="a"/>'), "line 2: the edge has no target"),
        ("g.graphml", graphml('<edge source="a" target="b"/>'), "line 2: the edge has no relation"),
        ("g.graphml", graphml('<node id="a"><graph><node id="b"/></graph></node>'), "node within a node"),
        ("g.jsonld", "{", "not JSON"),
        ("g.jsonld", "[" * 100_000, "not JSON"),
        ("g.jsonld", '{"@context": "http://localhost:1/context", "@graph": []}', "not a graph that Weft exported"),
        ("g.jsonld", '{"@context": {"@vocab": "urn:weft:term:"}, "@graph": [{"@id": "x"}]}', "node 1: @id, @type"),
        ("csv/a.csv", ":ID,name\nx\n", r"a\.csv: line 2: 1 cells, but 2 columns"),
        ("csv/a.csv", "x,y\n", r"a\.csv: line 1: neither a column :ID"),
        ("csv/a.csv", '":ID"\n"x\n', r"a\.csv: line 2: not CSV"),
        ("csv/a.csv", "", r"a\.csv: line 1"),
        ("g.txt", "", "the name tells no format"),
    ],
)
def test_a_bad_file_is_told_by_line(name: str, content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(GraphError, match=reason):
        files.read(tmp_path / name if "/" not in name else tmp_path / "csv")


@pytest.mark.parametrize("end", ["x", 1, None, {"@id": 2}, {"@value": "x"}])
def test_json_ld_whose_edge_ends_in_no_node(end: object, tmp_path: Path) -> None:
    node = {"@id": "urn:weft:node:a", "@type": "Item", "rdfs:label": "a", "R": end}
    (tmp_path / "g.jsonld").write_text(json.dumps({"@context": {"@vocab": "urn:weft:term:"}, "@graph": [node]}))
    with pytest.raises(GraphError, match=r"node 1: .* is no id of a node"):
        files.read(tmp_path / "g.jsonld")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    for name in PLACES.values():
        path = tmp_path / name
        if "." not in name:
            path.mkdir()
            path /= "nodes." + name
        path.write_bytes(b"\xff\xfe\x00:ID")
        with pytest.raises(GraphError, match=str(tmp_path / name)):
            files.read(tmp_path / name)
    with pytest.raises(GraphError, match="no such file"):
        files.read(tmp_path / "absent.graphml")
    with pytest.raises(GraphError, match="no format 'xlsx'"):
        files.write(made([], []), tmp_path / "x", "xlsx")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (pl.DataFrame({"id": ["a"]}), "no column `label`"),
        (pl.DataFrame({"id": ["a", None], "label": "Item", "name": "a"}), "row 2 has an empty cell"),
        (pl.DataFrame({"id": [["a"]], "label": "Item", "name": "a"}), "must be columns of text"),
    ],
)
def test_bad_parquet(frame: pl.DataFrame, reason: str, tmp_path: Path) -> None:
    write: Callable[..., None] = frame.write_parquet
    write(tmp_path / "nodes.parquet")
    pl.DataFrame(schema=EDGES).write_parquet(tmp_path / "edges.parquet")
    with pytest.raises(GraphError, match=reason):
        files.read(tmp_path)
    (tmp_path / "edges.parquet").unlink()
    pl.DataFrame(schema=NODES).write_parquet(tmp_path / "nodes.parquet")
    with pytest.raises(GraphError, match=r"edges\.parquet: no such file"):
        files.read(tmp_path)
