"""Vectors that were made once are never made again: a store keyed by encoder and content."""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders import pictures
from encoders.base import Encoder, Vectors
from encoders.errors import ContentError, EncoderError

Progress = Callable[[int, int], None]
Thing = TypeVar("Thing")
TEXTS, PICTURES = 512, 64
"""Inputs encoded between two commits: what a kill loses. Decoded pictures are at most 3 MB each."""
FILE = "vectors.sqlite"
COLUMNS = ("key", "vector", "encoder", "day")
KINDS: dict[float, str] = {4: "<f4", 2: "<f2"}
"""By bytes a number."""
DECODERS = 2
"""Threads that decode pictures."""


@dataclass(frozen=True)
class Encoded:
    """Vectors in the order asked for, rows of zeros where there was nothing to encode."""

    vectors: Vectors
    """(n, dim)"""
    present: NDArray[np.bool_]
    """(n,) which rows have a vector."""
    encoded: int
    """Contents encoded now; equal contents count once."""
    reused: int
    """Rows whose vector was in the store, or is that of an equal row."""
    rejects: list[tuple[int, str]]
    """Row and reason of each picture, or other file, that could not be used."""
    how: str = ""
    """The way that `encoders.fast` chose, for people; nothing where none was chosen."""


class EmbeddingStore:
    """One SQLite file in write-ahead mode: several processes may use it at once, and a kill leaves it whole.

    With each vector stand its encoder and the day when it was last asked for; `encoders.upkeep` goes by them.
    """

    def __init__(self, folder: Path, half: bool = False) -> None:
        """Open or make `folder`/vectors.sqlite; `half` keeps new vectors in float16. Raises EncoderError."""
        self._path, self._half = folder / FILE, half
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EncoderError(f"{folder}: {error.strerror}; name another folder for the embeddings") from None
        with opened(self._path) as base:
            if base.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                base.execute("PRAGMA journal_mode=WAL")
        with opened(self._path) as base:
            if _columns(base) != COLUMNS:
                base.execute("BEGIN IMMEDIATE")  # another process may be here too
                _make(base)

    def texts(self, encoder: Encoder[str], texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        """Vectors of texts; a blank one is absent. `progress` is told of contents encoded, of how many."""
        keys = [_hash(text.encode("utf-8", "surrogatepass")) if text.strip() else None for text in texts]
        return self._encode(encoder, keys, lambda row, key: texts[row], TEXTS, progress)

    def images(
        self, encoder: Encoder[Image.Image], paths: Sequence[Path | None], progress: Progress | None = None
    ) -> Encoded:
        """Vectors of picture files; a missing or unusable one is absent and told in `rejects`; None is absent."""
        return self.files(encoder, paths, pictures.load, pictures.MAX_BYTES, progress)

    def files(
        self,
        encoder: Encoder[Thing],
        paths: Sequence[Path | None],
        load: Callable[[bytes], Thing],
        max_bytes: int,
        progress: Progress | None = None,
    ) -> Encoded:
        """The same of files of any kind, of at most `max_bytes`: `load` makes of its bytes what the encoder takes, or
        raises ContentError with the reason why it cannot.
        """
        keys: list[bytes | None] = []
        rejects = []
        for row, path in enumerate(paths):
            try:
                keys.append(None if path is None else _hash(pictures.read(path, max_bytes)))
            except ContentError as error:
                keys.append(None)
                rejects.append((row, str(error)))

        def again(row: int, key: bytes) -> Thing:
            data = pictures.read(paths[row] or Path(), max_bytes)
            if _hash(data) != key:
                raise ContentError("changed while it was read")
            return load(data)

        done = self._encode(encoder, keys, again, PICTURES, progress)
        return Encoded(done.vectors, done.present, done.encoded, done.reused, sorted(rejects + done.rejects))

    def _encode(
        self,
        encoder: Encoder[Thing],
        keys: Sequence[bytes | None],
        load: Callable[[int, bytes], Thing],
        chunk: int,
        progress: Progress | None,
    ) -> Encoded:
        """Fill one row per key: from the store, or by loading and encoding the first row of each new content."""
        vectors = np.zeros((len(keys), encoder.dim), np.float32)
        present = np.zeros(len(keys), bool)
        rows: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            if key is not None:
                rows.setdefault(key, []).append(row)
        for key, vector in self._find(encoder, list(rows)):
            vectors[rows[key]], present[rows[key]] = vector, True
        todo = [key for key in rows if not present[rows[key][0]]]
        rejects: list[tuple[int, str]] = []
        encoded = 0
        with ThreadPoolExecutor(DECODERS) as pool:

            def begin(start: int) -> list[Future[tuple[Thing | None, str]]]:
                return [pool.submit(_try, load, rows[key][0], key) for key in todo[start : start + chunk]]

            ahead = begin(0)
            for start in range(0, len(todo), chunk):
                some, found = todo[start : start + chunk], [loading.result() for loading in ahead]
                ahead = begin(start + chunk)  # decoded while these are encoded
                good = [(key, thing) for key, (thing, _) in zip(some, found, strict=True) if thing is not None]
                made = encoder.encode([thing for _, thing in good])
                if self._half:  # now as when they are read again
                    made = made.astype("<f2").astype(np.float32)
                self._keep(encoder, [key for key, _ in good], made)
                for (key, _), vector in zip(good, made, strict=True):
                    vectors[rows[key]], present[rows[key]] = vector, True
                rejects += [(row, why) for key, (_, why) in zip(some, found, strict=True) if why for row in rows[key]]
                encoded += len(good)
                if progress:
                    progress(min(start + chunk, len(todo)), len(todo))
        return Encoded(vectors, present, encoded, int(present.sum()) - encoded, rejects)

    def _find(self, encoder: Encoder[Thing], keys: Sequence[bytes]) -> Iterator[tuple[bytes, Vectors]]:
        """Key and vector of what the store has; a row of the wrong length counts as not there."""
        day = today()
        with opened(self._path) as base:
            for start in range(0, len(keys), 500):
                ours = {_hash(encoder.fingerprint.encode() + key): key for key in keys[start : start + 500]}
                marks = ",".join("?" * len(ours))
                found = base.execute(
                    f"SELECT key, vector, day FROM vectors WHERE key IN ({marks})",  # noqa: S608 (marks)
                    list(ours),
                ).fetchall()
                late = [full for full, _, used in found if used is None or used < day]
                if late:
                    number = _number(base, encoder.fingerprint)
                    rows = [(number, day, full) for full in late]
                    base.executemany("UPDATE vectors SET encoder = ?, day = ? WHERE key = ?", rows)
                for full, blob, _ in found:
                    kind = KINDS.get(len(blob) / encoder.dim)
                    if kind:
                        yield ours[full], np.frombuffer(blob, kind).astype(np.float32)

    def _keep(self, encoder: Encoder[Thing], keys: Sequence[bytes], vectors: Vectors) -> None:
        blobs = [
            (_hash(encoder.fingerprint.encode() + key), vector.astype("<f2" if self._half else "<f4").tobytes())
            for key, vector in zip(keys, vectors, strict=True)
        ]
        with opened(self._path) as base:
            number, day = _number(base, encoder.fingerprint), today()
            rows = [(key, blob, number, day) for key, blob in blobs]
            base.executemany("INSERT OR REPLACE INTO vectors (key, vector, encoder, day) VALUES (?, ?, ?, ?)", rows)


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on the file of a store; a writer waits up to a minute for another. Raises EncoderError."""
    try:
        with closing(sqlite3.connect(path, timeout=60)) as base, base:
            yield base
    except sqlite3.Error as error:
        raise EncoderError(
            f"{path}: {error}; it holds nothing that cannot be made again: free the disk or delete it"
        ) from None


def today() -> int:
    """Days since 1970."""
    return int(time.time() // 86400)


def _columns(base: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(row[1] for row in base.execute("PRAGMA table_info(vectors)"))


def _make(base: sqlite3.Connection) -> None:
    """The tables; those of a store of before, which knew no encoders, get the columns that they lack."""
    base.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
    for column in COLUMNS[len(_columns(base)) :]:
        base.execute(f"ALTER TABLE vectors ADD COLUMN {column} INTEGER")
    base.execute("CREATE TABLE IF NOT EXISTS encoders (number INTEGER PRIMARY KEY, fingerprint TEXT UNIQUE)")


def _number(base: sqlite3.Connection, fingerprint: str) -> int:
    """Of an encoder in this store."""
    base.execute("INSERT OR IGNORE INTO encoders (fingerprint) VALUES (?)", [fingerprint])
    number: int = base.execute("SELECT number FROM encoders WHERE fingerprint = ?", [fingerprint]).fetchone()[0]
    return number


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _try(load: Callable[[int, bytes], Thing], row: int, key: bytes) -> tuple[Thing | None, str]:
    """The thing, or the reason why there is none."""
    try:
        return load(row, key), ""
    except ContentError as error:
        return None, str(error)
