"""The command line as a person types it: what it prints, what it writes, and how it ends on a mistake."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import Result

from engine.cli import output
from engine.cli.working import Working
from tests.engine.command import weft
from tests.engine.outside import SHARED

COMMAND = [sys.executable, "-c", "from engine.cli import app; app()"]


def test_build_says_what_was_built(small_build: tuple[Path, Result]) -> None:
    artefact, done = small_build
    assert "120 items" in done.stdout
    assert f"s: {artefact}" in done.stdout
    assert "\x1b" not in done.stderr  # no bars where there is no terminal


def test_recommend_prints_a_table_or_json(small_artefact: Path) -> None:
    assert "score" in weft("recommend", small_artefact, "--user", "u0001", "-n", "3").stdout
    found = json.loads(weft("recommend", small_artefact, "--user", "u0001", "-n", "3", "--json").stdout)
    assert len(found) == 3
    assert all(sum(one["contributions"].values()) == pytest.approx(one["score"], abs=1e-4) for one in found)


def test_explain_speaks_both_languages(small_artefact: Path) -> None:
    item = json.loads(weft("recommend", small_artefact, "--user", "u0001", "-n", "1", "--json").stdout)[0]["item_id"]
    assert "because you liked" in weft("explain", small_artefact, "u0001", item).stdout
    assert "因为你喜欢" in weft("explain", small_artefact, "u0001", item, "--language", "zh").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "absent.toml", "--out", "x"], "no such file"),
        (["import", "netflix", ".", "--out", "x"], "no importer"),
        (["import", "movielens", "absent", "--out", "x"], "no such folder"),
        (["import", "kgat", ".", "--out", "x", "--map", "item=sku"], "are for `table`"),
        (["import", "table", ".", "--out", "x", "--map", "item"], "write KEY=VALUE"),
        (["import", "table", ".", "--out", "x", "--map", "colour=red"], "no key of a mapping"),
        (["import", "table", ".", "--out", "x", "--file", "colour=red.csv"], "no table"),
        (["recommend", "absent", "--user", "1"], "absent"),
        (["recommend", "absent", "--user", "1", "--where", "{"], "not JSON"),
        (["recommend", "absent", "-n", "0"], "from 1 to 1000, not 0"),
        (["similar", "absent", "p", "-n", "100000"], "from 1 to 1000, not 100000"),
        (["search", "absent", "shoes", "--personal", "2"], "from 0 to 1"),
        (["explain", "absent", "u", "p", "--language", "fr"], "en or zh"),
        (["serve", "absent", "--port", "70000"], "from 0 to 65535"),
        (["demo", "--products", "3"], "a shop needs"),
    ],
)
def test_a_mistake_is_one_message_and_code_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = weft(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("weft: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_item_is_told(small_artefact: Path) -> None:
    done = weft("recommend", small_artefact, "--history", "p0001,nothing")
    assert done.exit_code == 2
    assert "'nothing' is not in the catalogue" in done.stderr
    assert "'[red]' is not" in weft("explain", small_artefact, "u0001", "[red]").stderr
    assert "'nobody' has no history" in weft("explain", small_artefact, "nobody", "p0001").stderr


def test_an_argument_that_is_no_text_is_told(small_artefact: Path) -> None:
    assert "is not UTF-8" in weft("recommend", small_artefact, "--user", os.fsdecode(b"\xff")).stderr


def test_a_stranger_gets_what_is_popular_and_is_told(small_artefact: Path) -> None:
    done = weft("recommend", small_artefact, "--user", "nobody", "--json")
    assert len(json.loads(done.stdout)) == 10
    assert "'nobody' has no history here" in done.stderr
    assert "popular" in weft("recommend", small_artefact).stderr


def test_search_and_similar(small_artefact: Path) -> None:
    found = json.loads(weft("search", small_artefact, "白色运动鞋", "-n", "5", "--json").stdout)["items"]
    assert "p0016" in [one["item_id"] for one in found]  # Nike Air Max 270 white sneakers
    cheap = weft("search", small_artefact, "shoes", "--user", "u0001", "--where", '{"price": [null, 1]}')
    assert (cheap.exit_code, "nothing found" in cheap.stderr) == (0, True)
    assert "like Nike Air Max 270 white sneakers (p0016):" in weft("similar", small_artefact, "p0016").stdout


def test_search_helps_where_little_is_found(small_artefact: Path) -> None:
    assert "did you mean: white sneakers" in weft("search", small_artefact, "white sneekers").stderr
    bare = ("search", small_artefact, "shoes", "--where", '{"brand": "Nike", "price": [null, 1]}')
    done = weft(*bare)
    assert "without the condition on price" in done.stderr
    assert "Nike" in done.stdout
    told = json.loads(weft(*bare, "--json").stdout)
    assert (told["items"], told["relaxed"]["dropped"]) == ([], ["price"])


def test_suggest_facets_and_answer(small_artefact: Path) -> None:
    assert "耐克" in weft("suggest", small_artefact, "naik").stdout
    assert json.loads(weft("suggest", small_artefact, "naik", "-n", "1", "--json").stdout)[0]["id"] == "brand:nike"
    nothing = weft("suggest", small_artefact, "😀")
    assert (nothing.exit_code, "nothing begins so" in nothing.stderr) == (0, True)
    table = weft("facets", small_artefact, "white sneakers", "--where", '{"brand": "Nike"}').stdout
    assert any(line.split()[:2] == ["brand", "Nike"] and line.endswith("*") for line in table.splitlines())
    facets = json.loads(weft("facets", small_artefact, "--json").stdout)
    assert {"brand", "category", "colour", "price"} <= {facet["column"] for facet in facets}
    told = weft("answer", small_artefact, "what material is it?", "--item", "p0016").stdout
    assert "Nike Air Max 270 white sneakers (p0016), characters" in told
    assert json.loads(weft("answer", small_artefact, "xyzzyqq", "--json").stdout) is None
    for wrong in (("answer", "?"), ("answer", "a" * 10_000), ("facets", "?"), ("suggest", "a", "-n", "0")):
        done = weft(wrong[0], small_artefact, *wrong[1:])
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


def test_a_folder_that_is_no_artefact_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    (tmp_path / "weft.toml").write_text('[data]\nitems = "absent.csv"\n')
    for to in ("full", "full/letter.txt", "full/letter.txt/x"):
        done = weft("build", tmp_path / "weft.toml", "--out", tmp_path / to)
        assert done.exit_code == 2
        assert "absent.csv" not in done.stderr


@pytest.mark.parametrize("width", [80, 120])
def test_tables_are_whole_at_every_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "out", Console(width=width, markup=False, emoji=False, highlight=False))
    names = ("recall@20", "ndcg@20", "mrr@20", "map@20", "hit@20", "coverage", "novelty")
    rows = [("transitions.4.0", *["0.1234"] * 7), ("weft without [red]reranker[/red]", *["1.0000"] * 7)]
    output.show(("ranker", *names), rows)
    shown = capsys.readouterr().out
    assert all(len(line) <= width for line in shown.splitlines())
    assert "…" not in shown
    letters = sorted("".join(shown.replace("─", "").split()))
    assert letters == sorted("".join(["ranker", *names, *rows[0], *rows[1]]).replace(" ", ""))
    assert "transitions.4.0" in shown
    assert shown.count("0.1234") == 7


def test_a_title_cannot_steer_the_terminal() -> None:
    assert output.plain("a\x1b[31mb\x07\nc 白") == "a\ufffd[31mb\ufffd\nc 白"


def test_progress_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for terminal in (False, True):
        console = Console(stderr=True, width=80, force_terminal=terminal, markup=False)
        monkeypatch.setattr("engine.cli.working.err", console)
        monkeypatch.setenv("TERM", "xterm")
        with Working(keep=True) as work:
            work.stage("encoding")
            work.progress("texts", 3, 7)
        shown = capsys.readouterr().err
        assert all((word in shown) is terminal for word in ("✓ encoding", "texts 3/7", "0:00:0"))


@pytest.mark.parametrize("speak", ["output.say('word ' * 99)", "output.show_json(['word'] * 99)"])
def test_a_closed_pipe_ends_quietly(speak: str) -> None:
    talk = f"from engine.cli import app, output\n@app.command()\ndef talk():\n  for _ in range(999): {speak}\napp()"
    command = ["bash", "-c", '"$@" | head -1', "bash", sys.executable, "-c", talk, "talk"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout
    assert done.stderr == ""


def test_ctrl_c_is_no_traceback(tmp_path: Path) -> None:
    there, here = pty.openpty()  # a terminal, so that it is seen when the work has begun
    command = [*COMMAND, "demo", "--out", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=here) as process:
        os.close(here)
        shown = os.read(there, 4096)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=300)
    try:
        while more := os.read(there, 4096):
            shown += more
    except OSError:  # how the end of a terminal is told
        pass
    os.close(there)
    assert process.returncode == 130
    assert b"Traceback" not in shown


def test_every_command_has_an_example() -> None:
    assert "Commands:" in weft("--help").stdout
    for name in (
        "demo", "init", "import", "build", "evaluate", "recommend", "search", "intent", "suggest", "facets", "answer",
        "similar", "explain", "serve", "bench", "ablate", "tune",
    ):  # fmt: skip
        assert f"  weft {name}" in weft(name, "--help").stdout
    assert '"price": [null, 500]' in weft("recommend", "--help").stdout


def test_the_import_of_a_help_page_works(tmp_path: Path) -> None:
    source = tmp_path / "exports"
    source.mkdir()
    (source / "products.csv").write_text(
        "sku,name,blurb,colour,size,price\n1,Shoe,Runs,white|red,42,300\n2,Mat,Yoga,blue,,100\n"
    )
    orders = [{"customer": "a", "sku": sku, "stars": 5, "bought_at": "2024-03-01T10:00:00"} for sku in "12"]
    (source / "orders.jsonl").write_text("\n".join(map(json.dumps, orders)))
    example = weft("import", "--help").stdout.split("weft import table exports")[1].replace("\\\n", " ").split()
    example[example.index("data/shop")] = str(tmp_path / "out")
    done = weft("import", "table", source, *example)
    assert done.exit_code == 0, done.stderr
    config = (tmp_path / "out" / "weft.toml").read_text()
    for line in (
        'text = ["name", "blurb"]',
        'attributes = ["colour", "size"]',
        'numeric = ["price"]',
        'value = "stars"',
    ):
        assert line in config


def test_init_writes_once(tmp_path: Path) -> None:
    assert weft("init", tmp_path / "weft.toml").exit_code == 0
    again = weft("init", tmp_path / "weft.toml")
    assert again.exit_code == 2
    assert "exists" in again.stderr


def test_movielens_is_imported_and_names_its_tables(tmp_path: Path) -> None:
    source = SHARED / "data" / "movielens-100k"
    if not source.is_dir():
        pytest.skip("movielens-100k is not beside the checkout")
    done = weft("import", "movielens", source, "--out", tmp_path / "ml")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "ml" / "weft.toml").is_file()
