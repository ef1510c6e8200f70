"""One item: why it is shown, and its picture."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from engine.errors import UnknownIdError
from engine.service.api import models
from engine.service.api.asked import History, Item, User
from engine.service.api.telling import shown
from engine.service.live import Live
from graph.telling import sentence, sentences


class _Whole(FileResponse):
    """A file, never a part of it: wrong ranges would be told in plain text, and a picture needs none."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-range")]
        await super().__call__({**scope, "headers": headers}, receive, send)


def items(live: Live) -> APIRouter:
    """One item: why it is shown, and its picture."""
    router = APIRouter(prefix="/v1", tags=["items"])

    @router.get("/explain")
    def explain(
        item: Item,
        user: User = None,
        history: History = None,
        language: Annotated[Literal["en", "zh"], Query(description="Of the paths in words.")] = "en",
    ) -> models.Why:
        """Why an item is where it is for a user: what each part adds, whom it is owed to, and paths in the graph."""
        if user is not None and history is None and not live.knows(user):
            raise UnknownIdError(f"user {user!r} has no history here: there is nothing to explain")
        engine = live.engine
        with live.turn:
            why = engine.explain(user, item, history)
        shelf = live.shelf
        return models.Why(
            **shown(shelf, item),
            score=why.score,
            contributions=why.contributions,
            rank=why.rank,
            rules=why.rules,
            owed_to=[
                models.Debt(**shown(shelf, liked), share=share, rank_without=rank)
                for (liked, share), (_, rank) in zip(why.neighbours, why.without, strict=True)
            ],
            sentences=sentences(why.paths, shelf.title_list, language),
            paths=[
                models.Link(
                    text=sentence(path, shelf.title_list, language),
                    liked=shelf.ids[path.from_item],
                    relation=path.relation,
                    entity=path.entity,
                    edges=[list(edge) for edge in path.edges],
                )
                for path in why.paths
            ],
        )

    @router.get("/image", response_class=_Whole)
    def image(item: Item) -> _Whole:
        """The picture of an item."""
        path, kind = live.shelf.picture(item)
        return _Whole(
            path, media_type=kind, headers={"Cache-Control": "private, max-age=3600", "Accept-Ranges": "none"}
        )

    return router
