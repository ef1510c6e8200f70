"""N-Triples and Turtle, read by rdflib, with IRIs as readable ids.

How an IRI becomes an id: by its last two parts, a kind of thing in the singular, so that <http://shop.example/items/1>
is `item:1`, <http://shop.example/brand/nike> is `brand:nike` and <http://x.org/42> is `42`. Where two IRIs of a file
would be one id, both stay whole. The prefixes of a Turtle file do not count: programs make them up. Of a relation the
last part alone counts, in words: <http://schema.org/madeBy> is `made_by`. A blank node is `_:FILE-1`, numbered as they
come, and a literal is `entity:` and its text, without language and type, so that 1995 is not taken for the item 1995.

Names (rdfs:label, skos:prefLabel, schema:name, foaf:name) become `rdfs:label`, English or without a language first, and
skos:altLabel and schema:alternateName become `alias`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.exceptions import ParserError
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.plugins.parsers.ntriples import NTGraphSink, W3CNTriplesParser

from graph.errors import GraphError
from graph.schema import NAMED, singular
from graph.triples import Triples, made

Term = URIRef | BNode | Literal
Statement = tuple[Term, Term, Term]

BASE = "http://relative.invalid/"
"""What a relative IRI is taken from; nothing of it is left in the id."""
_SCHEMA = ("http://schema.org/", "https://schema.org/")
_NAMES = {
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://xmlns.com/foaf/0.1/name",
    *(f"{base}name" for base in _SCHEMA),
}
_ALIASES = {"http://www.w3.org/2004/02/skos/core#altLabel", *(f"{base}alternateName" for base in _SCHEMA)}


def ntriples(path: Path) -> Triples:
    """A statement a line; a line that is none is rejected with its number."""
    graph = _Statements()
    found = graph.found
    lines: list[int] = []
    rejects: list[tuple[int, str, str, str]] = []
    parser = W3CNTriplesParser(sink=NTGraphSink(graph))
    for line, data in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        shown = data.decode("utf-8", errors="replace").rstrip("\r")
        before = len(found)
        try:
            data.decode("utf-8")
            parser.line = shown
            parser.parseline()
        except UnicodeDecodeError:
            rejects.append((line, "", "not UTF-8", shown))
        except (ParserError, ValueError, IndexError):
            rejects.append((line, "", "not a statement <head> <relation> <tail> .", shown))
        lines += [line] * (len(found) - before)
    return _named(path, found, lines, rejects)


def turtle(path: Path) -> Triples:
    """A whole document; one mistake of syntax and none of it can be read."""
    graph = _Statements()
    try:
        graph.parse(data=path.read_bytes(), format="turtle", publicID=BASE)
    except BadSyntax as error:
        # The message quotes the document; the line counts from 0.
        raise GraphError(f"{path}: line {error.lines + 1}: not Turtle ({error._why}); correct the line") from None
    except UnicodeDecodeError:
        raise GraphError(f"{path}: not UTF-8; convert the file, for instance with iconv") from None
    except (ValueError, IndexError, RecursionError) as error:
        raise GraphError(f"{path}: not Turtle ({error}); check it with an RDF validator") from None
    return _named(path, graph.found, list(range(1, len(graph.found) + 1)), [])


class _Statements(Graph):
    """Statements in the order of the document, which a graph of rdflib does not keep."""

    def __init__(self) -> None:
        super().__init__(bind_namespaces="none")
        self.found: list[Statement] = []

    def add(self, triple: Any) -> "_Statements":
        self.found.append(triple)
        return self


def _named(
    path: Path,
    found: list[Statement],
    lines: list[int],
    rejects: list[tuple[int, str, str, str]],
) -> Triples:
    """The statements as triples of ids."""
    iris = {str(term) for statement in found for term in statement[::2] if isinstance(term, URIRef)}
    ids = _apart({iri: _last(iri, 2) for iri in iris})
    relations = _relations({str(relation) for _, relation, _ in found})
    blanks: dict[str, str] = {}

    def said(term: Term) -> str:
        if isinstance(term, BNode):
            return blanks.setdefault(str(term), f"_:{path.stem}-{len(blanks) + 1}")
        return ids[str(term)] if isinstance(term, URIRef) else f"entity:{term}"

    rows = []
    for head, relation, tail in found:
        name = relations[str(relation)]
        rows.append((said(head), name, str(tail) if name == NAMED else said(tail)))
    order = sorted(range(len(found)), key=lambda place: _foreign_name(found[place]))
    return made(path, [rows[place] for place in order], [lines[place] for place in order], rejects)


def _foreign_name(statement: Statement) -> bool:
    """Is it a name in another language than English? Those come last, since the first name counts."""
    _, relation, tail = statement
    language = getattr(tail, "language", None)
    return str(relation) in _NAMES and bool(language) and not str(language).lower().startswith("en")


def _relations(iris: set[str]) -> dict[str, str]:
    words = {iri: re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _last(iri, 1)).lower() for iri in iris}
    named = dict.fromkeys(iris & _NAMES, NAMED) | dict.fromkeys(iris & _ALIASES, "alias")
    return _apart({iri: name for iri, name in words.items() if iri not in named}) | named


def _apart(short: Mapping[str, str]) -> dict[str, str]:
    """The short forms, but the long one of all that would be one."""
    times: dict[str, int] = {}
    for name in short.values():
        times[name] = times.get(name, 0) + 1
    return {iri: name if times[name] == 1 else iri for iri, name in short.items()}


def _last(iri: str, n: int) -> str:
    """The last `n` parts of an IRI, joined by colons: of its path and fragment, or what follows its scheme."""
    scheme, _, rest = iri.partition(":")
    if rest.startswith("//"):
        parts = re.split(r"[/#]", rest[2:])
        parts = parts[1:] if any(parts[1:]) else parts  # the host counts only where nothing follows it
    else:
        parts = re.split(r"[:/#]", rest) if scheme == "urn" else [scheme, rest]
    parts = [unquote(part) for part in parts if part][-n:]
    return ":".join([*map(singular, parts[:-1]), *parts[-1:]]) or iri
