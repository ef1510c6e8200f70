"""JSON-LD 1.1 (https://www.w3.org/TR/json-ld11/): JSON that is RDF to whoever wants RDF.

A node is `{"@id": "urn:weft:node:item:1", "@type": "Item", "rdfs:label": ..., "HAS_GENRE": [...]}`, with its
id percent-encoded into an IRI, and labels and relations as terms of `urn:weft:term:`. The context stands in the file;
no other context is read, so nothing is ever fetched.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import polars as pl

from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.files.atomic import written_file

NODE, TERM = "urn:weft:node:", "urn:weft:term:"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
KEYS = ("@id", "@type", "rdfs:label")
"""No relation can be called so: its name has no colon."""


def write(tables: GraphTables, path: Path) -> None:
    """One file, a node a line, with its edges to other nodes."""
    relations = tables.edges["relation"].unique().sort()
    context: dict[str, Any] = {"@version": 1.1, "@vocab": TERM, "rdfs": RDFS}
    context |= {relation: {"@type": "@id"} for relation in relations}
    tails: dict[str, dict[str, list[str]]] = {}
    for head, relation, tail in tables.edges.select(list(EDGES)).iter_rows():
        tails.setdefault(head, {}).setdefault(relation, []).append(_iri(tail))
    with written_file(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as out:
        out.write(f'{{"@context": {json.dumps(context)},\n"@graph": [')
        for place, (id, label, name) in enumerate(tables.nodes.select(list(NODES)).iter_rows()):
            node = {"@id": _iri(id), "@type": label, "rdfs:label": name, **tails.get(id, {})}
            out.write((",\n" if place else "\n") + json.dumps(node, ensure_ascii=False))
        out.write("\n]}\n")


def read(path: Path) -> GraphTables:
    """The graph of a file as `write` makes it. Raises GraphError naming the file, the node and what is wrong.

    JSON-LD of other origin can be turned into N-Triples or Turtle, which `graph.triples` reads.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise GraphError(f"{path}: not JSON ({error}); export it again") from None
    context = document.get("@context") if isinstance(document, dict) else None
    if not isinstance(context, dict) or context.get("@vocab") != TERM or not isinstance(document.get("@graph"), list):
        raise GraphError(f"{path}: not a graph that Weft exported (its @context has no @vocab {TERM})")
    nodes, edges = [], []
    for place, node in enumerate(document["@graph"], start=1):
        where = f"{path}: node {place}"
        if not isinstance(node, dict) or not all(isinstance(node.get(key), str) for key in KEYS):
            raise GraphError(f"{where}: {', '.join(KEYS)} must be there, each a text")
        head = _id(node["@id"], where)
        nodes.append((head, node["@type"], node["rdfs:label"]))
        for relation, found in node.items():
            if relation not in KEYS:
                edges += [
                    (head, relation, _id(tail, where)) for tail in (found if isinstance(found, list) else [found])
                ]
    return GraphTables(pl.DataFrame(nodes, NODES, orient="row"), pl.DataFrame(edges, EDGES, orient="row"))


def _iri(id: str) -> str:
    return NODE + quote(id, safe=":")


def _id(iri: Any, where: str) -> str:
    given = iri.get("@id") if isinstance(iri, dict) else iri
    if not isinstance(given, str) or not given.startswith(NODE):
        raise GraphError(f"{where}: {str(given)[:100]!r} is no id of a node; it would begin with {NODE}")
    return unquote(given.removeprefix(NODE), errors="strict")
