"""The report: a whole page that asks nothing of the network, whatever stands in it; and the groups it shows."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import sparse

from engine.evaluation import plots, report, slices
from engine.evaluation.report import Fit, Gate, Metric, Ranker, Report, Segment, Slice
from tests.engine.sample_report import FULL

EMPTY = Report(title="nothing", metric="recall@20", gate_metric="ndcg@20", data={}, rankers=[])
VOID = {"meta", "br", "hr", "img", "link", "input"}
NAMESPACES = {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}


class Page(HTMLParser):
    """Checks that elements nest, and collects what the tests ask for."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.ids, self.text, self.links = [], [], [], "", []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"{tag} has a handler"
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                self.links.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> in {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data


def headings(html):
    return re.findall(r"<h2>(.*?)</h2>", html)


def test_the_full_page_stands_alone():
    html = report.render(FULL)
    page = Page(html)
    assert headings(html) == [
        "Quality", "Does each part earn its place?", "For whom, and for which items", "Learning",
        "What it was built from",
    ]  # fmt: skip
    assert page.tags.count("svg") == 7
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & set(page.tags)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert set(re.findall(r"""https?://[^\s"'<)]+""", html)) <= NAMESPACES
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {f"#{name}" for name in page.ids}
    assert "@import" not in html
    assert len(page.ids) == len(set(page.ids))


def test_it_shows_every_figure():
    page = Page(report.render(FULL))
    for words in (
        "movielens-100k", "0.2931", "0.2811", "0.3051", "EASE, recency and transitions", "New items", "+0.0486",
        "\N{MINUS SIGN}0.0009", "the interval includes zero", "10–19", "100,000", "unknown item", "1 min 52 s",
        "2.15.0", "graph network, loss", "0.2399", "41.1%", "\N{MINUS SIGN}0.0123", "harmed", "language of the text",
        "validation", "0.9312", "0.0187", "18,860",
    ):  # fmt: skip
        assert words in page.text, words


def test_the_best_of_a_column_is_marked_and_only_quality():
    html = report.render(FULL)
    assert re.findall(r'class="best">([\d.]+)', html)[:3] == ["0.2931", "0.2377", "0.7621"]
    assert len(re.findall(r'class="best"', html)) == 2 * 5, "not where all rows are equal, nor for coverage and novelty"


def test_a_harmed_group_is_marked_and_no_other():
    html = report.render(FULL)
    assert len(re.findall(r'class="verdict off">harmed<', html)) == 1
    assert re.findall(r'colspan="7">(.*?)<', html) == ["events in the history", "language of the text"]


def test_an_empty_report_is_a_page_too():
    html = report.render(EMPTY)
    assert headings(html) == ["What it was built from"]
    assert "svg" not in Page(html).tags


HOSTILE = (
    "</title><script>alert(1)</script><img src=http://x.example onerror='x'>{{ 7 * 7 }}{% x %} $\\frac{$ & 白 #010101"
)


def hostile():
    rows = [Slice(label=HOSTILE, users=1, mean=0.1, low=0.1, high=0.1)]
    return Report(
        title=HOSTILE,
        subtitle=HOSTILE,
        metric=HOSTILE,
        gate_metric=HOSTILE,
        data={HOSTILE: HOSTILE},
        rejects={HOSTILE: 1},
        rankers=[Ranker(name=HOSTILE, group=HOSTILE, metrics={HOSTILE: Metric(mean=0.1)})],
        gates=[Gate(part=HOSTILE, kind=HOSTILE, gain=0, low=0, high=0, kept=False, why=HOSTILE)],
        by_history=rows,
        by_popularity=rows,
        rival=HOSTILE,
        segments=[
            Segment(
                by=HOSTILE, label=HOSTILE, users=1, metric=HOSTILE, mean=0, rival=0, gain=0, low=0, high=0, harmed=True
            )
        ],
        fits=[Fit(part=HOSTILE, users=1, metrics={HOSTILE: 0.1})],
        contributions={HOSTILE: 1.0},
        curves={HOSTILE: [0.1]},
        timings={HOSTILE: 1},
        environment={HOSTILE: HOSTILE},
    )


def test_names_are_text_and_nothing_else():
    html = report.render(hostile())
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)
    assert "{{ 7 * 7 }}" in page.text and "<script>alert(1)</script>" in page.text


def test_json_is_the_same_report(tmp_path):
    for one in (FULL, EMPTY, hostile()):
        report.write(one, tmp_path / "deep")
        assert Report.model_validate_json((tmp_path / "deep" / "report.json").read_text(encoding="utf-8")) == one
        assert (tmp_path / "deep" / "report.html").read_text(encoding="utf-8") == report.render(one)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["report.html", "report.json"]


def test_undefined_figures_are_dashes():
    nan = float("nan")
    row = Ranker(name="Weft", metrics={"auc": Metric(mean=nan, low=nan, high=float("inf"))})
    curves = {"loss": [1.0, nan], "none": [nan]}
    broken = Report(title="x", metric="m", gate_metric="g", data={}, rankers=[row], curves=curves)
    html = report.render(broken)
    assert "nan" not in Page(html).text.lower() and "–" in Page(html).text
    assert Report.model_validate_json(broken.model_dump_json()) == broken


def test_a_wrong_field_is_an_error():
    with pytest.raises(ValidationError, match="recal"):
        Slice(label="a", users=1, mean=0, low=0, high=0, recal=1)
    with pytest.raises(ValidationError, match="finite"):
        Slice(label="a", users=1, mean=float("nan"), low=0, high=0)


def test_the_same_report_is_the_same_page():
    assert report.render(FULL) == report.render(FULL)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1234567, "1,234,567"),
        (0.09614, "0.0961"),
        (12345.67, "12,345.7"),
        ("2 cores", "2 cores"),
        (None, "–"),
        (0, "0"),
    ],
)
def test_figures(value, words):
    assert report.figure(value) == words


def test_durations_and_gains():
    assert [report.seconds(value) for value in (0.04, 59.94, 60, 119.6, 3725)] == [
        "0.0 s", "59.9 s", "1 min 00 s", "2 min 00 s", "62 min 05 s",
    ]  # fmt: skip
    assert [report.gain(value) for value in (0.01234, -0.5, 0)] == ["+0.0123", "\N{MINUS SIGN}0.5000", "+0.0000"]


# --- drawings

finite = st.floats(-1e6, 1e6)
labels = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40)


@settings(max_examples=15)
@given(st.lists(st.tuples(labels, finite, st.floats(0, 10), st.booleans()), min_size=1, max_size=5))
def test_drawings_are_svg_in_the_colours_of_the_page(rows):
    gates = [Gate(part=a, kind="warm", gain=b, low=b - c, high=b + c, kept=d, why="") for a, b, c, d in rows]
    groups = [Slice(label=a, users=1, mean=abs(b), low=abs(b) - c, high=abs(b) + c) for a, b, c, _ in rows]
    values = [b for _, b, _, _ in rows]
    for svg in (
        plots.forest(gates, "gain"),
        plots.slices(groups, "events"),
        plots.curve(values),
        plots.shares({a: abs(b) for a, b, _, _ in rows}),
    ):
        root = ElementTree.fromstring(svg)
        assert root.get("viewBox") and not root.get("width") and not root.get("height")
        assert "font-family" not in svg
        # White is what matplotlib leaves where nothing is drawn.
        assert set(re.findall(r"#[0-9a-f]{6}\b", re.sub(r"<text.*?</text>", "", svg, flags=re.DOTALL))) <= {"#ffffff"}


# --- groups


def test_groups_by_history_length_by_hand():
    rows = slices.by_history_length(np.array([0.1, 0.2, 0.4, 1.0, 0.5]), np.array([0, 3, 4, 5, 200]))
    assert [(row.label, row.users) for row in rows] == [("0", 1), ("1–4", 2), ("5–9", 1), ("200+", 1)]
    assert [row.mean for row in rows] == pytest.approx([0.1, 0.3, 1.0, 0.5])
    assert all(row.low <= row.mean <= row.high for row in rows)


def test_groups_by_item_popularity_by_hand():
    # Twenty items, two a decile; item 19 is the most popular, 0 and 1 the rarest.
    popularity = np.arange(20)
    relevant = np.zeros((3, 20), bool)
    relevant[0, [18, 19, 0]] = relevant[1, [19]] = relevant[2, [5]] = True
    ranked = np.array([[19, 0, 7], [3, 2, -1], [5, -1, -1]])
    rows = slices.by_item_popularity(ranked, sparse.csr_array(relevant), popularity)
    assert [(row.label, row.users, row.mean) for row in rows] == [
        ("1", 1, 1.0),  # the first user asked for item 0 and got it
        ("3", 1, 1.0),  # the third user's item 5
        ("10", 2, 0.25),  # one of two for the first, none of one for the second
    ]


def test_deciles_have_equal_sizes_under_ties():
    relevant = sparse.csr_array(np.ones((1, 30), bool))
    rows = slices.by_item_popularity(np.arange(30)[None], relevant, np.zeros(30))
    assert [row.label for row in rows] == [str(n) for n in range(1, 11)]
    assert all(row.mean == 1 for row in rows)


@given(st.integers(0, 2**32 - 1))
def test_groups_of_users_average_to_the_whole(seed):
    rng = np.random.default_rng(seed)
    values, lengths = rng.random(50), rng.integers(0, 300, 50)
    rows = slices.by_history_length(values, lengths, resamples=10)
    assert sum(row.users for row in rows) == 50
    assert sum(row.users * row.mean for row in rows) / 50 == pytest.approx(values.mean())
