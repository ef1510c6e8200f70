"""The people of the generated shop: what they like, how it changes, and what they choose, event after event.

A multinomial logit (McFadden 1974): a person in a state chooses item i with probability proportional to exp(u(i)), and
u(i) is the sum of
- taste for its brand, category, collection, colour, material, gender, own attribute, price, and for its style (which
  only texts tell) and pattern (which only pictures show); a taste is a person's group plus their own;
- exposure: how often an item is shown: a lasting part, a season's part, and a boost that fades after release;
- sequence: after an item come its category, related categories, its collection and its own accessories, and more so
  within one session;
- drift: tastes move along a line from an early to a late taste through the year.
Items not yet released and items already chosen cannot be chosen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.demo.kinds import ACCESSORY_OF, GOES_WITH, KINDS
from engine.demo.products import NAMES, Products
from engine.demo.vocabulary import AGE_GROUPS, REGIONS

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

START, DAY = 1_704_067_200, 86_400
"""2024-01-01 in Unix seconds, and a day."""
DAYS = 365
MONTH = 30.4
"""Days of a month of exposure."""
SESSION = 1_800
"""Seconds: events closer than this are one session."""
FROM_START = 0.65
"""Share of the items that are there from the start; the others come out during the year."""

TASTE = {
    "kind": (0.9, 0.9),
    "group": (0.9, 0.7),
    "brand": (0.8, 0.7),
    "collection": (0.2, 0.4),
    "colour": (0.7, 0.6),
    "material": (0.3, 0.3),
    "own": (0.3, 0.3),
    "pattern": (1.1, 0.9),
    "style": (0.6, 0.6),
}
"""Standard deviations of the taste for each facet: of the groups of people, and of persons within a group."""
FAVOURITES = {"kind": (4, 2.2), "brand": (4, 1.0)}
"""How many favourite values a person has of a facet, and what they add."""
GROUPS = 12
"""Groups of people with a taste in common."""
GROUP_LEAN = 1.3
"""Standard deviation of how much likelier age and gender make a group."""
OWN_GENDER, OTHER_GENDER = 0.3, -2.5
"""What it adds that an item is made for one's own gender, and for the other."""
PRICE_SPREAD = 0.5
"""Standard deviation, over people, of the price level that they like best."""
EXPOSURE = 1.0
"""Standard deviation, over items, of the log of how often they are shown."""
NOVELTY, NOVELTY_DAYS = 1.2, 40.0
"""Extra exposure right after release, and the days in which it falls to a third."""
IN_SEASON = 0.6
"""Extra exposure in the season that an item is for."""
SAME_KIND, ACCESSORY, BACK, TOGETHER, SAME_COLLECTION, OWN_ACCESSORY = 1.5, 4.0, 1.0, 3.0, 2.0, 5.0
"""What the item chosen last adds to: its category, accessories to it by category, and from an accessory back to what
it belongs to, categories that go with its own, its collection, and its own accessories."""
LATER = 0.5
"""What is left of the sequence's part in a new session."""


@dataclass(frozen=True)
class World:
    """The items' side of the utility; n items, f features."""

    features: F32
    """(n, f) one-hot facets, then price level and its square."""
    exposure: F32
    """(months, n) log of how often an item is shown."""
    release: I64
    """(n,) Unix seconds; 0 for what was there from the start."""
    related: F32
    """(kinds, kinds) added to the utility of kind b after kind a."""
    links: I64
    """(m, 2) item, and the item that it is an accessory of."""


@dataclass(frozen=True)
class People:
    """The persons' side; u users."""

    early: F32
    """(u, f) taste at the start of the year."""
    late: F32
    """(u, f) taste at its end."""
    age: I64
    gender: I64
    region: I64
    """(u,) numbers of the values of users.parquet."""


def blocks() -> dict[str, slice]:
    """Columns of the features, by facet."""
    result, start = {}, 0
    for facet in (*TASTE, "gender", "price"):
        width = 2 if facet == "price" else len(NAMES[facet])
        result[facet] = slice(start, start + width)
        start += width
    return result


BLOCKS = blocks()
WIDTH = BLOCKS["price"].stop


def make_world(products: Products, new: NDArray[np.bool_], seed: int) -> World:
    """The side of the items. Items of `new` (n,) come out when the year is over."""
    n, rng = len(products), np.random.default_rng([seed, 2])
    features = np.zeros((n, WIDTH), np.float32)
    for facet in (*TASTE, "gender"):
        has = products.codes[facet] >= 0
        features[has, BLOCKS[facet].start + products.codes[facet][has]] = 1
    features[:, BLOCKS["price"]] = np.stack([products.price_level, products.price_level**2], axis=1)
    release = np.where(rng.random(n) < FROM_START, 0, START + DAY * rng.integers(5, 300, n))
    release[products.hero] = 0
    release = np.where(new, START + DAY * DAYS, release)
    return World(features, _exposure(products, release, rng), release, related_kinds(), _links(products, rng))


def _exposure(products: Products, release: I64, rng: np.random.Generator) -> F32:
    """(months, n) lasting exposure, what is new, and what is in season."""
    lasting = EXPOSURE * rng.standard_normal(len(products))
    # The worked example sells well, or there would be little to recommend from it.
    lasting[products.hero] = 2 * EXPOSURE
    months = np.arange(13)[:, None]
    days = (START - release) / DAY + MONTH * months + 15
    out = (release > 0) & (days > -15)
    novelty = np.where(out, NOVELTY * np.exp(-np.maximum(days, 0) / NOVELTY_DAYS), 0)
    # Season 0 is spring, March to May: months 2 to 4.
    season = np.where(products.codes["season"] == (months - 2) // 3 % 4, IN_SEASON, 0)
    return (lasting + novelty + season).astype(np.float32)


def related_kinds() -> F32:
    """(kinds, kinds) what a look at kind a adds to the utility of kind b."""
    number = {kind.name: k for k, kind in enumerate(KINDS)}
    related = np.eye(len(KINDS), dtype=np.float32) * SAME_KIND
    for accessory, main in ACCESSORY_OF:
        related[number[main], number[accessory]] = ACCESSORY
        related[number[accessory], number[main]] = BACK
    for a, b in GOES_WITH:
        related[number[a], number[b]] = related[number[b], number[a]] = TOGETHER
    return related


def _links(products: Products, rng: np.random.Generator) -> I64:
    """Each accessory belongs to two items of its main category, of its own brand where there are some."""
    number = {kind.name: k for k, kind in enumerate(KINDS)}
    kind, brand = products.codes["kind"], products.codes["brand"]
    links = []
    for accessory, main in ACCESSORY_OF:
        mains = np.flatnonzero(kind == number[main])
        for item in np.flatnonzero(kind == number[accessory]):
            same = mains[brand[mains] == brand[item]]
            pool = same if len(same) > 1 else mains
            links += [(item, other) for other in rng.permutation(pool)[:2]]
    return np.array(links, np.int64).reshape(-1, 2)


def make_people(n: int, seed: int) -> People:
    """`n` people: age group and gender make some taste groups likelier, and each person varies around their group."""
    rng = np.random.default_rng([seed, 3])
    age, gender, region = (rng.integers(size, size=n) for size in (len(AGE_GROUPS), 2, len(REGIONS)))
    likely = GROUP_LEAN * rng.standard_normal((len(AGE_GROUPS), 2, GROUPS))
    group = np.argmax(likely[age, gender] + rng.gumbel(size=(n, GROUPS)), axis=1)
    centres = np.concatenate(
        [spread * rng.standard_normal((GROUPS, _width(f))) for f, (spread, _) in TASTE.items()], axis=1
    )
    early, late = (_tastes(centres[group], gender, rng) for _ in range(2))
    # Some people change much through the year, some not at all.
    change = rng.random((n, 1))
    late = (1 - change) * early + change * late
    return People(early.astype(np.float32), late.astype(np.float32), age, gender, region)


def _width(facet: str) -> int:
    return len(NAMES[facet])


def _tastes(centres: NDArray[np.float64], gender: I64, rng: np.random.Generator) -> NDArray[np.float64]:
    """(u, f) tastes around the centres of the people's groups (u, facets without gender and price)."""
    n = len(centres)
    taste = np.zeros((n, WIDTH))
    taste[:, : centres.shape[1]] = centres
    for facet, (_, spread) in TASTE.items():
        taste[:, BLOCKS[facet]] += spread * rng.standard_normal((n, _width(facet)))
    for facet, (count, bonus) in FAVOURITES.items():
        # Favourites lean to what the group likes.
        lean = centres[:, BLOCKS[facet]] + rng.gumbel(size=(n, _width(facet)))
        chosen = np.argsort(-lean, axis=1)[:, :count] + BLOCKS[facet].start
        taste[np.arange(n)[:, None], chosen] += bonus
    women, men, _ = range(BLOCKS["gender"].start, BLOCKS["gender"].stop)
    taste[:, women] = np.where(gender == 0, OWN_GENDER, OTHER_GENDER)
    taste[:, men] = np.where(gender == 1, OWN_GENDER, OTHER_GENDER)
    # -(z - level)^2 / 2, but for a constant
    level = PRICE_SPREAD * rng.standard_normal(n)
    taste[:, BLOCKS["price"]] = np.stack([level, np.full(n, -0.5)], axis=1)
    return taste
