"""What only the embedded store has: a directory, one writer and many readers, and what a crash leaves behind."""

import subprocess
import sys
import textwrap
from pathlib import Path

import polars as pl
import pytest

import graph
from graph.build import EDGES, NODES, GraphTables
from graph.errors import GraphError
from graph.stores import bulk, ladybug


def run(code: str, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, check=check, cwd=root, timeout=60)


def test_kept_in_the_directory(tmp_path: Path, shop: GraphTables) -> None:
    with graph.open(str(tmp_path / "deep" / "graph")) as store:
        store.load(shop)
        store.merge(GraphTables(pl.DataFrame([("item:9", "Item", "x")], schema=NODES, orient="row"), shop.edges[:0]))
        assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["graph"]
    with graph.open(tmp_path / "deep" / "graph", read_only=True) as store:
        held = store.export()
    assert set(held.nodes.rows()) == {*shop.nodes.rows(), ("item:9", "Item", "x")}
    assert set(held.edges.rows()) == set(shop.edges.rows())


def test_read_only(tmp_path: Path, shop: GraphTables) -> None:
    with pytest.raises(GraphError, match="no graph here"):
        graph.open(tmp_path / "none", read_only=True)
    assert not (tmp_path / "none").exists()
    with graph.open(tmp_path / "graph") as store:
        store.load(shop)
    with graph.open(tmp_path / "graph", read_only=True) as one, graph.open(tmp_path / "graph", read_only=True) as two:
        assert one.stats().equals(two.stats())
        for write in (lambda: one.load(shop), lambda: one.merge(shop), lambda: one.delete(["item:1"])):
            with pytest.raises(GraphError, match="read-only"):
                write()
        assert one.export().nodes.height == shop.nodes.height


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with graph.open(tmp_path / "graph"):
        told = run(
            """
            import sys, graph
            try: graph.open(sys.argv[1])
            except graph.GraphError as error: print(error)
            """,
            tmp_path / "graph",
        )
    assert "cannot open the graph" in told.stdout and "lock" in told.stdout.lower()


@pytest.mark.parametrize("content", [b"", b"not a graph" * 1000])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ladybug.FILE).write_bytes(content)
    if content:
        with pytest.raises(GraphError, match="cannot open"):
            graph.open(tmp_path)
    else:
        with graph.open(tmp_path) as store:
            assert store.stats().is_empty()


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "graph").write_text("x")
    with pytest.raises(GraphError, match="cannot open"):
        graph.open(tmp_path / "graph")


def test_a_uri_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="URI"):
        graph.open("mysql://localhost")


def test_a_load_that_is_killed_leaves_the_old_graph(tmp_path: Path, shop: GraphTables) -> None:
    with graph.open(tmp_path / "graph") as store:
        store.load(shop)
    killed = run(
        """
        import os, signal, sys
        import polars as pl
        import graph
        from graph.build import build
        items = pl.DataFrame({"item_id": ["a", "b"], "genre": [["x"], ["y"]]})
        kill = lambda done, total: os.kill(os.getpid(), signal.SIGKILL)
        graph.open(sys.argv[1]).load(build(items, attributes=["genre"]), kill)
        """,
        tmp_path / "graph",
        check=False,
    )
    assert killed.returncode == -9
    assert any(path.name.startswith(ladybug.ASIDE) for path in (tmp_path / "graph").iterdir())
    with graph.open(tmp_path / "graph") as store:
        assert set(store.export().edges.rows()) == set(shop.edges.rows())
        store.load(shop)
    assert [path.name for path in (tmp_path / "graph").iterdir()] == [ladybug.FILE]


def test_a_merge_that_is_killed_is_there_whole_or_not_at_all(tmp_path: Path, shop: GraphTables) -> None:
    with graph.open(tmp_path / "graph") as store:
        store.load(shop)
    killed = run(
        """
        import os, signal, sys
        import polars as pl
        import graph, graph.stores.ladybug
        from graph.build import build
        items = pl.DataFrame({"item_id": ["a", "b"], "genre": [["x"], ["y"]]})
        store = graph.open(sys.argv[1])
        store.merge(build(items[:1], attributes=["genre"]))
        copies, copy = [], graph.stores.ladybug.copy
        def kill(*arguments):
            copy(*arguments)
            copies.append(1)
            if len(copies) == 2: os.kill(os.getpid(), signal.SIGKILL)
        graph.stores.ladybug.copy = kill
        store.merge(build(items, attributes=["genre"]))
        """,
        tmp_path / "graph",
        check=False,
    )
    assert killed.returncode == -9
    with graph.open(tmp_path / "graph") as store:
        expected = {*shop.edges.rows(), ("item:a", "HAS_GENRE", "genre:x")}
        assert set(store.export().edges.rows()) == expected
        assert store.query("MATCH (a:Item {id: 'item:b'}) RETURN a").is_empty()


def test_a_failed_write_leaves_no_trace_in_the_index(tmp_path: Path, shop: GraphTables) -> None:
    # A failed COPY leaves its keys in the index in memory: look-ups of them raise until the database is opened anew.
    with graph.open(tmp_path / "graph") as opened:
        assert isinstance(opened, ladybug.LadybugStore)
        opened.load(shop)
        fresh = pl.DataFrame({"id": ["item:new", "item:1"], "name": ["x", "x"]})
        with pytest.raises(GraphError, match="not changed"), opened._writing():
            bulk.copy(opened._connection, bulk.COPY_NODES.format("Item"), fresh)
        with pytest.raises(GraphError, match="no node"):
            opened.neighbours("item:new")
        new = pl.DataFrame([("item:new", "Item", "x")], schema=NODES, orient="row")
        opened.merge(GraphTables(new, pl.DataFrame(schema=EDGES)))
        assert opened.neighbours("item:new").nodes.rows() == [("item:new", "Item", "x")]


def test_readers_go_on_while_the_graph_is_replaced(tmp_path: Path, shop: GraphTables) -> None:
    with graph.open(tmp_path / "graph") as writer:
        writer.load(shop)
        with graph.open(tmp_path / "graph", read_only=True) as reader:
            small = GraphTables(pl.DataFrame([("item:1", "Item", "x")], schema=NODES, orient="row"), shop.edges[:0])
            writer.load(small)
            assert reader.export().nodes.height == shop.nodes.height
        with graph.open(tmp_path / "graph", read_only=True) as reader:
            assert reader.export().nodes.height == 1
