"""Search by a picture that is sent along: a form with a file, as a browser or curl sends it."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile

from engine import assisted
from engine.search.look import opened
from engine.search.query import LONGEST, PERSONAL
from engine.service.api import models
from engine.service.api.telling import told
from engine.service.live import Live
from engine.service.running import Running
from engine.service.uploads import decoding
from engine.where import parse

SEARCH_BY_PICTURE = "/v1/search"
"""Posted to, where words alone are asked for with GET."""


def brings_picture(method: str, path: str) -> bool:
    """Is it a request that may be as large as a picture?"""
    return (method == "POST" and path == SEARCH_BY_PICTURE) or (
        method == "PUT" and path.startswith("/v1/items/") and path.endswith("/image")
    )


Ids = Annotated[list[models.Id] | None, Form(max_length=models.MOST_ITEMS)]
User = Annotated[str | None, Form(min_length=1, max_length=models.LONGEST_ID)]


def by_picture(live: Live, running: Running) -> APIRouter:
    """One way in, for one picture."""
    router = APIRouter(tags=["lists"])

    @router.post(SEARCH_BY_PICTURE)
    def search_by_picture(
        image: Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.")],
        q: Annotated[str | None, Form(max_length=LONGEST, description="Words beside it.", examples=["in red"])] = None,
        user: User = None,
        history: Ids = None,
        n: Annotated[int, Form(ge=1, le=models.MOST_ITEMS)] = 10,
        exclude: Ids = None,
        where: Annotated[str, Form(max_length=4000, description="Conditions on items, as a JSON object.")] = "",
        personal: Annotated[float, Form(ge=0, le=1)] = PERSONAL,
        literal: Annotated[bool, Form(description="Take what the query limits for wishes.")] = False,
        explain: Annotated[bool, Form(description="Say why each item is there.")] = False,
        sensitive: Annotated[list[models.Topic] | None, Form(max_length=models.MOST_TOPICS)] = None,
    ) -> models.FoundList:
        """The items that look like a picture and fit the words beside it, if any.

        The picture is looked at and forgotten. Of an animated one the first frame counts.
        """
        with decoding:
            picture = opened(image.file.read())
        who: dict[str, Any] = {"user": user, "history": history, "exclude": exclude or [], "sensitive": sensitive or ()}
        how: dict[str, Any] = {"n": n, "personal": personal, "literal": literal, "explain": explain, "image": picture}
        assigned = running.assigned("search", user)
        how |= {} if assigned is None else assigned.arm.settings.said()
        engine = live.engine
        with live.turn:
            given = assisted.search(engine, q or None, parse(where), who, how)
        answer = told(live, given, (bool(history) or live.knows(user)) and how["personal"] > 0)
        return answer.model_copy(update=running.shown(assigned, user, given.found, {}))

    return router
