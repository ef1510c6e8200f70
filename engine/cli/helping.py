"""Commands around search: completions, facets, and answers from item texts."""

from typing import Annotated

import typer

from engine.cli.asking import Artefact, AsJson, Count, Where, opened
from engine.cli.output import count, say, show, show_json, warn


def suggest(
    artefact: Artefact,
    prefix: Annotated[str, typer.Argument(help="What is typed so far: English, Chinese or pinyin.")],
    n: Count = 8,
    as_json: AsJson = False,
) -> None:
    """Complete what is typed: brands, categories, values, titles and words of titles.

    Popular completions come first; from four letters on one typing error is forgiven.
    """
    n = count(n)
    found = opened(artefact).suggest(prefix, n=n)
    if as_json:
        show_json([vars(one) for one in found])
        return
    rows = [(one.text, one.kind, str(one.items), str(one.interactions), one.match) for one in found]
    show(("completion", "kind", "items", "events", "match"), rows)
    if not rows:
        warn("nothing begins so")


def facets(
    artefact: Artefact,
    query: Annotated[str | None, typer.Argument(help="What is looked for; all items, if not given.")] = None,
    where: Where = "",
    n: Annotated[int, typer.Option("-n", help="How many values of a facet.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Count what a search finds by brand, category, attribute and range of numbers.

    The query and the conditions on other columns apply; a column's own condition does not, so it is seen what else
    could be chosen. A * marks what is chosen.
    """
    from engine.where import parse

    conditions, n = parse(where), count(n)
    found = opened(artefact).facets(query, conditions, n=n)
    if as_json:
        show_json([vars(facet) | {"values": [vars(value) for value in facet.values]} for facet in found])
        return
    rows = []
    for facet in found:
        for value in facet.values:
            rows.append((facet.column, _told(value.value), str(value.items), "*" if value.chosen else ""))
        if facet.others:
            rows.append((facet.column, f"{facet.others} more", "", ""))
    show(("facet", "value", "items", ""), rows)
    if not rows:
        warn("nothing found")


def answer(
    artefact: Artefact,
    question: Annotated[str, typer.Argument(help="A question, in English or Chinese.")],
    item: Annotated[str | None, typer.Option(help="About this item only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question by a sentence of an item's text, if one is good enough."""
    found = opened(artefact).answer(question, item)
    if as_json:
        show_json(None if found is None else vars(found))
    elif found is None:
        warn("no text answers that")
    else:
        say(found.text)
        say(f"  {found.title} ({found.item_id}), characters {found.start} to {found.end}, score {found.score:.2f}")


def _told(value: str | tuple[float, float]) -> str:
    return value if isinstance(value, str) else f"{value[0]:g} to {value[1]:g}"
