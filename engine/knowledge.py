"""The knowledge graph of a catalogue; apart from `describe`, whose encoders take seconds to import."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.config import Config
from engine.tables.catalogue import Catalogue
from graph.build import GraphTables, build

if TYPE_CHECKING:
    from graph.link import Encode, Links


def graph_of(catalogue: Catalogue, config: Config) -> GraphTables:
    """The knowledge graph of a catalogue, with what its texts name if `graph.link` is on: no interaction enters it."""
    tables = table_graph(catalogue, config)
    if not config.graph.link:
        return tables
    from graph.link import weave  # dictionaries of Chinese load only when texts are linked

    return weave(tables, links_of(catalogue, config, tables, config.graph.review).links)


def table_graph(catalogue: Catalogue, config: Config) -> GraphTables:
    """The knowledge graph of the tables alone."""
    data = config.data
    return build(
        catalogue.items,
        attributes=data.attributes,
        brand=data.brand,
        category=data.category,
        triples=catalogue.triples,
        users=catalogue.users,
        user_attributes=data.user_attributes,
        declared=config.graph.declared(),
    )


def links_of(catalogue: Catalogue, config: Config, tables: GraphTables, review: Path | None) -> "Links":
    """What the texts of the items name in their graph, with the decisions of a review file if there is one.

    Context is looked at if there is a text encoder. Raises GraphError for a review file that cannot be used.
    """
    from graph.link import Linker, read_review

    encode: Encode | None = None
    if config.encoders.text:
        import encoders
        from encoders import EmbeddingStore

        encoder, store = encoders.open_text(config.encoders.text), EmbeddingStore(config.encoders.cache)

        def encode(texts: list[str]) -> NDArray[np.float32]:
            return store.texts(encoder, texts).vectors

    decisions = None if review is None else read_review(review, tables.nodes["id"])
    linker = Linker(tables, encode, decisions=decisions)
    return linker.link(catalogue.items["text"].to_list(), catalogue.items["item_id"].to_list())
