"""Vectors that were made elsewhere: a file of ids and vectors, for whatever Weft has no encoder of."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.store import Encoded
from encoders.weights import file_hash, first_line, unit

IDS, VECTORS = "id", "vector"
"""Columns of a parquet file; the arrays of an .npz are called so too."""
MOST_BYTES = 8 * 2**30
"""A file that would be larger in memory is refused unread."""
MOST_NUMBERS = 16_384
"""Of a vector."""


class TableEncoder:
    """A precomputed table: its things are keys, and what it gives for one is the vector beside it, at length 1.

    An .npz with the arrays `id` (n,) of strings or integers and `vector` (n, dim), read without pickle; or a .parquet
    with the columns `id` and `vector`, a list of numbers in each row. Raises EncoderError, with the remedy, for a file
    that is something else, that is larger than 8 GiB in memory, or that has an id twice.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise EncoderError(f"{path}: no such table of vectors; give the path of an .npz or .parquet file")
        ids, vectors = _READERS[path.suffix](path) if path.suffix in _READERS else _stranger(path)
        if vectors.ndim != 2 or len(ids) != len(vectors) or not 1 <= vectors.shape[1] <= MOST_NUMBERS:
            raise EncoderError(
                f"{path}: {len(ids)} ids beside vectors of shape {vectors.shape}; one row of 1 to {MOST_NUMBERS} "
                "numbers for each id is wanted"
            )
        self._rows = {key: row for row, key in enumerate(ids)}
        if len(self._rows) < len(ids):
            row, key = next((row, key) for row, key in enumerate(ids) if self._rows[key] != row)
            raise EncoderError(f"{path}: row {row + 1}: id {key!r} stands in a later row too; keep one of them")
        # What has no direction says nothing, and is told where its key is used.
        largest = np.abs(vectors).max(axis=1, keepdims=True)
        self._good: NDArray[np.bool_] = np.isfinite(largest[:, 0]) & (largest[:, 0] > 0)
        self._vectors = unit(np.divide(vectors, largest, out=np.zeros_like(vectors), where=self._good[:, None]))
        self.name, self.dim, self._file = str(path), int(vectors.shape[1]), path.name
        self.fingerprint = f"table/{file_hash(path)[:16]}"

    def encode(self, batch: Sequence[str]) -> Vectors:
        """(n, dim) unit rows; zeros for a key that the table lacks or has no usable vector for."""
        rows = np.array([self._rows.get(key, -1) for key in batch], np.int64)
        return np.where((rows >= 0)[:, None], self._vectors[rows], np.float32(0))

    def encoded(self, keys: Sequence[str | None]) -> Encoded:
        """Vectors by key, nothing being encoded; why there is none is in `rejects`. None and "" are absent."""
        found = self.encode([key or "" for key in keys])
        reasons = [(row, self._lacks(key)) for row, key in enumerate(keys) if key]
        present = np.asarray(found.any(axis=1))
        return Encoded(found, present, 0, int(present.sum()), [(row, why) for row, why in reasons if why])

    def _lacks(self, key: str) -> str:
        row = self._rows.get(key)
        if row is None:
            return f"no row of this id in {self._file}"
        return (
            "" if self._good[row] else f"row {row + 1} of {self._file} is all zeros or has a number that is not finite"
        )


def _npz(path: Path) -> tuple[list[str], Vectors]:
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_large(path, sum(member.file_size for member in archive.infolist()))
        with np.load(path, allow_pickle=False) as arrays:
            ids, vectors = arrays[IDS], arrays[VECTORS]
    except KeyError:
        raise EncoderError(
            f"{path}: no arrays `{IDS}` and `{VECTORS}`; write it with np.savez(path, id=, vector=)"
        ) from None
    except (OSError, ValueError, zipfile.BadZipFile, MemoryError) as error:
        raise EncoderError(
            f"{path}: not an .npz that can be read ({first_line(error)}); ids must be strings or integers, "
            "not objects, since pickles are not read"
        ) from None
    if ids.ndim != 1 or ids.dtype.kind not in "UiuS" or vectors.dtype.kind not in "fiu":
        raise EncoderError(
            f"{path}: `{IDS}` is {ids.dtype} and `{VECTORS}` {vectors.dtype}; (n,) strings or integers and (n, dim) "
            "numbers are wanted"
        )
    texts = np.char.decode(ids, "utf-8", "replace") if ids.dtype.kind == "S" else ids
    with np.errstate(over="ignore"):  # then it is not finite, and told so
        return [str(key) for key in texts.tolist()], vectors.astype(np.float32)


def _parquet(path: Path) -> tuple[list[str], Vectors]:
    try:
        file = pq.ParquetFile(path)
        facts = file.metadata
        _refuse_large(path, sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups)))
        table = file.read(columns=[IDS, VECTORS])
        ids = table[IDS].cast(pa.string()).to_pylist()
        rows = table[VECTORS].combine_chunks().cast(pa.list_(pa.float32()))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise EncoderError(
            f"{path}: no columns `{IDS}` and `{VECTORS}`, a list of numbers in each row ({first_line(error)})"
        ) from None
    lengths = np.diff(np.asarray(rows.offsets))
    wrong = np.flatnonzero(lengths != (lengths[0] if len(lengths) else 0))
    if len(wrong) or None in ids:
        row = int(wrong[0]) if len(wrong) else ids.index(None)
        what = f"`{VECTORS}` has {lengths[row]} numbers, others {lengths[0]}" if len(wrong) else f"no `{IDS}`"
        raise EncoderError(f"{path}: row {row + 1}: {what}; correct the row or leave it out")
    numbers = np.asarray(rows.flatten().to_numpy(zero_copy_only=False), np.float32)
    return ids, numbers.reshape(len(ids), -1) if len(ids) else numbers.reshape(0, 0)


def _refuse_large(path: Path, size: int) -> None:
    if size > MOST_BYTES:
        raise EncoderError(
            f"{path}: {size} bytes in memory, more than {MOST_BYTES}; keep only the ids of your catalogue"
        )


def _stranger(path: Path) -> tuple[list[str], Vectors]:
    raise EncoderError(f"{path}: a table of vectors is an .npz or a .parquet file; save it as one")


_READERS = {".npz": _npz, ".parquet": _parquet}
