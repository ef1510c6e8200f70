"""The user's own triples among the nodes of a graph: which node each end stands for, and which triples cannot stand."""

import polars as pl

from graph import schema
from graph.schema import ALIAS, ATTRIBUTE, EDGES, ENTITY, ITEM, KINDS, NAMED, NODES, REJECTS, USER, Declared, fold

_STATED = {**{label.lower(): label for label in schema.LABELS if label != ATTRIBUTE}, **KINDS}
del _STATED["entity"]
"""The label that the prefix of an id says: of `person:tom hanks`, or `genre:comedy`. `entity:` says: no item."""


def resolve(
    triples: pl.DataFrame, known: pl.DataFrame, declared: Declared
) -> tuple[tuple[pl.DataFrame, pl.DataFrame], pl.DataFrame]:
    """New nodes (id, label, name) and edges of triples (head, relation, tail), and the triples that cannot be used.

    `known` holds the nodes (id, label, name) that are there without them. An end is the id of an item (`1`, or
    `item:1`), or the id of another known node (`brand:nike`, folded if need be), or else a new node: `entity:<end>`, or
    of the label that its relation was declared with, `person:<folded end>`. A value of a declared Attribute goes by its
    relation, `mood:dark`, and `entity:1` is not the item 1. A triple of the relation `rdfs:label` names its head if no
    other table does; else, and for further names, it is an alias.
    """
    rows = triples.select(pl.col(list(EDGES)).cast(pl.String).str.strip_chars())
    rows = _typed(rows, declared)
    rows = pl.concat([rows, faults(rows, _bare_items(known), declared, known)], how="horizontal")
    blank = [pl.col(end).is_null() | (pl.col(end) == "") for end in ("head", "tail")]
    reason = (
        pl.when(blank[0])
        .then(pl.lit("no head"))
        .when(blank[1])
        .then(pl.lit("no tail"))
        .when(pl.col("type").is_null())
        .then(pl.lit("the relation has no letter or digit of ASCII"))
        .otherwise("reason")
    )
    rows = rows.with_columns(reason=reason)
    rejects = rows.filter(pl.col("reason").is_not_null()).select(list(REJECTS))
    good = rows.filter(pl.col("reason").is_null())
    heads, tails = (_ends(good, end, known) for end in ("head", "tail"))
    good = good.with_columns(head_id=heads["id"], tail_id=tails["id"])
    names, good = _names(good, known)
    named = good["relation"] != NAMED  # a name that is an alias now has an end of its own: the name as it is written
    edges = good.select(
        head="head_id",
        relation=pl.when(named).then("type").otherwise(pl.lit(ALIAS)),
        tail=pl.when(named).then("tail_id").otherwise("entity:" + pl.col("tail")),
    )
    ends = pl.concat([heads, tails]).unique("id", keep="first", maintain_order=True)
    used = pl.concat([edges["head"], edges["tail"], names["id"]]).unique()
    aliases = good.filter(~named).select(id="entity:" + pl.col("tail"), label=pl.lit(ENTITY), name="tail")
    nodes = pl.concat([ends, aliases]).unique("id", keep="first", maintain_order=True).join(known, on="id", how="anti")
    nodes = nodes.filter(pl.col("id").is_in(used.implode())).join(names, on="id", how="left", maintain_order="left")
    return (nodes.select("id", "label", name=pl.coalesce("given", "name")), edges), rejects


def faults(
    triples: pl.DataFrame, item_ids: pl.Series, declared: Declared, known: pl.DataFrame | None = None
) -> pl.DataFrame:
    """field, reason: of each triple (head, relation, tail), what is against the declared relations; null if nothing.

    An id of an item is an Item, a prefix (`brand:nike`) says its label, as does a node that is known; anything else
    may be of any label but Item. Two exceptions: a value of an Attribute may look like the id of an item, as years and
    sizes do, and an Entity may be anything but an item or a user.
    """
    rows = triples if "type" in triples.columns else _typed(triples, declared)
    rows = rows.with_columns(_label(rows[end], item_ids, known).alias(f"{end}_is") for end in ("head", "tail"))
    bare = {end: pl.col(end).is_in(item_ids.implode()) for end in ("head", "tail")}

    def fits(end: str, wanted: pl.Expr) -> pl.Expr:
        label = pl.col(f"{end}_is")
        anything = (wanted == ENTITY) & ~label.is_in([ITEM, USER]).fill_null(False)
        return (
            pl.when(label.is_null()).then(wanted != ITEM).otherwise(label == wanted)
            | anything
            | (bare[end] & (wanted == ATTRIBUTE))
        )

    head, tail = pl.col("head_wanted"), pl.col("tail_wanted")
    goes = pl.format("{} goes from {} to {}", "relation", head, tail)

    def wrong(end: str) -> pl.Expr:
        label = pl.col(f"{end}_is")
        article = pl.when(label.str.contains("^[AEIO]")).then(pl.lit("an")).otherwise(pl.lit("a"))
        unknown = pl.format("the {} is no item: {}", pl.lit(end), goes)
        return (
            pl.when(label.is_null())
            .then(unknown)
            .otherwise(pl.format("the {} is {} {}: {}", pl.lit(end), article, label, goes))
        )

    undeclared = head.is_null() & pl.lit(declared.strict) & ~pl.col("type").is_in([ALIAS, _NAMED_TYPE])
    turned = fits("head", tail) & fits("tail", head) & (head != tail)
    bad_head, bad_tail = ~fits("head", head), ~fits("tail", tail)
    cases = [
        (undeclared, "relation", pl.format("{} is not declared in [graph.relations], which is strict", "relation")),
        ((bad_head | bad_tail) & turned, "relation", pl.format("reversed: {}", goes)),
        (bad_head, "head", wrong("head")),
        (bad_tail, "tail", wrong("tail")),
    ]
    first = pl.coalesce(pl.when(case).then(pl.lit(place)) for place, (case, _, _) in enumerate(cases))
    rows = rows.with_columns(case=first)
    return rows.select(
        field=pl.col("case").replace_strict(list(range(len(cases))), [field for _, field, _ in cases], default=None),
        reason=pl.coalesce(pl.when(pl.col("case") == place).then(reason) for place, (_, _, reason) in enumerate(cases)),
    )


_NAMED_TYPE = schema.relation_type(NAMED)


def _typed(rows: pl.DataFrame, declared: Declared) -> pl.DataFrame:
    """The rows with their relation's type, and the labels it wants of its ends if it was declared."""
    names = rows["relation"].drop_nulls().unique()
    types = [schema.relation_type(name) for name in names]
    wanted = [declared.relations.get(kind or "", (None, None)) for kind in types]
    found = {
        "relation": names,
        "type": types,
        "head_wanted": [w[0] for w in wanted],
        "tail_wanted": [w[1] for w in wanted],
    }
    table = pl.DataFrame(found, schema=dict.fromkeys(found, pl.String))
    return rows.join(table, on="relation", how="left", maintain_order="left")


def _bare_items(known: pl.DataFrame) -> pl.Series:
    """The ids of the items among the nodes, without `item:`."""
    return known.filter(pl.col("label") == ITEM)["id"].str.strip_prefix("item:")


def _label(ends: pl.Series, item_ids: pl.Series, known: pl.DataFrame | None) -> pl.Series:
    """The label that each end has for certain; null where it may have any."""
    prefix = pl.col("end").str.extract(r"^([^:]+):", 1)
    stated = prefix.replace_strict(list(_STATED), list(_STATED.values()), default=None)
    rest = pl.col("end").str.strip_prefix("item:")
    # `item:9` of no item is no item.
    stated = pl.when((stated == ITEM) & ~rest.is_in(item_ids.implode())).then(None).otherwise(stated)
    labels = ends.alias("end").to_frame()
    if known is None:
        there = pl.lit(None, pl.String)
    else:
        labels = labels.join(known.select(end="id", label="label"), on="end", how="left", maintain_order="left")
        there = pl.col("label")
    item = pl.when(pl.col("end").is_in(item_ids.implode())).then(pl.lit(ITEM))
    return labels.select(pl.coalesce(item, there, stated)).to_series()


def _ends(rows: pl.DataFrame, end: str, known: pl.DataFrame) -> pl.DataFrame:
    """id, label, name: the node that the end of each row stands for."""
    wanted = f"{end}_wanted"
    table = rows.select(end=end, wanted=wanted, type=pl.when(pl.col(wanted) == ATTRIBUTE).then("type"))
    # Folding is Python, so it runs once per distinct end and not once per edge.
    distinct = table.unique(maintain_order=True)
    items, ids = set(_bare_items(known)), set(known["id"])
    found = [_node(name, label, kind, items, ids) for name, label, kind in distinct.iter_rows()]
    nodes = pl.concat([distinct, pl.DataFrame(found, schema=NODES, orient="row")], how="horizontal")
    joined = table.join(nodes, on=["end", "wanted", "type"], how="left", nulls_equal=True, maintain_order="left")
    return joined.select(list(NODES))


def _node(end: str, wanted: str | None, kind: str | None, items: set[str], known: set[str]) -> tuple[str, str, str]:
    """id, label and name of the node that an end stands for; `kind` is the relation type, given for Attributes."""
    if end in items and wanted != ATTRIBUTE:
        return f"item:{end}", ITEM, end
    if end in known:
        return end, "", end  # its label and name are there already
    prefix, colon, rest = end.partition(":")
    if prefix == "entity" and rest:
        if wanted in (None, ENTITY):
            return end, ENTITY, rest
        end = rest
    elif colon and prefix in _STATED and fold(rest):
        label = _STATED[prefix]
        id = f"{prefix if label == ATTRIBUTE else label.lower()}:{fold(rest)}"
        if id in known or wanted in (label, ENTITY):
            return id, label, rest
    if wanted in (None, ENTITY):
        return f"entity:{end}", ENTITY, end
    prefix = wanted.lower()
    if wanted == ATTRIBUTE:
        assert kind is not None
        own = kind.lower().removeprefix("has_")
        prefix = own if _STATED.get(own, ATTRIBUTE) == ATTRIBUTE else kind.lower()
    return f"{prefix}:{fold(end) or end}", wanted, end


def _names(rows: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """id, given: names for nodes that have none; and the rows without those, and without names already given."""
    names = rows.with_row_index("row").filter(pl.col("relation") == NAMED).select("row", id="head_id", given="tail")
    fresh = names.join(known, on="id", how="anti", maintain_order="left")
    given = fresh.unique("id", keep="first", maintain_order=True).select("id", "given")
    both = pl.concat([given, known.select("id", given="name")])
    said = names.join(both.rename({"given": "called"}), on="id", how="left", maintain_order="left")
    same = said.filter(
        pl.Series([fold(a) == fold(b) for a, b in said.select("given", "called").iter_rows()], dtype=pl.Boolean)
    )
    rows = rows.with_row_index("row").join(same.select("row"), on="row", how="anti", maintain_order="left")
    return given, rows.drop("row")
