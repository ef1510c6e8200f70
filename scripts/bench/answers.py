"""How often questions about items are answered rightly: python scripts/bench/answers.py [--seed 1] [--products 600].

Questions are made from the sentences of a generated shop that tell of material, colour, season, cut, delivery and so
on, in English and Chinese, by words that are mostly not those of the sentence. They are asked of one item, and of the
whole shop with the title of the item. An answer is right if it is a sentence of that item that tells it, in whichever
language. Questions that no text answers must get none. The floors in engine/search/answer.py were chosen on seed 0;
the default seed here is another shop.
"""

import argparse
import re
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from search import shop

from engine import config
from engine.search import answer as answering
from engine.search.helps import Helps
from engine.search.vectors import QueryEncoders

# What is asked, in both languages; how sentences that tell it begin or read.
ASKED = {
    "material": (
        r"Material:|材质",
        ("What is {} made of?", "which material is {}"),
        ("{}是什么材质的？", "{}用什么做的"),
    ),
    "colour": (r"Colour:|颜色", ("What colour is {}?", "what is the color of {}"), ("{}是什么颜色？", "{}有哪些颜色")),
    "season": (
        r"Best for|适合.*使用",
        ("Which season is {} best for?", "what is {} best for"),
        ("{}适合什么季节使用？",),
    ),
    "delivery": (
        r"Ships within|发货",
        ("How soon does {} ship?", "are returns of {} free?"),
        ("{}多久发货？", "{}可以免费退换吗"),
    ),
    "care": (r"Easy to clean|易清洗", ("Is {} easy to clean?",), ("{}容易清洗吗？",)),
}
NEVER = (
    *("How many calories does {} have?", "Who directed {}?", "What voltage does {} need?", "When was {} founded?"),
    *("{}有多少卡路里？", "{}的导演是谁？", "{}什么时候成立的？"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--products", type=int, default=600)
    parser.add_argument("--asked", type=int, default=300, help="questions of each sort")
    parser.add_argument("--floors", action="store_true", help="also right and wrong at other floors")
    choice = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        searcher = shop(Path(folder), choice.products, choice.seed)
    wordless = replace(searcher, queries=QueryEncoders(config.Encoders(text="", image="", clip="")))
    print("| | asked | right | wrong | no answer | asked what no text tells | no answer |")
    print("|---|---|---|---|---|---|---|")
    for name, one in (("words and meaning", searcher), ("words alone", wordless)):
        helps = Helps(one, config.Data())
        for of in ("one item", "the whole shop"):
            row(f"{name}, {of}", helps, of == "one item", choice.asked, choice.floors)


def row(name: str, helps: Helps, alone: bool, n: int, floors: bool) -> None:
    kinds = {kind: asked(helps, kind, alone, n) for kind in ("told", "never")}
    flat = "FLOOR" if helps.searcher.queries.settings.text else "FLOOR_WORDS"
    usual = getattr(answering, flat)
    for floor in np.arange(0.06, 0.32, 0.03) if floors else [usual]:
        setattr(answering, flat, floor)
        told = Counter(verdict(helps, alone, *one) for one in kinds["told"])
        never = Counter(verdict(helps, alone, *one) for one in kinds["never"])
        shares = [f"{told[kind] / told.total():.2f}" for kind in ("right", "wrong", "none")]
        label = f"{name}, floor {floor:.2f}" if floors else name
        print(f"| {label} | {told.total()} |", " | ".join(shares), f"| {never.total()} |", end=" ")
        print(f"{never['none'] / never.total():.2f} |", flush=True)
    setattr(answering, flat, usual)


def asked(helps: Helps, kind: str, alone: bool, n: int) -> list[tuple[str, int, str]]:
    """Questions with the row of the item and the pattern of a right sentence, which no text has for `never`."""
    random, items = Random(0), helps.items
    made = []
    for row, text in enumerate(items["text"]):
        for pattern, english, chinese in ASKED.values() if kind == "told" else [("(?!)", NEVER[:4], NEVER[4:])]:
            if kind == "told" and not re.search(pattern, text):
                continue
            name = "it" if alone else items["title"][row]
            for question in (random.choice(english), random.choice(chinese)):
                in_chinese = not question.isascii()
                whom = "它" if alone and in_chinese else f"{name} " * in_chinese or name
                made.append((question.format(whom), row, pattern))
    return random.sample(made, min(n, len(made)))


def verdict(helps: Helps, alone: bool, question: str, row: int, pattern: str) -> str:
    found = helps.answer(question, [row] if alone else None)
    if found is None:
        return "none"
    return "right" if found.item_id == helps.items["item_id"][row] and re.search(pattern, found.text) else "wrong"


if __name__ == "__main__":
    main()
