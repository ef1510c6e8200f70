"""How rankers stand fake users, and what finding them gives: python scripts/bench/robust_users.py [--targets 5].

movielens-100k, each user's last tenth held out. Fake users (engine.evaluation.attacks), 1, 3 or 5% of the real ones,
push one film that 5 to 50 people chose; told is how many of the real people who do not know it get it among ten, by
EASE and iALS (half-life 10), without attack, attacked, and with the suspects of `engine.fakes` left out; and beside
it, at 5%, with only the latest 100 events of everybody. The last lines tell what each defence costs where nobody
attacks. --seed 1 drew the films that the threshold was chosen on.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import config, fakes, history
from engine.candidates import als, ease
from engine.candidates.base import Generator
from engine.config import Config
from engine.evaluation import attacks, bootstrap, metrics, splits
from engine.history import Histories, stacked
from engine.importers import movielens
from engine.tables import catalogue

CAP, AT_LEAST = 100, 0.05
"""Latest events of everybody, and the share of fake users from which on that is tried."""
Fit = Callable[[Histories], Generator]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens-100k"))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--targets", type=int, default=5)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.01, 0.03, 0.05], help="fake users, of the real")
    choice = parser.parse_args()
    movielens.convert(choice.data, choice.work / "movielens")
    settings = config.load(choice.work / "movielens" / "weft.toml")
    train, test = halves(settings)
    fits, rng, began = rankers(settings), np.random.default_rng(choice.seed), time.process_time()
    popularity = np.bincount(train.seen().indices, minlength=train.n_items)
    targets = rng.choice(np.flatnonzero((popularity >= 5) & (popularity <= 50)), choice.targets, replace=False)
    for target in targets.tolist():
        for name, fit in fits.items():
            chosen = f"{target}, chosen by {popularity[target]}"
            print(f"{chosen} | clean | {name} | {shown(fit(train), train, target):.4f}", flush=True)
    for share in choice.shares:
        for kind in attacks.KINDS:
            rows = [attacked(train, target, share, kind, fits, rng) for target in targets.tolist()]
            line(f"{share:.0%} {kind}", rows)
    cost(train, test, fits)
    print(f"{time.process_time() - began:.0f} s of the processor")


def halves(settings: Config) -> tuple[Histories, Histories]:
    tables = catalogue.read(settings)
    split = splits.split(tables.interactions, "time", test_share=0.1, valid_share=0.1, seed=0)
    index = {item: row for row, item in enumerate(tables.items["item_id"])}
    users = split.train["user_id"].unique(maintain_order=True).to_list()
    train, valid, test = (history.from_frame(part, users, index, len(index))
                          for part in (split.train, split.valid, split.test))  # fmt: skip
    return history.merged(train, valid), test


def rankers(settings: Config) -> dict[str, Fit]:
    lately = {"half_lives": (10.0,)}
    of_ease, of_als = (one.model_copy(update=lately) for one in (settings.candidates.ease, settings.candidates.als))
    return {"ease": lambda given: ease.fit(given, of_ease), "als": lambda given: als.fit(given, of_als, 0)}


def attacked(
    train: Histories, target: int, share: float, kind: attacks.Kind, fits: dict[str, Fit], rng: np.random.Generator
) -> dict[str, float]:
    """What came of one campaign, by name."""
    real = len(train)
    both = stacked([train, attacks.fakes(train, target, round(share * real), kind, rng)])
    found = fakes.find(both)
    row = {
        "fakes found": float((found.users >= real).sum() / (len(both) - real)),
        "real suspected": float((found.users < real).sum()),
        "target found": float(target in found.items),
        "others found": float((found.items != target).sum()),
    }
    for name, fit in fits.items():
        row[f"{name} attacked"] = shown(fit(both), train, target)
        left = found.without(both)
        row[f"{name} defended"] = shown(fit(left), train, target) if len(found.users) else row[f"{name} attacked"]
        if share >= AT_LEAST:
            row[f"{name} latest {CAP}"] = shown(fit(both.recent(CAP)), train, target)
    return row


def shown(model: Generator, train: Histories, target: int) -> float:
    """Share of the real users that do not know the item who get it among ten."""
    seen = train.seen()
    ranked, _ = metrics.rank(np.array(model.score(train)[0]), 10, seen)
    strange = seen[:, [target]].toarray().ravel() == 0
    return float((ranked[strange] == target).any(axis=1).mean())


def line(name: str, rows: list[dict[str, float]]) -> None:
    cells = [f"{key} {np.mean([row[key] for row in rows]):.4f}" for key in rows[0]]
    print(f"{name} | {' | '.join(cells)}", flush=True)


def cost(train: Histories, test: Histories, fits: dict[str, Fit]) -> None:
    found = fakes.find(train)
    print(f"clean: {len(found.items)} items and {len(found.users)} users suspected")
    right, seen = test.seen(), train.seen()

    def ndcg(model: Generator) -> NDArray[np.float64]:
        ranked, _ = metrics.rank(np.array(model.score(train)[0]), 20, seen)
        return metrics.list_metrics(ranked, right, 20)["ndcg@20"]

    for name, fit in fits.items():
        plain = ndcg(fit(train))
        for what, given in (("suspects left out", found.without(train)), (f"latest {CAP}", train.recent(CAP))):
            gain = bootstrap.gain(ndcg(fit(given)), plain)
            print(f"{name} ndcg@20 {plain.mean():.4f}, {what} {gain.mean:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})")


if __name__ == "__main__":
    main()
