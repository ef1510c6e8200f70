"""A folder of tables that learns in a second: two kinds of things, liked by two kinds of people."""

import textwrap
from pathlib import Path

import numpy as np
import polars as pl

CONFIG = """
    [data]
    items = "items.csv"
    interactions = "interactions.csv"
    attributes = ["kind"]
    [encoders]
    text = ""
    image = ""
    [fusion]
    users = 30
    rounds = 5
    [candidates.als]
    enabled = false
    [candidates.neighbours]
    enabled = false
    [candidates.later]
    enabled = false
    [candidates.attention]
    enabled = false
    [candidates.prior]
    enabled = false
    [candidates.gnn]
    enabled = false
    [candidates.content]
    half_lives = [inf]
    [evaluation]
    resamples = 50
    k = 5
"""


def write(folder: Path) -> Path:
    """Forty users, each with twelve of the fifteen things of their kind, a day apart."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    kinds = np.arange(30) % 2
    items = [
        {"item_id": f"i{n}", "title": f"{('red', '蓝色')[kind]} thing {n}", "kind": f"k{kind}"}
        for n, kind in enumerate(kinds)
    ]
    pl.DataFrame(items).write_csv(folder / "items.csv")
    events = [
        {"user_id": f"u{user}", "item_id": f"i{item}", "time": 86_400 * (20 * user + at)}
        for user in range(40)
        for at, item in enumerate(rng.permutation(np.flatnonzero(kinds == user % 2))[:12])
    ]
    pl.DataFrame(events).write_csv(folder / "interactions.csv")
    (folder / "weft.toml").write_text(textwrap.dedent(CONFIG))
    return folder
