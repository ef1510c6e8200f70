"""Splits: which interactions are known, which are asked, and what may be shown. Each is fixed by its seed.

A split is kept as a folder of tab-separated (user, item) files: train.tsv, valid.tsv (if it has rows), test.tsv, and
candidates.txt, split.json. Valid and test ask each (user, item) once and never one of an earlier part, because a list
does not show what its user has met.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from engine import atomic
from engine.errors import DataError

Protocol = Literal["time", "leave-one-out", "random", "cold-item", "cold-user"]

_PAIR = ["user_id", "item_id"]
_SCHEMA = {"user_id": pl.String, "item_id": pl.String, "value": pl.Float32, "time": pl.Int64}
_PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Split:
    """Three parts with the columns user_id, item_id, value, time; users grouped, oldest event first within a user."""

    train: pl.DataFrame
    valid: pl.DataFrame
    test: pl.DataFrame
    candidates: list[str] | None
    """The items that a list may show; None means the whole catalogue."""
    protocol: str
    seed: int


def split(
    interactions: pl.DataFrame, protocol: Protocol, *, test_share: float = 0.1, valid_share: float = 0.1, seed: int = 0
) -> Split:
    """Cut interactions (user_id, item_id, value, time; sorted by time within a user) by a protocol.

    - time: the last `test_share` of each user's events is test, `valid_share` before it valid; events of one second
      are ordered by item id (a table without any times keeps its order); a user's first event is always train
    - leave-one-out: the last event is test, the one before it valid if the user has three, the rest train
    - random: like time, with each user's events in random order
    - cold-item: all events of a `test_share` of the items are test, of a further `valid_share` valid; only the test
      items are candidates
    - cold-user: the same by users, so that nothing is known of those in test

    Raises DataError where the shares leave no room for training.
    """
    if not (0 < test_share < 1 and 0 <= valid_share < 1 and test_share + valid_share < 1):
        raise DataError(f"test_share {test_share} and valid_share {valid_share} must leave a share for training")
    candidates = None
    match protocol:
        case "time" | "leave-one-out":
            interactions = _in_order(interactions)
            part = _tail(interactions, protocol, test_share, valid_share)
        case "random":
            part = _shuffled_tail(interactions, test_share, valid_share, seed)
        case "cold-item":
            part, candidates = _cold(interactions, "item_id", test_share, valid_share, seed)
        case "cold-user":
            part, _ = _cold(interactions, "user_id", test_share, valid_share, seed)
    train, valid, test = (interactions.filter(part == number) for number in range(3))
    valid = _new(valid, train)
    test = _new(test, pl.concat([train, valid]))
    return Split(train, valid, test, candidates, protocol, seed)


def refuse_empty(made: Split) -> None:
    """Raise DataError where nothing is left to learn from, or nothing to ask."""
    for part, what in ((made.train, "to train on"), (made.test, "to test with")):
        if part.is_empty():
            raise DataError(
                f"the {made.protocol} split leaves no interaction {what}: there are too few; "
                "bring more, or change split, test_share or valid_share in [evaluation]"
            )


def fingerprint(made: Split) -> str:
    """SHA-256 of the pairs of each part, in their order, and of the candidates."""
    digest = hashlib.sha256()
    for name in _PARTS:
        digest.update(f"{name}\n".encode() + getattr(made, name).select(_PAIR).write_csv(separator="\t").encode())
    digest.update(json.dumps(made.candidates).encode())
    return digest.hexdigest()


def write(made: Split, folder: Path) -> None:
    """Write the folder, atomically. Values and times are not kept; `read_folder` takes them from the interactions.

    A split without `candidates` lists every item it has, and says in split.json that the whole catalogue is meant.
    Raises DataError for an id that a tab-separated line cannot hold.
    """
    parts = {name: getattr(made, name).select(_PAIR) for name in _PARTS}
    together = pl.concat(parts.values())
    for column in _PAIR:
        broken = together.filter(pl.col(column).str.contains(r"[\t\r\n]"))
        if len(broken):
            raise DataError(f"{column} {broken[column][0]!r} has a tab or a line end; a split folder cannot hold it")
    candidates = _sorted_ids(together["item_id"]) if made.candidates is None else made.candidates
    with atomic.replaced_folder(folder, "split.json") as aside:
        for name, pairs in parts.items():
            if len(pairs) or name != "valid":
                pairs.write_csv(aside / f"{name}.tsv", include_header=False, separator="\t", quote_style="never")
        (aside / "candidates.txt").write_text("".join(f"{item}\n" for item in candidates), encoding="utf-8")
        facts = {
            "protocol": made.protocol,
            "candidates": len(candidates),
            "whole_catalogue": made.candidates is None,
            "seed": made.seed,
        }
        (aside / "split.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


def read(folder: Path) -> Split:
    """Read a split folder as it is: every value is 1 and every time 0. Raises DataError naming the file at fault."""
    return read_folder(folder, pl.DataFrame(schema=_SCHEMA))


def read_folder(folder: Path, interactions: pl.DataFrame) -> Split:
    """Read a split folder and give its pairs the value and time that `interactions` has for them.

    A pair that repeats takes the values of its events in turn. One without a match keeps value 1 and time 0. The order
    of the file stands within a user where times tie or are absent. Raises DataError naming the file at fault.
    """
    facts = _read_facts(folder / "split.json")
    events = interactions.select(*_PAIR, "value", "time", nth=pl.int_range(pl.len()).over(_PAIR))
    train, valid, test = (_joined(_read_pairs(folder, name), events) for name in _PARTS)
    candidates = None
    if not facts.get("whole_catalogue", False):
        candidates = _read_lines(folder / "candidates.txt")
    return Split(train, valid, test, candidates, str(facts["protocol"]), int(facts["seed"]))


def _in_order(interactions: pl.DataFrame) -> pl.DataFrame:
    """Users grouped, events by time; events of one second by item id, or as they stand if no event has a time."""
    if interactions["time"].n_unique() <= 1:
        return interactions.sort("user_id", maintain_order=True)
    return interactions.sort("user_id", "time", _id_key("item_id", interactions["item_id"]), maintain_order=True)


def _id_key(column: str, ids: pl.Series) -> pl.Expr:
    """Sort key of ids: by number when all are whole numbers, else by letter."""
    numbers = ids.cast(pl.Int64, strict=False)
    return pl.col(column) if numbers.has_nulls() else pl.col(column).cast(pl.Int64)


def _sorted_ids(ids: pl.Series) -> list[str]:
    column = ids.unique().alias("id").to_frame()
    return column.sort(_id_key("id", column["id"]), "id")["id"].to_list()


def _tail(interactions: pl.DataFrame, protocol: Protocol, test_share: float, valid_share: float) -> pl.Series:
    """The part (0 train, 1 valid, 2 test) of each row, for rows that are in order within their user."""
    place = interactions.select(place=pl.int_range(pl.len()).over("user_id"))["place"].to_numpy()
    total = interactions.select(total=pl.len().over("user_id"))["total"].to_numpy().astype(np.int64)
    if protocol == "leave-one-out":
        first_test = np.maximum(total - 1, 1)
        first_valid = np.where(total >= 3, total - 2, first_test)
    else:
        first_test = np.maximum(((1 - test_share) * total).astype(np.int64), 1)
        first_valid = np.maximum(((1 - test_share - valid_share) * total).astype(np.int64), 1)
    return pl.Series((place >= first_valid).astype(np.int8) + (place >= first_test))


def _shuffled_tail(interactions: pl.DataFrame, test_share: float, valid_share: float, seed: int) -> pl.Series:
    order = np.random.default_rng(seed).permutation(len(interactions))
    part = np.empty(len(interactions), np.int8)
    part[order] = _tail(interactions[order], "random", test_share, valid_share).to_numpy()
    return pl.Series(part)


def _cold(
    interactions: pl.DataFrame, column: str, test_share: float, valid_share: float, seed: int
) -> tuple[pl.Series, list[str]]:
    """The part of each row by the group of its item or user, and the ids of the test group."""
    ids = np.array(_sorted_ids(interactions[column]), dtype=object)
    rng = np.random.default_rng(seed)
    test = np.sort(rng.choice(len(ids), int(test_share * len(ids)), replace=False))
    rest = np.setdiff1d(np.arange(len(ids)), test)
    valid = rng.choice(rest, int(valid_share * len(ids)), replace=False)
    group = np.zeros(len(ids), np.int8)
    group[valid], group[test] = 1, 2
    groups = pl.DataFrame({column: ids.tolist(), "part": group}, schema={column: pl.String, "part": pl.Int8})
    return interactions.join(groups, on=column, maintain_order="left")["part"], ids[test].tolist()


def _new(part: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The pairs that `before` does not have, each once."""
    return part.unique(_PAIR, keep="first", maintain_order=True).join(
        before, on=_PAIR, how="anti", maintain_order="left"
    )


def _joined(pairs: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The pairs with value and time, users grouped and sorted by time; the order of the file decides ties."""
    numbered = pairs.with_columns(nth=pl.int_range(pl.len()).over(_PAIR))
    table = numbered.join(events, on=[*_PAIR, "nth"], how="left", maintain_order="left").select(
        *_PAIR, pl.col("value").fill_null(1).cast(pl.Float32), pl.col("time").fill_null(0).cast(pl.Int64)
    )
    return table.sort("user_id", "time", maintain_order=True)


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; is {path.parent} a split folder?") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from None
    if not isinstance(facts, dict) or not {"protocol", "seed"} <= facts.keys():
        raise DataError(f"{path}: expected an object with protocol and seed")
    return facts


def _read_pairs(folder: Path, name: str) -> pl.DataFrame:
    """The (user, item) lines of a part; no file of valid means no rows of it."""
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(_PAIR, pl.String)
    path = folder / f"{name}.tsv"
    if name == "valid" and not path.exists():
        return pl.DataFrame(schema=schema)
    try:
        pairs = pl.read_csv(
            path, has_header=False, separator="	", schema=schema, quote_char=None, raise_if_empty=False
        )
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; is {folder} a split folder?") from None
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: every line must be a user, a tab and an item: {error}") from None
    if holes := pairs.null_count().sum_horizontal()[0]:
        raise DataError(f"{path}: every line must be a user, a tab and an item; {holes} are missing")
    return pairs


def _read_lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").split("\n") if line]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}") from None
