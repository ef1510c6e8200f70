"""What can be asked over HTTP. The functions are plain ones, so they run in threads: answers are computed."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Body, Header, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from engine import assisted
from engine.assisted import Assisted
from engine.engine import Mode, Recommendation
from engine.errors import DataError, UnknownIdError
from engine.search.answer import Answer
from engine.search.query import LONGEST, PERSONAL
from engine.search.results import Results
from engine.service import models
from engine.service.live import Live, Shelf
from engine.where import parse
from graph.telling import sentence, sentences

GRAPH_SECONDS = 5

User = Annotated[
    str | None, Query(min_length=1, max_length=models.LONGEST_ID, description="A user id.", examples=["u0001"])
]
History = Annotated[
    list[models.Id] | None,
    Query(
        max_length=models.MOST_ITEMS,
        description="In place of a user: item ids, oldest first; repeat the parameter.",
        examples=[["p0001", "p0007"]],
    ),
]
Exclude = Annotated[
    list[models.Id] | None,
    Query(max_length=models.MOST_ITEMS, description="Item ids not to show; repeat the parameter."),
]
N = Annotated[int, Query(ge=1, le=models.MOST_ITEMS, description="How many.")]
Where = Annotated[
    str,
    Query(
        max_length=4000,
        description="Conditions on items, as a JSON object.",
        examples=['{"brand": "Nike", "price": [null, 500]}'],
    ),
]
Item = Annotated[str, Query(min_length=1, max_length=models.LONGEST_ID, description="An item id.", examples=["p0001"])]


def lists(live: Live) -> APIRouter:
    """Ranked lists: for a user, for a query, like an item."""
    router = APIRouter(prefix="/v1", tags=["lists"])

    @router.get("/recommend")
    def recommend(
        user: User = None,
        history: History = None,
        n: N = 10,
        exclude: Exclude = None,
        where: Where = "",
        mode: Annotated[
            Mode, Query(description="What the list goes by: all that was learned, or similarity and interests alone.")
        ] = "fused",
    ) -> models.RankedList:
        """The best items for a user or for a bare history; what is popular for a user without one, or for nobody."""
        past = None if user is not None and history is None else (history or [])
        found = live.engine.recommend(
            user=user, history=past, n=n, exclude=exclude or [], where=parse(where), mode=mode
        )
        return models.RankedList(personal=bool(past) or live.knows(user), items=ranked(live.shelf, found))

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
    ) -> models.FoundList:
        """The items that fit a query best, in English or Chinese, with a share for the taste of the user if given.

        What the query limits is obeyed; `understood` says what that is, and what was dropped because nothing was left.
        A query with words that the catalogue does not know comes back as it may have been meant; and where nothing
        passes the conditions of `where`, what is found without those that cost least to drop. A question comes with
        the sentence that answers it, if there is one.
        """
        if user is not None and history is not None:
            raise DataError("name either a user or a history")
        who: dict[str, Any] = {"user": user, "history": history, "exclude": exclude or []}
        how: dict[str, Any] = {"n": n, "personal": personal, "literal": literal, "explain": explain}
        given = assisted.search(live.engine, q, parse(where), who, how)
        return told(live, given, (bool(history) or live.knows(user)) and personal > 0)

    @router.get("/similar/{item:path}")
    def similar(
        item: Annotated[str, InPath(max_length=models.LONGEST_ID, description="An item id.", examples=["p0001"])],
        n: N = 10,
    ) -> models.AlikeList:
        """The items most like one, by facts, words, texts and pictures."""
        found = live.engine.similar(item, n=n)
        return models.AlikeList(
            items=[models.Alike(**shown(live.shelf, each), cosine=cosine) for each, cosine in found]
        )

    return router


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
        why = live.engine.explain(user, item, history)
        shelf = live.shelf
        return models.Why(
            **shown(shelf, item),
            score=why.score,
            contributions=why.contributions,
            owed_to=[models.Debt(**shown(shelf, liked), share=share) for liked, share in why.neighbours],
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

    @router.get("/image", response_class=FileResponse)
    def image(item: Item) -> FileResponse:
        """The picture of an item."""
        path, kind = live.shelf.picture(item)
        return FileResponse(path, media_type=kind, headers={"Cache-Control": "private, max-age=3600"})

    return router


def events(live: Live) -> APIRouter:
    """What users do."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post("/events", status_code=201)
    def add(
        given: Annotated[
            models.Event | Annotated[list[models.Event], Body(max_length=models.MOST_EVENTS)],
            Body(
                description="One event, or a list.",
                openapi_examples={
                    "one": {"value": {"user_id": "u0001", "item_id": "p0001"}},
                    "many": {"value": [{"user_id": "u0001", "item_id": "p0001", "value": 3, "time": 1760000000}]},
                },
            ),
        ],
        idempotency_key: Annotated[
            str | None,
            Header(
                min_length=1,
                max_length=models.LONGEST_ID,
                description="A name for this request, such as a random UUID. Sent again with the same events, for want "
                "of an answer, it takes none twice; with other events it is an error.",
            ),
        ] = None,
    ) -> models.Taken:
        """Take in one event or many; the next list knows of them.

        They are on the disk, in the service's log, when the answer comes, and there when the service starts again.
        All events of a request are taken or none: none where an item is not in the catalogue.
        """
        return models.Taken(events=live.add_events(given if isinstance(given, list) else [given], idempotency_key))

    return router


def questions(live: Live) -> APIRouter:
    """The knowledge graph, opened read-only."""
    router = APIRouter(prefix="/v1/graph", tags=["graph"])

    @router.post("/query")
    def query(question: models.Question) -> models.Answer:
        """Ask the graph in Cypher. Only reading is done, for at most five seconds; values belong in parameters."""
        store = live.store
        assert store is not None  # once there, always there
        found = store.query(question.query, question.parameters, timeout=GRAPH_SECONDS, limit=question.limit)
        return models.Answer(columns=found.columns, rows=[list(row) for row in found.iter_rows()])

    return router


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
        )
        for one in found
    ]
