"""Adapters of a CLIP model (clip.py): apart from the base, merged into it for use, several on one base, or exported."""

import json
import shutil
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from torch import nn

import encoders
from encoders.adapters import Switched, base_of, loaded, merged, one_base
from encoders.clip import OPEN_CLIP, AsOpenClip, ClipModel
from encoders.errors import EncoderError
from encoders.heads import HEADS
from encoders.weights import HUB_FILES, first_line, folder_hash, model_folder, save_aside

FACTS = "weft-clip.json"
"""What is known of a tuning, with the fingerprint of its base."""
BASE_PRINT = "base fingerprint"
TARGETS = (
    r"(?!.*attnpool)(.*\.(q_proj|v_proj|query|value|qkv|fc1|fc2|c_fc|c_proj)"
    r"|.*trunk\.blocks\.[456]\..*\.conv_pwl?|.*trunk\.conv_head)"
)
"""Names of what LoRA learns beside: queries and values of attention in transformers and timm, the feed-forward part of
CLIP's own layers, the pointwise convolutions of EfficientNet-Lite0's late half. Not open_clip's own attention: peft
adds to its weights for each step and subtracts after, which moves the base by rounding, and has no AdaLoRA for it."""


def inner(clip: ClipModel) -> Any:
    """What an adapter is of: of transformers the model itself, so that peft reads the adapter there too."""
    return clip.model.model if isinstance(clip.model, AsOpenClip) else clip.model


def open_base(spec: str) -> ClipModel:
    """A model to put adapters on. Raises EncoderError for one that is an adapter itself."""
    if spec and (Path(spec) / encoders.ADAPTER_FILE).is_file():
        raise EncoderError(f"{spec} is an adapter: export it (encoders.clip_adapters.export), and name what comes out")
    return encoders.open_clip(spec)


def open_adapted(folder: Path) -> ClipModel:
    """The base with the adapter of a folder in its weights.

    Raises EncoderError for a folder that `encoders.tune_clip` did not write, is damaged, or of another base.
    """
    facts = _facts(folder)
    base = open_base(base_of(folder))
    _refuse_other(folder, facts, base)
    merged(inner(base), folder)  # in place
    return ClipModel(folder.name, _fingerprint(base, folder), base.model, base.tokenize, base.pixels)


def export(folder: Path, out: Path) -> None:
    """Write the merged model into an empty directory, as one of its family that knows nothing of adapters.

    Raises EncoderError for weft-small, whose trunks lie in packages.
    """
    spec, clip = base_of(folder), open_adapted(folder)
    if spec == HEADS or (Path(spec) / f"{HEADS}.safetensors").is_file():
        raise EncoderError(f"{folder}: weft-small's trunks lie in packages, no directory holds them; keep the adapter")
    source = model_folder(spec.removeprefix("hf-hub:"), "a base")
    if out.exists() and any(out.iterdir()):
        raise EncoderError(f"{out} is not empty; name another directory")
    beside = [path for pattern in HUB_FILES for path in source.rglob(pattern) if "safetensors" not in path.name]
    for path in beside:
        target = out / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    if (source / OPEN_CLIP).is_file():
        state = {name: tensor.clone().contiguous() for name, tensor in clip.model.state_dict().items()}
        save_aside(state, out / "open_clip_model.safetensors")
    else:
        inner(clip).save_pretrained(out, safe_serialization=True)


class ClipTenants:
    """One CLIP model in memory, and one more for each of its adapters, as `encoders.adapters.Tenants` for texts."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        """Raises EncoderError for adapters of different bases, or none."""
        base = open_base(one_base(folders))
        for folder in folders.values():
            _refuse_other(folder, _facts(folder), base)
        model, lock = loaded(inner(base), folders), Lock()
        self._models = {name: _tenant(base, name, folder, model, lock) for name, folder in folders.items()}

    def __getitem__(self, name: str) -> ClipModel:
        return self._models[name]


def _tenant(base: ClipModel, name: str, folder: Path, model: nn.Module, lock: Lock) -> ClipModel:
    """The base's encoders, run with one of the adapters in `model`."""
    one, fingerprint = copy(base), _fingerprint(base, folder)
    one.fingerprint = fingerprint
    one.text = replace(
        base.text, name=name, fingerprint=f"{fingerprint}/text", network=Switched(model, name, lock, base.text.network)
    )
    one.image = replace(
        base.image, name=name, fingerprint=f"{fingerprint}/image",
        network=Switched(model, name, lock, base.image.network),
    )  # fmt: skip
    return one


def _fingerprint(base: ClipModel, folder: Path) -> str:
    return f"{base.fingerprint}+{folder_hash(folder)[:16]}"


def _facts(folder: Path) -> dict[str, Any]:
    try:
        read = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{folder}: no adapter of a CLIP model tuned here ({first_line(error)})") from None
    if not isinstance(read, dict):
        raise EncoderError(f"{folder}/{FACTS} is not what encoders.tune_clip writes; tune it again")
    return read


def _refuse_other(folder: Path, facts: dict[str, Any], base: ClipModel) -> None:
    if facts.get(BASE_PRINT) != base.fingerprint:
        raise EncoderError(f"{folder}: tuned on another base than {base_of(folder)} is now; tune it again")
