"""A Neo4j server over bolt: reached, asked by a person, and its answers made plain."""

import contextlib
import itertools
import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

import neo4j
from neo4j.exceptions import AuthError, DriverError, Neo4jError, ServiceUnavailable
from neo4j.graph import Node, Path, Relationship

from graph.errors import GraphError

SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
PATIENCE = 5
"""Seconds until a server that does not answer is given up."""
BEYOND = ("LoadCSV", "ProcedureCall", "Show", "Terminate")
"""How the names of operators begin that a plan called reading may hold, and that reach beyond the graph."""

# What went wrong is raised, and what the server remarks about a query is too where it matters (see `ask`): neither is
# to come to somebody's terminal a second time.
logging.getLogger("neo4j").addHandler(logging.NullHandler())
logging.getLogger("neo4j.notifications").setLevel(logging.ERROR)


@contextlib.contextmanager
def errors(what: str) -> Iterator[None]:
    """GraphError, with what can be done, in place of what the driver raises."""
    try:
        yield
    except GraphError:
        raise
    except AuthError as error:
        raise GraphError(
            f"{what}: the server refuses the name or password; set NEO4J_USERNAME and NEO4J_PASSWORD"
        ) from error
    except ServiceUnavailable as error:
        reason = str(error).splitlines()[0]
        raise GraphError(f"{what}: no server answers; start one or correct the address ({reason})") from error
    except Neo4jError as error:
        raise GraphError(f"{what}: {error.message or error}") from error
    except (DriverError, OSError, TypeError, ValueError) as error:
        raise GraphError(f"{what}: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error


def connect(uri: str) -> neo4j.Driver:
    """A driver that has met its server.

    The name and password are those of NEO4J_USERNAME (`neo4j` if not set) and NEO4J_PASSWORD; without a password it
    asks for none. Raises GraphError when the server does not answer in time, or refuses.
    """
    if "@" in uri:
        raise GraphError("no name or password in the address of a graph: set NEO4J_USERNAME and NEO4J_PASSWORD")
    name, password = os.environ.get("NEO4J_USERNAME", "neo4j"), os.environ.get("NEO4J_PASSWORD")
    with errors(f"{uri}: cannot open the graph"):
        driver = neo4j.GraphDatabase.driver(
            uri, auth=(name, password) if password else None, connection_timeout=PATIENCE,
            connection_acquisition_timeout=2 * PATIENCE, user_agent="weft",
        )  # fmt: skip
        try:
            driver.verify_connectivity()
        except BaseException:
            driver.close()
            raise
    return driver


def ask(
    session: neo4j.Session, cypher: str, parameters: dict[str, Any], timeout: float, limit: int
) -> tuple[list[str], list[list[Any]]]:
    """Names and at most `limit` rows of a reading query; `session` is one for reading.

    The planner says first what the query would do: anything but reading is refused, and so is a label, relation or
    property that the database has never seen, which Neo4j would answer by nothing.
    """
    with session.begin_transaction(timeout=timeout) as transaction:
        plan = transaction.run(f"EXPLAIN {cypher}", parameters).consume()
    if plan.query_type != "r":
        raise GraphError("only reading is done here, and the planner finds that this query would write")
    beyond = {step for step in _steps(plan.plan or {}) if step.startswith(BEYOND)}
    if beyond:
        raise GraphError(f"{', '.join(sorted(beyond))} is refused: a query may read the graph and nothing else")
    for status in plan.gql_status_objects:
        if status.raw_classification == "UNRECOGNIZED":
            raise GraphError(status.status_description.removeprefix("warn: "))
    with session.begin_transaction(timeout=timeout) as transaction:
        result = transaction.run(cypher, parameters)
        rows = [list(record.values()) for record in itertools.islice(result, limit)]
        return list(result.keys()), rows  # leaving the transaction tells the server to forget the other rows


def _steps(plan: Mapping[str, Any]) -> set[str]:
    """The operators of a plan, without the name of the database behind each."""
    below = (_steps(child) for child in plan.get("children", ()))
    return {str(plan.get("operatorType", "")).split("@")[0]}.union(*below)


def plain(value: Any) -> Any:
    """A value of a result without what only the driver understands."""
    if isinstance(value, Path):
        return {"nodes": plain(list(value.nodes)), "relationships": plain(list(value.relationships))}
    if isinstance(value, Node):
        return {"label": next(iter(value.labels), None)} | dict(value.items())
    if isinstance(value, Relationship):
        return {"label": value.type} | dict(value.items())
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value
