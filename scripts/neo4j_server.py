"""Run a throw-away Neo4j on this machine, without Docker, and print its address: python scripts/neo4j_server.py.

It ends with Ctrl-C or when standard input closes. NEO4J_PASSWORD, if set, is its password; else it asks for none.
"""

import argparse
import contextlib
import os
import sys

from graph.errors import GraphError
from graph.stores import server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=7687, help="0 takes any that is free (%(default)s)")
    parser.add_argument("--heap", default="1g", help="memory for queries (%(default)s)")
    parser.add_argument("--pages", default="512m", help="memory for the graph (%(default)s)")
    arguments = parser.parse_args()
    password = os.environ.get("NEO4J_PASSWORD")
    try:
        with server.serve(arguments.port, password, heap=arguments.heap, pages=arguments.pages) as running:
            print(running.uri, flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                sys.stdin.read()
    except GraphError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
