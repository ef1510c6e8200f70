"""Triples of one's own, from every form of file, on the way into a catalogue and its graph."""

import pytest

from engine import config
from engine.errors import DataError
from engine.knowledge import graph_of
from engine.tables import catalogue

ITEMS = "item_id,title,brand\n1,Heat,Warner\n2,Cars,Pixar\n"
CONFIG = """
[data]
items = "items.csv"
brand = "brand"
triples = "{}"

[graph.relations]
directed_by = ["Item", "Person"]
"""
FILES = {
    "facts.csv": "head,relation,tail\n1,directed_by,Michael Mann\nMichael Mann,directed_by,1\n,directed_by,x\n",
    "facts.tsv": "head\trelation\ttail\n1\tdirected_by\tMichael Mann\nMichael Mann\tdirected_by\t1\n\tdirected_by\tx\n",
    "facts.jsonl": '{"head": 1, "relation": "directed_by", "tail": "Michael Mann"}\n'
    '{"head": "Michael Mann", "relation": "directed_by", "tail": "1"}\n'
    '{"relation": "directed_by", "tail": "x"}\n',
    "facts.nt": "<http://a.org/items/1> <http://a.org/directedBy> <http://a.org/Michael%20Mann> .\n"
    "<http://a.org/Michael%20Mann> <http://a.org/directedBy> <http://a.org/items/1> .\n"
    "<http://a.org/directedBy> <http://a.org/x> .\n",
    "facts.ttl": "@prefix : <http://a.org/> .\n:\\.  a :b .",
    "facts.kg": "head_id:token\trelation_id:token\ttail_id:token\n1\tdirected_by\tMichael Mann\n"
    "Michael Mann\tdirected_by\t1\ndirected_by\tx\n",
    "kg_final.txt": "1 directed_by Mann\nMann directed_by 1\ndirected_by x\n",
}


def read(folder, name):
    (folder / "items.csv").write_text(ITEMS)
    (folder / "weft.toml").write_text(CONFIG.format(name))
    (folder / name).write_text(FILES[name])
    settings = config.load(folder / "weft.toml")
    found = catalogue.read(settings)
    return found, graph_of(found, settings)


@pytest.mark.parametrize("name", [name for name in FILES if name != "facts.ttl"])
def test_a_bad_row_of_any_form_costs_itself_only(name, tmp_path):
    found, graph = read(tmp_path, name)
    assert len(found.triples) == 1 and len(found.rejects) == 2
    edges = [(head, tail) for head, relation, tail in graph.edges.rows() if relation == "DIRECTED_BY"]
    assert edges == [("item:1", "person:mann" if name == "kg_final.txt" else "person:michael mann")]
    assert graph.rejects.is_empty()
    first = 2 if name.endswith((".csv", ".tsv", ".kg")) else 1
    assert found.rejects["file"].unique().to_list() == [str(tmp_path / name)]
    assert found.rejects["line"].to_list() == [first + 1, first + 2]
    assert found.rejects.row(0)[2:4] == ("relation", "reversed: directed_by goes from Item to Person")


def test_a_file_that_cannot_be_read_at_all_is_one_clear_error(tmp_path):
    with pytest.raises(DataError, match=r"facts\.ttl: line \d: not Turtle"):
        read(tmp_path, "facts.ttl")
    FILES["facts.owl"] = ""
    with pytest.raises(DataError, match=r"rename it to one of \.csv, .*\.ttl"):
        read(tmp_path, "facts.owl")
    del FILES["facts.owl"]
    (tmp_path / "weft.toml").write_text(CONFIG.format("absent.ttl"))
    with pytest.raises(DataError, match=r"absent\.ttl: cannot be read"):
        catalogue.read(config.load(tmp_path / "weft.toml"))
