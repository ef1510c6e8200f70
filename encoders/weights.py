"""Weights: found in packages, folders or on a hub, checked, and only ever read as safetensors."""

import hashlib
import json
import logging
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_numpy

from encoders.base import Vectors
from encoders.errors import EncoderError

if TYPE_CHECKING:
    import torch  # loaded where a model of it is: whoever needs hashes and numbers alone should not wait for it

log = logging.getLogger(__name__)
HUB_FILES = ("*.json", "*.safetensors", "*.txt", "*.model")
"""What is fetched of a hub's model, and what a folder's fingerprint covers: nothing that runs or unpickles."""


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


def model_folder(spec: str, known: str) -> Path:
    """The folder of a model: `spec` itself, or fetched once from the hub for an id such as `org/model`.

    `known` names the encoders that come along, for the error message.
    """
    folder = Path(spec)
    if not spec or not folder.is_dir():  # an empty path would be the working directory
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", spec):
            raise EncoderError(f"no encoder {spec!r}; use {known}, a directory, or a hub id ORGANISATION/MODEL")
        folder = _fetched(spec, known)
    if not any(folder.glob("*.safetensors")):
        raise EncoderError(f"{folder}: no *.safetensors; export the model with save_pretrained, pickles are not read")
    return folder


def _fetched(spec: str, known: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(spec, allow_patterns=list(HUB_FILES)))
    except Exception as error:  # the client raises the errors of its parts
        raise EncoderError(
            f"{spec!r} is no directory, and the hub does not give it ({type(error).__name__}); use {known}, "
            "or the path of a directory that you have"
        ) from None


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_hash(folder: Path) -> str:
    """SHA-256 over the weights, configuration and vocabulary of a model folder, wherever it lies."""
    files = sorted({path for pattern in HUB_FILES for path in folder.rglob(pattern)})
    lines = [f"{path.relative_to(folder).as_posix()} {file_hash(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def converted(source: Path, sha256: str) -> "dict[str, torch.Tensor]":
    """The tensors of a .pth file in their order, read once with weights_only and from then on as safetensors.

    `source` has been checked against `sha256`. Keys are prefixed by their place, since safetensors sorts them and the
    order is what fits them to a model. Kept under $XDG_CACHE_HOME/weft (~/.cache/weft), where that can be written.
    """
    import torch
    from safetensors.torch import load_file

    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weft" / f"{sha256[:16]}.safetensors"
    try:
        return dict(sorted(load_file(kept).items()))
    except (OSError, SafetensorError):  # not there yet, or damaged
        state = torch.load(source, map_location="cpu", weights_only=True)
    tensors = {f"{place:04d} {key}": tensor.contiguous() for place, (key, tensor) in enumerate(state.items())}
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_aside(tensors, kept)
    except OSError as error:
        log.info("%s cannot be written (%s); the weights will be converted again next time", kept, error.strerror)
    return tensors


def vouched(folder: Path, name: str, mend: str = "train them") -> tuple[dict[str, NDArray[Any]], str]:
    """The tensors of `name`.safetensors and its SHA-256, which `name`.json told. Raises EncoderError, with `mend`."""
    path, about = folder / f"{name}.safetensors", folder / f"{name}.json"
    try:
        expected, found = json.loads(about.read_text(encoding="utf-8"))["sha256"], file_hash(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"{folder}: no {path.name} with its .json ({error}); {mend}, or reinstall") from None
    if found != expected:
        raise EncoderError(f"{path} has SHA-256 {found}, expected {expected}; train it again, or reinstall")
    try:
        return load_numpy(path), found
    except SafetensorError as error:
        raise EncoderError(f"{path} is no safetensors file ({error}); train it again, or reinstall") from None


def save_aside(tensors: "dict[str, torch.Tensor]", path: Path, facts: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all, with `facts` in its header."""
    from safetensors.torch import save_file

    with aside(path) as partial:
        save_file(tensors, partial, facts)


def save_facts(facts: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file for people to read, whole or not at all."""
    with aside(path) as partial:
        partial.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def aside(path: Path, keep: bool = True) -> Iterator[Path]:
    """A file beside `path` to write; it takes its place when it is whole, or goes where it is not kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        if keep:
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Transformers draws a bar for every model it loads; a library keeps quiet."""
    from transformers.utils import logging as transformers_logging

    bars: Any = transformers_logging

    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def first_line(error: Exception) -> str:
    """What an error of another library says, short enough for a message."""
    return f"{error}".strip().partition("\n")[0][:200] or type(error).__name__


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1 as float32; rows of zeros stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0), np.float32)
