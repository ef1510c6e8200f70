"""Users over HTTP: what is known of one, and how one is forgotten."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from engine import interests
from engine.errors import UnknownIdError
from engine.history import Histories
from engine.rules.feedback import NOTHING
from engine.service.api import models
from engine.service.api.telling import shown
from engine.service.live import Live
from engine.state import State

User = Annotated[str, InPath(min_length=1, max_length=models.LONGEST_ID, description="A user id.", examples=["u0001"])]
MOST_EXPORTED = 1_000_000
LIKINGS = 12
"""Interests that are told."""


def users(live: Live) -> APIRouter:
    """One user."""
    router = APIRouter(prefix="/v1/users", tags=["users"])

    @router.get("/{user:path}")
    def user(
        user: User,
        n: Annotated[int, Query(ge=0, le=MOST_EXPORTED, description="Events to tell; a million is all of them.")] = 20,
    ) -> models.User:
        """What is known of a user: attributes, interests lately and over all, and events, latest first."""
        state = live.engine.state
        past = state.lookup.histories([user])
        about = state.catalogue.users.filter(user_id=user)
        said = state.feedback.of(user)
        if not len(past.items) and not about.height and said == NOTHING:
            raise UnknownIdError(f"user {user!r} is not known here")
        events = zip(*(array.tolist() for array in (past.items, past.values, past.times)), strict=True)
        done = [
            models.Done(**shown(live.shelf, state.lookup.ids[item]), value=value, time=time)
            for item, value, time in list(events)[::-1][:n]
        ]
        attributes = about.drop("user_id").row(0, named=True) if about.height else {}
        return models.User(
            user_id=user,
            events=len(past.items),
            attributes=attributes,
            interests=_told(state, past),
            session=_told(state, interests.session(past)),
            history=done,
            hidden=list(said.hidden),
            disliked=list(said.disliked),
            seen=dict(said.seen),
        )

    @router.delete("/{user:path}")
    def erase(user: User) -> models.Erased:
        """Forget a user: out of the log, the artefact and every later answer. Of your own tables take them yourself.

        Nothing that was learned is of one user. An unknown user is no error, so that it can be asked again.
        """
        return models.Erased(events=live.erase(user))

    return router


def _told(state: State, past: Histories) -> list[models.Liking]:
    found = interests.likings(state.interest, state.vocabulary.entities, past, LIKINGS)
    return [models.Liking(**vars(one)) for one in found]
