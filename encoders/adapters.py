"""Adapters of a BERT-family text encoder: what was learned lies apart from the base, and goes into it for use.

LoRA (Hu et al. 2022), AdaLoRA (Zhang et al. 2023), prefixes (Li and Liang 2021) and prompts (Lester et al. 2021), by
peft. An adapter is a folder as peft writes it, adapter_model.safetensors beside adapter_config.json; nothing else of it
is read. LoRA and AdaLoRA can be merged into the base, so that they cost nothing; prefixes and prompts cannot.
"""

import json
import warnings
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from encoders import ADAPTER_FILE as CONFIG
from encoders.errors import EncoderError
from encoders.weights import first_line, folder_hash, no_progress_bar

WEIGHTS = "adapter_model.safetensors"
KINDS = ("lora", "adalora", "prefix", "prompt")
MERGED = ("LORA", "ADALORA")
"""Kinds, as peft calls them, that can go into the base's own weights."""
ATTENTION = ["query", "value"]
"""Of a BERT layer, what LoRA learns beside."""


def adapted(model: nn.Module, kind: str, rank: int = 8, steps: int = 100, targets: str | list[str] = ATTENTION) -> Any:
    """A peft model around a BERT of transformers, or around what has the `targets`, in which only the adapter learns.

    `targets` are what LoRA learns beside: last parts of names, or a pattern of names. `rank` is of the matrices of
    LoRA, and the number of places of a prefix or a prompt; `steps` is how many AdaLoRA spends its ranks over. Raises
    EncoderError for another kind.
    """
    import peft

    config: Any
    task = "FEATURE_EXTRACTION"
    if kind == "lora":
        config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=targets, task_type=task)
    elif kind == "adalora":
        # Begins with half as many ranks again, and spends from a fifth to three fifths of the steps on choosing.
        config = peft.AdaLoraConfig(
            init_r=rank + rank // 2, target_r=rank, tinit=steps // 5, tfinal=2 * steps // 5, deltaT=1,
            total_step=steps, lora_alpha=2 * rank, target_modules=targets, task_type=task,
        )  # fmt: skip
    elif kind == "prefix":
        config = peft.PrefixTuningConfig(num_virtual_tokens=rank, task_type=task)
    elif kind == "prompt":
        config = peft.PromptTuningConfig(num_virtual_tokens=rank, task_type=task)
    else:
        raise EncoderError(f"no adapter {kind!r}; the kinds are {', '.join(KINDS)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of future versions of its own parts
        return peft.get_peft_model(model, config)


def merged(model: nn.Module, folder: Path) -> nn.Module:
    """The base with the adapter of a folder in its weights. Raises EncoderError for what cannot go there."""
    kind = _kind(folder)
    if kind not in MERGED:
        raise EncoderError(f"{folder}: an adapter of kind {kind} cannot be merged into its base; tune with LoRA")
    whole: nn.Module = loaded(model, {"adapter": folder}).merge_and_unload()
    return whole


def base_of(folder: Path) -> str:
    """The encoder that an adapter was tuned on, by name or directory, as its configuration says."""
    name = _config(folder).get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise EncoderError(f"{folder}/{CONFIG} names no base (base_model_name_or_path); tune it again")
    return name


def one_base(folders: Mapping[str, Path]) -> str:
    """The base that all adapters are of. Raises EncoderError for adapters of different bases, or none."""
    bases = {base_of(folder) for folder in folders.values()}
    if len(bases) != 1:
        raise EncoderError(f"adapters of one base are needed, not of {len(bases)}: {', '.join(sorted(bases))}")
    return bases.pop()


class Tenants:
    """One base in memory, and an encoder for each of its adapters: of a shop, a language, a season.

    `encoders["name"]` gives that of one adapter. They may be asked from several threads; one is answered at a time.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        """Raises EncoderError for adapters of different bases, or none."""
        from encoders import open_text
        from encoders.bert import BertEncoder, Pooled

        base = open_text(one_base(folders))
        if not isinstance(base, BertEncoder):
            raise EncoderError(f"{base.name}: adapters are for encoders of the BERT family")
        model, lock = loaded(base.network.model, folders), Lock()
        self._encoders: dict[str, BertEncoder] = {}
        for name, folder in folders.items():
            encoder = copy(base)
            encoder.name, encoder.fingerprint = name, f"{base.fingerprint}+{folder_hash(folder)[:16]}"
            encoder.network = Pooled(Switched(model, name, lock, model.base_model), base.network.first)
            self._encoders[name] = encoder

    def __getitem__(self, name: str) -> Any:
        return self._encoders[name]


class Switched(nn.Module):
    """A network that several adapters of `model` are in, asked with one of them."""

    def __init__(self, model: Any, name: str, lock: Lock, network: nn.Module) -> None:
        super().__init__()
        self.model, self.name, self.lock, self.network = model, name, lock, network

    def forward(self, **inputs: torch.Tensor) -> Any:
        with self.lock:
            self.model.set_adapter(self.name)
            return self.network(**inputs)


def loaded(model: nn.Module, folders: Mapping[str, Path]) -> Any:
    """A peft model with an adapter for each folder; only safetensors are read."""
    from peft import PeftModel

    wrapped: Any = None
    for name, folder in folders.items():
        _config(folder)
        if not (folder / WEIGHTS).is_file():
            raise EncoderError(f"{folder}: no {WEIGHTS}; tune it again, pickles are not read")
        try:
            with warnings.catch_warnings(), no_progress_bar():
                warnings.simplefilter("ignore", FutureWarning)  # of its own parts
                warnings.filterwarnings("ignore", "The following rank_pattern keys")  # old AdaLoRA's, heeded later
                warnings.filterwarnings("error", ".*missing.*", UserWarning)  # told by a warning only
                if wrapped is None:
                    wrapped = PeftModel.from_pretrained(model, str(folder), name, use_safetensors=True)
                else:
                    found = wrapped.load_adapter(str(folder), name, use_safetensors=True)
                    if found.missing_keys:
                        raise ValueError(f"missing tensors, such as {found.missing_keys[0]}")
        except (RuntimeError, ValueError, TypeError, KeyError, OSError, SafetensorError, UserWarning) as error:
            raise EncoderError(f"{folder}: no adapter of this base ({first_line(error)}); tune it again") from None
    return wrapped.eval()


def _kind(folder: Path) -> str:
    return str(_config(folder).get("peft_type"))


def _config(folder: Path) -> dict[str, Any]:
    try:
        read = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{folder}/{CONFIG} cannot be read ({first_line(error)}); tune it again") from None
    if not isinstance(read, dict) or read.get("auto_mapping"):  # the latter would import what it names
        raise EncoderError(f"{folder}/{CONFIG} is not that of an adapter tuned here; tune it again")
    return read
