"""MovieLens 100K (GroupLens), with the facts (tmdb.jsonl) and posters that stand beside it where there are any."""

from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import DataError
from engine.importers import folder
from engine.importers.folder import Summary
from engine.tables import columns
from engine.tables.readers import REJECTS, read_table

_FLAGS = (
    "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""Genres of u.item, after its first flag, `unknown`."""
_FACTS = (
    "movie_id",
    "release_date",
    "runtime",
    "tagline",
    "overview",
    "genres",
    "companies",
    "countries",
    "languages",
    "collection",
)
_AGES = {18: "18-24", 25: "25-34", 35: "35-44", 45: "45-49", 50: "50-55", 56: "56 and over"}
"""The groups of MovieLens 1M, by their youngest."""
_BUCKET = 15
"""Minutes."""


def convert(source: Path, out: Path) -> Summary:
    """Write the folder `out` from u.data, u.item and u.user of `source`; tmdb.jsonl and posters/ may be absent.

    Ratings of one user in the same second are in order of the number of the film. Posters stay where they are.
    """
    ratings = folder.rows(folder.text(source, "u.data"), "\t", ("user_id", "item_id", "value", "time"))
    order = [pl.col(name).cast(pl.Int64, strict=False) for name in ("user_id", "time", "item_id")]
    interactions = ratings.sort(order).with_columns(
        pl.col("value").cast(pl.Float32, strict=False), pl.col("time").cast(pl.Int64, strict=False)
    )
    facts, rejects = _facts(source)
    tables = {"items": _items(source, facts), "interactions": interactions, "users": _users(source)}
    data = {
        "image_root": folder.image_root(source, out),
        "title": "title",
        "text": ["title", "tagline", "overview"],
        "image": "image",
        "attributes": ["genre", "company", "country", "language", "collection", "year", "decade", "runtime"],
        "numeric": ["release_year", "runtime_minutes"],
        "user_attributes": ["age", "gender", "occupation"],
    }
    return folder.write(
        out, "MovieLens 100K: ratings of films, with what is known of the films.", tables, data, rejects
    )


def _items(source: Path, facts: pl.DataFrame) -> pl.DataFrame:
    """One row a film of u.item, in its order."""
    names = ("item_id", "full_title", "released", "video", "url", "unknown", *_FLAGS)
    films = folder.rows(folder.text(source, "u.item", "latin-1"), "|", names)
    films = films.join(facts, on="item_id", how="left", maintain_order="left")
    flags = pl.concat_list(pl.when(pl.col(flag) == "1").then(pl.lit(flag)) for flag in _FLAGS).list.drop_nulls()
    dated = pl.coalesce(
        pl.col("full_title").str.extract(r"\((\d{4})\)[^()]*(?:\(V\))?\s*$"),
        pl.col("released").str.extract(r"(\d{4})$"),
        pl.col("release_date").str.extract(r"^(\d{4})"),
    )
    posters = [f"posters/{film}.jpg" for film in films["item_id"]]
    films = films.with_columns(
        _title(pl.col("full_title")).alias("title"),
        pl.Series("image", [poster if (source / poster).is_file() else None for poster in posters], dtype=pl.String),
        pl.when(pl.col("genres").list.len() > 0).then("genres").otherwise(flags).alias("genre"),
        dated.alias("year"),
        (dated.str.head(3) + "0s").alias("decade"),
        dated.cast(pl.Float64).alias("release_year"),
    )
    return films.select(
        "item_id", "title", "tagline", "overview", "image",
        *("genre", "company", "country", "language", "collection", "year", "decade", "runtime"),
        *("release_year", "runtime_minutes"),
    )  # fmt: skip


def _title(full: pl.Expr) -> pl.Expr:
    """`Usual Suspects, The (1995)` is The Usual Suspects."""
    bare = full.str.replace(r"\s*\(\d{4}\)\s*(?:\(V\))?\s*$", "")
    return bare.str.replace(r"^(.+), (The|A|An|Il|La|Le|Les|El|Der|Die|Das)$", "$2 $1")


def _facts(source: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Facts of tmdb.jsonl, one row a film, and the lines that cannot be read; no rows without the file."""
    path = source / "tmdb.jsonl"
    rejects = pl.DataFrame(schema=REJECTS)
    if path.is_file():
        table = read_table(path, _FACTS)
        rejects = table.rejects
        missing = set(_FACTS) - set(table.columns)
        if missing:
            raise DataError(
                f"{path}: no film has {', '.join(sorted(missing))}; the facts must have {', '.join(_FACTS)}"
            )
        given = table.frame
    else:
        given = pl.DataFrame(schema=dict.fromkeys(_FACTS, pl.String))
    minutes, _ = columns.numbers(given["runtime"])
    minutes = minutes.set(minutes <= 0, None)
    start = (minutes // _BUCKET * _BUCKET).cast(pl.Int64)
    facts: dict[str, Any] = {
        "item_id": columns.ids(given["movie_id"]),
        "runtime_minutes": minutes,
        "runtime": start.cast(pl.String) + "-" + (start + _BUCKET - 1).cast(pl.String) + " minutes",
    }
    facts |= {name: columns.texts(given[name]) for name in ("release_date", "tagline", "overview")}
    renamed = {"genres": "genres", "companies": "company", "countries": "country", "languages": "language"}
    facts |= {name: columns.lists(given[column]) for column, name in renamed.items()}
    facts["collection"] = columns.lists(given["collection"])
    return pl.DataFrame(facts).unique("item_id", keep="first", maintain_order=True), rejects


def _users(source: Path) -> pl.DataFrame:
    users = folder.rows(folder.text(source, "u.user"), "|", ("user_id", "years", "sex", "occupation", "zip"))
    years = pl.col("years").cast(pl.Int64, strict=False)
    groups = [pl.when(years >= youngest).then(pl.lit(_AGES[youngest])) for youngest in sorted(_AGES, reverse=True)]
    age = pl.coalesce(*groups, pl.when(years < min(_AGES)).then(pl.lit(f"under {min(_AGES)}")))
    gender = pl.col("sex").replace_strict({"F": "female", "M": "male"}, default=None, return_dtype=pl.String)
    return users.select("user_id", age.alias("age"), gender.alias("gender"), "occupation")
