"""The engine behind the service: many ask it at once, one at a time changes it."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import graph
from engine import artifact, generations
from engine.engine import Engine
from engine.errors import UnknownIdError, WeftError
from engine.forget import forget_on_disk
from engine.rules import whom
from engine.service.api.models import Event, Reaction
from engine.service.changes import Change
from engine.service.eventlog import Entry, EventLog, Mark, OvertakenError, Request, only
from engine.service.replay import CHOSEN, joined, make, not_there, with_events, without_user
from engine.service.shelf import Shelf
from graph.rules import Rules
from graph.store import GraphStore

log = logging.getLogger(__name__)

PAUSE = 30
"""Seconds until a change that could not be worked out is tried again."""


def _store(artefact: Path | None) -> GraphStore | None:
    kept = None if artefact is None else artefact / "graph"
    return graph.open(kept, read_only=True) if kept is not None and kept.exists() else None


def _kept_rules(artefact: Path) -> Rules:
    return Rules.model_validate(artifact.read(artefact, verify="size").facts.get("rules", {}))


class Live:
    """The engine that answers now.

    A change makes another engine of the same parts and puts it in the place of the first; so whoever asks has one
    engine from the beginning to the end of an answer, and needs no lock. Events and changes go to the log before they
    are acknowledged, and into the engine in the order of the log, also those that another process put there.

    An event takes milliseconds, so whoever asks takes in those that have come. A change of items may take a second:
    it is worked out aside, from the engine that is settled (all of the log up to a mark and no more), and until then
    the one before it answers.
    """

    def __init__(self, engine: Engine, log: EventLog, artefact: Path | None = None, stays: bool = False) -> None:
        """`stays`: whatever artefact the log says is served, this one answers."""
        self._log, self._stays = log, stays
        self.artefact = artefact
        """The folder of what is served."""
        self._rules = None if artefact is None or _kept_rules(artefact) == engine.rules else engine.rules
        """Those that the engine was given, where they are not those of the artefact."""
        self.pictures = log.path.with_name(f"{log.path.name}.pictures")
        """The folder of the pictures that were sent here."""
        self.turn = threading.Lock()
        """For whoever works out lists or a search. Python runs one thread at a time, and those that take turns in the
        middle of a list wait for each other at every step (engine/service/batch.py)."""
        self.store = _store(artefact)
        """The graph of the artefact, read-only, if there is one to be queried."""
        self._settled = self._engine = engine
        self._mark = self._seen = Mark(0, log.last.erasure, 0)
        """How far of the log the settled engine is, and how far the one that answers."""
        self._working = threading.Lock()
        """Held by the one who works out a change or an erasure, for seconds."""
        self._changing = threading.Lock()
        """Held by the one who puts another engine in its place, for milliseconds. Never taken before the other one."""
        self._aside = ThreadPoolExecutor(1, "changes")
        self._paused = 0.0
        self.shelf = Shelf(engine, self.pictures)
        self.settle()
        self._engine.recommend(history=[], n=1)  # nothing that the first list would wait for
        _ = self._engine.state.helps  # empty so far; engines of later events share what is made in it (warming)

    @property
    def engine(self) -> Engine:
        """The engine with all events that the log has now; changes of items may be still to come."""
        if self._log.last != self._seen:
            self._catch_up()
        return self._engine

    def settle(self) -> Engine:
        """The engine with all that the log has now, worked out if it must be."""
        with self._working:
            self._work()
        return self._engine

    def knows(self, user: str | None) -> bool:
        """Has this user a history?"""
        return user is not None and self.engine.state.lookup.knows(user)

    def add_events(self, events: Sequence[Event | Reaction], key: str | None = None) -> int:
        """Take in all of these events and reactions, or none, and know of them from here on; returns how many are new.

        None are new where the same key came before with the same events. Raises UnknownIdError naming the items that
        are not in the catalogue, RepeatedKeyError for a key that came with another request, and EventLogError where
        the disk does not take them.
        """
        return only(self.add_each([(events, key)]))

    def add_each(self, requests: Sequence[tuple[Sequence[Event | Reaction], str | None]]) -> list[int | WeftError]:
        """As `add_events` for each request, by one write; where it would raise, the error stands in the answer."""
        wanted = {event.item_id for events, _ in requests for event in events}
        if not wanted <= self.shelf.titles.keys():
            self.settle()  # another process may have added them
        known, now = self.shelf.titles, int(time.time())
        errors = [_unknown(sorted({event.item_id for event in events} - known.keys())) for events, _ in requests]
        taken = [request for request, error in zip(requests, errors, strict=True) if error is None and request[0]]
        answers = iter(self._log.append_each([_as_kept(events, key, now) for events, key in taken]))
        self._catch_up()
        return [
            error or (_count(events, next(answers)) if events else 0)
            for (events, _), error in zip(requests, errors, strict=True)
        ]

    def change(self, wanted: Callable[[Engine], Change], key: str | None = None, as_sent: str = "") -> bool:
        """Change items or rules; it is on the disk, and every later answer of this process knows of it.

        `wanted` says what to change in the settled engine, or raises why it cannot be; it may be asked more than once,
        for another process may come first. False, and nothing changed, where the key came before with the same
        request. Raises RepeatedKeyError and EventLogError as `add_events`.
        """
        if key is not None and self._log.came(key, as_sent):
            return False
        with self._working:
            while True:
                self._work()
                engine, mark = self._now()
                change = wanted(engine)
                made = self._worked_out(engine, [change])
                try:
                    new = self._log.append_change(change, mark.change, key, as_sent)
                except OvertakenError:
                    continue
                if new:
                    self._put(made, mark._replace(change=mark.change + 1))
                return new

    def switch(self, name: str, who: str) -> None:
        """Put another artefact, of the same folder of artefacts, in the place of what is served.

        It gets all changes and events of the log. Who asks meanwhile is answered by what was before; other processes
        follow, and so does a later start. Raises UnknownIdError where there is none of this name, ArtifactError for one
        that cannot be opened, and then nothing is changed.
        """
        with self._working:
            while True:
                self._work()
                if self.artefact is None or name not in self.artefacts():
                    raise UnknownIdError(f"there is no artefact {name!r} beside the one that is served")
                change = Change("artefact", {"before": self.artefact.name, "after": name}, who, int(time.time()))
                engine, mark = self._opened(self.artefact.with_name(name), self._mark.erasure)
                try:
                    self._log.append_change(change, mark.change)
                except OvertakenError:
                    continue
                self._serve(self.artefact.with_name(name), engine, mark._replace(change=mark.change + 1))
                return

    def artefacts(self) -> list[str]:
        """Names of the artefacts in the folder of the one that is served."""
        if self.artefact is None:
            return []
        return sorted(path.parent.name for path in self.artefact.parent.glob(f"*/{artifact.MANIFEST}"))

    def changes(self, kind: str) -> list[tuple[int, Change]]:
        """All changes of a kind, with their numbers, oldest first."""
        return self._log.changes(kind=kind)

    def erase(self, user: str) -> int:
        """Take a user out of the log, of the artefact on the disk and of what answers; returns how many events went.

        Raises EventLogError or ArtifactError where the disk does not let it; then ask again, nothing is done by half
        that another call does not finish.
        """
        with self._working:
            for path in self._served():
                forget_on_disk(path, user)
            self._log.erase(user, without_user)
            self._rules = None if self._rules is None else whom.forget(self._rules, user)
            with self._changing:
                before, self._settled = self._settled, replace(self._settled)
                gone = self._settled.forget(user)
                self._mark = self._mark._replace(erasure=self._mark.erasure + 1)
                if self._engine is before:
                    self._engine = self._settled
                else:
                    self._engine = replace(self._engine)
                    self._engine.forget(user)
                self._seen = self._seen._replace(erasure=self._mark.erasure)
                self.store = _store(self.artefact)  # the old one ends with the last question to it
        return gone

    def close(self) -> None:
        self._aside.shutdown(wait=True, cancel_futures=True)
        self._log.close()
        if self.store is not None:
            self.store.close()

    def _catch_up(self) -> None:
        """Take in the events that have come; changes are worked out aside, but for those that take no time."""
        last = self._log.last
        if last.erasure != self._mark.erasure:
            self.settle()  # what is forgotten must be in no answer
            return
        with self._changing:
            if last.change == self._mark.change:
                self._take_events()
                return
            self._take_early()
        if not self._working.locked() and time.monotonic() > self._paused:
            pending = self._log.changes(self._mark.change)
            if all(change.kind == "rules" for _, change in pending):
                self.settle()
            else:
                self._aside.submit(self._settle_aside)

    def _settle_aside(self) -> None:
        try:
            if self._log.last.change != self._mark.change:
                self.settle()
        except Exception:
            self._paused = time.monotonic() + PAUSE
            log.exception("a change of the log could not be worked out; it is tried again in %d seconds", PAUSE)

    def _work(self) -> None:
        """Settle; for whoever holds `_working`."""
        last = self._log.last
        engine, mark = self._now()
        changes = self._log.changes(mark.change)
        wanted = next((change.content["after"] for _, change in reversed(changes) if change.kind == "artefact"), None)
        path = self.artefact
        if path is not None and wanted is not None and not self._stays:
            path = path.with_name(wanted)
        if path is not None and (path != self.artefact or last.erasure != mark.erasure):
            # Another process has put another one in its place; or it has erased somebody: whom, nobody keeps. What it
            # left is on the disk.
            self._serve(path, *self._opened(path, last.erasure))
            return
        if changes:
            engine = self._worked_out(engine, [change for _, change in changes])
            mark = mark._replace(change=changes[-1][0])
        self._put(engine, mark._replace(erasure=last.erasure))

    def _now(self) -> tuple[Engine, Mark]:
        """The settled engine and its mark, which belong together: an event may come between two readings."""
        with self._changing:
            return self._settled, self._mark

    def _opened(self, path: Path, erasure: int) -> tuple[Engine, Mark]:
        """The engine of an artefact with all changes of the log, and no events yet."""
        engine, changes = Engine.load(path), self._log.changes(0)
        if self._rules is not None:
            engine.use_rules(self._rules)
        return self._worked_out(engine, [change for _, change in changes]), Mark(
            0, erasure, changes[-1][0] if changes else 0
        )

    def _serve(self, path: Path, engine: Engine, mark: Mark) -> None:
        """What was opened from this folder, in the place of what answers."""
        self._put(engine, mark)
        self.artefact, self.store = path, _store(path)  # the old store ends with the last question to it

    def _served(self) -> list[Path]:
        """The artefact, and those that this log ever named and that are still there: they may hold users too."""
        if self.artefact is None:
            return []
        changes = [*self._log.changes(kind="artefact"), *self._log.changes(kind="shadow")]
        names = {name for _, change in changes for name in change.content.values()}
        before = names & set(self.artefacts()) - {self.artefact.name}
        served = [self.artefact, *(self.artefact.with_name(name) for name in sorted(before))]
        return [*served, *(kept for path in served for kept in generations.before(path))]

    def _worked_out(self, engine: Engine, changes: Iterable[Change]) -> Engine:
        """Another engine, with these changes, that need not make anything when it is first asked."""
        made = replace(engine)  # with a lock of its own
        make(made, joined(changes, made.config.data.item), self.pictures)
        _warm(made)
        return made

    def _put(self, engine: Engine, mark: Mark) -> None:
        """An engine that is settled up to a mark, in the place of the one that is, with the events since."""
        with self._changing:
            self._settled, self._mark = engine, mark
            self._take_events()

    def _take_events(self) -> None:
        """Into the settled engine, which then answers; for whoever holds `_changing`."""
        last, news = self._log.last.event, list(self._log.after(self._mark.event))
        if news:
            entries = [entry for _, entry in news]
            # Whoever built the artefact may have given it events that this log has too.
            entries = not_there(self._settled, entries) if self._mark.event == 0 else entries
            self._settled = with_events(self._settled, entries)
        self._mark = self._mark._replace(event=max([last, *(seq for seq, _ in news)]))
        if self._settled.catalogue.items is not self.shelf.items:
            self.shelf = Shelf(self._settled, self.pictures)
        self._engine, self._seen = self._settled, self._mark

    def _take_early(self) -> None:
        """Into the engine that answers alone, while changes are still to come; for whoever holds `_changing`.

        Events of items that those will add wait for them.
        """
        last, news = self._log.last.event, list(self._log.after(self._seen.event))
        known = [entry for _, entry in news if entry.item in self.shelf.titles]
        self._engine = with_events(self._engine, known) if known else self._engine
        self._seen = self._seen._replace(event=max([last, *(seq for seq, _ in news)]))


def _unknown(items: Sequence[str]) -> UnknownIdError | None:
    if not items:
        return None
    return UnknownIdError(f"not in the catalogue: {', '.join(map(repr, items[:10]))}; no event was taken")


def _as_kept(events: Sequence[Event | Reaction], key: str | None, now: int) -> Request:
    entries = [
        Entry(
            each.user_id,
            each.item_id,
            each.kind if isinstance(each, Reaction) else CHOSEN,
            1 if isinstance(each, Reaction) else each.value,
            now if each.time is None else each.time,
        )
        for each in events
    ]
    return Request(entries, key, "\n".join(event.model_dump_json() for event in events))


def _count(events: Sequence[Event | Reaction], answer: bool | WeftError) -> int | WeftError:
    return answer if isinstance(answer, WeftError) else len(events) * answer


def _warm(engine: Engine) -> None:
    """Make now what the first answers would wait for."""
    engine.recommend(history=[], n=1)
    engine.suggest("a", n=1)
