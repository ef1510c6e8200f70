"""The plots of the report: inline SVG that takes colours and font from the page, so that it is dark in the dark."""

import hashlib
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from engine.evaluation.report import Gate, Slice

# matplotlib wants colours by value; these stand for the variables of the page, which take their place in the SVG.
INK, MUTED, LINE, ACCENT, SOFT, OFF = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", ACCENT: "accent", SOFT: "soft", OFF: "off"}

# Those of the page, for a drawing that stands alone.
_LIGHT = {
    "page": "#ffffff", "ink": "#1c2126", "muted": "#5d656d", "line": "#e4e4df", "accent": "#1f6f78", "soft": "#d5e6e6",
    "off": "#a5622c",
}  # fmt: skip
_DARK = {
    "page": "#1b1f23", "ink": "#e6e8ea", "muted": "#9aa4ad", "line": "#30363c", "accent": "#6cc0c4", "soft": "#24464a",
    "off": "#dd9b66",
}  # fmt: skip

_WIDTH = 4.7
"""Inches of 72 points: some 340 units, as wide as a card on a telephone, so that text is not scaled down there."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "weft",
    "text.parse_math": False,
    "font.size": 11.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 11.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "text.color": INK,
}


class _Drawing:
    """An empty plot, and after the block its SVG."""

    def __init__(self, height: float) -> None:
        self.figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        self.axes: Axes = self.figure.add_subplot()
        self.svg = ""


def slices(rows: Sequence["Slice"], of: str) -> str:
    """Bars of a mean by group, with its 95% interval."""
    with _drawing(2.9) as drawing:
        axes, places = drawing.axes, np.arange(len(rows))
        means = np.array([row.mean for row in rows])
        axes.bar(places, means, width=0.68, color=SOFT)
        axes.vlines(places, [row.low for row in rows], [row.high for row in rows], color=ACCENT, linewidth=1.6)
        axes.plot(places, means, "o", color=ACCENT, markersize=4.5)
        axes.set_xticks(places, [_short(row.label, 10) for row in rows])
        axes.set_xlabel(of)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
    return drawing.svg


def shares(parts: Mapping[str, float]) -> str:
    """Bars of the share of each signal, the largest on top."""
    names = sorted(parts, key=lambda name: parts[name])
    values = [parts[name] for name in names]
    with _drawing(0.6 + 0.3 * len(names)) as drawing:
        axes = drawing.axes
        axes.barh(range(len(names)), values, height=0.62, color=ACCENT)
        for place, value in enumerate(values):
            axes.annotate(
                f"{100 * value:.1f}%", (max(value, 0), place), (5, 0), textcoords="offset points", va="center"
            )
        _label_rows(axes, names)
        axes.set_xlim(right=max(0.01, *values) * 1.16)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.axvline(0, color=LINE, linewidth=1)
    return drawing.svg


@dataclass(frozen=True)
class Span:
    """A gain with its 95% interval; one that is not solid is drawn hollow."""

    label: str
    mean: float
    low: float
    high: float
    solid: bool = True


def forest(gates: Sequence["Gate"], label: str) -> str:
    """The gain of each part with its 95% interval, the largest on top; what was dropped is hollow."""
    rows = sorted(gates, key=lambda gate: -gate.gain)
    several = len({gate.kind for gate in rows}) > 1
    named = [(f"{gate.part}, {gate.kind}" if several else gate.part, gate) for gate in rows]
    return spans([Span(name, gate.gain, gate.low, gate.high, gate.kept) for name, gate in named], label)


def spans(rows: Sequence[Span], label: str) -> str:
    """Gains with their intervals around zero, the first on top."""
    with _drawing(0.9 + 0.3 * len(rows)) as drawing:
        axes = drawing.axes
        axes.axvline(0, color=MUTED, linewidth=1)
        for place, row in enumerate(reversed(rows)):
            colour = ACCENT if row.solid else OFF
            axes.hlines(place, row.low, row.high, color=colour, linewidth=1.8)
            axes.plot(row.mean, place, "o", color=colour, markerfacecolor=colour if row.solid else "none", markersize=6)
        _label_rows(axes, [row.label for row in reversed(rows)])
        axes.set_xlabel(_short(label, 40))
        axes.locator_params(axis="x", nbins=5)
        axes.grid(axis="x")
    return drawing.svg


def bars(rows: Sequence[tuple[str, float, float, float]], label: str) -> str:
    """Bars of means (name, mean, low, high) with their 95% intervals; the first, on top, is told from the others."""
    with _drawing(0.9 + 0.3 * len(rows)) as drawing:
        axes = drawing.axes
        for place, (_, mean, low, high) in enumerate(reversed(rows)):
            first = place == len(rows) - 1
            axes.barh(place, mean, height=0.62, color=ACCENT if first else SOFT)
            axes.hlines(place, low, high, color=INK if first else ACCENT, linewidth=1.6)
        _label_rows(axes, [name for name, *_ in reversed(rows)])
        axes.set_xlabel(_short(label, 40))
        axes.set_xlim(left=0)
        axes.grid(axis="x")
    return drawing.svg


def curve(values: Sequence[float | None]) -> str:
    """One learning curve, its last value written at its end; None (a loss that broke) is a gap."""
    with _drawing(1.9) as drawing:
        axes = drawing.axes
        steps = np.arange(1, len(values) + 1)
        heights = np.array(values, dtype=np.float64)
        axes.plot(steps, heights, color=ACCENT, linewidth=1.8)
        if len(known := np.flatnonzero(np.isfinite(heights))):
            end = (steps[known[-1]], heights[known[-1]])
            axes.plot(*end, "o", color=ACCENT, markersize=5)
            axes.annotate(f"{end[1]:.4g}", end, (0, 8), textcoords="offset points", ha="right")
        axes.margins(x=0.03, y=0.22)
        axes.locator_params(axis="y", nbins=4)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.grid(axis="y")
    return drawing.svg


def reliability(expected: Sequence[float], observed: Sequence[float]) -> str:
    """The share chosen against the chance that was given, bin by bin; on the line they are equal."""
    with _drawing(2.9) as drawing:
        axes, most = drawing.axes, max(*expected, *observed, 0.01) * 1.05
        axes.plot([0, most], [0, most], color=MUTED, linewidth=1)
        axes.plot(expected, observed, "o-", color=ACCENT, linewidth=1.8, markersize=5)
        axes.set_xlabel("chance given")
        axes.set_ylabel("share chosen")
        axes.grid()
    return drawing.svg


def page(svg: str) -> str:
    """A drawing as a file of its own, with colours for a light and for a dark screen."""
    own = "".join(f"--{name}: {value}; " for name, value in _LIGHT.items())
    dark = "".join(f"--{name}: {value}; " for name, value in _DARK.items())
    style = (
        f"<style>svg {{ {own}font-family: system-ui, sans-serif; background: {_LIGHT['page']} }} "
        f"@media (prefers-color-scheme: dark) {{ svg {{ {dark}background: {_DARK['page']} }} }}</style>"
    )
    end = svg.index(">") + 1
    return f"{svg[:end]}{style}{svg[end:]}\n"


def _label_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [_short(name, 26) for name in names])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(-0.6, len(names) - 0.4)


def _short(text: str, length: int) -> str:
    """A long name would leave no room for the plot; the tables have it whole."""
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


@contextmanager
def _drawing(height: float) -> Iterator[_Drawing]:
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # The page's font draws the text; that the font used for measuring lacks a Chinese glyph does not matter.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        drawing = _Drawing(height)
        yield drawing
        buffer = io.StringIO()
        drawing.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        drawing.svg = _inline(buffer.getvalue())


def _inline(document: str) -> str:
    """The svg element alone, without a size or a font of its own, its colours replaced by those of the page."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<defs>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' font-family: [^;"]*;', "", svg)
    used = set(re.findall(r"#(\w+)", " ".join(re.findall(r'(?:href="|url\()#\w+', svg))))
    # Pages hold many drawings: what one refers to gets a name of its own, all other names go.
    own = hashlib.sha256(svg.encode("utf-8")).hexdigest()[:8]
    svg = re.sub(r' id="([\w.]+)"', lambda found: f' id="{own}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{own}-", svg)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg))
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg
