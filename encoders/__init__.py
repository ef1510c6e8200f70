"""Encoders: text, pictures, sound and films in, unit vectors out, each content encoded once."""

from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from encoders.base import Encoder, Networked, Vectors
from encoders.errors import ContentError, EncoderError, PictureError
from encoders.store import EmbeddingStore, Encoded

if TYPE_CHECKING:
    from encoders.clip import ClipModel
    from encoders.heads import SmallHeads

__all__ = [
    "FEW", "ContentError", "EmbeddingStore", "Encoded", "Encoder", "EncoderError", "Networked", "PictureError",
    "Vectors", "open_clip", "open_image", "open_text", "tuned_images", "weft_small_heads",
]  # fmt: skip

FEW = 2000
"""Things that are too few for a trial of fast ways to pay for itself."""
TUNED_FILE = "weft-images.safetensors"
"""By which a directory is that of a tuned image encoder."""
ADAPTER_FILE = "adapter_config.json"
"""By which a directory is that of an adapter, of a text encoder or of a CLIP model."""
# torch, timm, transformers and open_clip load only when an encoder is opened.


def open_text(spec: str, passages: bool = False) -> Encoder[str]:
    """A text encoder: `multilingual`, `minilm`, a directory (also of an adapter that `encoders.tune_text` wrote), or a
    hub id. With `passages` all of a long text is read, where an encoder would stop after 256 tokens; `multilingual`
    reads all anyway. Raises EncoderError, which names these.
    """
    from encoders import text

    if spec == "multilingual":
        return text.MultilingualEncoder()
    from encoders.bert import BertEncoder

    if (Path(spec) / ADAPTER_FILE).is_file() and spec:
        from encoders.adapters import base_of

        return BertEncoder(_bert_folder(base_of(Path(spec))), spec, Path(spec), passages)
    return BertEncoder(_bert_folder(spec), spec, passages=passages)


def _bert_folder(spec: str) -> Path:
    from encoders import text
    from encoders.weights import model_folder

    if spec == "minilm":
        return text.minilm_folder()
    return model_folder(spec, "`multilingual` (zh, en and 14 more), `minilm` (English)")


def open_image(spec: str) -> Encoder[Image.Image]:
    """An image encoder: `efficientnet-lite0`, a directory that `encoders.tune_images` wrote, or the picture side of
    what `open_clip` opens. Raises EncoderError.
    """
    from encoders import image

    if spec == "efficientnet-lite0":
        return image.TrunkEncoder()
    if tuned_images(spec):
        from encoders.tuned import TunedEncoder

        return TunedEncoder(Path(spec))
    return _open_clip(spec, "`efficientnet-lite0`, `weft-small`").image


def tuned_images(spec: str) -> bool:
    """Is this the directory of an image encoder that `encoders.tune_images` wrote? It reads pictures only, no words."""
    return bool(spec) and (Path(spec) / TUNED_FILE).is_file()


def open_clip(spec: str) -> "ClipModel":
    """Encoders `.text` and `.image` in one space: `weft-small` (English); a directory or a hub id of an open_clip model
    or of CLIP, Chinese-CLIP or SigLIP in transformers; or a directory of weft-small's heads trained by `encoders.tune`,
    or of an adapter that `encoders.tune_clip` wrote. Raises EncoderError.
    """
    return _open_clip(spec, "`weft-small`")


def weft_small_heads(folder: Path | None = None) -> "SmallHeads":
    """What brings vectors that one has of `minilm` and `efficientnet-lite0` into weft-small's space, by `.text` and
    `.image`, without opening the model. `folder` has heads of one's own, as for `open_clip`. Raises EncoderError.
    """
    from encoders import heads

    return heads.load_heads(folder or heads.FOLDER)


def _open_clip(spec: str, known: str) -> "ClipModel":
    from encoders import clip, heads
    from encoders.weights import model_folder

    if spec == "weft-small":
        return clip.weft_small()
    if spec and (Path(spec) / ADAPTER_FILE).is_file():
        from encoders.clip_adapters import open_adapted

        return open_adapted(Path(spec))
    folder = model_folder(spec.removeprefix("hf-hub:"), known)
    if (folder / f"{heads.HEADS}.safetensors").is_file():
        return clip.weft_small(folder)
    return clip.from_folder(folder, Path(spec).name)
