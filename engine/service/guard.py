"""Who is let in: names, keys, scopes, rates and sizes, looked at before a route sees the request.

One layer of plain ASGI: what it costs is in docs/benchmarks.md.
"""

import asyncio
import ipaddress
import math
import re
import time

import limits
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.service import problems, scopes
from engine.service.api.upload import brings_picture
from engine.service.keys import Key, KeyRing
from engine.service.settings import Settings

LARGEST_BODY = 1 << 20
"""Bytes of a request."""
LARGEST_UPLOAD = 16 << 20
"""Bytes of a request that brings a picture: what a camera makes, and no more than is held at once."""
DEEPEST = 16
"""Lists and objects within each other in a body; no request needs more than four."""
BODY_SECONDS = 30
"""Within which a JSON body must be here."""
_NESTING = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Strings, to step over them, and brackets. A string without an end takes all that is left, so this is linear."""
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Guard:
    """Refuses what may not be asked, and names the caller on `request.state.caller`.

    The caller is the name of the key, or None where the service has no keys or the path is open to all.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings
        self._keys = None if settings.keys is None else KeyRing(settings.keys)
        self._rate = limits.parse(settings.rate) if settings.rate else None
        if self._rate is not None:
            self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_host(headers, scope["method"])
            self._check_caller(headers, scope)
            _check_size(headers, scope)
            if "json" in headers.get("content-type", "").lower():
                receive = await _shallow(receive)
        except HTTPException as refusal:
            await problems.of(refusal)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check_host(self, headers: Headers, method: str) -> None:
        """Refuse a page that is not of this service: one of a name that was made to point here, or of elsewhere."""
        host = headers.get("host", "").lower()
        if self._settings.hosts and _without_port(host) not in self._settings.hosts:
            raise HTTPException(421, f"the service is not called {host[:100]!r}; `weft serve --allow-host` adds a name")
        if self._keys is not None or method not in _CHANGING:
            return  # a key is not sent by a page that was not given it, and what is asked such a page cannot read
        origin = headers.get("origin")
        if origin is not None and origin not in self._settings.origins and origin.partition("://")[2].lower() != host:
            raise HTTPException(403, "a page of another origin changes nothing here; `weft serve --origin` lets it")

    def _check_caller(self, headers: Headers, scope: Scope) -> None:
        scope.setdefault("state", {})["caller"] = None
        needed = scopes.needed(scope["method"], scope["path"])
        if needed is None:
            return
        key = None if self._keys is None else _key(self._keys, headers)
        self._count(key, scope)
        if self._keys is None:
            return
        if key is None:
            wrong = ', error="invalid_token"' if "authorization" in headers else ""
            raise HTTPException(
                401,
                "a key is needed: Authorization: Bearer KEY" if not wrong else "this key is not known here",
                {"WWW-Authenticate": f'Bearer realm="weft"{wrong}'},
            )
        scope["state"]["caller"] = key.name
        if not key.may(needed):
            challenge = f'Bearer realm="weft", error="insufficient_scope", scope="{needed}"'
            raise HTTPException(
                403, f"the key {key.name} has scope {key.scope}; {needed} is needed", {"WWW-Authenticate": challenge}
            )

    def _count(self, key: Key | None, scope: Scope) -> None:
        """Count this request, and refuse it where the key, or the address of who has none, asked too often."""
        if self._rate is None:
            return
        who = ("key", key.name) if key is not None else ("address", _network(scope))
        if not self._counts.hit(self._rate, *who):
            free = self._counts.get_window_stats(self._rate, *who).reset_time - time.time()
            again = str(max(1, math.ceil(free)))
            raise HTTPException(429, f"more than {self._settings.rate}", {"Retry-After": again})


def _without_port(host: str) -> str:
    name, bracket, _ = host.partition("]")
    return (name + bracket if bracket else host.partition(":")[0]).rstrip(".")


def _key(keys: KeyRing, headers: Headers) -> Key | None:
    kind, _, given = headers.get("authorization", "").partition(" ")
    return keys.find(given.strip()) if kind.lower() == "bearer" else None


def _network(scope: Scope) -> str:
    """The address that asks; of IPv6 the first half, since whoever has one has all that begin with it."""
    client = scope.get("client")
    try:
        address = ipaddress.ip_address(client[0] if client else "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.IPv6Network((address.packed, 64), strict=False))
    return str(address)


def _check_size(headers: Headers, scope: Scope) -> None:
    """Refuse bodies that are too large or of unknown size."""
    if "transfer-encoding" in headers:
        raise HTTPException(411, "the size of a body must be told beforehand")
    size = headers.get("content-length", "0")
    largest = LARGEST_UPLOAD if brings_picture(scope["method"], scope["path"]) else LARGEST_BODY
    if not size.isdecimal() or int(size[:20]) > largest:
        raise HTTPException(413, f"a body may have at most {largest} bytes")


async def _shallow(receive: Receive) -> Receive:
    """Read a body of JSON, and hand it on if it is not nested too deep."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while (message := await receive())["type"] == "http.request":
                body += message.get("body", b"")
                if not message.get("more_body"):
                    message = {"type": "http.request", "body": bytes(body), "more_body": False}
                    break
    except TimeoutError:
        raise HTTPException(408, f"the body was not here within {BODY_SECONDS} seconds") from None
    if _depth(body) > DEEPEST:
        raise HTTPException(422, f"more than {DEEPEST} lists and objects within each other")
    read = [message]  # the whole body, or that the caller has gone

    async def again() -> Message:
        return read.pop() if read else await receive()

    return again


def _depth(body: bytes | bytearray) -> int:
    """How many brackets are open at once, outside of strings."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return 0  # it cannot be more
    depth = deepest = 0
    for found in _NESTING.finditer(body):
        mark = found[0]
        if mark in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif mark in (b"]", b"}"):
            depth -= 1
    return deepest
