"""How long lists take while items change, beside how long they take else: python scripts/bench/items_live.py URL ITEM.

A service must run at URL (`weft serve demo/artefact --workers 2`); it should be one to play with, for ITEM is added and
described anew as fast as the service takes it, and removed at the end.
"""

import argparse
import json
import threading
import time
import urllib.request

import numpy as np


def call(url: str, method: str = "GET", body: dict[str, object] | None = None) -> float:
    """Milliseconds of a request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    begun = time.perf_counter()
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        answer.read()
    return (time.perf_counter() - begun) * 1e3


def told(what: str, times: list[float]) -> None:
    middle, late = np.percentile(times, [50, 95])
    print(f"{what:28} {len(times):5} requests, median {middle:7.1f} ms, 95th percentile {late:7.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("item")
    parser.add_argument("--user", default="u0001")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    lists, item = f"{given.url}/v1/recommend?user={given.user}", f"{given.url}/v1/items/{given.item}"
    call(f"{given.url}/v1/items", "POST", {"item_id": given.item, "title": "Lamp"})

    def asked() -> list[float]:
        times, end = [], time.monotonic() + given.seconds
        while time.monotonic() < end:
            times.append(call(lists))
        return times

    call(lists)
    told("lists", asked())
    stop, changes = threading.Event(), list[float]()

    def change() -> None:
        while not stop.is_set():
            changes.append(call(item, "PUT", {"title": f"Lamp {len(changes)}"}))

    changing = threading.Thread(target=change)
    changing.start()
    told("lists while an item changes", asked())
    stop.set()
    changing.join()
    told("changes", changes)
    call(item, "DELETE")


if __name__ == "__main__":
    main()
