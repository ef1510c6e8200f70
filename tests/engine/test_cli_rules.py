"""`weft rules` as a person types it."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from engine import Engine, artifact
from engine.errors import ArtifactError
from engine.rules import rulefile
from tests.engine.test_cli import weft

RULES = """
[[rule]]
name = "cheap things first"
kind = "boost"
items = { price = [-inf, 300] }
weight = 50.0

[[rule]]
name = "one maker"
kind = "at_most"
relation = "MADE_BY"
top = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    return path


@pytest.fixture
def artefact(small_artefact: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_artefact, tmp_path / "artefact"))


def test_check_says_what_conflicts(file: Path, artefact: Path) -> None:
    assert "2 rules\nno conflicts in the words" in weft("rules", "check", file).stdout
    assert "2 rules\nno conflicts\n" in weft("rules", "check", file, "--artefact", artefact).stdout
    file.write_text(RULES + '[[rule]]\nname = "none"\nkind = "require"\nnode = "brand:nikee"\n')
    done = weft("rules", "check", file, "--artefact", artefact)
    assert done.exit_code == 1
    assert "'none': the graph has no node 'brand:nikee'; the nearest is 'brand:nike'" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[rule]]\nname = 'a'\nkind = 'boots'", "line 3: rule 1 'a': `kind` is one of"),
        ("[[rule]]\nname = 'a'\nkind = 'at_most'\nrelation = 'MADEBY'", "rule 'a': the graph has no relation MADEBY"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_message_and_code_2(
    artefact: Path, file: Path, text: str, words: str
) -> None:
    file.write_text(text)
    for command in (["try", artefact, file], ["on", artefact, file], ["check", file, "--artefact", artefact]):
        done = weft("rules", *command)
        assert done.exit_code == 2
        assert words in done.stderr
    assert not Engine.load(artefact).rules.rule


def test_a_trial_shows_each_rule_and_lists(artefact: Path, file: Path) -> None:
    done = weft("rules", "try", artefact, file, "--user", "u0001", "-n", "5", "--on", "2026-01-01")
    assert "lists of 5 for 1 users, at 2026-01-01 00:00 UTC; nothing is switched on" in done.stdout
    assert "cheap things first" in done.stdout
    assert "for u0001" in done.stdout
    assert weft("rules", "try", artefact, file, "--on", "soon").exit_code == 2
    assert not Engine.load(artefact).rules.rule


def test_rules_are_switched_on_and_off(artefact: Path, file: Path) -> None:
    before = weft("recommend", artefact, "--user", "u0001").stdout
    assert "2 rules are in" in weft("rules", "on", artefact, file).stdout
    assert Engine.load(artefact).rules == rulefile.read(file)
    assert "one maker" in weft("rules", "show", artefact).stdout
    with_rules = weft("recommend", artefact, "--user", "u0001").stdout
    assert "rule: " in with_rules
    weft("rules", "off", artefact)
    assert "no rules" in weft("rules", "show", artefact).stdout
    assert weft("recommend", artefact, "--user", "u0001").stdout == before


def test_what_is_no_artefact_is_left_alone(tmp_path: Path, artefact: Path) -> None:
    assert weft("rules", "off", tmp_path).exit_code == 2
    manifest = artefact / artifact.MANIFEST
    manifest.write_text(manifest.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(ArtifactError, match="changed"):
        artifact.amend(artefact, {"rules": {}})


def test_the_rules_of_the_generated_shop_fit_it(artefact: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "shipped.toml"
    shipped.write_bytes(files("engine.demo").joinpath("rules.toml").read_bytes())
    Engine.load(artefact).use_rules(shipped)
    assert weft("rules", "check", shipped, "--artefact", artefact).exit_code == 0
