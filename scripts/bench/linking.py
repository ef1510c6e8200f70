"""How well the linking of entities finds what texts name: python scripts/bench/linking.py [shop] [films] [speed].

shop: a generated shop (seed 1; the weights were chosen on seed 0), whose truth says which text tells which fact. Texts
in English and in Chinese are linked apart. A link is right if the text tells that fact, or one below it in the tree of
categories; recall is of all facts that texts tell, also by words that the graph does not have (sneakers).
films: 100 film overviews labelled by hand (tests/data/film_mentions.md); span and node must both be right. The weights
were chosen on the other 50, `--split dev`.
speed: items a second on a shop of 25,000.

Each step adds to the one before: verbatim is every name and alias as the graph has it.
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import opencc
import polars as pl

import encoders
from engine import config
from engine.demo import relations
from engine.demo.products import Products, make
from engine.importers import movielens
from engine.knowledge import graph_of
from engine.tables import catalogue
from graph.build import GraphTables, build
from graph.link import Linker, Settings
from graph.link.normal import is_han
from graph.schema import ALIAS

ROOT = Path(__file__).parents[2]
FILMS = ROOT.parent / "shared/data/movielens-100k"
LABELS = ROOT / "tests/data/film_mentions.jsonl"
STEPS = ("verbatim", "+ spelling and forms", "+ misspelt", "+ context")
Found = set[tuple[str, ...]]


class Shop(NamedTuple):
    """A generated shop: its graph, its texts by language and item, and the nodes that each tells."""

    products: Products
    graph: GraphTables
    texts: dict[str, dict[str, str]]
    told: dict[str, Found]
    """By language: (item, node)."""


def shop(n: int, seed: int) -> Shop:
    products = make(n, seed)
    attributes = ["collection", "colour", "material", "gender", "season"]
    attributes += ["room", "use", "connection", "age", "genre", "level"]
    triples = relations.triples(products, np.zeros((0, 2), np.int64))
    graph = build(products.table, attributes=attributes, brand="brand", category="category", triples=triples)
    texts: dict[str, dict[str, str]] = {"en": {}, "zh": {}}
    for row in products.table.iter_rows(named=True):
        for column in ("title", "title_zh", "description", "description_zh"):
            if row[column]:
                language = "zh" if any(map(is_han, row[column])) else "en"
                there = texts[language].get(row["item_id"])
                texts[language][row["item_id"]] = row[column] if there is None else f"{there}\n{row[column]}"
    nodes = set(graph.nodes["id"])
    told: dict[str, Found] = {"en": set(), "zh": set()}
    for item, language, node in products.mentions.select("item_id", "language", "node").iter_rows():
        if node in nodes:
            told[language].add((item, node))
    return Shop(products, graph, texts, told)


def above(found: Iterable[tuple[str, ...]]) -> Found:
    """The same with the categories above those told."""
    more: Found = set()
    for item, node in found:
        while " > " in node:
            node = node.rpartition(" > ")[0]
            more.add((item, node))
    return more | set(found)


def verbatim(graph: GraphTables) -> dict[str, set[str]]:
    """Names and aliases of each node, as they are written."""
    names = dict(graph.nodes.select("id", "name").iter_rows())
    spelt = {node: {name} for node, name in names.items()}
    for head, tail in graph.edges.filter(pl.col("relation") == ALIAS).select("head", "tail").iter_rows():
        spelt[head].add(names[tail])
    return spelt


def steps(
    graph: GraphTables, texts: list[str], items: list[str], titles: bool, encode: Callable[[list[str]], np.ndarray]
) -> dict[str, pl.DataFrame]:
    """The links of each step."""
    bare = Settings(fuzzy=False, titles=titles)
    found = {"+ spelling and forms": Linker(graph, settings=bare).link(texts, items).links}
    spelt = verbatim(graph)
    everything = Settings(fuzzy=False, titles=titles, accept=0.0)
    rows = Linker(graph, settings=everything).link(texts, items).links
    same = [surface in spelt[node] for surface, node in rows.select("surface", "node").iter_rows()]
    found["verbatim"] = rows.filter(pl.Series(same, dtype=pl.Boolean))
    full = Settings(titles=titles)
    found["+ misspelt"] = Linker(graph, settings=full).link(texts, items).links
    found["+ context"] = Linker(graph, encode, full).link(texts, items).links
    return found


def figures(counts: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 of (right links, links, told and found, told)."""
    right, links, found, told = counts
    precision, recall = right / max(links, 1), found / max(told, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def report(name: str, groups: dict[str, np.ndarray], resamples: int = 1000) -> None:
    """Print the figures with 95% intervals over groups (items or films); counts (4,) by group."""
    counts = np.array(list(groups.values()), float)
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(counts), size=(resamples, len(counts)))
    samples = np.array([figures(counts[rows].sum(0)) for rows in drawn])
    low, high = np.quantile(samples, [0.025, 0.975], axis=0)
    total = counts.sum(0).astype(int)
    cells = (f"{v:.3f} ({a:.3f} to {b:.3f})" for v, a, b in zip(figures(total), low, high, strict=True))
    print(f"{name:34}", *cells, f"{total[0]}/{total[1]} links, {total[2]}/{total[3]} mentions", flush=True)


def by_item(found: Found, told: Found, allowed: Found, items: Iterable[str]) -> dict[str, np.ndarray]:
    counts = {item: np.zeros(4) for item in items}
    for pair in found:
        counts[pair[0]] += (pair in allowed, 1, 0, 0)
    for pair in told:
        counts[pair[0]] += (0, 0, pair in found, 1)
    return counts


def misspell(text: str, surfaces: Iterable[str], random: Random, share: float = 0.1) -> str:
    """The text with one edit in a share of the surfaces of five Latin letters, or three Chinese characters, or more."""
    for surface in sorted(surfaces, key=lambda surface: (-len(surface), surface)):
        han = all(map(is_han, surface))
        if len(surface) < (3 if han else 5) or surface not in text or random.random() >= share:
            continue
        at = random.randrange(1, len(surface) - 1)
        if han:
            wrong = surface[:at] + random.choice("思斯克达德利") + surface[at + 1 :]
        else:
            swap = surface[:at] + surface[at + 1] + surface[at] + surface[at + 2 :]
            wrong = random.choice((swap, surface[:at] + surface[at + 1 :], surface[:at] + surface[at] + surface[at:]))
        text = text.replace(surface, wrong)
    return text


def measure_shop(n: int, seed: int, encode: Callable[[list[str]], np.ndarray]) -> None:
    made = shop(n, seed)
    surfaces: dict[tuple[str, str], set[str]] = {}
    for item, language, surface in made.products.mentions.select("item_id", "language", "surface").iter_rows():
        surfaces.setdefault((item, language), set()).add(surface)
    random = Random(seed)
    for language, texts in made.texts.items():
        told, items = made.told[language], list(texts)
        variants = {language: list(texts.values())}
        variants[f"{language}, 10% misspelt"] = [
            misspell(text, surfaces.get((item, language), ()), random) for item, text in texts.items()
        ]
        if language == "zh":
            variants["zh, traditional"] = [opencc.OpenCC("s2t").convert(text) for text in texts.values()]
        for name, some in variants.items():
            found = steps(made.graph, some, items, False, encode)
            for step in STEPS:
                pairs = set(found[step].select("item_id", "node").iter_rows())
                report(f"{name}: {step}", by_item(pairs, told, above(told), items))
            if name == language:
                gaps(made, found["+ context"], told)


def gaps(made: Shop, links: pl.DataFrame, told: Found) -> None:
    """Facts that texts tell and the table does not have: how many are found, and how many of those found are right."""
    known = set(made.graph.edges.filter(pl.col("head").str.starts_with("item:")).select("head", "tail").iter_rows())
    has = {(head, tail.partition(":")[0]) for head, tail in known}
    missing = {(i, node) for i, node in told if (f"item:{i}", node.partition(":")[0]) not in has}
    filled: Found = set()
    groups: dict[tuple[str, str], Found] = {}
    for item, node in links.select("item_id", "node").unique().iter_rows():
        if (f"item:{item}", node.partition(":")[0]) not in has:
            groups.setdefault((item, node.partition(":")[0]), set()).add((item, node))
    for several in groups.values():
        if len(several) == 1:
            filled |= several
    report("   gaps of the table filled", by_item(filled, missing, missing, {pair[0] for pair in missing | filled}))


def measure_films(split: str, encode: Callable[[list[str]], np.ndarray]) -> None:
    lines = [json.loads(line) for line in (FILMS / "tmdb.jsonl").read_text(encoding="utf-8").splitlines()]
    overviews = {str(row["movie_id"]): row["overview"] for row in lines if row["overview"]}
    labels = [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    labels = [row for row in labels if row["split"] == split]
    for row in labels:
        told = hashlib.sha256(overviews[str(row["movie_id"])].encode()).hexdigest()
        assert told.startswith(row["overview_sha256"]), f"film {row['movie_id']} has another overview"
    with tempfile.TemporaryDirectory() as name:
        movielens.convert(FILMS, Path(name))
        settings = config.load(Path(name) / "weft.toml")
        graph = graph_of(catalogue.read(settings), settings)
    found = steps(graph, list(overviews.values()), list(overviews), True, encode)
    for step in STEPS:
        report(f"films, {split}: {step}", by_film(found[step], labels))


def by_film(links: pl.DataFrame, labels: list[dict]) -> dict[str, np.ndarray]:
    counts = {}
    for row in labels:
        film = str(row["movie_id"])
        mentions = {(m["start"], m["end"]): m for m in row["mentions"]}
        free = {span for span, mention in mentions.items() if mention.get("optional")}
        here = links.filter(pl.col("item_id") == film).select("start", "end", "node").rows()
        here = [(start, end, node) for start, end, node in here if (start, end) not in free]
        right = {(a, b) for a, b, node in here if node in mentions.get((a, b), {"nodes": ()})["nodes"]}
        counts[film] = np.array([len(right), len(here), len(right), len(mentions) - len(free)], float)
    return counts


def speed(n: int, encode: Callable[[list[str]], np.ndarray]) -> None:
    made = shop(n, 0)
    texts = ["\n".join(filter(None, (t.get(i, "") for t in made.texts.values()))) for i in made.products.ids]
    for name, encoder, settings in (
        ("forms only", None, Settings(fuzzy=False)),
        ("with misspelt", None, Settings()),
        ("with context", encode, Settings()),
    ):
        start = time.perf_counter()
        linker = Linker(made.graph, encoder, settings)
        ready = time.perf_counter()
        links = linker.link(texts, made.products.ids).links
        done = time.perf_counter()
        rate = n / (done - ready)
        print(f"{name}: {n:,} items, {links.height:,} links: {ready - start:.1f} s to prepare, {rate:,.0f}/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["shop", "films"], help="shop, films, speed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--products", type=int, default=2000)
    parser.add_argument("--items", type=int, default=25_000, help="for speed")
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    arguments = parser.parse_args()
    encode = encoders.open_text("multilingual").encode
    print(f"{'':34} precision              recall                 F1                     counts")
    if "shop" in arguments.parts:
        measure_shop(arguments.products, arguments.seed, encode)
    if "films" in arguments.parts:
        measure_films(arguments.split, encode)
    if "speed" in arguments.parts:
        speed(arguments.items, encode)


if __name__ == "__main__":
    main()
