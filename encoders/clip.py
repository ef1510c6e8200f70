"""The CLIP family: words and pictures in one space (Radford et al. 2021), through open_clip or transformers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import nn

from encoders.base import PICTURES, TEXTS, Vectors
from encoders.errors import EncoderError
from encoders.heads import DIM, FOLDER, HEADS, SHAPES, load_heads
from encoders.image import LITE0_SHA256, in_order, load_lite0, pixels
from encoders.text import MAX_TOKENS, MINILM_SHA256, by_length, minilm_folder
from encoders.weights import first_line, folder_hash, no_progress_bar

Thing = TypeVar("Thing")
OPEN_CLIP = "open_clip_config.json"
"""The file by which a folder is open_clip's."""


@dataclass(frozen=True)
class Tower(Generic[Thing]):
    """One side of a CLIP model: an encoder whose vectors can be compared with those of the other side."""

    name: str
    dim: int
    fingerprint: str
    kind: str
    network: nn.Module
    inputs: Callable[[Sequence[Thing]], dict[str, torch.Tensor]]
    """What the network takes."""
    gather: Callable[[Sequence[Thing], int, Callable[[list[Thing]], Vectors]], Vectors]

    def encode(self, batch: Sequence[Thing]) -> Vectors:
        """(n, dim) unit rows; a blank text is a row of zeros."""
        return self.batched(batch, self.run)

    def batched(self, batch: Sequence[Thing], run: Callable[[list[Thing]], Vectors]) -> Vectors:
        """(n, dim) unit rows of what `run` gives for a few things."""
        return self.gather(batch, self.dim, run)

    @torch.inference_mode()
    def run(self, things: Sequence[Thing]) -> Vectors:
        """(n, dim) as the network gives them."""
        return np.asarray(self.network(**self.inputs(things)).numpy(), np.float32)


class ClipModel:
    """A model of the family: `text` and `image` are encoders into the same space, of `dim` numbers."""

    text: Tower[str]
    image: Tower[Image.Image]

    def __init__(
        self,
        name: str,
        fingerprint: str,
        model: Any,
        tokenize: Callable[[list[str]], Any],
        pixels: Callable[[Sequence[Image.Image]], torch.Tensor],
    ) -> None:
        """`model` has encode_text and encode_image; `tokenize` and `pixels` make what these take, (n, ...)."""
        self.model = model.eval()
        self.fingerprint, self.tokenize, self.pixels = fingerprint, tokenize, pixels
        reads, looks = _Side(model, "encode_text").eval(), _Side(model, "encode_image").eval()

        def tokens(texts: Sequence[str]) -> dict[str, torch.Tensor]:
            found = tokenize(list(texts))
            return {"x": found} if isinstance(found, torch.Tensor) else dict(found)

        with torch.inference_mode():
            self.dim = int(reads(**tokens(["a"])).shape[1])
        self.text = Tower(name, self.dim, f"{fingerprint}/text", TEXTS, reads, tokens, by_length)
        self.image = Tower(
            name, self.dim, f"{fingerprint}/image", PICTURES, looks, lambda batch: {"x": pixels(batch)}, in_order
        )


class _Side(nn.Module):
    """One side of a model as a network of its own: takes `x`, or what a tokenizer of transformers gives by name."""

    def __init__(self, model: Any, side: str) -> None:
        super().__init__()
        self.model, self.side = model, side

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        given = inputs.get("x", inputs)
        features: torch.Tensor = getattr(self.model, self.side)(given)
        return features


def weft_small(folder: Path = FOLDER) -> ClipModel:
    """Weft's own small model: EfficientNet-Lite0 and MiniLM with the heads trained by `encoders.tune` in `folder`.

    Without a folder, the heads that come along. Raises EncoderError for heads that are missing or not what their
    .json says.
    """
    heads = load_heads(folder)
    model, tokenize = untrained_weft_small()
    trained = {name: torch.from_numpy(tensor) for name, tensor in heads.tensors.items() if name in SHAPES}
    model.load_state_dict(trained, strict=False)
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
    """A model from a folder with *.safetensors: of open_clip, or of transformers (CLIP, Chinese-CLIP, SigLIP).

    What the hub calls `org/model` is such a folder once it is fetched. Raises EncoderError if it is something else.
    """
    if (folder / OPEN_CLIP).is_file():
        return _from_open_clip(folder, name)
    return _from_transformers(folder, name)


def _from_open_clip(folder: Path, name: str) -> ClipModel:
    import open_clip

    weights = sorted(folder.glob("*.safetensors"))
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
        raise EncoderError(f"{folder}: open_clip cannot use it ({first_line(error)})") from None

    def stacked(pictures: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([transform(picture) for picture in pictures])

    return ClipModel(name, f"open-clip/{folder_hash(folder)[:16]}", model, tokenizer, stacked)


class AsOpenClip(nn.Module):
    """A CLIP model of transformers with the methods of open_clip's."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def encode_text(self, tokens: dict[str, torch.Tensor]) -> torch.Tensor:
        features: torch.Tensor = self.model.get_text_features(**tokens).pooler_output  # (n, dim)
        return features

    def encode_image(self, pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.model.get_image_features(pixel_values=pixels).pooler_output  # (n, dim)
        return features


def _from_transformers(folder: Path, name: str) -> ClipModel:
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    try:
        with no_progress_bar():
            model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).float()
            if not hasattr(model, "get_text_features"):
                raise ValueError(f"a {model.config.model_type} has no text beside pictures")
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                folder, local_files_only=True
            )
            longest = min(MAX_TOKENS, int(model.config.text_config.max_position_embeddings))
    except (RuntimeError, OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise EncoderError(
            f"{folder}: no CLIP model ({first_line(error)}); one of open_clip has {OPEN_CLIP}, one of transformers "
            f"config.json, tokenizer and preprocessor_config.json, weft-small {HEADS}.safetensors and {HEADS}.json"
        ) from None
    # SigLIP was trained with every text padded to the full length, and reads its last place.
    padding = "max_length" if model.config.model_type.startswith("siglip") else True

    def tokenize(texts: list[str]) -> Any:
        return tokenizer(texts, padding=padding, truncation=True, max_length=longest, return_tensors="pt")

    def pixels_of(pictures: Sequence[Image.Image]) -> torch.Tensor:
        pixel_values: torch.Tensor = processor(images=list(pictures), return_tensors="pt")["pixel_values"]
        return pixel_values

    return ClipModel(name, f"transformers-clip/{folder_hash(folder)[:16]}", AsOpenClip(model), tokenize, pixels_of)
