"""Triples of the generated shop: Chinese names, where brands are from, and what belongs to or goes with what.

Heads and tails are item ids, or the ids of graph nodes that the item table makes, such as `brand:nike`.
"""

import polars as pl

from engine.demo.kinds import ACCESSORY_OF, GOES_WITH, GROUPS, KINDS, OWN
from engine.demo.people import I64
from engine.demo.products import ALL_BRANDS, COLLECTIONS, WORDS, Products


def triples(products: Products, links: I64) -> pl.DataFrame:
    """head, relation, tail; `links` (m, 2) are rows of the items and of what they are accessories of."""
    node = {kind.name: f"category:{kind.path.lower()}" for kind in KINDS}
    made = {name: set(products.table[name].drop_nulls()) for name in ("brand", "collection", *WORDS, *OWN)}
    brands = [brand for brand in ALL_BRANDS if brand.en in made["brand"]]
    rows = [(f"brand:{brand.en.lower()}", "alias", brand.zh) for brand in brands]
    rows += [(f"brand:{brand.en.lower()}", "country", brand.country) for brand in brands]
    rows += [
        (f"collection:{name.lower()}", "alias", f"{brand.zh} {line.zh}")
        for name, (brand, line) in COLLECTIONS.items()
        if name in made["collection"]
    ]
    rows += [(f"category:{group.lower()}", "alias", zh) for group, zh in GROUPS.items()]
    rows += [(node[kind.name], "alias", kind.zh) for kind in KINDS]
    rows += [
        (f"{facet}:{word.en.lower()}", "alias", word.zh)
        for facet, words in (WORDS | OWN).items()
        for word in words
        if word.en in made[facet] and word.en != word.zh
    ]
    rows += [(node[a], "accessory_of", node[b]) for a, b in ACCESSORY_OF]
    rows += [(node[a], "goes_with", node[b]) for a, b in GOES_WITH]
    rows += [(products.ids[a], "accessory_of", products.ids[b]) for a, b in links]
    return pl.DataFrame(rows, schema=["head", "relation", "tail"], orient="row")
