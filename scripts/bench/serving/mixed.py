"""A mix of everything for a long time, and a service that is killed under load."""

import http.client
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from engine import Engine
from engine.service.eventlog import EventLog
from serving import load
from serving.process import Service, command, serving

QUERIES = ["white+sneakers", "waterproof+jacket+under+500", "%E7%99%BD%E8%89%B2%E8%BF%90%E5%8A%A8%E9%9E%8B", "nike"]
LONGEST_LIFE = 1.5
"""Seconds of load at most before a kill."""


def events(users: Sequence[str], ids: Sequence[str], number: int, n: int) -> str:
    """A body of `n` events, other ones for each number."""
    rows = [
        {"user_id": users[(number * n + at) * 13 % len(users)], "item_id": ids[(number * n + at) * 17 % len(ids)]}
        for at in range(n)
    ]
    return json.dumps(rows)


def soak(artefact: Path, workers: int, clients: int, seconds: float, rate: float) -> None:
    """Ask for all kinds of things, and tell by the minute how that goes."""
    engine = Engine.load(artefact)
    users = engine.catalogue.interactions["user_id"].unique().sort().to_list()
    ids = engine.catalogue.items["item_id"].to_list()
    del engine

    def request(number: int) -> load.Request:
        kind, user, item = number % 20, users[number * 7 % len(users)], ids[number * 11 % len(ids)]
        if kind < 12:
            return "GET", f"/v1/recommend?user={user}", None
        if kind < 16:
            return "POST", "/v1/events", events(users, ids, number, 2)
        if kind == 16:
            return "GET", f"/v1/similar/{item}", None
        if kind == 17:
            return "GET", f"/v1/search?q={QUERIES[number // 20 % len(QUERIES)]}&user={user}", None
        if kind == 18:
            return "GET", f"/v1/explain?user={user}&item={item}", None
        return "GET", "/v1/suggest?q=ni", None

    print("| minute | a second | p50 ms | p95 | p99 | errors | MiB |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, serving(artefact, Path(folder), workers) as service:
        service.ready()
        done = 0.0
        while done < seconds:
            some = min(60.0, seconds - done)
            told = load.run(service.port, request, clients, some, rate).told()
            done += some
            cells = [f"{told['a second']:.0f}", *(f"{told[q]:.1f}" for q in ("p50", "p95", "p99")), str(told["errors"])]
            print(f"| {done / 60:.0f} |", " | ".join([*cells, f"{service.mib():.0f}"]), "|", flush=True)


def kill(artefact: Path, rounds: int, clients: int) -> None:
    """Kill it at random moments while clients send events, each with a user of its own; then count them in the log."""
    rng = random.Random(0)
    ids = Engine.load(artefact).catalogue.items["item_id"].to_list()[:1000]
    acknowledged: list[str] = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            service = Service(command(artefact, Path(folder)), Path(folder) / "log")
            slowest = max(slowest, service.start)
            threads = [
                threading.Thread(target=_send, args=(service.port, f"kill-{number}-{client}", ids, acknowledged))
                for client in range(clients)
            ]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0, LONGEST_LIFE))
            service.kill()
            for thread in threads:
                thread.join()
            if number % 10 == 9:
                print(f"{number + 1} rounds, {len(acknowledged)} events acknowledged", flush=True)
        log = EventLog(Path(folder) / "events")
        kept = Counter(entry.user for _, entry in log.after() if entry.user.startswith("kill-"))
        log.close()
    lost = [user for user in acknowledged if kept[user] == 0]
    twice = [user for user, times in kept.items() if times > 1]
    print(f"{rounds} kills: {len(acknowledged)} events acknowledged, {len(lost)} of them lost, {len(twice)} kept twice")
    print(f"{len(kept) - len(acknowledged)} kept whose answer never came; slowest start {slowest:.1f} s")
    if lost or twice:
        raise SystemExit(1)


def _send(port: int, name: str, ids: Sequence[str], acknowledged: list[str]) -> None:
    """Send events until nobody answers; each is of its own user, so that it can be counted."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    number = 0
    while True:
        user = f"{name}-{number}"
        body = json.dumps({"user_id": user, "item_id": ids[number % len(ids)]})
        try:
            line.request("POST", "/v1/events", body, load.JSON | {"Idempotency-Key": user})
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return
        if answer.status == 201:
            acknowledged.append(user)
        number += 1
