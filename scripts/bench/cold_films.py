"""Films that nobody has met, hidden by the judge (its cold sets), and how well vectors alone rank them."""

from pathlib import Path

import numpy as np
from movielens import split_by_judge
from scipy import sparse

from encoders import Vectors
from engine import benchmark, config
from engine.benchmark import Question
from engine.candidates import Features, content
from engine.evaluation import metrics, splits
from engine.tables.catalogue import Catalogue

K = 20


def cold_set(tables: Catalogue, shared: Path, work: Path, seed: int) -> Question:
    """`allowed` is a fifth of the films; nothing of them is known."""
    folder = work / f"cold-{seed}" / "split"
    split_by_judge(shared, "cold", seed, folder)
    return benchmark.question(tables, splits.read_folder(folder, tables.interactions))


def ranking(asked: Question, texts: Vectors, pictures: Vectors | None = None) -> dict[str, float]:
    """Recall and NDCG of `content` from these vectors alone, (films, dim) each, by a history that does not fade.

    Users and metrics are the judge's.
    """
    n = len(asked.items)
    nothing = sparse.csr_array((n, 0), dtype=np.float32)
    seen = np.zeros((n, 1), np.float32) if pictures is None else pictures
    features = Features(nothing, nothing, texts, seen, np.zeros(0, np.int64))
    scores = content.fit(asked.known, features, config.Content()).score(asked.asked)[-1]
    ranked, _ = metrics.rank(np.array(scores), K, asked.asked.seen(), asked.allowed)
    found = metrics.list_metrics(ranked, asked.relevant, K)
    return {name: float(found[name].mean()) for name in (f"recall@{K}", f"ndcg@{K}")}
