"""The groups of a question: of its users by their history, of its items by what is known of them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.benchmark import Question, Row
from engine.candidates import Features
from engine.config import Config
from engine.evaluation import segments
from engine.evaluation.report import Segment
from engine.evaluation.segments import Grouping, Lists
from engine.evaluation.splits import Split
from engine.tables.catalogue import Catalogue

DAY = 86_400


def gains(
    tables: Catalogue, split: Split, asked: Question, features: Features, runs: Sequence[Sequence[Row]],
    rival: Row | None, config: Config,
) -> list[Segment]:  # fmt: skip
    """The gain of the first row over `rival`, a row of every run, in every group; none where there is no rival.

    Each run is that of a seed.
    """
    if rival is None:
        return []
    k, settings = config.evaluation.k, config.evaluation
    ours, other = (lists(name, runs, k) for name in (runs[0][0].name, rival.name))
    found = groupings(tables, split, asked, features)
    return segments.gains(found, ours, other, asked.relevant, k, settings.resamples, config.seed)


def lists(name: str, runs: Sequence[Sequence[Row]], k: int) -> Lists:
    """What a ranker gave in every run."""
    own = [next(row for row in run if row.name == name) for run in runs]
    return Lists(
        np.mean([row.metrics[f"ndcg@{k}"] for row in own], axis=0), np.stack([row.ranked[:, :k] for row in own])
    )


def best_rival(rows: Sequence[Row], config: Config) -> Row | None:
    """The row that is no Weft with the highest NDCG."""
    rivals = [row for row in rows if not row.name.startswith("weft")]
    return max(rivals, key=lambda row: float(row.metrics[f"ndcg@{config.evaluation.k}"].mean()), default=None)


def groupings(tables: Catalogue, split: Split, asked: Question, features: Features) -> list[Grouping]:
    """Every way to part the users and the items."""
    popularity = np.asarray(asked.known.seen().sum(axis=0)).ravel()
    histories = asked.asked
    lengths = histories.lengths
    taste = np.bincount(histories.rows, popularity[histories.items], minlength=len(histories)) / np.maximum(lengths, 1)
    found = [
        segments.by_history(lengths),
        segments.tenths("users' taste, tenth", "users", taste),
        segments.tenths("item popularity, tenth", "items", popularity),
        segments.by_language(tables.items["text"].to_list()),
        segments.by_lack(present(features)),
    ]
    days = pauses(split, asked)
    return found if days is None else [*found[:1], segments.by_pause(days), *found[1:]]


def present(features: Features) -> dict[str, NDArray[np.bool_]]:
    """(items,) whether an item has a text, a picture, facts, and each further modality."""
    return {
        "text": np.asarray(features.text.any(axis=1)) | (np.diff(features.words.indptr) > 0),
        "picture": np.asarray(features.image.any(axis=1)),
        "facts": np.diff(features.facts.indptr) > 0,
        **{name: np.asarray(vectors.any(axis=1)) for name, vectors in features.more.items()},
    }


def pauses(split: Split, asked: Question) -> NDArray[np.float64] | None:
    """(users,) days from the last known event to the first asked one; NaN without history, None without times."""
    histories = asked.asked
    if not histories.times.any() or not (split.test["time"] != 0).any():
        return None
    first = split.test.group_by("user_id").agg(pl.col("time").min())
    users = pl.DataFrame({"user_id": asked.users}, schema={"user_id": pl.String})
    asks = users.join(first, on="user_id", how="left", maintain_order="left")["time"].to_numpy().astype(np.float64)
    last = np.full(len(histories), np.nan)
    some = histories.lengths > 0
    last[some] = histories.times[histories.indptr[1:][some] - 1]
    return np.asarray(np.maximum(asks - last, 0) / DAY, np.float64)
