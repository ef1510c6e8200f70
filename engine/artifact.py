"""The artefact: one folder that holds a built engine, with a manifest that says what belongs to it.

Tensors are safetensors files, tables are parquet, trees (the graph database) are copied as they are. Nothing in it is
code. It is written aside and renamed into place, and refused whole when a single byte is not what the manifest says.
"""

import hashlib
import json
import mmap
import os
import platform
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy import sparse

from engine import atomic
from engine.errors import ArtifactError

VERSION = 4
"""Of the layout of the folder; raise it when an older Weft could not read a new artefact."""

MANIFEST = "manifest.json"

_LIBRARIES = ("weft", "numpy", "torch", "polars", "safetensors")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_DTYPES: dict[str, type[np.generic]] = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I16": np.int16,
    "I8": np.int8, "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip

Tensors = Mapping[str, NDArray[Any]]
Csr = sparse.csr_array[Any, tuple[int, int]]


@dataclass(frozen=True)
class Artifact:
    """An artefact that was checked. Its parts are read when they are asked for."""

    folder: Path
    facts: dict[str, Any]
    """What the writer noted: configuration, fingerprint of the data, figures."""
    libraries: dict[str, str]
    """Versions of Weft, Python and the libraries that wrote it."""
    identity: tuple[int, int]
    """Device and number of the folder, to notice that another artefact has taken its place."""

    def tensors(self, group: str) -> Tensors:
        """The arrays of a group, mapped from the file: pages are read on first use and shared between processes.

        A change to such an array stays in this process and never reaches the file.
        """
        path = self._part(group, f"{group}.safetensors", "tensors")
        try:
            return MappingProxyType(_map_tensors(path))
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            raise _refusal(path, "a safetensors file", str(error)) from None

    def table(self, name: str) -> pl.DataFrame:
        path = self._part(name, f"{name}.parquet", "table")
        try:
            return pl.read_parquet(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _refusal(path, "a parquet file", str(error)) from None

    def has(self, file: str) -> bool:
        """Is there such a file? Artefacts of earlier versions lack some."""
        return _PLAIN_NAME.fullmatch(file) is not None and (self.folder / file).is_file()

    def tree(self, name: str) -> Path:
        """The file or folder that was copied in under this name; open it read-only."""
        return self._part(name, name, "tree")

    def _part(self, name: str, file: str, kind: str) -> Path:
        path = self.folder / file
        if not self.folder.is_dir() or _identity(self.folder) != self.identity:
            raise ArtifactError(f"{self.folder}: expected the artefact that was opened, found another; open it again")
        if not _PLAIN_NAME.fullmatch(name) or not path.exists():
            raise _refusal(path, f"the {kind} `{name}`", "an artefact without it")
        return path


def write(
    folder: Path,
    *,
    tensors: Mapping[str, Tensors],
    tables: Mapping[str, pl.DataFrame],
    facts: Mapping[str, Any],
    trees: Mapping[str, Path] = MappingProxyType({}),
) -> None:
    """Write an artefact; one that is there is replaced in one step, and a crash leaves the old or the new.

    Names are plain (letters, digits, `_.-`). Facts must be JSON without NaN. Raises DataError when `folder` holds
    something that is not an artefact, ValueError for a name, fact or array that cannot be kept.
    """
    with atomic.replaced_folder(folder, MANIFEST) as aside:
        for group, arrays in tensors.items():
            _save_tensors(arrays, _new_file(aside, f"{group}.safetensors"))
        for name, table in tables.items():
            table.write_parquet(_new_file(aside, f"{name}.parquet"))
        for name, tree in trees.items():
            _copy(tree, _new_file(aside, name))
        files = _files(aside)
        for file in files:
            if not _is_plain(file):
                raise ValueError(f"{file}: names in an artefact have letters, digits, and `_.-` only")
        content = {
            "version": VERSION,
            "libraries": library_versions(),
            "facts": dict(facts),
            "files": {file: _told(path) for file, path in files.items()},
        }
        (aside / MANIFEST).write_text(_sealed(content), encoding="utf-8")


def amend(folder: Path, facts: Mapping[str, Any]) -> None:
    """Put facts into the manifest of an artefact in the place of those of their names; no other file is touched.

    A crash leaves the old manifest or the new. Raises ArtifactError when there is none, or it was changed.
    """
    content = _read_manifest(folder)
    content["facts"] |= facts
    atomic.write_text(folder / MANIFEST, _sealed(content))


def rewrite(
    folder: Path,
    *,
    tables: Mapping[str, pl.DataFrame],
    facts: Mapping[str, Any],
    trees: Mapping[str, Path] = MappingProxyType({}),
) -> None:
    """Put these parts in the place of those of their names; every other file stays the file that it is.

    A crash leaves the old artefact or the new. What was opened from the old one must be opened again.
    """
    content = _read_manifest(folder)
    content["facts"] |= facts
    with atomic.replaced_folder(folder, MANIFEST) as aside:
        shutil.copytree(folder, aside, copy_function=os.link, dirs_exist_ok=True)
        (aside / MANIFEST).unlink()  # a link to the old one, like all of them: not to be written over
        for name, table in tables.items():
            (aside / f"{name}.parquet").unlink()
            table.write_parquet(aside / f"{name}.parquet")
        for name, tree in trees.items():
            _remove(aside / name)
            _copy(tree, aside / name)
        files, given = _files(aside), (*(f"{name}.parquet" for name in tables), *trees)
        told = {file: _told(path) for file, path in files.items() if file.split("/")[0] in given}
        content["files"] = {file: told.get(file) or content["files"][file] for file in files}
        (aside / MANIFEST).write_text(_sealed(content), encoding="utf-8")


def read(folder: Path, verify: Literal["full", "size"] = "full") -> Artifact:
    """Open an artefact and check that it is whole: `full` reads and hashes every byte, `size` compares lengths only.

    Raises ArtifactError naming the file, what was expected, what was found and what to do.
    """
    folder = folder.absolute()
    manifest = _read_manifest(folder)
    identity = _identity(folder)
    expected: dict[str, dict[str, Any]] = manifest["files"]
    found = _files(folder)
    for file in expected.keys() - found.keys():
        raise _refusal(folder / file, "a file that the manifest lists", "no file")
    for file in found.keys() - expected.keys():
        raise _refusal(folder / file, "no such file in the manifest", "a file of unknown origin")
    for file, path in found.items():
        if path.is_symlink() or path.stat().st_size != expected[file]["bytes"]:
            size = "a link" if path.is_symlink() else f"{path.stat().st_size} bytes"
            raise _refusal(path, f"{expected[file]['bytes']} bytes", size)
    if verify == "full":
        with ThreadPoolExecutor() as pool:  # hashing lets other threads run
            for (file, path), digest in zip(found.items(), pool.map(_digest, found.values()), strict=True):
                if digest != expected[file]["sha256"]:
                    raise _refusal(path, f"sha256 {expected[file]['sha256']}", digest)
    return Artifact(folder, manifest["facts"], manifest["libraries"], identity)


def mark(folder: Path) -> tuple[str, datetime]:
    """Which artefact is in a folder, by the hash of its manifest, and when it was last written."""
    written = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC)
    return _seal(_read_manifest(folder))[:16], written


def pack_csr(name: str, matrix: Csr) -> dict[str, NDArray[Any]]:
    """A sparse matrix as arrays for a tensors group; `unpack_csr` gives it back."""
    return {
        f"{name}.data": matrix.data,
        f"{name}.indices": matrix.indices,
        f"{name}.indptr": matrix.indptr,
        f"{name}.shape": np.asarray(matrix.shape, np.int64),
    }


def unpack_csr(name: str, tensors: Tensors) -> Csr:
    """The matrix that `pack_csr` put under this name. Raises ArtifactError if its arrays are absent or do not fit."""
    try:
        data, indices, indptr, shape = (tensors[f"{name}.{part}"] for part in ("data", "indices", "indptr", "shape"))
        rows, columns = shape.tolist()
        return sparse.csr_array((data, indices, indptr), shape=(rows, columns))
    except (KeyError, ValueError, TypeError) as error:
        raise ArtifactError(f"sparse matrix `{name}`: {error}; build the artefact again") from None


def _refusal(path: Path, expected: str, found: str) -> ArtifactError:
    return ArtifactError(f"{path}: expected {expected}, found {found}; copy the artefact again or build it again")


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _new_file(folder: Path, name: str) -> Path:
    if not _PLAIN_NAME.fullmatch(name) or name == MANIFEST or (folder / name).exists():
        raise ValueError(f"{name!r} cannot name a part: use letters, digits, `_.-`, each name once")
    return folder / name


def _is_plain(file: str) -> bool:
    """Is this relative path made of plain names, so that it cannot lead out of the folder?"""
    return all(_PLAIN_NAME.fullmatch(part) for part in file.split("/"))


def _files(folder: Path) -> dict[str, Path]:
    """Every file below the folder but the manifest, by its relative path, in order."""
    paths = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {name: path for path in paths if (name := path.relative_to(folder).as_posix()) != MANIFEST}


def _copy(tree: Path, to: Path) -> None:
    if tree.is_dir():
        shutil.copytree(tree, to)
    else:
        shutil.copyfile(tree, to)


def _remove(tree: Path) -> None:
    if tree.is_dir():
        shutil.rmtree(tree)
    else:
        tree.unlink()


def _told(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": _digest(path)}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def library_versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a source tree that is not installed
            found[name] = "unknown"
    return found


def _sealed(content: Mapping[str, Any]) -> str:
    """The manifest as text, with the hash of its own content: a changed figure is noticed like a changed file."""
    return json.dumps({**content, "seal": _seal(content)}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _seal(content: Mapping[str, Any]) -> str:
    as_read = json.loads(json.dumps(content, allow_nan=False))  # JSON turns keys into text, which changes their order
    text = json.dumps(as_read, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactError(
            f"{path}: expected the manifest of an artefact, found no file; `weft build` makes an artefact"
        ) from None
    except (OSError, ValueError) as error:
        raise _refusal(path, "JSON", str(error)) from None
    if not isinstance(content, dict) or "version" not in content:
        raise _refusal(path, "an object with a format version", "none")
    if content["version"] != VERSION:
        raise ArtifactError(
            f"{path}: expected format version {VERSION}, found {content['version']!r}; "
            "build it again, or use the version of Weft that wrote it"
        )
    if content.pop("seal", None) != _seal(content):
        raise _refusal(path, "a manifest as it was written", "one that was changed")
    for file in content["files"]:
        if not _is_plain(file):
            raise _refusal(path, "plain file names", repr(file))
    return content


def _save_tensors(arrays: Tensors, path: Path) -> None:
    for name, array in arrays.items():
        if array.dtype not in _DTYPES.values():
            raise ValueError(f"tensor {name!r} is {array.dtype}; an artefact holds numbers and truth values")
    # safetensors writes the buffer as it lies, so the rows must lie in order.
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, path)


def _map_tensors(path: Path) -> dict[str, NDArray[Any]]:
    with safe_open(path, framework="numpy") as file:  # refuses a header that does not fit the file
        names = list(file.keys())
    if not names:
        return {}
    with path.open("rb") as raw:
        length = int.from_bytes(raw.read(8), "little")
        header = json.loads(raw.read(length))
        whole = mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_COPY)
    return {name: _view(whole, 8 + length, header[name]) for name in names}


def _view(whole: mmap.mmap, begin: int, told: Mapping[str, Any]) -> NDArray[Any]:
    """One array of a mapped file whose tensors begin there, as its header tells of it.

    What lies under it is an array of its own size: scipy copies parts of a sparse matrix that are a small share of it.
    """
    dtype, shape = np.dtype(_DTYPES[told["dtype"]]), tuple(told["shape"])
    start, stop = told["data_offsets"]
    if start == stop:
        return np.empty(shape, dtype)
    flat = np.frombuffer(whole, dtype, (stop - start) // dtype.itemsize, begin + start)
    return flat.reshape(shape).view()
