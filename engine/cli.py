"""The command line: `weft --help`."""

import os

# Threads that wait asleep: on a busy machine, spinning ones make numeric code many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from engine import config as configuration
from engine.errors import WeftError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Recommendations and search from words, pictures, relations and history. Start with `weft demo`.",
)
out = Console()
err = Console(stderr=True)
Artefact = Annotated[Path, typer.Argument(help="The directory that `weft build` wrote.")]


@contextmanager
def polite() -> Iterator[None]:
    """A person's mistake ends with one message and code 2, not with a traceback."""
    from encoders import EncoderError
    from graph import GraphError

    try:
        yield
    except (WeftError, EncoderError, GraphError) as error:
        err.print(f"[red]weft:[/red] {error}", highlight=False)
        raise typer.Exit(2) from None


def stage(name: str) -> None:
    """Progress on the error stream, quiet when that is not a terminal."""
    if name and err.is_terminal:
        err.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {name}")


@app.command()
def init(path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("weft.toml")) -> None:
    """Write a commented configuration with every key and its default."""
    from engine.template import write_template

    with polite():
        try:
            write_template(path)
        except FileExistsError:
            raise WeftError(f"{path} exists; remove it first, or name another file") from None
    out.print(f"wrote {path}")


@app.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="movielens, kgat, grocery, recbole or table")],
    source: Annotated[Path, typer.Argument(help="The folder of the data set.")],
    to: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    mapping: Annotated[str, typer.Option(help='For `table`: columns as JSON, such as {"item": "sku"}')] = "",
) -> None:
    """Turn a data set into parquet tables and a weft.toml that `weft build` takes."""
    from engine.importers import IMPORTERS

    with polite():
        if kind not in IMPORTERS:
            raise WeftError(f"no importer {kind!r}; there are {', '.join(IMPORTERS)}")
        if not source.exists():
            raise WeftError(f"{source}: no such folder or file")
        try:
            options: dict[str, Any] = {"mapping": json.loads(mapping)} if mapping else {}
        except json.JSONDecodeError as error:
            raise WeftError(f"--mapping is not JSON: {error}") from None
        summary = IMPORTERS[kind](source, to, **options)
    for name, value in vars(summary).items():
        out.print(f"{name:>14}  {value}", highlight=False)


@app.command()
def build(
    config: Annotated[Path, typer.Argument(help="A weft.toml.")],
    to: Annotated[Path, typer.Option("--out", help="The artefact directory to write.")],
) -> None:
    """Build an engine from tables and save it."""
    with polite():
        _build(config, to)


def _build(config: Path, to: Path) -> Any:
    from engine.catalogue import write_rejects
    from engine.engine import Engine

    start = time.perf_counter()
    engine = Engine.build(config, stage=stage)
    engine.save(to)
    rejects = engine.catalogue.rejects
    if rejects.height:
        file = to.with_name(f"{to.name}.rejects.csv")
        write_rejects(rejects, file)
        out.print(f"{rejects.height} rows or cells rejected, see {file}")
    encoded = ", ".join(f"{name} {count}" for name, count in engine.encoded.items())
    out.print(f"{engine.catalogue.items.height} items; {encoded}", highlight=False)
    gates = Table("part", "lists", "gain in NDCG", "95% interval", "kept", title="What each part adds on validation")
    for gate in engine.gates:
        interval = f"{gate.low:+.4f} to {gate.high:+.4f}"
        gates.add_row(gate.part, gate.kind, f"{gate.gain:+.4f}", interval, "yes" if gate.kept else "no")
    out.print(gates)
    out.print(f"built in {time.perf_counter() - start:.0f} s: {to}", highlight=False)
    return engine


@app.command()
def evaluate(
    artefact: Artefact,
    to: Annotated[
        Path | None, typer.Option("--out", help="Where the report goes; beside the artefact if not given.")
    ] = None,
) -> None:
    """Measure on a split of the artefact's own tables, beside its rivals; writes report.html and report.json."""
    from engine.engine import Engine

    with polite():
        _evaluate(Engine.load(artefact), to or artefact.with_name(f"{artefact.name}.report"))


def _evaluate(engine: Any, to: Path) -> None:
    from engine.evaluation import report

    made = engine.evaluate(stage)
    report.write(made, to)
    names = list(made.rankers[0].metrics)
    table = Table("ranker", *names, title=made.subtitle)
    for row in made.rankers:
        table.add_row(row.name, *(report.figure(row.metrics[name].mean) for name in names))
    out.print(table)
    out.print(f"report: {to / 'report.html'}", highlight=False)


@app.command()
def recommend(
    artefact: Artefact,
    user: Annotated[str | None, typer.Option(help="A user id.")] = None,
    history: Annotated[str, typer.Option(help="Or item ids, oldest first, separated by commas.")] = "",
    n: Annotated[int, typer.Option("-n", help="How many.")] = 10,
    where: Annotated[
        str, typer.Option(help='Conditions as JSON, such as {"brand": "Nike", "price": [null, 500]}')
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Recommend for a user, or for a bare history, with what each part adds."""
    from engine.engine import Engine

    with polite():
        engine = Engine.load(artefact)
        past = None if user is not None else [item for item in history.split(",") if item]
        try:
            conditions = json.loads(where) if where else None
        except json.JSONDecodeError as error:
            raise WeftError(f"--where is not JSON: {error}") from None
        found = engine.recommend(user=user, history=past, n=n, where=conditions)
    if as_json:
        sys.stdout.write(json.dumps([vars(one) for one in found], ensure_ascii=False, indent=1) + "\n")
        return
    parts = list(found[0].contributions) if found else []
    table = Table("", "item", "title", "score", *parts)
    for place, one in enumerate(found, 1):
        terms = (f"{one.contributions[part]:+.2f}" for part in parts)
        table.add_row(str(place), one.item_id, one.title, f"{one.score:.2f}", *terms)
    out.print(table)


@app.command()
def explain(
    artefact: Artefact,
    user: Annotated[str, typer.Argument(help="A user id.")],
    item: Annotated[str, typer.Argument(help="An item id.")],
    language: Annotated[str, typer.Option(help="en or zh")] = "en",
) -> None:
    """Say why an item is where it is for a user."""
    from engine.engine import Engine

    with polite():
        _explain(Engine.load(artefact), user, item, language)


def _explain(engine: Any, user: str, item: str, language: str) -> None:
    from graph.paths import sentence

    why = engine.explain(user, item)
    out.print(f"{why.title} ({why.item_id}) for {user}: {why.score:.3f}", highlight=False)
    table = Table("part", "adds")
    for part, value in sorted(why.contributions.items(), key=lambda pair: -abs(pair[1])):
        table.add_row(part, f"{value:+.3f}")
    out.print(table)
    titles = engine.catalogue.items["title"].to_list()
    for item_id, share in why.neighbours:
        row = engine.catalogue.items["item_id"].index_of(item_id)
        out.print(f"  {share:5.0%}  owed to {titles[row]}", highlight=False)
    for path in why.paths:
        out.print("  " + sentence(path, titles, "zh" if language == "zh" else "en"), highlight=False)


@app.command()
def bench(
    split: Annotated[Path, typer.Option(help="A folder with train.tsv, test.tsv and candidates.txt.")],
    items: Annotated[Path, typer.Option(help="The folder that `weft import` wrote.")],
    runs: Annotated[Path, typer.Option(help="Where the run files go.")],
) -> None:
    """Rank a given split by Weft and its rivals: a table, and a run file each for an outside judge."""
    from engine import benchmark, catalogue
    from engine.describe import describe
    from engine.evaluation.splits import read_folder

    with polite():
        settings = configuration.load(items / "weft.toml")
        tables = catalogue.read(settings)
        made = read_folder(split, tables.interactions)
        features = describe(tables, settings).features
        rows, trained = benchmark.compare(tables, made, features, settings, stage)
        benchmark.write_runs(rows, benchmark.question(tables, made), runs)
    frame = benchmark.table(rows, settings)
    k = settings.evaluation.k
    table = Table("ranker", f"recall@{k}", f"ndcg@{k}", "95% interval", "Weft's lead in NDCG", "95% interval")
    for row in frame.iter_rows(named=True):
        spread = f"{row[f'ndcg@{k} low']:.4f} to {row[f'ndcg@{k} high']:.4f}"
        lead = f"{row['lead low']:+.4f} to {row['lead high']:+.4f}"
        table.add_row(
            row["ranker"], f"{row[f'recall@{k}']:.4f}", f"{row[f'ndcg@{k}']:.4f}", spread, f"{row['lead']:+.4f}", lead
        )
    out.print(table)
    for gate in trained.gates:
        out.print(f"{gate.part:>12} {gate.kind:<6} {gate.gain:+.4f} {'kept' if gate.kept else 'off'}", highlight=False)


@app.command()
def demo(
    to: Annotated[Path, typer.Option("--out", help="The folder to write.")] = Path("demo"),
    products: Annotated[int, typer.Option(help="Products of the generated shop.")] = 2000,
    users: Annotated[int, typer.Option(help="Simulated users.")] = 3000,
) -> None:
    """Generate a bilingual shop, build an engine from it, measure it, recommend and explain."""
    from engine.demo.shop import generate

    start = time.perf_counter()
    with polite():
        out.print(f"1. a shop of {products} products and {users} users", highlight=False)
        generate(to / "shop", products=products, users=users)
        out.print("2. the engine", highlight=False)
        engine = _build(to / "shop" / "weft.toml", to / "artefact")
        out.print("3. the evaluation", highlight=False)
        _evaluate(engine, to / "report")
        user = engine.catalogue.interactions["user_id"][0]
        best = engine.recommend(user=user, n=5)
        out.print(f"4. for {user}: " + "; ".join(one.title for one in best), highlight=False)
        _explain(engine, user, best[0].item_id, "zh")
    out.print(
        f"\nDone in {time.perf_counter() - start:.0f} s. Report: {to}/report/report.html  Artefact: {to}/artefact"
    )
    out.print("Try next:", highlight=False)
    for line in (
        f"weft recommend {to}/artefact --user {user} -n 10",
        f"weft recommend {to}/artefact --history {best[0].item_id},{best[1].item_id} --json",
        f"weft explain {to}/artefact {user} {best[0].item_id}",
    ):
        out.print(f"  .venv/bin/{line}", highlight=False, soft_wrap=True)
