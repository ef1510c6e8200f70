"""Writing whole or not at all: into a place aside, which then takes the place of what was there."""

import ctypes
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends well, that file takes its place."""
    aside = _aside(path)
    try:
        yield aside
        sync(aside)
        aside.replace(path)
        sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def written_folder(folder: Path) -> Iterator[Path]:
    """A new empty folder beside `folder`, to be filled; when the block ends well, it takes its place.

    What was there is deleted: whether it may be is for the caller to ask first.
    """
    aside = _aside(folder)
    aside.mkdir()
    try:
        yield aside
        sync_tree(aside)
        if folder.exists():
            swap(aside, folder)
        else:
            aside.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _aside(path: Path) -> Path:
    """A new name beside `path`, hidden; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")


def swap(new: Path, old: Path) -> None:
    """Let two folders change places. On Linux in one step; elsewhere there is a moment without `old`."""
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


def sync_tree(folder: Path) -> None:
    """`sync` for a folder and all that is in it."""
    for root, _, names in os.walk(folder):
        for name in names:
            sync(Path(root) / name)
        sync(Path(root))


def sync(path: Path) -> None:
    """Ask the disk to keep the file or folder now, so that a power cut cannot undo a rename but lose its content."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows cannot open a folder
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(a: Path, b: Path) -> bool:
    """renameat2(RENAME_EXCHANGE), which Python does not wrap; false where the system or the file system lacks it."""
    if not sys.platform.startswith("linux"):
        return False
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    return bool(call and call(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0)
