"""Append to a log from two threads until killed; tell each request when it is acknowledged, as `thread number`."""

import itertools
import os
import sys
import threading
from pathlib import Path

from engine.service.eventlog import Entry, EventLog


def write(log: EventLog, round_: str, thread: int) -> None:
    for number in itertools.count():
        name = f"{round_}-{thread}-{number}"
        log.append([Entry(name, item, "", 1.0, number) for item in ("a", "b", "c")], key=name)
        os.write(1, f"{name}\n".encode())


if __name__ == "__main__":
    log = EventLog(Path(sys.argv[1]))
    for thread in range(2):
        threading.Thread(target=write, args=(log, sys.argv[2], thread)).start()
