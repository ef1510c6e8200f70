"""One line of the log and one count for each request, the number by which a person finds it again, and careful headers.

Neither line nor count has what was asked: queries, ids and keys stay out of it. The outermost layer, plain ASGI.
"""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.service import problems
from engine.service.logs import FIELDS
from engine.service.metrics import Metrics

log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
NO_ROUTE = "none"
"""The route of what is asked at a path that is not there."""
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds; that all is well is no news."""
CAREFUL = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_IS_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Observe:
    """Names each request, on `request.state.request_id` and in the answer; counts it; tells of it in the log.

    Every answer gets the headers that keep browsers careful, if it does not set them otherwise.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, shared: bool) -> None:
        """`shared`: pages of other origins may show what the service gives."""
        self.app = app
        self._metrics = metrics
        self._careful = CAREFUL | ({"Cross-Origin-Resource-Policy": "cross-origin"} if shared else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        given = Headers(scope=scope).get(REQUEST_ID, "")
        number = given if _IS_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = number
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = number
                for name, value in self._careful.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:
            log.exception("an error of the service", extra={FIELDS: {"request_id": number}})
            if status:
                raise  # the answer has begun: the server cuts the connection
            await problems.broken()(scope, receive, noting)
        finally:
            self._tell(scope, status or 499, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path_format", NO_ROUTE)  # as declared, without the ids in it
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.count(method, route, status, seconds)
        level = logging.DEBUG if route in PROBES and status == 200 else logging.INFO
        if log.isEnabledFor(level):
            told = {
                "request_id": scope["state"]["request_id"],
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "caller": scope["state"].get("caller"),
            }
            log.log(level, "request", extra={FIELDS: told})
