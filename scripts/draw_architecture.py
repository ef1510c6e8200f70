"""Draw docs/architecture.svg from the imports that are in the sources: python scripts/draw_architecture.py.

Each box lists its modules. Where a box imports another, there is an arrow, or a line of small print: an arrow that
other arrows make plain (a to b to c, so a to c) is left out unless the main flow would be lost.
"""

import argparse
import ast
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("scripts", "engine", "graph", "encoders")
PACKAGES = ("candidates", "cli", "demo", "evaluation", "importers", "rules", "search", "service")
"""Packages of the engine that are boxes of their own."""
GROUPS = {
    "tables": "artifact atomic clock config errors generations hidden history lookup memory tables template toml where",
    "features": "describe knowledge",
    "learning": "calibration cases copies counterfactual diversity explain fakes fusion gate gating growth lists "
    "listwise prequential ranker rerank reservoir signals training transparent updating",
    "service": "client",
    "measuring": "ablation assess bench benchmark drift generalise groups peers provenance space tracking tuning",
}
"""Boxes of the engine's other modules; what is named nowhere belongs to the box `engine`."""
FLOW = {("cli", "engine"), ("engine", "learning"), ("features", "graph")}
"""Arrows to draw although others make them plain."""


@dataclass(frozen=True)
class Box:
    """Where a box stands: its left upper corner, its width and height, its title, and what it is for."""

    x: int
    y: int
    width: int
    height: int
    title: str
    purpose: str


WIDTH, HEIGHT = 1200, 1863
BANDS = {"scripts": (64, 277), "engine": (357, 1170), "graph": (1543, 180), "encoders": (1739, 104)}
"""Top and height of each floor."""
LEFT, MIDDLE, RIGHT, SIDE, WIDE = 44, 352, 660, 968, 268
BOXES = {
    "scripts": Box(LEFT, 90, 1112, 239, "scripts/", "thin command files"),
    "service": Box(LEFT, 383, WIDE, 392, "service/", "HTTP and the console"),
    "cli": Box(MIDDLE, 383, WIDE, 392, "cli/", "the command weft"),
    "demo": Box(RIGHT, 383, WIDE, 392, "demo/", "the generated shop"),
    "rules": Box(LEFT, 825, WIDE, 138, "rules/", "hide, add and reorder"),
    "engine": Box(MIDDLE, 825, WIDE, 138, "5  engine", "asks, learns, keeps"),
    "importers": Box(RIGHT, 825, WIDE, 138, "importers/", "data sets into tables"),
    "search": Box(LEFT, 1007, WIDE, 366, "search/", "a query into items"),
    "learning": Box(MIDDLE, 1007, WIDE, 366, "4  one score", "learned, gated, told"),
    "measuring": Box(RIGHT, 1007, WIDE, 366, "measuring", "against the rivals"),
    "features": Box(LEFT, 1411, WIDE, 100, "2  features", "what an item is"),
    "candidates": Box(MIDDLE, 1411, WIDE, 100, "3  candidates/", "scores of items"),
    "evaluation": Box(RIGHT, 1411, WIDE, 100, "evaluation/", "splits, metrics, report"),
    "tables": Box(SIDE, 383, 188, 1128, "1  tables and files", "under all of the engine"),
    "graph": Box(MIDDLE, 1569, 804, 138, "graph/", "two stores, queries, links, files, checks, paths, rules, network"),
    "encoders": Box(LEFT, 1765, 1112, 62, "encoders/", "texts and pictures into unit vectors, each made once"),
}  # fmt: skip
QUIET = {("demo", "graph"), ("importers", "graph")}
"""Imports told in small print, since their arrow would cross other boxes."""
LETTER, SMALL_LETTER = 7.6, 6.2
"""About how wide a letter is, of module names and of small print."""
STYLE = """
  svg { color-scheme: light dark; font-family: system-ui, sans-serif; }
  .page { fill: #ffffff; } .band { fill: #f1f3f6; } rect { stroke-width: 1.3; } .box { fill: #ffffff; stroke: #8a94a3; }
  .flow { fill: #fff7e0; stroke: #b98300; } text { fill: #1c232e; } .soft { fill: #566171; }
  .code { font-family: ui-monospace, monospace; font-size: 12.5px; }
  .arrow { fill: none; stroke: #4d6a92; stroke-width: 1.8; } .head { fill: #4d6a92; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #12161c; } .band { fill: #1b212a; } .box { fill: #242c37; stroke: #6d7989; }
    .flow { fill: #3a3115; stroke: #d9a520; } text { fill: #e8edf4; } .soft { fill: #a8b3c2; }
    .arrow { stroke: #8fb0de; } .head { fill: #8fb0de; }
  }
"""


def modules() -> dict[str, Path]:
    """Every module of the four floors by its dotted name; a package goes by its own name."""
    found = {}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def box_of(module: str) -> str:
    """The box that a module is listed in."""
    floor, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    if floor != "engine":
        return floor
    return name if name in PACKAGES else next((box for box, names in GROUPS.items() if name in names.split()), "engine")


def imports(known: Mapping[str, Path]) -> set[tuple[str, str]]:
    """(box, box) pairs of which a module of the first imports one of the second, wherever in the file."""
    pairs = set()
    for module, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in known else node.module for name in inner]
            pairs |= {(box_of(module), box_of(name)) for name in names if name in known}
    return {(a, b) for a, b in pairs if a != b}


def reachable(pairs: set[tuple[str, str]], start: str) -> set[str]:
    """Boxes that `start` imports by way of others."""
    found, todo = set[str](), [start]
    while todo:
        at = todo.pop()
        new = {b for a, b in pairs if a == at} - found
        found |= new
        todo += sorted(new)
    return found


def arrows(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The imports to draw: those that no way over other boxes makes plain, and those of the main flow."""
    shown = {(a, b) for a, b in pairs if b != "tables"} - QUIET
    plain = {(a, b) for a, b in shown if any(b in reachable(shown, c) for d, c in shown if d == a and c != b)}
    return (shown - plain) | (shown & FLOW)


def listed(box: str, known: Mapping[str, Path]) -> list[str]:
    """Names of the modules in a box, without packages."""
    depth = 2 if box in PACKAGES else 1
    packages = {module.rpartition(".")[0] for module in known}
    inside = (module.split(".") for module in known if box_of(module) == box and module not in packages)
    return sorted("/".join(parts[depth:] or parts[1:]) for parts in inside)


def small_print(box: str, pairs: set[tuple[str, str]], drawn: set[tuple[str, str]]) -> str:
    """Imports of a box that have no arrow; of the tables, who imports them."""
    if box == "tables":
        missing = sorted({*PACKAGES, *GROUPS, "engine"} - {"tables"} - {a for a, b in pairs if b == "tables"})
        return "imported by every box here" + (f" but {', '.join(missing)}" if missing else "")
    rest = {b for a, b in pairs - drawn if a == box} - ({"tables"} if box != "scripts" else set())
    return f"also {', '.join(sorted(rest))}" if rest else ""


def box(name: str, known: Mapping[str, Path], small: str) -> list[str]:
    """A box with its title, purpose and modules, as lines of SVG."""
    at = BOXES[name]
    x, y, narrow = at.x + 12, at.y + 22, at.width < WIDE
    kind = "flow" if at.title[0].isdigit() else "box"
    purpose = f'<tspan class="soft" font-size="12.5" font-weight="400" dx="8">{escape(at.purpose)}</tspan>'
    lines = [
        f'<rect class="{kind}" x="{at.x}" y="{at.y}" width="{at.width}" height="{at.height}" rx="7"/>',
        f'<text x="{x}" y="{y}" font-size="15" font-weight="600">{escape(at.title)}{"" if narrow else purpose}</text>',
    ]
    names = listed(name, known)
    if narrow:  # one module a line, below the purpose
        lines.append(f'<text class="soft" x="{x}" y="{y + 19}" font-size="12.5">{escape(at.purpose)}</text>')
        y += 24
    rows = names if narrow else wrap("  ".join(names), int((at.width - 20) / LETTER))
    for row in rows:
        y += 24 if narrow else 17
        lines.append(f'<text class="code" x="{x}" y="{y}" xml:space="preserve">{escape(row)}</text>')
    rows = wrap(small, int((at.width - 20) / SMALL_LETTER))
    y = at.y + at.height - 9 - 15 * len(rows)
    for row in rows:
        y += 15
        lines.append(f'<text class="soft" x="{x}" y="{y}" font-size="11.5" font-style="italic">{escape(row)}</text>')
    return lines


def arrow(source: str, target: str) -> str:
    """One arrow: sideways within a row, from the scripts past what stands between, otherwise down."""
    a, b = BOXES[source], BOXES[target]
    if a.y == b.y:
        x1, x2 = (a.x + a.width, b.x - 8) if b.x > a.x else (a.x, b.x + b.width + 8)
        path = f"M{x1} {a.y + a.height - 38} H{x2}"
    elif source == "scripts" and b.y > BOXES["cli"].y:
        # Down the gap beside the target, and into its side: the left one, but for the boxes at the edge.
        side, way = (b.x, 1) if b.x > LEFT else (b.x + b.width, -1)
        x, y = side - 20 * way, b.y + 24
        path = f"M{x} {a.y + a.height} V{y - 10} Q{x} {y} {x + 10 * way} {y} H{side - 8 * way}"
    else:
        path = down(a, b)
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


def down(a: Box, b: Box) -> str:
    """From the bottom of one box to the top of another below it."""
    left, right = max(a.x, b.x), min(a.x + a.width, b.x + b.width)
    y1, y2 = a.y + a.height, b.y - 8
    if right > left:
        x1 = x2 = (left + right) // 2
    elif b.x > a.x:
        x1, x2 = a.x + a.width - 30, b.x + 30
    else:
        x1, x2 = a.x + 30, b.x + b.width - 30
    middle = (y1 + y2) // 2
    return f"M{x1} {y1} C{x1} {middle} {x2} {middle} {x2} {y2}"


def draw() -> str:
    """The picture as SVG; the same sources give the same text."""
    known = modules()
    pairs = imports(known)
    drawn = arrows(pairs)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-label="The four floors of Weft, their modules, and which imports which">',
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        '<text x="24" y="32" font-size="19" font-weight="600">Weft: which part imports which</text>',
        '<text class="soft" x="24" y="52" font-size="13">Arrows point from a box to what it imports. '
        "In yellow, 1 to 5: the way from tables to a list.</text>",
    ]
    for floor, (top, height) in BANDS.items():
        lines.append(f'<rect class="band" x="20" y="{top}" width="{WIDTH - 40}" height="{height}" rx="10"/>')
        lines.append(f'<text class="soft" x="32" y="{top + 18}" font-size="13" font-weight="600">{floor}</text>')
    for name in BOXES:
        lines += box(name, known, small_print(name, pairs, drawn))
    lines += [arrow(a, b) for a, b in sorted(drawn)]
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/architecture.svg", help="default: %(default)s")
    out = parser.parse_args().out
    out.write_text(draw(), encoding="utf-8")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
