"""Load a graph, as `weft graph load`: python scripts/load_graph.py data/ml/weft.toml graphs/ml."""

import sys

from engine.cli import app

if __name__ == "__main__":
    app(["graph", "load", *sys.argv[1:]], prog_name="weft")
