"""Candidate generators. To add one: a file with `fit` here, a section in engine/config.py, a line in registry.py."""

from engine.candidates.base import Features, Generator, Scores, Tensors
from engine.candidates.registry import SLOW, News, enabled, fit_all, fit_timed, restore, update_all

__all__ = [
    "SLOW",
    "Features",
    "Generator",
    "News",
    "Scores",
    "Tensors",
    "enabled",
    "fit_all",
    "fit_timed",
    "restore",
    "update_all",
]
