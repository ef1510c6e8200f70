"""Rankers of other people, run by scripts/bench/peers in environments of their own, and scored here like any other.

They are part of a checkout only: a package has neither the scripts nor the environments.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.benchmark import Question, Row, row_of
from engine.config import Config
from engine.errors import DataError
from engine.evaluation import runs

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "bench" / "peers" / "run.py"
FILE = "peers.json"
STDERR = 2
"""The descriptor: what peers print is no part of what this command prints."""


def compete(models: Sequence[str], split: Path, items: Path, to: Path, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Run peers on a split folder; their run files go to `to`. What is known of each run: model, seed, run and so on.

    What a peer prints goes to the error stream. Raises DataError when the script is absent or fails.
    """
    refuse_absent()
    command = [
        sys.executable,
        str(SCRIPT),
        "--split",
        split,
        "--items",
        items,
        "--runs",
        to,
        "--models",
        ",".join(models),
    ]
    command += ["--seeds", *seeds]
    done = subprocess.run([str(word) for word in command], stdout=STDERR, check=False)  # noqa: S603
    if done.returncode:
        raise DataError(f"the peers ended with code {done.returncode}; what they printed says why")
    return read(to / FILE)


def refuse_absent() -> None:
    """Raise DataError outside a checkout; ask before long work."""
    if not SCRIPT.exists():
        raise DataError("--peers needs a checkout of Weft: scripts/bench/peers/run.py is not part of the package")


def read(path: Path) -> list[dict[str, Any]]:
    """The runs that peers.json lists: each has `model`, `seed` and `run`, a file beside it. Raises DataError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["runs"]
        return [dict(one, model=str(one["model"]), seed=int(one["seed"]), run=str(one["run"])) for one in found]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; the peers wrote nothing") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected runs, each with model, seed and run ({error!r})") from None


def notes(path: Path) -> list[str]:
    """Why a peer has no figures, of each that has none: not installed, failed, cannot rank new items."""
    rows = json.loads(path.read_text(encoding="utf-8")).get("rows", [])
    return [f"{row['peer']}: {row['note']}" for row in rows if row.get("note") and ":" in row["peer"]]


def rows(found: Sequence[dict[str, Any]], seed: int, folder: Path, asked: Question, config: Config) -> list[Row]:
    """The rows of the peers' runs of a seed; of a model that ran with one other seed only, that one."""
    made = []
    for model in dict.fromkeys(one["model"] for one in found):
        own = [one for one in found if one["model"] == model]
        run = next((one for one in own if one["seed"] == seed), own[0])
        made.append(row(model, folder / run["run"], asked, config))
    return made


def row(name: str, path: Path, asked: Question, config: Config, depth: int = 100) -> Row:
    """The row of a run file: the first `depth` of each user's lines, best first; an item out of place is an error.

    Raises DataError for an item that may not be shown, or that the user has met.
    """
    lines = runs.read(path)
    user_row = {user: number for number, user in enumerate(asked.users)}
    item_row = {item: number for number, item in enumerate(asked.items)}
    ranked = np.full((len(asked.users), depth), -1, np.int64)
    scores = np.full((len(asked.users), depth), -np.inf, np.float32)
    seen = asked.asked.seen()
    met = set(zip(*(axis.tolist() for axis in seen.nonzero()), strict=True))
    place = dict.fromkeys(range(len(asked.users)), 0)
    for user, item, score in lines.iter_rows():
        number, at = item_row.get(item), user_row.get(user)
        if at is None or place[at] == depth:
            continue
        if number is None or not asked.allowed[number] or (at, number) in met:
            raise DataError(f"{path}: {item!r} may not be shown to {user!r}")
        ranked[at, place[at]], scores[at, place[at]] = number, score
        place[at] += 1
    return row_of(name, asked, config, ranked, scores)
