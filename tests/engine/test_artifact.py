"""The artefact: round trip, every kind of damage, crashes in the middle, and what may stand in its place."""

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from polars.testing import assert_frame_equal
from scipy import sparse

from engine import artifact, atomic
from engine.errors import ArtifactError, DataError
from graph import disk

DTYPES = (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint64, np.uint8, np.bool_)


@pytest.fixture
def whole(tmp_path):
    """A small artefact with one of everything."""
    tree = tmp_path / "store"
    (tree / "deep").mkdir(parents=True)
    (tree / "catalog.kz").write_bytes(b"nodes")
    (tree / "deep" / "edges.kz").write_bytes(b"edges")
    artifact.write(
        tmp_path / "it",
        tensors={"vectors": {"text": np.arange(6, dtype=np.float32).reshape(2, 3)}},
        tables={"items": pl.DataFrame({"item_id": ["a", "白"], "genre": [["x"], []]})},
        facts={"seed": 1, "names": ["a"]},
        trees={"graph": tree},
    )
    return tmp_path / "it"


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- round trip


def test_what_is_written_is_read(whole):
    read = artifact.read(whole)
    assert names(whole) == [
        "graph/catalog.kz", "graph/deep/edges.kz", "items.parquet", "manifest.json", "vectors.safetensors",
    ]  # fmt: skip
    assert read.facts == {"seed": 1, "names": ["a"]}
    assert read.libraries["numpy"] == np.__version__ and read.libraries["polars"] == pl.__version__
    assert read.libraries.keys() >= {"weft", "python", "torch", "safetensors"}
    assert read.table("items").to_dict(as_series=False) == {"item_id": ["a", "白"], "genre": [["x"], []]}
    assert (read.tree("graph") / "deep" / "edges.kz").read_bytes() == b"edges"
    vectors = read.tensors("vectors")["text"]
    np.testing.assert_array_equal(vectors, [[0, 1, 2], [3, 4, 5]])
    assert [path.name for path in whole.parent.iterdir() if path.name.startswith(".")] == []


arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@given(st.dictionaries(st.text(max_size=5).filter(lambda name: name != "__metadata__"), arrays, max_size=4))
def test_any_tensors_come_back_bit_for_bit(tmp_path_factory, group):
    folder = tmp_path_factory.mktemp("tensors") / "it"
    artifact.write(folder, tensors={"g": group}, tables={}, facts={})
    back = artifact.read(folder).tensors("g")
    assert back.keys() == group.keys()
    for name, array in group.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert back[name].tobytes() == array.tobytes()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(), values, max_size=4),
    st.lists(st.tuples(st.text(), st.none() | st.floats(), st.lists(st.text(), max_size=2)), max_size=5),
)
def test_any_facts_and_tables_come_back(tmp_path_factory, facts, rows):
    schema = {"id": pl.String, "number": pl.Float64, "words": pl.List(pl.String)}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    folder = tmp_path_factory.mktemp("tables") / "it"
    artifact.write(folder, tensors={}, tables={"t": table}, facts=facts)
    read = artifact.read(folder)
    assert read.facts == facts
    assert_frame_equal(read.table("t"), table)


def test_facts_with_numbers_for_keys_are_sealed_as_json_has_them(tmp_path):
    artifact.write(tmp_path / "it", tensors={}, tables={}, facts={"by_k": {10: 0.1, 9: 0.2}})
    assert artifact.read(tmp_path / "it").facts == {"by_k": {"10": 0.1, "9": 0.2}}


@given(st.integers(0, 5), st.integers(0, 6), st.integers(0, 99))
def test_sparse_matrices_come_back(tmp_path_factory, rows, columns, seed):
    rng = np.random.default_rng(seed)
    matrix = sparse.csr_array((rng.random((rows, columns)) < 0.4) * rng.random((rows, columns)).astype(np.float32))
    folder = tmp_path_factory.mktemp("sparse") / "it"
    artifact.write(folder, tensors={"facts": artifact.pack_csr("m", matrix)}, tables={}, facts={})
    back = artifact.unpack_csr("m", artifact.read(folder).tensors("facts"))
    assert (back.dtype, back.shape) == (np.float32, (rows, columns))
    np.testing.assert_array_equal(back.toarray(), matrix.toarray())


def test_a_sparse_matrix_stays_in_the_file(tmp_path):
    parts = artifact.pack_csr("m", sparse.random_array((50, 60), density=0.5, format="csr", rng=0))
    artifact.write(tmp_path / "it", tensors={"facts": parts}, tables={}, facts={})
    kept = artifact.read(tmp_path / "it").tensors("facts")
    back = artifact.unpack_csr("m", kept)
    assert np.shares_memory(back.data, kept["m.data"]) and np.shares_memory(back.indices, kept["m.indices"])


def test_a_sparse_matrix_that_does_not_fit_is_refused():
    packed = artifact.pack_csr("m", sparse.csr_array(np.eye(3)))
    with pytest.raises(ArtifactError, match=r"`other`.*build the artefact again"):
        artifact.unpack_csr("other", packed)
    with pytest.raises(ArtifactError, match="`m`"):
        artifact.unpack_csr("m", packed | {"m.indices": np.array([0, 1])})


def test_rows_that_do_not_lie_in_order_are_kept_right(tmp_path):
    turned, stepped = np.arange(6.0).reshape(2, 3).T, np.arange(10)[::3]
    artifact.write(tmp_path / "it", tensors={"g": {"turned": turned, "stepped": stepped}}, tables={}, facts={})
    back = artifact.read(tmp_path / "it").tensors("g")
    np.testing.assert_array_equal(back["turned"], turned)
    np.testing.assert_array_equal(back["stepped"], stepped)


def test_mapped_tensors_can_be_changed_without_changing_the_file(whole):
    vectors = artifact.read(whole).tensors("vectors")["text"]
    vectors += 1
    np.testing.assert_array_equal(artifact.read(whole).tensors("vectors")["text"], [[0, 1, 2], [3, 4, 5]])


def test_a_single_file_is_a_tree_too(tmp_path):
    (tmp_path / "store.db").write_bytes(b"one file")
    artifact.write(tmp_path / "it", tensors={}, tables={}, facts={}, trees={"graph.db": tmp_path / "store.db"})
    assert artifact.read(tmp_path / "it").tree("graph.db").read_bytes() == b"one file"


# --- refusals on reading


def flip_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("file", ["vectors.safetensors", "items.parquet", "graph/deep/edges.kz"])
def test_a_changed_byte_is_refused(whole, file):
    flip_a_byte(whole / file)
    with pytest.raises(ArtifactError, match=rf"{file}: expected sha256 \w+, found \w+; copy .* or build it again"):
        artifact.read(whole)
    artifact.read(whole, verify="size")


@pytest.mark.parametrize("verify", ["full", "size"])
@pytest.mark.parametrize("file", ["vectors.safetensors", "items.parquet", "graph/catalog.kz"])
def test_missing_truncated_and_longer_files_are_refused(whole, file, verify):
    path = whole / file
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(ArtifactError, match=f"{file}: expected {size} bytes, found {size + 1} bytes"):
        artifact.read(whole, verify)
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ArtifactError, match=f"{file}: expected {size} bytes, found {size - 1} bytes"):
        artifact.read(whole, verify)
    path.unlink()
    with pytest.raises(ArtifactError, match=f"{file}: expected a file that the manifest lists, found no file"):
        artifact.read(whole, verify)


@pytest.mark.parametrize("file", ["extra.parquet", "graph/deep/more.kz", ".hidden"])
def test_an_extra_file_is_refused(whole, file):
    (whole / file).write_text("x")
    with pytest.raises(ArtifactError, match=f"{file}: expected no such file in the manifest"):
        artifact.read(whole)


def test_a_link_is_refused(whole, tmp_path):
    (tmp_path / "elsewhere").write_bytes((whole / "items.parquet").read_bytes())
    (whole / "items.parquet").unlink()
    (whole / "items.parquet").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match=r"items\.parquet: .* found a link"):
        artifact.read(whole)


def reseal(whole, **changes):
    """A manifest by a writer who knows how to seal."""
    content = json.loads((whole / "manifest.json").read_text()) | changes
    content.pop("seal")
    (whole / "manifest.json").write_text(artifact._sealed(content))


@pytest.mark.parametrize("version", [0, artifact.VERSION + 1, "1", None])
def test_another_format_version_is_refused(whole, version):
    reseal(whole, version=version)
    expected = f"expected format version {artifact.VERSION}, found {version!r}; build it again, or use"
    with pytest.raises(ArtifactError, match=expected):
        artifact.read(whole)


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd", "a/../b", "", "a//b", "..", "a\\b", "C:x"])
def test_a_manifest_that_points_outside_is_refused(whole, file):
    reseal(whole, files={file: {"bytes": 1, "sha256": ""}})
    with pytest.raises(ArtifactError, match="expected plain file names"):
        artifact.read(whole)


def test_a_changed_manifest_is_refused(whole):
    path = whole / "manifest.json"
    text = path.read_text()
    path.write_text(text.replace('"seed": 1', '"seed": 2'))
    with pytest.raises(ArtifactError, match="expected a manifest as it was written, found one that was changed"):
        artifact.read(whole)
    for broken, says in ((text[:-20], "expected JSON"), ("[]", "format version"), ("\udcff", "expected JSON")):
        path.write_bytes(broken.encode("utf-8", "surrogateescape"))
        with pytest.raises(ArtifactError, match=says):
            artifact.read(whole)
    path.unlink()
    with pytest.raises(ArtifactError, match=r"manifest\.json: expected the manifest .* `weft build` makes"):
        artifact.read(whole)


def test_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(ArtifactError, match="found no file"):
            artifact.read(path)


@pytest.mark.parametrize("name", ["other", "../it/items", "/etc/passwd", ""])
def test_a_part_that_is_not_there_is_refused(whole, name):
    read = artifact.read(whole)
    for part in (read.tensors, read.table, read.tree):
        with pytest.raises(ArtifactError, match="an artefact without it"):
            part(name)


@pytest.mark.parametrize("damage", [flip_a_byte, truncate, lambda path: path.write_bytes(b"")])
def test_a_file_that_breaks_after_the_check_is_still_one_clear_error(whole, damage):
    read = artifact.read(whole)
    (whole / "vectors.safetensors").write_bytes((whole / "vectors.safetensors").read_bytes()[:40])
    damage(whole / "vectors.safetensors")
    with pytest.raises(ArtifactError, match="expected a safetensors file"):
        read.tensors("vectors")
    truncate(whole / "items.parquet")
    with pytest.raises(ArtifactError, match="expected a parquet file"):
        read.table("items")


def test_an_artefact_that_was_replaced_is_not_mixed_with_its_successor(whole):
    read = artifact.read(whole)
    artifact.write(whole, tensors={}, tables={"items": pl.DataFrame({"item_id": ["new"]})}, facts={})
    with pytest.raises(ArtifactError, match="found another; open it again"):
        read.table("items")
    assert artifact.read(whole).table("items")["item_id"].to_list() == ["new"]


# --- refusals on writing


@pytest.mark.parametrize(
    "parts",
    [
        {"tensors": {"../x": {}}},
        {"tables": {"": pl.DataFrame()}},
        {"tables": {".hidden": pl.DataFrame()}},
        {"tensors": {"g": {"words": np.array(["a"])}}},
        {"tensors": {"g": {"anything": np.array([{}], dtype=object)}}},
        {"tensors": {"g": {"swapped": np.zeros(2, ">f4")}}},
        {"facts": {"score": float("nan")}},
    ],
)
def test_what_cannot_be_kept_is_refused_and_the_old_artefact_stands(whole, parts):
    before = (whole / "manifest.json").read_bytes()
    with pytest.raises(ValueError):
        artifact.write(whole, **({"tensors": {}, "tables": {}, "facts": {}} | parts))
    assert (whole / "manifest.json").read_bytes() == before
    artifact.read(whole)
    assert [path.name for path in whole.parent.iterdir() if path.name.startswith(".")] == []


def test_odd_names_in_a_tree_are_refused(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a b").write_text("x")
    with pytest.raises(ValueError, match="tree/a b: names"):
        artifact.write(tmp_path / "it", tensors={}, tables={}, facts={}, trees={"tree": tmp_path / "tree"})


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name in ("home", "file"):
        with pytest.raises(DataError, match=f"{name} is there and has no manifest.json"):
            artifact.write(tmp_path / name, tensors={}, tables={}, facts={})
    artifact.write(tmp_path / "empty", tensors={}, tables={}, facts={})
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


# --- crashes

KILLED = """
    import os, signal, sys
    from pathlib import Path
    import numpy as np, polars as pl
    from engine import artifact, atomic
    from graph import disk

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    def die_after(call):
        return lambda *args, **kwargs: (call(*args, **kwargs), die())

    {sabotage}
    big = np.full((500, 500), 2.0)
    artifact.write(
        Path(sys.argv[1]), tensors={{"g": {{"a": big}}}}, tables={{"t": pl.DataFrame({{"n": [2]}})}}, facts={{"n": 2}}
    )
"""

KILL_POINTS = {
    "after the tensors": "artifact.save_file = die_after(artifact.save_file)",
    "before the manifest": "artifact._sealed = die",
    "before the disk has it": "disk.sync_tree = die",
    "before the swap": "disk.swap = die",
    "after the swap": "disk.swap = die_after(disk.swap)",
}


@pytest.mark.parametrize("point", KILL_POINTS)
def test_a_kill_leaves_the_old_or_the_new_artefact_whole(tmp_path, point):
    folder = tmp_path / "it"
    old = {"tensors": {"g": {"a": np.ones(3)}}, "tables": {"t": pl.DataFrame({"n": [1]})}, "facts": {"n": 1}}
    artifact.write(folder, **old)
    script = textwrap.dedent(KILLED.format(sabotage=KILL_POINTS[point]))
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    read = artifact.read(folder)
    n = 2 if point == "after the swap" else 1
    assert (read.facts["n"], read.table("t")["n"].item(), read.tensors("g")["a"].flat[0]) == (n, n, n)
    artifact.write(folder, **old)
    assert artifact.read(folder).facts == {"n": 1}


def test_without_the_exchange_call_folders_still_change_places(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "_exchange", lambda new, old: False)
    for n in (1, 2):
        artifact.write(tmp_path / "it", tensors={}, tables={}, facts={"n": n})
    assert artifact.read(tmp_path / "it").facts == {"n": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_a_swap_that_fails_half_way_is_taken_back(tmp_path, monkeypatch):
    artifact.write(tmp_path / "it", tensors={}, tables={}, facts={"n": 1})
    monkeypatch.setattr(disk, "_exchange", lambda new, old: False)
    rename = Path.rename

    def fail_for_the_new(self, target):
        if self.suffix == ".partial":
            raise OSError("the disk is full")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    with pytest.raises(OSError, match="the disk is full"):
        artifact.write(tmp_path / "it", tensors={}, tables={}, facts={"n": 2})
    assert artifact.read(tmp_path / "it").facts == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_text_is_written_whole_or_not_at_all(tmp_path):
    atomic.write_text(tmp_path / "deep" / "page.html", "旧")
    with pytest.raises(UnicodeEncodeError):
        atomic.write_text(tmp_path / "deep" / "page.html", "x" * 100_000 + "\udcff")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in (tmp_path / "deep").iterdir()] == [
        ("page.html", "旧")
    ]


def test_an_artefact_can_be_moved(whole, tmp_path):
    shutil.move(whole, tmp_path / "elsewhere")
    assert artifact.read(tmp_path / "elsewhere").facts["seed"] == 1
