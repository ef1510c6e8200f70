"""The commented configuration file, written from the tree itself: every key, its default and what it means."""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel

from engine import atomic
from engine.config import Config, Data, Section
from engine.errors import ConfigError

_EXAMPLES: dict[str, Any] = {
    "items": "items.parquet",
    "interactions": "interactions.parquet",
    "triples": "triples.parquet",
    "users": "users.parquet",
    "brand": "brand",
    "category": "category",
    "column": "genre",
    "currency": "CNY",
    "relations": {"directed_by": ("Item", "Person"), "owned_by": ("Brand", "Organisation")},
    "file": "rules.toml",
    "review": "review.csv",
    "seed": 7,
    "modalities": {"sound": {"encoder": "audio:log-mel", "column": "sound"}},
    "more": {"sound": 0.15},
}
"""Shown, commented out, for keys that have no default."""

_TITLE = "Weft: `weft build` makes an engine from this file. Paths start from the folder of this file."


def template() -> str:
    """The file that `weft init` writes: it parses to `Config()`."""
    return (
        _comment(f"{_TITLE}\nEvery key stands here with its default; what is left out keeps it.")
        + "\n"
        + "\n".join(_section(Config, ""))
        + "\n"
    )


def data_file(data: Mapping[str, Any], title: str) -> str:
    """A file with a [data] table of these keys, each with its comment; all others keep their defaults."""
    body = [line for key, value in data.items() for line in _entry(Data, key, value)]
    head = _comment(f"{title}\n{_TITLE}\nEvery key that is left out keeps its default; `weft init` shows them all.")
    return head + "\n[data]\n" + "\n".join(body) + "\n"


def config_file(config: Config, title: str) -> str:
    """A file with the keys that were set in `config`, each with its comment; it parses to the same configuration."""
    head = _comment(f"{title}\nEvery key that is left out keeps its default; `weft init` shows them all.")
    return head + "\n" + "\n".join(_set(config, "")) + "\n"


def write_template(path: Path) -> None:
    """Write the commented file. Raises ConfigError when there is one already: it is not replaced."""
    if path.exists():
        raise ConfigError(f"{path} is there already; remove it or name another file")
    atomic.write_text(path, template())


def _section(model: type[BaseModel], name: str) -> list[str]:
    """Lines of a table, then of the tables within it, as TOML wants them."""
    keys = [key for key, field in model.model_fields.items() if _table(field.annotation) is None]
    lines = [line for key in keys for line in _entry(model, key, model.model_fields[key].default)]
    if name and keys:
        lines = ["", *_comment(model.__doc__ or "").splitlines(), f"[{name}]", *lines]
    for key, field in model.model_fields.items():
        table = _table(field.annotation)
        if table is not None:
            lines += _section(table, f"{name}.{key}" if name else key)
    return lines


def _set(section: Section, name: str) -> list[str]:
    """Lines of the keys of a table that were set, then of the tables within it."""
    values = {key: getattr(section, key) for key in type(section).model_fields if key in section.model_fields_set}
    tables = {key: value for key, value in values.items() if isinstance(value, Section)}
    plain = {key: value for key, value in values.items() if key not in tables and value is not None}
    lines = [line for key, value in plain.items() for line in _entry(type(section), key, value)]
    if name and lines:
        lines = ["", f"[{name}]", *lines]
    for key, table in tables.items():
        lines += _set(table, f"{name}.{key}" if name else key)
    return lines


def _table(kind: Any) -> type[Section] | None:
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _entry(model: type[BaseModel], key: str, value: Any) -> list[str]:
    comment = _comment(model.model_fields[key].description or "").splitlines()
    line = f"# {key} = {_toml(_EXAMPLES[key])}" if value in (None, {}) else f"{key} = {_toml(value)}"
    return [*comment, line]


def _comment(text: str) -> str:
    shown = ["".join(c if c.isprintable() else "?" for c in line) for line in text.splitlines()]
    lines = [part for line in shown for part in textwrap.wrap(line, 116)]
    return "".join(f"# {line}\n" for line in lines)


def _toml(value: Any) -> str:
    if isinstance(value, Section):
        value = value.model_dump(exclude_unset=True, exclude_none=True)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_toml(part)}' for key, part in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(part) for part in value)}]"
    shown = value.as_posix() if isinstance(value, PurePath) else str(value)
    return json.dumps(shown, ensure_ascii=False).replace("\x7f", "\\u007f")
