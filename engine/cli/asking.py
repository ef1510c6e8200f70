"""Commands that ask an engine: lists for a user or a query, what is like an item, and why an item is shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from engine.cli.found import as_json as found_as_json
from engine.cli.found import show_assisted, terms
from engine.cli.output import count, say, show, show_json, warn
from engine.cli.working import Working
from engine.errors import DataError, UnknownIdError
from engine.search.query import PERSONAL

if TYPE_CHECKING:
    from engine.engine import Engine, Recommendation

Artefact = Annotated[Path, typer.Argument(help="The directory that `weft build` wrote.")]
Count = Annotated[int, typer.Option("-n", help="How many.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Where = Annotated[
    str, typer.Option(help='Conditions on items as JSON, such as {"brand": "Nike", "price": [null, 500]}.')
]

Sensitive = Annotated[
    list[str] | None, typer.Option(metavar="TOPIC", help="A topic that rules hide unless asked for; repeat it.")
]


def opened(artefact: Path) -> "Engine":
    """The engine of an artefact."""
    with Working() as work:
        work.stage(f"opening {artefact}")
        from engine.engine import Engine

        return Engine.load(artefact)


def recommend(
    artefact: Artefact,
    user: Annotated[str | None, typer.Option(help="A user id.")] = None,
    history: Annotated[str, typer.Option(help="Or item ids, oldest first, separated by commas.")] = "",
    n: Count = 10,
    where: Where = "",
    mode: Annotated[
        Literal["fused", "interest"],
        typer.Option(help="fused: by all that was learned; interest: by similarity and interests alone."),
    ] = "fused",
    diversity: Annotated[
        float | None,
        typer.Option(
            help="What likeness to the items above costs: 0 nothing, 4 some, 16 much; as configured without it."
        ),
    ] = None,
    explore: Annotated[
        int | None, typer.Option(help="So many of the last places are drawn by chance; as configured without it.")
    ] = None,
    sensitive: Sensitive = None,
    as_json: AsJson = False,
) -> None:
    """Recommend for a user or a history.

    Each item comes with what each part adds to its score. A user without history gets what is popular. In mode interest
    the score is how like the latest items an item is, times how much of the history is of its brand, category and so on
    (1 is as much as the catalogue has); interests are named with what they add.
    """
    if user is not None and history:
        raise DataError("name either --user or --history")
    from engine.where import parse

    conditions, n = parse(where), count(n)
    engine = opened(artefact)
    if user is not None and not has_history(engine, user):
        popular = "" if mode == "interest" else ": these items are popular, not chosen for this user"
        warn(f"{user!r} has no history here{popular}")
    past = None if user is not None else [item for item in history.split(",") if item]
    if past == [] and mode == "fused":
        warn("no --user and no --history: these items are popular")
    found = engine.recommend(
        user=user,
        history=past,
        n=n,
        where=conditions,
        mode=mode,
        diversity=diversity,
        explore=explore,
        sensitive=sensitive or (),
    )
    _show_list(found, as_json)


def search(
    artefact: Artefact,
    query: Annotated[str | None, typer.Argument(help="What is looked for, in English or Chinese.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture of what is looked for, alone or beside words.")] = None,
    user: Annotated[str | None, typer.Option(help="For this user, if given.")] = None,
    personal: Annotated[
        float, typer.Option(help="How much the taste of the user counts, from 0 (only the query) to 1.")
    ] = PERSONAL,
    n: Count = 10,
    where: Where = "",
    literal: Annotated[
        bool, typer.Option("--literal", help="Take what the query limits for wishes, and its words as they are.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say why each item is there.")] = False,
    sensitive: Sensitive = None,
    as_json: AsJson = False,
) -> None:
    """Search by words, meaning, pictures and taste; with --image, by what looks like it.

    What the query limits (under 500, before 1960, not leather) is obeyed, and it is said what was understood. Where
    nothing is left, the condition that costs least is dropped, and it is said which; so with --where. A query with
    words that the catalogue does not know is told as it may have been meant. Matches are coloured: words of the query
    yellow, other names cyan, translations magenta; in a file they stand between asterisks.
    """
    if not 0 <= personal <= 1:
        raise DataError(f"--personal must be from 0 to 1, not {personal:g}")
    if query is None and image is None:
        raise DataError("there is nothing to search for: give a query, --image, or both")
    from engine import assisted
    from engine.search.query import checked
    from engine.where import parse

    conditions, n, query = parse(where), count(n), None if query is None else checked(query)
    engine = opened(artefact)
    if user is not None and not has_history(engine, user):
        warn(f"{user!r} has no history here: only the query counts")
    how = {"n": n, "personal": personal, "literal": literal, "explain": explain or not as_json, "image": image}
    given = assisted.search(engine, query, conditions, {"user": user, "sensitive": sensitive or ()}, how)
    if as_json:
        show_json(found_as_json(given))
    else:
        show_assisted(given, explain)


def similar(
    artefact: Artefact,
    item: Annotated[str, typer.Argument(help="An item id.")],
    n: Count = 10,
    as_json: AsJson = False,
) -> None:
    """List the items most like one."""
    n = count(n)
    engine = opened(artefact)
    titles = titles_of(engine)
    found = [(each, titles[each], score) for each, score in engine.similar(item, n=n)]
    if as_json:
        show_json([{"item_id": each, "title": title, "score": score} for each, title, score in found])
        return
    say(f"like {titles[item]} ({item}):")
    rows = [(str(place), each, title, f"{score:.2f}") for place, (each, title, score) in enumerate(found, 1)]
    show(("", "item", "title", "cosine"), rows)


def explain(
    artefact: Artefact,
    user: Annotated[str, typer.Argument(help="A user id.")],
    item: Annotated[str, typer.Argument(help="An item id.")],
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
) -> None:
    """Say why an item is where it is for a user."""
    if language not in ("en", "zh"):
        raise DataError(f"--language is en or zh, not {language}")
    show_explanation(opened(artefact), user, item, language)


def show_explanation(engine: "Engine", user: str, item: str, language: str) -> None:
    """Print what each part adds, the items of the history behind it, and paths through the graph."""
    from graph.telling import sentences

    if not has_history(engine, user):
        raise UnknownIdError(f"user {user!r} has no history here: there is nothing to explain")
    why = engine.explain(user, item)
    say(f"{why.title} ({why.item_id}) for {user}: {why.score:.3f}, rank {_told(why.rank)}")
    ordered = sorted(why.contributions.items(), key=lambda pair: -abs(pair[1]))
    show(("part", "adds"), [(part, f"{value:+.3f}") for part, value in ordered])
    for rule in why.rules:
        say(f"  {rule}")
    titles = titles_of(engine)
    for (liked, share), (_, rank) in zip(why.neighbours, why.without, strict=True):
        say(f"  {share:5.0%}  owed to {titles[liked]}; rank {_told(rank)} without it")
    for line in sentences(why.paths, list(titles.values()), "zh" if language == "zh" else "en"):
        say("  " + line)


def _told(rank: int | None) -> str:
    return "beyond 1,000" if rank is None else str(rank)


def has_history(engine: "Engine", user: str) -> bool:
    user.encode()  # what is no text is a mistake of the command line (see output.Polite), not a stranger
    return engine.state.lookup.knows(user)


def titles_of(engine: "Engine") -> dict[str, str]:
    """Titles by item id, in the order of the catalogue."""
    items = engine.catalogue.items
    return dict(zip(items["item_id"].to_list(), items["title"].to_list(), strict=True))


def _show_list(found: "list[Recommendation]", as_json: bool) -> None:
    if as_json:
        show_json([vars(one) for one in found])
        return
    drawn = any(one.propensity is not None for one in found)
    rows = [
        (str(place), one.item_id, one.title, f"{one.score:.2f}", _chance(one), *[_propensity(one)] * drawn, terms(one))
        for place, one in enumerate(found, 1)
    ]
    show(("", "item", "title", "score", "chance", *["shown with"] * drawn, "of which"), rows)
    if not rows:
        warn("nothing found")


def _chance(one: "Recommendation") -> str:
    """That the user chooses it next; a dash where that was not learned."""
    return "\N{EN DASH}" if one.probability is None else f"{one.probability:.1%}"


def _propensity(one: "Recommendation") -> str:
    """The chance that it had of its place in a list that explores."""
    return "" if one.propensity is None else f"{one.propensity:.1%}"
