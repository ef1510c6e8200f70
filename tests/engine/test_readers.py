"""Readers: every form gives the same rows, and a broken row costs only itself."""

import csv
import io
import json
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.tables import columns, readers

ROWS = [{"id": "a", "n": "1", "tags": "x|y"}, {"id": "b", "n": "2.5", "tags": ""}]


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_every_form_gives_the_same_rows(tmp_path):
    frame = pl.DataFrame(ROWS)
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.tsv", separator="\t", quote_style="never")
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_ndjson(tmp_path / "t.jsonl")
    for name in ("t.csv", "t.tsv", "t.parquet", "t.jsonl"):
        table = readers.read_table(tmp_path / name, ["id", "n", "absent"])
        assert table.frame["id"].to_list() == ["a", "b"]
        assert [float(n) for n in table.frame["n"]] == [1, 2.5]
        assert table.frame.columns == ["id", "n"]
        assert table.columns == ("id", "n", "tags")
        assert table.rejects.is_empty()
    for given_rows in (frame, frame.to_pandas(), ROWS, frame.lazy()):
        assert readers.in_memory(given_rows, "t").frame.equals(frame)


def test_lines_are_those_of_an_editor(tmp_path):
    path = write(tmp_path, "t.csv", 'id,n\na,1\n\n"b\nb",2\nc,3\r\n')
    table = readers.read_table(path)
    assert table.frame["id"].to_list() == ["a", "b\nb", "c"]
    assert table.lines.to_list() == [2, 4, 6]
    path = write(tmp_path, "t.tsv", 'id\tn\r\n"a\t1\r\n\r\nb\t2')
    table = readers.read_table(path)
    assert table.frame.rows() == [('"a', "1"), ("b", "2")]
    assert table.lines.to_list() == [2, 4]


@pytest.mark.parametrize("quote", ["", '"b",x\n'])
def test_a_row_with_too_few_or_too_many_cells_is_rejected(tmp_path, quote):
    table = readers.read_table(write(tmp_path, "t.csv", "id,n\na\nb,1,2\nc,3\n" + quote))
    assert table.frame["id"].to_list()[0] == "c"
    assert table.rejects.select("line", "field", "reason", "value").rows() == [
        (2, "", "1 cells, but 2 columns", "a"),
        (3, "", "3 cells, but 2 columns", "b,1,2"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"id,n\na,1\nb\xff,2\nc,3\n"),
        ("t.csv", b'id,n\n"a",1\n"b\xff",2\nc,3\n'),
        ("t.tsv", b"id\tn\na\t1\nb\xff\t2\nc\t3\n"),
        ("t.jsonl", b'{"q": 1}\n{"id": "a"}\n{"id": "b\xff"}\n{"id": "c"}\n'[9:]),
    ],
)
def test_a_line_that_is_not_utf8_costs_itself_only(tmp_path, name, content):
    table = readers.read_table(write(tmp_path, name, content))
    assert table.frame["id"].to_list() == ["a", "c"]
    [reject] = table.rejects.rows(named=True)
    assert (reject["line"], reject["reason"]) == (2 if name.endswith("jsonl") else 3, "not UTF-8")
    assert "b\ufffd" in reject["value"]


def test_a_broken_line_within_quotes_costs_the_row(tmp_path):
    table = readers.read_table(write(tmp_path, "t.csv", b'id,n\n"a\nb\xff\nc",1\nd,2\n'))
    assert table.frame["id"].to_list() == ["d"]
    assert table.rejects["line"].to_list() == [3]


@pytest.mark.parametrize("after", ["", "c,3\nd,4\n", 'c,"" 3\nd,4'])
def test_a_quote_that_is_never_closed_costs_its_line_only(tmp_path, after):
    table = readers.read_table(write(tmp_path, "t.csv", 'id,n\n"a\nb",1\n"x,2\n' + after))
    assert table.frame["id"].to_list() == ["a\nb", *("cd" if after else "")]
    [reject] = table.rejects.rows(named=True)
    assert reject["line"] == 4 and "quote" in reject["reason"]


def test_a_quote_left_open_in_the_header_is_no_table(tmp_path):
    assert readers.read_table(write(tmp_path, "t.csv", '"id,n\na,1\n')).columns == ()


def test_json_lines_may_differ_in_keys_and_types(tmp_path):
    lines = [{"id": 1, "t": ["x", 2]}, {"id": "b", "t": "y"}, {"id": 2.5}, {"id": None, "t": {"k": 1}}]
    text = "\n".join(map(json.dumps, lines)) + '\nnot json\n[1]\n{"id": 99999999999999999999}\n' + "[" * 100_000
    table = readers.read_table(write(tmp_path, "t.ndjson", text))
    assert table.frame["id"].to_list() == ["1", "b", "2.5", None, "99999999999999999999"]
    assert table.frame["t"].to_list() == [["x", "2"], ["y"], None, ["{'k': 1}"], None]
    assert table.rejects["line"].to_list() == [5, 6, 8]
    assert table.rejects["value"].str.len_chars().max() <= 200


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, ["none.csv", "no such file"]),
        ("t.xlsx", b"x", [".xlsx", ".csv", ".parquet"]),
        ("t.csv", b"", ["t.csv", "empty"]),
        ("t.csv", b"\n\n", ["t.csv", "empty"]),
        ("t.csv", "id,id\n1,2\n", ["'id'", "rename"]),
        ("t.csv", "id,n\n1,2\n".encode("utf-16"), ["UTF-16", "UTF-8"]),
        ("t.csv", b"id,\xffn\n1,2\n", ["header", "UTF-8"]),
        ("t.parquet", b"no parquet at all", ["t.parquet", "cannot be read"]),
        ("t.parquet", b"", ["t.parquet", "cannot be read"]),
    ],
)
def test_a_bad_table_is_one_clear_error(tmp_path, name, content, words):
    if content is not None:
        write(tmp_path, name, content)
    with pytest.raises(DataError) as caught:
        readers.read_table(tmp_path / name)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert readers.read_table(write(tmp_path, "t.csv", b"\xef\xbb\xbfid,n\n1,2\n")).columns == ("id", "n")


def test_rows_in_memory_must_be_mappings():
    with pytest.raises(DataError, match="list of dictionaries"):
        readers.in_memory([1, 2], "items")
    with pytest.raises(DataError, match="list of dictionaries"):
        readers.in_memory(5, "items")


def test_pandas_columns_of_every_kind():
    frame = pd.DataFrame({
        0: ["a", None], "when": pd.to_datetime(["2020-02-02 03:04:05", None]), "n": [1.5, np.nan],
        "tags": [["x"], np.array(["y", "z"])], "kind": pd.Categorical(["u", "v"]),
    })  # fmt: skip
    table = readers.in_memory(frame, "items").frame
    assert table["0"].to_list() == ["a", None]
    assert columns.times(table["when"])[0].to_list() == [1580612645, None]
    assert columns.numbers(table["n"])[0].to_list() == [1.5, None]
    assert columns.lists(table["tags"]).to_list() == [["x"], ["y", "z"]]
    assert columns.texts(table["kind"]).to_list() == ["u", "v"]


@given(st.lists(st.lists(st.text(st.sampled_from('ab ,|"\n\r\té中'), max_size=5), min_size=2, max_size=2), max_size=8))
def test_what_csv_writes_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["one", "two"], *rows])
    path.write_bytes(text.getvalue().encode())
    table = readers.read_table(path)
    assert [list(row) for row in table.frame.rows()] == rows
    assert table.rejects.is_empty()


@given(st.lists(st.text(st.sampled_from("ab ,|é中\t"), max_size=8), max_size=10))
def test_the_fast_way_and_the_csv_module_agree(lines):
    text = "\n".join(["one,two", *lines])
    fast = readers._plain_rows(text, ",")
    slow = readers._quoted_rows(text)
    assert fast.rows() == slow.rows()


@given(st.binary(max_size=200), st.sampled_from(sorted(readers.SUFFIXES)))
def test_bytes_of_any_kind_are_a_table_or_a_data_error(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("any") / f"t{suffix}"
    path.write_bytes(content)
    try:
        table = readers.read_table(path)
    except DataError:
        return
    assert len(table.lines) == len(table.frame) or not table.frame.columns


VALUES = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(max_size=5), st.booleans(), st.binary(max_size=3), st.dates(),
    st.datetimes(), st.decimals(), st.lists(st.one_of(st.integers(), st.text(max_size=3), st.none()), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)  # fmt: skip


@given(st.lists(VALUES, max_size=6))
def test_columns_of_any_values_are_read_one_cell_for_one(values):
    column = columns.from_values(values).alias("c")
    assert len(column) == len(values)
    checked = [columns.ids(column), columns.texts(column), columns.lists(column), columns.lists(column, "|")]
    checked += [*columns.numbers(column), *columns.times(column), columns.shown(column), columns.too_long(column)]
    for result in checked:
        assert len(result) == len(values)
    assert not columns.texts(column).has_nulls()
    assert not columns.lists(column).has_nulls()
    assert columns.numbers(column)[0].drop_nulls().is_finite().all()


@pytest.mark.parametrize(
    "given_time",
    [1580612645, 1580612645.9, "1580612645", "2020-02-02T03:04:05Z", "2020-02-02 03:04:05", "2020-02-02T11:04:05+08:00",
     "2020/02/02 03:04:05", "2020-02-02T03:04:05.123"],
)  # fmt: skip
def test_times_are_seconds_or_dates(given_time):
    seconds, bad = columns.times(columns.from_values([given_time, "not a time"]))
    assert seconds.to_list() == [1580612645, None]
    assert bad.to_list() == [False, True]


def test_columns_with_types_of_their_own():
    assert columns.times(pl.Series([date(1970, 1, 2), None]))[0].to_list() == [86400, None]
    assert columns.times(pl.Series([datetime(1970, 1, 2, tzinfo=UTC)]))[0].to_list() == [86400]
    assert columns.times(pl.Series([time(1)]))[1].to_list() == [True]
    assert columns.ids(pl.Series([7.0, 7.5, None, float("nan")])).to_list() == ["7", "7.5", None, None]
    assert columns.ids(pl.Series([" a ", "", "  ", "b"])).to_list() == ["a", None, None, "b"]
    assert columns.lists(pl.Series(["a| b|a||", None, ""]), "|").to_list() == [["a", "b"], [], []]
    assert columns.lists(pl.Series(["a|b"])).to_list() == [["a|b"]]
    assert columns.lists(pl.Series([[1, 1, None], None])).to_list() == [["1"], []]
    assert columns.texts(pl.Series([["a", "b"], None])).to_list() == ["a, b", ""]
    assert columns.texts(pl.Series([b"a", b"\xff"])).to_list() == ["a", "\ufffd"]
    assert (
        columns.numbers(pl.Series(["1e3", " 2 ", "", None, "nan", "-inf", "x"]))[1].to_list()
        == [False] * 4 + [True] * 3
    )
