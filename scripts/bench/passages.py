"""Texts longer than an encoder reads, whole or by passages: python scripts/bench/passages.py.

The long texts are what the packages installed beside this one say of themselves (their README, the first 8,000
characters), which no film or product here comes near. They are looked for by two sorts of queries:

- summary: the one line that a package has beside its README, written to be short;
- sentence: up to three drawn sentences of the README from beyond its 220th word, where MiniLM no longer reads.

Ways: MiniLM stops after 256 tokens; it reads passages of 256, whose mean (`encoders.passages`) or greatest numbers are
the text's vector; `multilingual` reads all in one. Which packages there are decides the figures: tell their number.
"""

import importlib.metadata
import re
import time

import numpy as np
import torch
from numpy.typing import NDArray

import encoders
from encoders import Vectors
from encoders.bert import BertEncoder
from encoders.weights import unit

MOST, LEAST = 8_000, 4_000
"""Characters of a README that are read, and that it must have."""
BEYOND, DRAWN = 220, 3
SENTENCE = re.compile(r"[\w ,.'()-]+")


def main() -> None:
    torch.set_num_threads(1)
    readmes, summaries = packages()
    asked, of = sentences(readmes)
    print(f"{len(readmes)} packages, {len(asked)} sentences\n\n| way | s of the processor | summary MRR | first ten | "
          "sentence MRR | first ten |\n|---|---|---|---|---|---|")  # fmt: skip
    reader, multilingual = encoders.open_text("minilm", passages=True), encoders.open_text("multilingual")
    assert isinstance(reader, BertEncoder)
    for name, encode, queries in (
        ("MiniLM, the first 256 tokens", encoders.open_text("minilm").encode, reader.encode),
        ("MiniLM, mean of passages", reader.encode, reader.encode),
        ("MiniLM, greatest of passages", lambda texts: greatest(reader, texts), reader.encode),
        ("multilingual, whole", multilingual.encode, multilingual.encode),
    ):
        began = time.process_time()
        items = encode(readmes)
        seconds = time.process_time() - began
        found = (*ranks(queries(summaries), np.arange(len(readmes)), items), *ranks(queries(asked), of, items))
        print(f"| {name} | {seconds:.0f} | {' | '.join(f'{one:.3f}' for one in found)} |", flush=True)


def packages() -> tuple[list[str], list[str]]:
    """README and summary of each, in the order of their names."""
    found = {}
    for package in importlib.metadata.distributions():
        about = package.metadata
        readme, summary = str(about.get_payload() or about["Description"] or ""), about["Summary"] or ""
        if len(readme) >= LEAST and len(summary) > 20:
            found[about["Name"]] = (readme[:MOST], summary)
    readmes, summaries = zip(*(found[name] for name in sorted(found)), strict=True)
    return list(readmes), list(summaries)


def sentences(readmes: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Sentences from beyond the part that is read without passages, and the row of the README of each."""
    rng, drawn, of = np.random.default_rng(0), list[str](), list[int]()
    for row, readme in enumerate(readmes):
        rest = " ".join(readme.split()[BEYOND:])
        plain = [one for one in re.split(r"(?<=[.!?])\s", rest) if 8 <= len(one.split()) <= 40]
        some = [str(one) for one in rng.permutation([one for one in plain if SENTENCE.fullmatch(one)])[:DRAWN]]
        drawn, of = drawn + some, of + [row] * len(some)
    return drawn, np.array(of)


def greatest(reader: BertEncoder, texts: list[str]) -> Vectors:
    cut = [[passage for passage, _ in reader.passages(text)] for text in texts]
    rows = reader.encode([passage for some in cut for passage in some])
    return unit(np.maximum.reduceat(rows, np.cumsum([0, *map(len, cut)])[:-1], axis=0))


def ranks(queries: Vectors, right: NDArray[np.int64], items: Vectors) -> tuple[float, float]:
    """MRR, and the share of queries whose text is among the first ten."""
    scores = queries @ items.T
    ranked = (scores >= scores[np.arange(len(queries)), right][:, None]).sum(axis=1)
    return float((1 / ranked).mean()), float((ranked <= 10).mean())


if __name__ == "__main__":
    main()
