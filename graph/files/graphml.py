"""GraphML (http://graphml.graphdrawing.org): XML that networkx, Gephi, yEd and Neo4j's tools read.

XML has no place for control characters, so such a character of an id or name is written `_x0001_` (its code, as in
ECMA-376) and read back; an underscore before an `x` is written `_x005F_`, so that nothing else is taken for one.
"""

import re
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat
from xml.sax.saxutils import escape

import polars as pl

from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.files.atomic import written_file
from graph.schema import ENTITY

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="label" for="node" attr.name="label" attr.type="string"/>
  <key id="name" for="node" attr.name="name" attr.type="string"/>
  <key id="relation" for="edge" attr.name="relation" attr.type="string"/>
  <graph edgedefault="directed">
"""
FOOT = "  </graph>\n</graphml>\n"
NODE = '<node id="{}"><data key="label">{}</data><data key="name">{}</data></node>\n'
EDGE = '<edge source="{}" target="{}"><data key="relation">{}</data></edge>\n'

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|_(?=x)")
_CODE = re.compile("_x(00(?:0[0-8BCEF]|1[0-9A-F]|5F)|FFF[EF])_")
_SPACES = {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;", '"': "&quot;"}
"""An attribute's line ends and tabs would be read as blanks, and a carriage return anywhere as a line end."""


def write(tables: GraphTables, path: Path) -> None:
    """One file: ids as node ids, `label` and `name` of nodes and `relation` of edges as data."""
    with written_file(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as out:
        out.write(HEAD)
        out.writelines(NODE.format(*map(_text, row)) for row in tables.nodes.select(list(NODES)).iter_rows())
        edges = tables.edges.select("head", "tail", "relation")
        out.writelines(EDGE.format(*map(_text, row)) for row in edges.iter_rows())
        out.write(FOOT)


def _text(text: str) -> str:
    return escape(_UNFIT.sub(lambda found: f"_x{ord(found[0]):04X}_", text), _SPACES)


def _plain(text: str) -> str:
    return _CODE.sub(lambda found: chr(int(found[1], 16)), text)


def read(path: Path) -> GraphTables:
    """The nodes and edges of a file, of Weft or another program, in their order.

    A node's label is its data `label` or `labels` (else Entity) and its name `name` (else its id); an edge's relation
    is its data `relation`, `label` or `type`, else its id, where networkx keeps it. Other data is left out, and an
    undirected edge goes from source to target. A document type, which could name other files and entities that grow
    without end, is refused. Raises GraphError naming file and line.
    """
    reader = _Reader(path)
    with path.open("rb") as file:
        nodes, edges = reader.rows(file)
    return GraphTables(pl.DataFrame(nodes, NODES, orient="row"), pl.DataFrame(edges, EDGES, orient="row"))


class _Reader:
    """What the parser has met so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: dict[str, str] = {}
        self.nodes: list[tuple[str, str, str]] = []
        self.edges: list[tuple[str, str, str]] = []
        self.open: dict[str, str] | None = None
        """Attributes and data of the node or edge that is being read."""
        self.key: str | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def rows(self, file: IO[bytes]) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
        try:
            self.parser.ParseFile(file)
        except expat.ExpatError as error:
            raise GraphError(
                f"{self.path}: line {error.lineno}: not XML ({expat.ErrorString(error.code)}); export it again"
            ) from None
        return self.nodes, self.edges

    def _refuse(self, *_: Any) -> None:
        raise self._error("a document type is not taken; remove the <!DOCTYPE ...>")

    def _error(self, what: str) -> GraphError:
        return GraphError(f"{self.path}: line {self.parser.CurrentLineNumber}: {what}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name == "key":
            self.keys[attributes.get("id", "")] = attributes.get("attr.name", attributes.get("id", ""))
        elif name in ("node", "edge"):
            if self.open is not None:
                raise self._error("a node within a node is not taken; export the graph flat")
            self.open = {f"@{key}": value for key, value in attributes.items()}
        elif name == "data" and self.open is not None:
            self.key = self.keys.get(attributes.get("key", ""), attributes.get("key", ""))
            self.open[self.key] = ""

    def _data(self, text: str) -> None:
        if self.key is not None and self.open is not None:
            self.open[self.key] += text

    def _end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "data":
            self.key = None
        elif name == "node" and self.open is not None:
            id = self._needed("@id", "node", "id")
            label = self._first("label", "labels") or ENTITY
            # Neo4j writes its labels as `:Brand:Maker`.
            label, name = label.removeprefix(":").partition(":")[0], self.open.get("name", id)
            self.nodes.append((_plain(id), _plain(label), _plain(name)))
            self.open = None
        elif name == "edge" and self.open is not None:
            head, tail = self._needed("@source", "edge", "source"), self._needed("@target", "edge", "target")
            relation = self._first("relation", "label", "type", "@label", "@id")
            if not relation:
                raise self._error('the edge has no relation; give it <data key="relation">')
            self.edges.append((_plain(head), _plain(relation), _plain(tail)))
            self.open = None

    def _first(self, *keys: str) -> str:
        assert self.open is not None
        return next(filter(None, (self.open.get(key) for key in keys)), "")

    def _needed(self, key: str, what: str, called: str) -> str:
        assert self.open is not None
        if key not in self.open:
            raise self._error(f"the {what} has no {called}")
        return self.open[key]
