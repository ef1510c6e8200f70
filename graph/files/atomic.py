"""Files and folders of an export: written aside and renamed into place, so that a reader never sees half of one.

A process that is killed can leave a hidden `.NAME.*.partial` beside the target; it is never read and may be deleted.
"""

import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from graph.errors import GraphError


@contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends well, that file takes its place."""
    if path.is_dir():
        raise GraphError(f"{path}: this is a folder; name a file")
    aside = _aside(path)
    try:
        yield aside
        _sync(aside)
        aside.replace(path)
        _sync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def written_folder(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """A new empty folder beside `folder`, to be filled with files of these names; then it takes its place.

    A folder that is there already may hold nothing but such files, so that nothing else is ever deleted.
    """
    strange = sorted(_entries(folder) - set(names))
    if strange:
        raise GraphError(f"{folder}: it holds {strange[0]!r} and will not be replaced; name a new folder")
    aside = _aside(folder)
    aside.mkdir()
    try:
        yield aside
        for file in aside.iterdir():
            _sync(file)
        if folder.exists():
            old = aside.with_suffix(".old")
            folder.rename(old)
            try:
                aside.rename(folder)
            except OSError:
                old.rename(folder)
                raise
            shutil.rmtree(old)
        else:
            aside.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _entries(folder: Path) -> set[str]:
    if folder.exists() and not folder.is_dir():
        raise GraphError(f"{folder}: this is a file; name a folder")
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def _aside(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")


def _sync(path: Path) -> None:
    """Ask the disk to keep it now, so that a power cut cannot undo a rename but lose the content."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows cannot open a folder
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
