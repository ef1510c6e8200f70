"""What the service tells Prometheus. Of users and queries it has numbers only."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from engine import artifact
from engine.service.agreement import Agreement
from engine.service.eventlog import EventLog
from engine.service.live import Live
from engine.service.settings import TOGETHER

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts of one process, told together with those of the others beside it."""

    def __init__(self) -> None:
        own = CollectorRegistry()
        self._requests = Counter("weft_requests", "Requests answered.", ("method", "route", "status"), registry=own)
        self._seconds = Histogram(
            "weft_request_seconds", "From request to the last byte of the answer.", ("route",), registry=own,
            buckets=SECONDS,
        )  # fmt: skip
        self._streamed = Counter("weft_stream_messages", "Messages of the stream of events.", ("result",), registry=own)
        self._registry = own
        if TOGETHER in os.environ:
            self._registry = CollectorRegistry()
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        ProcessCollector(registry=self._registry)
        self.agreement = Agreement(own, self._registry)
        """Of a shadow."""

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def streamed(self, result: str) -> None:
        """A message of the stream was taken, refused, or had come before."""
        self._streamed.labels(result).inc()

    def watch(self, live: Live, log: EventLog, artefact: Path | None) -> None:
        """Tell of what is served, too."""
        self._registry.register(_Served(live, log, artefact))

    def text(self) -> bytes:
        """As Prometheus reads it."""
        return generate_latest(self._registry)


class _Served(Collector):
    """Items, users, events and the artefact, as they are when asked; the same whichever process is asked."""

    def __init__(self, live: Live, log: EventLog, artefact: Path | None) -> None:
        self._live, self._log, self._artefact = live, log, artefact

    def collect(self) -> Iterator[Metric]:
        state = self._live.engine.state
        tables = state.catalogue
        yield GaugeMetricFamily("weft_items", "Items of the catalogue.", state.items)
        yield GaugeMetricFamily("weft_users", "Users with events.", tables.interactions["user_id"].n_unique())
        yield GaugeMetricFamily("weft_events", "Events that lists go by.", tables.interactions.height)
        yield CounterMetricFamily("weft_events_taken", "Events that the log ever took.", self._log.last.event)
        yield GaugeMetricFamily("weft_log_waiting", "Requests that wait for the disk.", self._log.waiting)
        if self._artefact is not None:
            seal, written = artifact.mark(self._artefact)
            yield InfoMetricFamily("weft_artefact", "What is served.", {"fingerprint": seal})
            age = datetime.now(written.tzinfo) - written
            yield GaugeMetricFamily("weft_artefact_age_seconds", "Since it was last written.", age.total_seconds())
