"""Parameters that many requests share."""

from typing import Annotated

from fastapi import Header, Query

from engine.service.api import models

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
Sensitive = Annotated[
    list[models.Topic] | None,
    Query(max_length=models.MOST_TOPICS, description="Topics that rules hide unless asked for; repeat the parameter."),
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
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=models.LONGEST_ID,
        description="A name for this request, such as a random UUID. Sent again it changes nothing twice; with another "
        "request it is an error.",
    ),
]
