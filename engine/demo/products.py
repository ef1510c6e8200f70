"""The products of the generated shop: what they are, what the shop writes about them, and what only pictures show."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.demo import texts
from engine.demo.kinds import KINDS, OWN, OWN_LABELS
from engine.demo.vocabulary import BRANDS, COLOURS, GENDERS, LINES, MATERIALS, PATTERNS, SEASONS, STYLES, Brand, Word
from graph import schema

T = TypeVar("T")
Codes = dict[str, NDArray[np.int64]]

COLOUR_WEIGHTS = np.array([3, 3, 2, 1.6, 1, 1, 1.4, 2, 1, 1.4, 1.2, 1.4])
PATTERN_WEIGHTS = np.array([2, 1.2, 1, 1, 1, 1])
HERO_NUMBER = 270
"""Of the worked example, Nike Air Max 270; no other product has the number."""

ALL_BRANDS: tuple[Brand, ...] = tuple({brand.en: brand for group in BRANDS.values() for brand in group}.values())


def lines_of(brand: Brand) -> tuple[Word, ...]:
    """A brand's own lines, or three of the common names."""
    if brand.lines:
        return brand.lines
    start = 4 * [b.en for b in ALL_BRANDS].index(brand.en)
    return tuple(LINES[(start + 3 * k) % len(LINES)] for k in range(3))


COLLECTIONS = {f"{brand.en} {line.en}": (brand, line) for brand in ALL_BRANDS for line in lines_of(brand)}
OWN_VALUES = {f"{name}: {word.en}": (name, word) for name, words in OWN.items() for word in words}
WORDS: dict[str, tuple[Word, ...]] = {
    "colour": tuple(Word(en, zh) for en, (zh, _) in COLOURS.items()),
    "material": tuple({word.en: word for words in MATERIALS.values() for word in words}.values()),
    "gender": GENDERS,
    "season": SEASONS,
}
NAMES: dict[str, tuple[str, ...]] = {
    "kind": tuple(kind.path for kind in KINDS),
    "group": tuple(dict.fromkeys(kind.group for kind in KINDS)),
    "brand": tuple(brand.en for brand in ALL_BRANDS),
    "collection": tuple(COLLECTIONS),
    **{facet: tuple(word.en for word in words) for facet, words in WORDS.items()},
    "own": tuple(OWN_VALUES),
    "pattern": PATTERNS,
    "style": tuple(STYLES),
}
"""The values of each facet, by number."""

SCHEMA = {
    **dict.fromkeys(("item_id", "title", "title_zh", "description", "description_zh"), pl.String),
    **dict.fromkeys(("brand", "category", "collection", "colour", "material", "gender", "season"), pl.String),
    **dict.fromkeys(OWN, pl.String),
    "price": pl.Float64,
    "image": pl.String,
}
"""The columns of items.parquet."""

MENTIONS = dict.fromkeys(("item_id", "column", "language", "node", "surface"), pl.String)
"""The columns of truth/mentions.parquet."""


@dataclass(frozen=True)
class Products:
    """All products of a shop; n of them.

    `codes` has, by facet, the number (n,) of each product's value in `NAMES`, or -1: kind, group, brand, collection,
    colour, material, gender, season, own, and, known to nobody but the simulation, pattern and style.
    """

    table: pl.DataFrame
    codes: Codes
    price_level: NDArray[np.float64]
    """(n,) log of the price over the usual price of its kind."""
    mentions: pl.DataFrame
    """item_id, column, language, node, surface: which text tells which fact, and the words for it."""

    def __len__(self) -> int:
        return len(self.table)

    @property
    def ids(self) -> list[str]:
        return self.table["item_id"].to_list()

    @property
    def hero(self) -> int:
        """Row of the worked example, Nike Air Max 270: the first sport shoe."""
        return int(np.argmax(self.codes["kind"] == 0))


def make(n: int, seed: int, prefix: str = "p") -> Products:
    """`n` products; in those with prefix p the first sport shoe is the white Nike Air Max 270."""
    rng, random = np.random.default_rng([seed, *prefix.encode()]), Random(f"{seed} {prefix} texts")
    codes, price_level = _draw(n, rng)
    hero = int(np.argmax(codes["kind"] == 0)) if prefix == "p" else -1  # late products have no worked example
    if hero >= 0:
        _place_hero(codes, hero, price_level)
    rows, mentions = [], []
    for i in range(n):
        item_id = f"{prefix}{i + 1:0{max(4, len(str(n)))}}"
        row, told = _row({name: int(code[i]) for name, code in codes.items()}, price_level[i], i == hero, random)
        image = None if random.random() < 0.02 and i != hero else f"images/{item_id}.jpg"
        rows.append(row | {"item_id": item_id, "image": image})
        mentions += [(item_id, *mention) for mention in told]
    table = pl.DataFrame(rows, schema=SCHEMA)
    return Products(table, codes, price_level, pl.DataFrame(mentions, schema=MENTIONS, orient="row"))


def _draw(n: int, rng: np.random.Generator) -> tuple[Codes, NDArray[np.float64]]:
    """The facets of each product, and its price level."""
    share = np.array([kind.share for kind in KINDS])
    # Every kind gets its share exactly, so that small shops have all of them too.
    kind = rng.permutation(np.searchsorted(np.cumsum(share) / share.sum(), (np.arange(n) + 0.5) / n))
    group = np.array([NAMES["group"].index(k.group) for k in KINDS])[kind]
    codes = {
        "kind": kind,
        "group": group,
        **{name: np.full(n, -1) for name in ("brand", "collection", "material", "own")},
    }
    codes["colour"] = rng.choice(len(COLOURS), n, p=COLOUR_WEIGHTS / COLOUR_WEIGHTS.sum())
    codes["pattern"] = rng.choice(len(PATTERNS), n, p=PATTERN_WEIGHTS / PATTERN_WEIGHTS.sum())
    codes["style"] = rng.integers(len(STYLES), size=n)
    wear = np.array([k.own == "wear" for k in KINDS])[kind]
    codes["gender"] = np.where(wear, rng.choice(3, n, p=[0.4, 0.35, 0.25]), -1)
    codes["season"] = np.where(wear & (rng.random(n) < 0.8), rng.integers(4, size=n), -1)
    tiers = np.array([_choose(codes, i, rng) for i in range(n)])
    price_level = 0.7 * tiers + 0.35 * rng.standard_normal(n)
    return codes, price_level


def _choose(codes: Codes, i: int, rng: np.random.Generator) -> float:
    """Choose the brand, collection, material and own attribute of product `i`; return the price level of the brand."""
    kind = KINDS[codes["kind"][i]]
    brand = _pick(BRANDS[kind.brands], rng)
    codes["brand"][i] = NAMES["brand"].index(brand.en)
    codes["collection"][i] = NAMES["collection"].index(f"{brand.en} {_pick(lines_of(brand), rng).en}")
    codes["material"][i] = NAMES["material"].index(_pick(MATERIALS[kind.material], rng).en)
    if kind.own != "wear":
        codes["own"][i] = NAMES["own"].index(f"{kind.own}: {_pick(OWN[kind.own], rng).en}")
    return brand.tier


def _pick(values: Sequence[T], rng: np.random.Generator) -> T:
    """One value; earlier ones are commoner."""
    weights = 1 / (1.5 + np.arange(len(values)))
    return values[int(np.searchsorted(np.cumsum(weights), rng.random() * weights.sum()))]


def _place_hero(codes: Codes, i: int, price_level: NDArray[np.float64]) -> None:
    facets = {"brand": "Nike", "collection": "Nike Air Max", "colour": "white", "material": "mesh"}
    facets |= {"gender": "unisex", "season": "summer", "pattern": "plain", "style": "street"}
    for name, value in facets.items():
        codes[name][i] = NAMES[name].index(value)
    price_level[i] = np.log(899 / KINDS[0].price)


def _row(
    code: dict[str, int], price_level: float, is_hero: bool, random: Random
) -> tuple[dict[str, str | float | None], list[tuple[str, str, str, str]]]:
    """One row of the table without id and image, and its mentions. As in life, some facts are missing."""
    kind = KINDS[code["kind"]]
    brand, line = COLLECTIONS[NAMES["collection"][code["collection"]]]
    own_name, own = OWN_VALUES[NAMES["own"][code["own"]]] if code["own"] >= 0 else ("", texts.NONE)
    words = {facet: WORDS[facet][code[facet]] if code[facet] >= 0 else texts.NONE for facet in WORDS}
    number = random.choice([number for number in range(90, 1000, 10) if number != HERO_NUMBER])
    model = texts.model_name(line, HERO_NUMBER if is_hero else number, random, book=kind.own == "genre")
    label, style = OWN_LABELS.get(own_name, texts.NONE), NAMES["style"][code["style"]]
    product = texts.Product(
        kind.nouns, kind.nouns_zh, Word(brand.en, brand.zh), line, model, own=own, own_label=label, style=style, **words
    )
    written, told = texts.write_hero(product, random) if is_hero else texts.write(product, random)
    facts: dict[str, str | None] = {
        "brand": brand.en,
        "collection": NAMES["collection"][code["collection"]],
        **{facet: word.en or None for facet, word in words.items()},
    }
    if own_name:
        facts[own_name] = own.en
    nodes = {name: f"{schema.field(name).prefix}:{schema.fold(value)}" for name, value in facts.items() if value}
    nodes |= {"category": f"category:{schema.fold(kind.path)}", "own": nodes.get(own_name, "")}
    mentions = [(column, language, nodes[facet], surface) for column, language, facet, surface in told]
    if not is_hero:
        gaps = {"brand": 0.01, "collection": 0.1, "colour": 0.02, "material": 0.08, "season": 0.05}
        facts |= {name: None for name, chance in gaps.items() if random.random() < chance}
    row = {
        **written._asdict(),
        **facts,
        "category": kind.path,
        "price": float(max(9, round(kind.price * np.exp(price_level)))),
    }
    return row, mentions
