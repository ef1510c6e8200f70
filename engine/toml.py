"""TOML files that people write: read whole, or refused in one message."""

import tomllib
from pathlib import Path
from typing import Any

from engine.errors import ConfigError


def read(path: Path, absent: str) -> tuple[str, dict[str, Any]]:
    """The text of a file and its tree. Raises ConfigError; `absent` says what to do if there is no file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; {absent}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}; the file must be UTF-8 TOML") from None
    return text, parse(text, str(path))


def parse(text: str, name: str) -> dict[str, Any]:
    """The tree of a text, which `name` stands for in messages. Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{name}: lists within lists without end; the file must be TOML") from None
    except ValueError as error:  # not TOML, or a number of thousands of digits
        raise ConfigError(f"{name}: {error}; the file must be UTF-8 TOML") from None
