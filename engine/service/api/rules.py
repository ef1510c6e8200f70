"""Rules over HTTP: told, tried, replaced and kept with who changed what, while others search."""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi import Path as InPath

from engine.engine import Engine
from engine.errors import ConfigError
from engine.rules import conflicts, rulefile
from engine.rules.book import Book, bind, now
from engine.service.api import models, rules_told
from engine.service.api.asked import Key
from engine.service.api.changed import as_sent, caller
from engine.service.api.rules_told import Audit, RulesTold, TrialTold
from engine.service.changes import Change
from engine.service.live import Live
from engine.trial import try_rules
from graph.rules import LONGEST_NAME, Rule, Rules

MOST_USERS = 20
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/toml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
"""For the description of the interface: rules are read by their own grammar (docs/rules.md)."""
IfMatch = Annotated[
    str | None,
    Header(
        max_length=1000, description="The ETag of the rules that this changes; where others came since it is a 412."
    ),
]
Name = Annotated[str, InPath(min_length=1, max_length=LONGEST_NAME, description="Of a rule.", examples=["in stock"])]


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
Wanted = Callable[[Rules], tuple[str, Rules]]
"""From the rules before: what is done, in words, and the rules after."""


def etag(rules: Rules) -> str:
    """What rules are known by."""
    text = json.dumps(rules.plain(), sort_keys=True, ensure_ascii=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def rules(live: Live) -> APIRouter:
    """The rules that lists are made by."""
    router = APIRouter(prefix="/v1/rules", tags=["rules"])

    @router.get("")
    def get(response: Response) -> RulesTold:
        """The rules as TOML and as JSON, and which of them are in force now. Their ETag is for `If-Match`."""
        return _told(response, live.settle().book, look=False)

    @router.put("", openapi_extra=BODY)
    def replace(
        request: Request,
        response: Response,
        body: Body,
        dry_run: Annotated[bool, Query(description="Say what would change, and change nothing.")] = False,
        user: Annotated[
            list[models.Id] | None,
            Query(max_length=MOST_USERS, description="Of a dry run: whose lists; 200 are drawn without it. Repeat it."),
        ] = None,
        n: Annotated[int, Query(ge=1, le=100, description="Of a dry run: items of a list.")] = 10,
        if_match: IfMatch = None,
        idempotency_key: Key = None,
    ) -> RulesTold | TrialTold:
        """Put these rules in the place of those in force: a TOML file (`Content-Type: application/toml`), or JSON.

        The next list of every process is made by them. A dry run tells how many lists each rule would change, and shows
        lists before and after: those that change most, or those of each `user`.
        """
        given = _read(request, body)
        if dry_run:
            engine = live.settle()
            _refuse_others(if_match, engine.rules)
            found = conflicts.in_items(bind(given, engine.catalogue, engine.graph))
            return rules_told.tried(try_rules(engine, given, user, n), live.shelf, found)

        def wanted(_: Rules) -> tuple[str, Rules]:
            return "replaced", given

        return _change(live, request, response, idempotency_key, if_match, etag(given), wanted)

    @router.post("/rule", status_code=201, openapi_extra=BODY)
    def set_rule(
        request: Request, response: Response, body: Body, if_match: IfMatch = None, idempotency_key: Key = None
    ) -> RulesTold:
        """Add one rule behind the others, or put it in the place of the one that has its name: a JSON object."""
        (rule,) = _read(request, body, one=True).rule
        sent = rule.model_dump_json(by_alias=True)
        return _change(live, request, response, idempotency_key, if_match, sent, _with(rule))

    @router.get("/audit")
    def audit(
        n: Annotated[int, Query(ge=1, le=models.MOST_ITEMS, description="How many, the latest ones.")] = 20,
    ) -> Audit:
        """Who changed the rules, when, and what they were before and after; the latest change comes first."""
        return rules_told.audit(live.changes("rules")[-n:][::-1])

    @router.delete("/{name:path}")
    def remove(
        request: Request, response: Response, name: Name, if_match: IfMatch = None, idempotency_key: Key = None
    ) -> RulesTold:
        """Take one rule away."""
        return _change(live, request, response, idempotency_key, if_match, "", _without(name))

    return router


def _with(rule: Rule) -> Wanted:
    """A rule behind the others, or in the place of the one that has its name."""

    def wanted(before: Rules) -> tuple[str, Rules]:
        there = rule.name in [other.name for other in before.rule]
        others = tuple(rule if other.name == rule.name else other for other in before.rule)
        made = others if there else (*others, rule)
        tree = {"rule": [one.model_dump(by_alias=True) for one in made]}
        return f"{'changed' if there else 'added'} {rule.name!r}", rulefile.checked("rules", None, tree)

    return wanted


def _without(name: str) -> Wanted:
    def wanted(before: Rules) -> tuple[str, Rules]:
        left = tuple(rule for rule in before.rule if rule.name != name)
        if len(left) == len(before.rule):
            raise HTTPException(404, f"there is no rule {name!r}")
        return f"removed {name!r}", Rules(rule=left)

    return wanted


def _change(
    live: Live, request: Request, response: Response, key: str | None, match: str | None, sent: str, wanted: Wanted
) -> RulesTold:
    """Put what `wanted` makes of the rules of now in their place, and tell it."""

    def made(engine: Engine) -> Change:
        before = engine.rules
        _refuse_others(match, before)
        what, after = wanted(before)
        bind(after, engine.catalogue, engine.graph)  # what does not fit is told, and nothing is changed
        content = {"what": what, "before": before.plain(), "after": after.plain()}
        return Change("rules", content, caller(request), int(time.time()))

    live.change(made, key, as_sent(request, sent))
    return _told(response, live.settle().book, look=True)


def _told(response: Response, book: Book, look: bool) -> RulesTold:
    """The rules with their ETag; after a look for conflicts, with those."""
    response.headers["ETag"] = etag(book.rules)
    return rules_told.told(book.rules, now(), conflicts.in_items(book) if look else [])


def _refuse_others(match: str | None, rules: Rules) -> None:
    """Raise a 412 where the rules are not those that somebody means to change."""
    if match is not None and match.strip() != "*" and etag(rules) not in [tag.strip() for tag in match.split(",")]:
        raise HTTPException(
            412,
            "the rules were changed since: read them again (GET /v1/rules), and send yours with their ETag",
            {"ETag": etag(rules)},
        )


def _read(request: Request, body: bytes, one: bool = False) -> Rules:
    """The rules of a request; a single rule as the only one. Raises ConfigError, a line for each mistake."""
    try:
        text = body.decode("utf-8")
        if "toml" in request.headers.get("content-type", ""):
            found = rulefile.parse(text)
        else:
            tree = json.loads(text)
            if not isinstance(tree, dict):
                raise ConfigError("an object is wanted, as GET /v1/rules has it in `rules`")
            found = rulefile.checked("rules", None, {"rule": [tree]} if one else tree)
    except UnicodeDecodeError:
        raise ConfigError("the body is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not JSON ({error}); send TOML with Content-Type: application/toml") from None
    if one and len(found.rule) != 1:
        raise ConfigError(f"one rule is wanted, not {len(found.rule)}")
    return found
