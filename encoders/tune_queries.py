"""Train a head for queries (`encoders.queries`) on queries with the items that are right for them.

The loss is the mean cross-entropy of a query's right items among all items (InfoNCE with every other item as a
negative, Khosla et al. 2020 for many right ones), with two pulls to the identity: the size of the map, and what it does
to general texts that have nothing to do with the shop, so that these are found as before. All vectors are made before;
80 steps take seconds.
"""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.queries import DIM, QUERIES, RESIDUAL, QueryHead
from encoders.schedule import warm_up_and_cosine
from encoders.weights import file_hash, save_aside, save_facts

FEWEST = 50


@dataclass(frozen=True)
class Settings:
    """The same settings and vectors give the same head on the same machine.

    Chosen on words held out of training inside the training shop, and on the dev queries over films.
    """

    seed: int = 0
    steps: int = 80
    batch: int = 256
    learning_rate: float = 1e-3
    """The highest, after a tenth of the steps; from there it falls to zero along a cosine."""
    scale: float = 30.0
    """Times the cosines before the softmax."""
    size: float = 0.01
    """Weight of the squared size of the map."""
    general: float = 60.0
    """Weight of the mean squared way that the map moves general texts."""


@dataclass(frozen=True)
class Asked:
    """Queries of one language, and what is right for each."""

    queries: Vectors
    """(q, 512)"""
    right: Sequence[NDArray[np.int64]]
    """(q,) rows of the items"""


@dataclass(frozen=True)
class TunedQueries:
    """A trained head and what is known of it."""

    head: QueryHead
    figures: dict[str, Any]

    def save(self, folder: Path, about: dict[str, Any]) -> None:
        """Write weft-queries.safetensors, in half precision, and .json, for `load_query_head(folder)`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{QUERIES}.safetensors"
        save_aside({RESIDUAL: torch.from_numpy(self.head.residual).half()}, path)
        save_facts({"sha256": file_hash(path), **about, **self.figures}, folder / f"{QUERIES}.json")


def tune_queries(
    asked: Sequence[Asked], items: Vectors, general: Sequence[Vectors], settings: Settings | None = None
) -> TunedQueries:
    """Train on `asked`, each language weighing the same, among `items` (n, 512); `general` are sorts of other texts.

    Raises EncoderError below 50 queries.
    """
    settings = settings or Settings()
    if sum(len(one.queries) for one in asked) < FEWEST:
        raise EncoderError(f"{sum(len(one.queries) for one in asked)} queries: a head for them needs {FEWEST}")
    others = torch.from_numpy(items)
    sets = [(torch.from_numpy(one.queries), _right(one.right, len(items))) for one in asked]
    spread = np.mean([rows.T.astype(np.float64) @ rows / len(rows) for rows in general], axis=0)
    still = torch.from_numpy(spread.astype(np.float32))  # (512, 512) second moment of general texts
    generator = torch.Generator().manual_seed(settings.seed)
    residual = torch.zeros(DIM, DIM, requires_grad=True)
    optimizer = torch.optim.Adam([residual], lr=settings.learning_rate)
    curve = []
    for step in range(settings.steps):
        optimizer.param_groups[0]["lr"] = settings.learning_rate * warm_up_and_cosine(step, settings.steps)
        wrong = torch.zeros(())
        for queries, right in sets:
            some = torch.randperm(len(queries), generator=generator)[: settings.batch]
            moved = normalize(queries[some] + queries[some] @ residual, dim=1)  # (b, 512)
            chance = torch.log_softmax(settings.scale * moved @ others.T, dim=1)  # (b, n)
            wrong = wrong - (chance * right[some]).sum(1).mean() / len(sets)
        pull = settings.size * (residual**2).sum() + settings.general * (residual * (still @ residual)).sum()
        optimizer.zero_grad()
        (wrong + pull).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        curve.append(round(float(wrong.detach()), 4))
    figures = {
        "queries": [len(one.queries) for one in asked], "items": len(items),
        "size of the map": round(float(residual.detach().norm()), 3), "loss": [curve[0], curve[-1]],
        "settings": asdict(settings), "torch": torch.__version__, "machine": platform.machine(),
    }  # fmt: skip
    return TunedQueries(QueryHead(residual.detach().half().float().numpy()), figures)


def _right(right: Sequence[NDArray[np.int64]], items: int) -> torch.Tensor:
    """(q, items) the share of each right item, 1 over a row."""
    shares = torch.zeros(len(right), items)
    for row, rows in enumerate(right):
        shares[row, torch.from_numpy(rows)] = 1 / len(rows)
    return shares
