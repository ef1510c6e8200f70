"""What is wrong with a graph, and what is odd about it: a report, and the graph without what no store would take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import networkx as nx
import polars as pl

from graph.build import GraphTables
from graph.lookalikes import lookalikes
from graph.schema import ALIAS, BRAND, CHOSE, EDGES, ITEM, ORGANISATION, SUBCATEGORY_OF, USER, fold

EXAMPLES = 5
HUB = 0.5
"""Share of the items that a node must be linked to, to be called a hub."""
COVERAGE = {
    "relation": pl.String,
    "items": pl.Int64,
    "share": pl.Float64,
    "distinct": pl.Int64,
    "mean": pl.Float64,
}

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found."""

    kind: str
    severity: Severity
    """An error keeps a graph out of a store or breaks what walks it, a warning is probably a mistake in the tables, and
    a note may be just as it is."""
    count: int
    examples: tuple[str, ...]
    """At most five, for people."""
    remedy: str


@dataclass(frozen=True)
class Report:
    """What was found, the worst first, and how much each relation says of items."""

    nodes: int
    edges: int
    findings: tuple[Finding, ...]
    coverage: pl.DataFrame
    """relation, items that have it (in either direction), their share of all items, distinct things at its other end,
    mean number an item that has it."""

    @property
    def ok(self) -> bool:
        """Neither an error nor a warning: notes may be."""
        return all(finding.severity == "note" for finding in self.findings)


def check(tables: GraphTables, hub: float = HUB) -> Report:
    """Look a graph over. Any tables do, also those that no store would take; nothing is changed.

    A node that more than the share `hub` of the items is linked to is a hub. Choices of users (CHOSE) count for
    nothing here: an item that is known by them only is isolated.
    """
    nodes = tables.nodes
    edges = tables.edges.filter(pl.col("relation") != CHOSE)
    links = _links(nodes, edges)
    found = [
        *_rejected(tables),
        *_broken(nodes, tables.edges),
        *_categories(edges),
        *_names(nodes, edges),
        *_linked(nodes, edges, links, hub),
    ]
    order = ("error", "warning", "note")
    findings = tuple(sorted(found, key=lambda finding: order.index(finding.severity)))
    return Report(nodes.height, tables.edges.height, findings, _coverage(nodes, links))


def sound(tables: GraphTables, beside: pl.Series | None = None) -> GraphTables:
    """The graph without what no store takes: repeated nodes and edges, and edges that end nowhere.

    Of nodes with one id the first is kept. Edges may also end in the nodes `beside` (ids), of a graph that these tables
    are to be added to. What is taken out and said nowhere else is among the rejects.
    """
    first = tables.nodes.unique("id", keep="first", maintain_order=True)
    others = tables.nodes.unique(maintain_order=True).join(first, on=["id", "label", "name"], how="anti")
    repeated = others.select(
        head="id",
        relation=pl.lit(""),
        tail=pl.lit(""),
        reason=pl.format("the id stands for {} {} too", "label", "name"),
    )
    edges = tables.edges.unique(maintain_order=True)
    ends = _ends_nowhere(first["id"] if beside is None else pl.concat([first["id"], beside]), edges)
    dangling = edges.filter(ends).with_columns(reason=pl.lit("an end is no node"))
    return GraphTables(first, edges.filter(~ends), pl.concat([tables.rejects, repeated, dangling]))


def _finding(kind: str, severity: Severity, examples: Sequence[str], remedy: str) -> Iterator[Finding]:
    """A finding of as many as there are examples; none, if there are none."""
    if examples:
        yield Finding(kind, severity, len(examples), tuple(examples[:EXAMPLES]), remedy)


def _triples(rows: pl.DataFrame) -> list[str]:
    return [f"{head} -{relation}-> {tail}" for head, relation, tail in rows.select(list(EDGES)).iter_rows()]


def _ends_nowhere(ids: pl.Series, edges: pl.DataFrame) -> pl.Series:
    known = [pl.col(end).is_in(ids.implode()) for end in ("head", "tail")]
    return edges.select(~(known[0] & known[1])).to_series()


def _rejected(tables: GraphTables) -> Iterator[Finding]:
    shown = [
        f"{triple}: {reason}" for triple, reason in zip(_triples(tables.rejects), tables.rejects["reason"], strict=True)
    ]
    yield from _finding("rejected triples", "warning", shown, "correct the triples, or their declaration")


def _broken(nodes: pl.DataFrame, edges: pl.DataFrame) -> Iterator[Finding]:
    """What no store takes."""
    dangling = edges.filter(_ends_nowhere(nodes["id"], edges))
    yield from _finding("dangling edges", "error", _triples(dangling), "add the nodes at their ends, or leave them out")
    ids = nodes.filter(pl.col("id").is_duplicated())["id"].unique(maintain_order=True).to_list()
    yield from _finding("ids of several nodes", "error", ids, "give each node an id of its own")
    twice = edges.filter(edges.is_duplicated()).unique(maintain_order=True)
    yield from _finding("repeated edges", "warning", _triples(twice), "give each edge once")
    loops = edges.filter(pl.col("head") == pl.col("tail"))
    yield from _finding("edges from a node to itself", "warning", _triples(loops), "they say nothing; leave them out")


def _categories(edges: pl.DataFrame) -> Iterator[Finding]:
    """Whether the categories are a tree."""
    above = edges.filter((pl.col("relation") == SUBCATEGORY_OF) & (pl.col("head") != pl.col("tail")))
    tree: nx.DiGraph[str] = nx.DiGraph(above.select("head", "tail").iter_rows())
    rings = [" > ".join(sorted(ring)) for ring in nx.strongly_connected_components(tree) if len(ring) > 1]
    yield from _finding(
        "cycles of categories", "error", sorted(rings), "a category is above itself; cut one of the edges"
    )
    several = (
        above.unique(maintain_order=True)
        .group_by("head", maintain_order=True)
        .agg("tail")
        .filter(pl.col("tail").list.len() > 1)
    )
    shown = [f"{head} under {' and '.join(tails)}" for head, tails in several.iter_rows()]
    yield from _finding("categories with several parents", "note", shown, "in a tree each has one; keep the nearest")


def _names(nodes: pl.DataFrame, edges: pl.DataFrame) -> Iterator[Finding]:
    """Things that may be one."""
    parents = edges.filter(pl.col("relation") == SUBCATEGORY_OF).unique("head").select(id="head", parent="tail")
    named = nodes.unique("id", keep="first", maintain_order=True).filter(pl.col("label") != USER)
    named = named.join(parents, on="id", how="left", maintain_order="left").with_columns(
        folded=pl.Series([fold(name) for name in named["name"]], dtype=pl.String),
        # Attributes are told apart by what they are values of, and categories by what they are under.
        kind=pl.col("id").str.extract(r"^([^:]*):", 1),
    )
    same = named.group_by("label", "kind", "parent", "folded", maintain_order=True).agg("id", pl.col("name").first())
    same = same.filter(pl.col("id").list.len() > 1)
    for items, severity, kind, remedy in (
        (False, "warning", "nodes of one name", "if they are one thing, write it in one way, or merge them"),
        (True, "note", "items of one title", "if they are one item, keep one of them"),
    ):
        rows = same.filter((pl.col("label") == ITEM) == items)
        shown = [f"{name}: {', '.join(ids[:EXAMPLES])}" for name, ids in rows.select("name", "id").iter_rows()]
        yield from _finding(kind, severity, shown, remedy)  # type: ignore[arg-type]
    for label in (BRAND, ORGANISATION):
        names = (
            named.filter(pl.col("label") == label).unique("folded", keep="first", maintain_order=True)["name"].to_list()
        )
        pairs = sorted(lookalikes(names), key=lambda pair: -pair[2])
        shown = [f"{names[a]} / {names[b]} ({alike:.0f} of 100)" for a, b, alike in pairs]
        kind = "brands of nearly one name" if label == BRAND else "organisations of nearly one name"
        yield from _finding(
            kind, "warning" if label == BRAND else "note", shown, "if they are one, write it in one way"
        )
    shared = (
        edges.filter(pl.col("relation") == ALIAS)
        .unique(maintain_order=True)
        .group_by("tail", maintain_order=True)
        .agg("head")
    )
    shared = shared.filter(pl.col("head").list.len() > 1)
    shown = [f"{alias} of {' and '.join(heads[:EXAMPLES])}" for alias, heads in shared.iter_rows()]
    yield from _finding(
        "aliases of several things", "warning", shown, "who searches for it finds both; keep one of them"
    )


def _links(nodes: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """item, relation, id: every edge of an item as seen from it, whichever way it points."""
    items = nodes.filter(pl.col("label") == ITEM).select(item="id").unique(maintain_order=True)
    out = edges.select("relation", item="head", id="tail")
    back = edges.select("relation", item="tail", id="head")
    return pl.concat([out, back]).join(items, on="item", how="semi").unique(maintain_order=True)


def _linked(nodes: pl.DataFrame, edges: pl.DataFrame, links: pl.DataFrame, hub: float) -> Iterator[Finding]:
    """What is linked to too much, too little, or nothing."""
    items = nodes.filter(pl.col("label") == ITEM)
    alone = items.join(links, left_on="id", right_on="item", how="anti", maintain_order="left")
    shown = [f"{id} {name}" for id, name in alone.select("id", "name").iter_rows()]
    yield from _finding("items without any edge", "warning", shown, "give them attributes, a brand or triples")
    ends = pl.concat([edges["head"], edges["tail"]]).unique()
    things = nodes.filter(~pl.col("label").is_in([ITEM, USER]))
    loose = things.filter(~pl.col("id").is_in(ends.implode()))["id"].to_list()
    yield from _finding("other nodes without any edge", "note", loose, "nothing leads to them; leave them out")
    degree = links.filter(pl.col("id") != pl.col("item")).group_by("id").agg(pl.col("item").n_unique())
    degree = degree.join(things, on="id").sort(["item", "id"], descending=[True, False])
    hubs = degree.filter(pl.col("item") > hub * items.height) if items.height > 2 else degree.clear()
    shown = [f"{id} ({count / items.height:.0%} of the items)" for id, count in hubs.select("id", "item").iter_rows()]
    yield from _finding("hubs", "note", shown, "what nearly all items share tells none apart; it may be left out")
    others = pl.concat([edges["head"], edges["tail"]]).value_counts().rename({"head": "id"})
    once = degree.filter(pl.col("item") == 1).join(others.filter(pl.col("count") == 1), on="id").sort("id")
    yield from _finding(
        "things of one item only", "note", once["id"].to_list(), "they link no two items; fine for search and for names"
    )


def _coverage(nodes: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    items = nodes.filter(pl.col("label") == ITEM)["id"].n_unique()
    return (
        links.group_by("relation")
        .agg(
            items=pl.col("item").n_unique(), distinct=pl.col("id").n_unique(), mean=pl.len() / pl.col("item").n_unique()
        )
        .select("relation", "items", share=pl.col("items") / items, distinct="distinct", mean="mean")
        .sort(["share", "relation"], descending=[True, False])
        .cast(COVERAGE)  # type: ignore[arg-type]
    )
