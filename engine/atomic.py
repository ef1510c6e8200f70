"""Files and folders that are written aside and renamed into place: a reader sees the old or the new, never a mix.

A process that is killed can leave a hidden `.NAME.*.partial` beside the target; it is never read and may be deleted.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DataError
from graph import disk


@contextmanager
def replaced_folder(folder: Path, marker: str) -> Iterator[Path]:
    """A new empty folder beside `folder`, to be filled; when the block ends well, it takes the place of `folder`.

    An existing folder is swapped out and then deleted, so it must be empty or hold the file `marker`, which says that
    it is of the same kind; another one is a DataError and stays as it is. If the block raises, nothing has changed.
    """
    folder = folder.resolve()
    check_replaceable(folder, marker)
    with disk.written_folder(folder) as aside:
        yield aside


def check_replaceable(folder: Path, marker: str) -> None:
    """Raise DataError if `replaced_folder` would refuse; ask before long work, so that it is not done in vain."""
    if folder.exists() and not _replaceable(folder, marker):
        raise DataError(
            f"{folder} is there and has no {marker}: it will not be replaced; name another folder or remove it"
        )
    above = next(parent for parent in folder.resolve().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise DataError(f"{folder}: nothing can be written in {above}; name another folder")


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all; parent folders are made."""
    with disk.written_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def _replaceable(folder: Path, marker: str) -> bool:
    return folder.is_dir() and ((folder / marker).is_file() or not any(folder.iterdir()))
