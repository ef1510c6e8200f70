"""RecBole's atomic files (https://recbole.io/docs/user_guide/data/atomic_files.html): tab-separated, typed headers."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.errors import DataError
from engine.importers import folder
from engine.importers.folder import Summary
from engine.tables import columns, triples
from engine.tables.items import RESERVED

_KINDS = ("token", "token_seq", "float", "float_seq")
_TITLES = ("title", "name")
_TEXTS = ("description", "overview", "text", "summary", "plot", "abstract", "review")
_VALUES = ("rating", "label", "score", "weight")


@dataclass(frozen=True)
class _Atomic:
    """One atomic file: its columns as strings, and the kind of each."""

    name: str
    frame: pl.DataFrame
    kinds: dict[str, str]

    def typed(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind in kinds]


def convert(source: Path, out: Path) -> Summary:
    """Write the folder `out` from the .inter of `source`, and .item, .user, .kg and .link where they are there.

    Columns are told by their types: `token` becomes a fact, `token_seq` a list of facts, or a text if its name says so
    (title, name, description, ...), `float` a number. Entities of .kg that .link ties to an item become that item. Of
    .inter the ids, the first of rating, label, score, weight, and the timestamp are kept.
    """
    inter = _read(_only(source, "inter", needed=True))
    user, item = _id(inter, "user"), _id(inter, "item")
    value = next((name for word in _VALUES for name in inter.typed("float", "token") if name == word), "")
    time = next((name for name in inter.typed("float", "token") if name == "timestamp"), "")
    renamed = {user: "user_id", item: "item_id", value: "value", time: "time"}
    interactions = inter.frame.select(pl.col(name).alias(new) for name, new in renamed.items() if name)
    interactions = interactions.with_columns(
        pl.col(name).cast(pl.Float64, strict=False) for name in ("value", "time") if name in interactions.columns
    )
    tables = {"interactions": interactions}
    data: dict[str, object] = {"value": "value" if value else "", "time": "time" if time else "", "image": ""}
    item_file, user_file, kg = (_only(source, kind) for kind in ("item", "user", "kg"))
    if item_file is None:
        tables["items"] = folder.items_of(interactions)
    else:
        tables["items"], described = _items(_read(item_file))
        data |= described
    if user_file is not None:
        tables["users"], data["user_attributes"] = _users(_read(user_file))
    rejects = None
    if kg is not None:
        found = triples.read(kg)
        tables["triples"], rejects = found.frame, found.rejects
    return folder.write(out, f"Atomic files of RecBole, from {source.name}.", tables, data, rejects)


def _only(source: Path, suffix: str, needed: bool = False) -> Path | None:
    """The file of this suffix; that of the folder's name if there are more."""
    found = sorted(source.glob(f"*.{suffix}")) if source.is_dir() else []
    named = [path for path in found if path.stem == source.name]
    if len(found) > 1 and not named:
        raise DataError(
            f"{source}: more than one .{suffix} file ({found[0].name}, {found[1].name}); leave one in the folder"
        )
    if needed and not found:
        raise DataError(f"{source}: there is no .{suffix} file; name the folder of the atomic files")
    return next(iter(named or found), None)


def _read(path: Path | None) -> _Atomic:
    assert path is not None
    header, _, body = folder.text(path.parent, path.name).removeprefix("\ufeff").partition("\n")
    kinds: dict[str, str] = {}
    for cell in header.strip("\r").split("\t"):
        name, _, kind = cell.strip().rpartition(":")
        if not name or kind not in _KINDS or name in kinds:
            raise DataError(
                f"{path}: line 1: `{cell}` is not name:type with a type of {', '.join(_KINDS)}, each name once"
            )
        kinds[name] = kind
    return _Atomic(str(path), folder.rows(body, "\t", list(kinds)), kinds)


def _id(file: _Atomic, what: str) -> str:
    """The column of ids: user_id, or the only token column whose name starts so."""
    names = [name for name in file.typed("token") if name == f"{what}_id"] or [
        name for name in file.typed("token") if name.startswith(what)
    ]
    if not names:
        raise DataError(f"{file.name}: there is no column `{what}_id:token`; the columns are: {', '.join(file.kinds)}")
    return names[0]


def _items(file: _Atomic) -> tuple[pl.DataFrame, dict[str, object]]:
    """The items and what their columns mean."""
    item = _id(file, "item")
    words = [name for name in file.typed("token", "token_seq") if name != item]
    title = next((name for word in _TITLES for name in words if name.endswith(word)), None)
    texts = [name for name in words if name == title or any(name.endswith(word) for word in _TEXTS)]
    facts = {name: _free(name) for name in words if name not in texts}
    numbers = {name: _free(name) for name in file.typed("float")}
    table = file.frame.select(
        pl.col(item).alias("item_id"),
        *texts,
        *(_values(file, name).alias(new) for name, new in facts.items()),
        *(pl.col(name).cast(pl.Float64, strict=False).alias(new) for name, new in numbers.items()),
    )
    described: dict[str, object] = {"title": title} if title else {}
    described |= {"text": texts, "attributes": list(facts.values()), "numeric": list(numbers.values())}
    return table, described


def _users(file: _Atomic) -> tuple[pl.DataFrame, list[str]]:
    user = _id(file, "user")
    facts = {name: _free(name) for name in file.typed("token", "token_seq") if name != user}
    values = [_values(file, name).alias(new) for name, new in facts.items()]
    return file.frame.select(pl.col(user).alias("user_id"), *values), list(facts.values())


def _values(file: _Atomic, name: str) -> pl.Series:
    return columns.lists(file.frame[name], " " if file.kinds[name] == "token_seq" else None)


def _free(name: str) -> str:
    """A name that the catalogue does not use itself."""
    return f"{name}_" if name in RESERVED or name == "user_id" else name
