"""The catalogue: what is kept, what is rejected and why, and that nothing gets lost between the two."""

import math
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Config, Data
from engine.demo import shop
from engine.errors import DataError
from engine.tables import catalogue

ITEMS = [{"item_id": "a", "title": "A"}, {"item_id": "b", "title": "B"}]
EVENTS = [{"user_id": "1", "item_id": "a", "value": 2, "time": 10}]


def config(**data) -> Config:
    return Config(data=Data(**data))


def reasons(frame: pl.DataFrame) -> list[tuple[int, str, str]]:
    return frame.select("line", "field", "reason").rows()


def test_items_have_the_promised_columns(tmp_path):
    (tmp_path / "p.jpg").touch()
    rows = [
        {"sku": 7, "name": " Shoe ", "words": "white", "pic": "p.jpg", "colour": ["white", "white", ""], "price": "9.5",
         "maker": "Nike", "kind": "Shoes > Sport", "other": 1},
        {"sku": 8, "name": None, "words": None, "pic": "", "colour": None, "price": None, "maker": " ", "kind": None},
    ]  # fmt: skip
    data = config(
        item="sku", title="name", text=("name", "words"), image="pic", image_root=tmp_path, attributes=("colour",),
        brand="maker", category="kind", numeric=("price",),
    )  # fmt: skip
    result = catalogue.from_tables(rows, [{"user_id": "u", "sku": "8"}], data)
    assert result.items.to_dicts() == [
        {"item_id": "7", "title": "Shoe", "text": "Shoe\nwhite", "image": str((tmp_path / "p.jpg").resolve()),
         "colour": ["white"], "maker": "Nike", "kind": "Shoes > Sport", "price": 9.5},
        {"item_id": "8", "title": "8", "text": "", "image": None, "colour": [], "maker": None, "kind": None,
         "price": None},
    ]  # fmt: skip
    assert result.items.schema["colour"] == pl.List(pl.String)
    assert result.interactions.rows() == [("u", "8", 1.0, 0)]
    assert result.interactions.schema == {
        "user_id": pl.String,
        "item_id": pl.String,
        "value": pl.Float32,
        "time": pl.Int64,
    }
    assert result.rejects.is_empty()
    assert result.triples.columns == ["head", "relation", "tail"]
    assert result.users.columns == ["user_id"]


def test_items_that_cannot_be_used_are_reported():
    rows = [
        {"item_id": "a"},
        {"item_id": " "},
        {"item_id": "a"},
        {"item_id": None},
        {"item_id": "x" * 2000},
        {"item_id": "b"},
    ]
    result = catalogue.from_tables(rows, EVENTS, config())
    assert result.items["item_id"].to_list() == ["a", "b"]
    assert reasons(result.rejects) == [
        (2, "item_id", "empty id"),
        (3, "item_id", "id stands in an earlier row, which is kept"),
        (4, "item_id", "empty id"),
        (5, "item_id", "longer than 1,000 characters"),
    ]
    assert result.rejects["value"].to_list()[3] == "x" * 200
    assert result.rejects["file"].unique().to_list() == ["items"]


def test_events_that_cannot_be_used_are_reported():
    later = int(time.time()) + 3 * 86400
    rows = [
        ("1", "a", 1, 5), ("", "a", 1, 5), ("1", "q", 1, 5), ("1", None, 1, 5), ("1", "a", math.nan, 5),
        ("1", "a", math.inf, 5), ("1", "a", "many", 5), ("1", "a", None, 5), ("1", "a", 1e300, 5), ("1", "a", 1, -5),
        ("1", "a", 1, later), ("1", "a", 1, "soon"), ("1", "a", 1, None), ("1", "a", 1, math.nan), ("1", "b", -1, 0),
    ]  # fmt: skip
    table = [dict(zip(("user_id", "item_id", "value", "time"), row, strict=True)) for row in rows]
    result = catalogue.from_tables(ITEMS, table, config())
    assert result.interactions.rows() == [("1", "b", -1.0, 0), ("1", "a", 1.0, 5)]
    not_time = "not a time: Unix seconds or an ISO 8601 date is wanted"
    assert reasons(result.rejects) == [
        (2, "user_id", "empty id"), (3, "item_id", "unknown item"), (4, "item_id", "empty id"),
        *((line, "value", "not a finite number") for line in range(5, 10)),
        (10, "time", "before 1970"), (11, "time", "in the future: seconds are wanted"),
        *((line, "time", not_time) for line in range(12, 15)),
    ]  # fmt: skip


def test_pictures_outside_the_root_or_missing_leave_the_item_without_one(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for path in (root / "in.jpg", root / "sub" / "in.jpg", tmp_path / "out.jpg"):
        path.touch()
    (root / "link.jpg").symlink_to(tmp_path / "out.jpg")
    paths = [
        "in.jpg",
        "sub/../in.jpg",
        "../out.jpg",
        str(root / "in.jpg"),
        "gone.jpg",
        "link.jpg",
        "sub",
        "a\0b",
        "x" * 5000,
        "",
    ]
    rows = [{"item_id": str(i), "image": path} for i, path in enumerate(paths)]
    result = catalogue.from_tables(rows, [{"user_id": "u", "item_id": "0"}], config(image_root=root))
    given = dict(zip(paths, result.items["image"].to_list(), strict=True))
    assert {path for path, kept in given.items() if kept is not None} == {"in.jpg", "sub/../in.jpg"}
    assert given["sub/../in.jpg"] == str((root / "in.jpg").resolve())
    assert len(result.items) == len(paths)
    assert [(line, reason.split(";")[0]) for line, _, reason in reasons(result.rejects)] == [
        (3, "picture outside data.image_root"), (4, "absolute path of a picture"), (5, "no such picture"),
        (6, "picture outside data.image_root"), (7, "no such picture"), (8, "not a path"), (9, "not a path"),
    ]  # fmt: skip


def test_a_cell_of_ten_megabytes_is_cut_off(tmp_path):
    table = "item_id,title,note,colour\na,A,{0},{0}\nb,B,short,red|blue\n".format("é" * 10_000_000)
    (tmp_path / "items.csv").write_text(table, encoding="utf-8")
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\n", encoding="utf-8")
    data = config(
        items=tmp_path / "items.csv",
        interactions=tmp_path / "events.csv",
        text=("title", "note"),
        attributes=("colour",),
    )
    result = catalogue.read(data)
    assert result.items["text"].str.len_chars().to_list() == [1_000_002, 7]
    assert result.items["colour"].list.len().to_list() == [1, 2]
    long = "longer than 1,000,000 characters; the rest is cut off"
    assert reasons(result.rejects) == [(2, "note", long), (2, "colour", long)]
    assert result.rejects["value"].str.len_chars().to_list() == [200, 200]


def test_users_are_in_natural_order_and_ties_as_given():
    events = [("10", "b", 5), ("9", "b", 5), ("10", "a", 5), ("10", "a", 1), ("9", "a", 5), ("-1", "a", 0)]
    rows = [{"user_id": user, "item_id": item, "value": 1, "time": when} for user, item, when in events]
    result = catalogue.from_tables(ITEMS, rows, config()).interactions
    assert result.select("user_id", "item_id", "time").rows() == [
        ("-1", "a", 0), ("9", "b", 5), ("9", "a", 5), ("10", "a", 1), ("10", "b", 5), ("10", "a", 5),
    ]  # fmt: skip
    rows.append({"user_id": "x", "item_id": "a", "value": 1, "time": 1})
    result = catalogue.from_tables(ITEMS, rows, config()).interactions
    assert result["user_id"].unique(maintain_order=True).to_list() == ["-1", "10", "9", "x"]


@given(st.lists(st.tuples(st.sampled_from(["7", "10", "07", "-1", "u"]), st.integers(0, 5)), min_size=1))
def test_events_are_in_the_order_of_a_plain_sort(events):
    rows = [{"user_id": u, "item_id": "ab"[n % 2], "value": n, "time": when} for n, (u, when) in enumerate(events)]
    result = catalogue.from_tables(ITEMS, rows, config()).interactions
    numbers = "u" not in {user for user, _ in events}
    plain = sorted(rows, key=lambda row: (int(row["user_id"]) if numbers else 0, row["user_id"], row["time"]))
    assert result["value"].to_list() == [row["value"] for row in plain]


def test_nan_in_a_row_of_words_is_nothing():
    """Rows of pandas hold it where a cell is empty."""
    items = [*ITEMS, {"item_id": math.nan, "title": "C"}, {"item_id": "d", "title": math.nan}]
    result = catalogue.from_tables(items, EVENTS, config())
    assert result.items.select("item_id", "title").rows() == [("a", "A"), ("b", "B"), ("d", "d")]
    assert reasons(result.rejects) == [(3, "item_id", "empty id")]


def test_without_times_the_order_of_the_table_counts():
    rows = [{"user_id": "u", "item_id": item} for item in "baab"]
    result = catalogue.from_tables(ITEMS, rows, config()).interactions
    assert result["item_id"].to_list() == list("baab")
    assert result["value"].to_list() == [1] * 4
    rows = [{"user_id": "u", "item_id": item, "value": 9, "time": t} for t, item in ((2, "a"), (1, "b"))]
    result = catalogue.from_tables(ITEMS, rows, config(value="", time="")).interactions
    assert result.rows() == [("u", "a", 1.0, 0), ("u", "b", 1.0, 0)]  # 0 says that there are no times


def test_one_item_one_user_one_minute_is_a_catalogue():
    result = catalogue.from_tables(ITEMS[:1], EVENTS * 3, config())
    assert len(result.items) == 1
    assert len(result.interactions) == 3
    alone = catalogue.from_tables(ITEMS, None, config())
    assert alone.interactions.schema == result.interactions.schema
    assert alone.interactions.is_empty()


def test_triples_and_users_are_checked():
    triples = [{"head": "a", "relation": "made by", "tail": "Nike"}, {"head": "", "relation": "r", "tail": "t"}]
    users = [{"user_id": 1, "sex": "f"}, {"user_id": 1, "sex": "m"}, {"user_id": 2, "sex": None}]
    result = catalogue.from_tables(ITEMS, EVENTS, config(user_attributes=("sex",)), triples, users)
    assert result.triples.rows() == [("a", "made by", "Nike")]
    assert result.users.rows() == [("1", ["f"]), ("2", [])]
    assert result.rejects.select("file", "line", "field").rows() == [("triples", 2, "head"), ("users", 2, "user_id")]


@pytest.mark.parametrize(
    ("items", "events", "data", "words"),
    [
        ([{"asin": "a"}], EVENTS, {}, ["items", "`item_id`", "asin", "data.item"]),
        (ITEMS, [{"user": "u", "item_id": "a"}], {}, ["interactions", "`user_id`", "did you mean `user`", "data.user"]),
        (ITEMS, EVENTS, {"numeric": ("price",)}, ["`price`", "data.numeric", "item_id, title"]),
        (ITEMS, EVENTS, {"time": "when"}, ["`when`", "data.time"]),
        (ITEMS, EVENTS, {"title": "it"}, ["`it`", "data.title"]),
        (ITEMS, EVENTS, {"text": ("title", "body")}, ["`body`", "data.text"]),
        ([], EVENTS, {}, ["items", "no rows"]),
        (pl.DataFrame(schema={"item_id": pl.String}), EVENTS, {}, ["items", "no rows"]),
        (ITEMS, [{"user_id": "u", "item_id": "q"}], {}, ["interactions", "no row can be used", "unknown item", "'q'"]),
        (ITEMS, EVENTS, {"attributes": ("title",)}, ["`title`", "another name"]),
        (ITEMS, EVENTS, {"attributes": ("x",), "numeric": ("x",)}, ["`x`", "twice"]),
        (ITEMS, EVENTS, {"user_attributes": ("user_id",)}, ["`user_id`", "another name"]),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_one_clear_error(items, events, data, words):
    with pytest.raises(DataError) as caught:
        catalogue.from_tables(items, events, config(**data))
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "\n" not in str(caught.value)


def test_read_needs_a_table_of_items_and_of_the_users_it_describes(tmp_path):
    with pytest.raises(DataError, match=r"data\.items"):
        catalogue.read(Config())
    with pytest.raises(DataError, match=r"data\.users"):
        catalogue.read(config(items=tmp_path / "items.csv", user_attributes=("age",)))


def test_items_and_events_can_be_added_with_what_is_known():
    data = config(attributes=("colour",), numeric=("price",), brand="maker", text=("title", "words"))
    added, rejects, lines = catalogue.read_items(
        [{"item_id": "n", "title": "N", "colour": "red"}, {"title": "no id"}], data
    )
    assert added.to_dicts() == [
        {"item_id": "n", "title": "N", "text": "N", "image": None, "colour": ["red"], "maker": None, "price": None}
    ]
    assert reasons(rejects) == [(2, "item_id", "empty id")] and lines.to_list() == [1]
    before = int(time.time())
    events, rejects = catalogue.read_events(
        [{"user_id": 1, "item_id": "n"}, {"user_id": 1, "item_id": "q"}], data, added["item_id"]
    )
    assert events.select("user_id", "item_id", "value").rows() == [("1", "n", 1.0)]
    assert before <= events["time"][0] <= time.time()
    assert reasons(rejects) == [(2, "item_id", "unknown item")]


def test_rejects_are_written_whole(tmp_path):
    result = catalogue.from_tables(ITEMS, [*EVENTS, {"user_id": "1", "item_id": 'q,"\n'}], config())
    catalogue.write_rejects(result.rejects, tmp_path / "deep" / "rejects.csv")
    assert pl.read_csv(tmp_path / "deep" / "rejects.csv").equals(result.rejects)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["rejects.csv"]


def test_the_fingerprint_is_of_the_content(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "p.jpg").write_bytes(b"same")
    items = [{**ITEMS[0], "image": "p.jpg"}]
    prints = [
        catalogue.fingerprint(catalogue.from_tables(items, EVENTS, config(image_root=tmp_path / n)))
        for n in ("one", "two")
    ]
    assert prints[0] == prints[1]
    (tmp_path / "two" / "p.jpg").write_bytes(b"other")
    others = [
        catalogue.from_tables(items, EVENTS, config(image_root=tmp_path / "two")),
        catalogue.from_tables(items, [{**EVENTS[0], "time": 11}], config(image_root=tmp_path / "one")),
        catalogue.from_tables([{**items[0], "title": "B"}], EVENTS, config(image_root=tmp_path / "one")),
    ]
    assert len({prints[0], *(catalogue.fingerprint(other) for other in others)}) == 4


def test_the_generated_shop_is_read_whole(tmp_path):
    from engine import config as configuration

    summary = shop.generate(tmp_path, products=100, users=30)
    result = catalogue.read(configuration.load(tmp_path / "weft.toml"))
    assert len(result.items) == summary.items
    assert len(result.interactions) == summary.interactions
    assert len(result.triples) == summary.triples
    assert len(result.users) == summary.users
    assert result.items["image"].null_count() == 0
    assert result.rejects.is_empty()


NUMBER = st.one_of(st.floats(), st.integers(-10, 10), st.sampled_from(["1", "x", "", None, "nan", "-inf", " 3 "]))
WHEN = st.one_of(st.integers(-10, 2**40), st.sampled_from(["2020-01-01", "x", None, 1e300, math.nan, 2**70]))
ID = st.sampled_from(["a", "b", "c", "", None, " ", "q", 1, 2.0])
EVENT = st.fixed_dictionaries({"user_id": ID, "item_id": ID, "value": NUMBER, "time": WHEN})
ITEM = st.fixed_dictionaries(
    {"item_id": ID, "title": st.text(max_size=3), "price": NUMBER, "image": st.text(max_size=4)}
)
ROW_FIELDS = {"item_id", "user_id", "value", "time"}


@given(st.lists(ITEM, min_size=1, max_size=8), st.lists(EVENT, min_size=1, max_size=15))
def test_what_is_kept_and_what_is_rejected_is_what_was_given(items, events):
    """Each row is kept, or stands once among the rejects with a field of its own; only DataError is ever raised."""
    data = config(numeric=("price",), image_root=Path(__file__).parent)
    try:
        result = catalogue.from_tables(items, events, data)
    except DataError:
        return
    lost = result.rejects.filter(pl.col("field").is_in(ROW_FIELDS)).group_by("file").len()
    counts = dict(lost.rows())
    assert len(result.items) + counts.get("items", 0) == len(items)
    assert len(result.interactions) + counts.get("interactions", 0) == len(events)
    assert result.items["item_id"].is_unique().all()
    assert result.interactions["item_id"].is_in(result.items["item_id"].to_list()).all()
    assert result.interactions["value"].is_finite().all()
    assert result.interactions["time"].is_between(0, int(time.time()) + 86_401).all()
    assert result.items["price"].drop_nulls().is_finite().all()
    assert (result.rejects["value"].str.len_chars().fill_null(0) <= 200).all()
    runs = result.interactions["user_id"].rle_id()
    assert len(runs.unique()) == result.interactions["user_id"].n_unique(), "the events of a user stand together"
    for times in result.interactions.partition_by("user_id"):
        assert times["time"].is_sorted()


@given(
    st.lists(st.text(st.sampled_from('a1,"|\n\té'), max_size=12), max_size=8),
    st.sampled_from([".csv", ".tsv", ".jsonl"]),
)
def test_files_of_any_content_are_a_catalogue_or_a_data_error(tmp_path_factory, lines, suffix):
    folder = tmp_path_factory.mktemp("any")
    separator = "\t" if suffix == ".tsv" else ","
    for name, header in (("items", ["item_id", "title"]), ("events", ["user_id", "item_id", "value", "time"])):
        (folder / f"{name}{suffix}").write_text("\n".join([separator.join(header), *lines]), encoding="utf-8")
    try:
        catalogue.read(config(items=folder / f"items{suffix}", interactions=folder / f"events{suffix}"))
    except DataError as error:
        assert "\n" not in str(error)


GOOD = [b"u,a,1,5", b'"u",a,"1",5', b'"u\nv",a,1,5', b" 7 ,b,-2.5,2020-01-01"]
BAD = [
    b"u,a,1",
    b"u,a,1,5,6",
    b"\xff,a,1,5",
    b'"\xffu\nv",a,1,5',
    b"u,q,1,5",
    b",a,1,5",
    b"u,a,x,5",
    b"u,a,inf,5",
    b"u,a,1,-5",
]


@given(st.lists(st.sampled_from([*GOOD, *BAD, b""]), max_size=12))
def test_planted_bad_lines_are_found_where_they_stand(tmp_path_factory, lines):
    """Line numbers of the rejects are those of the file, whatever stands before them."""
    folder = tmp_path_factory.mktemp("planted")
    lines = [GOOD[0], *lines]
    (folder / "events.csv").write_bytes(b"user_id,item_id,value,time\n" + b"\n".join(lines))
    pl.DataFrame(ITEMS).write_parquet(folder / "items.parquet")
    result = catalogue.read(config(items=folder / "items.parquet", interactions=folder / "events.csv"))
    starts, line = [], 2
    for text in lines:
        starts.append(line)
        line += 1 + text.count(b"\n")
    assert result.rejects["line"].to_list() == [at for at, text in zip(starts, lines, strict=True) if text in BAD]
    assert len(result.interactions) == sum(text in GOOD for text in lines)
