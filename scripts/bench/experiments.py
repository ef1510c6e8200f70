"""How often each interval of an experiment errs and finds: python scripts/bench/experiments.py [--runs 1000].

Users of two arms come by turns and choose by chances that are known. `wrong` is the share of experiments without any
effect in which 0 was outside of the interval at some look, once a hundred users; `found` the share of those with the
effect in which it was outside at the end or, of the interval for all looks, at any look up to then.
"""

import argparse

import numpy as np

from engine.cli.output import show
from engine.evaluation import experiment
from engine.evaluation.experiment import FIRST, Moments

CASES = ((0.1, 0.02), (0.1, 0.05), (0.3, 0.05))
"""Share of users who choose in the first arm, and how many more in the other."""
USERS = (500, 1000, 2000, 4000, 8000)
"""Of each arm, at the end; the sequence is planned for the end."""
STEP = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    rows = []
    for chance, effect in CASES:
        for users in USERS:
            nothing, something = (_outside(runs, users, chance, add) for add in (0.0, effect))
            wrong = {name: each.any(1).mean() for name, each in nothing.items()}
            found = something["fixed"][:, -1].mean(), something["anytime"].any(1).mean()
            shares = (wrong["fixed"], wrong["anytime"], *found)
            rows.append((f"{chance:.0%}", f"+{effect:.0%}", str(users), *(f"{share:.1%}" for share in shares)))
    show(("chosen", "effect", "users an arm", "wrong: fixed", "anytime", "found: fixed", "anytime"), rows)


def _outside(runs: int, users: int, chance: float, effect: float) -> dict[str, np.ndarray]:
    """By interval, whether 0 is outside at each look: (runs, looks)."""
    rng = np.random.default_rng(0)
    looks = np.arange(FIRST, users + 1, STEP)
    base, arm = (_moments(rng.random((runs, users)) < each, looks) for each in (chance, chance + effect))
    told = {
        "fixed": experiment.fixed(base, arm, 0.05),
        "anytime": experiment.anytime(base, arm, 0.05, 2 * users),
    }
    return {name: (low > 0) | (high < 0) for name, (_, low, high) in told.items()}


def _moments(chosen: np.ndarray, looks: np.ndarray) -> Moments:
    """(runs, looks) of choices (runs, users)."""
    mean = chosen.cumsum(1)[:, looks - 1] / looks
    return Moments(looks, mean, mean * (1 - mean) * looks / (looks - 1))


if __name__ == "__main__":
    main()
