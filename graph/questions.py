"""Questions ready to ask, in Cypher that both stores take (see graph.cypher).

Relations are compared as texts: named in a pattern, one that the graph does not have would be an error.
"""

from dataclasses import dataclass, field

_ITEM = {"item": "id of an item, `item:1`"}
_TWO_ITEMS = _ITEM | {"other": "id of another item"}
_NODE = {"node": "id of any node, `brand:nike`"}
_RELATION = {"relation": "a relation, `HAS_GENRE`"}


@dataclass(frozen=True)
class Question:
    """A query with the words that go with it."""

    name: str
    english: str
    """What it answers."""
    chinese: str
    """The same in Chinese."""
    cypher: str
    parameters: dict[str, str] = field(default_factory=dict)
    """What each of its $parameters is."""


ABOUT = Question(
    "about",
    "What is said of this item?",
    "这件商品有哪些事实？",
    """
MATCH (a:Item {id: $item})-[r]->(e)
RETURN DISTINCT type(r) AS relation, e.id AS id, e.name AS name ORDER BY relation, id
""",
    _ITEM,
)
ALIASES = Question(
    "aliases",
    "By which other names is this known?",
    "它还有哪些别名？",
    """
MATCH (e {id: $node})-[r]->(a) WHERE type(r) IN ['ALIAS', 'HAS_ALIAS', 'ALSO_KNOWN_AS', 'SAME_AS']
RETURN DISTINCT a.name AS alias, a.id AS id ORDER BY id
""",
    _NODE,
)
BRANDS_WITH = Question(
    "brands-with",
    "Which brands share categories and collections with this brand?",
    "哪些品牌与该品牌同品类、同系列？",
    """
MATCH (a {id: $node})<-[r]-(i:Item)-[s]->(c)<-[t]-(j:Item)-[u]->(b)
WHERE type(r) = 'MADE_BY' AND type(u) = 'MADE_BY' AND b.id <> a.id
AND type(s) IN ['BELONGS_TO', 'HAS_COLLECTION'] AND type(t) = type(s)
RETURN b.id AS id, b.name AS name, count(DISTINCT c.id) AS shared, count(DISTINCT j.id) AS items
ORDER BY shared DESC, items DESC, id LIMIT 20
""",
    {"node": "id of a brand, `brand:nike`"},
)
COMMON_VALUES = Question(
    "common-values",
    "Which values of a relation are the commonest?",
    "某种关系最常见的取值有哪些？",
    """
MATCH (a:Item)-[r]->(e) WHERE type(r) = $relation
RETURN e.id AS id, e.name AS name, count(DISTINCT a.id) AS items ORDER BY items DESC, id LIMIT 20
""",
    _RELATION,
)
CONNECTS = Question(
    "connects",
    "Through what are these two linked?",
    "这两者通过什么相连？",
    """
MATCH (a {id: $node})-[r]-(e)-[s]-(b {id: $other})
RETURN DISTINCT type(r) AS relation, e.id AS id, e.name AS name, type(s) AS other ORDER BY id, relation, other
""",
    _NODE | {"other": "id of another node"},
)
HUBS = Question(
    "hubs",
    "What do most items have?",
    "最多商品共有的是什么？",
    """
MATCH (a:Item)-[]->(e)
RETURN e.id AS id, e.name AS name, count(DISTINCT a.id) AS items ORDER BY items DESC, id LIMIT 20
""",
)
IN_CATEGORY = Question(
    "in-category",
    "What is in this category and all below it?",
    "该品类及其下级品类里有什么？",
    """
MATCH (c)<-[r]-(a:Item)
WHERE type(r) = 'BELONGS_TO' AND (c.id = $node OR c.id STARTS WITH ($node + ' > '))
RETURN DISTINCT a.id AS item, a.name AS title, c.name AS category ORDER BY item, category
""",
    {"node": "id of a category, `category:shoes`"},
)
ITEMS_OF = Question(
    "items-of",
    "Which items have this?",
    "哪些商品有它？",
    """
MATCH (e {id: $node})<-[]-(b:Item) RETURN DISTINCT b.id AS item, b.name AS title ORDER BY item
""",
    _NODE,
)
LONELY = Question(
    "lonely",
    "Which items have nothing at all?",
    "哪些商品没有任何关系？",
    """
MATCH (a:Item) WHERE NOT EXISTS { MATCH (a)-[]-() } RETURN a.id AS item, a.name AS title ORDER BY item
""",
)
NEIGHBOURHOOD = Question(
    "neighbourhood",
    "What is directly around this?",
    "它的直接邻居有哪些？",
    """
MATCH (a {id: $node})-[r]-(b)
RETURN DISTINCT type(r) AS relation, label(b) AS kind, b.id AS id, b.name AS name ORDER BY relation, id
""",
    _NODE,
)
RARE_FACTS = Question(
    "rare-facts",
    "What sets this item apart?",
    "这件商品有何与众不同？",
    """
MATCH (a:Item {id: $item})-[r]->(e)
RETURN DISTINCT type(r) AS relation, e.id AS id, e.name AS name, COUNT { MATCH (e)<-[]-(:Item) } AS items
ORDER BY items, id, relation LIMIT 10
""",
    _ITEM,
)
SAME_MAKER = Question(
    "same-maker",
    "What else does its maker make?",
    "同一品牌还有哪些商品？",
    """
MATCH (a:Item {id: $item})-[r]->(m)<-[s]-(b:Item)
WHERE type(r) = 'MADE_BY' AND type(s) = 'MADE_BY' AND b.id <> a.id
RETURN DISTINCT m.name AS maker, b.id AS item, b.name AS title ORDER BY maker, item
""",
    _ITEM,
)
SHARED = Question(
    "shared",
    "What do these two items share?",
    "这两件商品有何共同点？",
    """
MATCH (a:Item {id: $item})-[]->(e)<-[]-(b:Item {id: $other})
RETURN DISTINCT e.id AS id, e.name AS name ORDER BY id
""",
    _TWO_ITEMS,
)
SIMILAR = Question(
    "similar",
    "Which items share most with this one?",
    "哪些商品与它共同点最多？",
    """
MATCH (a:Item {id: $item})-[]->(e)<-[]-(b:Item) WHERE b.id <> a.id
RETURN b.id AS item, b.name AS title, count(DISTINCT e.id) AS shared ORDER BY shared DESC, item LIMIT 20
""",
    _ITEM,
)
WHAT_IS = Question(
    "what-is",
    "What is this, and to how much of what is it linked?",
    "它是什么，与多少东西相连？",
    """
MATCH (e {id: $node}) OPTIONAL MATCH (e)-[r]-(b)
RETURN label(e) AS kind, e.name AS name, type(r) AS relation, label(b) AS other, count(b) AS edges
ORDER BY edges DESC, relation, other
""",
    _NODE,
)
WITHOUT = Question(
    "without",
    "Which items lack a relation?",
    "哪些商品缺少某种关系？",
    """
MATCH (a:Item) WHERE NOT EXISTS { MATCH (a)-[r]->() WHERE type(r) = $relation }
RETURN a.id AS item, a.name AS title ORDER BY item
""",
    _RELATION,
)
QUESTIONS = {
    question.name: question
    for question in (
        ABOUT, ALIASES, BRANDS_WITH, COMMON_VALUES, CONNECTS, HUBS, IN_CATEGORY, ITEMS_OF, LONELY, NEIGHBOURHOOD,
        RARE_FACTS, SAME_MAKER, SHARED, SIMILAR, WHAT_IS, WITHOUT,
    )
}  # fmt: skip
"""By name, in order."""
