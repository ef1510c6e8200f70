"""How a service guards itself and what it tells of itself; the same in each of its processes."""

from pathlib import Path

import limits
from pydantic import BaseModel, ConfigDict, SecretStr, field_serializer, field_validator

from engine.service.logs import Format

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""What a browser on this machine calls it."""
TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which the processes find each other's counts; the library of Prometheus reads it."""


class Settings(BaseModel):
    """Without any, whoever reaches the service may ask everything: right in a test, or behind something that guards."""

    model_config = ConfigDict(frozen=True)

    keys: Path | None = None
    """The file of keys (`weft keys`); without one nobody needs a key."""
    hosts: tuple[str, ...] = ()
    """Names by which the service may be called, without ports; empty is any. A page of another name that was made to
    point here (DNS rebinding) is refused by them."""
    origins: tuple[str, ...] = ()
    """Web pages of elsewhere that may ask, such as https://shop.example (CORS)."""
    rate: str = ""
    """How often a key, or an address without one, may ask: such as 600/minute. Empty is without limit. Each process
    counts what it answers."""

    log_format: Format = "text"
    """How the lines of the log look."""
    experiments: Path | None = None
    """The file of experiments that run."""
    redis: SecretStr | None = None
    """Where events come from, too: such as redis://localhost:6379/0; it may hold a password."""
    redis_stream: str = "weft:events"
    otel: bool = False
    """Whether each request becomes a span of OpenTelemetry."""
    warm: bool = False
    """Whether to make in the background what first searches would wait for, and to be ready only then."""

    @field_validator("rate")
    @classmethod
    def _is_a_rate(cls, given: str) -> str:
        if given:
            limits.parse(given)
        return given

    @field_serializer("redis", when_used="json")
    def _for_a_worker(self, given: SecretStr | None) -> str | None:
        return None if given is None else given.get_secret_value()
