"""A client of the service: what can be asked over HTTP as methods, and the answers as the models of the interface.

from engine.client import Client
with Client("http://127.0.0.1:8000", key="weft_...") as weft:
    weft.search("white sneakers", user="u0001").items[0].title
"""

import json
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel

from engine.errors import WeftError
from engine.service.api import models

if TYPE_CHECKING:
    from engine.service.api.experiments import ResultsTold
    from engine.service.api.rules_told import Audit, RulesTold, TrialTold
    from engine.service.api.said import ItemTold
    from engine.service.experiments import Experiment

Told = TypeVar("Told", bound=BaseModel)
Conditions = Mapping[str, Any]
"""Conditions on items, as `where` of `Engine.recommend`: {"brand": "Nike", "price": (None, 500)}."""
AGAIN = (429, 503)
"""Answers after which the same request may succeed later, and has changed nothing yet."""
LONGEST_WAIT = 60.0
"""Seconds between two tries."""
_TOML = {"Content-Type": "application/toml"}
_NONE: Mapping[str, str] = {}


class ServiceError(WeftError):
    """The service refused or could not answer."""

    def __init__(self, status: int, detail: str, request_id: str | None) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail
        self.request_id = request_id
        """By which the service's log has it."""


class Client:
    """One service, over connections that are kept; for any number of threads.

    Where it says 429 or 503 the request is sent again after the time that the answer names, or after .5, 1, 2, ...
    seconds, up to `tries` times in all. Raises ServiceError for what it refuses, and httpx2.TransportError where it
    cannot be reached.
    """

    def __init__(self, address: str, key: str | None = None, timeout: float = 30.0, tries: int = 5) -> None:
        self._tries = tries
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=address, headers=headers, timeout=timeout)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def recommend(
        self,
        user: str | None = None,
        *,
        history: Sequence[str] | None = None,
        n: int = 10,
        exclude: Sequence[str] = (),
        where: Conditions | None = None,
        mode: Literal["fused", "interest"] = "fused",
        diversity: float | None = None,
        explore: int | None = None,
        context: Sequence[str] = (),
        skip: int = 0,
        sensitive: Sequence[str] = (),
    ) -> models.RankedList:
        """The best items for a user or a history; what is popular for neither."""
        asked: dict[str, Any] = {"user": user, "history": history, "n": n, "skip": skip, "mode": mode}
        asked |= {"exclude": exclude, "context": context, "sensitive": sensitive, "where": _conditions(where)}
        return self._get("/v1/recommend", models.RankedList, asked | {"diversity": diversity, "explore": explore})

    def search(
        self,
        query: str | None = None,
        *,
        image: Path | bytes | None = None,
        user: str | None = None,
        history: Sequence[str] | None = None,
        n: int = 10,
        exclude: Sequence[str] = (),
        where: Conditions | None = None,
        personal: float | None = None,
        literal: bool = False,
        explain: bool = False,
        sensitive: Sequence[str] = (),
    ) -> models.FoundList:
        """The items that fit words, a picture, or both."""
        asked: dict[str, Any] = {"q": query, "user": user, "history": history, "n": n, "exclude": exclude}
        asked |= {"where": _conditions(where), "personal": personal, "literal": literal, "explain": explain}
        asked |= {"sensitive": sensitive}
        if image is None:
            return self._get("/v1/search", models.FoundList, asked)
        picture = image.read_bytes() if isinstance(image, Path) else image
        return self._ask("POST", "/v1/search", models.FoundList, data=_given(asked), files={"image": picture})

    def suggest(self, typed: str, n: int = 8) -> list[models.Completion]:
        """What a query that has just begun may become."""
        return self._get("/v1/suggest", models.CompletionList, {"q": typed, "n": n}).completions

    def facets(self, query: str | None = None, where: Conditions | None = None, n: int = 20) -> list[models.Facet]:
        """How many items each value of each column would leave."""
        asked = {"q": query, "where": _conditions(where), "n": n}
        return self._get("/v1/facets", models.FacetList, asked).facets

    def answer(self, question: str, item: str | None = None) -> models.Passage | None:
        """The sentence of an item's text that answers a question."""
        return self._get("/v1/answer", models.PassageFound, {"q": question, "item": item}).answer

    def similar(self, item: str, n: int = 10, sensitive: Sequence[str] = ()) -> list[models.Alike]:
        """The items most like one."""
        return self._get(f"/v1/similar/{_part(item)}", models.AlikeList, {"n": n, "sensitive": sensitive}).items

    def explain(
        self,
        item: str,
        user: str | None = None,
        history: Sequence[str] | None = None,
        language: Literal["en", "zh"] = "en",
    ) -> models.Why:
        """Why an item is where it is for a user or a history."""
        asked = {"item": item, "user": user, "history": history, "language": language}
        return self._get("/v1/explain", models.Why, asked)

    def image(self, item: str) -> bytes:
        """The picture of an item, as its file is."""
        return self._send("GET", "/v1/image", params={"item": item}).content

    def add_events(self, events: Sequence[models.Event | Mapping[str, Any]], idempotency_key: str | None = None) -> int:
        """Send events, all or none; returns how many are new.

        However often it has to be sent they count once: by a key made here, or by one of yours that you keep until it
        has succeeded.
        """
        sent = [models.Event.model_validate(event).model_dump(mode="json", exclude_none=True) for event in events]
        return self._change("POST", "/v1/events", models.Taken, sent, idempotency_key).events

    def add_feedback(
        self, reactions: Sequence[models.Reaction | Mapping[str, Any]], idempotency_key: str | None = None
    ) -> int:
        """Send what users say against items, and what they were shown; returns how many are new."""
        sent = [models.Reaction.model_validate(one).model_dump(mode="json", exclude_none=True) for one in reactions]
        return self._change("POST", "/v1/feedback", models.Taken, sent, idempotency_key).events

    def add_items(self, items: Sequence[Mapping[str, Any]], idempotency_key: str | None = None) -> int:
        """Add items by `item_id`, `title`, the columns of the catalogue, and `edges`; returns how many are new."""
        return self._change("POST", "/v1/items", models.Changed, list(items), idempotency_key).items

    def change_item(self, item: str, told: Mapping[str, Any], idempotency_key: str | None = None) -> int:
        """Say all that an item is from now on."""
        return self._change("PUT", f"/v1/items/{_part(item)}", models.Changed, dict(told), idempotency_key).items

    def remove_item(self, item: str, idempotency_key: str | None = None) -> int:
        """Take an item out of every list."""
        return self._change("DELETE", f"/v1/items/{_part(item)}", models.Changed, None, idempotency_key).items

    def put_picture(self, item: str, picture: Path | bytes, idempotency_key: str | None = None) -> int:
        """Give an item a picture, in the place of the one that it has."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        sent = {"image": picture.read_bytes() if isinstance(picture, Path) else picture}
        path = f"/v1/items/{_part(item)}/image"
        return self._ask("PUT", path, models.Changed, files=sent, headers=headers).items

    def item(self, item: str) -> "ItemTold":
        """What the catalogue knows of an item."""
        from engine.service.api.said import ItemTold  # it knows the engine, which takes seconds to import

        return self._get(f"/v1/items/{_part(item)}", ItemTold, {})

    def rules(self) -> "RulesTold":
        """The rules in force."""
        from engine.service.api.rules_told import RulesTold

        return self._get("/v1/rules", RulesTold, {})

    def rules_etag(self) -> str:
        """What the rules in force are known by: give it with your change, and it is refused over any others."""
        return self._send("GET", "/v1/rules").headers["ETag"]

    def replace_rules(self, toml: str, idempotency_key: str | None = None, if_match: str | None = None) -> "RulesTold":
        """Put these rules, a TOML file, in the place of those in force, and with an ETag of those only."""
        from engine.service.api.rules_told import RulesTold

        headers = {**_TOML, **_only(if_match), "Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return self._ask("PUT", "/v1/rules", RulesTold, content=toml.encode(), headers=headers)

    def try_rules(self, toml: str, users: Sequence[str] = (), n: int = 10, if_match: str | None = None) -> "TrialTold":
        """What these rules would change in lists, of these users or of some that are drawn; nothing is changed."""
        from engine.service.api.rules_told import TrialTold

        asked = {"dry_run": True, "user": users, "n": n}
        headers = {**_TOML, **_only(if_match)}
        return self._ask("PUT", "/v1/rules", TrialTold, content=toml.encode(), params=asked, headers=headers)

    def set_rule(
        self, rule: Mapping[str, Any], idempotency_key: str | None = None, if_match: str | None = None
    ) -> "RulesTold":
        """Add a rule behind the others, or put it in the place of the one that has its name."""
        from engine.service.api.rules_told import RulesTold

        return self._change("POST", "/v1/rules/rule", RulesTold, dict(rule), idempotency_key, _only(if_match))

    def remove_rule(self, name: str, idempotency_key: str | None = None, if_match: str | None = None) -> "RulesTold":
        """Take one rule away."""
        from engine.service.api.rules_told import RulesTold

        path = f"/v1/rules/{_part(name)}"
        return self._change("DELETE", path, RulesTold, None, idempotency_key, _only(if_match))

    def rules_audit(self, n: int = 20) -> "Audit":
        """Who changed the rules, when and how, the latest change first."""
        from engine.service.api.rules_told import Audit

        return self._get("/v1/rules/audit", Audit, {"n": n})

    def experiments(self) -> "list[Experiment]":
        """The experiments that run, as their file has them."""
        from engine.service.api.experiments import ExperimentList

        return self._get("/v1/experiments", ExperimentList, {}).experiments

    def results(self, experiment: str) -> "ResultsTold":
        """What each arm of an experiment earned, and two intervals for its difference to the first."""
        from engine.service.api.experiments import ResultsTold

        return self._get(f"/v1/experiments/{_part(experiment)}/results", ResultsTold, {})

    def evaluation(self) -> dict[str, Any] | None:
        """The report of the evaluation of what is served; None where nobody has measured it."""
        answer = self._send("GET", "/v1/evaluation")
        return None if answer.status_code == 204 else answer.json()

    def user(self, user: str, n: int = 20) -> models.User:
        """What is known of a user, with the latest `n` events."""
        return self._get(f"/v1/users/{_part(user)}", models.User, {"n": n})

    def erase(self, user: str) -> int:
        """Forget a user; returns how many events went."""
        return self._ask("DELETE", f"/v1/users/{_part(user)}", models.Erased).events

    def query_graph(self, query: str, parameters: Mapping[str, Any] | None = None, limit: int = 100) -> models.Answer:
        """Ask the graph in Cypher; only reading is done."""
        sent = {"query": query, "parameters": dict(parameters or {}), "limit": limit}
        return self._ask("POST", "/v1/graph/query", models.Answer, json=sent)

    def neighbours(self, node: str, relation: str | None = None, n: int = 50, skip: int = 0) -> models.Around:
        """What is directly around a node of the graph, such as `item:p0001` or `brand:nike`."""
        asked = {"node": node, "relation": relation, "n": n, "skip": skip}
        return self._get("/v1/graph/neighbours", models.Around, asked)

    def nodes(self, letters: str, n: int = 20) -> list[models.Node]:
        """Nodes of the graph whose name or id has these letters in it."""
        return self._get("/v1/graph/nodes", models.NodeList, {"q": letters, "n": n}).nodes

    def artefact(self) -> models.Served:
        """Which artefact is served, and what could be put in its place."""
        return self._get("/v1/artefact", models.Served, {})

    def switch_artefact(self, name: str) -> models.Served:
        """Serve another artefact, of the same folder, from here on."""
        return self._ask("POST", "/v1/artefact", models.Served, json={"name": name})

    def shadow(self) -> models.ShadowTold:
        """Which artefact answers in the background, and how far it agrees with what is shown."""
        return self._get("/v1/shadow", models.ShadowTold, {})

    def switch_shadow(self, name: str | None, share: float = 0.1) -> models.ShadowTold:
        """Ask another artefact, of the same folder, for a share of requests in the background; None ends it."""
        if name is None:
            return self._ask("DELETE", "/v1/shadow", models.ShadowTold)
        return self._ask("POST", "/v1/shadow", models.ShadowTold, json={"name": name, "share": share})

    def health(self) -> models.Health:
        """Is it up, and what does it serve?"""
        return self._get("/healthz", models.Health, {})

    def _get(self, path: str, model: type[Told], asked: Mapping[str, Any]) -> Told:
        return self._ask("GET", path, model, params=_given(asked))

    def _ask(self, method: str, path: str, model: type[Told], **how: Any) -> Told:
        return model.model_validate_json(self._send(method, path, **how).content)

    def _change(
        self, method: str, path: str, model: type[Told], sent: Any, key: str | None, headers: Mapping[str, str] = _NONE
    ) -> Told:
        headers = {**headers, "Idempotency-Key": key or uuid.uuid4().hex}
        return self._ask(method, path, model, headers=headers, **({} if sent is None else {"json": sent}))

    def _send(self, method: str, path: str, **how: Any) -> httpx2.Response:
        for number in range(self._tries):
            answer = self._http.request(method, path, **how)
            if answer.status_code not in AGAIN or number + 1 == self._tries:
                break
            time.sleep(_wait(answer, number))
        if answer.is_success:
            return answer
        try:
            detail = str(answer.json()["detail"])
        except (ValueError, KeyError, TypeError):  # not of the service: of something between
            detail = answer.text[:200] or answer.reason_phrase
        raise ServiceError(answer.status_code, detail, answer.headers.get("X-Request-ID"))


def _wait(answer: httpx2.Response, number: int) -> float:
    """Seconds to wait after try `number`: what the answer says, or twice as long each time, not in step with others."""
    told = answer.headers.get("Retry-After", "")
    seconds = float(told[:6]) if told.isdecimal() else 0.5 * 2**number * random.uniform(0.5, 1)
    return min(seconds, LONGEST_WAIT)


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


def _conditions(where: Conditions | None) -> str | None:
    return json.dumps(where, ensure_ascii=False) if where else None


def _only(if_match: str | None) -> dict[str, str]:
    return {} if if_match is None else {"If-Match": if_match}


def _part(of_path: str) -> str:
    return quote(of_path, safe="")
