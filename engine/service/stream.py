"""Events from a Redis stream: kept in the service's log, and only then acknowledged to Redis.

A message has one field, `event`, which holds what a body of POST /v1/events or /v1/feedback holds. The processes of a
service are consumers of one group, so each message goes to one of them; one that a process took and did not finish is
claimed by another. Since Redis then gives it out again, its number is the key by which the log knows it: it counts
once. What cannot be taken goes, with the reason, to a stream of its own beside the first.
https://redis.io/docs/latest/develop/data-types/streams/
"""

import logging
import os
import socket
import threading
from collections.abc import Sequence
from typing import Any

import redis
from pydantic import TypeAdapter, ValidationError

from engine.errors import WeftError
from engine.service.api.models import MOST_EVENTS, Event, Reaction
from engine.service.eventlog import EventLogError
from engine.service.live import Live
from engine.service.metrics import Metrics

log = logging.getLogger(__name__)

GROUP = "weft"
FIELD = b"event"
REFUSED = ":refused"
"""Behind the name of the stream: what could not be taken, as `id`, `event` and `reason`."""
AT_ONCE = 256
"""Messages of one write."""
LISTEN = 1.0
"""Seconds to wait for news; a service that ends waits as long."""
ABANDONED = 10.0
"""Seconds after which a message that another process did not finish is taken over."""
PAUSE = 5.0
"""Seconds until Redis, or a disk that is full, is tried again."""

Messages = Sequence[tuple[bytes, dict[bytes, bytes]]]
_BODY: TypeAdapter[list[Event | Reaction]] = TypeAdapter(list[Event | Reaction])


class Stream:
    """A thread that takes events from one stream into one service, until it is stopped."""

    def __init__(self, live: Live, url: str, name: str, metrics: Metrics) -> None:
        self._live, self._name, self._metrics = live, name, metrics
        # Any: by their types the answers of this client might have to be awaited, too.
        self._redis: Any = redis.Redis.from_url(url, socket_connect_timeout=PAUSE, socket_timeout=10 * LISTEN)
        self._me = f"{socket.gethostname()}-{os.getpid()}"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the messages that are being taken; seconds."""
        self._stopping.set()
        self._thread.join()
        self._redis.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._join()
                self._follow()
            except (redis.RedisError, EventLogError) as error:  # an address may hold a password: it is not told
                log.warning("the stream %s is tried again in %.0f seconds: %s", self._name, PAUSE, error)
                self._stopping.wait(PAUSE)
            except Exception:
                log.exception("the stream %s is tried again in %.0f seconds", self._name, PAUSE)
                self._stopping.wait(PAUSE)

    def _join(self) -> None:
        try:
            self._redis.xgroup_create(self._name, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # the group is there
                raise

    def _follow(self) -> None:
        """Take what this process did not finish before, then what comes and what others left."""
        self._take(self._read("0"))
        while not self._stopping.is_set():
            _, left, *_ = self._redis.xautoclaim(
                self._name, GROUP, self._me, min_idle_time=int(1000 * ABANDONED), count=AT_ONCE
            )
            self._take(left)
            self._take(self._read(">"))

    def _read(self, since: str) -> Messages:
        found = self._redis.xreadgroup(GROUP, self._me, {self._name: since}, count=AT_ONCE, block=int(1000 * LISTEN))
        return [message for _, messages in found for message in messages]

    def _take(self, messages: Messages) -> None:
        if not messages:
            return
        read = [(number, _events(fields)) for number, fields in messages]
        good = [
            (events, f"redis {self._name} {number.decode()}") for number, events in read if isinstance(events, list)
        ]
        answers = iter(self._live.add_each(good))
        reasons: dict[bytes, str] = {}
        for number, events in read:
            answer = next(answers) if isinstance(events, list) else events
            if isinstance(answer, EventLogError):
                raise answer  # the disk: nothing is acknowledged, all comes again
            if isinstance(answer, WeftError):
                reasons[number] = str(answer)
            self._metrics.streamed("refused" if number in reasons else "taken" if answer else "repeated")
        with self._redis.pipeline() as pipeline:
            for number, fields in messages:
                if number in reasons:
                    told = {b"id": number, FIELD: fields.get(FIELD, b""), b"reason": reasons[number].encode()}
                    pipeline.xadd(self._name + REFUSED, told, maxlen=100_000, approximate=True)
            pipeline.xack(self._name, GROUP, *(number for number, _ in messages))
            pipeline.execute()


def _events(fields: dict[bytes, bytes]) -> list[Event | Reaction] | WeftError:
    """The events of a message, or what is wrong with it."""
    text = fields.get(FIELD, b"").strip()
    if not text:
        return WeftError("the message has no field `event`")
    try:
        found = _BODY.validate_json(text if text.startswith(b"[") else b"[" + text + b"]")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return WeftError(f"{'.'.join(map(str, first['loc'])) or 'event'}: {first['msg']}")
    if len(found) > MOST_EVENTS:
        return WeftError(f"{len(found)} events in one message; at most {MOST_EVENTS} are taken")
    return found
