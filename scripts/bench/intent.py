"""How well queries are understood, and how fast: python scripts/bench/intent.py [--split test] [--products 2000].

300 queries labelled by hand over a generated shop (seed 1, 2,000 products) and the films of movielens-100k; what is
labelled and how is in tests/data/intent/README.md. The parser was made and tuned on `dev`, the default.
An entity is right if its node and its negation are; a constraint if its field, bounds, unit or value and negation are.
"numbers and negation" are the constraints that are more than an attribute among the entities.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from engine import config
from engine.demo import relations
from engine.demo.products import make
from engine.importers import movielens
from engine.knowledge import table_graph
from engine.search.intent import Intent, Vocabulary, parse
from engine.tables import catalogue
from graph.build import build

ROOT = Path(__file__).parents[2]
FILMS = ROOT.parent / "shared/data/movielens-100k"
QUERIES = ROOT / "tests/data/intent"
PRODUCTS, SEED = 2000, 1
ATTRIBUTES = (
    "collection",
    "colour",
    "material",
    "gender",
    "season",
    "room",
    "use",
    "connection",
    "age",
    "genre",
    "level",
)
TEXTS = ("title", "title_zh", "description", "description_zh")
Row = dict[str, Any]


class Score(NamedTuple):
    """Counts of one query or of many: found and right, found, right and wanted, wanted."""

    right: int
    found: int
    met: int
    wanted: int

    @property
    def figures(self) -> tuple[float, float, float]:
        """Precision, recall and F1; 1 where nothing was wanted and nothing found."""
        precision = self.right / self.found if self.found else float(not self.wanted)
        recall = self.met / self.wanted if self.wanted else float(not self.found)
        return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def shop(n: int = PRODUCTS) -> Vocabulary:
    """The vocabulary of a generated shop of `n` products; no picture is drawn for it."""
    products = make(n, SEED)
    triples = relations.triples(products, np.zeros((0, 2), np.int64))
    graph = build(products.table, attributes=ATTRIBUTES, brand="brand", category="category", triples=triples)
    text = pl.concat_str(*TEXTS, separator="\n", ignore_nulls=True)
    return Vocabulary.learn(graph, products.table.select("item_id", "price", text=text))


def films(source: Path = FILMS) -> Vocabulary:
    """The vocabulary of movielens-100k as its importer writes it."""
    with tempfile.TemporaryDirectory() as name:
        movielens.convert(source, Path(name))
        settings = config.load(Path(name) / "weft.toml")
        tables = catalogue.read(settings)
        return Vocabulary.learn(table_graph(tables, settings), tables.items)


def read(split: str) -> list[Row]:
    """The labelled queries of `dev`, `test` or `fresh`."""
    lines = (QUERIES / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def entities(row: Row, intent: Intent) -> Score:
    """Nodes with their negation: one of several right ones is enough, more are no error, nor are optional ones."""
    wanted = [(set(one["nodes"]), one["negated"]) for one in row["entities"]]
    found = {(one.node, one.negated) for one in intent.entities}
    optional = {(node, False) for node in row.get("optional", ())}
    return _score(wanted, found, optional)


def constraints(row: Row, intent: Intent, attributes: bool = True) -> Score:
    """Ranges, sizes and values; without `attributes` only numbers, sizes and what is negated."""
    wanted = [(_keys(one), one.get("negated", False)) for one in row["constraints"]]
    found = {(_key(vars(one)), one.negated) for one in intent.constraints}
    # What is right as an entity is right as a value too, wherever its other readings are no attributes.
    optional = {(node, False) for node in row.get("optional", ())}
    optional |= {(node, one["negated"]) for one in row["entities"] for node in one["nodes"]}
    if not attributes:
        wanted = [one for one in wanted if one[1] or not _is_node(min(one[0]))]
        found = {one for one in found if one[1] or not _is_node(one[0])}
    return _score(wanted, found, optional)


def _is_node(key: str) -> bool:
    return not key.startswith("=")


def _key(one: Mapping[str, Any]) -> str:
    """A node, or a number or size behind `=`."""
    if one["field"] != "size" and one.get("value"):
        return str(one["value"])
    return f"={one['field']} {one.get('value')} {one.get('low')} {one.get('high')} {one.get('unit')}"


def _keys(one: Row) -> set[str]:
    return set(one["nodes"]) if "nodes" in one else {_key(one)}


def _score(wanted: list[tuple[set[str], bool]], found: set[tuple[str, bool]], optional: set[tuple[str, bool]]) -> Score:
    right = {(node, no) for node, no in found if any(node in nodes and no == negated for nodes, negated in wanted)}
    met = sum(any((node, negated) in found for node in nodes) for nodes, negated in wanted)
    return Score(len(right), len(right | (found - optional)), met, len(wanted))


def add(scores: Iterable[Score]) -> Score:
    """Counts of all together."""
    return Score(*(sum(column) for column in zip(*scores, strict=True)))


def understood(rows: list[Row], vocabularies: Mapping[str, Vocabulary]) -> list[Intent]:
    """What is understood of each query; queries of a source that there is no vocabulary of are an error."""
    return [parse(row["query"], vocabulary=vocabularies[row["source"]]) for row in rows]


def groups(row: Row) -> list[str]:
    """The groups that a query is counted in."""
    return ["all", row["language"], row["source"], *(kind for kind in row["kinds"] if kind != "mixed")]


def report(rows: list[Row], intents: list[Intent]) -> None:
    """A line for each group: precision, recall and F1 of entities and of constraints, and the share of right kinds."""
    titles = ("queries", "entities P / R / F1", "constraints P / R / F1", "numbers, negation F1", "kind")
    print(f"{'':12}{titles[0]:>8}{titles[1]:>24}{titles[2]:>26}{titles[3]:>22}{titles[4]:>7}")
    for group in ("all", "zh", "en", "mixed", "shop", "films", "typo", "negation", "pinyin"):
        pairs = [(row, intent) for row, intent in zip(rows, intents, strict=True) if group in groups(row)]
        if not pairs:
            continue
        first = add(entities(*pair) for pair in pairs).figures
        second = add(constraints(*pair) for pair in pairs).figures
        hard = add(constraints(*pair, attributes=False) for pair in pairs).figures[2]
        kinds = np.mean([row["intent"] == intent.kind for row, intent in pairs])
        cells = [" / ".join(f"{figure:.3f}" for figure in figures) for figures in (first, second)]
        print(f"{group:12}{len(pairs):>8}{cells[0]:>24}{cells[1]:>26}{hard:>22.3f}{kinds:>7.3f}")


def mistakes(rows: list[Row], intents: list[Intent]) -> None:
    """Every query that was not wholly understood."""
    for row, intent in zip(rows, intents, strict=True):
        wrong = [score for score in (entities(row, intent), constraints(row, intent)) if score.figures[2] < 1]
        if wrong or row["intent"] != intent.kind:
            print(f"\n{row['query']}  [{row['intent']}]", *(one.typed + "→" + one.meant for one in intent.repairs))
            numbers = [_key(one) for one in row["constraints"] if "nodes" not in one]
            print("  wanted", [_signed("|".join(one["nodes"]), one["negated"]) for one in row["entities"]], numbers)
            numbers = [_key(vars(one)) for one in intent.constraints if not one.value or one.field == "size"]
            print("  found ", [_signed(one.node, one.negated) for one in intent.entities], numbers, intent.kind)


def _signed(node: str, negated: bool) -> str:
    return f"not {node}" if negated else node


def milliseconds(rows: list[Row], vocabularies: Mapping[str, Vocabulary]) -> list[float]:
    """The time of each query; models are open already."""
    times = []
    for row in rows:
        start = time.perf_counter()
        parse(row["query"], vocabulary=vocabularies[row["source"]])
        times.append(1e3 * (time.perf_counter() - start))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("dev", "test", "fresh"), default="dev")
    parser.add_argument("--products", type=int, default=PRODUCTS, help="of the shop: a larger one shows what it costs")
    parser.add_argument("--wrong", action="store_true", help="print every query that was not wholly understood")
    arguments = parser.parse_args()
    vocabularies = {}
    for name, made in (("shop", partial(shop, arguments.products)), ("films", films)):
        if name == "films" and not FILMS.exists():
            print(f"no films at {FILMS}: their queries are left out")
            continue
        start = time.perf_counter()
        vocabularies[name] = made()
        spellings, seconds = len(vocabularies[name].names.by_key), time.perf_counter() - start
        print(f"vocabulary of {name}: {spellings:,} spellings, {seconds:.1f} s")
    rows = [row for row in read(arguments.split) if row["source"] in vocabularies]
    start = time.perf_counter()
    parse(rows[0]["query"], vocabulary=vocabularies[rows[0]["source"]])
    print(f"first query, with the opening of models: {time.perf_counter() - start:.1f} s")
    intents = understood(rows, vocabularies)
    if arguments.wrong:
        mistakes(rows, intents)
    report(rows, intents)
    times = milliseconds(rows, vocabularies)
    print(f"milliseconds a query: p50 {np.percentile(times, 50):.1f}, p99 {np.percentile(times, 99):.1f}")


if __name__ == "__main__":
    main()
