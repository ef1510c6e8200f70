"""Where figures come from: data, commit, versions, seeds and settings, so that anybody can have them again."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.artifact import library_versions
from engine.config import Config
from engine.evaluation import splits
from engine.evaluation.splits import Split
from engine.tables import catalogue
from engine.tables.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("lightgbm", "optuna", "scikit-learn", "scipy", "torch-geometric")
"""Beside those that an artefact names."""
PLACES: dict[str, Any] = {
    "data": True, "tracking": True, "rules": True, "encoders": {"cache"}, "graph": {"uri", "review"}
}  # fmt: skip
"""Settings that say where something is on this machine, and change no figure."""


class Provenance(BaseModel):
    """What a figure depends on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str
    """SHA-256 of the tables."""
    split: str
    """SHA-256 of who is asked for what, after what."""
    protocol: str
    commit: str | None
    """Of the checkout that ran; none of an installed package."""
    changed: bool
    """Whether files of that checkout differ from the commit."""
    libraries: dict[str, str]
    machine: str
    seeds: list[int]
    config: dict[str, Any]


def provenance(tables: Catalogue, split: Split, config: Config, seeds: Sequence[int]) -> Provenance:
    """All that there is to say of figures on this split."""
    commit, changed = checkout()
    return Provenance(
        data=catalogue.fingerprint(tables),
        split=splits.fingerprint(split),
        protocol=split.protocol,
        commit=commit,
        changed=changed,
        libraries=versions(),
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        seeds=list(seeds),
        config=config.model_dump(mode="json", exclude=PLACES),
    )


def versions() -> dict[str, str]:
    """Versions of Weft, Python and the libraries that figures depend on."""
    found = library_versions()
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def checkout(root: Path = ROOT) -> tuple[str | None, bool]:
    """The commit of the checkout that this code is in, and whether tracked files were changed; none without git."""
    if not (root / ".git").exists():
        return None, False
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, False


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()  # noqa: S603
