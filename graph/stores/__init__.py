"""Where a graph is kept: `ladybug` in a directory, `neo4j` in a server; `server` runs one to try things on."""
