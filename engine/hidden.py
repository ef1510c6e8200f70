"""Modules that a library loads where it can, and that nothing of ours needs of it."""

import sys
from threading import get_ident


class Hidden:
    """Modules that are not loaded yet and cannot be imported by this thread for a while; other threads can."""

    def __init__(self, *names: str) -> None:
        self._names, self._thread = names, get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in self._names and get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)

    def __enter__(self) -> None:
        sys.meta_path.insert(0, self)

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)


def load_trees() -> None:
    """Load LightGBM without scikit-learn and pandas, which are a second and 90 MB; to be called before others load it.

    For a process of our own that learns nothing: who wants `lightgbm.LGBMRanker` there cannot have it any more.
    """
    with Hidden("sklearn", "pandas"):
        import lightgbm  # noqa: F401
