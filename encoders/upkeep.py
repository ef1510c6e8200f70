"""What a store of embeddings holds, and how what nobody asks for any more is taken out."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from encoders.errors import EncoderError
from encoders.store import FILE, EmbeddingStore, opened, today


@dataclass(frozen=True)
class Kept:
    """The vectors of one encoder."""

    fingerprint: str
    """Nothing for those that a store of before holds and that nobody has asked for since."""
    vectors: int
    size: int
    """Bytes of the vectors."""
    used: date | None
    """When one of them was last asked for."""


def report(folder: Path) -> list[Kept]:
    """By encoder, the largest first. Raises EncoderError where there is no store."""
    with opened(_file(folder)) as base:
        rows = base.execute(
            "SELECT fingerprint, count(*), sum(length(vector)), max(day) FROM vectors "
            "LEFT JOIN encoders ON encoder = number GROUP BY encoder ORDER BY 3 DESC"
        ).fetchall()
    start = date(1970, 1, 1)
    return [
        Kept(fingerprint or "", count, size, None if day is None else start + timedelta(day))
        for fingerprint, count, size, day in rows
    ]


def clean(folder: Path, days: int) -> int:
    """Take out what nobody has asked for in so many days, and give its room back to the disk; how many went.

    Another process may read and write meanwhile; the room is given back by whoever cleans when nobody else is there.
    """
    path = _file(folder)
    with opened(path) as base:
        gone = base.execute("DELETE FROM vectors WHERE day IS NULL OR day <= ?", [today() - days]).rowcount
        base.execute("DELETE FROM encoders WHERE number NOT IN (SELECT encoder FROM vectors WHERE encoder NOT NULL)")
    try:
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as base:
            base.execute("VACUUM")
            base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:  # somebody is at it; the pages that are free are filled again
        pass
    return gone


def size(folder: Path) -> int:
    """Bytes on the disk, of vectors and of networks that were exported."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _file(folder: Path) -> Path:
    if not (folder / FILE).is_file():
        raise EncoderError(f"{folder}: no embeddings are kept here; name the folder of `encoders.cache`")
    EmbeddingStore(folder)  # a store of before gets the columns that it lacks
    return folder / FILE
