"""Commands about the embeddings that are kept."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.output import Polite, example, say, show

Folder = Annotated[Path, typer.Argument(help="The folder of `encoders.cache`: .weft/embeddings beside a weft.toml.")]
MIB = 2**20

app = typer.Typer(
    cls=Polite, no_args_is_help=True, rich_markup_mode=None, help="Say what embeddings are kept, and take old ones out."
)


@app.command(epilog=example("weft embeddings report data/shop/.weft/embeddings"))
def report(folder: Folder) -> None:
    """Say how many vectors of which encoders there are, how large they are, and when they were last asked for."""
    from encoders import upkeep

    found = upkeep.report(folder)
    rows = [
        (kept.fingerprint or "(of before)", f"{kept.vectors}", f"{kept.size / MIB:.1f}", f"{kept.used or ''}")
        for kept in found
    ]
    show(("encoder", "vectors", "MiB", "last asked for"), rows)
    say(f"{upkeep.size(folder) / MIB:.1f} MiB on the disk, with indices and exported networks")


@app.command(epilog=example("weft embeddings clean data/shop/.weft/embeddings --days 90"))
def clean(
    folder: Folder,
    days: Annotated[int, typer.Option(min=0, help="Keep what was asked for in the last so many days.")] = 90,
) -> None:
    """Take out vectors that nothing has asked for lately; whoever wants them again encodes them again."""
    from encoders import upkeep

    say(f"{upkeep.clean(folder, days)} vectors taken out, {upkeep.size(folder) / MIB:.1f} MiB left on the disk")
