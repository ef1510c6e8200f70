"""What the service does over HTTP: python scripts/bench/serve.py [--items 25000] [--users 50000] [--workers 1 2].

A generated shop as of scripts/bench/recommend.py, with the sparse EASE, whose memory fits a service; the artefact is
kept in --work. `weft serve` runs it as a process of its own, and 8 clients of one other process ask over connections
that they keep. Told are the start, from the command to the first answer and to all warm, also in seconds of the
processor; requests a second and latencies by the clock of each kind of request; durable events a second, one by one
and by the hundred; the time from an event until the list that knows of it is there; memory as the kernel shares it
out (PSS) of all processes of the service. The same clients ask implicit's ALS behind FastAPI, in an environment of
its own, for the same users. Wanted for 25,000 items and 50,000 users on two cores: recommend p50 under 5 ms and p99
under 25 with 8 clients, 300 a second, 2,000 events a second, under 1.5 GiB, a start under 5 s.

    python scripts/bench/serve.py --soak 600    # a mix of everything for ten minutes: errors, and memory by the minute
    python scripts/bench/serve.py --kills 200   # killed at random under load, and started again: what was acknowledged

`--rate` spaces the requests of the mix evenly, so that latencies are those of a service that is not full.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import recommend
from peers import environments
from serving import load, mixed
from serving.process import Service, serving

from engine import Engine

WORKERS = (1, 2)


def artefact_of(items: int, users: int, work: Path) -> Path:
    """The artefact, made by another process where there is none, for that takes memory."""
    artefact = work / f"served-{items}-{users}"
    if not artefact.exists():
        again = [sys.executable, __file__, "--build", "--work", str(work), "--items", str(items), "--users", str(users)]
        subprocess.run(again, check=True)
    return artefact


def build(items: int, users: int, work: Path) -> None:
    settings = recommend.configuration(gate=True)
    ease = settings.candidates.ease.model_copy(update={"max_items": items // 2})
    candidates = settings.candidates.model_copy(update={"ease": ease})
    made = recommend.build(items, users, work, settings.model_copy(update={"candidates": candidates}))
    artefact = work / f"served-{items}-{users}"
    made.save(artefact)
    names = made.catalogue.interactions["user_id"].unique(maintain_order=True).to_list()
    matrix = made.state.lookup.histories(names).seen()
    arrays = {"indptr": matrix.indptr, "items": matrix.indices, "n": matrix.shape[1]}
    np.savez(artefact.with_suffix(".npz"), allow_pickle=False, **arrays)


def measure(artefact: Path, workers: int, clients: int, seconds: float) -> dict[str, Any]:
    engine = Engine.load(artefact)
    users = engine.catalogue.interactions["user_id"].unique().sort().to_list()
    ids = engine.catalogue.items["item_id"].to_list()
    del engine
    with tempfile.TemporaryDirectory() as folder, serving(artefact, Path(folder), workers) as first:
        first.ready()  # files are read and modules compiled, as before every start but the first
    with tempfile.TemporaryDirectory() as folder, serving(artefact, Path(folder), workers) as service:
        found: dict[str, Any] = {"start s": service.start, "of the processor": service.processor()}
        found |= {"ready s": service.ready(), "all of the processor": service.processor(), "MiB": service.mib()}
        asked: dict[str, Callable[[int], load.Request]] = {
            "recommend": lambda n: ("GET", f"/v1/recommend?user={users[n * 7 % len(users)]}", None),
            "similar": lambda n: ("GET", f"/v1/similar/{ids[n * 7 % len(ids)]}", None),
            "search": lambda n: ("GET", f"/v1/search?q={mixed.QUERIES[n % len(mixed.QUERIES)]}", None),
            "one event": lambda n: ("POST", "/v1/events", mixed.events(users, ids, n, 1)),
            "a hundred events": lambda n: ("POST", "/v1/events", mixed.events(users, ids, n, 100)),
        }
        for name, request in asked.items():
            load.run(service.port, request, clients, seconds / 5)
            found[name] = load.run(service.port, request, clients, seconds).told()
        found["recommend, one client"] = load.run(service.port, asked["recommend"], 1, seconds).told()
        found["event to list ms"] = after_events(service, users, ids)
        found["MiB after"] = service.mib()
    return found


def after_events(service: Service, users: list[str], ids: list[str]) -> dict[str, float]:
    """From sending an event until the next list of that user has come, nothing else being asked."""
    times = []
    for n in range(100):
        took = load.run_once(service.port, [("POST", "/v1/events", mixed.events(users, ids, n, 1)),
                                            ("GET", f"/v1/recommend?user={users[n]}", None)])  # fmt: skip
        times.append(1e3 * took)
    return recommend.quantiles(times)


def peer(matrix: Path, clients: int, users: int, seconds: float) -> dict[str, Any]:
    """The same clients beside implicit's ALS, or why there is none of it."""
    ready = environments.ready("implicit_http")
    if ready.error:
        return {"error": ready.error}
    script = Path(environments.__file__).parent / "implicit_http_peer.py"

    def request(number: int) -> load.Request:
        return "GET", f"/v1/recommend?user=u{number * 7 % users}", None

    try:
        one_thread = ["env", *(f"{name}_NUM_THREADS=1" for name in ("OMP", "OPENBLAS", "MKL"))]
        service = Service([*one_thread, str(ready.python), str(script), str(matrix)])
    except RuntimeError as error:
        return {"error": str(error)}
    with service:
        load.run(service.port, request, clients, seconds / 5)
        found = {"recommend": load.run(service.port, request, clients, seconds).told()}
        return found | {"recommend, one client": load.run(service.port, request, 1, seconds).told()}


def show(rows: dict[str, dict[str, Any]]) -> None:
    print("| | asked | a second | p50 ms | p95 | p99 | errors |")
    print("|---|---|---|---|---|---|---|")
    for name, found in rows.items():
        for what, told in found.items():
            if isinstance(told, dict) and "a second" in told:
                cells = [f"{told['a second']:,.0f}", *(f"{told[q]:.1f}" for q in ("p50", "p95", "p99"))]
                print(f"| {name} | {what} |", " | ".join(cells), f"| {told['errors']} |")
        print(json.dumps({name: {what: told for what, told in found.items() if "a second" not in str(told)}}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=25_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10, help="of each figure")
    parser.add_argument("--soak", type=float, default=0, help="seconds of a mix of everything, in place of the table")
    parser.add_argument("--rate", type=float, default=100, help="requests a second of the mix")
    parser.add_argument("--kills", type=int, default=0, help="rounds of killing it, in place of the table")
    parser.add_argument("--build", action="store_true", help="make the artefact and stop")
    parser.add_argument("--work", type=Path, default=Path("runs/recommend"))
    choice = parser.parse_args()
    if choice.build:
        build(choice.items, choice.users, choice.work)
        return
    artefact = artefact_of(choice.items, choice.users, choice.work)
    if choice.soak:
        mixed.soak(artefact, choice.workers[0], choice.clients, choice.soak, choice.rate)
        return
    if choice.kills:
        mixed.kill(artefact, choice.kills, choice.clients)
        return
    rows = {
        f"weft, {workers} processes": measure(artefact, workers, choice.clients, choice.seconds)
        for workers in choice.workers
    }
    rows["implicit ALS, FastAPI"] = peer(artefact.with_suffix(".npz"), choice.clients, choice.users, choice.seconds)
    artefact.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    show(rows)


if __name__ == "__main__":
    main()
