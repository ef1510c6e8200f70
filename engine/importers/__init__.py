"""Data sets as folders that `weft build` takes: parquet tables and a commented weft.toml."""

from collections.abc import Callable

from engine.importers import grocery, kgat, movielens, recbole, table
from engine.importers.folder import Summary

IMPORTERS: dict[str, Callable[..., Summary]] = {
    "movielens": movielens.convert,
    "kgat": kgat.convert,
    "grocery": grocery.convert,
    "recbole": recbole.convert,
    "table": table.convert,
}
"""By name: `convert(source, out, ...)`. To add one, write its file and name it here."""

__all__ = ["IMPORTERS", "Summary"]
