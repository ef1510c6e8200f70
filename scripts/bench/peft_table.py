"""Ways to tune the text tower, in one table: python scripts/bench/peft_table.py [--seeds 0 1 2] [--ways lora full].

On movielens-100k with a fifth of the films hidden. MiniLM learns from pairs of films that the same people chose, their
titles and overviews being the texts, with hard negatives: near in text, and seldom chosen together. Ways: none, all
weights, LoRA, AdaLoRA, a prefix, a prompt (by peft), and bottleneck adapters after each feed-forward part (Houlsby et
al. 2019; peft has none). What hidden films are near to is asked twice, and no choice of theirs was learned from:

- neighbours: of the ten films most chosen with a hidden one, the share among the ten nearest by text;
- ranking: NDCG@20 of all hidden films, for each user by the mean of the texts in the user's history.

Each run is a process of its own: numbers that learn, peak memory above what stood before, seconds of the processor.
Steps are few, for a slow machine: --pairs and --epochs give more. Lines go to --out as they come.
"""

import argparse
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import nn

import encoders
from encoders.adapters import adapted
from encoders.tune_text import Course, Settings, TextPairs, Tower
from engine import config, memory
from engine.importers import movielens
from engine.tables import catalogue

RATES = {"full": 1e-4, "lora": 2e-3, "adalora": 4e-3, "prefix": 1e-2, "prompt": 1e-2, "bottleneck": 2e-3}
"""By habit; none was tried beside another."""
WAYS = ("none", *RATES)
NEIGHBOURS, LISTED, FEWEST = 10, 20, 5


class Films(NamedTuple):
    texts: list[str]
    cold: NDArray[np.int64]
    """Rows that are hidden."""
    warm: NDArray[np.int64]
    """Rows that five people or more chose, none of them hidden."""
    chosen: sparse.csr_array
    """(users, films)"""
    together: NDArray[np.float32]
    """(films, films) users of both over the root of the product of users of each."""


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens-100k"))
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("runs/peft.jsonl"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the hidden films and the tuning")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--pairs", type=int, default=384)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--rate", type=float, help="instead of the way's own")
    choice = parser.parse_args()
    torch.set_num_threads(1)
    movielens.convert(choice.data, choice.work / "movielens")
    tables = catalogue.read(config.load(choice.work / "movielens" / "weft.toml"))
    fork = multiprocessing.get_context("fork")
    for seed in choice.seeds:
        films = hidden(tables, seed)
        pairs = pairs_of(films, choice.pairs, seed)
        for way in choice.ways:
            with fork.Pool(1) as pool:
                line = pool.apply(run, (films, pairs, way, seed, choice))
            with choice.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
    table([json.loads(line) for line in choice.out.read_text(encoding="utf-8").splitlines()])


def hidden(tables: catalogue.Catalogue, seed: int) -> Films:
    items, texts = tables.items["item_id"].to_list(), tables.items["text"].fill_null("").to_list()
    row = {item: at for at, item in enumerate(items)}
    users, of = np.unique(tables.interactions["user_id"].to_numpy(), return_inverse=True)
    at = np.array([row[item] for item in tables.interactions["item_id"]])
    chosen = sparse.csr_array((np.ones(len(at), np.float32), (of, at)), (len(users), len(items)))
    chosen.data[:] = 1
    counts = np.asarray(chosen.sum(axis=0))
    known = np.flatnonzero((counts >= FEWEST) & np.array([len(text) > 40 for text in texts]))
    mixed = np.random.default_rng((seed, 7)).permutation(known)
    cold, warm = np.sort(mixed[: len(mixed) // 5]), np.sort(mixed[len(mixed) // 5 :])
    both = (chosen.T @ chosen).toarray()
    np.fill_diagonal(both, 0)
    return Films(texts, cold, warm, chosen, both / np.sqrt(np.outer(counts, counts) + 1e-9))


def pairs_of(films: Films, most: int, seed: int) -> TextPairs:
    """Of each film not hidden, one of the five most chosen with it, and one near in text but seldom chosen with it."""
    warm, rng = films.warm, np.random.default_rng((seed, 8))
    near = films.together[np.ix_(warm, warm)]
    right = np.argsort(-near, axis=1)[np.arange(len(warm)), rng.integers(5, size=len(warm))]
    vectors = towered("none", Settings(), 1).encode([films.texts[row] for row in warm])
    alike = vectors @ vectors.T
    alike[near > np.quantile(near, 0.2)] = -1
    wrong = np.where(alike.max(axis=1) > 0, alike.argmax(axis=1), -1)
    some = rng.permutation(len(warm))[:most]
    negative = np.where(wrong[some] >= 0, warm[wrong[some]], -1)
    return TextPairs(films.texts, warm[some], warm[right[some]], negative)


def run(films: Films, pairs: TextPairs, way: str, seed: int, choice: argparse.Namespace) -> dict[str, Any]:
    rate = choice.rate or RATES.get(way, 0.0)
    settings = Settings(seed, way, epochs=choice.epochs, learning_rate=rate, tokens=choice.tokens, patience=9)
    valid_rows = np.random.default_rng((seed, 9)).permutation(len(pairs.left))[: len(pairs.left) // 6]
    train_rows = np.setdiff1d(np.arange(len(pairs.left)), valid_rows)
    steps = settings.epochs * (len(train_rows) // settings.batch)
    torch.manual_seed(seed)
    tower = towered(way, settings, steps)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    if way == "none":
        learned, curve = 0, [Course(tower, pairs, settings, 1).recall(valid_rows)]
    else:
        course = Course(tower, pairs, settings, steps)
        learned = sum(one.numel() for one in course.learned)
        curve = course.run(train_rows, valid_rows)
    seconds, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "way": way, "seed": seed, "rate": rate, "learned": learned, "MiB": (after - before) / 1024, "s": seconds,
        "valid": curve, **quality(films, tower),
    }  # fmt: skip


def towered(way: str, settings: Settings, steps: int) -> Tower:
    encoder = encoders.open_text("minilm")
    model = encoder.network.model
    if way == "bottleneck":
        model.requires_grad_(False)
        for layer in model.encoder.layer:
            layer.output.dense = nn.Sequential(layer.output.dense, Bottleneck(encoder.dim))
    elif way not in ("none", "full"):
        model = adapted(model, way, settings.rank, steps)
    return Tower(model, encoder.tokenizer, settings.tokens)


class Bottleneck(nn.Module):
    """x + up(gelu(down(x))), which is x at the start."""

    def __init__(self, dim: int, width: int = 16) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(dim, width), nn.Linear(width, dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states + self.up(nn.functional.gelu(self.down(states)))


def quality(films: Films, tower: Tower) -> dict[str, float]:
    cold, warm = (tower.encode([films.texts[row] for row in rows]) for rows in (films.cold, films.warm))
    nearest = np.argsort(-(cold @ warm.T), axis=1)[:, :NEIGHBOURS]
    right = np.argsort(-films.together[np.ix_(films.cold, films.warm)], axis=1)[:, :NEIGHBOURS]
    shared = [len(np.intersect1d(*both)) / NEIGHBOURS for both in zip(nearest, right, strict=True)]
    history, wanted = films.chosen[:, films.warm], films.chosen[:, films.cold].toarray() > 0
    some = (np.diff(history.indptr) > 0) & wanted.any(axis=1)
    tastes = history[some] @ (warm - warm.mean(axis=0))
    ranked = np.argsort(-(tastes @ (cold - warm.mean(axis=0)).T), axis=1)[:, :LISTED]
    gains = 1 / np.log2(np.arange(2, LISTED + 2))
    found = (np.take_along_axis(wanted[some], ranked, axis=1) * gains).sum(axis=1)
    ideal = np.cumsum(gains)[np.minimum(LISTED, wanted[some].sum(axis=1)) - 1]
    return {"neighbours": float(np.mean(shared)), "ndcg@20": float((found / ideal).mean())}


def table(lines: list[dict[str, Any]]) -> None:
    """Means over seeds; the last line of a way and seed counts."""
    last = {(line["way"], line["seed"]): line for line in lines}
    base = {line["seed"]: line for line in last.values() if line["way"] == "none"}
    print("\n| way | seeds | learned | MiB more | s | valid recall@10 | neighbours | ndcg@20 | over none, by seed |")
    print("|---|---|---|---|---|---|---|---|---|")
    for way in WAYS:
        some = [line for (name, _), line in sorted(last.items()) if name == way]
        if some:
            best = np.mean([max(line["valid"]) for line in some])
            mean = [np.mean([line[what] for line in some]) for what in ("MiB", "s", "neighbours", "ndcg@20")]
            leads = ", ".join(
                f"{line['ndcg@20'] - base[line['seed']]['ndcg@20']:+.3f}" for line in some if line["seed"] in base
            )
            print(
                f"| {way} | {len(some)} | {some[0]['learned']:,} | {mean[0]:.0f} | {mean[1]:.0f} | {best:.3f} | "
                f"{mean[2]:.3f} | {mean[3]:.3f} | {leads} |"
            )


if __name__ == "__main__":
    main()
