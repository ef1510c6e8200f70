"""The engine behind the service: many ask it at once, one at a time changes it."""

import copy
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from engine.engine import Engine
from engine.errors import UnknownIdError
from engine.service.models import Event

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


class Live:
    """The engine that answers now.

    A change makes a copy, changes that, and puts it in the place of the first; so whoever asks has one engine from the
    beginning to the end of an answer, and needs no lock.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shelf = Shelf(engine)
        self._changing = threading.Lock()
        engine.recommend(history=[], n=1)  # makes now what the first answer would wait for
        engine.suggest("a", n=1)

    def knows(self, user: str | None) -> bool:
        """Has this user a history?"""
        return user is not None and self.engine.state.lookup.knows(user)

    def add_events(self, events: Sequence[Event]) -> int:
        """Take in all of these events, or none: UnknownIdError names the items that are not in the catalogue."""
        unknown = sorted({event.item_id for event in events} - self.shelf.titles.keys())
        if unknown:
            raise UnknownIdError(f"not in the catalogue: {', '.join(map(repr, unknown[:10]))}; no event was taken")
        if not events:
            return 0
        data, now = self.engine.config.data, int(time.time())
        rows = []
        for event in events:
            row: dict[str, object] = {data.user: event.user_id, data.item: event.item_id}
            if data.value:
                row[data.value] = event.value
            if data.time:
                row[data.time] = now if event.time is None else event.time
            rows.append(row)
        with self._changing:
            grown = copy.copy(self.engine)
            taken = grown.add_events(rows)
            grown.recommend(user=events[0].user_id, n=1)
            grown.suggest("a", n=1)
            self.engine = grown
        return taken
