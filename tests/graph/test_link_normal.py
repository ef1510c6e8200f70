"""Normalised text and the way back: every span is a span of the original, whatever the text is."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.build import GraphTables
from graph.link import Linker
from graph.link.fuzzy import Speller, count_words
from graph.link.match import Matcher
from graph.link.normal import key, normalise

TEXTS = st.text(alphabet=st.characters(exclude_categories=[]), max_size=60)
"""Of any characters, halves of surrogate pairs too."""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ＮＩＫＥ　Air", "nike air"),
        ("Café, cafe\u0301", "cafe, cafe"),
        ("ﬁne Straße", "fine strasse"),
        ("蘋果手機", "苹果手机"),
        ("Müller’s “A—B”", 'muller\'s "a-b"'),
        ("Ni\u00adke\u200b \n\t x ", "nike x"),
        ("バッグ", "バッグ"),
        ("Łódź, Ærø", "lodz, aero"),
        ("", ""),
    ],
)
def test_spellings_that_are_one(text: str, wanted: str):
    assert key(text) == key(wanted)
    assert normalise(text).text == normalise(wanted).text


@given(TEXTS)
def test_the_quick_way_gives_the_same_text(text: str):
    assert key(text) == normalise(text).text


def test_kana_keep_their_voicing_marks():
    assert key("バ") != key("ハ")


@given(TEXTS)
def test_every_character_knows_where_it_came_from(text: str):
    normal = normalise(text)
    assert len(normal.text) == len(normal.starts) == len(normal.ends)
    for at in range(len(normal.text)):
        assert 0 <= normal.starts[at] < normal.ends[at] <= len(text)
    assert list(normal.starts) == sorted(normal.starts) and list(normal.ends) == sorted(normal.ends)


@given(TEXTS)
def test_a_normalised_text_stays_as_it_is(text: str):
    once = key(text)
    assert key(once) == once


@given(TEXTS, st.data())
def test_a_whole_span_normalises_to_what_was_found(text: str, data: st.DataObject):
    normal = normalise(text)
    if not normal.text:
        return
    start = data.draw(st.integers(0, len(normal.text) - 1))
    end = data.draw(st.integers(start + 1, len(normal.text)))
    a, b = normal.span(start, end)
    assert 0 <= a < b <= len(text)
    if normal.whole(start, end):
        assert key(text[a:b]) == key(normal.text[start:end])


@given(
    st.lists(TEXTS, max_size=4),
    st.lists(st.sampled_from(["Nike ", "耐克", "Addidas", "阿迪达思", "U.S. "]), max_size=6),
)
def test_linking_takes_any_text_and_tells_its_spans(texts: list[str], names: list[str]):
    linker = small_linker()
    texts = [*texts, "".join(names), *(f"{text}{name}" for text, name in zip(texts, names, strict=False))]
    found = linker.link(texts)
    for rows in (found.links, found.unsure):
        for item, surface, start, end, score in rows.select("item_id", "surface", "start", "end", "score").iter_rows():
            assert texts[int(item)][start:end] == surface != ""
            assert 0 <= score <= 1
    assert linker.link(texts).links.equals(found.links)


def small_linker() -> Linker:
    import polars as pl

    from graph.build import build

    items = pl.DataFrame({"item_id": ["1", "2"], "brand": ["Nike", "Adidas"], "country": ["China", "United States"]})
    triples = [("brand:nike", "alias", "耐克"), ("brand:adidas", "alias", "阿迪达斯")]
    table = pl.DataFrame(triples, schema=["head", "relation", "tail"], orient="row")
    tables: GraphTables = build(items, attributes=["country"], brand="brand", triples=table)
    return Linker(tables)


FORMS = ["air max", "nike", "苹果", "云", "new balance"]


@given(st.lists(st.sampled_from([*FORMS, " ", "。", "x", "派"]), max_size=12).map("".join))
def test_matches_are_forms_in_order_and_apart(text: str):
    normal = normalise(text)
    matches = Matcher(FORMS).find(normal)
    assert all(match.form in FORMS and normal.text[match.start : match.end] == match.form for match in matches)
    assert all(a.end <= b.start for a, b in pairwise(matches))


def test_matching_agrees_with_a_slow_reference():
    text = normalise("new balance new nike air max nikes airmax max air max, nike").text
    words = Matcher(["nike", "air max", "max", "new balance", "new"]).find(normalise(text))
    slow = []
    at = 0
    while at < len(text):
        longest = max(
            (
                form
                for form in ("nike", "air max", "max", "new balance", "new")
                if text.startswith(form, at)
                and not text[at - 1 : at].isalnum()
                and not text[at + len(form) : at + len(form) + 1].isalnum()
            ),
            key=len,
            default="",
        )
        slow += [(longest, at)] if longest else []
        at += len(longest) or 1
    assert [(match.form, match.start) for match in words] == slow


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("adiads", "adidas"),
        ("addidas", "adidas"),
        ("new balence", "new balance"),
        ("samsonit", "samsonite"),
        ("阿迪达思", "阿迪达斯"),
    ],
)
def test_what_is_nearly_a_form(said: str, form: str):
    speller = Speller(["adidas", "new balance", "samsonite", "阿迪达斯", "nike"], count_words([said]))
    assert [near.match.form for near in speller.find(f"a {said} x", [])] == [form]


def test_a_common_word_is_no_misspelling():
    texts = ["line"] * 9 + ["linen"]
    assert Speller(["linen"], count_words(texts)).find("the line", []) == []
    assert Speller(["linen"], count_words(["linin", "linen"])).find("of linin", [])[0].edits == 1
