"""Grocery Store (Klasson, Zhang, Kjellström, WACV 2019): 81 products, each with a picture, a text and a category."""

from pathlib import Path, PurePosixPath

import polars as pl

from engine.errors import DataError
from engine.importers import folder
from engine.importers.folder import Summary
from engine.tables import columns
from engine.tables.readers import read_table

_NAME, _NUMBER = "Class Name (str)", "Class ID (int)"
_PICTURE, _DESCRIPTION = "Iconic Image Path (str)", "Product Description Path (str)"


def convert(source: Path, out: Path) -> Summary:
    """Write the folder `out` from classes.csv of `source` and the clean pictures and descriptions that it names.

    A fine class is an item. Nobody chose anything, so there are no interactions: it is a catalogue to search. The
    photographs of train, val and test are no items and are left out. Pictures stay where they are.
    """
    wanted = (_NAME, _NUMBER, _PICTURE, _DESCRIPTION)
    table = read_table(source / "classes.csv", wanted)
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise DataError(f"{table.name}: there is no column `{missing[0]}`; the columns are: {', '.join(table.columns)}")
    given = {name: columns.texts(table.frame[name]).to_list() for name in wanted}
    # Paths start with a slash, but mean the folder of the data set.
    pictures = [path.lstrip("/") for path in given[_PICTURE]]
    items = pl.DataFrame(
        {
            "item_id": given[_NUMBER],
            "title": [name.replace("-", " ") for name in given[_NAME]],
            "description": [_description(source, path.lstrip("/")) for path in given[_DESCRIPTION]],
            "image": pictures,
            "category": [_category(path) for path in pictures],
        }
    )
    data = {
        "image_root": folder.image_root(source, out),
        "title": "title",
        "text": ["title", "description"],
        "image": "image",
        "category": "category",
    }
    title = "Grocery Store: products with a picture, a description and a category."
    return folder.write(out, title, {"items": items}, data, table.rejects)


def _description(source: Path, name: str) -> str:
    path = (source / name).resolve()
    return folder.text(source, name).strip() if path.is_relative_to(source.resolve()) and path.is_file() else ""


def _category(picture: str) -> str:
    """`iconic-images-and-descriptions/Fruit/Apple/Golden-Delicious/…_Iconic.jpg` is in Fruit > Apple."""
    return " > ".join(part.replace("-", " ") for part in PurePosixPath(picture).parts[1:3])
