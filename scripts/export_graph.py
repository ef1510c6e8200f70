"""Write a graph for other programs, as `weft graph export`: python scripts/export_graph.py graphs/ml ml.graphml."""

import sys

from engine.cli import app

if __name__ == "__main__":
    app(["graph", "export", *sys.argv[1:]], prog_name="weft")
