"""The command that looks a graph over."""

from dataclasses import asdict
from typing import Annotated

import typer

from engine.cli.graph import places
from engine.cli.graph.places import Source
from engine.cli.output import say, show, show_json
from engine.cli.working import Working


def check(
    source: Source,
    hub: Annotated[
        float, typer.Option(min=0, max=1, help="A hub is linked to more than this share of the items.")
    ] = 0.5,
    strict: Annotated[
        bool, typer.Option("--strict", help="End with code 1 if there is an error or a warning.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Report what is wrong or odd in a graph.

    It says how much each relation tells of the items, and looks for edges that end nowhere, things that stand in it
    twice, brands of nearly one name, cycles in the tree of categories, hubs, items that nothing is known of, and more.
    Nothing is changed.
    """
    with Working() as work:
        work.stage(f"reading {source}")
        from graph.check import check as look

        tables, unread = places.tables(source)
        work.stage("looking it over")
        report = look(tables, hub)
    if as_json:
        found = [asdict(finding) for finding in report.findings]
        coverage = report.coverage.to_dicts()
        counts = {"nodes": report.nodes, "edges": report.edges, "rows_rejected": unread.height}
        show_json({**counts, "ok": report.ok, "findings": found, "coverage": coverage})
    else:
        say(
            f"{report.nodes} nodes, {report.edges} edges"
            + (f", {unread.height} rows rejected" if unread.height else "")
        )
        for one in report.findings:
            say(f"\n{one.severity}: {one.kind} ({one.count}): {one.remedy}")
            for example in one.examples:
                say(f"    {example}")
            if one.count > len(one.examples):
                say(f"    and {one.count - len(one.examples)} more")
        if not report.findings:
            say("nothing to report")
        say("")
        rows = report.coverage.iter_rows()
        columns = ("relation", "items", "share of items", "distinct", "mean an item")
        shown = [
            (name, str(items), f"{share:.1%}", str(distinct), f"{mean:.2f}")
            for name, items, share, distinct, mean in rows
        ]
        show(columns, shown)
    if strict and not report.ok:
        raise typer.Exit(1)
