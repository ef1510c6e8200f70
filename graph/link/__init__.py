"""Entity linking: which nodes of the graph the items' texts name, how sure that is, and on what evidence."""

from graph.link.context import Encode
from graph.link.edges import MENTIONS, weave
from graph.link.link import LINKS, UNSURE, Linker, Links, Settings
from graph.link.review import Decisions, read_review, write_review

__all__ = [
    "LINKS", "MENTIONS", "UNSURE", "Decisions", "Encode", "Linker", "Links", "Settings", "read_review", "weave",
    "write_review",
]  # fmt: skip
