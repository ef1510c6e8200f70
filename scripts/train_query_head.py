"""Train the head for queries on a generated shop, in Chinese and English, and say what it does elsewhere.

    python scripts/train_query_head.py             # writes encoders/weights/weft-queries.*
    python scripts/train_query_head.py --measure   # only measures the head that is there

It learns from a shop of its own (seed 2027) that has none of the words in HELD: a fourth of the kinds, brands, colours
and materials, with all products and queries that they are in. Queries name a kind, alone or with one fact, in one order
of words. Measured is another shop (the demo's, seed 0), on queries of known words, of held-out words, in another order
of words, and on those that were written by hand (tests/data/intent); and pairs of products that one word tells apart
(tests/data/word_pairs.json), none of which the shop has. By the encoder alone, without words, names or pictures:

- recall@10 of what ten places can hold, items having texts in both languages, in English only, in Chinese only;
- for a pair, whether a query is nearer to the text that has its word than to the one that has the other.

What it does to films, scripts/bench/films_search.py tells.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from train_weft_small import DEMO_PRODUCTS, DEMO_SEED, PRODUCTS, SHOP_SEED, shop

import encoders
from encoders import Vectors
from encoders.heads import FOLDER
from encoders.queries import load_query_head
from encoders.tune_queries import Asked, Settings, tune_queries
from encoders.weights import unit
from engine import memory
from engine.demo.kinds import KINDS, OWN
from engine.demo.products import ALL_BRANDS, WORDS
from engine.evaluation import bootstrap
from graph import schema

TESTS = Path(__file__).parents[1] / "tests" / "data"
KIND = {kind.path: kind for kind in KINDS}
CHINESE = {name: {word.en: word.zh for word in WORDS[name]} for name in ("colour", "material")}
CHINESE["brand"] = {brand.en: brand.zh for brand in ALL_BRANDS}
HELD = {name: list(values)[1::4] for name, values in (("category", KIND), *CHINESE.items())}
"""Every fourth value of each facet: no word for it, and no product that has it, is trained on."""
SIDES = {
    "both": ("title", "title_zh", "description", "description_zh"),
    "en": ("title", "description"),
    "zh": ("title_zh", "description_zh"),
}
TEMPLATE = "Cedar 420 {}, white. Easy to clean and made to last.", "雪松 420 白色{}。易清洗,经久耐用。"
GENERAL = 3000
K = 10
Texts = Callable[[list[str]], Vectors]


class Question(NamedTuple):
    """A query in both languages, the rows that are right, and whether a word of it is held out."""

    english: str
    chinese: str
    right: NDArray[np.int64]
    held: bool


def main() -> None:
    memory.keep_freed()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the head")
    parser.add_argument("--cache", type=Path, help="folder that keeps the shops and the vectors for another run")
    parser.add_argument("--measure", action="store_true", help="do not train")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    choice = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        cache = choice.cache or Path(temporary)
        store, encoder = encoders.EmbeddingStore(cache / "vectors"), encoders.open_text("multilingual")
        if not choice.measure:
            train(choice.out, cache, lambda texts: store.texts(encoder, texts).vectors, choice.seed)
        minilm = encoders.open_text("minilm")
        measure(
            choice.out, cache,
            lambda texts: store.texts(encoder, texts).vectors, lambda texts: store.texts(minilm, texts).vectors,
        )  # fmt: skip


def train(out: Path, cache: Path, read: Texts, seed: int) -> None:
    items = pl.read_parquet(shop(cache, SHOP_SEED, PRODUCTS))
    for name, values in HELD.items():
        items = items.filter(~pl.col(name).is_in(values).fill_null(False))
    asked = questions(items)
    began = time.process_time()
    languages = [
        Asked(read(list(texts)), [one.right for one in asked]) for texts in zip(*(q[:2] for q in asked), strict=True)
    ]
    tuned = tune_queries(languages, read(texts_of(items, "both")), [read(texts) for texts in general()], Settings(seed))
    print(f"trained in {time.process_time() - began:.0f} s of the processor")
    about = {"data": f"engine.demo.shop, seed {SHOP_SEED}, {PRODUCTS} products, without what has a held-out word"}
    tuned.save(out, about | {"held out": HELD})


def questions(items: pl.DataFrame, most: int | None = None, other_order: bool = False) -> list[Question]:
    """A fact and a kind, for each of which there is an item (or `most` of each sort of fact); and all kinds alone."""
    random, rows, made = Random(0), items.with_row_index("row"), list[Question]()
    for name in CHINESE:
        groups = rows.drop_nulls(name).group_by(name, "category", maintain_order=True).agg("row").rows()
        for value, path, right in random.sample(groups, min(most or len(groups), len(groups))):
            place = random.randrange(2)
            noun, chinese = KIND[path].nouns[place], KIND[path].nouns_zh[place]
            said = f"{value} {noun}", CHINESE[name][value] + chinese
            if other_order:
                said = f"{noun} in {value}", f"{chinese} {CHINESE[name][value]}"
            made.append(Question(*said, np.array(right), value in HELD[name] or path in HELD["category"]))
    for path, right in rows.group_by("category", maintain_order=True).agg("row").rows():
        for noun, chinese in zip(KIND[path].nouns, KIND[path].nouns_zh, strict=False):
            made.append(Question(noun, chinese, np.array(right), path in HELD["category"]))
    return made


def texts_of(items: pl.DataFrame, side: str) -> list[str]:
    """The texts of one side; empty where it has none. A Chinese seller's title is no English one."""
    if side == "en":
        chinese = pl.col("title").str.contains(r"[\u4e00-\u9fff]")
        items = items.with_columns(pl.when(~chinese).then(pl.col("title")).alias("title"))
    return (
        items.select(pl.concat_str(*SIDES[side], separator="\n", ignore_nulls=True)).to_series().fill_null("").to_list()
    )


def general() -> list[list[str]]:
    """Common words of each language at random, from the dictionaries that the spelling and the cutting of words use."""
    random = Random(0)
    pairs = beside("symspellpy") / "frequency_bigramdictionary_en_243_342.txt"
    english = [" ".join(line.split()[:2]) for line in pairs.read_text(encoding="utf-8-sig").splitlines()]
    words = (beside("jieba") / "dict.txt").read_text(encoding="utf-8").splitlines()
    parts = [line.split() for line in words]
    chinese = [word for word, times, kind in parts if len(word) > 1 and int(times) > 200 and kind[0] in "nvai"]
    return [
        [" ".join(random.sample(english, random.randint(1, 3))) for _ in range(GENERAL)],
        ["".join(random.sample(chinese, random.randint(1, 4))) for _ in range(GENERAL)],
    ]


def beside(package: str) -> Path:
    """The folder of a package, without loading it."""
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def measure(folder: Path, cache: Path, read: Texts, minilm: Texts) -> None:
    items, head = pl.read_parquet(shop(cache, DEMO_SEED, DEMO_PRODUCTS)), load_query_head(folder)
    sorts = {"known words": [], "held-out words": [], "another order": questions(items, 200, other_order=True)}
    for one in questions(items, 200):
        sorts["held-out words" if one.held else "known words"].append(one)
    sides = {side: read(texts_of(items, side)) for side in SIDES}
    english = {side: minilm(texts_of(items, side)) for side in ("both", "en")}
    print(
        "| queries | n | of | to texts | MiniLM | as it is | with the head | gain |\n|---|---|---|---|---|---|---|---|"
    )
    for sort, some in sorts.items():
        for language, place in (("en", 0), ("zh", 1)):
            texts = [one[place] for one in some]
            for side, vectors in sides.items():
                other = (
                    recall(minilm(texts), english[side], some).mean() if language == "en" and side in english else None
                )
                before, after = (recall(rows, vectors, some) for rows in (read(texts), head(read(texts))))
                line(sort, len(some), language, side, other, before, after)
    for language in ("en", "zh"):
        some = by_hand(items, language)
        texts = [one.english for one in some]
        line(
            "by hand",
            len(some),
            language,
            "both",
            None,
            *(recall(q, sides["both"], some) for q in (read(texts), head(read(texts)))),
        )
    pairs(read, head)
    at_random(read, head, sides["both"], [one.english for one in sorts["known words"]])


def recall(queries: Vectors, items: Vectors, asked: list[Question]) -> NDArray[np.float64]:
    """(q,) recall@10 of what ten places can hold, among items that have a text; nan where none of those is right."""
    there = items.any(axis=1)
    scores = np.where(there, queries @ items.T, -1)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    found = np.full(len(asked), np.nan)
    for row, one in enumerate(asked):
        right = one.right[there[one.right]]
        if len(right):
            found[row] = np.isin(best[row], right).sum() / min(K, len(right))
    return found


def line(sort: str, n: int, language: str, side: str, other: float | None, before: Vectors, after: Vectors) -> None:
    some = ~np.isnan(before)
    gain = bootstrap.gain(after[some], before[some])
    cells = ["" if other is None else f"{other:.3f}", f"{before[some].mean():.3f}", f"{after[some].mean():.3f}"]
    cells.append(f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})")
    print(f"| {sort} | {n} | {language} | {side} | {' | '.join(cells)} |")


def by_hand(items: pl.DataFrame, language: str) -> list[Question]:
    """Queries written by hand; right is what has all that they name and nothing that they refuse."""
    nodes: list[set[str]] = []
    names = [*WORDS, *OWN, "brand", "collection"]
    for row in items.rows(named=True):
        mine = {f"{schema.field(name).prefix}:{schema.fold(row[name])}" for name in names if row[name]}
        parts = row["category"].split(" > ")
        mine |= {f"category:{schema.fold(' > '.join(parts[: n + 1]))}" for n in range(len(parts))}
        nodes.append(mine)
    made = []
    for split in ("dev", "test", "fresh"):
        for text in (TESTS / "intent" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
            label = json.loads(text)
            if (
                label["source"] != "shop"
                or label["language"] != language
                or label["intent"] != "find"
                or not label["entities"]
            ):
                continue
            right = [
                row for row, mine in enumerate(nodes)
                if all(bool(mine & set(one["nodes"])) != one["negated"] for one in label["entities"])
            ]  # fmt: skip
            if right:
                made.append(Question(label["query"], label["query"], np.array(right), False))
    return made


def pairs(read: Texts, head: Callable[[Vectors], Vectors]) -> None:
    """Shares of pairs told apart, by group, over both languages of the query and of the texts."""
    print("\n| told apart by one word | pairs | as it is | with the head |\n|---|---|---|---|")
    for name, words in json.loads((TESTS / "word_pairs.json").read_text(encoding="utf-8")).items():
        queries = [read([word[of] for word in words]) for of in (0, 1)]
        texts = [read([TEMPLATE[of].format(word[of]) for word in words]) for of in (0, 1)]
        shares = []
        for asked in (queries, [head(some) for some in queries]):
            scores = np.stack([one @ other.T for one in asked for other in texts])  # (4, w, w)
            right = np.diagonal(scores, axis1=1, axis2=2)[:, :, None] > scores
            shares.append(right.sum() / (4 * len(words) * (len(words) - 1)))
        print(f"| {name} | {4 * len(words) * (len(words) - 1)} | {shares[0]:.3f} | {shares[1]:.3f} |")


def at_random(read: Texts, head: Callable[[Vectors], Vectors], items: Vectors, meant: list[str]) -> None:
    """The best cosine of letters typed at random beside that of real queries: what the floors of search rest on."""
    random = Random(0)
    letters = [
        "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.randint(4, 10))) for _ in range(200)
    ]
    print("\n| best cosine | highest | median | of real queries: median | lowest twentieth |\n|---|---|---|---|---|")
    for name, move in (("as it is", unit), ("with the head", head)):
        noise, real = ((move(read(some)) @ items.T).max(axis=1) for some in (letters, meant))
        cells = (noise.max(), np.median(noise), np.median(real), np.quantile(real, 0.05))
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in cells)} |")


if __name__ == "__main__":
    main()
