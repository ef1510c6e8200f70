"""A bench and an ablation from the command line: what they write, and that each figure is what it says."""

import json
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse
from typer.testing import Result

from engine import ablation, bench, benchmark, history, peers, provenance
from engine.benchmark import Question, Row
from engine.candidates import Features
from engine.config import Config
from engine.errors import DataError
from engine.evaluation import plots, splits
from engine.evaluation.report import Report
from tests.engine.command import weft
from tests.engine.two_kinds import write


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of two kinds of things, liked by two kinds of people."""
    return write(tmp_path_factory.mktemp("bench") / "shop")


@pytest.fixture(scope="module")
def benched(shop: Path) -> tuple[Path, Result]:
    to = shop.parent / "runs"
    return to, weft("bench", shop, "--runs", to, "--seeds", 2)


def test_a_bench_is_one_file_with_its_origin(benched: tuple[Path, Result]) -> None:
    to, done = benched
    assert done.exit_code == 0, done.stderr
    made = bench.Bench.model_validate_json((to / "bench.json").read_text(encoding="utf-8"))
    assert made.provenance.seeds == [0, 1]
    assert len(made.provenance.data) == len(made.provenance.split) == 64
    assert {"weft", "torch", "lightgbm"} <= made.provenance.libraries.keys()
    assert made.provenance.config["evaluation"]["k"] == 5
    assert "/" not in json.dumps(made.provenance.config), "no path of this machine"
    names = [row.name for row in made.rankers]
    assert names[0] == "weft" and {"popularity", "random", "ease.all"} <= set(names)
    for row in made.rankers:
        assert row.lead.low <= row.lead.mean <= row.lead.high
        assert row.lead.mean == pytest.approx(
            (made.rankers[0].metrics["ndcg@5"].mean or 0) - (row.metrics["ndcg@5"].mean or 0)
        )
    assert set(made.gates) == {0, 1} and made.gates[0]
    assert made.rival in names and {one.by for one in made.segments} >= {
        "language",
        "pause, days",
    }


def test_what_no_gate_kept_is_dropped_and_its_cost_is_told(benched: tuple[Path, Result]) -> None:
    made = bench.Bench.model_validate_json((benched[0] / "bench.json").read_text(encoding="utf-8"))
    for one in made.dropped:
        uses = [g for gates in made.gates.values() for g in gates if g.part == one.part]
        assert any(not gate.kept for gate in uses)
        assert one.seconds >= 0 and one.bytes > 0 and 1 <= one.seeds <= 2


def test_a_bench_prints_its_table_and_names_its_files(benched: tuple[Path, Result]) -> None:
    to, done = benched
    assert "40 users, 2 seeds" in done.stdout and "lead in ndcg@5" in done.stdout
    for name in ("bench.json", "rankers.svg", "segments.svg"):
        assert (to / name).is_file() and str(to / name) in done.stdout
    assert {"weft.tsv", "popularity.tsv"} <= {path.name for path in to.glob("*.tsv")}


def test_a_split_folder_is_benched_with_a_peer(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        textwrap.dedent("""
            import argparse, json, pathlib
            parser = argparse.ArgumentParser()
            for name in ("--split", "--items", "--runs"):
                parser.add_argument(name, type=pathlib.Path)
            parser.add_argument("--models")
            parser.add_argument("--seeds", nargs="+", type=int)
            choice = parser.parse_args()
            choice.runs.mkdir(parents=True)
            answers = (choice.split / "test.tsv").read_text().split()  # a peer that has looked
            lines = [f"{u}\\t{i}\\t1.0\\n" for u, i in zip(answers[::2], answers[1::2])]
            (choice.runs / "spy.tsv").write_text("".join(lines))
            runs = [{"model": choice.models, "seed": choice.seeds[0], "run": "spy.tsv"}]
            rows = [{"peer": "spy:thief", "note": "not installed: no such wheel"}]
            (choice.runs / "peers.json").write_text(json.dumps({"runs": runs, "rows": rows}))
        """)
    )
    monkeypatch.setattr(peers, "SCRIPT", script)
    done = weft("bench", shop, "--runs", tmp_path / "runs", "--peers", "spy")
    assert done.exit_code == 0, done.stderr
    made = bench.Bench.model_validate_json((tmp_path / "runs" / "bench.json").read_text(encoding="utf-8"))
    spy = next(row for row in made.rankers if row.name == "spy")
    assert spy.metrics["ndcg@5"].mean == 1
    assert made.rival == "spy" and any(one.harmed for one in made.segments)
    assert "harmed group" in done.stdout and "spy:thief: not installed" in done.stderr


def test_peers_need_a_checkout(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "SCRIPT", tmp_path / "absent.py")
    done = weft("bench", shop, "--runs", tmp_path / "runs", "--peers", "implicit:als")
    assert done.exit_code == 2 and "needs a checkout" in done.stderr
    assert weft("bench").exit_code == 2


def test_an_ablation_says_what_each_part_adds(shop: Path, tmp_path: Path) -> None:
    done = weft("ablate", shop, "--runs", tmp_path)
    assert done.exit_code == 0, done.stderr
    made = ablation.Ablation.model_validate_json((tmp_path / "ablate.json").read_text(encoding="utf-8"))
    assert {(one.part, one.kind) for one in made.parts} == {
        ("ease", "generator"), ("transitions", "generator"), ("popularity", "generator"), ("content", "generator"),
        ("reranker", "reranker"), ("facts", "modality"), ("words", "modality"), ("sequence", "sequence"),
    }  # fmt: skip
    for one in made.parts:
        assert one.gain == pytest.approx(made.whole["ndcg@5"] - one.ndcg) and one.low <= one.gain <= one.high
    gains = [one.gain for one in made.parts]
    assert gains == sorted(gains, reverse=True)
    assert "time saved" in done.stdout and (tmp_path / "ablate.svg").is_file()


def test_a_modality_that_is_taken_away_is_blank_and_nothing_else() -> None:
    facts = sparse.csr_array(np.eye(3, dtype=np.float32))
    noise = np.ones((3, 2), np.float32)
    features = Features(facts, facts, noise, noise, np.zeros(3, np.int64), {"audio": noise})
    for name in features.parts:
        less = ablation.without(features, name)
        assert not abs(less.parts[name]).sum()
        assert all(abs(part).sum() for other, part in less.parts.items() if other != name)
    blind = Features(facts, sparse.csr_array((3, 0), dtype=np.float32), noise, 0 * noise, np.zeros(3, np.int64))
    wanted = {one.part for one in ablation.parts(blind, Config()) if one.kind == "modality"}
    assert wanted == {"facts", "text"}, "what says nothing is not taken away"


def asked() -> Question:
    frame = pl.DataFrame(
        {"user_id": ["a", "b"], "item_id": ["x", "y"], "value": [1.0, 1.0], "time": [1, 1]},
        schema_overrides={"value": pl.Float32},
    )
    known = history.from_frame(frame, ["a", "b"], {"x": 0, "y": 1, "z": 2})
    relevant = sparse.csr_array(np.array([[0, 1, 0], [0, 0, 1]], np.float32))
    return Question(["a", "b"], ["x", "y", "z"], known, known, np.ones(3, bool), relevant)


def test_a_run_file_is_scored_by_its_first_lines(tmp_path: Path) -> None:
    (tmp_path / "run.tsv").write_text("a\tz\t3\na\ty\t2\nstranger\ty\t1\n")
    found = peers.row("peer", tmp_path / "run.tsv", asked(), Config())
    assert found.ranked[0, :3].tolist() == [2, 1, -1] and (found.ranked[1] == -1).all()
    assert found.metrics["mrr@20"].tolist() == [0.5, 0]
    (tmp_path / "run.tsv").write_text("a\tx\t3\n")  # a has met x
    with pytest.raises(DataError, match="'x' may not be shown to 'a'"):
        peers.row("peer", tmp_path / "run.tsv", asked(), Config())


def test_a_broken_list_of_peers_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        peers.read(tmp_path / "peers.json")
    (tmp_path / "peers.json").write_text('{"runs": [{"model": "als"}]}')
    with pytest.raises(DataError, match="each with model, seed and run"):
        peers.read(tmp_path / "peers.json")


def test_users_count_with_their_mean_over_seeds() -> None:
    def row(name: str, *values: float) -> Row:
        return Row(name, {"ndcg@5": np.array(values)}, np.zeros((2, 1), np.int64), np.zeros((2, 1), np.float32))

    runs = [[row("weft", 0.2, 0.4), row("weft without the reranker", 0, 0), row("ease", 0.1, 0.1)],
            [row("weft", 0.6, 0.0), row("ease", 0.3, 0.1)]]  # fmt: skip
    found = bench.averages(runs)
    assert [one.name for one in found] == ["weft", "ease"], "what some seed lacks is left out"
    np.testing.assert_allclose(found[0].metrics["ndcg@5"], [0.4, 0.2])


def test_the_fingerprint_of_a_split_is_of_its_pairs() -> None:
    frame = pl.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"], "time": [1, 2]})
    one = splits.Split(frame, frame.clear(), frame[:1], None, "time", 0)
    moved = splits.Split(frame, frame[:1], frame[:1].clear(), None, "time", 0)
    shown = splits.Split(frame, frame.clear(), frame[:1], ["x"], "time", 0)
    assert len({splits.fingerprint(each) for each in (one, moved, shown)}) == 3
    later = splits.Split(frame.with_columns(time=pl.lit(5)), frame.clear(), frame[:1], None, "random", 1)
    assert splits.fingerprint(later) == splits.fingerprint(one)


def test_the_commit_is_that_of_the_checkout(tmp_path: Path) -> None:
    assert provenance.checkout(tmp_path) == (None, False)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    commit, changed = provenance.checkout(tmp_path)
    assert commit and len(commit) == 40 and not changed


def test_a_plot_alone_has_every_colour_it_names() -> None:
    svg = plots.page(plots.bars([("weft", 0.3, 0.2, 0.4), ("白色", 0.1, 0.05, 0.2)], "ndcg@20"))
    used = {word.split(")")[0] for word in svg.split("var(--")[1:]}
    assert used and all(f"--{name}: #" in svg for name in used)
    spans = [plots.Span("zh", -0.1, -0.2, -0.05, solid=False), plots.Span("en", 0.1, 0, 0.2)]
    assert plots.page(plots.spans(spans, "gain")).startswith("<svg")


def test_each_generator_has_its_cost() -> None:
    question = asked()
    nothing = sparse.csr_array((3, 0), dtype=np.float32)
    blank = np.zeros((3, 1), np.float32)
    features = Features(nothing, nothing, blank, blank, np.zeros(0, np.int64))
    found, costs = benchmark.rivals(question, features, Config(), depth=2)
    assert set(costs) == {"ease", "als", "neighbours", "transitions", "later", "attention", "popularity"}
    assert all(cost.bytes > 0 and cost.seconds >= 0 for cost in costs.values())
    ranked, scores = dict(found)["random"]
    assert ranked.shape == scores.shape == (2, 2)


def test_an_evaluation_sets_train_validation_and_test_side_by_side(shop: Path, tmp_path: Path) -> None:
    assert weft("build", shop / "weft.toml", "--out", tmp_path / "artefact").exit_code == 0
    done = weft("evaluate", tmp_path / "artefact")
    assert done.exit_code == 0, done.stderr
    made = Report.model_validate_json((tmp_path / "artefact.report" / "report.json").read_text(encoding="utf-8"))
    assert [one.part for one in made.fits] == ["train", "validation", "test"]
    assert all(0.5 < (one.metrics["ROC-AUC"] or 0) <= 1 for one in made.fits), "two kinds are easily told apart"
    assert {one.by for one in made.segments} >= {"history, events", "item popularity, tenth", "language"}
    assert made.rival and all(word in done.stdout for word in ("ROC-AUC", "validation", made.rival))
    runs = {path.name.partition("-")[0] for path in (shop / ".weft" / "tracking").iterdir()}
    assert {"build", "evaluate"} <= runs
