"""Helps around search over HTTP: completions, facets, and answers from item texts."""

from typing import Annotated

from fastapi import APIRouter, Query

from engine.search.query import LONGEST
from engine.service.api import models
from engine.service.api.asked import Sensitive, Where
from engine.service.api.telling import passage
from engine.service.live import Live
from engine.where import parse


def helps(live: Live) -> APIRouter:
    """What a page with a search field asks besides lists."""
    router = APIRouter(prefix="/v1", tags=["search"])

    @router.get("/suggest")
    def suggest(
        q: Annotated[str, Query(max_length=500, description="What is typed so far.", examples=["naik"])] = "",
        n: Annotated[int, Query(ge=1, le=100, description="How many.")] = 8,
    ) -> models.CompletionList:
        """Completions in English, Chinese or pinyin, popular ones first, also past one typing error."""
        found = live.engine.suggest(q, n=n)
        return models.CompletionList(completions=[models.Completion(**vars(one)) for one in found])

    @router.get("/facets")
    def facets(
        q: Annotated[
            str | None,
            Query(min_length=1, max_length=LONGEST, description="Words; none for all items.", examples=["白色运动鞋"]),
        ] = None,
        where: Where = "",
        n: Annotated[int, Query(ge=1, le=models.MOST_ITEMS, description="Values of a facet.")] = 20,
        sensitive: Sensitive = None,
    ) -> models.FacetList:
        """How many items each value of each column would leave, under the query and the other columns' conditions."""
        found = live.engine.facets(q, parse(where), n=n, sensitive=sensitive or ())
        return models.FacetList(
            facets=[
                models.Facet(
                    column=facet.column,
                    values=[models.Count(**vars(value)) for value in facet.values],
                    others=facet.others,
                )
                for facet in found
            ]
        )

    @router.get("/answer")
    def answer(
        q: Annotated[
            str, Query(min_length=1, max_length=500, description="A question.", examples=["what material is it?"])
        ],
        item: Annotated[
            str | None,
            Query(min_length=1, max_length=models.LONGEST_ID, description="About this item only.", examples=["p0001"]),
        ] = None,
        sensitive: Sensitive = None,
    ) -> models.PassageFound:
        """The sentence of an item's text that answers a question best, if any does."""
        found = live.engine.answer(q, item, sensitive=sensitive or ())
        return models.PassageFound(answer=None if found is None else passage(live.shelf, found))

    return router
