"""Titles and pictures of the items of one engine, by id."""

from pathlib import Path

from engine.engine import Engine
from engine.errors import UnknownIdError

_PICTURES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
}
"""Kinds of pictures that are served; a kind that can hold a script is not among them."""


class Shelf:
    """Titles and pictures of the items of one engine, by id; of a removed one its id."""

    def __init__(self, engine: Engine, uploads: Path | None = None) -> None:
        items = engine.catalogue.items
        self.items = items
        """The table that it was made of."""
        self.ids: list[str] = items["item_id"].to_list()
        """In the order of the catalogue, as are the titles of the list."""
        self.title_list: list[str] = items["title"].to_list()
        self.titles = dict(zip(self.ids, self.title_list, strict=True))
        self._pictures = dict(zip(self.ids, items["image"].to_list(), strict=True))
        roots = (engine.config.data.image_root, *([] if uploads is None else [uploads]))
        self._roots = [root.resolve() for root in roots]

    def has_picture(self, item: str) -> bool:
        return self._pictures.get(item) is not None

    def picture(self, item: str) -> tuple[Path, str]:
        """The file of an item's picture and its media type.

        The path comes from the catalogue, never from a request, and must still be inside data.image_root or the
        folder of the pictures that were sent to the service.
        """
        given = self._pictures.get(item)
        if given is not None:
            path = Path(given).resolve()
            kind = _PICTURES.get(path.suffix.lower())
            if kind is not None and any(map(path.is_relative_to, self._roots)) and path.is_file():
                return path, kind
        raise UnknownIdError(f"there is no picture of item {item!r}")
