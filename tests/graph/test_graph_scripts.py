"""The scripts, run as a person runs them, on a small catalogue: each is a command of `weft graph`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ITEMS = """item_id,title,genre,studio
1,Toy Story,Animation|Comedy,Pixar
2,Cars,Animation,PIXAR
3,Heat,Crime,Warner
"""
CONFIG = """
[data]
items = "items.csv"
interactions = "events.csv"
triples = "triples.csv"
attributes = ["genre"]
brand = "studio"
"""


def run(*arguments: object, ok: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "items.csv").write_text(ITEMS, encoding="utf-8")
    (folder / "events.csv").write_text("user_id,item_id\nu,1\n", encoding="utf-8")
    (folder / "triples.csv").write_text("head,relation,tail\n1,sequel of,2\n1,续集,2\n", encoding="utf-8")
    (folder / "weft.toml").write_text(CONFIG, encoding="utf-8")
    shown = run(ROOT / "scripts/load_graph.py", folder, folder / "graph")
    return folder, shown.stdout + shown.stderr


def test_load_says_what_is_in_it_and_what_is_not(loaded: tuple[Path, str]) -> None:
    _, shown = loaded
    assert "MADE_BY" in shown and "SEQUEL_OF" in shown
    assert "1 rows or cells could not be used" in shown and "no letter or digit" in shown and "续集" in shown


def test_query(loaded: tuple[Path, str]) -> None:
    folder, _ = loaded
    query = "MATCH (a:Item)-[:MADE_BY]->(b:Brand {name: $brand}) RETURN a.name AS title"
    shown = run(ROOT / "scripts/query_graph.py", folder / "graph", query, "-p", "brand=Pixar").stdout
    assert "Toy Story" in shown and "Cars" in shown and "Heat" not in shown


def test_export_and_check(loaded: tuple[Path, str]) -> None:
    folder, _ = loaded
    shown = run(ROOT / "scripts/export_graph.py", folder / "graph", folder / "out.graphml").stdout
    assert "as graphml" in shown and (folder / "out.graphml").is_file()
    assert "MADE_BY" in run(ROOT / "scripts/check_graph.py", folder / "out.graphml").stdout


@pytest.mark.parametrize(
    ("query", "reason"),
    [("MATCH (a) DETACH DELETE a", "DETACH is refused"), ("MATCH (a {id: $x}) RETURN a", "values for $x")],
)
def test_a_refusal_is_one_line_and_code_2(loaded: tuple[Path, str], query: str, reason: str) -> None:
    done = run(ROOT / "scripts/query_graph.py", loaded[0] / "graph", query, ok=False)
    assert done.returncode == 2 and reason in done.stderr and "Traceback" not in done.stderr


def test_no_such_catalogue_or_graph(tmp_path: Path) -> None:
    for done in (
        run(ROOT / "scripts/load_graph.py", tmp_path, tmp_path / "graph", ok=False),
        run(ROOT / "scripts/query_graph.py", tmp_path / "graph", "RETURN 1", ok=False),
    ):
        assert done.returncode == 2 and "weft:" in done.stderr and "Traceback" not in done.stderr
