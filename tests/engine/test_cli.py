"""The command line as a person types it: what it prints, what it writes, and how it ends on a mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.demo.shop import generate
from tests.engine.outside import SHARED


def weft(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command; a warning is no error there."""
    command = [sys.executable, "-c", "from engine.cli import app; app()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    generate(folder / "shop", products=120, users=80)
    done = weft("build", folder / "shop" / "weft.toml", "--out", folder / "artefact")
    assert done.returncode == 0, done.stderr
    assert "What each part adds on validation" in done.stdout
    return folder / "artefact"


def test_recommend_prints_a_table_or_json(artefact: Path) -> None:
    assert "score" in weft("recommend", artefact, "--user", "u0001", "-n", "3").stdout
    found = json.loads(weft("recommend", artefact, "--user", "u0001", "-n", "3", "--json").stdout)
    assert len(found) == 3
    assert all(sum(one["contributions"].values()) == pytest.approx(one["score"], abs=1e-4) for one in found)


def test_explain_speaks_both_languages(artefact: Path) -> None:
    item = json.loads(weft("recommend", artefact, "--user", "u0001", "-n", "1", "--json").stdout)[0]["item_id"]
    assert "because you liked" in weft("explain", artefact, "u0001", item).stdout
    assert "因为你喜欢" in weft("explain", artefact, "u0001", item, "--language", "zh").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "absent.toml", "--out", "x"], "no such file"),
        (["import", "netflix", ".", "--out", "x"], "no importer"),
        (["import", "movielens", "absent", "--out", "x"], "no such folder"),
        (["recommend", "absent", "--user", "1"], "absent"),
    ],
)
def test_a_mistake_is_one_message_and_code_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = weft(*arguments)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_an_unknown_item_is_told(artefact: Path) -> None:
    done = weft("recommend", artefact, "--history", "p0001,nothing")
    assert done.returncode == 2
    assert "'nothing' is not in the catalogue" in done.stderr.replace("\n", " ")


def test_init_writes_once(tmp_path: Path) -> None:
    assert weft("init", tmp_path / "weft.toml").returncode == 0
    again = weft("init", tmp_path / "weft.toml")
    assert again.returncode == 2
    assert "exists" in again.stderr


def test_movielens_is_imported_and_names_its_tables(tmp_path: Path) -> None:
    source = SHARED / "data" / "movielens-100k"
    if not source.is_dir():
        pytest.skip("movielens-100k is not beside the checkout")
    done = weft("import", "movielens", source, "--out", tmp_path / "ml")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ml" / "weft.toml").is_file()
