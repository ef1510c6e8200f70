"""The signals planted in the generated shop can be found again, each by the method made for it.

`python -m tests.engine.test_demo_signals FOLDER` writes the figures of a generated folder, as in SIMULATION.md.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from scipy.sparse.linalg import svds

from engine.demo import truth
from engine.demo.shop import generate

FACTS = ["brand", "category", "collection", "colour", "material", "gender", "season"]


@dataclass(frozen=True)
class Shop:
    folder: Path
    items: pl.DataFrame
    users: list[str]
    indptr: np.ndarray
    columns: np.ndarray
    known: np.ndarray
    """(events,) true but for the last tenth of each user's events, at least one."""

    @property
    def rows(self):
        return np.repeat(np.arange(len(self.users)), np.diff(self.indptr))

    def matrix(self, events, weights=None):
        cells = (self.rows[events], self.columns[events])
        weights = np.ones(len(self.columns)) if weights is None else weights
        return sparse.csr_array((weights[events], cells), shape=(len(self.users), len(self.items)))


def read(folder):
    items = pl.read_parquet(folder / "items.parquet")
    events = pl.read_parquet(folder / "interactions.parquet").sort("user_id", "time")
    users, counts = np.unique(events["user_id"].to_numpy(), return_counts=True)
    position = {item: i for i, item in enumerate(items["item_id"])}
    columns = np.array([position[item] for item in events["item_id"]])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    cut = counts - np.array([max(1, round(0.1 * count)) for count in counts])
    known = np.arange(len(columns)) - np.repeat(indptr[:-1], counts) < np.repeat(cut, counts)
    return Shop(folder, items, users.tolist(), indptr, columns, known)


def recall(scores, wanted, hidden, k=20):
    """Mean over users of the share of `wanted` (users, items) among the k best that are not `hidden`."""
    scores = np.where(hidden, -np.inf, scores)
    top = np.argpartition(-scores, k, axis=1)[:, :k]
    hits = np.take_along_axis(wanted, top, axis=1).sum(axis=1)
    users = wanted.any(axis=1)
    return float((hits[users] / np.minimum(wanted[users].sum(axis=1), k)).mean())


def ease(matrix, l2):
    inverse = np.linalg.inv((matrix.T @ matrix).toarray() + l2 * np.eye(matrix.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def transitions(shop, window=10, decay=0.8):
    """What follows what, divided by the root of both popularities, read from the last event or so."""
    n, rows = len(shop.items), shop.rows
    total = sparse.csr_array((n, n))
    for step in range(1, window + 1):
        both = (rows[step:] == rows[:-step]) & shop.known[step:]
        cells = (shop.columns[:-step][both], shop.columns[step:][both])
        total += sparse.csr_array((np.full(both.sum(), decay ** (step - 1)), cells), shape=(n, n))
    scale = sparse.diags_array(np.bincount(shop.columns[shop.known], minlength=n).clip(1) ** -0.5)
    ends = np.flatnonzero(np.diff(np.append(shop.known, False).astype(int)) == -1)
    age = np.repeat(ends, np.diff(shop.indptr)) - np.arange(len(rows))
    return (shop.matrix(shop.known, np.exp2(-age.astype(float))) @ (scale @ total @ scale)).toarray()


def warm(shop):
    """Recall@20 of each user's last events."""
    seen, wanted = shop.matrix(shop.known), shop.matrix(~shop.known).toarray() > 0
    hidden = seen.toarray() > 0
    popular = np.tile(seen.sum(axis=0), (len(shop.users), 1))
    linear, following = seen @ ease(seen, 200), transitions(shop)
    oracle = truth.oracle_scores(shop.folder, shop.users)
    both = linear / linear.std(axis=1, keepdims=True) + 0.3 * following / following.std(axis=1, keepdims=True)
    scores = {
        "popularity": popular,
        "transitions": following,
        "EASE": linear,
        "EASE + transitions": both,
        "oracle": oracle,
    }
    return {name: recall(score, wanted, hidden) for name, score in scores.items()}


def facts(shop):
    """(items, facts) ones: what the table tells of each item."""
    columns = [shop.items[name].to_dummies().select(pl.exclude(f"{name}_null")).to_numpy() for name in FACTS]
    group = shop.items["category"].str.split(" > ").list.first().to_dummies().to_numpy()
    return np.concatenate([*columns, group], axis=1).astype(float)


def hidden_facet(shop, name):
    """(items, values) ones: the pattern or the style, which the table does not tell."""
    hidden = shop.items.select("item_id").join(truth.hidden(shop.folder), on="item_id", maintain_order="left")
    return hidden[name].to_dummies().to_numpy().astype(float)


def cosine(features):
    length = np.linalg.norm(features, axis=1, keepdims=True).clip(1e-9)
    return (features / length) @ (features / length).T


def cold(shop, seed=0, rank=20):
    """Recall@20 among a fifth of the items, none of whose interactions is seen: ridge from kernels to item factors."""
    n, rng = len(shop.items), np.random.default_rng(seed)
    chosen = np.bincount(shop.columns, minlength=n) > 0
    is_cold = chosen & (rng.random(n) < 0.2)
    seen, wanted = shop.matrix(~is_cold[shop.columns]), shop.matrix(is_cold[shop.columns]).toarray() > 0
    hidden = np.tile(~is_cold, (len(shop.users), 1))
    warm_items = np.flatnonzero(chosen & ~is_cold)
    _, _, factors = svds(seen[:, warm_items], k=rank, v0=np.ones(len(warm_items)))
    log_count = np.log1p(seen.sum(axis=0)[warm_items])

    def scores(kernel):
        gram = kernel[np.ix_(warm_items, warm_items)] + np.eye(len(warm_items))
        dual = np.linalg.solve(gram, np.column_stack([factors.T, log_count - log_count.mean()]))
        placed = kernel[:, warm_items] @ dual
        return (seen[:, warm_items] @ factors.T) @ placed[:, :-1].T, np.tile(placed[:, -1], (len(shop.users), 1))

    table, pattern, style = cosine(facts(shop)), hidden_facet(shop, "pattern"), hidden_facet(shop, "style")
    taste, popular = scores(table)
    taste_and_pattern, _ = scores(table + 0.2 * pattern @ pattern.T)
    taste_and_style, _ = scores(table + 0.2 * style @ style.T)
    named = {
        "random": rng.random(hidden.shape),
        "predicted popularity": popular,
        "facts": taste,
        "facts + style": taste_and_style,
        "facts + pattern": taste_and_pattern,
    }
    return {name: recall(score, wanted, hidden) for name, score in named.items()}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    generate(folder, seed=1, products=600, users=900)
    return read(folder)


def test_sequence_and_taste_are_found_in_history(shop):
    found = warm(shop)
    assert 1.5 * found["popularity"] < found["EASE"]
    assert found["EASE"] + 0.01 < found["EASE + transitions"] < 0.8 * found["oracle"]


def test_facts_and_pattern_tell_who_chooses_an_item_without_history(shop):
    found = cold(shop)
    assert found["predicted popularity"] + 0.05 < found["facts"]
    assert found["facts"] + 0.015 < found["facts + pattern"]


def test_the_oracle_knows_the_next_event_better_with_the_state_before_it(shop):
    users = shop.users[:200]
    counts = np.diff(shop.indptr)[:200]
    last = shop.columns[shop.indptr[1:201] - 1]
    at_last = truth.oracle_scores(shop.folder, users, counts - 1)
    at_first = truth.oracle_scores(shop.folder, users, np.ones(200, int))
    ranks = [(scores > scores[np.arange(200), last][:, None]).sum(axis=1).mean() for scores in (at_last, at_first)]
    assert ranks[0] < ranks[1]


def test_the_oracle_says_what_it_cannot_know(shop):
    with pytest.raises(ValueError, match="known must be from 1"):
        truth.oracle_scores(shop.folder, shop.users[:1], [0])
    with pytest.raises(KeyError):
        truth.oracle_scores(shop.folder, ["nobody"])


if __name__ == "__main__":
    generated = read(Path(sys.argv[1]))
    sys.stdout.write(json.dumps({"warm": warm(generated), "cold": cold(generated)}, indent=2) + "\n")
