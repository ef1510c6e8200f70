"""Things beside the repository that some tests compare with: they skip where these are absent."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"
MOVIELENS = SHARED / "data" / "movielens-100k"


@cache
def judge() -> ModuleType:
    """The independent judge of rankings, which shares no code with Weft."""
    path = SHARED / "judge" / "judge.py"
    if not path.exists():
        pytest.skip(f"{path} is absent: the judge cannot be asked")
    spec = importlib.util.spec_from_file_location("judge", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return module


@cache
def movielens() -> pl.DataFrame:
    """Its ratings as an interactions table, in the order of a catalogue."""
    path = MOVIELENS / "u.data"
    if not path.exists():
        pytest.skip(f"{path} is absent: no real ratings to try")
    user, item, value, time = np.loadtxt(path, dtype=np.int64).T
    table = {"user_id": user.astype(str), "item_id": item.astype(str), "value": value.astype(np.float32), "time": time}
    return pl.DataFrame(table).sort("user_id", "time", maintain_order=True)
