"""What a caller needs for which request: one table for the whole service."""

from typing import Any

from engine.service.keys import Scope

OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json"})
"""Paths that need no key: the page for people, the probes of a supervisor, and the description of the interface."""
CONSOLE = "/console/"
"""Before the files of that page, which hold nothing of anybody."""

TABLE: tuple[tuple[str, str, Scope], ...] = (
    ("POST", "/v1/search", "read"),
    ("POST", "/v1/graph/query", "read"),
    ("DELETE", "/v1/users/", "admin"),
    ("POST", "/v1/artefact", "admin"),
    ("POST", "/v1/shadow", "admin"),
    ("DELETE", "/v1/shadow", "admin"),
    *((method, "/v1/rules", "admin") for method in ("POST", "PUT", "PATCH", "DELETE")),
)
"""Method, how the path begins, and the scope. What is not here: `read` to look, `write` to change."""
_LOOKING = ("GET", "HEAD", "OPTIONS")


def needed(method: str, path: str) -> Scope | None:
    """The scope that a request needs; None for one that is open to all."""
    if (path in OPEN or path.startswith(CONSOLE)) and method in _LOOKING:
        return None
    for verb, start, scope in TABLE:
        if method == verb and path.startswith(start):
            return scope
    return "read" if method in _LOOKING else "write"


def describe(schema: dict[str, Any]) -> None:
    """Write into the description of the interface which operation needs a key, and of what scope."""
    schema.setdefault("components", {})["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key that `weft keys add` has made."}
    }
    for path, operations in schema["paths"].items():
        for verb, operation in operations.items():
            scope = needed(verb.upper(), path)
            if scope is not None:
                operation["security"] = [{"key": []}]
                operation["description"] = (
                    f"{operation.get('description', '')}\n\nNeeds a key of scope {scope}.".strip()
                )
