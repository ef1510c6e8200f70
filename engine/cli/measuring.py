"""Commands that measure: an engine on its own tables, and a given split."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.asking import Artefact, opened
from engine.cli.output import say, show
from engine.cli.working import Working

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.evaluation.report import Segment


def evaluate(
    artefact: Artefact,
    to: Annotated[
        Path | None, typer.Option("--out", help="Where the report goes; beside the artefact if not given.")
    ] = None,
) -> None:
    """Measure an engine and its rivals on its own tables.

    Trains anew on the past, ranks the future, and writes report.html and report.json.
    """
    measure(opened(artefact), to or artefact.with_name(f"{artefact.name}.report"))


def measure(engine: "Engine", to: Path) -> None:
    """Evaluate, write the report and print its table."""
    with Working(keep=True) as work:
        work.stage("splitting")
        from engine.evaluation import report

        made = engine.evaluate(work.stage)
        report.write(made, to)
    names = list(made.rankers[0].metrics)
    show(
        ("ranker", *names),
        [(row.name, *(report.figure(row.metrics[name].mean) for name in names)) for row in made.rankers],
        title=made.subtitle,
    )
    show(
        ("part", "users", *made.fits[0].metrics),
        [(one.part, str(one.users), *map(report.figure, one.metrics.values())) for one in made.fits],
    )
    show_harmed(made.segments, made.rival)
    say(f"report: {to / 'report.html'}")


def show_harmed(segments: "list[Segment]", rival: str) -> None:
    """Name the groups that lose against the best rival, or say that there is none."""
    harmed = [one for one in segments if one.harmed]
    if harmed:
        rows = [
            (
                f"{one.by}: {one.label}",
                str(one.users),
                one.metric,
                f"{one.gain:+.4f}",
                f"{one.low:+.4f} to {one.high:+.4f}",
            )
            for one in harmed
        ]
        show(("harmed group", "users", "metric", "gain", "95% interval"), rows, title=f"Against {rival}")
    elif segments:
        say(f"no group of {len(segments)} loses against {rival}")


def bench(
    split: Annotated[Path, typer.Option(help="A folder with train.tsv, test.tsv and candidates.txt.")],
    items: Annotated[Path, typer.Option(help="The folder that `weft import` wrote.")],
    runs: Annotated[Path, typer.Option(help="Where the run files go.")],
    ablations: Annotated[
        bool,
        typer.Option("--ablations", help="Also train without each modality and without sequence: six times longer."),
    ] = False,
) -> None:
    """Rank a given split by Weft and its rivals.

    Prints a table, and writes a run file each for an outside judge.
    """
    with Working(keep=True) as work:
        work.stage("tables and features")
        from engine import benchmark, config
        from engine.describe import describe
        from engine.evaluation.splits import read_folder
        from engine.tables import catalogue

        settings = config.load(items / "weft.toml")
        tables = catalogue.read(settings)
        made = read_folder(split, tables.interactions)
        features = describe(tables, settings, progress=work.progress).features
        rows, trained = benchmark.compare(tables, made, features, settings, work.stage)
        if ablations:
            rows += benchmark.ablations(tables, made, features, settings, work.stage)
        work.stage("run files")
        benchmark.write_runs(rows, benchmark.question(tables, made), runs)
    k = settings.evaluation.k
    show(
        ("ranker", f"recall@{k}", f"ndcg@{k}", "95% interval", "lead in ndcg", "95% interval"),
        [
            (
                row["ranker"],
                f"{row[f'recall@{k}']:.4f}",
                f"{row[f'ndcg@{k}']:.4f}",
                f"{row[f'ndcg@{k} low']:.4f}–{row[f'ndcg@{k} high']:.4f}",
                f"{row['lead']:+.4f}",
                f"{row['lead low']:+.4f} to {row['lead high']:+.4f}",
            )
            for row in benchmark.table(rows, settings).iter_rows(named=True)
        ],
    )
    show(
        ("part", "lists", "gain in NDCG", "kept"),
        [(one.part, one.kind, f"{one.gain:+.4f}", "yes" if one.kept else "no") for one in trained.gates],
    )
