"""Candidate generators. To add one: a file with `fit` here, a section in engine/config.py, a line in registry.py."""

from engine.candidates.base import Features, Generator, Scores, Tensors
from engine.candidates.registry import enabled, fit_all, fit_timed, restore

__all__ = ["Features", "Generator", "Scores", "Tensors", "enabled", "fit_all", "fit_timed", "restore"]
