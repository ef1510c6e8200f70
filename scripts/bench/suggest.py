"""How fast and how well prefixes are completed: python scripts/bench/suggest.py [--items 25000] [--users 10000].

A generated shop (that of scripts/bench/recommend.py, kept in --work). Names are drawn by how many events the items
behind them have, as people would type them, and typed letter by letter up to twelve: as they are written, in pinyin
where they are Chinese, and from four letters on with one error by chance (a letter wrong, missing, too many or
swapped). Told are the times of `suggest(prefix, 8)` on one thread, and how often the thing meant is among the eight.
Wanted: p50 and p99 under 2 ms.
"""

import argparse
import time
from pathlib import Path
from random import Random

import numpy as np
from recommend import configuration, quantiles, shop
from threadpoolctl import threadpool_limits

from engine import memory
from engine.knowledge import graph_of
from engine.search import pinyin, suggest
from engine.search.completions import collect
from engine.search.suggest import SHORTEST_ERROR, Suggester, suggester

N = 8
LETTERS = 12
LOOKED_AT = (2, 4, 6, 8)
"""Letters after which it is told how often the thing is there."""
LATIN = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=25_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--names", type=int, default=1_000)
    parser.add_argument("--work", type=Path, default=Path("runs/recommend"))
    choice = parser.parse_args()
    with threadpool_limits(1):
        ready = prepared(choice.items, choice.users, choice.work)
        print(
            "| typed | prefixes | p50 | p95 | p99 | longest, ms |", " | ".join(f"after {at}" for at in LOOKED_AT), "|"
        )
        print("|---" * (6 + len(LOOKED_AT)) + "|")
        for typed, pairs in questions(ready, choice.names).items():
            row(ready, typed, pairs)


def prepared(items: int, users: int, work: Path) -> Suggester:
    settings = configuration(gate=False)
    tables = shop(items, users, settings, work)
    graph = graph_of(tables, settings)
    start = time.process_time()
    completer = suggest.completer(collect(tables.items, graph))
    print(f"index of {items:,} items: {time.process_time() - start:.1f} s of the processor, ", end="")
    print(f"{len(completer.of.kinds):,} things, {len(completer.written.names) + len(completer.spoken.names):,} keys")
    rows = {item: row for row, item in enumerate(tables.items["item_id"])}
    chosen = np.bincount([rows[item] for item in tables.interactions["item_id"]], minlength=items)
    return suggester(completer, chosen)


def questions(ready: Suggester, n: int) -> dict[str, list[tuple[str, int]]]:
    """By how it is typed, whole texts and the things that are meant."""
    of, random = ready.completer.of, Random(0)
    weights = (1 + ready.interactions[of.things]).tolist()
    drawn = random.choices(range(len(of.names)), weights, k=n)
    as_written = [(of.keys[name], int(of.things[name])) for name in drawn]
    chinese = [name for name in range(len(of.names)) if pinyin.has_han(of.keys[name])]
    heard = random.choices(chinese, [weights[name] for name in chinese], k=n)
    return {
        "as written": as_written,
        "pinyin": [(pinyin.sound(of.keys[name]), int(of.things[name])) for name in heard],
        "one error": [(wrong(text, random), thing) for text, thing in as_written if text.isascii() and len(text) > 3],
    }


def wrong(text: str, random: Random) -> str:
    """One error in the first letters, but not in the first."""
    at = random.randrange(1, min(len(text) - 1, SHORTEST_ERROR))
    kind = random.choice(("wrong", "missing", "extra", "swapped"))
    letter = random.choice(LATIN)
    head, rest = text[:at], text[at:]
    if kind == "swapped":
        return head + rest[1] + rest[0] + rest[2:]
    return head + {"wrong": letter + rest[1:], "missing": rest[1:], "extra": letter + rest}[kind]


def row(ready: Suggester, typed: str, pairs: list[tuple[str, int]]) -> None:
    first = SHORTEST_ERROR if typed == "one error" else 1
    of = ready.completer.of
    times, there = [], {at: [] for at in LOOKED_AT}
    for text, thing in pairs:
        for letters in range(first, min(LETTERS, len(text)) + 1):
            start = time.perf_counter()
            found = ready.suggest(text[:letters], N)
            times.append(1e3 * (time.perf_counter() - start))
            if letters in there:
                meant = of.ids[thing], of.kinds[thing], {of.names[at] for at in np.flatnonzero(of.things == thing)}
                there[letters].append(any((f.id, f.kind) == meant[:2] and f.text in meant[2] for f in found))
    shares = [f"{np.mean(there[at]):.2f}" if there[at] else "" for at in LOOKED_AT]
    ms = [f"{value:.2f}" for value in (*quantiles(times).values(), max(times))]
    print("|", " | ".join([typed, f"{len(times):,}", *ms, *shares]), "|", flush=True)


if __name__ == "__main__":
    main()
