"""What texts name is found: aliases in two languages, spellings, homonyms by context, and nothing where nothing is."""

from functools import cache

import polars as pl
import pytest

import encoders
from graph.build import GraphTables, build
from graph.errors import GraphError
from graph.link import LINKS, MENTIONS, UNSURE, Decisions, Linker, Settings, weave
from graph.link.context import Encode


@cache
def encode() -> Encode:
    return encoders.open_text("multilingual").encode


@pytest.fixture(scope="module")
def shop() -> GraphTables:
    rows = [
        ("Nike", "Shoes > Sport shoes", "Nike Air Max", "white"),
        ("Nike", "Shoes > Sport shoes", "Nike Pegasus", "black"),
        ("Adidas", "Shoes > Sport shoes", "Adidas Aurora", "white"),
        ("Muji", "Home > Lamps", "Muji Aurora", "white"),
        ("Apple", "Electronics > Phones", None, "black"),
        ("Apple", "Electronics > Headphones", None, "white"),
        ("Midea", "Kitchen > Kettles", None, "black"),
        ("Le Creuset", "Kitchen > Pans", None, "orange"),
        ("Penguin", "Books > Novels", None, None),
        ("Orange", "Electronics > Phones", None, "black"),
        (None, "Shoes > Sport shoes", None, None),
        (None, "Books > Cook books", None, None),
    ]
    items = pl.DataFrame(rows * 3, schema=["brand", "category", "collection", "colour"], orient="row")
    items = items.with_row_index("item_id").with_columns(pl.col("item_id").cast(pl.String))
    aliases = {
        "nike": "耐克",
        "apple": "苹果",
        "midea": "美的",
        "muji": "无印良品",
        "adidas": "阿迪达斯",
        "penguin": "企鹅",
    }
    triples = [(f"brand:{name}", "alias", zh) for name, zh in aliases.items()]
    triples += [("colour:white", "alias", "白色"), ("category:shoes > sport shoes", "alias", "运动鞋")]
    return build(
        items,
        attributes=["collection", "colour"],
        brand="brand",
        category="category",
        triples=pl.DataFrame(triples, schema=["head", "relation", "tail"], orient="row"),
    )


def nodes(shop: GraphTables, text: str, context: bool = False, item: str | None = None) -> set[str]:
    linker = Linker(shop, encode() if context else None)
    return set(linker.link([text], None if item is None else [item]).links["node"])


@pytest.mark.parametrize(
    "text",
    [
        "Nike shoes",
        "NIKE",
        "by ｎｉｋｅ Ｎｉｋｅ.",
        "耐克跑鞋",
        "NIKE’s best",
        "a (Nike) pair",
        "Ni\u00adke",
        "N\u0301ike",
    ],
)
def test_one_brand_however_it_is_written(shop: GraphTables, text: str):
    assert "brand:nike" in nodes(shop, text)


@pytest.mark.parametrize(("text", "node"), [("無印良品的檯燈", "brand:muji"), ("阿迪達斯", "brand:adidas")])
def test_traditional_characters_are_the_same_names(shop: GraphTables, text: str, node: str):
    assert node in nodes(shop, text)


@pytest.mark.parametrize("text", ["Nikes", "unike", "完美的设计", "penguins in snikers", "White-label orangeade"])
def test_a_part_of_another_word_is_no_name(shop: GraphTables, text: str):
    assert nodes(shop, text) <= {"colour:white"}


def test_the_longest_name_is_meant_and_its_owner_with_it(shop: GraphTables):
    assert nodes(shop, "Nike Air Max 270") == {"collection:nike air max", "brand:nike"}


def test_a_line_without_its_brand_is_that_of_the_brand_in_the_text_or_in_the_table(shop: GraphTables):
    assert nodes(shop, "Aurora 300 by Muji") == {"collection:muji aurora", "brand:muji"}
    assert nodes(shop, "Adidas shoe, Aurora 300") >= {"collection:adidas aurora", "brand:adidas"}
    assert nodes(shop, "Aurora 300", item="2") == {"collection:adidas aurora"}
    assert nodes(shop, "Aurora borealis") == set()


@pytest.mark.parametrize(
    ("text", "node"),
    [("New Addidas shoe", "brand:adidas"), ("Adiads", "brand:adidas"), ("阿迪达思运动鞋", "brand:adidas")],
)
def test_a_misspelt_name_is_found_with_evidence(shop: GraphTables, text: str, node: str):
    found = Linker(shop, encode(), Settings(review=0.1)).link([text])
    rows = pl.concat([found.links, found.unsure.select(list(LINKS))]).filter(pl.col("node") == node)
    assert rows["method"].to_list() == ["fuzzy"]
    assert 0.7 < rows["evidence"].struct.field("similarity")[0] < 1
    assert Linker(shop, settings=Settings(fuzzy=False)).link([text]).links.filter(pl.col("node") == node).is_empty()


APPLE = [
    ("The new Apple phone has a brighter screen and a faster chip.", True),
    ("Wireless headphones made by Apple, with a charging case.", True),
    ("苹果手机屏幕更亮,芯片更快。", True),
    ("苹果无线耳机,蓝牙连接。", True),
    ("Slice the apple thinly and bake the pie with cinnamon and sugar until golden.", False),
    ("A basket of fresh fruit: apple, pear, banana from the orchard.", False),
    ("Apple pie with cinnamon, baked as grandmother did.", False),
    ("将苹果切片,加入肉桂和糖烘烤成派。", False),
    ("新鲜水果:苹果、梨、香蕉,果园直送。", False),
    ("这本菜谱教你做苹果派。", False),
]


@pytest.mark.parametrize(("text", "brand"), APPLE)
def test_apple_the_brand_and_apple_the_fruit(shop: GraphTables, text: str, brand: bool):
    # Only the brand is in the graph: the fruit must link to nothing.
    assert ("brand:apple" in nodes(shop, text, context=True)) == brand


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("An orange pan of cast iron, in orange enamel", "colour:orange"),
        ("A phone by Orange with a prepaid card", "brand:orange"),
    ],
)
def test_two_nodes_of_one_name(shop: GraphTables, text: str, node: str):
    found = Linker(shop, encode()).link([text]).links
    orange = found.filter(pl.col("surface").str.to_lowercase() == "orange")
    assert set(orange["node"]) == {node}
    assert set(orange["evidence"].struct.field("rivals").list.len()) == {1}


def test_countries_peoples_and_languages():
    items = pl.DataFrame(
        {
            "item_id": ["1", "2", "3"],
            "country": [["United States of America"], ["France"], ["Mexico"]],
            "language": [["English"], ["Français"], ["Español"]],
        }
    )
    graph = build(items, attributes=["country", "language"])
    cases = {
        "An American in love": {"place:united states of america"},
        "Tell us more": set(),
        "made in the US": {"place:united states of america"},
        "A French cook": {"place:france"},
        "They speak French.": {"language:français"},
        "Shot in French.": {"language:français"},
        "法国电影": {"place:france"},
        "A town in New Mexico": set(),
        "A town in Mexico": {"place:mexico"},
        "An Italian-American family": set(),
        "Native Americans of old": set(),
    }
    for text, wanted in cases.items():
        assert nodes(graph, text) == wanted, text


def test_the_tables_tell_which_words_are_names():
    # `family` stands in every text and the genre in few rows; where `comedy` is said the genre is Comedy.
    rows = [("a comedy for the family", ["Comedy"]), ("the family at war", ["Drama"])] * 10 + [("", ["Family"])]
    texts, genres = zip(*rows, strict=True)
    ids = [str(row) for row in range(len(rows))]
    graph = build(pl.DataFrame({"item_id": ids, "genre": genres}), attributes=["genre"])
    assert set(Linker(graph).link(texts, ids).links["node"]) == {"genre:comedy"}


def test_every_link_has_its_span_and_evidence_and_empty_texts_none(shop: GraphTables):
    texts = ["  Ｎｉｋｅ white", None, "", "耐克"]
    found = Linker(shop, encode()).link(texts, ["0", "1", "2", "3"])
    assert found.links.schema == pl.Schema(LINKS) and found.unsure.schema == pl.Schema(UNSURE)
    for item, surface, start, end in found.links.select("item_id", "surface", "start", "end").iter_rows():
        text = texts[int(item)]
        assert text is not None and text[start:end] == surface
    assert set(found.links["item_id"]) == {"0", "3"}
    assert found.links["score"].is_between(0.7, 1).all()
    with pytest.raises(GraphError, match="2 texts of 1 items"):
        Linker(shop).link(["a", "b"], ["0"])


def test_titles_of_other_items_only_if_wanted():
    items = pl.DataFrame({"item_id": ["1", "2"], "title": ["A Close Shave", "Heat"], "genre": [["War"], ["War"]]})
    graph = build(items, attributes=["genre"])
    text = 'After "A Close Shave" the heat was on'
    assert Linker(graph).link([text], ["2"]).links.is_empty()
    assert Linker(graph, settings=Settings(titles=True)).link([text], ["2"]).links["node"].to_list() == ["item:1"]
    assert Linker(graph, settings=Settings(titles=True)).link([text], ["1"]).links.is_empty()  # its own title


def test_a_decision_stands_above_the_score(shop: GraphTables):
    said = Decisions({("0", "Nike"): "reject", ("1", "nothing at all"): "brand:nike", ("1", "Nike"): "brand:muji"})
    found = Linker(shop, decisions=said).link(["Nike Nike", "Nike"], ["0", "1"]).links
    assert found.select("item_id", "node", "method").rows() == [("1", "brand:muji", "decided")]


def test_links_become_facts_where_the_table_has_none_and_mentions_elsewhere(shop: GraphTables):
    texts = {"10": "Nike sport shoes, white", "0": "beside Adidas", "22": "Nike or Adidas"}
    links = Linker(shop).link(list(texts.values()), list(texts)).links
    added = weave(shop, links).edges.join(shop.edges, on=["head", "relation", "tail"], how="anti").rows()
    assert set(added) == {
        ("item:10", "MADE_BY", "brand:nike"),
        ("item:10", "HAS_COLOUR", "colour:white"),
        ("item:0", MENTIONS, "brand:adidas"),
        ("item:22", MENTIONS, "brand:nike"),  # two brands are named: which made it is not said
        ("item:22", MENTIONS, "brand:adidas"),
    }
    mentions = weave(shop, links, fill=False)
    assert set(mentions.edges["relation"]) - set(shop.edges["relation"]) == {MENTIONS}
    assert weave(mentions, links).edges.rows() == mentions.edges.rows()


def test_the_same_texts_give_the_same_links(shop: GraphTables):
    texts = [text for text, _ in APPLE]
    first, second = (Linker(shop, encode()).link(texts) for _ in range(2))
    assert first.links.equals(second.links) and first.unsure.equals(second.unsure)
