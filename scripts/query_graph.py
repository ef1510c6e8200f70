"""Ask a graph, as `weft graph query`: python scripts/query_graph.py graphs/ml 'MATCH (a:Item) RETURN a.name'."""

import sys

from engine.cli import app

if __name__ == "__main__":
    app(["graph", "query", *sys.argv[1:]], prog_name="weft")
