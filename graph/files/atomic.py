"""Files and folders of an export: written aside and renamed into place, so that a reader never sees half of one.

A process that is killed can leave a hidden `.NAME.*.partial` beside the target; it is never read and may be deleted.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from graph import disk
from graph.errors import GraphError


@contextmanager
def written_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; when the block ends well, that file takes its place."""
    if path.is_dir():
        raise GraphError(f"{path}: this is a folder; name a file")
    with disk.written_file(path) as aside:
        yield aside


@contextmanager
def written_folder(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """A new empty folder beside `folder`, to be filled with files of these names; then it takes its place.

    A folder that is there already may hold nothing but such files, so that nothing else is ever deleted.
    """
    strange = sorted(_entries(folder) - set(names))
    if strange:
        raise GraphError(f"{folder}: it holds {strange[0]!r} and will not be replaced; name a new folder")
    with disk.written_folder(folder) as aside:
        yield aside


def _entries(folder: Path) -> set[str]:
    if folder.exists() and not folder.is_dir():
        raise GraphError(f"{folder}: this is a file; name a folder")
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()
