"""Ways to tune the text tower, in one table: python scripts/bench/peft_table.py [--seeds 0 1 2] [--ways lora full].

On movielens-100k with a fifth of the films hidden, by the judge's cold sets. MiniLM learns from pairs of films that the
same people chose, their titles and overviews being the texts, with hard negatives: near in text, and seldom chosen
together. Ways: none, all weights, LoRA, AdaLoRA, a prefix, a prompt (by peft), and bottleneck adapters after each
feed-forward part (Houlsby et al. 2019; peft has none). The epoch is the best by recall@10 of a sixth of the pairs kept
aside, the untuned base being one of them. What hidden films are near to is asked twice, and no choice of theirs was
learned from:

- neighbours: of the ten films most chosen with a hidden one, the share among the ten nearest by text;
- ranking: recall@20 and NDCG@20 of the judge's cold protocol, by Weft's `content` from the texts alone.

Each run is a process of its own: numbers that learn, peak memory above what stood before, seconds of the processor.
Steps are few, for a slow machine: --pairs and --epochs give more. Lines go to --out as they come; --rate tries another
rate, and such lines are told apart.
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
from cold_films import cold_set, ranking
from numpy.typing import NDArray
from torch import nn

import encoders
from encoders.adapters import adapted
from encoders.tune_text import Course, Settings, TextPairs, Tower, recall
from engine import config, memory
from engine.benchmark import Question
from engine.importers import movielens
from engine.tables import catalogue

RATES = {"full": 1e-4, "lora": 2e-3, "adalora": 4e-3, "prefix": 1e-2, "prompt": 1e-2, "bottleneck": 2e-3}
"""By habit; none was tried beside another."""
WAYS = ("none", *RATES)
NEIGHBOURS, FEWEST = 10, 5
TOKENS = 32
"""Of each text that are looked at in measuring."""


class Films(NamedTuple):
    texts: list[str]
    asked: Question
    cold: NDArray[np.int64]
    """Rows that are hidden, of films that five people or more chose and that have a text."""
    warm: NDArray[np.int64]
    """The same of those that are not."""
    together: NDArray[np.float32]
    """(films, films) users of both over the root of the product of users of each."""


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and judge/")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("runs/peft.jsonl"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the hidden films and the tuning")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--pairs", type=int, default=384)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=16, help="of each text in tuning")
    parser.add_argument("--rate", type=float, help="instead of the way's own")
    choice = parser.parse_args()
    torch.set_num_threads(1)
    movielens.convert(choice.shared / "data" / "movielens-100k", choice.work / "movielens")
    tables = catalogue.read(config.load(choice.work / "movielens" / "weft.toml"))
    fork = multiprocessing.get_context("fork")
    for seed in choice.seeds:
        films = hidden(tables, cold_set(tables, choice.shared, choice.work, seed))
        pairs = pairs_of(films, choice.pairs, seed)
        for way in choice.ways:
            with fork.Pool(1) as pool:
                line = pool.apply(run, (films, pairs, way, seed, choice))
            with choice.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
    table([json.loads(line) for line in choice.out.read_text(encoding="utf-8").splitlines()])


def hidden(tables: catalogue.Catalogue, asked: Question) -> Films:
    texts = tables.items["text"].fill_null("").to_list()
    row = {item: at for at, item in enumerate(asked.items)}
    users, of = np.unique(tables.interactions["user_id"].to_numpy(), return_inverse=True)
    at = np.array([row[item] for item in tables.interactions["item_id"]])
    chosen = np.zeros((len(users), len(texts)), np.float32)
    chosen[of, at] = 1
    counts = chosen.sum(axis=0)
    known = (counts >= FEWEST) & np.array([len(text) > 40 for text in texts])
    both = chosen.T @ chosen
    np.fill_diagonal(both, 0)
    cold, warm = np.flatnonzero(known & asked.allowed), np.flatnonzero(known & ~asked.allowed)
    return Films(texts, asked, cold, warm, both / np.sqrt(np.outer(counts, counts) + 1e-9))


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
        learned, curve = 0, [recall(tower, pairs, valid_rows)]
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
    vectors = Tower(tower.model, tower.tokenizer, TOKENS).encode(films.texts)
    nearest = np.argsort(-(vectors[films.cold] @ vectors[films.warm].T), axis=1)[:, :NEIGHBOURS]
    right = np.argsort(-films.together[np.ix_(films.cold, films.warm)], axis=1)[:, :NEIGHBOURS]
    shared = [len(np.intersect1d(*both)) / NEIGHBOURS for both in zip(nearest, right, strict=True)]
    return {"neighbours": float(np.mean(shared)), **ranking(films.asked, vectors)}


def table(lines: list[dict[str, Any]]) -> None:
    """Means over seeds, and in brackets the lowest and highest; the last line of a way, rate and seed counts.

    Accepted is a tuning of which some epoch was better on the pairs kept aside than no tuning.
    """
    base = {line["seed"]: line for line in lines if line["way"] == "none"}
    last = {(line["way"], line["rate"], line["seed"]): line for line in lines if line["seed"] in base}
    names = ("valid recall@10", "neighbours", "recall@20", "ndcg@20")
    columns = ("way", "rate", "learned", "MiB more", "s", "accepted", *names, "NDCG over none, by seed")
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for way, rate in sorted({key[:2] for key in last}, key=lambda key: (WAYS.index(key[0]), key[1])):
        some = [line for (name, of, _), line in sorted(last.items()) if (name, of) == (way, rate)]
        accepted = sum(max(line["valid"]) > base[line["seed"]]["valid"][0] for line in some)
        figures = [[max(line["valid"]) for line in some], *([line[what] for line in some] for what in names[1:])]
        leads = [f"{line['ndcg@20'] - base[line['seed']]['ndcg@20']:+.4f}" for line in some]
        cells = [
            way, f"{rate:g}", f"{some[0]['learned']:,}", f"{np.mean([line['MiB'] for line in some]):.0f}",
            f"{np.mean([line['s'] for line in some]):.0f}", f"{accepted} of {len(some)}",
            *(f"{np.mean(one):.4f} ({min(one):.4f} to {max(one):.4f})" for one in figures), " ".join(leads),
        ]  # fmt: skip
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
