"""Further modalities of an item: which kinds there are, and how a cell of a table becomes a vector of its kind.

An encoder is named `KIND:SPEC`. To add a kind: a file with its encoder, a function below, and its line in KINDS; if its
cells are paths of files, its name in FILES too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import encoders
from encoders.base import Encoder
from encoders.errors import EncoderError
from encoders.store import EmbeddingStore, Encoded, Progress

Cells = Sequence[str | None]
"""Of items, in their order: paths, keys or texts; None where an item has none."""


@dataclass(frozen=True)
class Modality:
    """An opened encoder."""

    encoder: Encoder[Any]
    encoded: Callable[[EmbeddingStore, Cells, Progress | None], Encoded]
    """Vectors of cells, and which of them could not be used, and why."""
    words: Encoder[str] | None = None
    """Puts words into the space of its vectors, so that a query finds them; None where nothing does."""


def open_modality(spec: str) -> Modality:
    """The encoder that is called KIND:SPEC. Raises EncoderError, which names the kinds."""
    kind, _, rest = spec.partition(":")
    if kind not in KINDS or not rest:
        raise EncoderError(f"no encoder {spec!r} of a modality; write KIND:SPEC, where KIND is {', '.join(KINDS)}")
    return KINDS[kind](rest)


def _text(spec: str) -> Modality:
    encoder = encoders.open_text(spec)

    def encoded(store: EmbeddingStore, cells: Cells, progress: Progress | None) -> Encoded:
        return store.texts(encoder, [cell or "" for cell in cells], progress)

    return Modality(encoder, encoded, encoder)


def _image(spec: str) -> Modality:
    from encoders import pictures

    encoder, words = _seen(spec)
    return Modality(encoder, _from_files(encoder, pictures.load, pictures.MAX_BYTES), words)


def _video(spec: str) -> Modality:
    from encoders import media, video

    image, words = _seen(spec)
    encoder = video.FramesEncoder(image)
    return Modality(encoder, _from_files(encoder, media.frames, media.MAX_BYTES), words)


def _audio(spec: str) -> Modality:
    from encoders import audio, audio_model, media
    from encoders.weights import model_folder

    if spec == "log-mel":
        baseline = audio.LogMelEncoder()
        load = partial(media.samples, rate=baseline.rate)
        return Modality(baseline, _from_files(baseline, load, media.MAX_BYTES))
    model = audio_model.from_folder(model_folder(spec, "`log-mel`"), Path(spec).name)
    load = partial(media.samples, rate=model.rate)
    return Modality(model.audio, _from_files(model.audio, load, media.MAX_BYTES), model.text)


def _table(spec: str) -> Modality:
    from encoders.table import TableEncoder

    encoder = TableEncoder(Path(spec))
    return Modality(encoder, lambda store, cells, progress: encoder.encoded(cells))


KINDS: Mapping[str, Callable[[str], Modality]] = {
    "text": _text, "image": _image, "audio": _audio, "video": _video, "table": _table,
}  # fmt: skip
FILES = frozenset({"image", "audio", "video"})
"""Kinds whose cells are paths of files; those of the others are texts and keys."""


def of_files(spec: str) -> bool:
    """Whether the cells of this encoder are paths of files."""
    return spec.partition(":")[0] in FILES


def wordless(spec: str) -> bool:
    """Whether it is known, without opening it, that nothing puts words into its space."""
    kind, _, rest = spec.partition(":")
    return kind == "table" or spec == "audio:log-mel" or (kind in ("image", "video") and _only_seen(rest))


def _only_seen(spec: str) -> bool:
    return spec == "efficientnet-lite0" or encoders.tuned_images(spec)


def _seen(spec: str) -> tuple[Encoder[Any], Encoder[str] | None]:
    """An encoder of pictures, and what reads words in its space."""
    if _only_seen(spec):
        return encoders.open_image(spec), None
    model = encoders.open_clip(spec)
    return model.image, model.text


def _from_files(
    encoder: Encoder[Any], load: Callable[[bytes], Any], max_bytes: int
) -> Callable[[EmbeddingStore, Cells, Progress | None], Encoded]:
    def encoded(store: EmbeddingStore, cells: Cells, progress: Progress | None) -> Encoded:
        return store.files(encoder, [None if cell is None else Path(cell) for cell in cells], load, max_bytes, progress)

    return encoded
