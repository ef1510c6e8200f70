"""The file of rules: a mistake is told with its line, and no file breaks the reader."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.rules import rulefile


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


GOOD = '[[rule]]\nname = "a"\nkind = "exclude"\nnode = "x"\n\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + '[[rule]]\nname = "b"\nkind = "boots"', ["line 8", "rule 2 'b'", "`kind`", "`boost`"]),
        (GOOD + '[[rule]]\nname = "b"', ["line 6", "rule 2", "`kind` is one of"]),
        (GOOD + '[[rule]]\nkind = "exclude"\nnode = "x"', ["line 6", "rule 2", "`name` is missing"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "boost"\nnode = "x"\nwieght = 1', ["line 10", "`wieght`", "`weight`"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "boost"\nnode = "x"\nweight = "1"', ["line 10", "`weight`", "got '1'"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "exclude"', ["line 6", "does not say which items"]),
        (GOOD + '[[rule]]\nname = "b"\nkind = "exclude"\nitems = { price = [inf, 1] }', ["line 9", "`items.price`"]),
        (GOOD + '[[rule]]\nname = "b\\u001b[2J"\nkind = "exclude"\nnode = "x"', ["line 7", "`name`", "printable"]),
        (GOOD + GOOD, ["two rules are called 'a'"]),
        ("[[rules]]\nname = 1", ["unknown key `rules`", "[[rule]]"]),
        ("[rule]\nname = 1", ["[[rule]]"]),
        ("rule = 3", ["[[rule]]"]),
        ("rule = [3]", ["rule 1", "[[rule]]"]),
        ("x = " + "[" * 30_000, ["TOML"]),
        ("x = " + "9" * 5_000, ["TOML"]),
        ("[[rule", ["TOML"]),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        rulefile.read(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


VALUE = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates(), st.just("boost")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
KEYS = st.sampled_from(["name", "kind", "items", "users", "node", "walk", "weight", "n", "top", "from", "until", "x"])


@given(st.dictionaries(KEYS, VALUE))
def test_any_tree_is_rules_or_a_config_error(tmp_path_factory: pytest.TempPathFactory, tree: dict) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.toml.read", lambda path, absent: ("", {"rule": [tree]}))
        try:
            rulefile.read(Path("rules.toml"))
        except ConfigError as error:
            assert str(error).startswith("rules.toml: ")


def test_rules_that_are_written_are_read_as_they_were(tmp_path: Path) -> None:
    text = """
[[rule]]
name = "a \\"quoted\\" 帽"
kind = "exclude"
items = { price = [-inf, 400], colour = ["red", "blue"] }
users = { age_group = "18-24" }
from = 2026-11-27T20:00:00+08:00
until = 2026-12-31
zone = "Asia/Shanghai"
[[rule]]
name = "b"
kind = "sponsored"
node = "brand:nike"
places = 3
from = 2026-11-27T20:00:00
[[rule]]
name = "c"
kind = "boost"
walk = ["MADE_BY", "<MADE_BY"]
weight = 0.5
enabled = false
"""
    read = rulefile.read(write(tmp_path, text))
    written = rulefile.written(read)
    assert rulefile.parse(written) == read
    for line in ("from = 2026-11-27 20:00:00+08:00", "until = 2026-12-31", "from = 2026-11-27 20:00:00\n"):
        assert line in written
    assert rulefile.parse(rulefile.written(rulefile.parse(""))) == rulefile.parse("")
