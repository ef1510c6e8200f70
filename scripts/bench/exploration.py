"""What a log of drawn places says of other policies: python scripts/bench/exploration.py [--users 300 --rounds 10].

People of the generated shop (seed 0), whose tastes are known, are shown lists of ten of which the last place is drawn,
and choose what stands there by the chance that their taste gives it. From what was logged it is estimated what other
policies would earn in that place. Then each policy is run itself, 20 lists a user, which no shop could do: the truth.
The engine and the shop are those of `scripts/bench/diversity.py shop` and are kept in --work.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from diversity import Asked, prepared
from numpy.typing import NDArray

from engine import Engine, Exploration, memory
from engine.demo import truth
from engine.evaluation import offpolicy

N = 10
RUNS = 20
LOGGED = Exploration(places=1, temperature=1.0, even=0.3, seed=0)
OTHERS = {
    "sharper: temperature .25, nothing even": Exploration(places=1, temperature=0.25, even=0),
    "as logged": LOGGED,
    "even: all of the shortlist alike": Exploration(places=1, even=1),
    "beyond: even among the best 400": Exploration(places=1, even=1, shortlist=400),
}


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    choice = parser.parse_args()
    engine, asked = prepared("shop", "test", Path(), choice.work)
    users = asked.users[: choice.users]
    likes = tastes(choice.work / "planted" / "shop-0", asked, users)
    log = logged(engine, users, likes, choice.rounds)
    print(f"{log.height} drawn places of {len(users)} users, {log['reward'].mean():.4f} of them chosen")
    for name, policy in OTHERS.items():
        table = with_target(engine, log, policy)
        if name.startswith("sharper"):
            table.drop("shown").write_csv(choice.work / "diversity" / "log.csv")
        earned = run(engine, users, likes, policy)
        print(f"\n{name}: run itself it earns {earned.mean():.4f}")
        show(offpolicy.estimate(table))


def tastes(shop: Path, asked: Asked, users: list[str]) -> NDArray[np.float64]:
    """(users, items) the chance that a user chooses an item that is shown: .02 for most, and up to .6."""
    known = asked.histories.lengths[: len(users)].tolist()
    utility = truth.oracle_scores(shop, users, known).astype(np.float64)
    open_to = np.isfinite(utility)
    low = np.where(open_to, utility, np.nan)
    deviations = (low - np.nanmean(low, 1, keepdims=True)) / np.nanstd(low, 1, keepdims=True)
    return np.where(open_to, 0.02 + 0.58 / (1 + np.exp(2 - deviations)), 0)


def logged(engine: Engine, users: list[str], likes: NDArray[np.float64], rounds: int) -> pl.DataFrame:
    """What a shop would log: who was shown what below what, with which chance, and whether they chose it."""
    rng, rows = np.random.default_rng(0), []
    index = {item: row for row, item in enumerate(engine.state.lookup.ids)}
    for number in range(rounds):
        policy = LOGGED.model_copy(update={"seed": number})
        for user, found in enumerate(engine.recommend_batch(users, N, explore=policy)):
            last = found[-1]
            chosen = rng.random() < likes[user, index[last.item_id]]
            shown = [one.item_id for one in found[:-1]]
            rows.append((users[user], last.item_id, shown, last.propensity, float(chosen)))
    return pl.DataFrame(rows, ["user_id", "item_id", "shown", "propensity", "reward"], orient="row")


def with_target(engine: Engine, log: pl.DataFrame, policy: Exploration) -> pl.DataFrame:
    """The log with the chance of the other policy, and the plainest model of rewards: their mean."""
    target = [
        engine.propensity(item, shown, user=user, explore=policy)
        for user, item, shown in log.select("user_id", "item_id", "shown").iter_rows()
    ]
    mean = pl.lit(log["reward"].mean())
    return log.with_columns(pl.Series("target", target), predicted=mean, expected=mean)


def run(engine: Engine, users: list[str], likes: NDArray[np.float64], policy: Exploration) -> NDArray[np.float64]:
    """(runs * users,) the chance that the drawn place is chosen, under the policy itself."""
    index = {item: row for row, item in enumerate(engine.state.lookup.ids)}
    earned = []
    for number in range(RUNS):
        lists = engine.recommend_batch(users, N, explore=policy.model_copy(update={"seed": 1000 + number}))
        earned += [likes[user, index[found[-1].item_id]] for user, found in enumerate(lists)]
    return np.array(earned)


def show(found: offpolicy.OffPolicy) -> None:
    for one in (found.logged, *found.estimates):
        print(f"  {one.name:7} {one.mean:.4f}  {one.low:.4f} to {one.high:.4f}")
    print(f"  worth {found.effective:.0f} rows of its own, largest weight {found.largest:.1f}")
    for each in found.warnings:
        print(f"  {each}")


if __name__ == "__main__":
    main()
