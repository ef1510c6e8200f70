"""The table of the peers: what was measured, and apart from it what others published."""

from typing import Any

Row = dict[str, Any]
PUBLISHED = {"kgat": [("KGAT", 0.1503, None), ("KGIN", 0.1688, 0.0915)]}
"""Recall and NDCG at 20 of others, by the protocol of the split. Not measured here."""


def table(rows: list[Row], published: list[Row]) -> str:
    head = [
        "peer",
        "R@20",
        "NDCG@20",
        "Weft's gain in NDCG (95%)",
        "fit s (CPU)",
        "MiB",
        "seeds",
        "chosen on validation",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *map(line, rows)]
    if published:
        lines += ["", "| published, not measured here | R@20 | NDCG@20 |", "|---|---|---|"]
        lines += [f"| {row['name']} | {figure(row['recall@20'])} | {figure(row['ndcg@20'])} |" for row in published]
    return "\n".join(lines)


def line(row: Row) -> str:
    if "note" in row:
        return f"| {row['peer']} | {row['note']} |" + " |" * 6
    gain = f"{row['lead']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})" if "low" in row else ""
    chosen = row.get("chosen", {})
    said = ", ".join(f"{name} {value}" for name, value in chosen.get("settings", {}).items())
    said += f", epochs {chosen['epochs']}; tried {chosen['tried']}" if chosen else ""
    cost = [f"{row[name]:.4g}" if name in row else "" for name in ("fit seconds", "peak MiB")]
    cells = [
        row["peer"],
        figure(row["recall@20"]),
        figure(row["ndcg@20"]),
        gain,
        *cost,
        str(len(row["seeds"]) or ""),
        said,
    ]
    return "| " + " | ".join(cells) + " |"


def figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".removeprefix("0")
