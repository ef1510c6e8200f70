"""Look a graph over, as `weft graph check`: python scripts/check_graph.py data/ml/weft.toml --strict."""

import sys

from engine.cli import app

if __name__ == "__main__":
    app(["graph", "check", *sys.argv[1:]], prog_name="weft")
