"""Artefacts of before: kept beside the one that took their place, as NAME.before-1 and so on, to go back to.

One is kept by links to its files: it costs room on the disk only for what the new one has anew.
"""

import os
import re
import shutil
from pathlib import Path

from engine import artifact, atomic
from engine.errors import ArtifactError
from graph import disk

MOST = 3
"""Artefacts of before that are kept; the oldest goes."""


def before(folder: Path) -> list[Path]:
    """Those kept of an artefact, oldest first."""
    name = re.compile(re.escape(folder.name) + r"\.before-([1-9]\d*)")
    found = {int(match[1]): path for path in folder.parent.glob("*.before-*") if (match := name.fullmatch(path.name))}
    return [found[number] for number in sorted(found)]


def keep(folder: Path) -> Path:
    """Keep an artefact as it is now; returns where."""
    there = before(folder)
    number = int(there[-1].name.rpartition("-")[2]) + 1 if there else 1
    kept = folder.with_name(f"{folder.name}.before-{number}")
    with atomic.replaced_folder(kept, artifact.MANIFEST) as aside:
        shutil.copytree(folder, aside, copy_function=os.link, dirs_exist_ok=True)
    for old in [*there, kept][:-MOST]:
        shutil.rmtree(old)
    return kept


def rollback(folder: Path) -> Path:
    """Put the last one kept back, in one step, and delete what took its place; returns which it was.

    Raises ArtifactError where none is kept, or where it is not whole: then nothing is changed.
    """
    kept = before(folder)
    if not kept:
        raise ArtifactError(f"{folder}: nothing to go back to: there is no {folder.name}.before-1 beside it")
    artifact.read(kept[-1])
    disk.swap(kept[-1], folder)
    disk.sync(folder.parent)
    shutil.rmtree(kept[-1])
    return kept[-1]
