"""Cypher that people write: what of it may run, and what each store makes of one spelling.

A database opened read-only still writes files (COPY TO), reads them and the network (LOAD FROM, LOAD CSV), changes
settings (CALL) and can be broken by a CHECKPOINT, and one call of range() can take all memory and hear no timeout. So a
query is read word by word before it runs, and only reading clauses and functions known to be harmless go through. The
store then runs it in a read-only transaction, with a limit of time and of rows, as a second line; Neo4j is asked for
its plan first.
"""

import re
from collections.abc import Iterable

from graph.errors import GraphError

LONGEST = 4000
"""Characters."""
DEEPEST = 10
"""The parser of ladybug takes time exponential in nested CASE and crashes on a few thousand brackets."""
FARTHEST = 8
"""Relations in all patterns together: its planner takes seconds over twenty, and hears no timeout."""

OPENINGS = {"MATCH", "OPTIONAL", "UNWIND", "WITH", "RETURN"}
# fmt: off
REFUSED = {
    "ALTER", "ATTACH", "BEGIN", "CALL", "CHECKPOINT", "COMMIT", "COPY", "CREATE", "DELETE", "DETACH", "DROP",
    "EXPORT", "FOREACH", "IMPORT", "INSERT", "INSTALL", "LOAD", "MERGE", "REMOVE", "ROLLBACK", "SET", "TRANSACTION",
    "UNINSTALL", "USE",
}
FUNCTIONS = {
    "ABS", "ALL", "ALLSHORTESTPATHS", "ANY", "AVG", "CAST", "CEIL", "COALESCE", "COLLECT", "CONTAINS", "COUNT",
    "ENDNODE", "ENDS_WITH", "END_NODE", "EXP", "FLOOR", "ID", "KEYS", "LABEL", "LABELS", "LEFT", "LENGTH",
    "LIST_CONTAINS", "LOG", "LOWER", "MAX", "MIN", "NODES", "NONE", "PROPERTIES", "RELATIONSHIPS", "RELS", "REVERSE",
    "RIGHT", "ROUND", "SHORTESTPATH", "SINGLE", "SIZE", "SQRT", "STARTNODE", "STARTS_WITH", "START_NODE", "STRING",
    "SUBSTRING", "SUM", "TOLOWER", "TOSTRING", "TOUPPER", "TRIM", "TYPE", "UPPER",
}
BEFORE_BRACKETS = {
    "AND", "AS", "BY", "CASE", "DISTINCT", "ELSE", "EXISTS", "IN", "IS", "LIMIT", "MATCH", "NOT", "OR", "RETURN",
    "SKIP", "THEN", "UNWIND", "WHEN", "WHERE", "WITH", "XOR",
}
# fmt: on
"""Words of the language that may stand before a bracket without being the name of a function."""

OPEN, CLOSE = {"(", "[", "{", "CASE"}, {")", "]", "}", "END"}

_WORD = re.compile(r"""[ \t\r\n]+|'[^']*'|"[^"]*"|`[^`]*`|//|/\*|\d\w*(?:\.\d+)?|\$?\w+|.""", re.DOTALL)

# Shapes in a query written as its words with one space between, every text as ''.
_LITERAL = r"(?:- )?(?:\d\S*|''|\$\w+|TRUE|FALSE|NULL)"
_KEYWORD = rf"\b(?:{'|'.join(sorted(BEFORE_BRACKETS - {'EXISTS'}))})"
_NAME = r"(?:\w+|`[^`]*`)"
_PAIR = rf"{_NAME} : {_LITERAL}"
_PROPERTIES = rf"(?:{_PAIR} , )*{_NAME} : (?:{_LITERAL}|{_NAME}(?: \. {_NAME})?)(?: , {_PAIR})* \}}"
_SHAPES = {
    rf"\+ (?!{_LITERAL}(?: |$))": "a + may stand only before a number, a text or a parameter",
    r"\| \|": "|| is not taken; write + before a number, a text or a parameter",
    rf"(?:[^\w)\]`-]|{_KEYWORD}) \[ (?!(?:{_LITERAL}(?: , {_LITERAL})* )?\])": (
        "a list may hold only numbers, texts and parameters"
    ),
    rf"(?:[^\w`]|{_KEYWORD}) \{{ ": "a {...} may stand only behind the name of a node or relation, EXISTS or COUNT",
    rf"(?<!: )\b(?:EXISTS|COUNT|COLLECT) \{{ (?!\(|(?:{'|'.join(sorted(OPENINGS))}) (?!:))": (
        "a subquery begins with a clause or a node in brackets"
    ),
    rf"(?<!\bEXISTS)(?<!\bCOUNT)(?<!\bCOLLECT) \{{ (?!{_PROPERTIES})": (
        "a {...} may hold properties, at most one of them other than a number, a text or a parameter"
    ),
}
"""What would double a value: a few dozen doublings take all memory, and no limit of the database is asked."""


def guard(query: str, parameters: Iterable[str]) -> None:
    """Let a reading query that has all its parameters pass; raise GraphError, saying why, for anything else.

    So that the words read here are the words that the database reads, there may be no comment, no backslash and,
    outside quotes, nothing but ASCII. Values belong in parameters; a name that is refused goes in backticks.
    """
    if len(query) > LONGEST:
        raise GraphError(f"the query has {len(query)} characters; at most {LONGEST} are taken")
    words = [word if word[0] in "'\"`$" else word.upper() for word in _WORD.findall(query) if word.strip(" \t\r\n")]
    if words and words[-1] == ";":
        words.pop()
    if not words or words[0] not in OPENINGS:
        raise GraphError("a query must begin with MATCH, OPTIONAL MATCH, UNWIND, WITH or RETURN: only reading is done")
    missing = {word[1:] for word in words if word[0] == "$"} - set(parameters)
    if missing:
        raise GraphError(f"the query needs values for {', '.join(f'${name}' for name in sorted(missing))}")
    if words.count("-") > 2 * FARTHEST:
        raise GraphError(f"a query may have at most {FARTHEST} relations, such as -[r]-, in its patterns")
    for word in words:
        _check(word)
    _check_brackets(words)
    line = " ".join("''" if word[0] in "'\"" else word for word in words)
    for shape, reason in _SHAPES.items():
        if re.search(shape, line):
            raise GraphError(reason)


def for_ladybug(query: str) -> str:
    """The same query where the type of a relation is its label: `type(r)` becomes `label(r)`."""
    words = _WORD.findall(query)
    for (_, before), (place, word), (_, after) in _runs(words, 3):
        if word.upper() == "TYPE" and after == "(" and before != ".":
            words[place] = "label"
    return "".join(words)


def for_neo4j(query: str) -> str:
    """The same query where nodes have lists of labels: `label(n)` becomes `labels(n)[0]`, of a relation `type(r)`."""
    words = _WORD.findall(query)
    relations = {name for (_, dash), (_, bracket), (_, name) in _runs(words, 3) if dash + bracket == "-["}
    for (place, word), (_, opening), (_, name), (end, closing) in _runs(words, 4):
        if word.upper() == "LABEL" and opening == "(" and closing == ")":
            words[place], words[end] = ("type", ")") if name in relations else ("labels", ")[0]")
    return "".join(words)


def _runs(words: list[str], n: int) -> "zip[tuple[tuple[int, str], ...]]":
    """Each `n` words that follow each other, with their places."""
    spoken = [(place, word) for place, word in enumerate(words) if not word.isspace()]
    return zip(*(spoken[start:] for start in range(n)), strict=False)


def _check_brackets(words: list[str]) -> None:
    depth = 0
    for before, word, following in zip(["", *words], words, [*words[1:], ""], strict=False):
        named = following == "(" and re.match(r"[A-Z_`$]", word)
        if named and (before == "." or word not in FUNCTIONS | BEFORE_BRACKETS):
            name = (f".{word}" if before == "." else word).lower()
            raise GraphError(f"the function {name} is not taken; these are: {', '.join(sorted(FUNCTIONS)).lower()}")
        depth += (word in OPEN) - (word in CLOSE)
        if not 0 <= depth <= DEEPEST:
            raise GraphError(f"brackets and CASE must close what they open, at most {DEEPEST} deep")


def _check(word: str) -> None:
    if word in REFUSED:
        raise GraphError(f"{word} is refused: only reading is done here (a name that reads so goes in `backticks`)")
    if word == ";":
        raise GraphError("one statement at a time: a semicolon is taken only at the end")
    if word in {"//", "/*"}:
        raise GraphError("comments are not taken in a query")
    if word in {"'", '"', "`"}:
        raise GraphError(f"a quote {word} is not closed")
    if "\\" in word:
        raise GraphError("a backslash is not taken in a query; pass the value as a parameter, $name")
    if not (word.isascii() and word.isprintable()) and word[0] not in "'\"`":
        raise GraphError(f"{word!r}: outside quotes only ASCII is taken; put a name in `backticks`")
