"""A search as people meet it: the items, and help where the query may have been meant otherwise or asks something."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.engine import Engine, Recommendation
from engine.search.answer import LONGEST as LONGEST_QUESTION
from engine.search.answer import Answer
from engine.search.results import Results
from engine.search.spelling import Correction


@dataclass(frozen=True)
class Assisted:
    """The items of a search, and beside them what the service and the command line tell."""

    found: Results[Recommendation]
    did_you_mean: Correction | None
    """If the catalogue does not know some word"""
    dropped: list[str]
    """Columns of `where` that stand in the way, if nothing was found"""
    instead: Results[Recommendation] | None
    """What is found without them"""
    answer: Answer | None
    """If the query is a question, the sentence that answers it"""


def search(
    engine: Engine, query: str | None, where: Mapping[str, Any], who: Mapping[str, Any], how: Mapping[str, Any]
) -> Assisted:
    """One search with all its help.

    `who` are user, history, exclude and sensitive, `how` are n, personal, literal, explain and image, as
    `Engine.search` takes them. A picture without a query needs no help.
    """
    found = engine.search(query, where=where, **who, **how)
    if query is None:
        return Assisted(found, None, [], None, None)
    dropped = [] if found else engine.relax(query, where, **who)
    left = {name: wanted for name, wanted in where.items() if name not in dropped}
    instead = engine.search(query, where=left, **who, **how) if dropped else None
    # Words of a turn of phrase (something like, 配件) are in no item, and meant all the same.
    meant = engine.did_you_mean(query) if found.understood.kind in ("find", "question") else None
    asks = found.understood.kind == "question" and len(query) <= LONGEST_QUESTION
    answer = engine.answer(query, sensitive=who.get("sensitive", ())) if asks else None
    return Assisted(found, meant, dropped, instead, answer)
