"""Importers: known small data sets, the real ones, and folders that `catalogue.read` takes as they are."""

import json
from pathlib import Path

import polars as pl
import pytest

from engine import config
from engine.errors import DataError
from engine.importers import IMPORTERS, Summary
from engine.tables import catalogue
from tests.engine.outside import SHARED


def real(name: str) -> Path:
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"{path} is absent: the real data set cannot be imported")
    return path


def read(summary: Summary) -> catalogue.Catalogue:
    """The catalogue of an imported folder; the summary must say what is in it."""
    result = catalogue.read(config.load(summary.config))
    assert len(result.items) == summary.items
    assert len(result.interactions) == summary.interactions
    assert len(result.users) == summary.users
    assert len(result.triples) == summary.triples
    assert len(result.items) - result.items["image"].null_count() == summary.images
    assert "\n# " in summary.config.read_text(encoding="utf-8")
    return result


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


FLAGS = "|".join(["0", "0", "1"] + ["0"] * 16)
FILM = {
    "movie_id": 1, "release_date": "1995-10-30", "runtime": 81, "tagline": "To infinity", "overview": "Toys live.",
    "genres": ["Animation", "Comedy"], "companies": ["Pixar"], "countries": ["United States of America"],
    "languages": ["English"], "collection": "Toy Story Collection",
}  # fmt: skip
MOVIELENS = {
    "u.data": "10\t2\t3\t50\n9\t1\t5\t50\n10\t11\t4\t50\n10\t1\t4\t40\n",
    "u.item": (
        f"1|Toy Story (1995)|01-Jan-1995||http://x|{FLAGS}\n"
        f"2|Postino, Il (The Postman) (1994) (V)|01-Jan-1994||http://x|{FLAGS}\n"
        f"11|Mis\xe9rables, Les|||http://x|{FLAGS}\n"
    ).encode("latin-1"),
    "u.user": "9|17|F|student|1\n10|56|M|retired|2\n",
    "tmdb.jsonl": json.dumps(FILM) + "\nbroken\n",
    "posters/1.jpg": b"jpeg",
}


def test_movielens(tmp_path):
    source = write(tmp_path / "ml", MOVIELENS)
    summary = IMPORTERS["movielens"](source, tmp_path / "deep" / "out")
    result = read(summary)
    one, two, eleven = result.items.to_dicts()
    assert one == {
        "item_id": "1", "title": "Toy Story", "text": "Toy Story\nTo infinity\nToys live.",
        "image": str((source / "posters" / "1.jpg").resolve()), "genre": ["Animation", "Comedy"], "company": ["Pixar"],
        "country": ["United States of America"], "language": ["English"], "collection": ["Toy Story Collection"],
        "year": ["1995"], "decade": ["1990s"], "runtime": ["75-89 minutes"], "release_year": 1995.0,
        "runtime_minutes": 81.0,
    }  # fmt: skip
    assert (two["title"], two["genre"], two["year"]) == ("Postino, Il (The Postman)", ["Adventure"], ["1994"])
    assert (eleven["title"], eleven["text"], eleven["year"]) == ("Les Misérables", "Les Misérables", [])
    assert eleven["release_year"] is None
    events = [("9", "1", 5.0, 50), ("10", "1", 4.0, 40), ("10", "2", 3.0, 50), ("10", "11", 4.0, 50)]
    assert result.interactions.rows() == events
    assert result.users.rows() == [
        ("9", ["under 18"], ["female"], ["student"]), ("10", ["56 and over"], ["male"], ["retired"])
    ]  # fmt: skip
    assert summary.rejects == 1
    assert pl.read_csv(summary.config.parent / "rejects.csv")["line"].to_list() == [2]


def test_movielens_without_facts_and_posters(tmp_path):
    source = write(tmp_path / "ml", {name: MOVIELENS[name] for name in ("u.data", "u.item", "u.user")})
    result = read(IMPORTERS["movielens"](source, tmp_path / "out"))
    assert result.items["genre"].to_list() == [["Adventure"]] * 3
    assert result.items["image"].null_count() == 3


def test_a_bad_row_of_movielens_costs_itself_only(tmp_path):
    source = write(tmp_path / "ml", {**MOVIELENS, "u.data": "9\t1\t5\t50\n10\t2\n10\t2\tx\t50\n10\t99\t3\t50\n"})
    result = catalogue.read(config.load(IMPORTERS["movielens"](source, tmp_path / "out").config))
    assert len(result.interactions) == 1
    assert len(result.rejects) == 3


def test_kgat(tmp_path):
    files = {
        "train.txt": "0 0 1\n1 2\n2\n", "test.txt": "0 2\n",
        "item_list.txt": "org_id remap_id freebase_id\nA 0 m.1\nB 1 m.2\nC 2 m.3\n",
        "kg_final.txt": "0 1 2\n0 1 9\n",
    }  # fmt: skip
    source = write(tmp_path / "kgat", files)
    result = read(IMPORTERS["kgat"](source, tmp_path / "out"))
    assert result.interactions.select("user_id", "item_id").rows() == [("0", "0"), ("0", "1"), ("1", "2")]
    assert result.items.select("item_id", "title", "text").rows() == [("0", "A", ""), ("1", "B", ""), ("2", "C", "")]
    assert result.triples.rows() == [("0", "1", "2"), ("0", "1", "9")]
    assert len(read(IMPORTERS["kgat"](source, tmp_path / "both", with_test=True)).interactions) == 4


ATOMIC = {
    "ml.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\tb\t4\t9\n1\ta\t5\t3\n2\tb\t1\t5\n",
    "ml.item": (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tprice:float\timage:token\n"
        "a\tToy Story\t1995\tAnimation Comedy\t2.5\tx\nb\tHeat\t1995\tCrime\t\t\n"
    ),
    "ml.user": "user_id:token\tage:token\ttags:token_seq\n1\t24\tx y\n2\t53\t\n",
    "ml.kg": "head_id:token\trelation_id:token\ttail_id:token\nm.1\tfilm.genre\tm.9\nm.9\tsame\tm.2\n",
    "ml.link": "item_id:token\tentity_id:token\na\tm.1\nb\tm.2\n",
}


def test_recbole(tmp_path):
    result = read(IMPORTERS["recbole"](write(tmp_path / "ml", ATOMIC), tmp_path / "out"))
    assert result.items.to_dicts() == [
        {"item_id": "a", "title": "Toy Story", "text": "Toy Story", "image": None, "release_year": ["1995"],
         "class": ["Animation", "Comedy"], "image_": ["x"], "price": 2.5},
        {"item_id": "b", "title": "Heat", "text": "Heat", "image": None, "release_year": ["1995"], "class": ["Crime"],
         "image_": [], "price": None},
    ]  # fmt: skip
    assert result.interactions.rows() == [("1", "a", 5.0, 3), ("1", "b", 4.0, 9), ("2", "b", 1.0, 5)]
    assert result.users.rows() == [("1", ["24"], ["x", "y"]), ("2", ["53"], [])]
    assert result.triples.rows() == [("a", "film.genre", "m.9"), ("m.9", "same", "b")]


def test_recbole_with_interactions_only(tmp_path):
    source = write(tmp_path / "x", {"x.inter": "user_id:token\titem_id:token\n1\tb\n1\ta\n"})
    result = read(IMPORTERS["recbole"](source, tmp_path / "out"))
    assert result.items["item_id"].to_list() == ["b", "a"]
    assert result.interactions["value"].to_list() == [1, 1]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, [".inter"]),
        ({"a.inter": "", "b.inter": ""}, ["a.inter", "b.inter"]),
        ({"a.inter": "user_id\titem_id:token\n"}, ["line 1", "`user_id`", "token"]),
        ({"a.inter": "user_id:token\titem_id:token\titem_id:token\n"}, ["item_id", "once"]),
        ({"a.inter": "user_id:token\tthing:token\n"}, ["`item_id:token`", "thing"]),
        ({"a.inter": b"user_id:token\titem_id:token\n1\t\xff\n"}, ["line 2", "utf-8"]),
    ],
)
def test_recbole_errors(tmp_path, files, words):
    with pytest.raises(DataError) as caught:
        IMPORTERS["recbole"](write(tmp_path / "x", files), tmp_path / "out")
    assert all(word in str(caught.value) for word in words), str(caught.value)


TABLES = {
    "items.csv": (
        "asin,Name,Description,colour,price,code,picture\n1,Shoe,white,red|blue,5,k1,p.jpg\n2,Hat,,red,7,k2,\n"
        "3,Cap,,blue,,k3,\n4,Tie\n"
    ),
    "interactions.tsv": "reviewerID\tproduct\toverall\tunixReviewTime\nu\t1\t5\t10\nu\t2\t3\t9\nv\t3\t3\t2020-01-01\n",
    "users.jsonl": '{"customer_id": "u", "area": "north"}\n',
    "triples.csv": "head,relation,tail\n1,goes with,2\n",
    "p.jpg": b"jpeg",
}  # fmt: skip


def test_tables_with_names_of_their_own(tmp_path):
    source = write(tmp_path / "mine", TABLES)
    summary = IMPORTERS["table"](source, tmp_path / "out", {"item": "product"})
    result = read(summary)
    assert result.items.to_dicts()[0] == {
        "item_id": "1", "title": "Shoe", "text": "Shoe\nwhite", "image": str((source / "p.jpg").resolve()),
        "colour": ["red", "blue"], "price": 5.0,
    }  # fmt: skip
    assert result.interactions.rows() == [("u", "2", 3.0, 9), ("u", "1", 5.0, 10), ("v", "3", 3.0, 1577836800)]
    assert result.users.rows() == [("u", ["north"])]
    assert result.triples.rows() == [("1", "goes with", "2")]
    assert summary.rejects == 1
    told = {"item": "product", "text": "Name", "attributes": ["code"], "numeric": [], "value": "", "image": ""}
    result = read(IMPORTERS["table"](source, tmp_path / "told", told))
    assert result.items.columns == ["item_id", "title", "text", "image", "code"]
    assert result.items["code"].to_list() == [["k1"], ["k2"], ["k3"]]
    assert result.interactions["value"].unique().to_list() == [1]


def test_interactions_alone_give_their_items(tmp_path):
    source = write(tmp_path / "mine", {"interactions.jsonl": '{"user": "u", "item": 7}\n{"user": "u", "item": 5}\n'})
    result = read(IMPORTERS["table"](source, tmp_path / "out"))
    assert result.items["item_id"].to_list() == ["7", "5"]


@pytest.mark.parametrize(
    ("files", "mapping", "words"),
    [
        ({}, {}, ["items", "interactions", ".csv"]),
        ({"items.csv": "x,y\n1,2\n"}, {}, ["which column", "`item`", "x, y"]),
        ({"items.csv": "id\n1\n"}, {"item": "sku"}, ["`sku`"]),
        ({"items.csv": "id\n1\n"}, {"brand": "maker"}, ["`maker`", "brand", "item_id"]),
        ({"items.csv": "id\n1\n"}, {"colour": "x"}, ["`colour`", "attributes"]),
        ({"items.csv": "id\n1\n"}, {"title": ["a", "b"]}, ["`title`", "one column"]),
        ({"items.csv": "id\n1\n", "items.jsonl": "{}\n"}, {}, ["items.csv", "items.jsonl"]),
    ],
)
def test_table_errors(tmp_path, files, mapping, words):
    with pytest.raises(DataError) as caught:
        IMPORTERS["table"](write(tmp_path / "x", files), tmp_path / "out", mapping)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_tables_do_not_replace_their_source(tmp_path):
    with pytest.raises(DataError, match="replace"):
        IMPORTERS["table"](write(tmp_path, {"items.csv": "id\n1\n"}), tmp_path)


@pytest.mark.parametrize("name", sorted(IMPORTERS))
def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path, name):
    with pytest.raises(DataError, match="nowhere"):
        IMPORTERS[name](tmp_path / "nowhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_importing_twice_gives_the_same_catalogue(tmp_path):
    source = write(tmp_path / "ml", MOVIELENS)
    prints = [catalogue.fingerprint(read(IMPORTERS["movielens"](source, tmp_path / "out"))) for _ in range(2)]
    assert prints[0] == prints[1]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"items.parquet", "interactions.parquet", "users.parquet", "weft.toml", "rejects.csv"}


def test_the_real_movielens(tmp_path):
    summary = IMPORTERS["movielens"](real("movielens-100k"), tmp_path / "out")
    result = read(summary)
    assert (summary.items, summary.interactions, summary.users, summary.images) == (1682, 100_000, 943, 1663)
    assert result.rejects.is_empty()
    assert (result.items["company"].list.len() > 0).sum() > 1400
    films = pl.col("item_id").cast(pl.Int64)
    order = result.interactions.with_columns(films, pl.col("user_id").cast(pl.Int64))
    assert order.equals(order.sort("user_id", "time", "item_id"))


def test_the_real_amazon_book(tmp_path):
    summary = IMPORTERS["kgat"](real("amazon-book"), tmp_path / "out")
    assert (summary.items, summary.interactions) == (24_915, 652_514)
    assert read(summary).rejects.is_empty()


def test_the_real_grocery_store(tmp_path):
    summary = IMPORTERS["grocery"](real("grocery-store"), tmp_path / "out")
    result = read(summary)
    assert (summary.items, summary.images, summary.interactions) == (81, 81, 0)
    assert result.rejects.is_empty()
    apple = result.items.row(by_predicate=pl.col("title") == "Granny Smith", named=True)
    assert apple["category"] == "Fruit > Apple"
    assert apple["text"].startswith("Granny Smith\nGranny Smith")
