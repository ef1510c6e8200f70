"""How far the answers of a shadow agree with those that were shown: counted for Prometheus, and told from there.

All processes of a service are counted together, since it started. Of users, queries and items nothing is kept.
"""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TENTHS = tuple(tenth / 10 for tenth in range(11))
_LABELS = ("artefact", "on")


@dataclass
class Told:
    """What was found on one kind of answer."""

    compared: int = 0
    overlap: float | None = None
    """Mean share of a list that both have."""
    correlation: float | None = None
    """Mean of Kendall's tau over the items that both have."""
    shown_ms: float | None = None
    """Mean time of the answers that were shown, with their wait for a turn."""
    shadow_ms: float | None = None
    missed: dict[str, int] = field(default_factory=dict)
    """Not compared, by why: `dropped`, `ended`, or the kind of an error."""


class Agreement:
    """Counts of this process, in `own`, told with those of others, as `whole` collects them."""

    def __init__(self, own: CollectorRegistry, whole: CollectorRegistry) -> None:
        self._whole = whole
        self._overlap = Histogram(
            "weft_shadow_overlap", "Share of a list that the shadow has too.", _LABELS, registry=own, buckets=TENTHS
        )
        self._order = Histogram(
            "weft_shadow_order", "Share of pairs that both have in one order.", _LABELS, registry=own, buckets=TENTHS
        )  # of Kendall's tau, which may be negative, Prometheus would keep no sum
        self._seconds = Histogram(
            "weft_shadow_seconds", "To an answer that is compared.", (*_LABELS, "by"), registry=own, buckets=SECONDS
        )
        self._missed = Counter("weft_shadow_missed", "Not compared, by why.", (*_LABELS, "why"), registry=own)

    def add(
        self, artefact: str, on: str, shown: float, overlap: float, correlation: float | None, seconds: float
    ) -> None:
        """One comparison; `shown` and `seconds` are the times of both answers."""
        self._overlap.labels(artefact, on).observe(overlap)
        if correlation is not None:
            self._order.labels(artefact, on).observe((1 + correlation) / 2)
        self._seconds.labels(artefact, on, "shown").observe(shown)
        self._seconds.labels(artefact, on, "shadow").observe(seconds)

    def missed(self, artefact: str, on: str, why: str) -> None:
        self._missed.labels(artefact, on, why).inc()

    def told(self, artefact: str) -> dict[str, Told]:
        """What was found of an artefact, by kind of answer; kinds that were never asked are left out."""
        sums: dict[tuple[str, ...], float] = {}
        missed: dict[str, dict[str, int]] = {}
        for family in self._whole.collect():
            for sample in family.samples if family.name.startswith("weft_shadow_") else ():
                labels = sample.labels
                if labels.get("artefact") != artefact:
                    continue
                if sample.name == "weft_shadow_missed_total":
                    missed.setdefault(labels["on"], {})[labels["why"]] = int(sample.value)
                elif sample.name.endswith(("_sum", "_count")):
                    sums[sample.name.removeprefix("weft_shadow_"), labels["on"], labels.get("by", "")] = sample.value

        def mean(what: str, on: str, by: str = "", unit: float = 1) -> float | None:
            many = sums.get((f"{what}_count", on, by), 0)
            return unit * sums[f"{what}_sum", on, by] / many if many else None

        def tau(on: str) -> float | None:
            pairs = mean("order", on)
            return None if pairs is None else 2 * pairs - 1

        kinds = sorted({on for _, on, _ in sums} | missed.keys())
        return {
            on: Told(
                compared=int(sums.get(("overlap_count", on, ""), 0)),
                overlap=mean("overlap", on),
                correlation=tau(on),
                shown_ms=mean("seconds", on, "shown", 1000),
                shadow_ms=mean("seconds", on, "shadow", 1000),
                missed=missed.get(on, {}),
            )
            for on in kinds
        }
