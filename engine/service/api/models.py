"""What goes in and out of the service."""

import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from engine.rules.feedback import Kind

LONGEST_ID = 1000
MOST_ITEMS = 1000
MOST_EVENTS = 1000
_DAY = 86_400

MOST_TOPICS = 20

Topic = Annotated[str, Field(min_length=1, max_length=80)]


def _not_in_the_future(given: int | None) -> int | None:
    if given is not None and given > time.time() + _DAY:
        raise ValueError("in the future: Unix seconds are wanted")
    return given


Moment = Annotated[
    int | None, Field(ge=0, description="Unix seconds; now, if not given."), AfterValidator(_not_in_the_future)
]
Id = Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]


class Item(BaseModel):
    """An item as lists show it."""

    item_id: str = Field(examples=["p0001"])
    title: str = Field(examples=["Nike Air Max 270 white sneakers"])
    image: str | None = Field(
        None, description="Where its picture is, on this service.", examples=["/v1/image?item=p0001"]
    )


class Ranked(Item):
    """An item of a list, its score, and what each part added to it; the contributions sum to the score."""

    score: float = Field(examples=[1.49])
    contributions: dict[str, float] = Field(examples=[{"transitions": 0.79, "popularity": 0.39, "content": 0.31}])
    sponsored: bool = Field(False, description="Whether it stands there because somebody pays for it.")
    probability: float | None = Field(
        None,
        description="Chance that the user chooses it among their next events, if that was learned.",
        examples=[0.2],
    )
    propensity: float | None = Field(
        None,
        description="In a list that explores: the chance that this place shows this item. Log it.",
        examples=[None],
    )
    factors: dict[str, float] = Field(
        {}, description="In mode interest: what the score is the product of.", examples=[{}]
    )


class Assigned(BaseModel):
    """By what experiment an answer is what it is."""

    experiment: str | None = Field(default=None, description="The experiment that the user is in, if any.")
    arm: str | None = Field(default=None, description="The arm of it that this answer is given by.")


class RankedList(Assigned):
    """The best items, best first."""

    personal: bool = Field(description="False where there is no history to go by.")
    items: list[Ranked]


class Correction(BaseModel):
    """A query as it may have been meant."""

    query: str = Field(examples=["white sneakers"])
    changes: list[tuple[str, str]] = Field(
        description="What was written, and what stands there now.", examples=[[("sneekers", "sneakers")]]
    )


class Met(BaseModel):
    """Characters of a title or text that answer something in the query."""

    column: Literal["title", "text"]
    start: int = Field(examples=[20])
    end: int = Field(description="To before here.", examples=[25])
    by: Literal["word", "alias", "translation"] = Field(description="How it answers.", examples=["translation"])
    of: str = Field(description="What of the query.", examples=["白色"])
    text: str = Field(examples=["white"])


class Reasons(BaseModel):
    """Why an item was found."""

    reasons: list[str] = Field(examples=[["colour white: named in the query (白色)", "Nike: 62% of your history"]])
    matches: list[Met]


class Found(Ranked):
    """An item that a query found."""

    why: Reasons | None = Field(None, description="With explain=true.")


class Relaxed(BaseModel):
    """What is found when as few conditions as needed are dropped."""

    dropped: list[str] = Field(description="Their columns, in the order they were dropped.", examples=[["price"]])
    items: list[Found]


class Mention(BaseModel):
    """A thing of the graph that a query names."""

    surface: str = Field(description="As it was typed.", examples=["白色"])
    node: str = Field(examples=["colour:white"])
    label: str = Field(examples=["Attribute"])
    name: str = Field(examples=["white"])
    negated: bool
    method: str = Field(examples=["name"])


class Limit(BaseModel):
    """A condition that a query sets."""

    field: str = Field(examples=["price"])
    told: str = Field(examples=["up to 500"])
    start: int = Field(description="Where the query says it, from here", examples=[9])
    end: int = Field(description="to before here.", examples=[18])
    dropped: bool = Field(description="Nothing was left with it.")


class Understood(BaseModel):
    """What a query was taken for."""

    text: str = Field(description="In one line.", examples=["Sport shoes; white; up to 500"])
    kind: Literal["find", "compare", "similar", "accessory", "question"]
    about: list[str] = Field(description="The things that are compared, or that items shall be like or go with.")
    named: list[Mention]
    conditions: list[Limit]
    dropped: list[str] = Field(description="The conditions that were dropped, in words.")
    repairs: list[tuple[str, str]] = Field(description="What was written, and what it was read as.")
    notes: list[str] = Field(description="What could not be obeyed, and why.")


class Passage(Item):
    """A sentence of an item's text that answers a question."""

    text: str = Field(examples=["Material: mesh."])
    start: int = Field(description="The characters of the item's text: from here", examples=[195])
    end: int = Field(description="to before here.", examples=[210])
    score: float = Field(description="From 0 to 1.", examples=[0.72])


class FoundList(Assigned):
    """The items that a query finds, and help where it may have been meant otherwise."""

    personal: bool = Field(description="False where there is no history to go by.")
    understood: Understood
    items: list[Found]
    did_you_mean: Correction | None = Field(None, description="If the catalogue does not know some word.")
    relaxed: Relaxed | None = Field(
        None, description="If nothing was found and conditions of `where` stand in the way."
    )
    answer: Passage | None = Field(None, description="If the query is a question that a text answers.")


class Completion(BaseModel):
    """What a query that has just begun may become."""

    text: str = Field(examples=["耐克"])
    kind: str = Field(description="brand, category, colour, ...; item or word.", examples=["brand"])
    id: str | None = Field(description="Its node in the graph, if it is one thing.", examples=["brand:nike"])
    items: int = Field(description="How many items are behind it.", examples=[13])
    interactions: int = Field(description="How many events they have.", examples=[76])
    match: str = Field(description="How it fits: start, word, sound, ..., typo.", examples=["sound"])
    score: float = Field(examples=[5.5])


class CompletionList(BaseModel):
    """Completions, best first."""

    completions: list[Completion]


class Count(BaseModel):
    """A value of a facet, and how many items it would leave."""

    value: str | tuple[float, float] = Field(description="As `where` takes it.", examples=["Nike"])
    items: int = Field(examples=[11])
    chosen: bool = Field(description="Whether it is among the conditions now.")


class Facet(BaseModel):
    """One column that can be filtered by."""

    column: str = Field(examples=["brand"])
    values: list[Count]
    others: int = Field(description="How many more values have items.")


class FacetList(BaseModel):
    """Facets in the order of the columns."""

    facets: list[Facet]


class PassageFound(BaseModel):
    """The best answer; null where nothing is good enough."""

    answer: Passage | None


class Alike(Item):
    """An item that is like another one."""

    cosine: float = Field(examples=[0.61])


class AlikeList(BaseModel):
    """The items most like one, most alike first."""

    items: list[Alike]


class Debt(Item):
    """An item of the history, and its share in what the history says for the item explained."""

    share: float = Field(examples=[0.34])
    rank_without: int | None = Field(
        description="Of the item explained, had the user not chosen this one; null beyond 1,000.", examples=[41]
    )


class Link(BaseModel):
    """A path through the graph, from a liked item to the one explained: direct, or over one or two entities."""

    text: str = Field(examples=["because you liked Superstar: same brand adidas"])
    liked: str = Field(description="Id of the liked item.", examples=["p0007"])
    relation: str = Field(examples=["MADE_BY"])
    entity: str = Field(description="The node next to the liked item.", examples=["brand:adidas"])
    edges: list[list[str]] = Field(
        description="Head, relation and tail of each edge.",
        examples=[[["item:p0007", "MADE_BY", "brand:adidas"], ["item:p0001", "MADE_BY", "brand:adidas"]]],
    )


class Why(Ranked):
    """Why an item is where it is for a user."""

    rank: int | None = Field(description="Among all that may be shown, from 1; null beyond 1,000.", examples=[3])
    rules: list[str] = Field(description="What rules and the user's feedback do with it.", examples=[[]])
    owed_to: list[Debt]
    sentences: list[str] = Field(
        description="The paths in words, those of a liked item together.",
        examples=[["because you liked Superstar: same brand adidas, same colour white"]],
    )
    paths: list[Link]


class Event(BaseModel):
    """A user chose or rated an item."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id = Field(examples=["u0001"])
    item_id: Id = Field(examples=["p0001"])
    value: float = Field(1, allow_inf_nan=False, ge=-1e9, le=1e9, description="Rating or weight.")
    time: Moment = None


class Reaction(BaseModel):
    """What a user said against an item, or that it was shown to them."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id = Field(examples=["u0001"])
    item_id: Id = Field(examples=["p0001"])
    kind: Kind = Field(
        description="hide: recommend it no more. dislike: nor what is like it, so much. seen: it was shown; what is "
        "shown often and not chosen goes down. undo: take back all that was said of it.",
        examples=["dislike"],
    )
    time: Moment = None


class Taken(BaseModel):
    """How many events were taken in."""

    events: int = Field(description="0 for a request that came before.", examples=[1])


class Changed(BaseModel):
    """How many items were changed."""

    items: int = Field(description="0 for a request that came before.", examples=[1])


class Done(Item):
    """Something that a user did."""

    value: float | None
    time: int = Field(description="Unix seconds; 0 where the tables have no times.", examples=[1760000000])


class Liking(BaseModel):
    """A thing of the graph that a history holds more of than the catalogue."""

    node: str = Field(examples=["brand:nike"])
    name: str = Field(examples=["Nike"])
    relation: str = Field(examples=["MADE_BY"])
    share: float = Field(description="Of the events, from 0 to 1.", examples=[0.41])
    lift: float = Field(description="How many times the catalogue's share that is.", examples=[8.1])


class User(BaseModel):
    """What is known of a user."""

    user_id: str = Field(examples=["u0001"])
    events: int = Field(description="How many.", examples=[12])
    attributes: dict[str, list[str]] = Field(examples=[{"area": ["north"]}])
    interests: list[Liking] = Field(description="Over the whole history, the most telling first.")
    session: list[Liking] = Field(description="The same of the latest events, up to a pause of half an hour.")
    history: list[Done] = Field(description="The latest ones, latest first.")
    hidden: list[str] = Field(description="Items that are recommended no more.", examples=[[]])
    disliked: list[str] = Field(description="Nor these, and what is like them goes down.", examples=[["p0009"]])
    seen: dict[str, int] = Field(description="How often an item was shown.", examples=[{"p0012": 3}])


class Erased(BaseModel):
    """How many events of a user were taken out."""

    events: int = Field(examples=[12])


class Question(BaseModel):
    """A question to the graph, in Cypher that only reads."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(min_length=1, max_length=4000)] = Field(
        examples=["MATCH (a:Item {id: $item})-[r]->(b) RETURN label(r) AS relation, b.name AS name"]
    )
    parameters: dict[str, str | int | float | bool | list[str] | None] = Field(
        {}, max_length=50, examples=[{"item": "item:p0001"}], description="Ids of items read item:ID."
    )
    limit: int = Field(100, ge=1, le=1000, description="Rows at most.")


class Answer(BaseModel):
    """Rows of a graph query."""

    columns: list[str] = Field(examples=[["relation", "name"]])
    rows: list[list[Any]] = Field(examples=[[["MADE_BY", "Nike"]]])


class Node(BaseModel):
    """A node of the graph."""

    id: str = Field(examples=["brand:nike"])
    label: str = Field(examples=["Brand"])
    name: str = Field(examples=["Nike"])


class NodeList(BaseModel):
    """Nodes."""

    nodes: list[Node]


class Neighbour(Node):
    """A node at the other end of an edge."""

    relation: str = Field(examples=["MADE_BY"])
    outward: bool = Field(description="Whether the edge leads from the node that was asked for.")
    edges: int = Field(description="How many it has itself.", examples=[37])


class Around(BaseModel):
    """A node and what is directly around it."""

    node: Node
    relations: dict[str, int] = Field(
        description="How many edges it has of each, most first.", examples=[{"HAS_COLOUR": 1, "MADE_BY": 1}]
    )
    neighbours: list[Neighbour]


class Switch(BaseModel):
    """Another artefact is wanted."""

    model_config = ConfigDict(extra="forbid")

    name: Id = Field(description="A folder beside the one that is served.", examples=["shop-2"])


class Switched(BaseModel):
    """That another artefact took the place of the one before."""

    before: str = Field(examples=["shop"])
    after: str = Field(examples=["shop-2"])
    who: str = Field(description="The name of the API key, or local.", examples=["local"])
    time: int = Field(description="Unix seconds.", examples=[1760000000])


class Served(BaseModel):
    """What is served."""

    name: str | None = Field(description="Null for an engine without an artefact.", examples=["shop"])
    others: list[str] = Field(description="What could be put in its place.", examples=[["shop-2"]])
    switches: list[Switched] = Field(description="What took whose place, latest first.")


class Shade(BaseModel):
    """Another artefact is to answer in the background."""

    model_config = ConfigDict(extra="forbid")

    name: Id = Field(description="A folder beside the one that is served.", examples=["shop-2"])
    share: float = Field(0.1, gt=0, le=1, description="Of lists and searches, so many are compared.")


class Agreed(BaseModel):
    """How far the answers of a shadow agree with those that were shown, since the service started."""

    compared: int = Field(description="Answers.", examples=[1200])
    overlap: float | None = Field(description="Mean share of a list that both have.", examples=[0.83])
    correlation: float | None = Field(
        description="Mean of Kendall's tau over the items that both have: 1 is the same order.", examples=[0.71]
    )
    shown_ms: float | None = Field(
        description="Mean time of the answers that were shown, with their wait for a turn.", examples=[4.1]
    )
    shadow_ms: float | None = Field(
        description="Mean time of the shadow's, which gives way to everything else.", examples=[5.3]
    )
    missed: dict[str, int] = Field(
        description="Not compared, by why: dropped (the queue was full), ended, or the kind of an error.",
        examples=[{"dropped": 3}],
    )


class ShadowTold(BaseModel):
    """The artefact that answers in the background."""

    name: str | None = Field(description="Null for none.", examples=["shop-2"])
    share: float = Field(description="Of lists and searches, so many are compared.", examples=[0.1])
    ready: bool = Field(description="Whether it answers, in the process that gave this answer.")
    trouble: str | None = Field(description="Why it does not, if it failed; it is tried again.", examples=[None])
    on: dict[str, Agreed] = Field(description="By kind of answer: recommend, search.")


class Ready(BaseModel):
    """That requests may come."""

    status: Literal["ready"]


class Health(BaseModel):
    """That the service is up, and what it serves."""

    status: Literal["ok"]
    items: int = Field(examples=[2000])
    events: int = Field(examples=[60000])
    graph: bool = Field(description="Whether the graph can be queried.")
