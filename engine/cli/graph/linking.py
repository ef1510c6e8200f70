"""The command that links texts to the nodes they name."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.graph import frames
from engine.cli.output import say
from engine.cli.working import Working


def link(
    settings: Annotated[Path, typer.Argument(metavar="CONFIG", help="A weft.toml.")],
    review: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A csv of the links that are unsure, for you to decide.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every link with its evidence: .parquet, .jsonl, .json or .csv."),
    ] = None,
) -> None:
    """Find what the texts of a catalogue name: brands, countries, colours and everything else in its graph.

    What you decided in the review file holds, and stays in it; then it is written again with what is unsure now. A
    build uses it if [graph] has link = true and names the file as `review`.
    """
    with Working() as work:
        work.stage(f"reading {settings}")
        from engine import config
        from engine.knowledge import links_of, table_graph
        from engine.tables import catalogue
        from graph.link import weave, write_review

        read_in = config.load(settings)
        tables = catalogue.read(read_in)
        graph = table_graph(tables, read_in)
        work.stage("linking")
        found = links_of(tables, read_in, graph, review or read_in.graph.review)
        added = weave(graph, found.links).edges[graph.edges.height :]
        if out is not None:
            frames.write(found.links, out)
        opens = found.unsure.height if review is None else write_review(review, found.unsure)
    filled = added.filter(added["relation"] != "MENTIONS").height
    say(f"{found.links.height} links in {found.links['item_id'].n_unique()} of {tables.items.height} items")
    say(f"new to the graph: {filled} facts that the table lacks, {added.height - filled} mentions")
    if review is None:
        say(f"{opens} links are unsure; --review FILE writes them down for you to decide")
    else:
        say(f"{opens} links to decide in {review}: in its column decision, write accept, reject, or another node")
