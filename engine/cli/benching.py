"""Commands for those who compare: a bench with rivals and peers, and what each part adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.measuring import show_harmed
from engine.cli.output import interval, say, show, warn
from engine.cli.working import Working
from engine.errors import DataError

if TYPE_CHECKING:
    from engine.ablation import Addition
    from engine.bench import Bench, Peers
    from engine.benchmark import Row
    from engine.candidates import Features
    from engine.config import Config
    from engine.evaluation.splits import Split
    from engine.tables.catalogue import Catalogue

Data = Annotated[Path | None, typer.Argument(help="A folder with a weft.toml, as `weft import` writes it.")]
SplitFolder = Annotated[
    Path | None,
    typer.Option("--split", help="A folder with train.tsv, test.tsv and candidates.txt; else [evaluation] says."),
]


@dataclass(frozen=True)
class Opened:
    """What is benched: tables, a split, features, settings, and the folder they came from."""

    folder: Path
    tables: "Catalogue"
    split: "Split"
    features: "Features"
    settings: "Config"


def opened(data: Path, split: Path | None, work: Working) -> Opened:
    """The tables of a folder, split, with what is known of each item."""
    work.stage("tables and features")
    from engine import config
    from engine.assess import own_split
    from engine.describe import describe
    from engine.evaluation.splits import read_folder
    from engine.tables import catalogue

    file = data if data.is_file() else data / "weft.toml"
    settings = config.load(file)
    tables = catalogue.read(settings)
    made = read_folder(split, tables.interactions) if split else own_split(tables, settings)
    features = describe(tables, settings, progress=work.progress).features
    return Opened(file.parent, tables, made, features, settings)


def bench(
    data: Data = None,
    split: SplitFolder = None,
    items: Annotated[Path | None, typer.Option(help="Another way to name the folder.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where everything goes; runs/NAME if not given.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Train so often, with seeds from the configuration's on.")] = 1,
    peers: Annotated[
        str, typer.Option(help="Also rankers of other people, such as implicit:als,recbole:LightGCN; in a checkout.")
    ] = "",
    ablations: Annotated[
        bool,
        typer.Option("--ablations", help="Also train without each modality and without sequence; see `weft ablate`."),
    ] = False,
) -> None:
    """Rank by Weft, its rivals and its peers, and compare.

    Prints a table with paired intervals over users, names groups of users and items that lose, and writes bench.json
    (data, commit, versions, seeds, settings, figures), plots, and a run file each for an outside judge. Without --split
    the configuration's [evaluation] says what is held out.
    """
    folder = data or items
    if folder is None:
        raise DataError("name the folder of the data: weft bench DATA")
    to = runs or Path("runs") / (folder.parent if folder.is_file() else folder).resolve().name
    with Working(keep=True) as work:
        it = opened(folder, split, work)
        from engine import ablation, benchmark
        from engine import bench as benching

        asked = benchmark.question(it.tables, it.split)
        wanted = [it.settings.seed + number for number in range(seeds)]
        contest = competitors(peers, split, to, it, wanted, work)
        made = benching.run(it.tables, it.split, it.features, it.settings, wanted, work.stage, contest)
        rows = made.rows
        if ablations:
            rows = [*rows, *ablation.modalities(asked, it.features, it.settings, work.stage)]
        work.stage("files")
        benchmark.write_runs(rows, asked, to)
        written = benching.write(made.bench, to)
    show_bench(made.bench)
    if ablations:
        show_rows([rows[0], *rows[len(made.rows) :]], it.settings)
    show_harmed(made.bench.segments, made.bench.rival)
    for path in written:
        say(str(path))


def show_rows(rows: "list[Row]", settings: "Config") -> None:
    """What the first row has over each of the others."""
    from engine.bench import ranker

    metric = f"ndcg@{settings.evaluation.k}"
    made = [ranker(row, rows[0], settings) for row in rows]
    show(
        ("ranker", metric, "lead of weft", "95% interval"),
        [
            (
                one.name,
                f"{one.metrics[metric].mean:.4f}",
                f"{one.lead.mean:+.4f}",
                interval(one.lead.low, one.lead.high),
            )
            for one in made
        ],
    )


def competitors(peers: str, split: Path | None, to: Path, it: Opened, seeds: Sequence[int], work: Working) -> "Peers":
    """Run the peers, if any, and say how to get their rows of a seed."""
    models = [name.strip() for name in peers.split(",") if name.strip()]
    if not models:
        return lambda seed: []
    from engine import benchmark
    from engine import peers as others
    from engine.evaluation import splits

    others.refuse_absent()
    if split is None:
        split = to / "split"
        splits.write(it.split, split)
    work.stage("peers: " + ", ".join(models))
    found = others.compete(models, split, it.folder, to / "peers", seeds)
    for note in others.notes(to / "peers" / others.FILE):
        warn(note)
    asked = benchmark.question(it.tables, it.split)
    return lambda seed: others.rows(found, seed, to / "peers", asked, it.settings)


def show_bench(made: "Bench") -> None:
    """The table, the gates of the first seed, and what dropping saves."""
    recall, ndcg = list(made.rankers[0].metrics)[:2]
    rows = []
    for row in made.rankers:
        figure = row.metrics[ndcg]
        rows.append(
            (
                row.name,
                f"{row.metrics[recall].mean:.4f}",
                f"{figure.mean:.4f}",
                f"{figure.low:.4f}–{figure.high:.4f}",
                f"{row.lead.mean:+.4f}",
                interval(row.lead.low, row.lead.high),
            )
        )
    seeds = made.provenance.seeds
    title = f"{made.provenance.protocol} split, {made.users} users" + (
        f", {len(seeds)} seeds" if len(seeds) > 1 else ""
    )
    show(("ranker", recall, ndcg, "95% interval", f"lead in {ndcg}", "95% interval"), rows, title=title)
    gates = made.gates[seeds[0]]
    if gates:
        show(
            ("part", "lists", "gain in NDCG", "kept"),
            [(one.part, one.kind, f"{one.gain:+.4f}", "yes" if one.kept else "no") for one in gates],
        )
    if made.dropped:
        show(
            ("dropped", "of seeds", "saves at a fit", "in an artefact"),
            [
                (one.part, f"{one.seeds}/{len(seeds)}", f"{one.seconds:.1f} s", f"{one.bytes / 2**20:.1f} MiB")
                for one in made.dropped
            ],
        )


def ablate(
    data: Annotated[Path, typer.Argument(help="A folder with a weft.toml, as `weft import` writes it.")],
    split: SplitFolder = None,
    runs: Annotated[Path | None, typer.Option(help="Where everything goes; runs/NAME if not given.")] = None,
) -> None:
    """Train without each part in turn, and say what it adds.

    Parts are the generators, the reranker, each modality and the order of events. Prints each part's paired gain with
    its interval and the processor time that learning without it saves; writes ablate.json and a plot. It takes as many
    trainings as there are parts, and one.
    """
    to = runs or Path("runs") / (data.parent if data.is_file() else data).resolve().name
    with Working(keep=True) as work:
        it = opened(data, split, work)
        from engine import ablation, benchmark
        from engine.provenance import provenance

        asked = benchmark.question(it.tables, it.split)
        rows, found = ablation.ablate(asked, it.features, it.settings, work.stage)
        k = it.settings.evaluation.k
        whole = {name: float(rows[0].metrics[name].mean()) for name in (f"recall@{k}", f"ndcg@{k}")}
        origin = provenance(it.tables, it.split, it.settings, [it.settings.seed])
        written = ablation.write(ablation.Ablation(provenance=origin, whole=whole, parts=found), to)
    show_additions(found, whole, k)
    for path in written:
        say(str(path))


def show_additions(found: "list[Addition]", whole: dict[str, float], k: int) -> None:
    rows = [("nothing", "", *(f"{value:.4f}" for value in whole.values()), "", "", "")]
    rows += [
        (
            one.part, one.kind, f"{one.recall:.4f}", f"{one.ndcg:.4f}", f"{one.gain:+.4f}", interval(one.low, one.high),
            f"{one.seconds:+.1f} s",
        )
        for one in found
    ]  # fmt: skip
    show(("without", "kind", f"recall@{k}", f"ndcg@{k}", "it adds", "95% interval", "time saved"), rows)
