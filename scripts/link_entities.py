"""Link texts to the graph, as `weft graph link`: python scripts/link_entities.py data/ml/weft.toml --review r.csv."""

import sys

from engine.cli import app

if __name__ == "__main__":
    app(["graph", "link", *sys.argv[1:]], prog_name="weft")
