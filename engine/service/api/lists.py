"""Ranked lists: for a user, for a query, like an item."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool

from engine import assisted
from engine.engine import Mode
from engine.search.query import LONGEST, PERSONAL
from engine.service.api import models
from engine.service.api.asked import Exclude, History, N, Sensitive, User, Where
from engine.service.api.telling import ranked, shown, told
from engine.service.batch import Asked, Together
from engine.service.live import Live
from engine.service.running import Running
from engine.service.shadow import Shadow
from engine.where import parse


def lists(live: Live, together: Together, running: Running, shadow: Shadow) -> APIRouter:
    """Ranked lists: for a user, for a query, like an item."""
    router = APIRouter(prefix="/v1", tags=["lists"])

    @router.get("/recommend")
    async def recommend(
        user: User = None,
        history: History = None,
        n: N = 10,
        exclude: Exclude = None,
        where: Where = "",
        mode: Annotated[
            Mode, Query(description="What the list goes by: all that was learned, or similarity and interests alone.")
        ] = "fused",
        diversity: Annotated[
            float | None,
            Query(ge=0, le=100, description="What likeness to the items above costs; as configured if left out."),
        ] = None,
        explore: Annotated[
            int | None,
            Query(ge=0, le=models.MOST_ITEMS, description="So many of the last places are drawn by chance."),
        ] = None,
        context: Annotated[
            list[models.Id] | None,
            Query(max_length=models.MOST_ITEMS, description="Items that the user looks at now; repeat the parameter."),
        ] = None,
        skip: Annotated[
            int, Query(ge=0, le=models.MOST_ITEMS, description="Items of the list that came with pages before.")
        ] = 0,
        sensitive: Sensitive = None,
    ) -> models.RankedList:
        """The best items for a user or for a bare history; what is popular for a user without one, or for nobody."""
        past = None if user is not None and history is None else (history or [])
        # Whoever says how the list is to be made gets it so, and is no user of an experiment then.
        said = diversity is not None or explore is not None or mode != "fused"
        given = None if said else running.assigned("recommend", user)
        how: dict[str, Any] = {"mode": mode, "diversity": diversity, "explore": explore}
        how |= {} if given is None else given.arm.settings.said()
        how |= {"n": skip + n, "exclude": exclude or [], "context": context or [], "sensitive": sensitive or ()}
        limits, began = parse(where), time.perf_counter()
        found, knows = await together.recommend(Asked(user, past, how | {"where": limits}))
        took = time.perf_counter() - began
        shadow.offer("recommend", {"user": user, "history": past, "where": where, "how": how}, found, took)
        personal = bool(past) or bool(context) or knows
        by: dict[str, str] = {}
        if given is not None:
            asked = {"exclude": exclude, "where": where, "context": context, "sensitive": sensitive}
            asked |= {"rules": how.get("rules")}
            by = await run_in_threadpool(running.shown, given, user, found, asked, skip)
        return models.RankedList(personal=personal, items=ranked(live.shelf, found[skip:]), **by)

    @router.get("/search")
    def search(
        q: Annotated[str, Query(min_length=1, max_length=LONGEST, description="Words.", examples=["白色运动鞋"])],
        user: User = None,
        history: History = None,
        n: N = 10,
        exclude: Exclude = None,
        where: Where = "",
        personal: Annotated[
            float, Query(ge=0, le=1, description="How much the taste of the user counts; 0 is the query alone.")
        ] = PERSONAL,
        literal: Annotated[bool, Query(description="Take what the query limits for wishes.")] = False,
        explain: Annotated[bool, Query(description="Say what was met in each item, and why it is there.")] = False,
        sensitive: Sensitive = None,
    ) -> models.FoundList:
        """The items that fit a query best, in English or Chinese, with a share for the taste of the user if given.

        What the query limits is obeyed; `understood` says what that is, and what was dropped because nothing was left.
        A query with words that the catalogue does not know comes back as it may have been meant; and where nothing
        passes the conditions of `where`, what is found without those that cost least to drop. A question comes with
        the sentence that answers it, if there is one.
        """
        who: dict[str, Any] = {"user": user, "history": history, "exclude": exclude or [], "sensitive": sensitive or ()}
        how: dict[str, Any] = {"n": n, "personal": personal, "literal": literal, "explain": explain}
        assigned = running.assigned("search", user)
        how |= {} if assigned is None else assigned.arm.settings.said()
        engine, limits, began = live.engine, parse(where), time.perf_counter()
        with live.turn:
            given = assisted.search(engine, q, limits, who, how)
        took = time.perf_counter() - began
        shadow.offer("search", {"q": q, "where": where, "who": who, "how": how}, given.found, took)
        answer = told(live, given, (bool(history) or live.knows(user)) and how["personal"] > 0)
        return answer.model_copy(update=running.shown(assigned, user, given.found, {}))

    @router.get("/similar/{item:path}")
    def similar(
        item: Annotated[str, InPath(max_length=models.LONGEST_ID, description="An item id.", examples=["p0001"])],
        n: N = 10,
        sensitive: Sensitive = None,
    ) -> models.AlikeList:
        """The items most like one, by facts, words, texts and pictures."""
        found = live.engine.similar(item, n=n, sensitive=sensitive or ())
        return models.AlikeList(
            items=[models.Alike(**shown(live.shelf, each), cosine=cosine) for each, cosine in found]
        )

    return router
