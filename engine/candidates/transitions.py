"""What tends to follow what: item-to-item transitions with decay."""

import numpy as np
from scipy import sparse

from engine.candidates.base import ItemToItem
from engine.config import Transitions
from engine.history import Histories


def fit(name: str, histories: Histories, config: Transitions) -> ItemToItem:
    """T[a, b] = sum of decay^(distance - 1) over b following a within `window` events, / (pop_a * pop_b)^power.

    Time grows with events times window. The division keeps popular items from following everything.
    """
    n, rows, items = histories.n_items, histories.rows, histories.items
    total = sparse.csr_array((n, n), dtype=np.float32)
    for distance in range(1, min(config.window, len(items) - 1) + 1):
        same = rows[distance:] == rows[:-distance]
        if not same.any():
            break
        before, after = items[:-distance][same], items[distance:][same]
        weight = np.full(len(before), config.decay ** (distance - 1), np.float32)
        total = total + sparse.csr_array((weight, (before, after)), shape=(n, n))
    popularity = np.maximum(np.bincount(items, minlength=n), 1)
    scale = sparse.diags_array((popularity**-config.power).astype(np.float32))
    return ItemToItem(name, config.half_lives, sparse.csr_array(scale @ total @ scale))
