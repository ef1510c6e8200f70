"""Run files: the ranked lists of many users as tab-separated lines of user, item and score, best first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine import atomic
from engine.errors import DataError

_SCHEMA: dict[str, type[pl.DataType]] = {"user_id": pl.String, "item_id": pl.String, "score": pl.Float64}


def write(
    path: Path,
    users: Sequence[str],
    items: Sequence[str],
    ranked: NDArray[np.integer[Any]],
    scores: NDArray[np.floating[Any]],
) -> None:
    """Write lists, atomically: `ranked` and `scores` are (users, places), rows of `items`, -1 where a list ends."""
    row, place = np.nonzero(ranked >= 0)
    lines = pl.DataFrame(
        {
            "user_id": np.asarray(users, dtype=object)[row],
            "item_id": np.asarray(items, dtype=object)[ranked[row, place]],
            "score": scores[row, place].astype(np.float64),
        },
        schema=_SCHEMA,
    )
    text = lines.write_csv(include_header=False, separator="\t", quote_style="never")
    atomic.write_text(path, text)


def read(path: Path) -> pl.DataFrame:
    """The lines (user_id, item_id, score) of a run, in order of the file. Raises DataError naming the file."""
    try:
        return pl.read_csv(
            path, has_header=False, separator="\t", schema=_SCHEMA, quote_char=None, raise_if_empty=False
        )
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: every line must be a user, an item and a score, tab-separated: {error}") from None
