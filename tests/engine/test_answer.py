"""Answers from item texts, on a small generated shop; sentences and where they stand."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Engine
from engine.errors import DataError, UnknownIdError
from engine.search.answer import Answerer, asked_terms
from engine.search.passages import LONGEST, passages
from tests.engine.eight import rules, sensitive

HERO = "p0016"
"""Nike Air Max 270 white sneakers, in a shop of this size."""


@pytest.fixture(scope="module")
def engine(small_artefact: Path) -> Engine:
    return Engine.load(small_artefact)


@pytest.mark.parametrize("question", ["what material is it?", "What is the material?", "是什么材质的？", "材质"])
def test_the_sentence_that_tells_it(engine: Engine, question: str) -> None:
    text = engine.catalogue.items.filter(item_id=HERO)["text"][0]
    found = engine.answer(question, item=HERO)
    assert found is not None
    assert found.text.startswith(("Material:", "材质"))
    assert text[found.start : found.end] == found.text
    assert 0 < found.score <= 1


@pytest.mark.parametrize(
    "question",
    ["What material is the Nike Air Max 270?", "耐克 Air Max 270 是什么材质的？", "nike air max 270 material"],
)
def test_the_item_is_found_first(engine: Engine, question: str) -> None:
    found = engine.answer(question)
    assert found is not None
    assert found.item_id == HERO
    assert found.text.startswith(("Material:", "材质"))


def test_what_is_sensitive_answers_who_asks_for_it(engine: Engine) -> None:
    question, hidden = "What material is the Nike Air Max 270?", replace(engine)
    found = engine.answer(question)
    assert found is not None
    hidden.use_rules(rules(sensitive(items={"item_id": found.item_id}, topic="t")))
    less = hidden.answer(question)
    assert less is None or less.item_id != found.item_id
    assert hidden.answer(question, sensitive=["t"]) == found == hidden.answer(question, rules=False)
    assert hidden.answer(question, item=found.item_id) is not None


@pytest.mark.parametrize("question", ["Who won the election in 1992?", "how many calories does it have", "xyzzyqq"])
def test_what_no_text_tells_has_no_answer(engine: Engine, question: str) -> None:
    assert engine.answer(question) is None
    assert engine.answer(question, item=HERO) is None


@pytest.mark.parametrize("question", ["", "  ", "😀", "?!", "\x00", "a" * 10_000])
def test_what_is_no_question_is_told(engine: Engine, question: str) -> None:
    with pytest.raises(DataError, match=r"letter or digit|may have 500"):
        engine.answer(question)
    with pytest.raises(DataError):
        engine.answer(question, item=HERO)


def test_an_unknown_item_is_told(engine: Engine) -> None:
    with pytest.raises(UnknownIdError, match="'nothing'"):
        engine.answer("what material?", item="nothing")


@given(question=st.text(max_size=60))
def test_any_question_has_an_answer_or_none(eight: Engine, question: str) -> None:
    if any(map(str.isalnum, question)):
        found = eight.answer(question)
        assert found is None or found.text
    else:
        with pytest.raises(DataError):
            eight.answer(question)


def test_words_alone_answer_too() -> None:
    texts = ["Red shoe\nThe sole is rubber. Ships in two days.", "Blue hat\nMade of wool."]
    counts = {"sole": 1, "rubber": 1, "ships": 1, "wool": 1, "red": 1, "shoe": 1, "days": 1, "two": 1}
    answerer = Answerer(texts, [["red", "shoe"], ["blue", "hat"]], [[], []], counts, None)
    found = answerer.best("what is the sole of the red shoe", [0, 1])
    assert found is not None
    assert texts[0][found[0].start : found[0].end] == "The sole is rubber."
    assert answerer.best("battery voltage", [0, 1]) is None


def test_words_of_asking_are_no_part_of_the_answer() -> None:
    assert asked_terms("What material is it?") == ["material"]
    assert asked_terms("这是什么材质的") == ["材质"]
    assert asked_terms("what is it") == ["what", "is", "it"]


def test_sentences_of_two_languages() -> None:
    text = "Shoe 2.5 cm. Soft!  Light\n材质:网面。颜色:白色。"
    said = [text[one.start : one.end] for one in passages(text, 0)]
    assert said == ["Shoe 2.5 cm.", "Soft!", "Light", "材质:网面。", "颜色:白色。"]


@given(st.text(alphabet="ab .!?。，\n", max_size=1500))
def test_sentences_hold_every_word_once(text: str) -> None:
    found = list(passages(text, 0))
    assert all(0 < one.end - one.start <= LONGEST for one in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert "".join(filter(str.isalnum, "".join(text[one.start : one.end] for one in found))) == "".join(
        filter(str.isalnum, text)
    )
