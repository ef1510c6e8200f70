"""The engine behind the service: many ask it at once, one at a time changes it."""

import copy
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import graph
from engine.engine import Engine
from engine.errors import UnknownIdError
from engine.forget import forget_on_disk
from engine.service.api.models import Event
from engine.service.eventlog import Entry, EventLog, Mark
from graph.store import GraphStore

CHOSEN = "chosen"
"""The kind of an event by which a user says that an item is wanted."""
_PICTURES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
"""Kinds of pictures that are served; a kind that can hold a script is not among them."""


class Shelf:
    """Titles and pictures of the items of one engine, by id."""

    def __init__(self, engine: Engine) -> None:
        items = engine.catalogue.items
        self.ids: list[str] = items["item_id"].to_list()
        """In the order of the catalogue, as are the titles of the list."""
        self.title_list: list[str] = items["title"].to_list()
        self.titles = dict(zip(self.ids, self.title_list, strict=True))
        self._pictures = dict(zip(self.ids, items["image"].to_list(), strict=True))
        self._root = engine.config.data.image_root.resolve()

    def has_picture(self, item: str) -> bool:
        return self._pictures.get(item) is not None

    def picture(self, item: str) -> tuple[Path, str]:
        """The file of an item's picture and its media type.

        The path comes from the catalogue, never from a request, and must still be inside data.image_root.
        """
        given = self._pictures.get(item)
        if given is not None:
            path = Path(given).resolve()
            kind = _PICTURES.get(path.suffix.lower())
            if kind is not None and path.is_relative_to(self._root) and path.is_file():
                return path, kind
        raise UnknownIdError(f"there is no picture of item {item!r}")


def _store(artefact: Path | None) -> GraphStore | None:
    kept = None if artefact is None else artefact / "graph"
    return graph.open(kept, read_only=True) if kept is not None and kept.exists() else None


class Live:
    """The engine that answers now.

    A change makes another engine of the same parts and puts it in the place of the first; so whoever asks has one
    engine from the beginning to the end of an answer, and needs no lock. Events go to the log before they are
    acknowledged, and into the engine in the order of the log, also those that another process put there.
    """

    def __init__(self, engine: Engine, log: EventLog, artefact: Path | None = None) -> None:
        self._engine = engine
        self._log = log
        self._artefact = artefact
        self.store = _store(artefact)
        """The graph of the artefact, read-only, if there is one to be queried."""
        self._taken = Mark(0, log.last.erasure)
        """How far of the log the engine knows."""
        self._changing = threading.Lock()
        self.shelf = Shelf(engine)
        self._catch_up()
        self._engine.recommend(history=[], n=1)  # makes now what the first answer, and the first event, would wait for
        self._engine.suggest("a", n=1)

    @property
    def engine(self) -> Engine:
        """The engine with all that the log has now."""
        if self._log.last != self._taken:
            self._catch_up()
        return self._engine

    def knows(self, user: str | None) -> bool:
        """Has this user a history?"""
        return user is not None and self.engine.state.lookup.knows(user)

    def add_events(self, events: Sequence[Event], key: str | None = None) -> int:
        """Take in all of these events, or none, and know of them from here on; returns how many are new.

        None are new where the same key came before with the same events. Raises UnknownIdError naming the items that
        are not in the catalogue, RepeatedKeyError for a key that came with other events, and EventLogError where the
        disk does not take them.
        """
        unknown = sorted({event.item_id for event in events} - self.shelf.titles.keys())
        if unknown:
            raise UnknownIdError(f"not in the catalogue: {', '.join(map(repr, unknown[:10]))}; no event was taken")
        if not events:
            return 0
        now = int(time.time())
        entries = [
            Entry(each.user_id, each.item_id, CHOSEN, each.value, now if each.time is None else each.time)
            for each in events
        ]
        as_sent = "\n".join(event.model_dump_json() for event in events)
        new = self._log.append(entries, key, as_sent)
        self._catch_up()
        return len(entries) if new else 0

    def erase(self, user: str) -> int:
        """Take a user out of the log, of the artefact on the disk and of what answers; returns how many events went.

        Raises EventLogError or ArtifactError where the disk does not let it; then ask again, nothing is done by half
        that another call does not finish.
        """
        with self._changing:
            if self._artefact is not None:
                forget_on_disk(self._artefact, user)
            self._log.erase(user)
            left = copy.copy(self._engine)
            gone = left.forget(user)
            self._take(left, Mark(self._taken.event, self._taken.erasure + 1))
        return gone

    def close(self) -> None:
        self._log.close()
        if self.store is not None:
            self.store.close()

    def _catch_up(self) -> None:
        with self._changing:
            last = self._log.last
            engine, since = copy.copy(self._engine), self._taken.event
            if last.erasure != self._taken.erasure and self._artefact is not None:
                # Another process has erased somebody; whom, nobody keeps. What it left is on the disk.
                engine, since = Engine.load(self._artefact), 0
                engine.use_rules(self._engine.rules)
            news, data = list(self._log.after(since)), engine.config.data
            if news:
                named = ((data.user, "user"), (data.item, "item"), (data.value, "value"), (data.time, "time"))
                columns = {column: part for column, part in named if column}
                engine.add_events([{name: getattr(one, part) for name, part in columns.items()} for _, one in news])
            self._take(engine, Mark(max([last.event, *(seq for seq, _ in news)]), last.erasure))

    def _take(self, engine: Engine, mark: Mark) -> None:
        if mark.erasure != self._taken.erasure:
            self.store = _store(self._artefact)  # the old one ends with the last question to it
        self._engine, self._taken = engine, mark
