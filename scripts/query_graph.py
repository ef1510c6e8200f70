"""Ask a graph: python scripts/query_graph.py graphs/ml 'MATCH (a:Item {id: $id})-[r]->(b) RETURN b.name' id=item:1.

Instead of Cypher a ready question may be named; `--questions` lists them.
"""

import argparse
import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import graph
from graph.cypher import QUESTIONS
from graph.errors import GraphError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", nargs="?", help="the directory of the graph")
    parser.add_argument("query", nargs="?", help="Cypher that reads, or the name of a ready question")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help="values of the query's $parameters")
    parser.add_argument("--limit", type=int, default=50, help="rows shown at most (%(default)s)")
    parser.add_argument("--timeout", type=float, default=10, help="seconds (%(default)s)")
    parser.add_argument("--questions", action="store_true", help="list the ready questions")
    arguments = parser.parse_args()
    console = Console()
    if arguments.questions:
        for name, text in QUESTIONS.items():
            console.print(f"[bold]{name}[/bold]{escape(text)}")
        return
    if arguments.query is None:
        parser.error("name a graph and a query")
    query = QUESTIONS.get(arguments.query, arguments.query)
    values = dict(value.partition("=")[::2] for value in arguments.values)
    try:
        with graph.open(arguments.graph, read_only=True) as store:
            found = store.query(query, values, timeout=arguments.timeout, limit=arguments.limit)
    except GraphError as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", highlight=False)
        sys.exit(2)
    shown = Table(*map(escape, found.columns))
    for row in found.iter_rows():
        shown.add_row(*("" if value is None else escape(str(value)) for value in row))
    console.print(shown)


if __name__ == "__main__":
    main()
