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
    # Cornac draws what was not chosen from all items that it is given, so it is given those that somebody has touched.
    touched, numbers = np.unique(known.items, return_inverse=True)
    users = OrderedDict((user, user) for user in range(known.shape[0]))
    items = OrderedDict((number, number) for number in range(len(touched)))
    triples = zip(known.users.tolist(), numbers.tolist(), [1.0] * len(numbers), strict=True)
    data = Dataset.build(triples, global_uid_map=users, global_iid_map=items, seed=seed)
    data.add_modalities(item_image=ImageModality(features=features[touched]))
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
        yield STEP * check, partial(scores, learned, features, touched)


def scores(learned: dict[str, NDArray[np.float32]], features: NDArray[np.float32], touched: Ints, users: Ints) -> Any:
    """(users, items) scores; of an item that nobody has touched only what its vector says."""
    made = learned["Tu"][users] @ (features @ learned["E"]).T + (features @ learned["Bp"]).ravel()
    made[:, touched] += learned["Gu"][users] @ learned["Gi"].T + learned["Bi"]
    return made


def main() -> None:
    choice = peer_choice.arguments(list(KINDS))
    torch.set_num_threads(1)
    features = vectors(choice.items, read(choice.split).items, KINDS[choice.model])
    versions = {"cornac": cornac.__version__, "torch": torch.__version__, "numpy": np.__version__}
    peer_choice.compete(choice, partial(fit, features), GRID, versions)


if __name__ == "__main__":
    main()
