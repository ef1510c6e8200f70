"""The report of a build: one HTML page that asks nothing of the network, and the same as JSON."""

from math import isfinite, nan
from pathlib import Path
from typing import Annotated

import jinja2
from markupsafe import Markup
from pydantic import BaseModel, BeforeValidator, ConfigDict

from engine import atomic
from engine.evaluation import plots
from engine.evaluation.reliability import Reliability


class Part(BaseModel):
    """A piece of the report: frozen, and a field it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Number = Annotated[float | None, BeforeValidator(lambda value: _defined(value))]
"""A figure that may be undefined (NaN becomes None), so that one broken figure does not cost the whole report."""


def _defined(value: object) -> object:
    return None if isinstance(value, float) and not isfinite(value) else value


class Metric(Part):
    """The mean of a metric over users and its 95% interval; none for a figure of the whole, such as coverage."""

    mean: Number
    low: Number = None
    high: Number = None


class Ranker(Part):
    """One row of the table: a ranker and its metrics by name, the same names in every row of a group."""

    name: str
    metrics: dict[str, Metric]
    group: str = ""
    """What it was asked: known items, new items, new users."""


class Gate(Part):
    """What a part gains, paired over users, and whether it was kept."""

    part: str
    kind: str
    """The lists it was measured on: warm or cold."""
    gain: float
    low: float
    high: float
    kept: bool
    why: str


class Slice(Part):
    """The mean of a metric over a group of users, or of what they asked for."""

    label: str
    users: int
    mean: float
    low: float
    high: float


class Segment(Part):
    """The paired gain over the best rival in a group of users, or over the chosen items of a group."""

    by: str
    label: str
    users: int
    metric: str
    mean: float
    rival: float
    """Mean of the rival."""
    gain: float
    low: float
    high: float
    harmed: bool
    """The interval of the gain lies below zero, and the group is not tiny."""


class Fit(Part):
    """Quality on a part of the data: what was learned from, what was chosen by, what was never seen."""

    part: str
    users: int
    metrics: dict[str, Number]


class Report(Part):
    """All that the page shows. Lists and tables that are empty are left out of it."""

    title: str
    subtitle: str = ""
    """Protocol, seed, sizes: what one must know to read the figures."""
    metric: str
    """The metric that the slices show, such as recall@20."""
    gate_metric: str
    """The metric that gains are measured in, such as ndcg@20."""
    data: dict[str, int | Number | str]
    """Counts of the catalogue."""
    rejects: dict[str, int] = {}
    """Rows that were skipped, by reason."""
    rankers: list[Ranker]
    """The engine first, then what it is compared with."""
    gates: list[Gate] = []
    by_history: list[Slice] = []
    by_popularity: list[Slice] = []
    rival: str = ""
    """The ranker that the segments compare with."""
    segments: list[Segment] = []
    fits: list[Fit] = []
    """Train, validation, test."""
    reliability: Reliability | None = None
    """Whether chances are what they say, on the test."""
    contributions: dict[str, float] = {}
    """Share of each signal in the scores of what is shown; shares sum to 1."""
    curves: dict[str, list[Number]] = {}
    """Values by epoch or round, by name of the curve."""
    timings: dict[str, float] = {}
    """Seconds by step of the build."""
    environment: dict[str, str] = {}


def write(report: Report, folder: Path) -> None:
    """Write report.html and report.json, each atomically; the folder is made."""
    atomic.write_text(folder / "report.html", render(report))
    atomic.write_text(folder / "report.json", report.model_dump_json(indent=1) + "\n")


def render(report: Report) -> str:
    """The page as one string of HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "gain": gain}
    groups = {group: [row for row in report.rankers if row.group == group] for group in _unique(report.rankers)}
    return environment.get_template("report.html").render(
        report=report,
        groups=groups,
        best={group: _best(rows) for group, rows in groups.items()},
        segments={
            by: [one for one in report.segments if one.by == by]
            for by in dict.fromkeys(one.by for one in report.segments)
        },
        plots=_plots(report),
        filters={"figure": figure, "seconds": seconds},
    )


def figure(value: float | str | None) -> str:
    """A count with separators, a measure with four decimals, text as it is, a dash for what is undefined."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def gain(value: float) -> str:
    """A signed difference, with a true minus."""
    return f"{value:+.4f}".replace("-", "\N{MINUS SIGN}")


def seconds(value: float) -> str:
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def _unique(rows: list[Ranker]) -> list[str]:
    return list(dict.fromkeys(row.group for row in rows))


def _best(rows: list[Ranker]) -> dict[str, float]:
    """The mean to mark in each column: the highest among figures of quality (with intervals) that differ, or NaN."""
    best = {}
    for name in dict.fromkeys(name for row in rows for name in row.metrics):
        column = [row.metrics[name] for row in rows if name in row.metrics]
        means = {metric.mean for metric in column if metric.mean is not None and metric.low is not None}
        best[name] = max(means) if len(means) > 1 else nan
    return best


def _plots(report: Report) -> dict[str, Markup]:
    """Inline SVG by name; a plot without data is left out. matplotlib escapes the text it draws."""
    drawn: dict[str, str] = {}
    if report.by_history:
        drawn["history"] = plots.slices(report.by_history, "events in the history")
    if report.by_popularity:
        drawn["popularity"] = plots.slices(report.by_popularity, "tenth of the items, rarest first")
    if report.reliability:
        drawn["reliability"] = plots.reliability(report.reliability.expected, report.reliability.observed)
    if report.contributions:
        drawn["contributions"] = plots.shares(report.contributions)
    if report.gates:
        drawn["gates"] = plots.forest(report.gates, f"gain in {report.gate_metric}")
    for name, values in report.curves.items():
        if values:
            drawn[f"curve {name}"] = plots.curve(values)
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704
