"""The file of rules: read, and every mistake in it told with file, line, rule, key and remedy."""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine import toml
from engine.errors import ConfigError
from graph.rules import AtMost, Boost, Bury, Exclude, Require, Rules

KINDS: dict[str, type[BaseModel]] = {
    "boost": Boost, "bury": Bury, "exclude": Exclude, "require": Require, "at_most": AtMost,
}  # fmt: skip


def read(path: Path) -> Rules:
    """The rules of a TOML file. Raises ConfigError, a line for each mistake."""
    text, tree = toml.read(path, "write one as docs/rules.md shows")
    try:
        return Rules.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, text, tree, problem) for problem in error.errors())) from None


def _explain(path: Path, text: str, tree: dict[str, Any], problem: ErrorDetails) -> str:
    """One line: file, line, rule, key, what is wrong with it, and the remedy."""
    at = problem["loc"]
    if len(at) < 2 or at[0] != "rule":
        return f"{path}: {_of_the_file(at, problem)}"
    number = int(at[1])
    rule = tree["rule"][number]
    keys = [str(part) for part in at[2:]]
    # The first says as which kind the rule was read; there is none if its kind is what is wrong.
    keys = keys[1:] if keys else ["kind"]
    name = rule.get("name") if isinstance(rule, dict) else None
    called = f" {name[:80]!r}" if isinstance(name, str) else ""
    return f"{path}: line {_line(text, number, keys)}: rule {number + 1}{called}: {_of_a_rule(rule, keys, problem)}"


def _of_the_file(at: tuple[int | str, ...], problem: ErrorDetails) -> str:
    if problem["type"] == "extra_forbidden":
        return f"unknown key `{at[0]}`; a file of rules has tables [[rule]] and nothing else"
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "too_long":
        return f"{problem['msg']}; join rules on the same items"
    return "`rule` is a list of tables: write [[rule]] before each of them"


def _of_a_rule(rule: Any, keys: list[str], problem: ErrorDetails) -> str:
    kind = rule.get("kind") if isinstance(rule, dict) else None
    wrong = problem["msg"].removeprefix("Value error, ")
    if not isinstance(rule, dict):
        return "a table is wanted: write [[rule]] and its keys below"
    if problem["type"].startswith("union_tag"):
        close = get_close_matches(str(kind), KINDS, n=1)
        hint = f" (did you mean `{close[0]}`?)" if close else ""
        return f"`kind` is one of {', '.join(KINDS)}{hint}"
    known = _keys(str(kind))
    if problem["type"] == "extra_forbidden":
        close = get_close_matches(keys[-1], known, n=1)
        hint = f" (did you mean `{close[0]}`?)" if close else ""
        return f"unknown key `{keys[-1]}`{hint}; a rule of kind {kind} takes {', '.join(known)}"
    if problem["type"] == "missing":
        return f"`{keys[-1]}` is missing; a rule of kind {kind} needs it"
    if not keys:
        return wrong
    return f"`{'.'.join(keys)}`: {wrong} (got {repr(problem['input'])[:100]}); correct it, or see docs/rules.md"


def _keys(kind: str) -> list[str]:
    return [field.alias or name for name, field in KINDS[kind].model_fields.items()]


def _line(text: str, number: int, keys: list[str]) -> int:
    """The line (1 is the first) of a key of the rule of this number, or of the rule, in TOML written the usual way."""
    header, seen, lines = 1, -1, text.splitlines()
    for at, line in enumerate(lines, start=1):
        if re.match(r"\s*\[\[\s*rule\s*\]\]", line):
            seen += 1
            header = at if seen == number else header
        assigned = re.match(r'\s*"?([\w\-]+)"?\s*[.=]', line)
        if seen == number and assigned and keys and assigned[1] == keys[0]:
            return at
    return header
