"""Vectors that were made once are never made again: a store keyed by encoder and content."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders import pictures
from encoders.base import Encoder, Vectors
from encoders.errors import PictureError

Progress = Callable[[int, int], None]
Thing = TypeVar("Thing")
CHUNK = 256
"""Inputs encoded between two commits: what a kill loses, and how many decoded pictures are held at once."""


@dataclass(frozen=True)
class Encoded:
    """Vectors in the order asked for, rows of zeros where there was nothing to encode."""

    vectors: Vectors
    present: NDArray[np.bool_]
    encoded: int
    """Contents encoded now; equal contents count once."""
    reused: int
    """Rows whose vector was in the store, or is that of an equal row."""
    rejects: list[tuple[int, str]]
    """Row and reason of each picture that could not be used."""


class EmbeddingStore:
    """One SQLite file in write-ahead mode: several processes may use it, and a kill leaves it whole."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "vectors.sqlite"
        with self._open() as base:
            base.execute("PRAGMA journal_mode=WAL")
            base.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")

    def texts(self, encoder: Encoder[str], texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        """Vectors of texts; a blank one is absent."""
        keys = [
            hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() if text.strip() else None for text in texts
        ]
        return self._encode(encoder, keys, lambda rows: ([texts[row] for row in rows], []), progress)

    def images(
        self, encoder: Encoder[Image.Image], paths: Sequence[Path | None], progress: Progress | None = None
    ) -> Encoded:
        """Vectors of picture files; a missing or unusable one is absent and its reason is told."""
        keys: list[bytes | None] = []
        rejects = []
        for row, path in enumerate(paths):
            try:
                keys.append(None if path is None else _file_key(path))
            except OSError as error:
                keys.append(None)
                rejects.append((row, error.strerror or "cannot be read"))

        def decode(rows: list[int]) -> tuple[list[Image.Image | None], list[tuple[int, str]]]:
            with ThreadPoolExecutor(2) as pool:
                found = list(pool.map(_try_load, [paths[row] for row in rows]))
            bad = [(row, what) for row, what in zip(rows, found, strict=True) if isinstance(what, str)]
            return [None if isinstance(what, str) else what for what in found], bad

        done = self._encode(encoder, keys, decode, progress)
        return Encoded(done.vectors, done.present, done.encoded, done.reused, sorted(rejects + done.rejects))

    def _encode(
        self,
        encoder: Encoder[Thing],
        keys: Sequence[bytes | None],
        load: Callable[[list[int]], tuple[Sequence[Thing | None], list[tuple[int, str]]]],
        progress: Progress | None,
    ) -> Encoded:
        full = {key: hashlib.sha256(encoder.fingerprint.encode() + key).digest() for key in set(keys) - {None} if key}
        known = self._find(list(full.values()))
        first: dict[bytes, int] = {}
        for row, key in enumerate(keys):
            if key is not None and full[key] not in known:
                first.setdefault(key, row)
        todo, reasons = list(first.values()), dict[bytes, str]()
        for start in range(0, len(todo), CHUNK):
            rows = todo[start : start + CHUNK]
            things, bad = load(rows)
            reasons.update({keys[row] or b"": reason for row, reason in bad})
            good = [(row, thing) for row, thing in zip(rows, things, strict=True) if thing is not None]
            vectors = encoder.encode([thing for _, thing in good])
            fresh = {full[keys[row] or b""]: vector for (row, _), vector in zip(good, vectors, strict=True)}
            self._keep(fresh)
            known.update(fresh)
            if progress:
                progress(min(start + CHUNK, len(todo)), len(todo))
        return self._assemble(encoder.dim, keys, full, known, len(todo) - len(reasons), reasons)

    def _assemble(
        self,
        dim: int,
        keys: Sequence[bytes | None],
        full: dict[bytes, bytes],
        known: dict[bytes, Vectors],
        encoded: int,
        reasons: dict[bytes, str],
    ) -> Encoded:
        vectors = np.zeros((len(keys), dim), np.float32)
        present = np.zeros(len(keys), bool)
        for row, key in enumerate(keys):
            if key is not None and full[key] in known:
                vectors[row], present[row] = known[full[key]], True
        rejects = [(row, reasons[key]) for row, key in enumerate(keys) if key in reasons]
        return Encoded(vectors, present, encoded, int(present.sum()) - encoded, rejects)

    def _find(self, keys: list[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        with self._open() as base:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                rows = base.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some)  # noqa: S608 (marks)
                found.update({key: np.frombuffer(vector, np.float32) for key, vector in rows})
        return found

    def _keep(self, vectors: dict[bytes, Vectors]) -> None:
        rows = [(key, vector.astype(np.float32).tobytes()) for key, vector in vectors.items()]
        with self._open() as base:
            base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=60)) as base, base:
            yield base


def _file_key(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _try_load(path: Path | None) -> Image.Image | str:
    try:
        return pictures.load(path) if path is not None else "no path"
    except PictureError as error:
        return str(error)
