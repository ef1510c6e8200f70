"""EASE corrected by low rank beside EASE fitted anew: python scripts/bench/ease_update.py [--items 10000].

Drawn histories, popularity as 1 / rank^.7; then some of the users choose ten items more, among them items that nobody
had chosen. Seconds of the processor on one thread, and the largest difference of a weight.
"""

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from engine.candidates import ease, ease_update
from engine.candidates.ease import Weights
from engine.config import Ease
from engine.history import Histories, merged


def drawn(rng: np.random.Generator, users: int, items: int, wide: int, lengths: np.ndarray) -> Histories:
    """Histories of these lengths over the first `wide` items."""
    chances = 1 / np.arange(1, wide + 1) ** 0.7
    total = int(lengths.sum())
    met = rng.choice(wide, total, p=chances / chances.sum()).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Histories(ends, met, np.ones(total, np.float32), np.arange(total), items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--changed", type=int, nargs="+", default=[10, 100, 1000])
    choice = parser.parse_args()
    rng, config = np.random.default_rng(0), Ease()
    users, items = choice.users, choice.items
    past = drawn(rng, users, items, int(0.98 * items), rng.poisson(30, users))
    with threadpool_limits(1):
        old = ease.fit(past, config)
        print("| users with new events | low rank, s | anew, s | largest difference | largest weight |")
        print("|---|---|---|---|---|")
        for changed in choice.changed:
            lengths = np.zeros(users, np.int64)
            lengths[rng.permutation(users)[:changed]] = 10
            news = merged(past, drawn(rng, users, items, items, lengths))
            begun = time.process_time()
            corrected = ease_update.update(old, past, news, config)
            quick = time.process_time() - begun
            begun = time.process_time()
            anew = ease.fit(news, config)
            slow = time.process_time() - begun
            assert isinstance(corrected, Weights) and isinstance(anew, Weights)
            apart, most = np.abs(corrected.matrix - anew.matrix).max(), np.abs(anew.matrix).max()
            print(f"| {changed} | {quick:.1f} | {slow:.1f} | {apart:.1e} | {most:.2f} |", flush=True)


if __name__ == "__main__":
    main()
