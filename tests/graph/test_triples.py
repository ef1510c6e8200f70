"""Triples in the forms of knowledge graphs: what each line becomes, and which lines are rejected."""

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdflib import Graph, Literal, URIRef

from graph import triples
from graph.errors import GraphError


def read(path: Path, content: str | bytes) -> triples.Triples:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return triples.read(path)


def test_ntriples(tmp_path: Path) -> None:
    content = """\ufeff# films
<http://shop.example/item/1> <http://schema.org/madeBy> <http://shop.example/brand/nike> .\r

<http://shop.example/item/1> <http://schema.org/color> "red, \\"dark\\"\\n" .
<http://shop.example/item/1> <http://x.org/ns#year> "1995"^^<http://www.w3.org/2001/XMLSchema#gYear> .
<http://shop.example/item/1> <http://x.org/madeBy> .
not a triple
<http://shop.example/brand/nike> <http://www.w3.org/2000/01/rdf-schema#label> "\u8010\u514b"@zh .
<http://shop.example/brand/nike> <http://www.w3.org/2000/01/rdf-schema#label> "Nike"@en .
<http://shop.example/brand/nike> <http://www.w3.org/2004/02/skos/core#altLabel> "Swoosh" .
_:a <http://x.org/knows> _:b .
_:b <http://x.org/knows> _:a .
<urn:isbn:123> <http://x.org/knows> <mailto:a@b.org> .
<http://x.org> <http://x.org/knows> <http://x.org/%E8%80%90> . # a comment
"""
    found = read(tmp_path / "facts.nt", content.encode() + b'<http://x.org/a> <http://x.org/b> "\xff" .\n')
    assert list(zip(found.lines, found.frame.rows(), strict=True)) == [
        (2, ("item:1", "made_by", "brand:nike")),
        (4, ("item:1", "color", 'entity:red, "dark"\n')),
        (5, ("item:1", "year", "entity:1995")),
        (9, ("brand:nike", "rdfs:label", "Nike")),
        (10, ("brand:nike", "alias", "entity:Swoosh")),
        (11, ("_:facts-1", "knows", "_:facts-2")),
        (12, ("_:facts-2", "knows", "_:facts-1")),
        (13, ("isbn:123", "knows", "mailto:a@b.org")),
        (14, ("x.org", "knows", "耐")),
        (8, ("brand:nike", "rdfs:label", "耐克")),
    ]
    assert found.rejects.select("line", "reason").rows() == [
        (6, "not a statement <head> <relation> <tail> ."),
        (7, "not a statement <head> <relation> <tail> ."),
        (15, "not UTF-8"),
    ]
    assert found.rejects["file"][0] == str(tmp_path / "facts.nt") and found.rejects["value"][1] == "not a triple"


def test_turtle(tmp_path: Path) -> None:
    content = """@prefix item: <http://shop.example/items/> . @prefix : <http://shop.example/things/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
item:1 :madeBy :nike ; :colour "red"@en, "rouge"@fr .
:nike rdfs:label "Nike" ; :seat [ :in <http://dbpedia.org/resource/Oregon> ] .
<relative> :in item:2 .
<http://shop.example/all> owl:imports <http://127.0.0.1:1/more.ttl> .
"""
    found = read(tmp_path / "facts.ttl", content)
    assert (
        set(found.frame.rows())
        == {
            ("item:1", "made_by", "things:nike"),
            ("item:1", "colour", "entity:red"),
            ("item:1", "colour", "entity:rouge"),
            ("things:nike", "rdfs:label", "Nike"),
            ("things:nike", "seat", "_:facts-1"),
            ("_:facts-1", "in", "resource:Oregon"),
            ("relative", "in", "item:2"),
            ("all", "imports", "127.0.0.1:1:more.ttl"),
        }
        or found.frame.rows()
    )
    assert found.rejects.is_empty() and len(found.lines) == 8


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    content = "@prefix owl: <http://www.w3.org/2002/07/owl#> . <http://a.org/a> owl:imports <http://a.org/b.ttl> ."
    assert read(tmp_path / "facts.ttl", content).frame.rows() == [("a", "imports", "b.ttl")]


def test_two_iris_are_never_one_id(tmp_path: Path) -> None:
    content = """<http://a.org/film/1> <http://a.org/title> <http://b.org/film/1> .
<http://a.org/film/2> <http://b.org/title> <http://b.org/film/3> .
"""
    assert read(tmp_path / "facts.nt", content).frame.rows() == [
        ("http://a.org/film/1", "http://a.org/title", "http://b.org/film/1"),
        ("film:2", "http://b.org/title", "film:3"),
    ]


def test_bad_turtle_is_told_by_line(tmp_path: Path) -> None:
    for content, reason in (
        ("<http://a.org/a> <http://a.org/b> <http://a.org/c> .\n\n<a> b c .", "line 3: not Turtle"),
        ("\nx:a x:b x:c .", r"line 2: not Turtle \(.*"),
        (b'<http://a.org/a> <http://a.org/b> "\xff" .', "not UTF-8"),
        ("<http://a.org/a> <http://a.org/b> " + "[<http://a.org/c> " * 5000, "not Turtle"),
    ):
        with pytest.raises(GraphError, match=reason) as raised:
            read(tmp_path / "facts.ttl", content)
        assert "facts.ttl" in str(raised.value) and "\n" not in str(raised.value)


letters = st.text(st.characters(codec="utf-8"), max_size=12)


@given(rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), letters), max_size=8))
def test_what_rdflib_writes_is_read(rows: list[tuple[int, int, str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    graph = Graph()
    for head, relation, tail in rows:
        graph.add((URIRef(f"http://a.org/item/{head}"), URIRef(f"http://a.org/r{relation}"), Literal(tail)))
    expected = {(f"item:{head}", f"r{relation}", f"entity:{tail}") for head, relation, tail in rows}
    folder = tmp_path_factory.mktemp("rdf")
    for form, name in (("nt", "facts.nt"), ("turtle", "facts.ttl")):
        graph.serialize(folder / name, format=form, encoding="utf-8")
        found = triples.read(folder / name)
        assert set(found.frame.rows()) == expected and found.rejects.is_empty()


@given(content=st.binary(max_size=60), suffix=st.sampled_from(sorted(triples.SUFFIXES)))
def test_any_bytes_are_read_or_told(content: bytes, suffix: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("bytes") / f"facts{suffix}"
    try:
        found = read(path, content)
    except GraphError as error:
        assert str(path) in str(error)
    else:
        assert found.frame.height == len(found.lines)


def test_kgat(tmp_path: Path) -> None:
    (tmp_path / "item_list.txt").write_text("org_id remap_id freebase_id\nA1 0 m.0\nA2 1 m.1\n")
    (tmp_path / "entity_list.txt").write_text("org_id remap_id\nm.0 0\nm.1 1\nm.2 2\n")
    (tmp_path / "relation_list.txt").write_text("org_id remap_id\nhttp://rdf.freebase.com/ns/book.author 0\n")
    found = read(tmp_path / "kg_final.txt", "0 0 2\r\n1 1 0\n1 0\n\n2 0 7\n")
    author = "http://rdf.freebase.com/ns/book.author"
    assert found.frame.rows() == [("0", author, "m.2"), ("1", "1", "0"), ("m.2", author, "7")]
    assert found.lines.to_list() == [1, 2, 5]
    assert found.rejects.rows() == [(str(tmp_path / "kg_final.txt"), 3, "", "2 cells, but 3 are wanted", "1 0")]


def test_recbole(tmp_path: Path) -> None:
    (tmp_path / "ml.link").write_text("item_id:token\tentity_id:token\n1\tm.1\n")
    content = "head_id:token\trelation_id:token\ttail_id:token\nm.1\tby\tm.2\nm.3\tby\nm.3\tof the\tm.1\n"
    found = read(tmp_path / "ml.kg", content)
    assert found.frame.rows() == [("1", "by", "m.2"), ("m.3", "of the", "1")] and found.lines.to_list() == [2, 4]
    assert found.rejects["line"].to_list() == [3]
    with pytest.raises(GraphError, match="line 1: there is no column `tail_id:token`"):
        read(tmp_path / "other.kg", "head_id:token\trelation_id:token\n")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match=r"suffix '\.owl' is not known"):
        triples.read(tmp_path / "facts.owl")
    with pytest.raises(GraphError, match="cannot be read"):
        triples.read(tmp_path / "absent.nt")
