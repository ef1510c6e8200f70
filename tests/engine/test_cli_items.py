"""`weft items` on an artefact: what is taken is in it, what is not is told with line and reason."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine import Engine
from engine.cli import app


@pytest.fixture
def artefact(small_artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_artefact, tmp_path / "artefact"))


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["items", *map(str, words)])


def test_items_are_added_changed_and_removed_on_the_disk(artefact: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("item_id,title,brand,colour,price\nn1,Quokka lamp,Nike,white|red,12.5\nn2,Zebrine hat,,,7\n")
    triples = tmp_path / "triples.csv"
    triples.write_text("head,relation,tail\nn1,accessory of,p0001\n")
    done = run("add", artefact, file, "--triples", triples)
    assert done.exit_code == 0, done.stderr
    assert "added: 2 items" in done.stdout and "Quokka lamp" in done.stdout
    engine = Engine.load(artefact)
    assert engine.catalogue.items.filter(item_id="n1")["colour"].to_list() == [["white", "red"]]
    assert ("item:n1", "accessory of", "p0001") in engine.catalogue.triples.rows()
    assert engine.search("quokka")[0].item_id == "n1"

    file.write_text("item_id,title\nn1,Plain lamp\n")
    assert run("change", artefact, file).exit_code == 0
    engine = Engine.load(artefact)
    (row,) = engine.catalogue.items.filter(item_id="n1").to_dicts()
    assert (row["title"], row["brand"], row["colour"], row["price"]) == ("Plain lamp", None, [], None)
    assert ("item:n1", "accessory of", "p0001") in engine.catalogue.triples.rows()

    done = run("remove", artefact, file)
    assert done.exit_code == 0 and "Plain lamp" in done.stdout
    assert not Engine.load(artefact).state.lookup.has("n1")


def test_rows_that_are_not_taken_are_told_and_the_others_are(artefact: Path, tmp_path: Path) -> None:
    file = tmp_path / "new.jsonl"
    rows = [{"item_id": "n1", "title": "Quokka", "price": "cheap"}, {"title": "no id"}, {"item_id": "p0001"}]
    file.write_text("\n".join(["nonsense", *map(json.dumps, rows)]))
    done = run("add", artefact, file)
    assert done.exit_code == 1
    told = [line.split() for line in done.stdout.partition("left out: 4")[2].splitlines()]
    told = [words[:2] for words in told if words and words[0].isdigit()]
    assert told == [["1", "the"], ["2", "price"], ["3", "item_id"], ["4", "item_id"]]
    assert "id is in the catalogue already" in done.stdout and "cheap" in done.stdout
    assert Engine.load(artefact).state.lookup.has("n1")
    file.write_text('{"item_id": "n1"}\n{"item_id": "zz"}')
    done = run("remove", artefact, file)
    assert done.exit_code == 1 and "id is not in the catalogue" in done.stdout
    assert not Engine.load(artefact).state.lookup.has("n1")


def test_where_nothing_can_be_taken_the_artefact_is_not_touched(artefact: Path, tmp_path: Path) -> None:
    file, before = tmp_path / "new.csv", (artefact / "manifest.json").stat().st_mtime_ns
    file.write_text("item_id\np0001\n")
    assert run("add", artefact, file).exit_code == 1
    file.write_text("name\np0001\n")
    assert run("remove", artefact, file).exit_code == 2
    assert (artefact / "manifest.json").stat().st_mtime_ns == before
