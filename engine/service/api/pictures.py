"""Pictures of items over HTTP: sent as a form with a file, and taken away."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Request, UploadFile

from engine.engine import Engine
from engine.service import uploads
from engine.service.api import models
from engine.service.api.asked import Key
from engine.service.api.changed import Item, changed
from engine.service.live import Live


def pictures(live: Live) -> APIRouter:
    """The picture of an item."""
    router = APIRouter(prefix="/v1", tags=["catalogue"])

    @router.put("/items/{item:path}/image", response_model=models.Changed)
    def put_image(
        request: Request,
        item: Item,
        image: Annotated[UploadFile, File(description="JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.")],
        idempotency_key: Key = None,
    ) -> Any:
        """Give an item a picture, in the place of the one that it has.

        What is kept is the picture as it is looked at, upright and at most 1024 pixels wide and high, as a JPEG without
        whatever else the file held.
        """
        name = uploads.keep(image.file.read(), live.pictures)

        def wanted(engine: Engine) -> tuple[dict[str, Any], int]:
            engine.state.lookup.shown(item)
            return {"pictures": {item: name}}, 1

        return changed(live, request, idempotency_key, name, wanted, "picture")

    @router.delete("/items/{item:path}/image", response_model=models.Changed)
    def remove_image(request: Request, item: Item, idempotency_key: Key = None) -> Any:
        """Take the picture of an item away."""

        def wanted(engine: Engine) -> tuple[dict[str, Any], int]:
            engine.state.lookup.shown(item)
            return {"pictures": {item: None}}, 1

        return changed(live, request, idempotency_key, "", wanted, "picture")

    return router
