"""Weft: recommendations and search from words, pictures, relations and history.

from engine import Engine
engine = Engine.build("data/ml/weft.toml")
engine.recommend(user="1", n=10)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.config import Config, Diversity, Exploration
    from engine.engine import Engine

__all__ = ["Config", "Diversity", "Engine", "Exploration"]


def __getattr__(name: str) -> Any:
    # Torch takes seconds to import; parts that need no engine should not wait for it.
    if name == "Engine":
        from engine.engine import Engine

        return Engine
    if name in ("Config", "Diversity", "Exploration"):
        from engine import config

        return getattr(config, name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
