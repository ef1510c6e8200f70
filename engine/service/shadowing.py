"""The process of a shadow: python -m engine.service.shadowing ARTEFACT LOG [warm].

It opens an artefact over the log of a service, which it only reads, and tells by a line of JSON that it is ready, or
why it is not. With `warm` it first makes what searches would wait for. Then a question a line comes in, and what the
answer has in common with the one that was shown goes out:

    {"on", "shown", "where", ...}    what `lists` was asked, and ids from the top
    {"overlap", "correlation", "seconds"}, or {"error": the kind of an error}

It ends with its input, and so with the process that started it; of what was asked it keeps and tells nothing.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from threadpoolctl import threadpool_limits

from engine import assisted
from engine.engine import Engine
from engine.errors import WeftError
from engine.hidden import load_trees
from engine.service import logs
from engine.service.eventlog import EventLog
from engine.service.live import Live
from engine.service.warming import Warming
from engine.where import parse


def overlap(shown: Sequence[str], other: Sequence[str]) -> float:
    """How much of the longer of two lists both have, from 0 to 1; 1 for two empty ones."""
    most = max(len(shown), len(other))
    return len(set(shown) & set(other)) / most if most else 1.0


def correlation(shown: Sequence[str], other: Sequence[str]) -> float | None:
    """Kendall's tau of the order of the items that both lists have, from -1 to 1; None for less than two."""
    from scipy.stats import kendalltau  # slow to import

    places = {item: place for place, item in enumerate(other)}
    both = [places[item] for item in shown if item in places]
    return float(kendalltau(range(len(both)), both).statistic) if len(both) > 1 else None


def answer(engine: Engine, asked: Mapping[str, Any]) -> list[str]:
    """The ids of the list that was asked for."""
    where = parse(asked["where"])
    if asked["on"] == "search":
        found = assisted.search(engine, asked["q"], where, asked["who"], asked["how"]).found
        return [one.item_id for one in found]
    return [one.item_id for one in engine.recommend(asked["user"], asked["history"], where=where, **asked["how"])]


def compare(live: Live, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Ask, and say what both lists have in common; an error is told by its kind, for its words may name users."""
    try:
        engine = live.settle()  # changes of items are worked out first: nobody else waits for them
        began = time.perf_counter()
        other = answer(engine, asked)
        seconds = time.perf_counter() - began
    except Exception as error:
        return {"error": type(error).__name__}
    shown = asked["shown"]
    return {"overlap": overlap(shown, other), "correlation": correlation(shown, other), "seconds": seconds}


def run(artefact: Path, events: Path, warm: bool, asked: TextIO, told: TextIO) -> None:
    def say(what: dict[str, Any]) -> None:
        told.write(f"{json.dumps(what)}\n")
        told.flush()

    try:
        live = Live(Engine.load(artefact), EventLog(events), artefact, stays=True)
    except WeftError as error:
        say({"error": str(error)})
        return
    if warm:
        Warming(live).run()
    say({"ready": True})
    for line in asked:
        say(compare(live, json.loads(line)))
    live.close()


if __name__ == "__main__":
    threadpool_limits(1, user_api="blas")
    logs.install("text")
    load_trees()
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as own:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is no answer
        run(Path(sys.argv[1]), Path(sys.argv[2]), "warm" in sys.argv[3:], sys.stdin, own)
