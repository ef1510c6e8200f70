"""Attacks on the guard: each is refused with a reason, and neither the graph nor any file has changed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import graph
from graph.build import GraphTables
from graph.errors import GraphError
from graph.store import GraphStore
from tests.graph.conftest import STORES

ATTACKS = {
    "create": "CREATE (:Item {id: 'x'})",
    "create after match": "MATCH (a:Item) CREATE (b:Item {id: 'y'}) RETURN b",
    "lower case": "match (a:Item) create (b:Item {id: 'y'}) return b",
    "mixed case": "mAtCh (a:Item) cReAtE (b:Item {id: 'y'}) rEtUrN b",
    "no space": "MATCH(a:Item)CREATE(b:Item{id:'y'})RETURN b",
    "tabs and new lines": "MATCH (a:Item)\r\n\tCREATE\t(b:Item {id: 'y'})",
    "merge": "MERGE (a:Item {id: 'x'}) RETURN a",
    "unwind merge": "UNWIND ['x', 'y'] AS id MERGE (a:Item {id: id})",
    "delete": "MATCH (a:Item) DELETE a",
    "detach delete": "MATCH (a) DETACH DELETE a",
    "delete edges": "MATCH ()-[r]->() DELETE r",
    "set": "MATCH (a:Item) SET a.name = 'owned'",
    "set after with": "MATCH (a:Item) WITH a SET a.name = 'owned' RETURN a",
    "remove": "MATCH (a:Item) REMOVE a.name",
    "insert": "INSERT (:Item {id: 'x'})",
    "foreach": "MATCH (a) FOREACH (x IN [1] | SET a.name = 'x')",
    "write in a subquery": "MATCH (a:Item) WHERE EXISTS { MATCH (a) SET a.name = 'x' } RETURN a",
    "write in a call subquery": "MATCH (a) CALL { WITH a DELETE a } RETURN 1",
    "copy to a file": "COPY (MATCH (a) RETURN a.id) TO '{folder}/out.csv'",
    "copy to parquet": "COPY (MATCH (a) RETURN a.id) TO '{folder}/out.parquet'",
    "copy from": "COPY Item FROM '{folder}/rows.csv'",
    "load from": "LOAD FROM '{folder}/secret.csv' RETURN *",
    "load from after match": "MATCH (a:Item) LOAD FROM '{folder}/secret.csv' (file_format='csv') RETURN *",
    "load csv": "LOAD CSV FROM 'file:///{folder}/secret.csv' AS row RETURN row",
    "load extension": "LOAD EXTENSION httpfs",
    "call": "CALL show_tables() RETURN *",
    "call after match": "MATCH (a:Item) CALL table_info('Item') RETURN *",
    "setting": "CALL threads=1",
    "setting timeout": "CALL timeout=0",
    "apoc": "CALL apoc.cypher.doIt('CREATE (n)', {})",
    "apoc function": "RETURN apoc.load.json('http://localhost')",
    "attach": "ATTACH '{folder}/other.lbug' AS other (dbtype lbug)",
    "use": "USE other",
    "export": "EXPORT DATABASE '{folder}/export'",
    "import": "IMPORT DATABASE '{folder}/export'",
    "install": "INSTALL httpfs",
    "uninstall": "UNINSTALL httpfs",
    "checkpoint": "CHECKPOINT",
    "begin": "BEGIN TRANSACTION",
    "commit": "COMMIT",
    "rollback": "ROLLBACK",
    "drop": "DROP TABLE Item",
    "alter": "ALTER TABLE Item ADD owned STRING",
    "create table": "CREATE NODE TABLE Owned(id STRING PRIMARY KEY)",
    "macro": "CREATE MACRO owned(x) AS x + 1",
    "sequence": "CREATE SEQUENCE owned",
    "comment on": "COMMENT ON TABLE Item IS 'owned'",
    "explain": "EXPLAIN MATCH (a) RETURN a",
    "profile": "PROFILE CREATE (:Item {id: 'x'})",
    "two statements": "MATCH (a) RETURN a; MATCH (b) DETACH DELETE b",
    "two harmless statements": "RETURN 1; RETURN 2",
    "commit and write": "RETURN 1; COMMIT; CREATE (:Item {id: 'x'})",
    "semicolons": "RETURN 1;;",
    "line comment": "MATCH (a) // \nDETACH DELETE a",
    "block comment": "MATCH (a) /* */ RETURN a",
    "word split by a comment": "MATCH (a) DE/**/LETE a",
    "comment first": "/* RETURN */ CREATE (:Item {id: 'x'})",
    "escaped quote": "MATCH (a) WHERE a.name = 'x\\' OR 1=1 SET a.name=\"' RETURN a",
    "unicode escape": "MATCH (a) \\u0044ELETE a",
    "open quote": "MATCH (a) WHERE a.name = 'x RETURN a",
    "open backtick": "MATCH (a:`Item) RETURN a",
    "fullwidth": "MATCH (a) ＤＥＬＥＴＥ a",
    "long s": "MATCH (a) ſET a.name = 'x'",
    "zero width space": "MATCH (a) DEL\u200bETE a",
    "no-break space": "MATCH (a)\u00a0CREATE (:Item {id: 'x'})",
    "line separator": "MATCH (a)\u2028DETACH DELETE a",
    "fullwidth semicolon": "RETURN 1； CREATE (:Item {id: 'x'})",
    "null character": "MATCH (a) RETURN a\0 DELETE a",
    "memory by range": "UNWIND range(1, 1000000000) AS x RETURN count(x)",
    "memory by repeat": "RETURN repeat('a', 1000000000)",
    "memory by padding": "RETURN lpad('a', 2000000000, 'b')",
    "function in backticks": "UNWIND `range`(1, 1000000000) AS x RETURN count(x)",
    "function with a space": "RETURN range (1, 1000000000)",
    "sequence function": "RETURN nextval('s')",
    "setting function": "RETURN current_setting('threads')",
    "too long": "RETURN 1" + " + 1" * 2000,
    "deep brackets": "RETURN " + "(" * 1500 + "1" + ")" * 1500,
    "deep lists": "RETURN " + "[" * 1500 + "1" + "]" * 1500,
    "deep case": "RETURN " + "CASE WHEN true THEN " * 30 + "1" + " END" * 30,
    "closing first": ")" * 900 + "RETURN " + "(" * 900,
    "doubled text": "WITH 'aaaa' AS x " + "WITH x + x AS x " * 60 + "RETURN size(x)",
    "doubled list": "MATCH (a) WITH collect(a.id) AS l " + "WITH l + l AS l " * 60 + "RETURN size(l)",
    "doubled around a number": "WITH $l AS l " + "WITH l + 1 + l AS l " * 60 + "RETURN size(l)",
    "doubled in brackets": "WITH 'aa' AS x " + "WITH (x) + (x) AS x " * 60 + "RETURN size(x)",
    "nested lists": "WITH 'a' AS l " + "WITH [l, l] AS l " * 60 + "RETURN size(l)",
    "nested lists behind a bracket": "WITH 'a' AS l " + "WITH coalesce([l, l]) AS l " * 60 + "RETURN size(l)",
    "nested maps": "WITH 'a' AS l " + "WITH {a: l, b: l} AS l " * 60 + "RETURN l",
    "nested maps in brackets": "WITH 'a' AS l " + "WITH coalesce({a: l, b: l}) AS l " * 60 + "RETURN l",
    "long chain": "MATCH (a)" + "-[]-()" * 30 + " RETURN count(*)",
    "long chain without brackets": "MATCH (a)" + "--()" * 30 + " RETURN count(*)",
    "missing parameter": "MATCH (a:Item {id: $nobody}) RETURN a",
    "parameter as function": "RETURN $x(1)",
    "call in transactions": "MATCH (a) CALL { WITH a DETACH DELETE a } IN TRANSACTIONS OF 1 ROWS RETURN 1",
    "call with a scope": "MATCH (a) CALL (a) { DETACH DELETE a } RETURN 1",
    "optional call": "MATCH (a) OPTIONAL CALL db.labels() YIELD label RETURN label",
    "procedure": "CALL db.createLabel('Owned')",
    "procedure without brackets": "CALL dbms.listConfig",
    "yield from a procedure": "MATCH (a) CALL dbms.components() YIELD name RETURN name",
    "load csv after match": "MATCH (a) LOAD CSV WITH HEADERS FROM 'http://localhost/' AS row RETURN row",
    "load csv from a value": "WITH 'file:///etc/passwd' AS url LOAD CSV FROM url AS row RETURN row",
    "use a graph": "USE neo4j MATCH (a) RETURN a",
    "use by name": "USE graph.byName('system') MATCH (a) RETURN a",
    "show databases": "SHOW DATABASES",
    "show settings": "SHOW SETTINGS YIELD name, value RETURN name",
    "show transactions": "SHOW TRANSACTIONS YIELD transactionId RETURN transactionId",
    "terminate": "TERMINATE TRANSACTIONS 'neo4j-transaction-1'",
    "create user": "CREATE USER owned SET PASSWORD 'owned-owned'",
    "alter user": "ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b'",
    "create index": "CREATE INDEX owned IF NOT EXISTS FOR (a:Item) ON (a.name)",
    "drop constraint": "DROP CONSTRAINT weft_Item IF EXISTS",
    "stop database": "STOP DATABASE neo4j",
    "runtime": "CYPHER runtime=slotted MATCH (a) RETURN a",
    "profile a read": "PROFILE MATCH (a) RETURN a",
    "explain a write": "EXPLAIN MATCH (a) DETACH DELETE a",
    "nodetach delete": "MATCH (a:Item) NODETACH DELETE a",
    "set labels": "MATCH (a:Item) SET a:Owned",
    "set dynamic labels": "MATCH (a:Item) SET a:$('Owned')",
    "dynamic label": "MATCH (a:$('Item')) RETURN a.id",
    "dynamic relation": "MATCH (a)-[r:$('MADE_BY')]->() RETURN a.id",
    "dynamic property": "MATCH (a:Item) SET a[$key] = 'x'",
    "write in count": "MATCH (a:Item) WHERE COUNT { MATCH (a) DETACH DELETE a } > 0 RETURN 1",
    "write in collect": "RETURN COLLECT { MERGE (a:Item {id: 'x'}) RETURN a.id }",
    "call in exists": "MATCH (a) WHERE EXISTS { CALL db.labels() YIELD label RETURN label } RETURN a.id",
    "periodic commit": "USING PERIODIC COMMIT LOAD CSV FROM 'file:///x' AS row CREATE (:Item)",
    "apoc with the name of a function": "RETURN apoc.coll.max($l)",
    "apoc in backticks": "RETURN `apoc`.`cypher`.`runFirstColumn`('MATCH (a) RETURN a', {})",
    "function of the graph": "MATCH (a) RETURN graph.properties (a)",
    "file function": "RETURN file()",
    "unicode escape of a letter": "MATCH (a) RETURN a \\u003B MATCH (b) DELETE b",
    "unicode escape of a quote": "MATCH (a) WHERE a.name = '\\u0027 OR true SET a.name = \\u0027x' RETURN a",
    "unicode escape of a brace": "MATCH (a) CALL \\u007B WITH a DELETE a \\u007D RETURN 1",
    "greek question mark": "MATCH (a) RETURN a.id\u037e MATCH (b) DELETE b",
    "cyrillic letters": "MATCH (a) RЕTURN a",
    "zero width joiner": "MATCH (a) DETACH DEL\u200dETE a",
    "right to left": "MATCH (a) \u202eETELED HCATED\u202c a",
    "byte order mark": "\ufeffMATCH (a) RETURN a.id",
    "soft hyphen": "MATCH (a) DE\u00adLETE a",
    "vertical tab": "MATCH (a)\x0bRETURN a.id",
    "group separator": "MATCH (a)\x1dRETURN a.id",
    "quantified path": "MATCH ((a)-[]->(b)){1,50} RETURN count(*)",
    "quantified relation": "MATCH (a)-[]->{1,50}(b) RETURN count(*)",
    "one or more": "MATCH (a)-[]->+(b) RETURN count(*)",
    "all of a path": "MATCH (a) ((x)-[]-(y))+ (b) RETURN count(*)",
    "list comprehension": "MATCH (a) WITH collect(a.id) AS l RETURN [x IN l | [l, l, x]]",
    "pattern comprehension": "MATCH (a) RETURN [(a)-[]-(b) | [b, b]]",
    "reduce": "RETURN reduce(x = 'aa', y IN $l | x + x)",
    "doubled by bars": "WITH 'aa' AS x " + "WITH x || x AS x " * 60 + "RETURN size(x)",
    "doubled by bars apart": "WITH 'aa' AS x " + "WITH x | | x AS x " * 60 + "RETURN size(x)",
    "doubled by a projection": "MATCH (m:Item) " + "WITH m {a: m, b: m} AS m " * 60 + "RETURN m",
    "doubled by a projection of all": "MATCH (m:Item) " + "WITH m {.*, a: m} AS m " * 60 + "RETURN m",
    "doubled by a projection of names": "MATCH (m:Item) WITH m, m AS n "
    + "WITH m {m, n} AS m, m AS n " * 50
    + "RETURN m",
    "doubled under the name of a subquery": "MATCH (count:Item) "
    + "WITH count {match: count, b: count} AS count " * 60
    + "RETURN count",
    "sleep": "CALL apoc.util.sleep(100000)",
    "random": "RETURN randomUUID()",
    "nothing": "",
    "blank": " \n",
    "only a semicolon": ";",
}


@pytest.fixture(scope="module", params=[f"{kind} {mode}" for kind in STORES for mode in ("writing", "read-only")])
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shop: GraphTables
) -> Iterator[tuple[GraphStore, Path]]:
    kind, mode = request.param.split()
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "secret.csv").write_text("id,name\nx,secret\n", encoding="utf-8")
    (folder / "rows.csv").write_text("id,name\nx,secret\n", encoding="utf-8")
    place = STORES[kind](request, folder / "graph")
    with graph.open(place) as store:
        store.load(shop)
        if mode == "writing":
            yield store, folder
            return
    with graph.open(place, read_only=True) as store:
        yield store, folder


def files(folder: Path) -> dict[Path, str]:
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".wal"  # opening a graph to write may begin an empty log
    }


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_changes_nothing(target: tuple[GraphStore, Path], attack: str) -> None:
    store, folder = target
    before, held = files(folder), store.export()
    with pytest.raises(GraphError) as refused:
        store.query(attack.replace("{folder}", str(folder)), {"l": [1]} if "$l" in attack else None, timeout=2)
    assert str(refused.value)
    assert "query failed" not in str(refused.value)  # the guard refused it, not the database
    assert files(folder) == before
    after = store.export()
    assert after.nodes.equals(held.nodes) and after.edges.equals(held.edges)


@pytest.mark.parametrize(
    "bomb",
    [
        "MATCH (a), (b), (c), (d), (e), (f), (g) WHERE a.id < b.id OR f.id < g.id RETURN count(*)",
        "MATCH "
        + ", ".join(f"(a{i})-[]-()" for i in range(8))
        + " WHERE a0.id < a7.id OR a1.id < a6.id RETURN count(*)",
        "MATCH (a), (b), (c), (d), (e), (f) WITH collect(a.id) AS l UNWIND l AS x WITH collect(l) AS l RETURN size(l)",
        "MATCH p = (a)-[*1..30]-(b)-[*1..30]-(c) RETURN count(DISTINCT p)",
    ],
    ids=["product", "product of patterns", "nested lists", "long paths"],
)
def test_a_bomb_ends_in_an_error(target: tuple[GraphStore, Path], bomb: str) -> None:
    store, _ = target
    with pytest.raises(GraphError):
        store.query(bomb, timeout=0.5)
    assert store.query("MATCH (a:Item) RETURN count(*)").item() == 4


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (a:Item) RETURN a.id;",
        "match (a:Item) where a.name contains 'CREATE; DROP // SET' return a.id",
        'MATCH (a) WHERE a.name = "DELETE" RETURN a.id AS `set 名称`',
        "MATCH (a) WHERE a.name = '白色运动鞋' RETURN a.id",
        "MATCH (a:Item)-[r:MADE_BY|GOES_WITH*1..2]-(b) RETURN b.id",
        "MATCH p = (a:Item {id: 'item:1'})-[*1..3]-(b:Item {id: 'item:3'}) RETURN length(p) ORDER BY length(p) LIMIT 1",
        "MATCH (a:Item) OPTIONAL MATCH (a)-[:MADE_BY]->(b) RETURN coalesce(b.name, 'x') AS x ORDER BY x SKIP 1 LIMIT 2",
        "MATCH (a:Item) RETURN CASE WHEN a.id IN ['item:1', 'item:2'] THEN 'a' ELSE 'b' END AS side, count(*)",
        "MATCH (a:Item) WHERE NOT (a)-[:MADE_BY]->(:Brand) RETURN a.id",
        "MATCH (a:Item) WHERE EXISTS { MATCH (a)-[:MADE_BY]->(b) WHERE b.name = 'Nike' } RETURN a.id",
        "MATCH (a:Item) WITH a.id AS id WHERE id STARTS WITH 'item' RETURN upper(id) AS x UNION ALL RETURN 'x' AS x",
        "UNWIND $ids AS id MATCH (a {id: id}) RETURN count(DISTINCT a.id) AS n",
        "RETURN round(5 / 2.0 * (1 + 2), 1) AS x, [1, -2.5, 3][1] AS y",
        "MATCH (a:Item) WITH a.name + ', ' + $ids[1] AS x, collect(a.id)[1] AS y RETURN x, y",
        "MATCH (a)-[r]->(b) WHERE label(r) IN ['MADE_BY', 'GOES_WITH'] AND COUNT { MATCH (b)-[]-() } > 1 RETURN b.id",
    ],
)
def test_reading_is_let_through(target: tuple[GraphStore, Path], query: str) -> None:
    target[0].query(query, {"ids": ["item:1"]} if "$ids" in query else None)


def test_one_spelling_on_every_store(target: tuple[GraphStore, Path]) -> None:
    text = "MATCH (a:Item {id: $item})-[r]->(b) RETURN label(a) AS x, type(r) AS y, label (b) AS z ORDER BY y, z"
    assert target[0].query(text, {"item": "item:2"}).rows() == [
        ("Item", "BELONGS_TO", "Category"),
        ("Item", "HAS_COLOUR", "Attribute"),
        ("Item", "HAS_COMPANY", "Organisation"),
        ("Item", "MADE_BY", "Brand"),
    ]
    text = "MATCH (a)-[r:MADE_BY]->() RETURN DISTINCT label(r) AS `type(r)`, 'label(a)' AS text"
    assert target[0].query(text).rows() == [("MADE_BY", "label(a)")]


def test_a_name_like_a_refused_word_goes_in_backticks(target: tuple[GraphStore, Path]) -> None:
    assert target[0].query("RETURN 1 AS `set`").columns == ["set"]
    with pytest.raises(GraphError, match="backticks"):
        target[0].query("RETURN 1 AS set")
