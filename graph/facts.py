"""What the graph says of each item, as a sparse matrix: the kernel of content models and the ground of explanations."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from graph.build import GraphTables
from graph.schema import BELONGS_TO, SUBCATEGORY_OF, USER

KEY = ("relation", "id")


@dataclass(frozen=True)
class Facts:
    """Items by facts; a fact is an entity met over a relation, so one entity may have several columns."""

    matrix: "sparse.csr_array[np.float32]"
    """(n_items, n_facts) of 0 and 1"""
    entities: pl.DataFrame
    """id, label, name, relation of each column, sorted by relation and id"""

    @cached_property
    def idf(self) -> NDArray[np.float32]:
        """How rare each fact is, (n_facts,); see `rarity`."""
        return rarity(self.matrix)


def facts(tables: GraphTables, item_ids: Sequence[str], entities: pl.DataFrame | None = None) -> Facts:
    """The facts of items, in the order of `item_ids`: their neighbours in either direction, and every category above.

    Users are no facts of an item: an edge with one at its end would tell who chose it (`graph.interactions`).
    With `entities` (those of earlier facts) the columns are exactly those, so that a new item can be compared with
    old ones; other facts are left out. An item that the graph does not know has a row of zeros.
    """
    rows = pl.DataFrame({"node": [f"item:{item}" for item in item_ids]}, schema={"node": pl.String}).with_row_index(
        "row"
    )
    out = tables.edges.select("relation", node="head", id="tail")
    back = tables.edges.select("relation", node="tail", id="head")
    users = tables.nodes.filter(pl.col("label") == USER)["id"].implode()
    pairs = rows.join(pl.concat([out, back]), on="node").select("row", "relation", "id")
    pairs = pairs.filter(~pl.col("id").is_in(users))
    pairs = pl.concat([pairs, _above(tables, pairs)]).unique()
    if entities is None:
        found = pairs.select(KEY).unique().sort(KEY)
        entities = found.join(tables.nodes, on="id", how="left", maintain_order="left").select(
            "id", "label", "name", "relation"
        )
    cells = pairs.join(entities.select(KEY).with_row_index("column"), on=KEY)
    matrix = sparse.csr_array(
        (np.ones(cells.height, np.float32), (cells["row"].to_numpy(), cells["column"].to_numpy())),
        shape=(len(item_ids), entities.height),
    )
    matrix.sort_indices()
    return Facts(matrix, entities)


def _above(tables: GraphTables, pairs: pl.DataFrame) -> pl.DataFrame:
    """row, relation, id: the categories above those that items belong to."""
    parents = tables.edges.filter(pl.col("relation") == SUBCATEGORY_OF).select(id="head", parent="tail")
    level = pairs.filter(pl.col("relation") == BELONGS_TO)
    levels = [level.clear()]
    # A tree in the user's own triples may have a cycle, so only pairs not seen before go on.
    seen = level
    while level.height:
        level = level.join(parents, on="id").select("row", "relation", id="parent").unique()
        level = level.join(seen, on=["row", "relation", "id"], how="anti")
        seen = pl.concat([seen, level])
        levels.append(level)
    return pl.concat(levels)


def rarity(matrix: "sparse.csr_array[np.float32]") -> NDArray[np.float32]:
    """The idf, ln((1 + n) / (1 + df)) + 1, of each column, with n items and df items having the fact; never below 1."""
    df = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.asarray(np.log((1 + matrix.shape[0]) / (1 + df)) + 1, dtype=np.float32)


def tfidf(
    matrix: "sparse.csr_array[np.float32]", idf: NDArray[np.float32] | None = None
) -> tuple["sparse.csr_array[np.float32]", NDArray[np.float32]]:
    """Rows weighted by rarity and of length 1 (zero rows stay zero), and the weights, (n_facts,).

    The weights are `rarity(matrix)`; give `idf` to weigh new items as the old ones. The product of two such
    matrices is the cosine kernel of the graph.
    """
    if idf is None:
        idf = rarity(matrix)
    weighted = sparse.csr_array((matrix.data * idf[matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    weighted.data /= np.repeat(np.where(length > 0, length, 1), np.diff(weighted.indptr))
    return weighted.astype(np.float32), idf
