"""Cornac: VBPR, by pictures alone as it was published, or by pictures and words. Run by the Python of its environment.

The vectors are those that Weft's own encoders give, so the contest is between the rankers.
"""

from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import cornac
import numpy as np
import peer_choice
import torch
from cornac.data import Dataset, ImageModality
from cornac.models import VBPR
from numpy.typing import NDArray
from peer_split import Events, Ints, Scorer, read

KINDS = {"vbpr": ("image",), "vbpr-text": ("image", "text")}
GRID: list[dict[str, Any]] = [
    {"k": factors, "k2": factors, "learning_rate": rate, "lambda_w": penalty, "lambda_b": 0.01, "lambda_e": penalty_e}
    for factors, rate, penalty, penalty_e in product((32,), (0.003, 0.001), (0.01, 0.1), (0.01, 1.0))
]
STEP, CHECKS = 4, 12


def vectors(folder: Path, items: list[str], kinds: tuple[str, ...]) -> NDArray[np.float32]:
    """(items, width) vectors side by side; zeros for an item without."""
    place = {item: row for row, item in enumerate((folder / "items.txt").read_text(encoding="utf-8").split("\n"))}
    table = np.concatenate([np.load(folder / f"{kind}.npy", allow_pickle=False) for kind in kinds], axis=1)
    table = np.concatenate([table, np.zeros((1, table.shape[1]), table.dtype)])
    found: NDArray[np.float32] = table[[place.get(item, -1) for item in items]].astype(np.float32)
    return found


def fit(
    features: NDArray[np.float32], known: Events, settings: dict[str, Any], seed: int
) -> Iterator[tuple[int, Scorer]]:
    """A few epochs at a time, each time from where the last ended (the moments of Adam start anew)."""
    touched = np.unique(known.items)
    order = np.concatenate([touched, np.setdiff1d(np.arange(known.shape[1]), touched)])
    place = np.argsort(order)
    # Cornac draws what was not chosen from the first `num_items` numbers: those of items that somebody has touched.
    users = OrderedDict((user, user) for user in range(known.shape[0]))
    items = OrderedDict((item, item) for item in range(known.shape[1]))
    triples = zip(known.users.tolist(), place[known.items].tolist(), [1.0] * len(known.users), strict=True)
    data = Dataset.build(triples, global_uid_map=users, global_iid_map=items, seed=seed)
    data.add_modalities(item_image=ImageModality(features=features[order]))
    learned: dict[str, Any] = {}
    for check in range(1, CHECKS + 1):
        torch.manual_seed(seed + check)
        model = VBPR(**settings, n_epochs=STEP, batch_size=256, init_params=learned, seed=seed, verbose=False)
        model.fit(data)
        learned = {
            "Bi": model.beta_item,
            "Gu": model.gamma_user,
            "Gi": model.gamma_item,
            "Tu": model.theta_user,
            "E": model.emb_matrix,
            "Bp": model.beta_prime,
        }
        own = model.gamma_item.copy()
        own[len(touched) :] = 0  # still as drawn at the start, which says nothing of an item
        bias = model.beta_item + model.visual_bias

        def score(some: Ints, model: Any = model, own: Any = own, bias: Any = bias) -> Any:
            made = model.gamma_user[some] @ own.T + model.theta_user[some] @ model.theta_item.T + bias
            return made[:, place]

        yield STEP * check, score


def main() -> None:
    choice = peer_choice.arguments(list(KINDS))
    torch.set_num_threads(1)
    features = vectors(choice.items, read(choice.split).items, KINDS[choice.model])
    versions = {"cornac": cornac.__version__, "torch": torch.__version__, "numpy": np.__version__}
    peer_choice.compete(choice, partial(fit, features), GRID, versions)


if __name__ == "__main__":
    main()
