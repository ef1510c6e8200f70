"""The command that searches for settings."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.benching import SplitFolder, opened
from engine.cli.output import interval, say, show
from engine.cli.working import Working

if TYPE_CHECKING:
    from engine.tuning import Found


def tune(
    data: Annotated[Path, typer.Argument(help="A folder with a weft.toml, as `weft import` writes it.")],
    to: Annotated[
        Path | None, typer.Option("--out", help="The file to write; weft.tuned.toml in that folder if not given.")
    ] = None,
    split: SplitFolder = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try, those of earlier runs counted.")] = 40,
    minutes: Annotated[float | None, typer.Option(help="After so long no further trial begins.")] = None,
    folds: Annotated[int, typer.Option(min=1, help="Cuts of the training part that judge a trial.")] = 2,
) -> None:
    """Search for better settings of generators and fusion.

    Optuna proposes, cuts inside the training part judge, and trials that fall behind are given up. The test part is
    never looked at; the gain that is told, with its interval, is on a cut that the search has not seen. The search is
    kept beside the file (.study), and the same command goes on with it.
    """
    with Working(keep=True) as work:
        it = opened(data, split, work)
        from engine import atomic, config, space, template, tuning
        from engine.tracking import open_tracker

        source = data if data.is_file() else data / "weft.toml"
        file = to or source.with_name("weft.tuned.toml")
        limits = tuning.Limits(trials, minutes)
        with closing(open_tracker(it.settings.tracking, "tune", it.settings.model_dump(mode="json"))) as tracker:
            found = tuning.search(
                it.tables, it.split, it.features, it.settings, file.with_suffix(".study"), limits, folds, work.stage,
                tracker,
            )  # fmt: skip
        # Beside its source the file keeps the paths as they stand there; elsewhere they are whole.
        kept = config.read(source) if file.resolve().parent == source.resolve().parent else it.settings
        better = {key: after for key, (_, after) in found.changed.items()}
        title = f"Weft: found by `weft tune` in {found.trials} trials."
        atomic.write_text(file, template.config_file(space.put(kept, better), title))
    show_found(found, it.settings.evaluation.k)
    say(f"wrote {file}; build with it: weft build {file} --out artefact")


def show_found(found: "Found", k: int) -> None:
    """What changed, and what it is worth."""
    if not found.changed:
        say(f"{found.trials} trials, and the settings as they are were the best ({found.start:.4f} in ndcg@{k})")
        return
    show(
        ("setting", "was", "best"),
        [(key, f"{before:.4g}", f"{after:.4g}") for key, (before, after) in found.changed.items()],
        title=f"{found.trials} trials, {found.pruned} given up",
    )
    say(f"ndcg@{k} on the folds of the search: {found.start:.4f}, now {found.score:.4f}")
    sure = "" if found.gain.low > 0 else ": it may be chance, go on with more trials"
    between = interval(found.gain.low, found.gain.high)
    say(f"gain on a fold that the search has not seen: {found.gain.mean:+.4f} ({between}){sure}")
