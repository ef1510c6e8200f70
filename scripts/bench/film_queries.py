"""The judged queries over films (tests/data/films) and what is right for each, found in the tables."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import polars as pl

QUERIES = Path(__file__).parents[2] / "tests/data/films"
_WORD = re.compile(r"[^\W_]+")


class Query(NamedTuple):
    """A query, what sort it is of, and the rows of the films that are right, in order."""

    kind: str
    """known: a film is remembered by its plot. attribute: films of certain facts are wanted."""
    language: str
    text: str
    right: tuple[int, ...]

    @property
    def segment(self) -> str:
        return f"{self.kind} {self.language}"


def read(split: str, items: pl.DataFrame) -> list[Query]:
    """The queries of `dev` or `test`; `items` are those of a catalogue that the importer of movielens wrote."""
    rows = items.rows(named=True)
    text_of = {row["item_id"]: row["text"] for row in rows}
    made = []
    for line in (QUERIES / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        if label["kind"] == "known":
            # Some films are in the data twice, under two numbers.
            right = [i for i, row in enumerate(rows) if row["text"] == text_of[label["film"]]]
        else:
            right = [i for i, row in enumerate(rows) if _has(row, label["facts"])]
        made.append(Query(label["kind"], label["language"], label["query"], tuple(right)))
    return made


def copied(query: str, title: str, overview: str) -> list[str]:
    """What a query gives away: title words of more than three letters, and runs of four words of the overview."""
    asked, said = words(query), words(overview)
    given = [word for word in dict.fromkeys(words(title)) if len(word) > 3 and word in asked]
    runs = {tuple(said[at : at + 4]) for at in range(len(said) - 3)}
    return given + [" ".join(run) for at in range(len(asked) - 3) if (run := tuple(asked[at : at + 4])) in runs]


def words(text: str) -> list[str]:
    """In small letters, without marks; a run of Chinese is one."""
    return _WORD.findall(text.lower())


def _has(row: dict[str, list[str] | None], facts: dict[str, str]) -> bool:
    return all(value in (row[column] or ()) for column, value in facts.items())
