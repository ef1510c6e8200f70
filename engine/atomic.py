"""Files and folders that are written aside and renamed into place: a reader sees the old or the new, never a mix.

A process that is killed can leave a hidden `.NAME.*.partial` beside the target; it is never read and may be deleted.
"""

import ctypes
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DataError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def replaced_folder(folder: Path, marker: str) -> Iterator[Path]:
    """A new empty folder beside `folder`, to be filled; when the block ends well, it takes the place of `folder`.

    An existing folder is swapped out and then deleted, so it must be empty or hold the file `marker`, which says that
    it is of the same kind; another one is a DataError and stays as it is. If the block raises, nothing has changed.
    """
    folder = folder.resolve()
    check_replaceable(folder, marker)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.partial")
    aside.mkdir()
    try:
        yield aside
        _sync_tree(aside)
        if folder.exists():
            _swap(aside, folder)
        else:
            aside.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


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
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        aside.write_text(text, encoding="utf-8")
        _sync(aside)
        aside.replace(path)
        _sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def _replaceable(folder: Path, marker: str) -> bool:
    return folder.is_dir() and ((folder / marker).is_file() or not any(folder.iterdir()))


def _swap(new: Path, old: Path) -> None:
    """Let the two folders change places. On Linux in one step; elsewhere there is a moment without `old`."""
    if _exchange(new, old):
        return
    backup = new.with_suffix(".old")
    old.rename(backup)
    try:
        new.rename(old)
    except OSError:
        backup.rename(old)
        raise
    backup.rename(new)


def _exchange(a: Path, b: Path) -> bool:
    """renameat2(RENAME_EXCHANGE), which Python does not wrap; false where the system or the file system lacks it."""
    if not sys.platform.startswith("linux"):
        return False
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    return bool(call and call(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0)


def _sync_tree(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            _sync(Path(root) / name)
        _sync(Path(root))


def _sync(path: Path) -> None:
    """Ask the disk to keep the file or folder now, so that a power cut cannot undo a rename but lose its content."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows cannot open a folder
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
