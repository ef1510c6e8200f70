"""What a query wants of the thing that it names: what is like it, what goes with it, or it beside another one.

`like Jurassic Park` names an item that is not looked for; `phone accessories` names a kind of thing of which nothing is
looked for. For both a signal more says which items are meant, and the thing itself is left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.candidates import Features
from engine.candidates.content import alike
from engine.search.intent import Entity, Intent
from engine.search.named import Named
from graph.build import GraphTables
from graph.schema import BRAND, CATEGORY, COLLECTION, ITEM

LIKE, GOES_WITH = "like", "goes with"
"""Names of the two signals."""
SHARE = 0.5
"""What such a signal weighs; the others share the rest."""
BY_KIND = 0.8
"""What it is worth that an item's category goes with the thing's, where 1 is that the item itself does."""
OTHERWISE = 0.5
"""What it is worth to be like a thing and not of its kind: a sandal, a shirt of the line of a shoe."""

Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Target:
    """What is made of a query's kind. Without a signal it is a plain search."""

    signal: str = ""
    scores: Scores = field(default_factory=lambda: np.zeros(0))
    """(items,) from 0 to 1"""
    out: Mask = field(default_factory=lambda: np.zeros(0, bool))
    """(items,) what is not looked for: the thing itself"""
    aside: frozenset[str] = frozenset()
    """Nodes that are named and not looked for"""
    groups: tuple[Mask, ...] = ()
    """(items,) each: the things to be compared"""
    names: tuple[str, ...] = ()
    """What the things are called"""
    note: str = ""


def target(intent: Intent, named: Named, features: Features, accessories: "Accessories") -> Target:
    """What a query of its kind looks for in one catalogue."""
    match intent.kind:
        case "similar":
            return _similar(intent, named, features)
        case "accessory":
            return _accessory(intent, named, accessories)
        case "compare":
            return _compare(intent, named)
    return Target()


def _similar(intent: Intent, named: Named, features: Features) -> Target:
    """Like an item; else like those of a line; else like those of a brand, of the kind that is looked for."""
    for label in (ITEM, COLLECTION, BRAND):
        things = [one for one in intent.wanted() if one.label == label]
        if not things:
            continue
        out = np.any([named.things(one.node) for one in things], axis=0)
        kinds = [named.things(one.node) for one in intent.wanted() if one.label == CATEGORY]
        shown = out & np.any(kinds, axis=0) if kinds else out
        rows = np.flatnonzero(shown if shown.any() else out).tolist()
        if not rows:
            continue
        kin = OTHERWISE + (1 - OTHERWISE) * named.kin(rows)
        scores = np.where(out, 0, alike(features, rows).clip(0) * kin)
        scores /= max(float(scores.max(initial=0)), 1e-9)
        return Target(LIKE, scores, out, frozenset(one.node for one in things), names=tuple(map(_name, things)))
    return Target(note="it names nothing to be like: found by its words")


def _accessory(intent: Intent, named: Named, accessories: "Accessories") -> Target:
    wanted = [one for one in intent.wanted() if one.label in (CATEGORY, COLLECTION, ITEM)]
    mains = [a for a in wanted if any((b.node, a.node) in named.vocabulary.belongs for b in wanted)] or wanted
    if not mains:
        return Target(note="it names nothing that something could go with: found by its words")
    told = tuple(map(_name, mains))
    out = np.any([named.things(one.node) for one in mains], axis=0)
    scores = np.where(out, 0, accessories.of(out, [one.node for one in mains], named))
    if not scores.any():
        return Target(note=f"the graph knows of nothing that goes with {', '.join(told)}: found by its words")
    return Target(GOES_WITH, scores, out, frozenset(one.node for one in mains), names=told)


def _compare(intent: Intent, named: Named) -> Target:
    """The things of the label of which most are named."""
    wanted = [one for one in intent.wanted() if one.label in (ITEM, COLLECTION, BRAND, CATEGORY)]
    by_label = {label: [one for one in wanted if one.label == label] for label in (ITEM, COLLECTION, BRAND, CATEGORY)}
    things = max(by_label.values(), key=len)
    if len(things) < 2:
        return Target(note="it names no two things of a kind to compare: found by its words")
    return Target(groups=tuple(named.things(one.node) for one in things), names=tuple(map(_name, things)))


class Accessories:
    """What goes with what: edges of the graph whose relation says accessory, between items and between categories."""

    def __init__(self, graph: GraphTables, item_ids: Sequence[str]) -> None:
        rows = {f"item:{item}": row for row, item in enumerate(item_ids)}
        edges = graph.edges.filter(pl.col("relation").str.contains("ACCESSORY", literal=True))
        pairs = [(rows[head], rows[tail]) for head, tail in edges.select("head", "tail").iter_rows()
                 if head in rows and tail in rows]  # fmt: skip
        self._items = np.array(pairs, np.int64).reshape(-1, 2)

    def of(self, things: Mask, nodes: Sequence[str], named: Named) -> Scores:
        """(items,) from 0 to 1, for things (items,) that are called by these nodes."""
        scores = np.zeros(len(things))
        for node in self._kinds(things, nodes, named):
            scores = np.maximum(scores, BY_KIND * named.having(node))
        scores[self._items[things[self._items[:, 1]], 0]] = 1
        return scores

    def _kinds(self, things: Mask, nodes: Sequence[str], named: Named) -> Iterator[str]:
        """The categories whose items go with those of the categories that the things are, or are of."""
        for accessory, main in named.vocabulary.belongs:
            asked = any(main == node or main.startswith(f"{node} > ") for node in nodes)
            if asked or named.things(main)[things].any():
                yield accessory


def interleaved(order: Sequence[int], groups: Sequence[Mask]) -> list[int]:
    """Rows, best first, so that those of each group take turns at the top; the others follow."""
    queues = [[row for row in order if group[row]] for group in groups]
    turns = [
        row for place in range(max(map(len, queues), default=0)) for queue in queues for row in queue[place : place + 1]
    ]
    return list(dict.fromkeys([*turns, *order]))


def _name(one: Entity) -> str:
    return one.name.rpartition(" > ")[2]
