"""Commands that make something: a configuration, tables from a data set, an engine."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.output import example, say, show
from engine.cli.working import Working
from engine.errors import DataError, WeftError

if TYPE_CHECKING:
    from engine.engine import Engine

IMPORT_EXAMPLES = example(
    "weft import movielens ml-100k --out data/ml",
    "weft import table my_tables --out data/shop",
    "weft import table exports --out data/shop \\",
    "    --file items=products.csv --file interactions=orders.jsonl \\",
    "    --map item=sku --map user=customer --map value=stars --map time=bought_at \\",
    "    --map title=name --map text=name,blurb --map attributes=colour,size --map numeric=price",
)


def init(path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("weft.toml")) -> None:
    """Write a commented configuration with every default."""
    from engine.template import write_template

    if path.exists():
        raise WeftError(f"{path} exists; remove it first, or name another file")
    write_template(path)
    say(f"wrote {path}; name your tables in its [data], then: weft build {path} --out artefact")


def import_(
    kind: Annotated[str, typer.Argument(help="movielens, kgat, grocery, recbole or table.")],
    source: Annotated[Path, typer.Argument(help="The folder of the data set.")],
    to: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE=FILE",
            help="For `table`: items=FILE, interactions=FILE, triples=FILE or users=FILE, within the folder. Without "
            "it they are called items.csv, interactions.parquet and so on.",
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="KEY=COLUMN",
            help="For `table`: what a column is, KEY=COLUMN. KEY is item, user, value, time, title, image, brand or "
            "category; or, with several columns between commas, text, attributes, numeric or user_attributes. "
            "KEY= alone is none. What is left out is guessed from common names; the weft.toml written shows how.",
        ),
    ] = None,
) -> None:
    """Turn a data set into tables and a weft.toml for `build`.

    movielens is MovieLens 100K, kgat a split of KGAT, grocery the Grocery Store pictures, recbole a folder of atomic
    files, and table is your own: items (an id, and any of title, texts, picture, brand, category, attributes, numbers)
    and interactions (user, item, and if known value and time), as csv, tsv, parquet or JSON lines.
    """
    from engine.importers import IMPORTERS

    if kind not in IMPORTERS:
        raise WeftError(f"no importer {kind!r}; there are {', '.join(IMPORTERS)}")
    if not source.is_dir():
        raise WeftError(f"{source}: no such folder" if not source.exists() else f"{source}: name the folder it is in")
    options: dict[str, Any] = {"files": _pairs(file, "--file"), "mapping": _mapping(_pairs(mapping, "--map"))}
    if kind != "table" and any(options.values()):
        raise WeftError(f"--file and --map are for `table`; {kind} knows its files")
    with Working() as work:
        work.stage(f"reading {source}")
        summary = IMPORTERS[kind](source, to, **(options if kind == "table" else {}))
    show(("written", ""), [(name, str(value)) for name, value in vars(summary).items()])
    if summary.rejects:
        say(f"lines that could not be read: {to / 'rejects.csv'}")
    if summary.interactions:
        say(f"next: weft build {summary.config} --out artefact")
    else:
        say("no interactions: name a table of them in weft.toml before `weft build`, which learns from them")


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """KEY=VALUE options as a dictionary."""
    pairs: dict[str, str] = {}
    for one in given or []:
        key, equals, value = one.partition("=")
        if not equals or not key or key in pairs:
            raise DataError(f"{option} {one}: write KEY=VALUE, each KEY once")
        pairs[key] = value
    return pairs


def _mapping(pairs: dict[str, str]) -> dict[str, str | list[str]]:
    from engine.importers.table import MANY

    return {
        key: [name.strip() for name in value.split(",") if name.strip()] if key in MANY else value
        for key, value in pairs.items()
    }


def build(
    config: Annotated[Path, typer.Argument(help="A weft.toml.")],
    to: Annotated[Path, typer.Option("--out", help="The artefact directory to write.")],
) -> None:
    """Build an engine from tables and save it."""
    build_engine(config, to)


def build_engine(config: Path, to: Path) -> "Engine":
    """Build, save and say what was built."""
    from engine import artifact, atomic

    start = time.perf_counter()
    atomic.check_replaceable(to, artifact.MANIFEST)
    with Working(keep=True) as work:
        work.stage("starting")
        from engine.engine import Engine
        from engine.tables.catalogue import write_rejects

        engine = Engine.build(config, stage=work.stage, progress=work.progress)
        work.stage(f"writing {to}")
        engine.save(to)
    rejects = engine.catalogue.rejects
    if rejects.height:
        file = to.with_name(f"{to.name}.rejects.csv")
        write_rejects(rejects, file)
        say(f"{rejects.height} rows or cells rejected, see {file}")
    encoded = ", ".join(f"{name} {count}" for name, count in engine.encoded.items())
    say(f"{engine.catalogue.items.height} items; {encoded}")
    for kind, how in engine.fast.items():
        say(f"{kind} encoded by {how}")
    rows = [
        (one.part, one.kind, f"{one.gain:+.4f}", f"{one.low:+.4f} to {one.high:+.4f}", "yes" if one.kept else "no")
        for one in engine.gates
    ]
    if rows:
        columns = ("part", "lists", "gain in NDCG", "95% interval", "kept")
        show(columns, rows, title="What each part adds on validation")
    say(f"built in {time.perf_counter() - start:.0f} s: {to}")
    return engine
