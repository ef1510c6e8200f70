"""Queries as vectors: beside the texts of items by the text encoder, beside their pictures by a model of both."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

import encoders
from encoders import Encoder, Vectors
from encoders.heads import FOLDER, SmallHeads
from encoders.modality import Modality as Opened
from encoders.modality import open_modality, wordless
from encoders.queries import QUERIES, QueryHead, load_query_head
from engine.config import Encoders, Modality
from engine.search.dense import Floor

SMALL, TRUNK = "weft-small", "efficientnet-lite0"
"""Weft's own model of words and pictures, and the image encoder whose vectors its heads take."""
MULTILINGUAL = "multilingual"
"""The text encoder that reads what MiniLM does not."""
OTHER_SCRIPT = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]")
"""A letter that is not Latin: MiniLM, which weft-small reads English with, does not know it."""


SMALL_OTHERS = "weft-small, many languages"
"""Its head for what is not English has cosines of its own."""
FLOORS = {MULTILINGUAL: Floor(0.2, 0.2), SMALL: Floor(0.3, 0.45), SMALL_OTHERS: Floor(0.35, 0.55)}
"""Letters typed at random reach .18 and .43 at best; what is meant has .3 and .6 or more (medians on the shop). Chinese
characters at random reach .44 with the head for many languages (median), titles .69, colours with kinds .74."""


@dataclass(frozen=True)
class QueryEncoders:
    """The models that a query needs; each is opened when it is first needed, and kept."""

    settings: Encoders
    modalities: Mapping[str, Modality] = field(default_factory=dict)

    def by_meaning(self, query: str) -> Vectors | None:
        """(dim,) in the space of the items' text vectors; None where the text encoder is switched off."""
        if not self.settings.text:
            return None
        found = self.text.encode([query])
        return np.asarray((self._query_head(found) if self._moves_queries else found)[0])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim) in the space of the items' texts; only where the text encoder is not switched off."""
        return np.asarray(self.text.encode(texts))

    def by_look(self, query: str) -> Vectors | None:
        """(dim,) in the space that `pictures` gives; None where no model reads this query."""
        if encoders.tuned_images(self.settings.image):  # reads no words
            return None
        if self.settings.image not in ("", TRUNK):
            return np.asarray(self._clip_text.encode([query])[0])
        if not self.settings.image or not self.settings.clip:
            return None
        if OTHER_SCRIPT.search(query):
            return self._by_other_words(query)
        return np.asarray(self._heads.text(self._minilm.encode([query]))[0])

    def _by_other_words(self, query: str) -> Vectors | None:
        """(dim,) of a query that is not English; None for heads that read English only."""
        if not self._heads.reads_many_languages:
            return None
        return np.asarray(self._heads.multilingual(self._multilingual.encode([query]))[0])

    def by_modality(self, query: str) -> dict[str, Vectors]:
        """(dim,) each, by name, in the spaces of the further modalities that are searched by, where words stand too."""
        return {name: np.asarray(one.encode([query])[0]) for name, one in self.modality_words.items()}

    @cached_property
    def modality_words(self) -> dict[str, Encoder[str]]:
        """By name, what puts words into the space of each further modality that is searched by; none of the others."""
        wanted = [name for name, one in self.modalities.items() if one.search and not wordless(one.encoder)]
        found = {name: self.modality(name).words for name in wanted}
        return {name: words for name, words in found.items() if words}

    def modality(self, name: str) -> Opened:
        """The encoder of a further modality."""
        if name not in self._opened:
            self._opened[name] = open_modality(self.modalities[name].encoder)
        return self._opened[name]

    @cached_property
    def _opened(self) -> dict[str, Opened]:
        return {}

    def picture(self, picture: Image.Image) -> Vectors:
        """(dim,) in the space of the items' picture vectors; only where the image encoder is not switched off."""
        return np.asarray(self.image.encode([picture])[0])

    def pictures(self, vectors: Vectors) -> Vectors:
        """(items, dim) the items' picture vectors in the space where queries are compared with them."""
        return self._heads.image(vectors) if self.settings.image == TRUNK else vectors

    @cached_property
    def text(self) -> Encoder[str]:
        """The encoder of texts, of items and of queries."""
        return encoders.open_text(self.settings.text, self.settings.passages)

    @cached_property
    def image(self) -> Encoder[Image.Image]:
        """The encoder of the items' pictures."""
        return encoders.open_image(self.settings.image)

    @cached_property
    def _minilm(self) -> Encoder[str]:
        return self.text if self.settings.text == "minilm" else encoders.open_text("minilm")

    @cached_property
    def _multilingual(self) -> Encoder[str]:
        return self.text if self.settings.text == MULTILINGUAL else encoders.open_text(MULTILINGUAL)

    @cached_property
    def _heads(self) -> SmallHeads:
        name = self.settings.clip
        return encoders.weft_small_heads(None if name == SMALL else Path(name))

    @property
    def _moves_queries(self) -> bool:
        return bool(self.settings.queries) and self.settings.text == MULTILINGUAL

    @cached_property
    def _query_head(self) -> QueryHead:
        name = self.settings.queries
        return load_query_head(FOLDER if name == QUERIES else Path(name))

    @cached_property
    def _clip_text(self) -> Encoder[str]:
        # Every image encoder but the trunk is one side of a model whose other side reads texts.
        return encoders.open_clip(self.settings.image).text
