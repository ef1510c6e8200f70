"""Another artefact that answers in the background, to be compared."""

from fastapi import APIRouter, Request

from engine.service.agreement import Agreement
from engine.service.api import models
from engine.service.api.changed import caller
from engine.service.shadow import Shadow


def shadow(shadow: Shadow, agreement: Agreement) -> APIRouter:
    """The shadow of the service."""
    router = APIRouter(prefix="/v1/shadow", tags=["service"])

    @router.get("")
    def told() -> models.ShadowTold:
        """Which artefact is the shadow, and how far its answers agree with those that were shown."""
        wanted = shadow.wanted()
        if wanted is None:
            return models.ShadowTold(name=None, share=0, ready=False, trouble=None, on={})
        found = {on: models.Agreed(**vars(one)) for on, one in agreement.told(wanted.name).items()}
        return models.ShadowTold(
            name=wanted.name, share=wanted.share, ready=shadow.ready, trouble=shadow.trouble, on=found
        )

    @router.post("")
    def switch(given: models.Shade, request: Request) -> models.ShadowTold:
        """Ask another artefact, too, for a share of the lists and searches; its answers are compared and never shown.

        It takes some seconds to open in a process of its own; no request waits for it. What does not fit into its
        queue is dropped and counted.
        """
        shadow.switch(given.name, given.share, caller(request))
        return told()

    @router.delete("")
    def off(request: Request) -> models.ShadowTold:
        """End the shadow; its process ends, and its memory is free."""
        shadow.switch(None, 0, caller(request))
        return told()

    return router
