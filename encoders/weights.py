"""Weights that packages carry: found, checked against a pinned hash, and kept as safetensors."""

import hashlib
import os
import uuid
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from encoders.base import Vectors
from encoders.errors import EncoderError


def package_file(package: str, relative: str, sha256: str) -> Path:
    """A file inside an installed package, refused unless its SHA-256 is the one that was tried."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EncoderError(f"the package with `{package}` is not installed; pip install it, or name another encoder")
    path = Path(spec.origin).parent / relative
    if not path.is_file():
        raise EncoderError(f"{path.name} is missing from the package `{package}`; reinstall it")
    found = file_hash(path)
    if found != sha256:
        raise EncoderError(
            f"{path.name} of `{package}` has SHA-256 {found}, expected {sha256}; reinstall the pinned version"
        )
    return path


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def converted(source: Path, sha256: str) -> dict[str, torch.Tensor]:
    """The tensors of a .pth file in their order, read once with weights_only and from then on as safetensors.

    Keys are prefixed by their place, since safetensors sorts them and the order is what fits them to a model.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "weft"
    kept = folder / f"{sha256[:16]}.safetensors"
    if not kept.is_file():
        state = torch.load(source, map_location="cpu", weights_only=True)
        folder.mkdir(parents=True, exist_ok=True)
        aside = folder / f".{uuid.uuid4().hex}.partial"
        save_file(
            {f"{place:04d} {key}": tensor.contiguous() for place, (key, tensor) in enumerate(state.items())}, aside
        )
        aside.replace(kept)
    return dict(sorted(load_file(kept).items()))


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1 as float32; rows of zeros stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0), np.float32)
