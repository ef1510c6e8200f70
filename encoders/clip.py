"""The CLIP family: words and pictures in one space (Radford et al. 2021), through open_clip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import nn

from encoders.base import Vectors
from encoders.errors import EncoderError
from encoders.heads import DIM, FOLDER, HEADS, load_heads
from encoders.image import BATCH, LITE0_SHA256, load_lite0, pixels
from encoders.text import MAX_TOKENS, MINILM_SHA256, by_length, minilm_folder
from encoders.weights import folder_hash, no_progress_bar, unit

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Tower(Generic[Thing]):
    """One side of a CLIP model: an encoder whose vectors can be compared with those of the other side."""

    name: str
    dim: int
    fingerprint: str
    run: Callable[[Sequence[Thing]], Vectors]

    def encode(self, batch: Sequence[Thing]) -> Vectors:
        """(n, dim) unit rows; a blank text is a row of zeros."""
        return self.run(batch)


class ClipModel:
    """An open_clip model: `text` and `image` are encoders into the same space, of `dim` numbers."""

    text: Tower[str]
    image: Tower[Image.Image]

    def __init__(
        self,
        name: str,
        fingerprint: str,
        model: Any,
        tokenize: Callable[[list[str]], torch.Tensor],
        pixels: Callable[[Sequence[Image.Image]], torch.Tensor],
    ) -> None:
        """`model` has encode_text and encode_image; `tokenize` and `pixels` make what these take, (n, ...)."""
        self.model = model.eval()
        self.tokenize, self._pixels = tokenize, pixels
        self.dim = int(self._texts(["a"]).shape[1])
        self.text = Tower(name, self.dim, f"{fingerprint}/text", lambda batch: by_length(batch, self.dim, self._texts))
        self.image = Tower(name, self.dim, f"{fingerprint}/image", self._pictures)

    @torch.inference_mode()
    def _texts(self, texts: list[str]) -> Vectors:
        return np.asarray(self.model.encode_text(self.tokenize(texts)).numpy(), np.float32)

    @torch.inference_mode()
    def _pictures(self, batch: Sequence[Image.Image]) -> Vectors:
        chunks = [batch[at : at + BATCH] for at in range(0, len(batch), BATCH)]
        rows = [self.model.encode_image(self._pixels(chunk)).numpy() for chunk in chunks]
        return unit(np.concatenate(rows)) if rows else np.zeros((0, self.dim), np.float32)


def weft_small(folder: Path = FOLDER) -> ClipModel:
    """Weft's own small model: EfficientNet-Lite0 and MiniLM with the heads trained by `encoders.tune` in `folder`.

    Without a folder, the heads that come along. Raises EncoderError for heads that are missing or not what their
    .json says.
    """
    heads = load_heads(folder)
    model, tokenize = untrained_weft_small()
    model.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in heads.tensors.items()}, strict=False)
    return ClipModel("weft-small", f"weft-small/{_trunks()}-{heads.fingerprint}", model, tokenize, pixels)


def untrained_weft_small(seed: int = 0) -> tuple[nn.Module, Callable[[list[str]], torch.Tensor]]:
    """The open_clip model (CustomTextCLIP) with both trunks' own weights and random heads, and its tokenizer."""
    from open_clip.model import CustomTextCLIP
    from transformers import AutoTokenizer

    minilm = minilm_folder()
    with no_progress_bar(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: nn.Module = CustomTextCLIP(
            embed_dim=DIM,
            vision_cfg={"timm_model_name": "tf_efficientnet_lite0", "timm_pool": "avg", "timm_proj": "linear"},
            text_cfg={"hf_model_name": str(minilm), "hf_pooler_type": "mean_pooler", "hf_proj_type": "linear"},
        )
        tokenizer = AutoTokenizer.from_pretrained(minilm, local_files_only=True)
    load_lite0(model.visual.trunk)  # type: ignore[arg-type, union-attr]  # torch types modules loosely

    def tokenize(texts: list[str]) -> torch.Tensor:  # padded to the longest, not to 77 as open_clip does: faster
        tokens = tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        ids: torch.Tensor = tokens["input_ids"]
        return ids

    return model.eval(), tokenize


def _trunks() -> str:
    return f"{LITE0_SHA256[:8]}-{MINILM_SHA256[:8]}"


def from_folder(folder: Path, name: str) -> ClipModel:
    """Any open_clip model, from a folder with open_clip_config.json and one *.safetensors; EncoderError if it is not.

    What the hub calls `org/model` is such a folder once it is fetched.
    """
    import open_clip

    weights = sorted(folder.glob("*.safetensors"))
    if not (folder / "open_clip_config.json").is_file() or not weights:
        raise EncoderError(
            f"{folder}: an open_clip model has open_clip_config.json and a .safetensors; "
            f"weft-small has {HEADS}.safetensors and {HEADS}.json"
        )
    preferred = [path for path in weights if path.stem in ("open_clip_model", "open_clip_pytorch_model")]
    place = f"local-dir:{folder}"
    try:
        with no_progress_bar():
            # Loaded here by name: left to itself, open_clip may prefer a pickle that lies beside.
            model, _, transform = open_clip.create_model_and_transforms(
                place, load_weights=False, pretrained_text=False
            )
            open_clip.load_checkpoint(model, str((preferred or weights)[0]), weights_only=True)
            tokenizer = open_clip.get_tokenizer(place)
    except (RuntimeError, OSError, ValueError, TypeError, KeyError) as error:
        raise EncoderError(f"{folder}: open_clip cannot use it ({str(error).splitlines()[0][:200]})") from None

    def stacked(pictures: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([transform(picture) for picture in pictures])

    return ClipModel(name, f"open-clip/{folder_hash(folder)[:16]}", model, tokenizer, stacked)
