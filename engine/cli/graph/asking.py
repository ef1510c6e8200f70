"""Commands that ask a graph: Cypher, ready questions, neighbours, paths, counts and the schema."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.graph import places
from engine.cli.graph.frames import As, Format, Out, give
from engine.cli.graph.places import Place, node_id
from engine.cli.output import say, show, warn
from engine.errors import DataError

if TYPE_CHECKING:
    import polars as pl

    from graph.store import Edge, GraphStore

Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "-p", "--parameter", metavar="NAME=VALUE", help="A value of the query's $NAME: JSON if it reads so, else text."
    ),
]
Limit = Annotated[int, typer.Option(min=1, help="Rows at most.")]
Timeout = Annotated[float, typer.Option(min=0.001, help="Seconds at most.")]
Node = Annotated[str, typer.Argument(help="The id of a node: item:1, brand:nike; without a colon it is an item's.")]


def query(
    place: Place,
    cypher: Annotated[str, typer.Argument(help="Cypher that reads.")],
    parameters: Parameters = None,
    limit: Limit = 50,
    timeout: Timeout = 10,
    form: As = Format.table,
    to: Out = None,
) -> None:
    """Ask in Cypher; only reading is done.

    Values belong in parameters: `WHERE a.name = $name` with `-p name=Heat`. A value that reads as JSON is taken as such
    (5, true, ["a", "b"]); write '"5"' for the text 5.
    """
    values = dict(_parameter(one) for one in parameters or [])
    with places.store(place) as store:
        give(store.query(cypher, values, timeout=timeout, limit=limit), form, to)


def ask(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of a question, or `list`.")],
    place: Annotated[str | None, typer.Argument(help="As of `weft graph query`.")] = None,
    parameters: Parameters = None,
    language: Annotated[str, typer.Option(help="Of the list: en or zh.")] = "en",
    limit: Limit = 50,
    timeout: Timeout = 10,
    form: As = Format.table,
    to: Out = None,
) -> None:
    """Ask a ready question, or `list` them.

    What a question needs is given by options of that name: --item 1, --other 2. A node is named by its id (brand:nike);
    without a colon it is an item's.
    """
    from graph.questions import QUESTIONS

    if name == "list":
        _show_questions(language)
        return
    if name not in QUESTIONS:
        raise DataError(f"no question {name!r}; there are {', '.join(QUESTIONS)}")
    if place is None:
        raise DataError(f"name the graph: weft graph ask {name} GRAPH")
    question = QUESTIONS[name]
    values = dict([*map(_parameter, parameters or []), *_options(context.args)])
    for one, what in question.parameters.items():
        if one not in values:
            raise DataError(f"{name} needs --{one}: {what}")
        if what.startswith("id of") and not isinstance(values[one], dict | list):
            values[one] = node_id(str(values[one]))
    with places.store(place) as store:
        give(store.query(question.cypher, values, timeout=timeout, limit=limit), form, to)


def _show_questions(language: str) -> None:
    from graph.questions import QUESTIONS

    if language not in ("en", "zh"):
        raise DataError(f"--language is en or zh, not {language}")
    show(
        ("question", "needs", "answers"),
        [
            (name, ", ".join(each.parameters), each.english if language == "en" else each.chinese)
            for name, each in QUESTIONS.items()
        ],
    )


def neighbours(
    place: Place,
    node: Node,
    hops: Annotated[int, typer.Option(min=1, max=4, help="Steps, in either direction.")] = 1,
    hub: Annotated[int, typer.Option(help="A node with more edges is shown, but not walked through.")] = 200,
    form: As = Format.table,
    to: Annotated[
        Path | None,
        typer.Option("--out", help="Write to .csv, .json, .jsonl, .parquet, .graphml or .jsonld.", show_default=False),
    ] = None,
) -> None:
    """Show what a node is linked to."""
    import polars as pl

    from graph import files

    with places.store(place) as store:
        found = store.neighbours(node_id(node), hops, hub)
    if to is not None and to.suffix.lower() in files.SUFFIXES:
        files.write(found, to)
        say(f"{found.nodes.height} nodes and {found.edges.height} edges: {to}")
        return
    names = found.nodes.select("id", "name")
    edges = found.edges.join(
        names.rename({"id": "head", "name": "head_name"}), on="head", how="left", maintain_order="left"
    )
    edges = edges.join(names.rename({"id": "tail", "name": "tail_name"}), on="tail", how="left", maintain_order="left")
    give(edges.select(pl.col("head"), "head_name", "relation", "tail", "tail_name"), form, to)


def path(
    place: Place,
    source: Node,
    target: Node,
    longest: Annotated[int, typer.Option(min=1, max=8, help="Edges of a path at most.")] = 4,
    n: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many.")] = 10,
    form: As = Format.table,
    to: Out = None,
) -> None:
    """Show the shortest paths between two nodes.

    An edge may be walked against its direction.
    """
    import polars as pl

    with places.store(place) as store:
        found = store.paths(node_id(source), node_id(target), longest, n)
        if form is Format.table and to is None:
            names = _names(store, found)
            for one in found:
                say(_walk(node_id(source), one, names))
            if not found:
                warn(f"no path of at most {longest} edges; --longest allows longer ones")
            return
    rows = [(number, step, *edge) for number, one in enumerate(found, 1) for step, edge in enumerate(one, 1)]
    schema = {"path": pl.Int64, "step": pl.Int64, "head": pl.String, "relation": pl.String, "tail": pl.String}
    give(pl.DataFrame(rows, schema, orient="row"), form, to)


def stats(place: Place, form: As = Format.table, to: Out = None) -> None:
    """Count the nodes of each label and the edges of each relation."""
    with places.store(place) as store:
        give(store.stats(), form, to)


def schema(place: Place, form: As = Format.table, to: Out = None) -> None:
    """Show the labels, and what each relation joins."""
    import polars as pl

    with places.store(place) as store:
        declared = store.schema()
    rows: list[tuple[str, str, str | None, str | None]] = [("label", label, None, None) for label in declared.labels]
    rows += [("relation", one.name, one.head, one.tail) for one in declared.relations]
    columns = dict.fromkeys(("kind", "name", "from", "to"), pl.String)
    give(pl.DataFrame(rows, columns, orient="row"), form, to)


def _parameter(given: str) -> tuple[str, Any]:
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise DataError(f"-p {given}: write NAME=VALUE")
    return name.removeprefix("$"), _value(value)


def _value(given: str) -> Any:
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return given


def _options(given: list[str]) -> list[tuple[str, str]]:
    """--name value and --name=value, in pairs."""
    pairs, rest = [], list(given)
    while rest:
        option = rest.pop(0)
        name, equals, value = option.removeprefix("--").partition("=")
        if not option.startswith("--") or (not equals and not rest):
            raise DataError(f"{option}: write --NAME VALUE")
        pairs.append((name, value if equals else rest.pop(0)))
    return pairs


def _names(store: "GraphStore", found: "list[list[Edge]]") -> dict[str, str]:
    ids = sorted({end for one in found for edge in one for end in (edge.head, edge.tail)})
    if not ids:
        return {}
    rows: pl.DataFrame = store.query(
        "UNWIND $ids AS id MATCH (n {id: id}) RETURN n.id AS id, n.name AS name", {"ids": ids}, limit=len(ids)
    )
    return dict(rows.select("id", "name").iter_rows())


def _walk(start: str, edges: "list[Edge]", names: dict[str, str]) -> str:
    """A path in one line: Toy Story -HAS_GENRE-> Comedy <-HAS_GENRE- Cars."""
    here, said = start, names.get(start, start)
    for edge in edges:
        forth = edge.head == here
        here = edge.tail if forth else edge.head
        name = names.get(here, here)
        said += f" -{edge.relation}-> {name}" if forth else f" <-{edge.relation}- {name}"
    return said
