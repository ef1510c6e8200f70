"""The review file: links that are unsure, as a table that a person completes, and what was decided, read back.

A decision holds for an item and a surface, wherever in the item's text that stands: a text uses a name in one sense
(Gale, Church and Yarowsky, One sense per discourse, 1992).
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from graph.errors import GraphError
from graph.files.atomic import written_file

COLUMNS = ("decision", "item_id", "surface", "node", "score", "candidates", "around")
ACCEPT, REJECT = "accept", "reject"
REMEDY = "write accept (the node of its row), reject, or the id of another node; leave it empty to decide later"


@dataclass(frozen=True)
class Decisions:
    """What a person decided: accept is given as the node that was accepted."""

    by_place: dict[tuple[str, str], str]
    """A node, or `reject`, by item id and surface"""

    def find(self, item: str, surface: str) -> str | None:
        """The node, `reject`, or None where nothing was decided."""
        return self.by_place.get((item, surface))


def read_review(path: Path, nodes: pl.Series) -> Decisions:
    """The decisions in a review file; none if there is no such file.

    `nodes` are the ids of the graph. Raises GraphError naming file, line and remedy for a table of other columns and
    for a decision that is none.
    """
    known = set(nodes)
    found = {}
    for line, row in _rows(path):
        said = row["decision"].strip()
        if not said:
            continue
        meant = row["node"] if said.lower() == ACCEPT else REJECT if said.lower() == REJECT else said
        if meant != REJECT and meant not in known:
            raise GraphError(f"{path}: line {line}: the decision {said!r} is no node of the graph; {REMEDY}")
        found[row["item_id"], row["surface"]] = meant
    return Decisions(found)


def write_review(path: Path, unsure: pl.DataFrame) -> int:
    """Write the unsure links to a review file, whole or not at all, and return how many are open.

    What the file holds already and was decided stays, and is no longer unsure; the rest is replaced.
    """
    decided = [row for _, row in _rows(path) if row["decision"].strip()]
    places = {(row["item_id"], row["surface"]) for row in decided}
    rows = []
    for link in unsure.sort("score", descending=True, maintain_order=True).iter_rows(named=True):
        place = link["item_id"], link["surface"]
        if place in places:
            continue
        places.add(place)
        rivals = [(link["node"], link["score"]), *((r["node"], r["score"]) for r in link["evidence"]["rivals"])]
        rows.append(
            {
                "decision": "",
                "item_id": link["item_id"],
                "surface": link["surface"],
                "node": link["node"],
                "score": f"{link['score']:.2f}",
                "candidates": " | ".join(f"{node} {score:.2f}" for node, score in rivals),
                "around": link["around"],
            }
        )
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([*rows, *decided])
    with written_file(path) as aside:  # the byte order mark tells spreadsheets that it is UTF-8
        aside.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    return len(rows)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line and cells of each row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise GraphError(f"{path}: cannot be read ({error}); a review file is UTF-8 csv") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        lacking = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if lacking:
            raise GraphError(f"{path}: line 1: no column {', '.join(lacking)}; keep the columns as they were written")
        for row in reader:
            if None in row or None in row.values():
                raise GraphError(
                    f"{path}: line {reader.line_num}: {len(COLUMNS)} cells are wanted; quote cells with commas"
                )
            rows.append((reader.line_num, {name: row[name] for name in COLUMNS}))
    except csv.Error as error:
        raise GraphError(f"{path}: line {reader.line_num}: {error}; a review file is csv") from None
    return rows
