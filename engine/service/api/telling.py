"""Answers of the engine in the shape of the interface."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from engine.assisted import Assisted
from engine.engine import Recommendation
from engine.search.answer import Answer
from engine.search.results import Results
from engine.service.api import models
from engine.service.live import Live
from engine.service.shelf import Shelf


def shown(shelf: Shelf, item: str) -> dict[str, Any]:
    image = f"/v1/image?item={quote(item, safe='')}" if shelf.has_picture(item) else None
    return {"item_id": item, "title": shelf.titles[item], "image": image}


def passage(shelf: Shelf, answer: Answer) -> models.Passage:
    return models.Passage(**(vars(answer) | shown(shelf, answer.item_id)))


def told(live: Live, given: Assisted, personal: bool) -> models.FoundList:
    """A search with its help."""
    meant, instead, answer = given.did_you_mean, given.instead, given.answer
    return models.FoundList(
        personal=personal,
        understood=models.Understood.model_validate(given.found.understood.to_dict()),
        items=_found(live.shelf, given.found),
        did_you_mean=None if meant is None else models.Correction(**vars(meant)),
        relaxed=None if instead is None else models.Relaxed(dropped=given.dropped, items=_found(live.shelf, instead)),
        answer=None if answer is None else passage(live.shelf, answer),
    )


def _found(shelf: Shelf, found: Results[Recommendation]) -> list[models.Found]:
    whys: list[models.Reasons | None] = [models.Reasons.model_validate(one.to_dict()) for one in found.reasons]
    whys = whys or [None for _ in found]
    return [models.Found(**vars(one), why=why) for one, why in zip(ranked(shelf, found), whys, strict=True)]


def ranked(shelf: Shelf, found: Iterable[Recommendation]) -> list[models.Ranked]:
    return [
        models.Ranked(
            **shown(shelf, one.item_id),
            score=one.score,
            contributions=one.contributions,
            factors=one.factors,
            probability=one.probability,
            sponsored=one.sponsored,
            propensity=one.propensity,
        )
        for one in found
    ]
