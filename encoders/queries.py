"""A head for queries: a linear map, near to the identity, of what `multilingual` gives for a query in any language.

A query is short and an item's text is long, and the general encoder was never told which words of a shop tell things
apart. The head moves queries only: no vector of an item changes, so nothing is encoded again, and what recommends by
texts is as it was. `encoders.tune_queries` trains it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.heads import FOLDER
from encoders.weights import unit, vouched

DIM = 512
"""Width of a vector of `multilingual`."""
QUERIES = "weft-queries"
"""Files of a head: the map (.safetensors) and what is known of it (.json); the name of the one that comes along."""
RESIDUAL = "residual"


@dataclass(frozen=True)
class QueryHead:
    """q becomes q + q R, at length 1."""

    residual: Vectors
    """(512, 512)"""

    def __call__(self, vectors: Vectors) -> Vectors:
        """(n, 512) of `multilingual` to (n, 512) unit rows; rows of zeros stay."""
        if vectors.ndim != 2 or vectors.shape[1] != DIM:
            raise EncoderError(
                f"vectors of shape {vectors.shape}; the head for queries takes (n, {DIM}) of `multilingual`"
            )
        return unit(vectors + vectors @ self.residual)


def load_query_head(folder: Path = FOLDER) -> QueryHead:
    """The head in `folder`: without one, that which comes along.

    Raises EncoderError for a head that is missing, not what its .json says, or no head for queries.
    """
    tensors, _ = vouched(folder, QUERIES, "train it")
    residual = tensors.get(RESIDUAL)
    if residual is None or residual.shape != (DIM, DIM):
        raise EncoderError(f"{folder / QUERIES}.safetensors does not hold a head for queries; train it again")
    return QueryHead(np.asarray(residual, np.float32))
