"""What `weft tune` may turn, one line a knob: the key in weft.toml, from where to where, and on which scale.

A range widens to take in what the configuration says now. Knobs of a generator that is off stay as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engine.config import Config

if TYPE_CHECKING:
    from optuna import Trial

Value = float | int


@dataclass(frozen=True)
class Knob:
    """`scale`: linear, log, or count (whole numbers, as log)."""

    key: str
    low: float
    high: float
    scale: Literal["linear", "log", "count"]


SPACE = (
    Knob("candidates.ease.l2", 50, 5000, "log"),
    Knob("candidates.ease.power", 0, 0.5, "linear"),
    Knob("candidates.als.dim", 16, 256, "count"),
    Knob("candidates.als.rest", 0.001, 0.3, "log"),
    Knob("candidates.als.l2", 0.0003, 0.1, "log"),
    Knob("candidates.neighbours.length", 0, 1, "linear"),
    Knob("candidates.neighbours.history", 0, 1, "linear"),
    Knob("candidates.neighbours.power", 0, 1, "linear"),
    Knob("candidates.transitions.window", 3, 60, "count"),
    Knob("candidates.transitions.decay", 0.6, 1, "linear"),
    Knob("candidates.transitions.power", 0, 1, "linear"),
    Knob("candidates.later.window", 50, 400, "count"),
    Knob("candidates.later.power", 0, 1, "linear"),
    Knob("candidates.attention.learning_rate", 0.001, 0.01, "log"),
    Knob("candidates.attention.dropout", 0.1, 0.6, "linear"),
    Knob("candidates.attention.epochs", 6, 40, "count"),
    Knob("candidates.content.words", 0, 1, "linear"),
    Knob("candidates.content.text", 0, 1.5, "linear"),
    Knob("candidates.content.image", 0, 1, "linear"),
    Knob("candidates.content.l2", 1, 60, "log"),
    Knob("candidates.content.rank", 10, 60, "count"),
    Knob("candidates.content.power", 0, 0.6, "linear"),
    Knob("candidates.gnn.learning_rate", 0.003, 0.03, "log"),
    Knob("candidates.gnn.dropout", 0.1, 0.6, "linear"),
    Knob("candidates.gnn.contrast", 0, 0.5, "linear"),
    Knob("candidates.prior.rounds", 50, 500, "count"),
    Knob("fusion.l2", 1e-5, 1e-2, "log"),
    Knob("fusion.hidden_share", 0.1, 0.3, "linear"),
    Knob("fusion.depth", 60, 240, "count"),
    Knob("fusion.share", 0.2, 1.5, "linear"),
)


def knobs(config: Config) -> list[Knob]:
    """Those of parts that are on, each with a range that holds its value of today."""
    found = []
    for knob in SPACE:
        section, now = knob.key.split("."), get(config, knob.key)
        if section[0] == "candidates" and not get(config, f"candidates.{section[1]}.enabled"):
            continue
        if knob.key in ("fusion.depth", "fusion.share") and not config.fusion.rerank:
            continue
        if now > 0 or knob.scale == "linear":  # zero has no place on a log scale: it was meant to be off
            found.append(Knob(knob.key, min(knob.low, now), max(knob.high, now), knob.scale))
    return found


def suggest(trial: "Trial", knob: Knob) -> Value:
    """The value of a knob in a trial."""
    if knob.scale == "count":
        return trial.suggest_int(knob.key, int(knob.low), int(knob.high), log=True)
    return trial.suggest_float(knob.key, knob.low, knob.high, log=knob.scale == "log")


def get(config: Config, key: str) -> Any:
    """The value of a dotted key."""
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def put(config: Config, values: Mapping[str, Value]) -> Config:
    """The configuration with the values of some dotted keys in place of its own."""
    for key, value in values.items():
        config = _put(config, key.split("."), value)
    return config


def _put(section: Any, path: list[str], value: Value) -> Any:
    name, *rest = path
    return section.model_copy(update={name: _put(getattr(section, name), rest, value) if rest else value})
