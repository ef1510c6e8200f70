"""A head for queries: a linear map, near to the identity, of what `multilingual` gives for a query in any language.

A query is short and an item's text is long, and the general encoder was never told which words of a shop tell things
apart. The head moves queries only: no vector of an item changes, so nothing is encoded again, and what recommends by
texts is as it was. `encoders.tune_queries` trains it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.heads import FOLDER
from encoders.weights import file_hash, unit

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
    path, about = folder / f"{QUERIES}.safetensors", folder / f"{QUERIES}.json"
    try:
        expected, found = json.loads(about.read_text(encoding="utf-8"))["sha256"], file_hash(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"{folder}: no {QUERIES}.safetensors with its .json ({error}); train it, or reinstall"
        ) from None
    if found != expected:
        raise EncoderError(f"{path} has SHA-256 {found}, expected {expected}; train it again, or reinstall")
    try:
        residual = load_file(path).get(RESIDUAL)
    except SafetensorError as error:
        raise EncoderError(f"{path} is no safetensors file ({error}); train it again, or reinstall") from None
    if residual is None or residual.shape != (DIM, DIM):
        raise EncoderError(f"{path} does not hold a head for queries; train it again")
    return QueryHead(np.asarray(residual, np.float32))
