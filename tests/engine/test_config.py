"""The configuration: the commented file is the defaults, and a wrong key is named with its line and its remedy."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import config, template
from engine.config import Config, Section
from engine.errors import ConfigError


def keys(model: type[Section], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        inner = isinstance(kind, type) and issubclass(kind, Section)
        names += keys(kind, f"{prefix}{name}.") if inner else [f"{prefix}{name}"]
    return names


def write(folder: Path, text: str) -> Path:
    path = folder / "weft.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_commented_file_is_the_defaults(tmp_path):
    path = tmp_path / "deep" / "weft.toml"
    template.write_template(path)
    assert Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))) == Config()
    with pytest.raises(ConfigError, match="there already"):
        template.write_template(path)


def test_every_key_stands_in_the_commented_file_with_a_comment():
    table, seen, before = "", [], ""
    for line in template.template().splitlines():
        if line.startswith("["):
            table = line[1:-1] + "."
        bare = line.removeprefix("# ")
        if " = " in bare and bare.split(" = ")[0].isidentifier():
            assert before.startswith("# "), f"{table}{bare} has no comment"
            seen.append(table + bare.split(" = ")[0])
        before = line
    assert sorted(seen) == sorted(keys(Config))


def test_examples_of_keys_without_a_default_are_of_such_keys():
    without = {key.split(".")[-1] for key in keys(Config) if f"\n# {key.split('.')[-1]} = " in template.template()}
    assert without == set(template._EXAMPLES)


def test_paths_start_from_the_folder_of_the_file(tmp_path):
    text = '[data]\nitems = "a/items.csv"\nusers = "/b/users.csv"\n[rules]\nfile = "rules.toml"\n'
    loaded = config.load(write(tmp_path, text))
    assert loaded.data.items == tmp_path / "a" / "items.csv"
    assert loaded.data.users == Path("/b/users.csv")
    assert loaded.data.triples is None
    assert loaded.rules.file == tmp_path / "rules.toml"
    assert loaded.encoders.cache.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed = 3", ["line 1", "`sed`", "`seed`", "weft init"]),
        ("\n\nk = 20", ["line 3", "`k`", "`evaluation.k`"]),
        ("zzz = 1", ["line 1", "`zzz`", "remove it"]),
        ("[evaluation]\nsplit = 'tim'", ["line 2", "`evaluation.split`", "'time'", "cold-item", "got 'tim'"]),
        ("threads = 'two'", ["line 1", "`threads`", "integer", "default, 2"]),
        ("[graph.relations]\nby = ['Item', 'Persn']", ["line 1", "`graph.relations`", "did you mean Person?"]),
        ("[graph.relations]\n\nby = ['Item']", ["line 3", "`graph.relations.by", 'name = ["Item", "Person"]']),
        ("[graph.relations]\nby = 3", ["line 2", "`graph.relations.by`", 'name = ["Item", "Person"]']),
        ("[data]\nitems = 5", ["line 2", "`data.items`", "a path in quotes"]),
        (
            "[candidates.ease]\nhalf_lives = [1.0, -3]",
            ["line 2", "`candidates.ease.half_lives`", "greater than 0", "-3"],
        ),
        ("[candidates.eas]\nl2 = 1", ["line 1", "`candidates.eas`", "`candidates.ease`"]),
        ("[candidates]\nease.l2 = -1", ["line 2", "`candidates.ease.l2`", "500.0"]),
        ("graph = 5", ["line 1", "`graph` is a table", "[graph]"]),
        ("[data\n", ["line 1", "TOML"]),
        ("seed = " + "[" * 20_000, ["TOML"]),
        ("seed = " + "9" * 5_000, ["TOML"]),
    ],
)
def test_a_wrong_key_is_named_with_line_and_remedy(tmp_path, text, words):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_wrong_key_has_a_line_of_its_own(tmp_path):
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, "sed = 1\nthreads = 0\n[data]\nitm = 'x'\n"))
    assert sorted(line.split(": ")[1] for line in str(caught.value).splitlines()) == ["line 1", "line 2", "line 4"]


def test_files_that_are_none(tmp_path):
    with pytest.raises(ConfigError, match="weft init"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes("# é".encode("latin-1"))
    with pytest.raises(ConfigError, match="UTF-8"):
        config.load(tmp_path / "latin.toml")
    (tmp_path / "mark.toml").write_bytes(b"\xef\xbb\xbfseed = 1\n")
    assert config.load(tmp_path / "mark.toml").seed == 1


TEXT = st.text(st.characters(codec="utf-8"), max_size=10)
VALUE = st.one_of(
    st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), TEXT, st.lists(TEXT, max_size=3)
)


@given(st.dictionaries(st.sampled_from(["title", "text", "items", "numeric"]), VALUE), TEXT)
def test_a_data_file_says_what_it_was_given(data, title):
    assert tomllib.loads(template.data_file(data, title)).get("data") == data


@given(st.dictionaries(st.sampled_from(["seed", "seeds", "data", "graph", "k"]), VALUE, min_size=1))
def test_any_tree_is_a_configuration_or_a_config_error(tmp_path_factory, tree):
    text = "".join(f"{key} = {template._toml(value)}\n" for key, value in tree.items())
    try:
        config.load(write(tmp_path_factory.mktemp("any"), text))
    except ConfigError as error:
        assert all("line " in line for line in str(error).splitlines())


def test_an_empty_brand_or_category_is_none(tmp_path):
    read = config.load(write(tmp_path, '[data]\nbrand = ""\ncategory = ""\n'))
    assert read.data.brand is None
    assert read.data.category is None


def test_paths_do_not_depend_on_where_one_stands(tmp_path, monkeypatch):
    write(tmp_path, '[data]\nitems = "items.csv"\nimage_root = "pictures"\n')
    monkeypatch.chdir(tmp_path)
    read = config.load(Path("weft.toml"))
    assert read.data.items == tmp_path / "items.csv"
    assert read.data.image_root == tmp_path / "pictures"


def test_a_file_of_what_was_set_parses_to_the_same(tmp_path):
    tree = {
        "seed": 3,
        "data": {"items": "a.csv", "text": ["title", "blurb"], "brand": "maker"},
        "graph": {"relations": {"made_by": ["Item", "Person"]}},
        "candidates": {"ease": {"l2": 70.0, "half_lives": [3.0, float("inf")]}, "gnn": {"enabled": False}},
    }
    made = Config.model_validate(tree)
    text = template.config_file(made, "Found by chance.")
    assert Config.model_validate(tomllib.loads(text)) == made
    assert "fusion" not in text and text.startswith("# Found by chance.") and "# Ridge penalty" in text
    assert config.read(write(tmp_path, text)) == made
