"""Keys of the service: a file of names, scopes and hashes. The keys themselves are shown once and kept nowhere.

A key is 256 random bits, so its SHA-256 says nothing about it and needs no salt and no slow hash.
"""

import hashlib
import hmac
import logging
import secrets
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import ConfigError
from graph.disk import written_file

log = logging.getLogger(__name__)

Scope = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
"""Each may do what the ones before it may."""
PREFIX = "weft_"
"""Of every key, so that people and scanners of repositories know one when they see it."""
MOST_KEYS = 1000
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]


class Key(BaseModel):
    """Who may do what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    scope: Scope
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    created: date

    def may(self, needed: Scope) -> bool:
        return SCOPES.index(self.scope) >= SCOPES.index(needed)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: Annotated[list[Key], Field(max_length=MOST_KEYS)] = []


def read(path: Path) -> list[Key]:
    """The keys in a file. Raises ConfigError where it cannot be used; one that is not there has none."""
    try:
        return _File.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        what = error.strerror if isinstance(error, OSError) else "not as `weft keys` writes it"
        raise ConfigError(f"{path}: the keys cannot be read ({what})") from None


def add(path: Path, name: str, scope: Scope) -> str:
    """Make a key and return it: the only time that it is seen. Raises ConfigError where the name is taken or odd."""
    keys = read(path)
    if any(key.name == name for key in keys):
        raise ConfigError(f"{path} has a key named {name}; revoke it first, or take another name")
    made = PREFIX + secrets.token_urlsafe(32)
    try:
        key = Key(name=name, scope=scope, sha256=_hash(made), created=datetime.now(UTC).date())
        _write(path, [*keys, key])
    except ValidationError:
        raise ConfigError(
            f"{name!r} is no name for a key: up to 64 letters, digits, and _ . -; {MOST_KEYS} keys at most"
        ) from None
    return made


def revoke(path: Path, name: str) -> None:
    """Take a key out of the file; a service that runs refuses it from its next request on."""
    keys = read(path)
    left = [key for key in keys if key.name != name]
    if len(left) == len(keys):
        raise ConfigError(f"{path} has no key named {name}")
    _write(path, left)


class KeyRing:
    """The keys of a file as they are now; a change of the file is seen by the next request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: object = None
        self._keys: list[Key] = []

    def find(self, given: str) -> Key | None:
        """The key that this text is, if it is one. Takes as long whichever it is."""
        digest, found = _hash(given), None
        for key in self._now():
            if hmac.compare_digest(digest, key.sha256):
                found = key
        return found

    def _now(self) -> list[Key]:
        try:
            status = self.path.stat()
            seen: object = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            seen = None
        if seen is None or seen != self._seen:
            try:
                self._keys = read(self.path)
            except ConfigError as error:  # nobody is let in by a file that cannot be read
                log.error("%s; all keys are refused", error)
                self._keys = []
            self._seen = seen
        return self._keys


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, keys: list[Key]) -> None:
    text = _File(keys=keys).model_dump_json(indent=1) + "\n"
    with written_file(path) as aside:
        aside.touch(mode=0o600)
        aside.write_text(text, encoding="utf-8")
