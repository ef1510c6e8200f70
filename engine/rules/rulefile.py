"""The file of rules: read and written, and every mistake in it told with file, line, rule, key and remedy."""

import math
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine import toml
from engine.errors import ConfigError
from graph.rules import AgeLimit, AtMost, Boost, Bury, Exclude, Pin, Require, Rule, Rules, Sensitive, Sponsored

KINDS: dict[str, type[BaseModel]] = {
    "boost": Boost, "bury": Bury, "exclude": Exclude, "require": Require, "age_limit": AgeLimit,
    "sensitive": Sensitive, "pin": Pin, "sponsored": Sponsored, "at_most": AtMost,
}  # fmt: skip


def read(path: Path) -> Rules:
    """The rules of a TOML file. Raises ConfigError, a line for each mistake."""
    return checked(str(path), *toml.read(path, "write one as docs/rules.md shows"))


def parse(text: str, name: str = "rules") -> Rules:
    """The rules of a text in TOML, which `name` stands for in messages. Raises ConfigError, as `read`."""
    return checked(name, text, toml.parse(text, name))


def checked(name: str, text: str | None, tree: dict[str, Any]) -> Rules:
    """The rules of a tree; of a text, if there is one, lines are told. Raises ConfigError, as `read`."""
    try:
        return Rules.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(name, text, tree, problem) for problem in error.errors())) from None


def written(rules: Rules) -> str:
    """The rules as TOML, which `parse` reads."""
    return tomli_w.dumps({"rule": [_table(rule) for rule in rules.rule]})


def _table(rule: Rule) -> dict[str, Any]:
    """A rule as TOML has it: days and times are no texts, and a range without an end goes to infinity."""
    plain = rule.model_dump(by_alias=True, exclude_defaults=True, exclude_none=True)
    for key in ("items", "users", "unless"):
        plain |= {key: {name: _open(wanted) for name, wanted in plain[key].items()}} if key in plain else {}
    ends = {"from": rule.first, "until": rule.last}
    return plain | {key: moment for key, moment in ends.items() if moment is not None}


def _open(wanted: Any) -> Any:
    if isinstance(wanted, list) and len(wanted) == 2:
        low, high = wanted
        return [-math.inf if low is None else low, math.inf if high is None else high]
    return wanted


def _explain(path: str, text: str | None, tree: dict[str, Any], problem: ErrorDetails) -> str:
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
    line = "" if text is None else f"line {_line(text, number, keys)}: "
    return f"{path}: {line}rule {number + 1}{called}: {_of_a_rule(rule, keys, problem)}"


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
